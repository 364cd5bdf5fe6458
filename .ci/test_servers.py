# SPDX-License-Identifier: MIT
"""
The shop, on real servers.

They are installed with the extra `servers`. Where one is not, its tests are skipped. Each of them
serves the shop twice, to clients that ask for our views or for DRF's sync ones.
"""

import asyncio
import collections
import contextlib
import functools
import hashlib
import http.client
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import urllib.parse
import urllib.request
from unittest import mock

import django
import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.asgi import ASGIHandler
from django.db import connection, connections
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import override_settings
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import include, path
from django.utils.deprecation import MiddlewareMixin
from rest_framework import parsers, permissions, routers, serializers, viewsets
from rest_framework.authentication import BasicAuthentication
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.views import APIView

from restflow_generics import AsyncAPIView, call_hook
from shop import ROOT, CategoryViewSet, Product, ProductViewSet, Shop, router
from take_turns import TakeTurns
from test_demo import free_port
from tools import basic, exchange, mounted, reset_shop, until, where

SERVERS = {
    "uvicorn": "-m uvicorn application:asgi --port {port} --timeout-keep-alive 60",
    "hypercorn": "-m hypercorn application:asgi --bind 127.0.0.1:{port} --keep-alive 60",
    "daphne": "-m daphne application:asgi --port {port}",
    "granian": "-m granian application:asgi --interface asgi --port {port}",
    "gunicorn": "-m gunicorn application:wsgi --bind 127.0.0.1:{port} --keep-alive 60 --threads 2",
}

APPLICATION = """
import logging
from unittest import mock

import shop  # which configures Django first
import test_servers
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

settings.MIDDLEWARE[:0] = [
    "django.middleware.http.ConditionalGetMiddleware",
    "test_servers.ChoosesViews",
]
mock.patch("django.middleware.csrf.get_random_string", lambda n, *_, **__: "x" * n).start()
logging.getLogger("django.request").disabled = True  # of the errors that are asked for
asgi, wsgi = ASGIHandler(), WSGIHandler()
"""


def twin_of(ours):
    """For DRF's sync view: what ours is configured with, and its name, which pages show."""

    def configure(view):
        names = """queryset serializer_class permission_classes pagination_class filter_backends
            search_fields ordering_fields __doc__ __name__"""
        for name in names.split():
            if hasattr(ours, name) and (name.startswith("__") or name not in vars(view)):
                setattr(view, name, getattr(ours, name))
        return view

    return configure


@twin_of(CategoryViewSet)
class SyncCategoryViewSet(viewsets.ModelViewSet):
    pass


class HookedCategoryViewSet(CategoryViewSet):
    """With an async hook."""

    async def aperform_create(self, serializer):
        await serializer.asave()


