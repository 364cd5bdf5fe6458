# SPDX-License-Identifier: MIT
"""
Measure these views against DRF's sync ones, drf-restflow's and adrf's. It prints Markdown.

    python .ci/benchmark.py                             # all but `ask`: half an hour, on SQLite
    python .ci/benchmark.py cpu --rounds 25             # one part
    python .ci/benchmark.py cpu --row "async handler"   # the rows with these words in their name
    python .ci/postgres.py python .ci/benchmark.py cpu  # on the database of DATABASE_URL

cpu      CPU time of a request through Django's ASGI handler, as a ratio to DRF's sync view
wsgi     the same through Django's WSGI handler
making   what the import costs, and a view class with ten overrides, and its `as_view()`
memory   what a request and a view class take, and what 10,000 requests leave behind
waiting  500 requests at once to a real server, each of which waits: the time, and the threads
loop     how long heavy sync work keeps the event loop from everything else
ask      only asks the view of one row (of `--contender`) again and again, for a profiler

An async view is compared with the sync view of DRF that does the same. "DRF again" is that view
once more: what it differs by is noise. Nothing here passes or fails. Other work on the machine
is felt a little by CPU times, and a lot by `waiting` and `loop`. It wants django-filter, uvicorn
and psutil, and compares drf-restflow and adrf where they are installed.
"""

import argparse
import asyncio
import base64
import contextlib
import functools
import gc
import importlib
import importlib.metadata
import inspect
import io
import itertools
import json
import multiprocessing
import os
import pathlib
import platform
import random
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
import types
from collections import namedtuple
from datetime import date

HERE = pathlib.Path(__file__).resolve().parent
MEMORY = pathlib.Path("/dev/shm")  # a file system in memory, where there is one
SPAWN = multiprocessing.get_context("spawn")  # whose processes start afresh
run = asyncio.new_event_loop().run_until_complete  # one for all: making one is no part of a request
PACKAGES = "django djangorestframework asgiref django-filter drf-restflow adrf uvicorn".split()
PRODUCTS = 30
PRODUCT = {"name": "Earl Grey tea", "description": "Black", "price": "4.50", "category": 1}
BODY = json.dumps(PRODUCT).encode()
LOGIN = "Basic " + base64.b64encode(b"ann:ann").decode()
FLOWS = {  # the view, the method, the URL and the body
    "list": ("ListAPIView", "GET", "/", b""),
    "retrieve": ("RetrieveAPIView", "GET", "/7/", b""),
    "create": ("CreateAPIView", "POST", "/", BODY),
    "update": ("UpdateAPIView", "PUT", "/7/", BODY),
    "destroy": ("DestroyAPIView", "DELETE", "/{}/", b""),
}
NOTES = """
Everybody has the same middleware, user and rows, and must answer like DRF. A cell is the median
over the rounds, ± half the distance of the quartiles.

- DRF's own components are used wherever a contender takes them. Async hooks and overrides have
  the names that it calls: `ahas_permission` or `aperform_create` for drf-restflow, say, and
  `has_permission` or `perform_acreate` for adrf.
- adrf reads with DRF's serializers, and writes with its own: DRF's have no `asave`, and its own
  are much slower to read.
- drf-restflow calls sync permissions, throttles and `get_queryset` on the event loop.
- Neither peer awaits `get_queryset`: in the all-async stack theirs is sync, on the event loop.
"""


# The command


def main():
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("part", nargs="?", choices=list(PARTS), help="run only this part")
    parser.add_argument("--rounds", type=int, help="measure so many times")
    parser.add_argument("--requests", type=int, help="so many requests each time")
    parser.add_argument("--row", default="", help="only the rows with these words in their name")
    parser.add_argument("--contender", default="this module", help="whom `ask` asks")
    parser.add_argument("--module", default=HERE.parent / "restflow_generics.py", help="measure it")
    options = parser.parse_args()

    database = os.environ.get("DATABASE_URL", "sqlite:").partition(":")[0]
    versions = [f"{date.today()}, {database}, {os.cpu_count()} CPUs"]
    versions.append(f"Python {platform.python_version()}")
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} is not installed and left out")
    print(", ".join(versions), flush=True)
    for part in [options.part] if options.part else [part for part in PARTS if part != "ask"]:
        process = SPAWN.Process(target=run_part, args=(part, options))
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(process.exitcode)


