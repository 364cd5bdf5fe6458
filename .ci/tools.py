# SPDX-License-Identifier: MIT
"""The tools of the tests: fixtures, requests, the views that the tests start from."""

import asyncio
import base64
import contextlib
import functools
import importlib
import importlib.util
import inspect
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from unittest import mock

import django
import pytest

# The shop configures Django first.
from shop import MODULE, ROOT, Pages, Product, ProductSerializer, fill_shop, make_tables

# isort: split
from asgiref.sync import SyncToAsync, sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.management.color import no_style
from django.db import connection, connections, models, transaction
from django.db.backends.signals import connection_created
from django.test import override_settings
from django.test.utils import setup_databases, teardown_databases
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from rest_framework import (
    exceptions,
    filters,
    generics,
    mixins,
    pagination,
    permissions,
    routers,
    serializers,
    throttling,
    viewsets,
)
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
)
from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

import restflow_generics
from restflow_generics import (
    AsyncAPIView,
    AsyncListAPIView,
    AsyncListCreateAPIView,
    AsyncRetrieveUpdateDestroyAPIView,
)

# Fixtures


def do_not_wait_for_the_disk(connection, **kwargs):
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="session", autouse=True)
def database(tmp_path_factory):
    if connection.settings_dict["TEST"]["NAME"]:  # They are there, as tests in `.ci` run, too.
        yield
        return
    connection_created.connect(do_not_wait_for_the_disk)
    folder = tmp_path_factory.mktemp("databases")
    for alias in connections:
        name = "shop_" + alias
        is_file = connections[alias].vendor == "sqlite"
        connections[alias].settings_dict["TEST"]["NAME"] = str(folder / name) if is_file else name
    databases = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
    for alias in connections:
        make_tables(connections[alias])
    yield
    asyncio.run(sync_to_async(connections.close_all)())
    teardown_databases(databases, verbosity=0)


def reset_shop():
    tables = connection.introspection.django_table_names(only_existing=True)
    tables = set(tables) - {"django_content_type", "auth_permission", "django_migrations"}
    sql = connection.ops.sql_flush(no_style(), sorted(tables), reset_sequences=True)
    with transaction.atomic():
        connection.ops.execute_sql_flush(sql)
        fill_shop()
    cache.clear()


@pytest.fixture(autouse=True)
def reset(database):
    reset_shop()


@pytest.fixture
def tea():
    return Product.objects.get(name="Green tea")


@pytest.fixture
def atomic_requests():
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    yield
    connections.settings["default"]["ATOMIC_REQUESTS"] = False


@pytest.fixture(scope="module")
def second_copy():
    name = "second_copy"
    spec = importlib.util.spec_from_file_location(name, restflow_generics.__file__)
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, {name: module}):
        spec.loader.exec_module(module)
    return module


# Requests


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


def where():
    """Which side this line runs on."""
    return "event loop" if asyncio._get_running_loop() else "worker thread"


def basic(user):
    return "Basic " + base64.b64encode(("%s:%s" % (user, user)).encode()).decode()


class Answer:
    """What a client of the ASGI application gets."""

    def __init__(self, messages):
        start, body = messages[0], b"".join(m.get("body", b"") for m in messages[1:])
        self.status = start["status"]
        self.headers = {k.decode().title(): v.decode("latin1") for k, v in start["headers"]}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Handler(ASGIHandler):
    """Cleans up after an exception that goes through it, too, which Django's does not."""

    async def get_response_async(self, request):
        def clean_up():
            connections.close_all()
            request._stream.close()

        try:
            return await super().get_response_async(request)
        except Exception:
            await sync_to_async(clean_up)()
            raise


async def exchange(application, method, url, data=None, user=None, headers=(), **scope):
    """Send one HTTP request through the ASGI application."""
    if data is not None and not isinstance(data, bytes):
        data = json.dumps(data).encode()
        headers = {"Content-Type": "application/json", **dict(headers)}
    headers = dict({"Host": "testserver"}, **dict(headers))
    if user:
        headers["Authorization"] = basic(user)
    if data is not None:
        headers.setdefault("Content-Length", str(len(data)))
    path_, _, query = url.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path_,
        "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode("latin1")) for k, v in headers.items()],
        **scope,
    }
    messages, answered = [], asyncio.Event()
    incoming = [{"type": "http.request", "body": data or b""}]

    async def receive():
        if not incoming:
            await answered.wait()
            return {"type": "http.disconnect"}
        return incoming.pop()

    async def send(message):
        messages.append(message)
        if not message.get("more_body", message["type"] == "http.response.start"):
            answered.set()

    await application(scope, receive, send)
    return Answer(messages)


