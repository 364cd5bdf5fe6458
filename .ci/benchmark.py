# SPDX-License-Identifier: MIT
"""
Measure these views against DRF's sync ones, drf-restflow's and adrf's. It prints Markdown.

    python .ci/benchmark.py                            # every part but `ask`, on SQLite
    python .ci/benchmark.py cpu --rounds 25            # one part
    python .ci/benchmark.py cpu --row "async handler"  # the rows whose name has these words
    python .ci/postgres.py python .ci/benchmark.py cpu # the database of DATABASE_URL

cpu      CPU time of a request through Django's ASGI handler, as a ratio to DRF's sync view
wsgi     the same through Django's WSGI handler
classes  the same for 5 and for 200 view classes that are asked in turn
making   what an import costs, a view class with ten overrides, and `as_view()`
memory   what a request takes, what 10,000 of them leave behind, and what a view class takes
http     throughput and latency of a real server, at 1, 8 and 64 connections
waiting  500 requests at once, each of which waits for something: the time, and the threads
loop     how long heavy sync work keeps the event loop from everything else
ask      asks one row of one contender, and measures nothing. It is for a profiler:
         py-spy record -s -f raw -o out -- python .ci/benchmark.py ask --row wsgi

Each async view is compared with the sync view of DRF that does the same. "DRF again" is that
view once more: what it differs by is noise. Nothing here passes or fails. Of other work on the
machine, CPU times feel little, and the parts with a server a lot. It wants uvicorn, psutil and
django-filter, and compares drf-restflow and adrf where they are installed.
"""

import argparse
import asyncio
import base64
import contextlib
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
MODULE = HERE.parent / "restflow_generics.py"
MEMORY = pathlib.Path("/dev/shm")  # a file system in memory, where there is one
SPAWN = multiprocessing.get_context("spawn")  # whose processes start afresh
run = asyncio.new_event_loop().run_until_complete  # one for all: making one is no part of a request
PACKAGES = "django djangorestframework asgiref django-filter drf-restflow adrf uvicorn".split()
PRODUCTS = 30
PRODUCT = {"name": "Earl Grey tea", "description": "Black", "price": "4.50", "category": 1}
HEADERS = {
    "Host": "localhost",
    "Authorization": "Basic " + base64.b64encode(b"ann:ann").decode(),
    "Content-Type": "application/json",
}
Flow = namedtuple("Flow", "view method url body")
FLOWS = {
    "list": Flow("ListAPIView", "GET", "/", b""),
    "retrieve": Flow("RetrieveAPIView", "GET", "/7/", b""),
    "create": Flow("CreateAPIView", "POST", "/", json.dumps(PRODUCT).encode()),
    "update": Flow("UpdateAPIView", "PUT", "/7/", json.dumps(PRODUCT).encode()),
    "destroy": Flow("DestroyAPIView", "DELETE", "/{}/", b""),
}
NOTES = """\
Everybody has the same middleware, user, rows and queries, and must answer like DRF. The cells are
medians over the rounds, each with half the distance of its quartiles.

- DRF's own components are used where a contender takes them. Async hooks have the names that it
  calls: `has_permission` (this module and adrf), `ahas_permission` (drf-restflow).
- drf-restflow calls a sync permission, throttle and `get_queryset` on the event loop, without a
  hop. `perform_create`, `filter_queryset`, `initial` and the like it calls under names of its
  own, where its overrides are async; `get_serializer_context` is `get_context` there.
- adrf creates and updates with its own serializers, and reads with DRF's, which are much faster
  there. `perform_create`, `filter_queryset` and the like have async names of its own.
- Both peers cannot await a `get_queryset`: it is sync there in the all-async stack.
"""