def run_part(part, options):
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as options.folder:
        shutil.copy(options.module, os.path.join(options.folder, "restflow_generics.py"))
        set_up(options.folder)
        if connection.vendor == "sqlite":
            # SQLite cleans up whenever the last connection closes: this one stays open.
            kept = sqlite3.connect(os.path.join(options.folder, "shop.sqlite3"))
            kept.execute("PRAGMA journal_mode=WAL").fetchall()
        if shop.Product._meta.db_table not in connection.introspection.table_names():
            call_command("migrate", verbosity=0)
            with connection.schema_editor() as editor:
                editor.create_model(shop.Category)
                editor.create_model(shop.Product)
            shop.Category.objects.create(pk=1, name="Tea")
            User.objects.create_user("ann", password="ann")
        PARTS[part](options)


def set_up(folder):
    """Import Django and the shop, with the copy of the module and the database in this folder."""
    global ASGIHandler, HttpResponse, Paginator, Response, User, WSGIHandler, cache, call_command
    global connection, django_filters, drf, no_style, ours, path, settings, shop
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/shop.sqlite3")
    sys.path[:0] = [folder, str(HERE.parent)]
    # It configures Django, without which the others cannot be imported.
    shop = importlib.import_module("shop")
    import django_filters.rest_framework
    import rest_framework as drf
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command
    from django.core.management.color import no_style
    from django.core.paginator import Paginator
    from django.db import connection
    from django.http import HttpResponse
    from django.urls import path
    from rest_framework import filters, generics, pagination, throttling, viewsets  # noqa: F401
    from rest_framework.response import Response

    import restflow_generics as ours

    # Neither the disk is to decide, nor who waits for whom to write, nor what it takes to
    # connect: under ASGI each request has a thread of its own.
    database = {"init_command": "PRAGMA synchronous=OFF", "timeout": 60}
    if connection.vendor != "sqlite":
        database = {"options": "-c synchronous_commit=off", "pool": {"max_size": 64}}
    connection.settings_dict["OPTIONS"].update(database)
    drf.throttling.UserRateThrottle.THROTTLE_RATES["user"] = "1000000/day"
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True


def measured(rounds, names, measure):
    """What `measure` gave for each name, round by round."""
    results = {name: [] for name in names}
    for _ in range(1 + rounds):
        for name in random.sample(list(names), len(names)):  # It feels what came right before it.
            results[name].append(measure(name))
    return {name: results[name][1:] for name in names}  # The first round has warmed up.


