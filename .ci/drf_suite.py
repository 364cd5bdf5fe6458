# SPDX-License-Identifier: MIT
"""
Run Django REST framework's own test suite with this project's views in the place of DRF's.

    python .ci/drf_suite.py

takes the source distribution of the installed DRF, which carries the tests, and runs them
twice: as they are, and with every view that they use made an async one. A test that passes as
it is must pass on the async views; each that does not is printed with its traceback, and the
exit status is 1. A test that fails already as it is does not count, and is listed.

It does so at two doors. At the first, DRF's test clients call the views as a WSGI server would.
At the second, Django's ASGI handler serves what the clients ask for, on an event loop, where the
async views are coroutine functions. (A test that calls `view(request)` is the same at both.)

The suite wants pytest, pytest-django and the optional packages of its time: `[tool.tox]` in
`pyproject.toml` has a set that works for each release of DRF.

This file is both the command, which starts pytest, and the plugin that pytest loads.
With `--package` it runs the suite of another package: `suites.py` does so for several.
"""

import argparse
import asyncio
import collections
import filecmp
import functools
import importlib.metadata
import importlib.util
import inspect
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import venv

import django
import pytest
import rest_framework
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.apps.registry import Apps
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import get_path_info
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

HERE = pathlib.Path(__file__).resolve().parent
DRF = "djangorestframework"
DEFAULT_CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")

# What is counted in the swapped run: it proves nothing if the async views were not in use.
ON_OURS = "requests dispatched by the async views"
ON_DRFS = "requests dispatched by DRF's sync views"
NOT_AWAITED = "coroutines never awaited"
ON_EVENT_LOOP = "requests to coroutine functions, by Django's ASGI handler"
MUST_NOT_HAPPEN = (ON_DRFS, NOT_AWAITED)

# Of each door: the options of the plugin, and what must happen in the swapped run.
DOORS = {
    "test client": ([], (ON_OURS,)),
    "ASGI handler": (["--drf-suite-asgi"], (ON_OURS, ON_EVENT_LOOP)),
}


# The command


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("tests", nargs="*", default=["tests"], help="run only these of the suite")
    parser.add_argument("--package", default=DRF, help="run the suite of this package instead")
    parser.add_argument("--add", type=pathlib.Path, help="add the files in this folder to it")
    parser.add_argument("--sdist", type=pathlib.Path, help="use this source distribution")
    parser.add_argument(
        "--cache",
        type=pathlib.Path,
        default=DEFAULT_CACHE / "restflow-generics",
        help="where to keep source distributions (default: %(default)s)",
    )
    parser.add_argument("--markdown", action="store_true", help="print a row of the table too")
    parser.add_argument("--results", type=pathlib.Path, help="write the figures to this file")
    options = parser.parse_args()

    drf_version = importlib.metadata.version(DRF)
    version = importlib.metadata.version(options.package)
    sdist = options.sdist or cached_sdist(options.package, version, options.cache)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        shutil.unpack_archive(sdist, folder)
        (root,) = pathlib.Path(folder).iterdir()
        if options.package == DRF:
            leave_only_the_tests(root)
        if options.add:
            shutil.copytree(options.add, root, dirs_exist_ok=True)
        for door, (arguments, must_happen) in DOORS.items():
            as_it_is = run_suite(root, options.tests, *arguments)
            swapped = run_suite(root, options.tests, *arguments, "--drf-suite-swap")
            print(f"Door: {door}")
            results[door] = compare(as_it_is, swapped, must_happen)

    versions = (django.get_version(), drf_version, platform.python_version())
    if options.results:
        options.results.write_text(json.dumps({"versions": (version, *versions), "doors": results}))
    if options.markdown:
        # All doors are in one row, with three columns each.
        columns = sum(map(figures, results.values()), versions)
        print("| " + " | ".join(map(str, columns)) + " |")
    for door, result in results.items():
        print(
            "Django {}, DRF {}, Python {}, {}: {} passed unswapped, {} passed swapped, "
            "{} regressions".format(*versions, door, *figures(result))
        )
    return 0 if all(map(is_well, results.values())) else 1


def compare(as_it_is, swapped, must_happen):
    """Print what differs, and return it."""
    passed, passed_swapped = names(as_it_is, "passed"), names(swapped, "passed")
    regressions = [name for name in passed if name not in passed_swapped]
    failed = names(as_it_is, "failed")

    print_names("Fails already as it is, and is not counted:", failed)
    print_names("Passes as it is, but not on the async views:", regressions)
    for name in regressions:
        outcome, traceback = swapped["tests"].get(name, ["not run", ""])
        print(f"\n{name}: {outcome}\n{traceback}")

    counts = collections.Counter(swapped["counts"])
    print("Of the run on the async views:")
    for what in must_happen + MUST_NOT_HAPPEN:
        print(f"  {counts[what]} {what}")
    wrong = [what for what in must_happen if not counts[what]]
    wrong += [what for what in MUST_NOT_HAPPEN if counts[what]]
    print_names("It proves nothing, because of the number of", wrong)
    return {
        "failed": failed,
        "passed": passed,
        "passed swapped": passed_swapped,
        "regressions": regressions,
        "wrong": wrong,
    }


