# SPDX-License-Identifier: MIT
"""
Run the test suites of packages that extend DRF, with this project's views in the place of DRF's.

    python .ci/suites.py
    python .ci/suites.py django-filter drf-yasg

It makes a virtual environment for each package, with its newest release. In there
`drf_suite.py` takes the source distribution, which carries the tests, and runs them as they are
and on the async views, at its two doors: its docstring says how. So this needs nothing but Python
and a package index. At the end stands a Markdown table.

A test that passes as it is must pass on the async views. The exit status is 1 if one does not,
unless the table below says why it cannot.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import venv

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
ENVIRONMENTS = CACHE / "restflow-generics" / "suites"
IN_EACH = ["asgiref>=3.8.1", "djangorestframework", "pytest", "pytest-django"]


# The suites: what each needs


@dataclasses.dataclass
class Suite:
    package: str
    arguments: str = "tests"  # of pytest
    needs: str = ""  # requirements, as pip takes them
    environment: dict = dataclasses.field(default_factory=dict)
    files: dict = dataclasses.field(default_factory=dict)  # what is added to the distribution
    cannot_pass: tuple = ()  # on the async views


# The hasher, as Django's own takes most of the time of a test that makes users.
FAST_HASHER = 'PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]\n'

# For suites whose settings are not in the distribution.
SETTINGS = f"""
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]
SECRET_KEY = "of no importance"
USE_TZ = True
{FAST_HASHER}
"""

SUITES = [
    Suite(
        "django-filter",
        "--ds=tests.settings tests",
        needs="django-crispy-forms markdown pytz",
    ),
    Suite(
        "drf-extensions",
        "--ds=suite_settings -o python_files=tests.py tests_app/tests",
        needs="django-filter django-guardian djangorestframework-guardian",
        environment={"PYTHONPATH": "tests_app"},
        # Its settings list an app that brings a test runner, which pytest stands in for.
        files={
            "suite_settings.py": "from tests_app.settings import *\n"
            'INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "django_nose"]\n'
            + FAST_HASHER
        },
    ),
    Suite(
        "drf-nested-routers",
        "--ds=suite_settings tests",
        # These are missing in the distribution.
        files={
            "suite_settings.py": SETTINGS
            + 'INSTALLED_APPS += ["tests"]\nROOT_URLCONF = "tests.test_viewsets"\n',
            "tests/__init__.py": "",
            "tests/helpers.py": "def get_regex_pattern(url):\n"
            "    return url.pattern.regex.pattern\n",
            "tests/models.py": "",  # for Django to make tables of the models in the test modules
        },
    ),
    Suite(
        "drf-flex-fields",
        "--ds=suite_settings tests",
        # It imports `coreapi` from DRF, which has had it up to 3.16, for Django up to 6.0.
        needs="djangorestframework<3.17 django<6.1",
        # Its tests import what Django 4.0 has removed.
        files={
            "suite_settings.py": "from django.conf import urls\nfrom django.urls import re_path\n"
            "from tests.settings import *\nurls.url = re_path\n"
        },
    ),
    Suite(
        "drf-spectacular",
        "--skip-missing-contrib --allow-skip-extra-system-req tests",
        # The packages that it describes the views of.
        needs="dj-rest-auth django-allauth[socialaccount] django-filter django-oauth-toolkit "
        "django-polymorphic django-rest-knox django-rest-polymorphic drf-nested-routers "
        "djangorestframework-camel-case djangorestframework-dataclasses djangorestframework-gis "
        "djangorestframework-recursive djangorestframework-simplejwt drf-spectacular-sidecar "
        "psycopg2-binary pydantic setuptools uritemplate",
    ),
    Suite(
        "drf-yasg",
        "--ds=testproj.settings.local tests",
        # With the version of django-filter that its own list of requirements allows.
        needs="drf-yasg[validation] datadiff dj-database-url django-cors-headers "
        "django-fake-model==0.1.4 django-filter<25 django-oauth-toolkit "
        "djangorestframework-camel-case djangorestframework-recursive pillow psycopg2-binary "
        "user_agents",
        environment={"PYTHONPATH": "testproj", "DJANGO_SECRET_KEY": "of no importance"},
    ),
    Suite(
        "djangorestframework-simplejwt",
        needs="djangorestframework-simplejwt[crypto,python-jose,test]",
    ),
    Suite(
        "django-rest-knox",
        "--ds=suite_settings tests",
        needs="freezegun",
        # The project that its tests use is not in the distribution.
        files={
            "suite_settings.py": SETTINGS
            + 'INSTALLED_APPS += ["knox"]\nROOT_URLCONF = "suite_urls"\n',
            "suite_urls.py": """