def print_row(*cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def print_header(title, *cells):
    print(f"\n{title}\n")
    print_row("", *cells)
    print_row("---", *["---:"] * len(cells))


def format_ms(seconds):
    return f"{1000 * statistics.median(seconds):.2f} ms"


def format_ratios(ratios):
    low, median, high = statistics.quantiles(ratios, n=4)
    return f"{median:.2f} ±{(high - low) / 2:.2f}"


# The contenders, and their views


Contender = namedtuple("Contender", "name is_async prefix views serializers")
OVERRIDES = {
    "DRF": "initial get_permissions get_queryset filter_queryset get_serializer_class "
    "get_serializer_context perform_create perform_update perform_destroy finalize_response",
    "drf-restflow": "ainitial get_permissions get_queryset afilter_queryset get_serializer_class "
    "get_context aperform_create aperform_update aperform_destroy finalize_response",
    "adrf": "initial get_permissions get_queryset afilter_queryset get_serializer_class "
    "get_serializer_context perform_acreate perform_aupdate perform_adestroy finalize_response",
}
GIVEN = []  # to the peers' components: a class, and what it has under which name


def find_contenders():
    modules = (drf.views, drf.generics, drf.viewsets)
    views = types.SimpleNamespace(**{k: v for each in modules for k, v in vars(each).items()})
    sync = Contender("DRF", False, "", views, drf.serializers)
    contenders = [sync, sync._replace(name="DRF again")]
    contenders.append(Contender("this module", True, "Async", ours, drf.serializers))
    with contextlib.suppress(ImportError):
        from restflow import views

        contenders.append(Contender("drf-restflow", True, "Async", views, drf.serializers))
    with contextlib.suppress(ImportError):
        import adrf.serializers
        import adrf.viewsets

        views = types.SimpleNamespace(**{**vars(adrf.generics), **vars(adrf.viewsets)})
        contenders.append(Contender("adrf", True, "", views, adrf.serializers))
    return {contender.name: contender for contender in contenders}


def find_view(contender, name):
    return getattr(contender.views, contender.prefix + name)


def get_name(serializer, product):
    return product.name


def make_serializer(contender, flow, kind):
    is_read = flow in ("list", "retrieve", "destroy")
    base = drf.serializers if is_read else contender.serializers
    attributes = {"Meta": shop.ProductSerializer.Meta}
    if kind == "async method":  # of a field; the peers' serializers await no such method
        attributes["description"] = drf.serializers.SerializerMethodField()
        is_ours = contender.name == "this module"
        attributes["get_description"] = make_async(get_name) if is_ours else get_name
    return type("ProductSerializer", (base.ModelSerializer,), attributes)


def make_async(function):
    async def hook(*args, **kwargs):
        return function(*args, **kwargs)

    return hook


def make_component(contender, base, hook, function):
    """A component with this hook: a sync one for DRF, else an async one."""
    if contender.is_async and not inspect.iscoroutinefunction(function):
        function = make_async(function)
    if contender.name == "this module":
        return type("Component", (base,), {hook: function})
    # This module puts methods of its own around async hooks in classes that it sees. The peers
    # must not pay for that: their classes get theirs behind its back.
    component = type("Component", (base,), {})
    GIVEN.append((component, "a" + hook if contender.name == "drf-restflow" else hook, function))
    setattr(*GIVEN[-1])
    return component


def make_components(contender):
    """An authenticator, a permission, a throttle, a filter and a paginator: async, but for DRF."""

    def authenticate(self, request):
        return (ann, None) if request.headers["Authorization"] == LOGIN else None

    def is_allowed(self, request, view):
        return True

    def filter_queryset(self, request, queryset, view):
        return queryset.filter(is_archived=False)

    async def paginate_queryset(self, queryset, request, view=None):
        self.request = request
        paginator = Paginator(queryset, self.page_size)
        paginator.count = await queryset.acount()
        self.page = paginator.page(self.get_page_number(request, paginator))
        self.page.object_list = [product async for product in self.page.object_list]
        return self.page.object_list

    ann = User(pk=1, username="ann")
    hooks = [
        (drf.authentication.BaseAuthentication, "authenticate", authenticate),
        (drf.permissions.BasePermission, "has_permission", is_allowed),
        (drf.throttling.BaseThrottle, "allow_request", is_allowed),
        (drf.filters.BaseFilterBackend, "filter_queryset", filter_queryset),
    ]
    pages = drf.pagination.PageNumberPagination
    if contender.is_async:
        pages = make_component(contender, pages, "paginate_queryset", paginate_queryset)
    return [*(make_component(contender, *hook) for hook in hooks), pages]


def make_view(contender, kind, flow):
    def get_queryset(self):
        return shop.Product.objects.all()

    def get(self, request):
        return Response({"name": "Tea", "price": 3})

    def get_one(self, request, pk):
        return Response({"name": self.get_object().name})

    async def aget_one(self, request, pk):
        product = await self.aget_object()
        return Response({"name": product.name})

    class Products(django_filters.rest_framework.FilterSet):
        class Meta:
            model = shop.Product
            fields = ["price", "is_archived"]

    # Only where they are used: their classes take memory, and time of each `as_view()` here.
    has_components = kind in ("guards", "filter", "all async")
    components = make_components(contender) if has_components else [None] * 5
    authenticator, permission, throttle, filter_backend, pages = components
    if contender.is_async:
        get, get_one = make_async(get), aget_one
    if contender.name == "this module":
        get_queryset = make_async(get_queryset)
    backends = [drf.filters.SearchFilter, drf.filters.OrderingFilter]
    stock = {  # besides DRF's default authenticators, parsers and renderers
        "queryset": shop.Product.objects.all(),
        "serializer_class": make_serializer(contender, flow, kind),
        "permission_classes": [drf.permissions.IsAuthenticated],
        "throttle_classes": [drf.throttling.UserRateThrottle],
        "filter_backends": backends,
        "search_fields": ["name", "description"],
        "ordering_fields": ["name", "price"],
        "pagination_class": drf.pagination.PageNumberPagination,
    }
    all_async = {
        "authentication_classes": [authenticator],
        "permission_classes": [permission],
        "throttle_classes": [throttle],
        "get_queryset": get_queryset,
        "filter_backends": [filter_backend],
        "pagination_class": pages,
    }
    guards = {"permission_classes": [permission, permission], "throttle_classes": [throttle]}
    handler = {"get": get, "authentication_classes": []}
    by_field = {"filterset_class": Products}
    more = [*backends, django_filters.rest_framework.DjangoFilterBackend]
    name, attributes = {
        "stock": (FLOWS[flow][0], stock),
        "overrides": (FLOWS[flow][0], {**stock, "filter_backends": more, **by_field}),
        "handler": ("APIView", handler),
        "guards": ("APIView", {**handler, **guards}),
        "object": ("GenericAPIView", {**stock, "get": get_one}),
        "filter": (FLOWS[flow][0], {**stock, "filter_backends": [*backends, filter_backend]}),
        "all async": (FLOWS[flow][0], {**stock, **all_async}),
        "async method": (FLOWS[flow][0], {**stock, "pagination_class": None}),
    }[kind]
    view = type("ProductView", (find_view(contender, name),), attributes)
    return add_overrides(contender, view) if kind == "overrides" else view


def add_overrides(contender, base):
    """Make a view class with ten overrides, each of which calls the method below it."""

    def make_override(name):
        def override(self, *args, **kwargs):
            return getattr(super(view, self), name)(*args, **kwargs)

        async def async_override(self, *args, **kwargs):
            return await getattr(super(view, self), name)(*args, **kwargs)

        is_sync = not inspect.iscoroutinefunction(getattr(base, name, None))
        return override if is_sync or contender.name == "this module" else async_override

    names = OVERRIDES.get(contender.name, OVERRIDES["DRF"]).split()
    view = type("View", (base,), {name: make_override(name) for name in names})
    return view


ROWS = [  # the name, Django's handler, the kind of view, the flows, and how many classes
    ("stock stack", "ASGI", "stock", list(FLOWS), 1),
    ("sync overrides and django-filter", "ASGI", "overrides", list(FLOWS), 1),
    ("async handler and nothing else", "ASGI", "handler", ["list"], 1),
    ("2 async permissions, throttle, handler", "ASGI", "guards", ["list"], 1),
    ("stock, handler awaits `aget_object()`", "ASGI", "object", ["retrieve"], 1),
    ("stock list, one async filter", "ASGI", "filter", ["list"], 1),
    ("all-async stack, list", "ASGI", "all async", ["list"], 1),
    ("list of 30 rows, one async `get_<field>`", "ASGI", "async method", ["list"], 1),
    ("overrides, 5 view classes in turn", "ASGI", "overrides", ["retrieve"], 5),
    ("overrides, 200 view classes in turn", "ASGI", "overrides", ["retrieve"], 200),
    ("WSGI, stock stack", "WSGI", "stock", ["list", "retrieve"], 1),
    ("WSGI, overrides, 5 view classes in turn", "WSGI", "overrides", ["retrieve"], 5),
    ("WSGI, overrides, 200 view classes in turn", "WSGI", "overrides", ["retrieve"], 200),
]


# Requests through Django's handlers


def make_urls(contender, kind, flow, number=1):
    """URL confs with nothing but one view each, so that all are found equally fast."""
    confs = []
    for _ in range(number):
        view, conf = make_view(contender, kind, flow).as_view(), types.ModuleType("urls")
        conf.urlpatterns = [path("", view), path("<int:pk>/", view)]
        confs.append(conf)
    return confs


def fill_products(count):
    shop.Product.objects.all().delete()
    shop.Product.objects.bulk_create(
        shop.Product(pk=pk, name=f"Tea {pk}", price=pk % 100, category_id=1)
        for pk in range(1, count + 1)
    )
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [shop.Product]):
            cursor.execute(statement)
    cache.clear()  # The throttle has counted.