def figures(result):
    return tuple(len(result[key]) for key in ("passed", "passed swapped", "regressions"))


def is_well(result):
    return bool(result["passed"] and not result["regressions"] and not result["wrong"])


def cached_sdist(package, version, cache):
    sdist = cache / f"{package}-{version}.tar.gz"
    if sdist.exists():
        return sdist
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        folder = pathlib.Path(folder)
        python = sys.executable
        if importlib.util.find_spec("pip") is None:
            # An environment that uv made has no pip, but Python brings one along.
            venv.create(folder / "venv", with_pip=True)
            python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        command = [python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--no-binary", package, "--dest", folder]
        command += [f"{package}=={version}"]
        subprocess.run(command, check=True)
        (downloaded,) = folder.glob("*.tar.gz")  # its name may have `_` for `-`
        # In one step, as several environments may do this at once.
        os.replace(downloaded, sdist)
    return sdist


def leave_only_the_tests(root):
    # The installed package is the one to be tested. It must be what the tests were made for.
    own = root / "rest_framework"
    installed = pathlib.Path(rest_framework.__file__).parent
    for path in own.rglob("*.py"):
        if not filecmp.cmp(path, installed / path.relative_to(own), shallow=False):
            sys.exit(f"The installed {path.relative_to(root)} differs from the suite's.")
    shutil.rmtree(own)


def run_suite(root, tests, *arguments):
    report = root / "report.json"
    command = [sys.executable, "-m", "pytest", "-p", "drf_suite", "-p", "no:cacheprovider"]
    command += ["--continue-on-collection-errors", "--drf-suite-report", report]
    command += arguments
    path = [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, path)))
    for name in ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS"):
        environment.pop(name, None)  # the suite has its own settings
    run = subprocess.run(
        command + tests,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if run.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.exit(f"{run.stdout}pytest did not run the suite: it ended with {run.returncode}")
    return json.loads(report.read_text())


def names(report, wanted):
    return [name for name, (outcome, _) in report["tests"].items() if outcome == wanted]


def print_names(heading, tests):
    if tests:
        print("\n  ".join([heading] + tests))


# The pytest plugin: the report

TESTS = {}  # the name of each test: its outcome, and the traceback if it failed
COUNTS = collections.Counter()


def pytest_addoption(parser):
    group = parser.getgroup("DRF's suite")
    group.addoption("--drf-suite-report", help="write the outcome of each test to this file")
    group.addoption("--drf-suite-asgi", action="store_true", help="serve by the ASGI handler")
    group.addoption("--drf-suite-swap", action="store_true", help="put the async views in place")


def pytest_runtest_logreport(report):
    # Set-up, call and tear-down report one after the other, and so do subtests: the worst counts.
    severity = ["passed", "skipped", "failed"].index
    outcome, traceback = TESTS.get(report.nodeid, ["passed", ""])
    outcome = max(outcome, report.outcome, key=severity)
    if report.failed:
        traceback += report.longreprtext
    TESTS[report.nodeid] = [outcome, traceback]


def pytest_collectreport(report):
    if report.failed:
        TESTS[report.nodeid] = ["failed", report.longreprtext]


def pytest_warning_recorded(warning_message):
    if "was never awaited" in str(warning_message.message):
        COUNTS[NOT_AWAITED] += 1


def pytest_unconfigure(config):
    path = config.getoption("--drf-suite-report")
    if path:
        pathlib.Path(path).write_text(json.dumps({"tests": TESTS, "counts": COUNTS}))


# The pytest plugin: the swap, and which door


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(early_config):
    # A wrapper comes before pytest-django, which may set Django up next.
    if early_config.known_args_namespace.drf_suite_swap:
        Apps.get_app_configs = swap_and_get_app_configs
    yield


def swap_and_get_app_configs(apps, get_app_configs=Apps.get_app_configs):
    # Once all models are there, Django asks for the apps, to call the `ready` of each. That may
    # be the first to import views: models import none, and models and settings are ours to use.
    if apps.models_ready:
        Apps.get_app_configs = get_app_configs
        count_dispatches()
        put_async_views_in_place()
    return get_app_configs(apps)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session):
    # Django has been set up by now, and no test module is imported yet.
    if session.config.getoption("--drf-suite-asgi"):
        from django.test.client import ClientHandler

        ClientHandler.__call__ = serve_by_asgi
    if session.config.getoption("--drf-suite-swap"):
        assert Apps.get_app_configs is not swap_and_get_app_configs