def mounted(view):
    """URLs for a view class: / and /<pk>/, and for a viewset those of its router."""
    if isinstance(view, type) and issubclass(view, viewsets.ViewSetMixin):
        simple = routers.SimpleRouter()
        simple.register("", view, basename="item")
        return tuple(simple.urls)
    view = view.as_view() if isinstance(view, type) else view
    return (path("", view), path("<pk>/", view))


def ask(view, method="GET", url="/", raises=True, application=None, **options):
    """Ask a view through Django's ASGI handler; with `raises`, errors are not made 500."""
    with override_settings(ROOT_URLCONF=mounted(view), DEBUG_PROPAGATE_EXCEPTIONS=raises):
        return asyncio.run(exchange(application or Handler(), method, url, **options))


def ask_shop(method, url, **options):
    return asyncio.run(exchange(Handler(), method, url, **options))


def read(request):
    """The arguments of `ask` for a request such as 'ann: PUT /1/ {"name": "Mug"}'."""
    form = r"\s*(?:(\w+): )?(\S+) (\S+) ?(.*)"
    user, method, url, data = re.fullmatch(form, request).groups()
    return dict(method=method, url=url, user=user, data=json.loads(data) if data else None)


def shown(answer):
    """An answer, but for the CSRF token in a page and the date of its cookie."""
    return re.sub(r"\b\w{32}(\w{32})?\b|expires=[^;]*", "...", repr(vars(answer)))


def ask_wsgi(view, method="GET", url="/", headers=(), data=None):
    """Ask a view through Django's WSGI handler; return the status and the body."""
    body = b"" if data is None else json.dumps(data).encode()
    path_, _, query = url.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path_,
        "QUERY_STRING": query,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/json",
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.input": io.BytesIO(body),
        **dict(headers),
    }
    statuses = []
    with override_settings(ROOT_URLCONF=mounted(view), DEBUG_PROPAGATE_EXCEPTIONS=True):
        response = WSGIHandler()(environ, lambda status, headers: statuses.append(status))
        return int(statuses[0].split()[0]), b"".join(response)


def status_of_both(view, *args, **options):
    """The status that both servers answer."""
    asgi_status = ask(view, *args, **options).status
    wsgi_status, _ = ask_wsgi(view, *args, **options)
    assert asgi_status == wsgi_status
    return asgi_status


def json_of_both(view, *args, **options):
    """What both servers answer, which is the same."""
    answer = ask(view, *args, **options).json
    assert json.loads(ask_wsgi(view, *args, **options)[1]) == answer
    return answer


def error_of(view, *args, **options):
    with pytest.raises(Exception) as caught:
        ask(view, *args, **options)
    return str(caught.value)


def names_created():
    return sorted(Product.objects.filter(id__gt=3).values_list("name", flat=True))


def cancelled_at(view, moment, method="GET", **options):
    """Cancel the view's task once `moment` has come; return what it ended with."""

    async def cancel():
        request = getattr(APIRequestFactory(), method.lower())("/", **options)
        task = asyncio.ensure_future(view.as_view()(request))
        await until(moment)
        task.cancel()
        await asyncio.sleep(0.02)
        task.cancel()  # an impatient server
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        return outcome

    return asyncio.run(cancel())