class SyncIsOwnerOrReadOnly(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.method in permissions.SAFE_METHODS or request.user.is_authenticated

    def has_object_permission(self, request, view, product):
        return request.method in permissions.SAFE_METHODS or product.owner_id == request.user.pk


@twin_of(ProductViewSet)
class SyncProductViewSet(viewsets.ModelViewSet):
    permission_classes = [SyncIsOwnerOrReadOnly]

    def perform_create(self, serializer):
        serializer.save(owner=self.request.user)

    def perform_destroy(self, instance):
        instance.is_archived = True
        instance.save()

    @action(detail=True, methods=["post"], serializer_class=serializers.Serializer)
    def restock(self, request, pk=None):
        return Response({"restocked": self.get_object().name})


async def async_lines():
    async for product in Product.objects.order_by("pk"):
        yield "%s, read on the %s\n" % (product, where())


def sync_lines():
    for product in Product.objects.order_by("pk"):
        yield "%s, read on the %s\n" % (product, where())


# What a stream waits for, and another request sets: so its first line was sent meanwhile.
told_to_go_on = threading.Event()


async def async_pause():
    told_to_go_on.clear()
    yield "at once\n"
    yield "told: %s\n" % await sync_to_async(told_to_go_on.wait, thread_sensitive=False)(20)


def sync_pause():
    told_to_go_on.clear()
    yield "at once\n"
    yield "told: %s\n" % told_to_go_on.wait(20)


class SyncFiles(APIView):
    authentication_classes = [BasicAuthentication]
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
    parser_classes = [parsers.MultiPartParser]
    answers = {
        "lines": lambda: StreamingHttpResponse(sync_lines()),
        "async lines": lambda: StreamingHttpResponse(async_lines(), status=203),
        "pause": lambda: StreamingHttpResponse(sync_pause()),
        "async pause": lambda: StreamingHttpResponse(async_pause()),
        "file": lambda: FileResponse(open(serializers.__file__, "rb"), as_attachment=True),
    }

    def get(self, request):
        return self.answers[request.GET["as"]]()

    def post(self, request):
        file = request.data["file"]
        seen = {"name": file.name, "size": file.size, "type": file.content_type}
        seen["sha256"] = hashlib.sha256(file.read()).hexdigest()
        return Response({**seen, "note": request.data["note"]}, status=201)


class AsyncFiles(AsyncAPIView):
    authentication_classes = SyncFiles.authentication_classes
    permission_classes = SyncFiles.permission_classes
    parser_classes = SyncFiles.parser_classes

    async def get(self, request):
        return SyncFiles.answers[request.GET["as"]]()

    async def post(self, request):
        await call_hook(request, "data")
        return SyncFiles.post(self, request)


class OurSyncFiles(SyncFiles, AsyncAPIView):
    """Ours, with handlers that were left as they are."""


def reset(request):
    reset_shop()
    return HttpResponse()


def go_on(request):
    told_to_go_on.set()
    return HttpResponse()


async def tasks(request):
    return JsonResponse([task.get_coro().__qualname__ for task in asyncio.all_tasks()], safe=False)


sync_router = routers.DefaultRouter()
sync_router.APIRootView = Shop
sync_router.register("categories", SyncCategoryViewSet)
sync_router.register("products", SyncProductViewSet)
VIEWS = {
    views: (
        path("", include(urls)),
        path("files/", files.as_view()),
        path("sync-files/", sync_files.as_view()),
        path("hooked/", hooked.as_view({"post": "create"})),
        path("reset/", reset),
        path("go-on/", go_on),
        path("tasks/", tasks),
    )
    for views, urls, files, sync_files, hooked in [
        ("ours", router.urls, AsyncFiles, OurSyncFiles, HookedCategoryViewSet),
        ("DRF's", sync_router.urls, SyncFiles, SyncFiles, SyncCategoryViewSet),
    ]
}


class ChoosesViews(MiddlewareMixin):
    def process_request(self, request):
        request.urlconf = VIEWS[request.headers.get("X-Views", "ours")]


def as_json(**fields):
    return "application/json", json.dumps(fields).encode()


def as_form(**fields):
    return "application/x-www-form-urlencoded", urllib.parse.urlencode(fields).encode()


def as_parts(**fields):
    return MULTIPART_CONTENT, encode_multipart(BOUNDARY, fields)


def a_file(size):
    return SimpleUploadedFile("Blätter.png", (bytes(range(256)) * size)[:size], "image/png")


# Each GET is sent as a HEAD too, and again with the ETag of its answer.
REQUESTS = [
    (200, "GET", "/"),
    (200, "GET", "/categories/"),
    (200, "GET", "/products/"),
    (200, "GET", "/products/?search=TEA&ordering=-price&page_size=2"),
    (200, "GET", "/products/?search=TEA&ordering=-price&page_size=2&page=2"),
    (404, "GET", "/products/?page=9"),
    (200, "GET", "/products/1/"),
    (200, "GET", "/products/1/", {"Accept": "application/json; indent=4"}),
    (200, "GET", "/products/1/?format=api", {}, "ann"),
    (404, "GET", "/products/9/"),
    (404, "GET", "/Bl%C3%A4tter/"),
    (301, "GET", "/products"),
    (406, "GET", "/products/", {"Accept": "text/csv"}),
    (403, "DELETE", "/products/"),
    (405, "DELETE", "/products/", {}, "ann"),
    (200, "OPTIONS", "/products/"),
    (200, "OPTIONS", "/products/1/", {}, "ann"),
    (403, "POST", "/products/", {}, None, as_json(name="Cup")),
    (403, "GET", "/products/", {}, "nobody"),
    (401, "POST", "/files/", {}, None, as_parts(name="Cup")),
    (401, "GET", "/files/", {}, "nobody"),
    (201, "POST", "/products/", {}, "ann", as_json(name="Grüner Tee ☕", price="2.50")),
    (200, "GET", "/products/?search=Gr%C3%BCner"),
    (201, "POST", "/products/", {}, "bob", as_form(name="Blätter & Co", description="x" * 9000)),
    (201, "POST", "/products/", {}, "ann", as_parts(name="Kännchen", category=1)),
    (201, "POST", "/categories/", {}, "ann", as_form(name="Kaffee")),
    (201, "POST", "/hooked/", {}, "ann", as_form(name="Kuchen")),  # with a Location
    (400, "POST", "/products/", {}, "ann", as_json(price="dear")),
    (400, "POST", "/products/", {}, "ann", ("application/json", b"{")),
    (400, "POST", "/products/", {}, "ann"),
    (415, "POST", "/products/", {}, "ann", ("text/csv", b"name,price")),
    (200, "PATCH", "/products/1/", {}, "ann", as_json(price=3)),
    (200, "PUT", "/products/1/", {}, "ann", as_form(name="Sencha")),
    (400, "PUT", "/products/1/", {}, "ann", as_form(price=3)),
    (403, "PUT", "/products/1/", {}, "bob", as_form(name="Sencha")),
    (200, "POST", "/products/1/restock/", {}, "ann"),
    (404, "POST", "/products/9/restock/", {}, "ann"),
    (405, "GET", "/products/1/restock/"),
    (204, "DELETE", "/products/1/", {}, "ann"),
    (204, "DELETE", "/categories/2/", {}, "ann"),
    (404, "GET", "/products/1/"),
    (200, "GET", "/products/"),
]
for url in ("/files/", "/sync-files/"):
    REQUESTS += [
        (201, "POST", url, {}, "ann", as_parts(note="ä", file=a_file(300_000))),
        (201, "POST", url, {}, "ann", as_parts(note="", file=a_file(3_000_000))),  # not in memory
        (415, "POST", url, {}, "ann", as_json(note="ä")),
        (200, "GET", url + "?as=file"),
        (500, "GET", url + "?as=nothing"),
    ]
    if django.VERSION >= (4, 2):  # which streams either of them through either interface
        REQUESTS += [(200, "GET", url + "?as=lines"), (203, "GET", url + "?as=async%20lines")]


def send(connection, views, method, url, headers=(), user=None, data=(None, None)):
    headers = {"Host": "shop.example", "X-Views": views, **dict(headers)}
    if user:
        headers["Authorization"] = basic(user)
    if data[0]:
        headers["Content-Type"] = data[0]
    connection.request(method, url, data[1], headers)
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    for name in ("date", "server", "connection", "keep-alive", "transfer-encoding"):
        headers.pop(name, None)  # the server's own
    if "set-cookie" in headers:
        headers["set-cookie"] = re.sub("expires=[^;]*; ", "", headers["set-cookie"])
    if answer.status in (204, 301, 304):  # which some servers send no length with
        headers.pop("content-length", None)
    return answer.status, headers, answer.read()


def send_all(connection, views):
    """The answers to all requests: (expected status, request, answer)."""
    assert send(connection, views, "GET", "/reset/")[0] == 200
    for expected, method, url, *more in REQUESTS:
        answer = send(connection, views, method, url, *more)
        yield expected, (method, url, *more), answer
        if method == "GET":
            yield expected, ("HEAD", url, *more), send(connection, views, "HEAD", url, *more)
            if expected == 200 and "?as=" not in url:  # all but the streams
                more[:1] = [{**dict(*more[:1]), "If-None-Match": answer[1].get("etag", "none")}]
                yield 304, (method, url, *more), send(connection, views, method, url, *more)


def stream(connection, url):
    """Read a line, tell the server through another connection to go on, and read the rest."""
    connection.request("GET", url)
    answer = connection.getresponse()
    first = answer.readline()
    urllib.request.urlopen("http://%s:%d/go-on/" % (connection.host, connection.port)).close()
    return (first + answer.read()).decode()


def count_tasks(connection):
    return collections.Counter(json.loads(send(connection, "ours", "GET", "/tasks/")[2]))


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """Start a server, send it all requests, and tell it to leave: once for each server."""
    folder = tmp_path_factory.mktemp("servers")
    (folder / "application.py").write_text(APPLICATION)
    paths = os.pathsep.join(map(str, [folder, ROOT, ROOT / ".ci"]))
    environment = dict(os.environ, PYTHONPATH=paths, PYTHONUNBUFFERED="1")
    environment["DATABASE_URL"] = "sqlite:///%s" % (folder / "shop.sqlite3")
    environment["PYTHONWARNINGS"] = "error:coroutine:RuntimeWarning"  # daphne logs no warnings
    environment["XDG_RUNTIME_DIR"] = str(folder)  # or gunicorn makes a folder in the user's home
    make = [sys.executable, "-c", "import shop; shop.make_shop()"]
    subprocess.run(make, env=environment, check=True)

    @functools.lru_cache(maxsize=None)
    def visit(name):
        if not importlib.util.find_spec(name):
            pytest.skip("%s is not installed" % name)
        port = free_port()
        command = [sys.executable, *SERVERS[name].format(port=port).split()]
        with open(str(folder / name), "w+b") as log:
            server = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            seen = types.SimpleNamespace(left_with=None, port_is_free=False)
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                for _ in range(400):
                    with contextlib.suppress(OSError):
                        connection.connect()
                        break
                    time.sleep(0.05)
                first_socket = connection.sock
                tasks_before = count_tasks(connection)
                seen.ours, seen.drfs = [list(send_all(connection, views)) for views in VIEWS]
                if django.VERSION >= (4, 2):
                    query = "?as=pause" if "wsgi" in SERVERS[name] else "?as=async%20pause"
                    urls = ["/files/" + query, "/sync-files/" + query]
                    seen.streams = [stream(connection, url) for url in urls]
                for _ in range(100):  # A server may have yet to end the other connection's.
                    seen.tasks_left = count_tasks(connection) - tasks_before
                    if not seen.tasks_left:
                        break
                    time.sleep(0.05)
                seen.kept_alive = connection.sock is first_socket
                connection.close()
            finally:
                server.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    seen.left_with = server.wait(10)
                with contextlib.suppress(OSError):
                    socket.create_server(("127.0.0.1", port)).close()
                    seen.port_is_free = True
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGKILL)
                server.wait()
                log.seek(0)
                seen.log = log.read().decode()
                print(seen.log)
        return seen

    return visit