def prepare(urls, flow, count):
    """Make the rows afresh, and requests: a URL conf of these, a method, a URL and a body."""
    fill_products(PRODUCTS + (count if flow == "destroy" else 0))
    _, method, url, body = FLOWS[flow]
    numbers = range(count)
    return [(urls[n % len(urls)], method, url.format(PRODUCTS + 1 + n), body) for n in numbers]


def cpu_time(ask_all, requests):
    """The seconds that a request takes, of all threads of the process."""
    gc.collect()
    start = time.process_time()
    answers = ask_all(requests)
    seconds = (time.process_time() - start) / len(requests)
    assert all(status < 300 for status, _ in answers), (requests, answers)
    return seconds


@functools.cache
def make_once(handler_class):
    return handler_class()


def ask_wsgi(requests):
    application, answers = make_once(WSGIHandler), []
    for settings.ROOT_URLCONF, method, url, body in requests:
        environ = {"REQUEST_METHOD": method, "PATH_INFO": url, "HTTP_HOST": "localhost"}
        environ.update({"wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body)})
        environ.update(SERVER_NAME="localhost", SERVER_PORT="80", HTTP_AUTHORIZATION=LOGIN)
        environ.update(CONTENT_TYPE="application/json", CONTENT_LENGTH=str(len(body)))
        response = application(environ, lambda status, headers: None)
        answers.append((response.status_code, b"".join(response)))
        response.close()
    return answers


def ask_asgi(requests):
    async def ask_all():
        application, answers = make_once(ASGIHandler), []
        for settings.ROOT_URLCONF, *request in requests:
            answers.append(await exchange(application, *request))
        return answers

    return run(ask_all())


async def exchange(application, method, url, body):
    """Send one request through an ASGI application; return the status and the body."""
    headers = {"host": "localhost", "authorization": LOGIN, "content-type": "application/json"}
    headers["content-length"] = str(len(body))
    headers = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": url, "query_string": b""}
    messages, answered = [], asyncio.Event()
    incoming = [{"type": "http.request", "body": body}]

    async def receive():
        if incoming:
            return incoming.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        messages.append(message)
        if not message.get("more_body", message["type"] == "http.response.start"):
            answered.set()

    await application({**scope, "headers": headers}, receive, send)
    return messages[0]["status"], b"".join(message["body"] for message in messages[1:])


def find_able(ask_all, urls, flow):
    """The contenders that answer like DRF, and leave the same rows behind."""
    answers, able = {}, []
    for name in urls:
        try:
            [(status, body)] = ask_all(prepare(urls[name], flow, 1))
        except Exception as error:
            status, body = type(error), str(error).encode()
        body = re.sub(rb'"id":\d+', b"", body)
        rows = shop.Product.objects.values_list("name", "description", "price", "category")
        answers[name] = (status, body, list(rows))
        if answers[name] == answers["DRF"]:
            able.append(name)
        else:
            print(f"\n{name} does not answer {flow} like DRF: {status} {body[:200]}\n")
    assert answers["DRF"][0] in (200, 201, 204), answers["DRF"]
    return able


# CPU time


def measure_ratios(names, rounds, measure):
    """The seconds of DRF, and the ratios of the others: each right before or after DRF."""
    times, ratios = [], {name: [] for name in names if name != "DRF"}
    for number in range(1 + rounds):
        for name in random.sample(list(ratios), len(ratios)):
            pair = ["DRF", name] if number % 2 else [name, "DRF"]
            taken = {each: measure(each) for each in pair}
            if number:  # The first round warms up.
                times.append(taken["DRF"])
                ratios[name].append(taken[name] / taken["DRF"])
    return times, ratios


def measure_rows(handler, ask_all, options):
    contenders = find_contenders()
    all_rounds, all_requests = max(options.rounds or 50, 2), options.requests or 10
    title = f"CPU time of a request through Django's {handler} handler, as a ratio to DRF's; "
    title += f"{all_rounds} rounds of {all_requests} requests, or fewer of more for many classes"
    print(NOTES)
    print_header(title, *contenders)
    gc.disable()  # It collects before each batch, which is quick once all this is frozen.
    gc.freeze()
    for row, row_handler, kind, flows, number in ROWS:
        if row_handler != handler or options.row not in row:
            continue
        count = max(all_requests, number)
        rounds = max(all_rounds * all_requests // count, 5)
        medians = {name: [] for name in contenders if name != "DRF"}
        for flow in flows:
            urls = {name: make_urls(contenders[name], kind, flow, number) for name in contenders}
            able = find_able(ask_all, urls, flow)
            for given in GIVEN:  # A view of this module completes all permissions that it finds.
                setattr(*given)

            def measure(name, urls=urls, flow=flow, count=count):
                return cpu_time(ask_all, prepare(urls[name], flow, count))

            times, ratios = measure_ratios(able, rounds, measure)
            cells = [format_ratios(ratios[name]) if name in ratios else "-" for name in medians]
            print_row(f"{row}: {flow}" if flows[1:] else row, format_ms(times), *cells)
            for name in ratios:
                medians[name].append(statistics.median(ratios[name]))
            assert all(vars(component)[name] is hook for component, name, hook in GIVEN)
            GIVEN.clear()
        if flows[1:]:
            means = [
                f"{statistics.geometric_mean(ratios):.3f}" if len(ratios) == len(flows) else "-"
                for ratios in medians.values()
            ]
            print_row(f"{row}: geometric mean", "", *means)


def ask(options):
    row, handler, kind, [flow, *_], _ = next(row for row in ROWS if options.row in row[0])
    urls = make_urls(find_contenders()[options.contender], kind, flow)
    ask_all = ask_asgi if handler == "ASGI" else ask_wsgi
    batches = range((options.requests or 2000) // 10)
    times = [cpu_time(ask_all, prepare(urls, flow, 10)) for _ in batches]
    print(f"{row}, {flow}, {options.contender}: {format_ms(times)}")


# What it costs to start, and memory


IMPORTING = """
import sys, time
sys.path.insert(0, sys.argv[1])
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"])
import django
django.setup()
import rest_framework.generics, rest_framework.viewsets
start = time.process_time()
import {}
print(time.process_time() - start)
"""
IMPORTS = {"this module": "restflow_generics", "drf-restflow": "restflow.views"}
IMPORTS["adrf"] = "adrf.generics, adrf.viewsets"


def time_import(name, folder):
    # With bytecode: the first import, which warms up, writes it.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    program = IMPORTING.format(IMPORTS.get(name, "rest_framework.viewsets"))
    command = [sys.executable, "-c", program, folder]
    return float(subprocess.check_output(command, env=environment))


def time_class(contender):
    """The seconds to make a viewset class with ten overrides, and for its `as_view()`."""
    prefix = "a" if contender.name == "adrf" else ""
    base, start = find_view(contender, "ModelViewSet"), time.process_time()
    view = add_overrides(contender, base)
    middle = time.process_time()
    view.as_view({"get": prefix + "list", "post": prefix + "create"})
    return middle - start, time.process_time() - middle


def measure_making(options):
    rounds, contenders = max(options.rounds or 15, 2), find_contenders()
    imports = measured(rounds, contenders, lambda name: time_import(name, options.folder))
    classes = measured(100, contenders, lambda name: time_class(contenders[name]))
    title = f"CPU time before the first request; medians of {rounds} imports, and of 100 classes"
    print_header(title, *contenders)
    print_row("import, after DRF's views", *map(format_ms, imports.values()))
    making, serving = zip(*(zip(*classes[name]) for name in contenders))
    print_row("a viewset class with ten overrides", *map(format_ms, making))
    print_row("its `as_view()`", *map(format_ms, serving))


def measure_memory(options):
    half, number = (options.requests or 10_000) // 2, 100

    def ask_all(urls, count):
        """Ask, and return the bytes that are in use after that."""
        for _ in range(count // 100):
            ask_asgi(prepare(urls, "retrieve", 100))
        cache.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    title = "Memory by tracemalloc: an object through Django's ASGI handler, with ten overrides"
    halves = (f"left by each of {half} requests", f"and of {half} more")
    print_header(title, "a request, at its peak", *halves, f"a view class, of {number}")
    contenders = find_contenders()
    for contender in (contenders["DRF"], contenders["this module"]):
        urls, peaks = make_urls(contender, "overrides", "retrieve"), []
        tracemalloc.start()
        ask_all(urls, 500)  # It warms up.
        for _ in range(20):
            requests = prepare(urls, "retrieve", 1)
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            ask_asgi(requests)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
        used = [ask_all(urls, 100), ask_all(urls, half), ask_all(urls, half)]
        more = make_urls(contender, "overrides", "retrieve", number)
        grown = ask_all(more, number) - used[-1]
        tracemalloc.stop()
        left = [f"{(after - before) / half:.1f} bytes" for before, after in zip(used, used[1:])]
        peak, per_class = statistics.median(peaks) / 1024, grown / number / 1024
        print_row(contender.name, f"{peak:.0f} KB", *left, f"{per_class:.1f} KB")


# What waits, and what keeps the event loop: the views of both


def make_application(contenders):
    urls = [path("waiting/plain async view/", wait)]
    for name, contender in contenders.items():
        for url, view in make_slow_views(contender).items():
            urls.append(path(url.format(name), view.as_view()))
    settings.ROOT_URLCONF = tuple(urls)
    return ASGIHandler()


async def wait(request):
    await asyncio.sleep(0.2)
    return HttpResponse()


def make_slow_views(contender):
    class RowSerializer(contender.serializers.Serializer):
        name = drf.serializers.CharField(max_length=80)
        price = drf.serializers.DecimalField(max_digits=8, decimal_places=2)
        stock = drf.serializers.IntegerField(min_value=0)
        day = drf.serializers.DateField()

    class ImportSerializer(contender.serializers.Serializer):
        rows = RowSerializer(many=True, write_only=True)
        count = drf.serializers.IntegerField(read_only=True)

        def create(self, validated_data):
            return {"count": len(validated_data["rows"])}

        async def acreate(self, validated_data):  # which adrf calls
            return self.create(validated_data)

    async def aget(self, request):
        return Response(await asyncio.sleep(0.2))

    def get(self, request):
        return Response(time.sleep(0.2))

    def get_queryset(self):
        time.sleep(0.3)
        return shop.Product.objects.filter(pk__lte=PRODUCTS)

    def make_view(name, **attributes):
        return type(name, (find_view(contender, name),), attributes)

    every = {"queryset": shop.Product.objects.all()}
    every["serializer_class"] = make_serializer(contender, "list", "stock")
    return {
        "waiting/{}/": make_view("APIView", get=aget if contender.is_async else get),
        "import/{}/": make_view("CreateAPIView", serializer_class=ImportSerializer),
        "everything/{}/": make_view("ListAPIView", **every),
        "sleep/{}/": make_view("ListAPIView", **every, get_queryset=get_queryset),
    }


def serve(folder, pipe):
    import uvicorn

    set_up(folder)
    application = make_application(find_contenders())
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio leaves Nagle's delays on
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    pipe.send(listener.getsockname()[1])
    config = uvicorn.Config(application, access_log=False, log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


def measure_waiting(options):
    import psutil

    rounds, count = options.rounds or 5, options.requests or 500
    here, there = SPAWN.Pipe()
    server = SPAWN.Process(target=serve, args=(options.folder, there), daemon=True)
    server.start()  # It ends with this process.
    port, process = here.recv(), psutil.Process(server.pid)

    def ask_server(name):
        time.sleep(0.2)  # until the threads of the one before have ended
        return run(ask_at_once(port, process, f"/waiting/{name.replace(' ', '%20')}/", count))

    title = f"{count} requests at once to a real server, each of which waits 0.2 s; {rounds} rounds"
    header = ["median s", "worst s", "requests/s", "p50 ms", "p99 ms", "threads"]
    results = measured(rounds, [*find_contenders(), "plain async view"], ask_server)
    print_header(title, *header)
    for name, result in results.items():
        seconds, latencies, threads = zip(*result)
        percentiles = statistics.quantiles(itertools.chain(*latencies), n=100)
        median = statistics.median(seconds)
        cells = [f"{median:.2f}", f"{max(seconds):.2f}", f"{count / median:.0f}"]
        cells += [f"{1000 * percentiles[n - 1]:.1f}" for n in (50, 99)]
        print_row(name, *cells, str(max(threads)))


async def ask_at_once(port, process, url, count):
    """The seconds for all requests, those for each, and the most threads of the process."""
    # A client that costs next to nothing, as it shares the machine with the server.
    request = f"GET {url} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    threads = 0

    async def ask_one(reader, writer):
        start = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
        assert head.split()[1] == b"200", (url, head)
        writer.close()
        return time.perf_counter() - start

    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    start = time.perf_counter()
    asking = asyncio.gather(*(ask_one(*pair) for pair in opened))
    while not asking.done():
        threads = max(threads, process.num_threads())
        await asyncio.wait([asking], timeout=0.01)
    return time.perf_counter() - start, asking.result(), threads


def measure_loop(options):
    rounds, contenders = options.rounds or 5, find_contenders()
    application = make_application(contenders)
    fill_products(10_000)
    row = {"name": "Tea" * 25, "price": "4.50", "stock": 7, "day": "2026-01-01"}
    rows = json.dumps({"rows": [row] * 40_000}).encode()
    for url, method, body, what in (
        ("import", "POST", rows, f"{len(rows) / 1e6:.1f} MB of JSON are parsed and validated"),
        ("everything", "GET", b"", "10,000 rows are listed on one page"),
        ("sleep", "GET", b"", "a sync `get_queryset` sleeps for 0.3 s"),
    ):

        def ask_and_watch(name, url=url, method=method, body=body):
            gc.collect()
            if name == "no request":
                return run(watch(asyncio.sleep(0.3)))
            return run(watch(exchange(application, method, f"/{url}/{name}/", body)))

        results = measured(rounds, [*contenders, "no request"], ask_and_watch)
        title = f"How late a timer of 5 ms was at worst while {what}; {rounds} rounds"
        print_header(title, "median ms", "worst ms", "the request ms")
        for name, result in results.items():
            taken, late = zip(*result)
            figures = (statistics.median(late), max(late), statistics.median(taken))
            print_row(name, *(f"{1000 * figure:.0f}" for figure in figures))


async def watch(work):
    """How long the work took, and how late a timer was at worst meanwhile."""
    clock, late = time.perf_counter, []

    async def tick():
        while True:
            due = clock() + 0.005
            await asyncio.sleep(0.005)
            late.append(clock() - due)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.05)
    start = clock()
    answer = await work
    assert answer is None or answer[0] < 300, answer
    taken = clock() - start
    await asyncio.sleep(0.05)  # so that the timer sees the end of it
    ticking.cancel()
    return taken, max(late)


PARTS = {
    "cpu": functools.partial(measure_rows, "ASGI", ask_asgi),
    "wsgi": functools.partial(measure_rows, "WSGI", ask_wsgi),
    "making": measure_making,
    "memory": measure_memory,
    "waiting": measure_waiting,
    "loop": measure_loop,
    "ask": ask,
}

if __name__ == "__main__":
    main()