# The command


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", choices=list(PARTS), help="run only this part")
    parser.add_argument("--rounds", type=int, help="measure so many times")
    parser.add_argument("--requests", type=int, help="so many requests each time")
    parser.add_argument("--row", default="", help="only the rows whose name has these words")
    parser.add_argument("--contender", default="this module", help="whom `ask` asks")
    parser.add_argument("--module", default=MODULE, help="measure this copy of the module")
    options = parser.parse_args()

    database = os.environ.get("DATABASE_URL", "sqlite:").partition(":")[0]
    versions = [f"{date.today()}, {os.cpu_count()} CPUs, {database}"]
    versions.append(f"Python {platform.python_version()}")
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} is not installed and left out")
    print(", ".join(versions), flush=True)
    for part in [options.part] if options.part else PARTS:
        if part == "ask" and not options.part:
            continue
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
            kept.execute("PRAGMA journal_mode=WAL")
            kept.execute("SELECT * FROM sqlite_master").fetchall()
        if shop.Product._meta.db_table not in connection.introspection.table_names():
            call_command("migrate", verbosity=0)
            with connection.schema_editor() as editor:
                editor.create_model(shop.Category)
                editor.create_model(shop.Product)
            shop.Category.objects.create(pk=1, name="Tea")
            User.objects.create_user("ann", password="ann")
        PARTS[part](options)


def set_up(folder):
    """Import the shop, with the copy of the module and the database in this folder."""
    global call_command, connection, django_filters, filters, generics, pagination, permissions
    global Response, serializers, shop, throttling, User, viewsets
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/shop.sqlite3")
    sys.path[:0] = [folder, str(HERE.parent)]
    # It configures Django, without which the others cannot be imported.
    shop = importlib.import_module("test_restflow_generics")
    import django_filters.rest_framework
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from rest_framework import (
        filters,
        generics,
        pagination,
        permissions,
        serializers,
        throttling,
        viewsets,
    )
    from rest_framework.response import Response

    # Neither the disk is to decide, nor who waits for whom to write.
    if connection.vendor == "sqlite":
        database = {"init_command": "PRAGMA synchronous=OFF", "timeout": 60}
    else:  # Nor what it takes to connect, as each request has a thread of its own.
        database = {"options": "-c synchronous_commit=off", "pool": {"max_size": 64}}
    connection.settings_dict["OPTIONS"].update(database)
    shop.settings.DEBUG_PROPAGATE_EXCEPTIONS = True


# The contenders, and their views


Contender = namedtuple("Contender", "name generics views viewsets serializers")
UNTOUCHED = []  # the hooks of the peers' components


def find_contenders():
    import restflow_generics as ours
    from rest_framework import views

    drf = Contender("DRF", generics, views, viewsets, serializers)
    contenders = [drf, drf._replace(name="DRF again")]
    contenders.append(Contender("this module", ours, ours, ours, serializers))
    with contextlib.suppress(ImportError):
        from restflow import views as restflow

        theirs = Contender("drf-restflow", restflow, restflow, restflow, serializers)
        contenders.append(theirs)
    with contextlib.suppress(ImportError):
        import adrf.generics
        import adrf.serializers
        import adrf.viewsets

        theirs = (adrf.generics, adrf.views, adrf.viewsets, adrf.serializers)
        contenders.append(Contender("adrf", *theirs))
    return {contender.name: contender for contender in contenders}


def is_async(contender):
    return not contender.name.startswith("DRF")


def find_view(contender, name):
    """The class of this contender that has this name in DRF."""
    module = contender.views if name == "APIView" else contender.generics
    module = contender.viewsets if name == "ModelViewSet" else module
    prefix = "Async" if contender.name in ("this module", "drf-restflow") else ""
    return getattr(module, prefix + name)


def make_serializer(contender, flow):
    # adrf reads much faster with DRF's, but cannot write with these, which have no `asave`.
    writes = flow in ("create", "update")
    base = (contender.serializers if writes else serializers).ModelSerializer
    return type("ProductSerializer", (base,), {"Meta": shop.ProductSerializer.Meta})


def make_async(function):
    if inspect.iscoroutinefunction(function):
        return function

    async def hook(*args, **kwargs):
        return function(*args, **kwargs)

    return hook