on_each_server = pytest.mark.parametrize("server", SERVERS)


@on_each_server
def test_a_server_gets_from_our_views_what_it_gets_from_drfs(server, visit):
    for (expected, request, ours), (_, _, drfs) in zip(visit(server).ours, visit(server).drfs):
        assert (request, ours) == (request, drfs)
        assert (request, ours[0]) == (request, expected)


@pytest.mark.parametrize("server", [server for server in SERVERS if server != "uvicorn"])
def test_a_server_answers_what_uvicorn_answers(server, visit):
    for ours, uvicorns in zip(visit(server).ours, visit("uvicorn").ours):
        assert ours == uvicorns


@on_each_server
def test_a_server_gives_a_head_the_headers_of_the_get_and_no_body(server, visit):
    answers = [(request, answer) for _, request, answer in visit(server).ours]
    for (_, (status, headers, _)), (request, head) in zip(answers, answers[1:]):
        if request[0] == "HEAD" and status != 405 and "format=api" not in request[1]:
            # Those name the method. Django's middleware gives an ETag to a GET only.
            headers = {name: value for name, value in headers.items() if name != "etag"}
            assert (request, head) == (request, (status, headers, b""))


@on_each_server
def test_a_server_sends_each_part_of_a_stream_when_a_handler_yields_it(server, visit):
    if django.VERSION < (4, 2):
        pytest.skip("Django 4.2 is the first to stream async iterators")
    assert visit(server).streams == ["at once\ntold: True\n"] * 2