def run_python(code):
    path_ = os.pathsep.join([str(ROOT), str(ROOT / ".ci"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    with tempfile.TemporaryDirectory() as folder:
        url = "sqlite:///" + os.path.join(folder, "database")
        environment = dict(os.environ, PYTHONPATH=path_, DATABASE_URL=url)
        run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert run.returncode == 0, run.stdout
    return run.stdout.strip()


class HasUser(MiddlewareMixin):
    """A middleware that says who asks, whoever is in the session."""

    def process_request(self, request):
        request.user = User.objects.filter(username=request.META.get("HTTP_X_USER")).first()
        request.user = request.user or AnonymousUser()


# Views

CONFIGURED = {"queryset": Product.objects.all(), "serializer_class": ProductSerializer}


class ProductView(AsyncListCreateAPIView, AsyncRetrieveUpdateDestroyAPIView):
    """All that a view can do: a list without a `pk` in its URL, and one object with it."""

    queryset = Product.objects.all()
    serializer_class = ProductSerializer

    async def get(self, request, *args, **kwargs):
        action = self.retrieve if "pk" in kwargs else self.list
        return await action(request, *args, **kwargs)


class SyncProductView(generics.ListCreateAPIView, generics.RetrieveUpdateDestroyAPIView):
    """The same, on DRF's own sync views: what everything is compared with."""

    queryset = Product.objects.all()
    serializer_class = ProductSerializer

    def get(self, request, *args, **kwargs):
        action = self.retrieve if "pk" in kwargs else self.list
        return action(request, *args, **kwargs)


class Listed(AsyncListAPIView):
    queryset = Product.objects.order_by("pk")
    serializer_class = ProductSerializer


class OverriddenList(Listed):
    def get_queryset(self):
        return super().get_queryset().filter(pk__lt=3)


class StockView(AsyncListCreateAPIView, AsyncRetrieveUpdateDestroyAPIView):
    queryset = Product.objects.order_by("pk")
    serializer_class = ProductSerializer
    authentication_classes = [SessionAuthentication, BasicAuthentication]
    permission_classes = [permissions.IsAuthenticated]
    throttle_classes = [throttling.UserRateThrottle]
    filter_backends = [filters.SearchFilter, filters.OrderingFilter]
    pagination_class = Pages


class Opened(ProductView):
    """Answers whether it is served in a transaction."""

    def get(self, request, *args, **kwargs):
        return Response(connection.in_atomic_block)


class Waits(AsyncAPIView):
    async def get(self, request):
        await asyncio.sleep(0)
        return Response([1])


CONCRETE = [
    ("CreateAPIView", "POST"),
    ("ListAPIView", "GET"),
    ("RetrieveAPIView", "GET"),
    ("DestroyAPIView", "DELETE"),
    ("UpdateAPIView", "PUT PATCH"),
    ("ListCreateAPIView", "GET POST"),
    ("RetrieveUpdateAPIView", "GET PUT PATCH"),
    ("RetrieveDestroyAPIView", "GET DELETE"),
    ("RetrieveUpdateDestroyAPIView", "GET PUT PATCH DELETE"),
]


def of_drf(name):
    return getattr(generics, name, None) or getattr(viewsets, name)


def of_ours(name):
    return getattr(restflow_generics, "Async" + name)


def subclass(base, **attributes):
    return type(base.__name__, (base,), attributes)


# Hooks, and how they may be written

STYLES = ["def X", "async def X", "async def aX"]
each_style = pytest.mark.parametrize("style", STYLES)
each_side = pytest.mark.parametrize("is_async", [False, True])
each_spelling = pytest.mark.parametrize("prefix", ["", "a"])


def written(hook, style, body):
    """What stands in a class that has the hook in this style; it checks where it runs."""
    if style == "def X":

        def function(self, *args, **kwargs):
            assert where() == "worker thread"
            Product.objects.count()  # which is an error on the event loop
            return body(self, *args, **kwargs)
    else:

        async def function(self, *args, **kwargs):
            assert where() == "event loop"
            await asyncio.sleep(0)
            result = body(self, *args, **kwargs)
            return await result if inspect.isawaitable(result) else result

    return {"a" + hook if style == "async def aX" else hook: function}


def component(base, hook, style, body, **attributes):
    """A component class that has the hook in this style."""
    hooks = written(hook, style, lambda self, *args, **kwargs: body(*args, **kwargs))
    return subclass(base, **hooks, **attributes)


def refusing(base, spelling):
    """A class whose async hook answers no."""

    async def refuse(self, *args):
        return False

    return subclass(base, **{spelling: refuse})


class Allowed(permissions.BasePermission):
    """An async permission, for the overrides below that call `super()` in sync code."""

    async def has_permission(self, request, view):
        await asyncio.sleep(0)
        return request.META.get("HTTP_REFUSE") is None


class Refused(Exception):
    pass


PATCHED = [
    (owner, name)
    for owner, names in [
        (APIView, "initial check_permissions check_throttles perform_authentication dispatch"),
        (APIView, "finalize_response get_permissions initialize_request handle_exception"),
        (generics.GenericAPIView, "get_queryset filter_queryset paginate_queryset"),
        (generics.ListAPIView, "get"),
        (mixins.ListModelMixin, "list"),
        (Request, "_authenticate"),
    ]
    for name in names.split()
]

# Decorators, and what is made of components


def logged(method):
    """A decorator that hands on, and is no coroutine function itself."""

    @functools.wraps(method)
    def around(*args, **kwargs):
        return method(*args, **kwargs)

    return around


def unwrapped(method):
    """A decorator that does not say what it is around."""
    return lambda *args, **kwargs: method(*args, **kwargs)


def counted(method):
    """A decorator that asks the database first, which is an error on the event loop."""

    @functools.wraps(method)
    def around(*args, **kwargs):
        Product.objects.count()
        return method(*args, **kwargs)

    return around


def deny(method):
    @functools.wraps(method)
    def denied(*args, **kwargs):
        Product.objects.count()
        raise exceptions.PermissionDenied("Not now.")

    return denied


def making(base, name="__init__"):
    """A class whose making asks the database, which is not to be done on the event loop."""

    def method(self, *args, **kwargs):
        Product.objects.count()
        return getattr(super(cls, self), name)(*args, **kwargs)

    cls = type("Made", (base,), {name: method})
    return cls


def products_with(**attributes):
    """All products, as instances of a model that has these methods."""
    meta = type("Meta", (), {"proxy": True, "app_label": MODULE})
    model = type("Archived", (Product,), {"Meta": meta, "__module__": MODULE, **attributes})
    del django.apps.apps.all_models[MODULE]["archived"]  # Each call makes another one.
    return model.objects.all()


# Hops

FIVE_FLOWS = [
    pytest.param("GET", "/", 200, id="list"),
    pytest.param("GET", "/1/", 200, id="retrieve"),
    pytest.param("POST", "/", 201, id="create"),
    pytest.param("PUT", "/1/", 200, id="update"),
    pytest.param("DELETE", "/1/", 204, id="destroy"),
]


@contextlib.contextmanager
def counted_hops():
    """The calls of asgiref's SyncToAsync: each is a hop to a thread."""
    hops, original = [], SyncToAsync.__call__

    async def counting(self, *args, **kwargs):
        hops.append(self)
        return await original(self, *args, **kwargs)

    with mock.patch.object(SyncToAsync, "__call__", counting):
        yield hops


@contextlib.contextmanager
def noted_event_loops():
    """The event loops that are made meanwhile."""
    made, make = [], asyncio.BaseEventLoop.__init__

    def note(self):
        made.append(self)
        make(self)

    with mock.patch.object(asyncio.BaseEventLoop, "__init__", note):
        yield made


class AsyncStack:
    """Components with nothing sync about them."""

    class Authentication(BaseAuthentication):
        async def aauthenticate(self, request):
            return User(pk=1, username="eve"), None

    class Throttle(throttling.BaseThrottle):
        async def allow_request(self, request, view):
            return True

    class Backend(filters.BaseFilterBackend):
        async def afilter_queryset(self, request, queryset, view):
            return queryset

    class Paginator(pagination.LimitOffsetPagination):
        async def apaginate_queryset(self, queryset, request, view=None):
            self.count, self.limit, self.offset, self.request = 3, 10, 0, request
            return [product async for product in queryset]

    class Serializer(serializers.BaseSerializer):
        async def ais_valid(self, raise_exception=False):
            return True

        async def asave(self, **kwargs):
            return None

        @property
        async def adata(self):
            return {"name": "Tea"}

        class Meta:
            class list_serializer_class(serializers.ListSerializer):
                async def adata(self):
                    return [{"name": "Tea"}]

    class Metadata(BaseMetadata):
        async def determine_metadata(self, request, view):
            return {}

    class Products(models.QuerySet):
        async def aget(self, **lookup):
            return AsyncStack.Instance(name="Tea")

        def __aiter__(self):
            async def products():
                yield AsyncStack.Instance(name="Tea")

            return products()

    class Instance(Product):
        class Meta:
            proxy = True
            app_label = MODULE

        async def adelete(self):
            pass