def count_dispatches():
    # The first thing that either `dispatch` does is to call this method of DRF's.
    from rest_framework.views import APIView

    names_of_modules = [cls.__module__ for cls in all_subclasses(APIView)]
    too_early = [name for name in names_of_modules if not name.startswith("rest_framework.")]
    assert not too_early, f"These modules have imported DRF's views before the swap: {too_early}"

    import restflow_generics

    initialize_request = APIView.initialize_request

    @functools.wraps(initialize_request)
    def counted(view, *args, **kwargs):
        is_ours = isinstance(view, restflow_generics.AsyncAPIView)
        COUNTS[ON_OURS if is_ours else ON_DRFS] += 1
        return initialize_request(view, *args, **kwargs)

    APIView.initialize_request = counted


def all_subclasses(cls):
    return sum((all_subclasses(derived) for derived in cls.__subclasses__()), cls.__subclasses__())


def put_async_views_in_place():
    from rest_framework import decorators, generics, mixins, views, viewsets

    import restflow_generics

    assert pathlib.Path(restflow_generics.__file__).resolve().parent == HERE.parent

    class AsyncViewSet(restflow_generics.AsyncViewSetMixin, restflow_generics.AsyncAPIView):
        pass

    for module in (views, generics, mixins, viewsets):
        for name, drf_class in list(vars(module).items()):
            if inspect.isclass(drf_class) and drf_class.__module__ == module.__name__:
                ours = AsyncViewSet if name == "ViewSet" else None
                setattr(module, name, ours or getattr(restflow_generics, "Async" + name))
    decorators.APIView = views.APIView


# The pytest plugin: the second door


def serve_by_asgi(client_handler, environ):
    """Do what Django's `ClientHandler` does, whose `__call__` this is: return a response."""
    # Sync code of the request runs in this thread, which waits here: `async_to_sync` sees to it.
    # It is the thread of the test, and has the connection with the test's transaction.
    asgi_handler = KeepingASGIHandler(client_handler, environ)
    body = environ["wsgi.input"].read()
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)  # the test goes on using its connection
    try:
        sent = async_to_sync(run_asgi)(asgi_handler, asgi_scope(environ), body)
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
    if asgi_handler.response.streaming:
        asgi_handler.response.streaming_content = sent  # sending it has used it up
    return asgi_handler.response


class KeepingASGIHandler(ASGIHandler):
    """Keeps the response: what the tests look at is more than what a server sends."""

    def __init__(self, client_handler, environ):
        super().__init__()
        self.client_handler, self.environ = client_handler, environ

    async def get_response_async(self, request):
        # Around Django's own work, what the handlers of Django's and DRF's test clients do.
        from django.test.client import conditional_content_removal
        from rest_framework.test import force_authenticate

        client = self.client_handler
        request._dont_enforce_csrf_checks = not client.enforce_csrf_checks
        user, token = (getattr(client, name, None) for name in ("_force_user", "_force_token"))
        force_authenticate(request, user, token)
        # Tests may set what is no header, such as REMOTE_USER, and so is not in the scope.
        request.META = {**self.environ, **request.META}
        response = await super().get_response_async(request)
        view = getattr(request.resolver_match, "func", None)
        COUNTS[ON_EVENT_LOOP] += iscoroutinefunction(view)
        conditional_content_removal(request, response)
        response.wsgi_request = request
        self.response = response
        return response


async def run_asgi(app, scope, body):
    """Send a request to an ASGI application. Return the parts of the body that comes back."""
    to_app, sent = asyncio.Queue(), []

    async def send(message):
        sent.append(message.get("body", b""))

    await to_app.put({"type": "http.request", "body": body})
    # The application goes on listening, for a client that hangs up: this one does not.
    await app(scope, to_app.get, send)
    return sent


def asgi_scope(environ):
    headers = {
        name.replace("HTTP_", "", 1): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return {
        "type": "http",
        "http_version": "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": get_path_info(environ),
        "query_string": environ["QUERY_STRING"].encode("latin1"),
        "headers": [
            (name.replace("_", "-").lower().encode("latin1"), str(value).encode("latin1"))
            for name, value in headers.items()
        ],
        "client": (environ["REMOTE_ADDR"], 0),
        "server": (environ["SERVER_NAME"], environ["SERVER_PORT"]),
    }


if __name__ == "__main__":
    sys.exit(main())