from django.urls import include, path
from knox.auth import TokenAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView


class Root(APIView):
    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response()


urlpatterns = [path("api/", include("knox.urls")), path("api/", Root.as_view(), name="api-root")]
""",
        },
    ),
    Suite(
        "dj-rest-auth",
        # That test would ask Facebook.
        "--ds=suite_settings dj_rest_auth/tests --deselect="
        "dj_rest_auth/tests/test_serializers.py::TestSocialLoginSerializer::test_http_error",
        needs="django-allauth[socialaccount] djangorestframework-simplejwt pyotp responses==0.12.1",
        environment={"PYTHONPATH": "dj_rest_auth"},
        files={
            "suite_settings.py": "from dj_rest_auth.tests.settings import *\n"
            'ROOT_URLCONF = "tests.urls"\n' + FAST_HASHER
        },
    ),
    Suite(
        "djangorestframework-jsonapi",
        "example tests",
        needs="djangorestframework-jsonapi[django-filter,django-polymorphic] "
        "django-debug-toolbar factory-boy faker pytest-factoryboy",
        # It takes the name of a resource from that of the class: here `AsyncAPIView`.
        cannot_pass=("tests/test_utils.py::test_get_resource_name_from_view",),
    ),
    Suite(
        "djangorestframework-api-key",
        "-o addopts= tests",  # theirs want the coverage measured
        needs="dj-database-url django-dotenv django-test-migrations",
    ),
    Suite("drf-standardized-errors", needs="django-filter drf-spectacular"),
]


# The command


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    packages = [suite.package for suite in SUITES]
    parser.add_argument("packages", nargs="*", metavar="package", help=", ".join(packages))
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    options = parser.parse_args()
    unknown = set(options.packages) - set(packages)
    if unknown:
        parser.error(f"not in the table of suites: {', '.join(sorted(unknown))}")
    if options.fresh:
        shutil.rmtree(ENVIRONMENTS, ignore_errors=True)

    chosen = [suite for suite in SUITES if suite.package in (options.packages or packages)]
    rows, is_well = [], True
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as executor:
        for suite, (output, results) in zip(chosen, executor.map(run, chosen)):
            print(f"\n## {suite.package}\n\n{output}", flush=True)
            row, suite_is_well = judge(suite, results)
            rows.append(row)
            is_well = is_well and suite_is_well

    print("\n| package | version | Django | DRF | Python | fails as it is", end=" ")
    print("| test client: as it is | swapped | lost | ASGI: as it is | swapped | lost |")
    print("| --- " * 12 + "|")
    print("\n".join(rows))
    return 0 if is_well else 1


def run(suite):
    """Run the suite in its environment. Return what is printed, and the results."""
    try:
        python = make_environment(suite)
    except subprocess.CalledProcessError as error:
        return error.stdout, None
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        results = folder / "results.json"
        for name, text in suite.files.items():
            path = folder / "added" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        command = [python, HERE / "drf_suite.py", "--package", suite.package]
        command += ["--results", results]
        command += ["--add", folder / "added"] if suite.files else []
        command += ["--", *suite.arguments.split()]
        ended = run_and_capture(command, env={**os.environ, **suite.environment})
        return ended.stdout, json.loads(results.read_text()) if results.exists() else None


def make_environment(suite):
    """Make the environment, unless it is there. Return its Python."""
    folder = ENVIRONMENTS / suite.package
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    requirements = [suite.package, *IN_EACH, *suite.needs.split()]
    note = folder / "requirements.json"  # written last: the environment is complete
    if not note.exists() or json.loads(note.read_text()) != requirements:
        venv.create(folder, clear=True, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run_and_capture([*install, *requirements], check=True)
        note.write_text(json.dumps(requirements))
    return python


def run_and_capture(command, **options):
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )


def judge(suite, results):
    """Return a row of the table, and whether all is well."""
    if results is None:
        return f"| {suite.package} | did not run: see above |", False
    doors = results["doors"].values()
    failed = {test for door in doors for test in door["failed"]}
    columns = [suite.package, *results["versions"], len(failed)]
    is_well = True
    for door in doors:
        lost = door["regressions"]
        cannot = [test for test in lost if test.startswith(suite.cannot_pass)]
        explained = f" ({len(cannot)} of them cannot pass)" if cannot else ""
        columns += [len(door["passed"]), len(door["passed swapped"]), f"{len(lost)}{explained}"]
        is_well = is_well and bool(door["passed"]) and lost == cannot and not door["wrong"]
    return "| " + " | ".join(map(str, columns)) + " |", is_well


if __name__ == "__main__":
    sys.exit(main())