def make_component(contender, base, **hooks):
    """A component with these hooks: sync for DRF, async and by the names that others ask for."""
    prefix = "a" if contender.name == "drf-restflow" else ""
    if is_async(contender):
        hooks = {prefix + name: make_async(hooks[name]) for name in hooks}
    if contender.name == "this module":
        return type("Component", (base,), hooks)
    # This module puts its own methods around async hooks of any class that it sees made. The
    # peers must not pay for that, so theirs come after.
    component = type("Component", (base,), {})
    for name, hook in hooks.items():
        setattr(component, name, hook)
        UNTOUCHED.append((component, name, hook))
    return component


def make_handler(contender, function):
    return make_async(function) if is_async(contender) else function


def stock_parts(contender, flow):
    """What DRF has by default, with a permission, a throttle, and the usual filters and pages."""

    class Throttle(throttling.UserRateThrottle):
        rate = "1000000/day"

    return {
        "queryset": shop.Product.objects.all(),
        "serializer_class": make_serializer(contender, flow),
        "permission_classes": [permissions.IsAuthenticated],
        "throttle_classes": [Throttle],
        "filter_backends": [filters.SearchFilter, filters.OrderingFilter],
        "search_fields": ["name", "description"],
        "ordering_fields": ["name", "price"],
        "pagination_class": pagination.PageNumberPagination,
    }


def make_stock_view(contender, flow, view=None):
    base = find_view(contender, view or FLOWS[flow].view)
    return type("ProductView", (base,), stock_parts(contender, flow))


def make_handler_view(contender, flow):
    def get(self, request):
        return Response({"name": "Tea", "price": 3})

    attributes = {"get": make_handler(contender, get), "authentication_classes": []}
    return type("HandlerView", (find_view(contender, "APIView"),), attributes)


def make_permission(contender):
    return make_component(
        contender, permissions.BasePermission, has_permission=lambda self, request, view: True
    )


def make_throttle(contender):
    return make_component(
        contender, throttling.BaseThrottle, allow_request=lambda self, request, view: True
    )


def make_guarded_view(contender, flow):
    return type(
        "GuardedView",
        (make_handler_view(contender, flow),),
        {
            "permission_classes": [make_permission(contender), make_permission(contender)],
            "throttle_classes": [make_throttle(contender)],
        },
    )


def make_object_view(contender, flow):
    def get(self, request, pk):
        return Response({"name": self.get_object().name})

    async def aget(self, request, pk):
        product = await self.aget_object()
        return Response({"name": product.name})

    view = make_stock_view(contender, flow, "GenericAPIView")
    return type("ObjectView", (view,), {"get": aget if is_async(contender) else get})


def make_filter(contender):
    return make_component(
        contender,
        filters.BaseFilterBackend,
        filter_queryset=lambda self, request, queryset, view: queryset.filter(is_archived=False),
    )


def make_filtered_view(contender, flow):
    view = make_stock_view(contender, flow)
    backends = [*view.filter_backends, make_filter(contender)]
    return type("FilteredView", (view,), {"filter_backends": backends})


def make_all_async_view(contender, flow):
    from django.core.paginator import Paginator
    from rest_framework.authentication import BaseAuthentication

    ann = User(pk=1, username="ann")

    def authenticate(self, request):
        return (ann, None) if request.headers["Authorization"].startswith("Basic ") else None

    async def paginate_queryset(self, queryset, request, view=None):
        self.request = request
        paginator = Paginator(queryset, self.page_size)
        paginator.count = await queryset.acount()
        self.page = paginator.page(self.get_page_number(request, paginator))
        self.page.object_list = [product async for product in self.page.object_list]
        return self.page.object_list

    def get_queryset(self):
        return shop.Product.objects.all()

    pages = pagination.PageNumberPagination
    if is_async(contender):
        pages = make_component(contender, pages, paginate_queryset=paginate_queryset)
    parts = {
        "authentication_classes": [
            make_component(contender, BaseAuthentication, authenticate=authenticate)
        ],
        "permission_classes": [make_permission(contender)],
        "throttle_classes": [make_throttle(contender)],
        "filter_backends": [make_filter(contender)],
        "pagination_class": pages,
        "get_queryset": get_queryset,
    }
    if contender.name == "this module":
        parts["get_queryset"] = make_async(get_queryset)
    return type("AllAsyncView", (make_stock_view(contender, flow),), parts)