@on_each_server
def test_a_server_is_sent_all_requests_through_one_connection(server, visit):
    assert visit(server).kept_alive


@on_each_server
def test_a_server_has_no_more_tasks_than_before_the_requests(server, visit):
    assert not visit(server).tasks_left


@on_each_server
def test_a_server_leaves_when_told_and_has_nothing_to_complain_of(server, visit):
    seen = visit(server)
    # uvicorn passes the signal on when it is through.
    assert seen.left_with in ((0, -signal.SIGTERM) if server == "uvicorn" else (0,))
    assert seen.port_is_free
    for complaint in ("Traceback", "never awaited", "Task was destroyed", "Exception ignored"):
        assert complaint not in seen.log


def test_the_readme_names_the_servers():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert "with %s, %s, %s or %s. Under WSGI, say with %s," % (*SERVERS,) in readme


def test_requests_take_turns_with_threads_and_connections():
    if not hasattr(ThreadSensitiveContext(), "_executor"):
        pytest.skip("asgiref 3.13 is the first whose ThreadSensitiveContext takes an executor")
    used = []

    class View(AsyncAPIView):
        def get(self, request):
            connection.ensure_connection()
            used.append((threading.current_thread(), connection.connection))
            time.sleep(0.01)
            return Response()

    async def ask_all():
        application = TakeTurns(ASGIHandler(), keep=2)
        for _ in range(3):
            await exchange(application, "GET", "/")
        assert len(set(used)) == 1
        await asyncio.gather(*[exchange(application, "GET", "/") for _ in range(4)])
        assert len(set(used)) == 4
        await asyncio.wait_for(until(lambda: sum(t.is_alive() for t, _ in set(used)) == 2), 5)
        for thread, database_connection in used:
            if not thread.is_alive():
                with pytest.raises(connection.Database.Error):  # as it is closed
                    database_connection.cursor()
        for executor in application.idle:
            executor.submit(connections.close_all)
            executor.shutdown()

    with override_settings(ROOT_URLCONF=mounted(View)), mock.patch.dict(
        connections.settings["default"], CONN_MAX_AGE=60
    ):
        asyncio.run(ask_all())