def make_overridden_view(contender, flow, view=None):
    """A view with ten overrides, in the spellings that are called, and django-filter."""

    class Products(django_filters.rest_framework.FilterSet):
        class Meta:
            model = shop.Product
            fields = ["price", "is_archived"]

    class View(make_stock_view(contender, flow, view)):
        filter_backends = [
            django_filters.rest_framework.DjangoFilterBackend,
            filters.SearchFilter,
            filters.OrderingFilter,
        ]
        filterset_class = Products

        def get_permissions(self):
            return [permissions.IsAuthenticated()]

        def get_queryset(self):
            return super().get_queryset().filter(is_archived=False)

        def get_serializer_class(self):
            return super().get_serializer_class()

        def finalize_response(self, request, response, *args, **kwargs):
            response["X-Shop"] = "tea"
            return super().finalize_response(request, response, *args, **kwargs)

    return OVERRIDES.get(contender.name, override_as_in_drf)(View)


def override_as_in_drf(view):
    class View(view):
        def initial(self, request, *args, **kwargs):
            super().initial(request, *args, **kwargs)
            self.is_ready = True

        def filter_queryset(self, queryset):
            return super().filter_queryset(queryset).order_by("pk")

        def get_serializer_context(self):
            return {**super().get_serializer_context(), "shop": "tea"}

        def perform_create(self, serializer):
            serializer.save(owner=self.request.user)

        def perform_update(self, serializer):
            serializer.save()

        def perform_destroy(self, instance):
            instance.delete()

    return View


def override_as_in_drf_restflow(view):
    from asgiref.sync import sync_to_async

    class View(view):
        async def ainitial(self, request, *args, **kwargs):
            await super().ainitial(request, *args, **kwargs)
            self.is_ready = True

        async def afilter_queryset(self, queryset):
            return (await super().afilter_queryset(queryset)).order_by("pk")

        def get_context(self):
            return {**super().get_context(), "shop": "tea"}

        async def aperform_create(self, serializer):
            await sync_to_async(serializer.save)(owner=self.request.user)

        async def aperform_update(self, serializer):
            await sync_to_async(serializer.save)()

        async def aperform_destroy(self, instance):
            await instance.adelete()

    return View


def override_as_in_adrf(view):
    class View(view):
        def initial(self, request, *args, **kwargs):
            super().initial(request, *args, **kwargs)
            self.is_ready = True

        async def afilter_queryset(self, queryset):
            return (await super().afilter_queryset(queryset)).order_by("pk")

        def get_serializer_context(self):
            return {**super().get_serializer_context(), "shop": "tea"}

        async def perform_acreate(self, serializer):
            await serializer.asave(owner=self.request.user)

        async def perform_aupdate(self, serializer):
            await serializer.asave()

        async def perform_adestroy(self, instance):
            await instance.adelete()

    return View


OVERRIDES = {"drf-restflow": override_as_in_drf_restflow, "adrf": override_as_in_adrf}
Row = namedtuple("Row", "name handler make_view flows")
ROWS = [
    Row("stock stack", "ASGI", make_stock_view, list(FLOWS)),
    Row("sync overrides and django-filter", "ASGI", make_overridden_view, list(FLOWS)),
    Row("async handler and nothing else", "ASGI", make_handler_view, ["list"]),
    Row("2 async permissions, throttle, handler", "ASGI", make_guarded_view, ["list"]),
    Row("stock, handler awaits aget_object()", "ASGI", make_object_view, ["retrieve"]),
    Row("stock, one async filter backend", "ASGI", make_filtered_view, ["list"]),
    Row("all-async stack", "ASGI", make_all_async_view, ["list"]),
    Row("WSGI, stock stack", "WSGI", make_stock_view, ["list", "retrieve"]),
]


# Requests through Django's handlers


def make_urls(view_class, **initkwargs):
    """A URL conf with nothing but this view, so that all are found equally fast."""
    view = view_class.as_view(**initkwargs)
    urls = types.ModuleType("urls")
    urls.urlpatterns = [shop.path("", view), shop.path("<int:pk>/", view)]
    return urls


def prepare(urls, flow, count):
    """Make the rows afresh, and this many requests: a URL conf, a method, a URL and a body."""
    from django.core.cache import cache
    from django.core.management.color import no_style

    _, method, url, body = FLOWS[flow]
    number = PRODUCTS + (count if flow == "destroy" else 0)
    shop.Product.objects.all().delete()
    shop.Product.objects.bulk_create(
        shop.Product(pk=pk, name=f"Tea {pk}", price=pk % 100, category_id=1)
        for pk in range(1, number + 1)
    )
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [shop.Product]):
            cursor.execute(statement)
    cache.clear()  # The throttle has counted.
    confs = itertools.cycle(urls if isinstance(urls, list) else [urls])
    return [(next(confs), method, url.format(PRODUCTS + 1 + n), body) for n in range(count)]


class Handler:
    """Sends requests to Django, one after the other."""

    def __init__(self, kind):
        from django.core.handlers.asgi import ASGIHandler
        from django.core.handlers.wsgi import WSGIHandler

        self.application = ASGIHandler() if kind == "ASGI" else WSGIHandler()
        self.ask_all = self.ask_asgi if kind == "ASGI" else self.ask_wsgi

    def cpu_time(self, requests):
        """The seconds that a request takes, all threads of the process together."""
        gc.collect()
        start = time.process_time()
        answers = self.ask_all(requests)
        seconds = (time.process_time() - start) / len(requests)
        for status, body in answers:
            assert status < 300, (requests[0][1:], status, body[:2000])
        return seconds

    def ask_asgi(self, requests):
        async def ask_all():
            answers = []
            for urls, *request in requests:
                shop.settings.ROOT_URLCONF = urls
                answers.append(await exchange(self.application, *request))
            return answers

        return run(ask_all())

    def ask_wsgi(self, requests):
        answers = []
        for urls, method, url, body in requests:
            shop.settings.ROOT_URLCONF = urls
            environ = {
                "REQUEST_METHOD": method,
                "PATH_INFO": url,
                "SERVER_NAME": "localhost",
                "SERVER_PORT": "80",
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(body),
                "CONTENT_LENGTH": str(len(body)),
                "CONTENT_TYPE": HEADERS["Content-Type"],
                "HTTP_HOST": HEADERS["Host"],
                "HTTP_AUTHORIZATION": HEADERS["Authorization"],
            }
            response = self.application(environ, lambda status, headers: None)
            answers.append((response.status_code, b"".join(response)))
            response.close()
        return answers


async def exchange(application, method, url, body):
    """Send one request through an ASGI application."""
    headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    headers.append((b"content-length", str(len(body)).encode()))
    scope = {"type": "http", "method": method, "path": url, "query_string": b""}
    messages, answered = [], asyncio.Event()
    incoming = [{"type": "http.request", "body": body}]

    async def receive():
        if not incoming:
            await answered.wait()
            return {"type": "http.disconnect"}
        return incoming.pop()

    async def send(message):
        messages.append(message)
        if not message.get("more_body", message["type"] == "http.response.start"):
            answered.set()

    await application({**scope, "headers": headers}, receive, send)
    return messages[0]["status"], b"".join(message["body"] for message in messages[1:])


def find_who_answers(handler, urls, flow):
    """The contenders that answer like DRF, and leave the same rows behind."""
    answers, able = {}, []
    for name in urls:
        try:
            [(status, body)] = handler.ask_all(prepare(urls[name], flow, 1))
        except Exception as error:
            status, body = type(error).__name__, str(error).encode()
        body = re.sub(rb'"id":\d+', b"", body) if flow == "create" else body
        rows = shop.Product.objects.values_list("name", "description", "price", "category")
        answers[name] = (status, body, list(rows))
        if answers[name] == answers["DRF"]:
            able.append(name)
        else:
            print(f"\n{name} does not answer {flow} like DRF: {status} {body[:300]}\n")
    assert answers["DRF"][0] < 300, answers["DRF"]
    return able


# CPU time


def measure_ratios(urls, names, rounds, cpu_time):
    """The seconds of DRF, and the ratios of the others: each right before or after DRF."""
    times, ratios = [], {name: [] for name in names if name != "DRF"}
    for number in range(1 + rounds):  # The first round warms up.
        for name in random.sample(list(ratios), len(ratios)):
            pair = ["DRF", name] if number % 2 else [name, "DRF"]
            taken = {each: cpu_time(urls[each]) for each in pair}
            if number:
                times.append(taken["DRF"])
                ratios[name].append(taken[name] / taken["DRF"])
    return times, ratios


def format_ratios(ratios):
    low, median, high = statistics.quantiles(ratios, n=4)
    return f"{median:.2f} ±{(high - low) / 2:.2f}"


def print_row(*cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def print_header(*cells):
    print()
    print_row(*cells)
    print_row("---", *["---:"] * (len(cells) - 1))


def measure_rows(options, kind):
    rounds, count = max(options.rounds or 50, 2), options.requests or 10
    contenders, handler = find_contenders(), Handler(kind)
    print(f"\nCPU time of a request through Django's {kind} handler: DRF's, and as ratios to it;")
    print(f"{rounds} rounds of {count} requests")
    print_header("", *contenders)
    gc.disable()  # It collects before each batch, which is quick once all this is frozen.
    gc.freeze()
    for row in ROWS:
        if row.handler != kind or options.row not in row.name:
            continue
        medians = {name: [] for name in contenders}
        for flow in row.flows:
            urls = {
                name: make_urls(row.make_view(contender, flow))
                for name, contender in contenders.items()
            }
            able = find_who_answers(handler, urls, flow)

            def cpu_time(urls, flow=flow):
                return handler.cpu_time(prepare(urls, flow, count))

            times, ratios = measure_ratios(urls, able, rounds, cpu_time)
            cells = [f"{1000 * statistics.median(times):.2f} ms"]
            for name in list(contenders)[1:]:
                cells.append(format_ratios(ratios[name]) if name in ratios else "-")
                if name in ratios:
                    medians[name].append(statistics.median(ratios[name]))
            assert all(vars(component)[name] is hook for component, name, hook in UNTOUCHED)
            UNTOUCHED.clear()
            print_row(f"{row.name}: {flow}" if len(row.flows) > 1 else row.name, *cells)
        if len(row.flows) > 1:
            cells = [
                f"{statistics.geometric_mean(medians[name]):.3f}"
                if len(medians[name]) == len(row.flows)
                else "-"
                for name in list(contenders)[1:]
            ]
            print_row(f"{row.name}: geometric mean", "", *cells)


def measure_asgi(options):
    print(f"\n{NOTES}")
    measure_rows(options, "ASGI")


def measure_wsgi(options):
    measure_rows(options, "WSGI")


def ask(options):
    """Ask the first row that has the words, for a profiler."""
    row = next(row for row in ROWS if options.row in row.name)
    flow, count = row.flows[0], options.requests or 2000
    urls = make_urls(row.make_view(find_contenders()[options.contender], flow))
    handler = Handler(row.handler)
    batches = [handler.cpu_time(prepare(urls, flow, 10)) for _ in range(count // 10)]
    print(f"{row.name}, {flow}, {options.contender}: {1e6 * statistics.median(batches):.0f} µs")


PARTS = {
    "cpu": measure_asgi,
    "wsgi": measure_wsgi,
    "ask": ask,
}

if __name__ == "__main__":
    main()
