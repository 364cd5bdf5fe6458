# SPDX-License-Identifier: MIT
"""
The tests of restflow_generics, and its demo.

`pytest` runs the tests. `python test_restflow_generics.py` serves the shop that they
use, with some data in it, through a real ASGI server on http://127.0.0.1:8000/.
"""

import asyncio
import base64
import contextlib
import contextvars
import functools
import inspect
import io
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from decimal import Decimal
from unittest import mock

import django
import pytest
from django.conf import settings

# The shop: a small Django project in this module

HERE = pathlib.Path(__file__).parent
MODULE = "test_restflow_generics"

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.environ.get("SHOP_DATABASE", ":memory:"),
                "OPTIONS": {"timeout": 20},
            }
        },
        DEBUG=bool(os.environ.get("SHOP_DEBUG")),
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
            "rest_framework",
            MODULE,
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        REST_FRAMEWORK={"PAGE_SIZE": 10},
        ROOT_URLCONF=MODULE,
        SECRET_KEY="only for the demo and the tests",
        STATIC_URL="/static/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                    ]
                },
            }
        ],
        USE_TZ=True,
    )

if __name__ == "__main__":  # The module is a Django app too, so it is imported by its name.
    import test_restflow_generics

    sys.exit(test_restflow_generics.serve_demo())

django.setup()

from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import SynchronousOnlyOperation
from django.core.handlers.asgi import ASGIHandler
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, connections, models, transaction
from django.http import HttpResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from rest_framework import (
    exceptions,
    filters,
    generics,
    mixins,
    pagination,
    parsers,
    permissions,
    renderers,
    routers,
    serializers,
    status,
    throttling,
    versioning,
    viewsets,
)
from rest_framework.authentication import BaseAuthentication, BasicAuthentication
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate
from rest_framework.views import APIView

import restflow_generics
from restflow_generics import *  # noqa: F403  (its `__all__` is what users import)
from restflow_generics import AsyncAPIView, AsyncGenericAPIView, AsyncModelViewSet, call_hook


class Category(models.Model):
    name = models.CharField(max_length=40)

    def __str__(self):
        return self.name

    class Meta:
        ordering = ["name"]


class Product(models.Model):
    name = models.CharField(max_length=40)
    description = models.TextField(blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=1)
    category = models.ForeignKey(Category, models.CASCADE, null=True, blank=True)
    owner = models.ForeignKey(User, models.CASCADE, null=True, blank=True, editable=False)
    is_archived = models.BooleanField(default=False, editable=False)

    def __str__(self):
        return self.name

    class Meta:
        ordering = ["id"]


class CategorySerializer(serializers.ModelSerializer):
    class Meta:
        model = Category
        fields = ["id", "url", "name"]


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = ["id", "name", "description", "price", "category", "owner", "is_archived"]
        read_only_fields = ["owner", "is_archived"]


class Pages(pagination.PageNumberPagination):
    page_size = 10
    page_size_query_param = "page_size"


class CategoryViewSet(AsyncModelViewSet):
    """What the shop sorts its products into."""

    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
    pagination_class = Pages


class ProductViewSet(AsyncModelViewSet):
    """The products of the shop. Log in to change them: as ann, with the password ann."""

    queryset = Product.objects.filter(is_archived=False)
    serializer_class = ProductSerializer
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
    filter_backends = [filters.SearchFilter, filters.OrderingFilter]
    search_fields = ["name", "description"]
    ordering_fields = ["name", "price"]
    pagination_class = Pages

    async def aperform_create(self, serializer):
        await serializer.asave(owner=self.request.user)

    def perform_destroy(self, instance):
        instance.is_archived = True
        instance.save()

    @action(detail=True, methods=["post"])
    async def restock(self, request, pk=None):
        await asyncio.sleep(0.01)  # the warehouse answers
        product = await self.aget_object()
        return Response({"restocked": product.name})


router = routers.DefaultRouter()
router.register("categories", CategoryViewSet)
router.register("products", ProductViewSet)

urlpatterns = [
    path("", include(router.urls)),
    path("login/", include("rest_framework.urls")),
]

# The demo

CURL = """\
    curl {url}/products/
    curl '{url}/products/?search=tea&ordering=-price&page_size=2'
    curl {url}/products/1/
    curl -u ann:ann -d name=Kettle -d price=30 {url}/products/
    curl -u ann:ann -X PATCH -d price=2.50 {url}/products/1/
    curl -u ann:ann -X POST {url}/products/1/restock/
    curl -u ann:ann -X DELETE {url}/products/1/
    curl -X OPTIONS {url}/products/
"""


def make_shop():
    call_command("migrate", verbosity=0, run_syncdb=True)
    with connection.schema_editor() as editor:
        for model in (Category, Product):
            editor.create_model(model)


def fill_shop():
    ann = User.objects.create_user("ann", password="ann", is_staff=True)
    User.objects.create_user("bob", password="bob")
    tea = Category.objects.create(name="Tea")
    for number, name in enumerate(["Green tea", "Black tea", "Teapot"], 1):
        Product.objects.create(name=name, price=number, category=tea, owner=ann)


def serve_demo():
    port = os.environ.get("PORT", "8000")
    url = "http://127.0.0.1:" + port
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "shop.sqlite3")
        environment = dict(os.environ, SHOP_DATABASE=database, SHOP_DEBUG="1")
        fill = "from %s import *; make_shop(); fill_shop()" % MODULE
        subprocess.run([sys.executable, "-c", fill], cwd=HERE, env=environment, check=True)
        print(
            "The shop, in your browser: %s/ (user ann, password ann)\nor:\n\n%s"
            % (url, CURL.format(url=url)),
            flush=True,
        )
        command = [sys.executable, "-m", "uvicorn", MODULE + ":application", "--port", port]
        server = subprocess.Popen(command, cwd=HERE, env=environment)
        try:
            return server.wait()
        except KeyboardInterrupt:
            return server.wait()


def __getattr__(name):
    # uvicorn asks for `application`; the tests have no use for it.
    if name == "application":
        from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

        return ASGIStaticFilesHandler(ASGIHandler())
    raise AttributeError(name)


# The tools of the tests


@pytest.fixture(scope="session", autouse=True)
def database(tmp_path_factory):
    connection.close()
    name = str(tmp_path_factory.mktemp("shop") / "shop.sqlite3")
    connections.databases["default"]["NAME"] = connection.settings_dict["NAME"] = name
    make_shop()
    yield
    connections.close_all()


def reset_shop():
    tables = connection.introspection.django_table_names(only_existing=True)
    tables = set(tables) - {"django_content_type", "auth_permission", "django_migrations"}
    sql = connection.ops.sql_flush(no_style(), sorted(tables), reset_sequences=True)
    connection.ops.execute_sql_flush(sql)
    fill_shop()
    cache.clear()


@pytest.fixture(autouse=True)
def shop(database):
    reset_shop()


@pytest.fixture
def tea():
    return Product.objects.get(name="Green tea")


def where():
    """Which world this line runs in."""
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


def ask(view, method="GET", url="/", raises=True, **options):
    """Ask a view through Django's ASGI handler; with `raises`, errors are not made 500."""
    with override_settings(ROOT_URLCONF=mounted(view), DEBUG_PROPAGATE_EXCEPTIONS=raises):
        return asyncio.run(exchange(ASGIHandler(), method, url, **options))


def ask_shop(method, url, **options):
    return asyncio.run(exchange(ASGIHandler(), method, url, **options))


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


# The one rule: every hook of the view, in every spelling

PAIRS = [
    "initial",
    "perform_authentication",
    "check_permissions",
    "check_object_permissions",
    "check_throttles",
    "handle_exception",
    "finalize_response",
    "filter_queryset",
    "paginate_queryset",
    "get_object",
    "perform_create",
    "perform_update",
    "perform_destroy",
]
ACTIONS = ["list", "create", "retrieve", "update", "partial_update", "destroy"]
HANDLERS = ["post", "put", "patch", "delete", "options", "dispatch"]
SINGLE = [
    "allowed_methods",
    "default_response_headers",
    "determine_version",
    "get_authenticate_header",
    "get_authenticators",
    "get_content_negotiator",
    "get_exception_handler",
    "get_exception_handler_context",
    "get_format_suffix",
    "get_paginated_response",
    "get_parser_context",
    "get_parsers",
    "get_permissions",
    "get_queryset",
    "get_renderer_context",
    "get_renderers",
    "get_serializer",
    "get_serializer_class",
    "get_serializer_context",
    "get_success_headers",
    "get_throttles",
    "get_view_description",
    "get_view_name",
    "http_method_not_allowed",
    "initialize_request",
    "paginator",
    "perform_content_negotiation",
    "permission_denied",
    "raise_uncaught_exception",
    "setup",
    "throttled",
]
PROPERTIES = ["allowed_methods", "default_response_headers", "paginator"]


class Throttle(throttling.BaseThrottle):
    def allow_request(self, request, view):
        if "break" in request.query_params:
            raise LookupError("broken")
        return "throttle" not in request.query_params


class FullStack:
    """What the views of this section are made of: something of everything."""

    authentication_classes = [BasicAuthentication]
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
    throttle_classes = [Throttle]
    filter_backends = [filters.SearchFilter]
    search_fields = ["name"]
    pagination_class = Pages


def overriding(base, name, style, calls):
    """A subclass of `base` that overrides `name`, notes each call, and calls `super()`."""

    def note(view):
        database = "" if where() == "event loop" else Product.objects.count()  # may use the ORM
        calls.append((name, style, where(), getattr(view.request, "method", None), database != ""))

    if name in PROPERTIES:

        def override(self):
            note(self)
            return getattr(super(cls, self), name)

        override = property(override)
    elif style == "def X":

        def override(self, *args, **kwargs):
            note(self)
            return getattr(super(cls, self), name)(*args, **kwargs)
    else:

        async def override(self, *args, **kwargs):
            note(self)
            above = getattr(super(cls, self), "a" + name if name in PAIRS else name)
            result = above(*args, **kwargs)
            return await result if inspect.isawaitable(result) else result

    spelling = "a" + name if style == "async def aX" else name
    cls = type("Overriding", (base,), {spelling: override, "request": None})
    return cls


def everything_asked(view):
    """Status, headers and body of requests that take every way through a view."""
    answers = [
        ask(view, method, url, **options)
        for method, url, options in [
            ("GET", "/", {}),
            ("GET", "/?page=7", {}),
            ("HEAD", "/", {}),
            ("GET", "/1/", {}),
            ("GET", "/no/", {}),
            ("OPTIONS", "/1/", {"user": "ann"}),
            ("POST", "/", {"data": {"name": "Cup"}, "user": "ann"}),
            ("POST", "/", {"data": {"name": ""}, "user": "ann"}),
            (
                "POST",
                "/",
                {"data": b"{", "headers": {"Content-Type": "application/json"}, "user": "ann"},
            ),
            ("POST", "/", {"data": {"name": "Cup"}}),
            ("PUT", "/1/", {"data": {"name": "Mug"}, "user": "ann"}),
            ("PUT", "/1/?throttle", {"data": {"name": "Mug"}, "user": "ann"}),
            ("GET", "/?break", {"raises": False}),
            ("PATCH", "/1/", {"data": {"price": "5"}, "user": "ann"}),
            ("GET", "/1/", {"headers": {"Accept": "no/such"}}),
            ("GET", "/1/", {"headers": {"Accept": "text/html"}, "user": "ann"}),
            ("TRACE", "/1/", {"user": "ann"}),
            ("DELETE", "/1/", {"user": "ann"}),
        ]
    ]
    rows = list(Product.objects.order_by("id").values_list("name", "price"))
    tokens = rb'csrf\w+" value="\w+|csrfToken": "\w+'
    for answer in answers:
        answer.headers.pop("Set-Cookie", None)  # that of CSRF: a random one
    return [(a.status, a.headers, re.sub(tokens, b"", a.body)) for a in answers], rows


class FullView(FullStack, ProductView):
    pass


class FullSyncView(FullStack, SyncProductView):
    pass


@functools.lru_cache(maxsize=None)
def asked_of_drf(name):
    """What DRF's sync view answers, and how often it calls the hook for which method."""
    calls = []
    expected = everything_asked(overriding(FullSyncView, name, "def X", calls))
    reset_shop()
    return expected, [method for _, _, _, method, _ in calls]


def styles(names):
    return [
        pytest.param(name, style, id="%s-%s" % (name, style.replace(" ", "-")))
        for name in names
        for style in ["def X", "async def X", "async def aX"]
        if style == "def X" or name not in PROPERTIES
        if style != "async def aX" or name in PAIRS
    ]


@pytest.mark.parametrize("name, style", styles(PAIRS + ACTIONS + HANDLERS + SINGLE))
def test_an_override_runs_in_its_own_world_wherever_drf_would_run_it(name, style):
    expected, expected_methods = asked_of_drf(name)
    calls = []
    answers = everything_asked(overriding(FullView, name, style, calls))
    assert answers == expected
    assert {world for _, _, world, _, _ in calls} == {
        "worker thread" if style == "def X" else "event loop"
    }
    methods = [method for _, _, _, method, _ in calls]
    if name in PROPERTIES:  # which DRF reads more than once
        methods, expected_methods = set(methods), set(expected_methods)
    assert methods == expected_methods


# The one rule: chains of overrides


def link(name, style, log, bases, hook="filter_queryset"):
    """A class that overrides `hook` in a style, logs its name, and calls `super()`."""
    if style == "def X":

        def override(self, *args):
            assert where() == "worker thread"
            log.append(name)
            return getattr(super(cls, self), hook)(*args)
    else:

        async def override(self, *args):
            assert where() == "event loop"
            log.append(name)
            return await getattr(super(cls, self), "a" + hook)(*args)

    cls = type(name, bases, {"a" + hook if style == "async def aX" else hook: override})
    return cls


STYLES = ["def X", "async def X", "async def aX"]


@pytest.mark.parametrize("third", STYLES)
@pytest.mark.parametrize("second", STYLES)
@pytest.mark.parametrize("first", STYLES)
@pytest.mark.parametrize("kind", ["mixins", "views", "a view of mixins", "a mixin over views"])
def test_no_override_of_a_chain_is_skipped_or_runs_twice(kind, first, second, third):
    log = []
    mixins_ = [
        link(name, style, log, (object,))
        for name, style in [("first", first), ("second", second), ("third", third)]
    ]
    if kind == "mixins":
        view = type("View", (*mixins_, ProductView), {})
    elif kind == "a view of mixins":
        view = link("first", first, log, (type("Base", (*mixins_[1:], ProductView), {}),))
    else:
        view = link("third", third, log, (ProductView,))
        view = link("second", second, log, (view,))
        if kind == "views":
            view = link("first", first, log, (view,))
        else:
            view = type("View", (mixins_[0], view), {})

    request = APIRequestFactory().get("/")

    def spelled(self, request):  # a sync handler calls the one spelling
        return Response(self.filter_queryset(Product.objects.all()).count())

    async def aspelled(self, request):  # an async one the other
        queryset = await self.afilter_queryset(Product.objects.all())
        return Response(await sync_to_async(queryset.count)())

    for handler in (spelled, aspelled):
        assert ask(type("View", (view,), {"get": handler})).json == 3
        assert log == ["first", "second", "third"], handler
        log.clear()
    assert ask(view).status == 200
    assert log == ["first", "second", "third"]


def test_of_two_spellings_in_one_class_the_async_one_runs_in_async_code():
    class View(ProductView):
        def filter_queryset(self, queryset):
            return super().filter_queryset(queryset).filter(name="Teapot")

        async def afilter_queryset(self, queryset):
            return (await super().afilter_queryset(queryset)).filter(name="Black tea")

        def put(self, request):
            return Response(self.filter_queryset(Product.objects).get().name)

    assert ask(View).json[0]["name"] == "Black tea"
    assert ask(View, "PUT").json == "Teapot"


@pytest.mark.parametrize("spelling", ["filter_queryset", "afilter_queryset"])
def test_an_attribute_of_the_instance_comes_first(spelling):
    class View(ProductView):
        def filter_queryset(self, queryset):
            raise AssertionError("hidden")

        async def ainitial(self, request, *args, **kwargs):
            await super().ainitial(request, *args, **kwargs)
            setattr(self, spelling, lambda queryset: queryset.filter(name="Teapot"))

    assert [product["name"] for product in ask(View).json] == ["Teapot"]


def test_an_attribute_of_the_instance_may_call_what_it_replaces():
    class View(ProductView):
        def setup(self, request, *args, **kwargs):
            super().setup(request, *args, **kwargs)
            original = self.filter_queryset
            self.filter_queryset = lambda queryset: original(queryset).filter(name="Teapot")

        async def get(self, request):
            queryset = await self.afilter_queryset(Product.objects.all())
            return Response(await sync_to_async(queryset.count)())

    assert ask(View).json == 1


def test_a_spelling_that_is_none_counts_as_not_defined():
    class View(ProductView):
        afilter_queryset = None

        def filter_queryset(self, queryset):
            return queryset.filter(name="Teapot")

    assert [product["name"] for product in ask(View).json] == ["Teapot"]


def test_a_class_patched_later_is_looked_up_again():
    assert len(ask(ProductView).json) == 3
    teapots = Product.objects.filter(name="Teapot")
    with mock.patch.object(ProductView, "get_queryset", return_value=teapots):
        assert len(ask(ProductView).json) == 1
    with mock.patch.object(permissions.AllowAny, "has_permission", return_value=False):
        assert ask(ProductView).status == 403
    assert len(ask(ProductView).json) == 3


def test_a_base_that_python_would_skip_is_refused():
    class TenantView(generics.GenericAPIView):
        def filter_queryset(self, queryset):
            return super().filter_queryset(queryset).filter(name="Teapot")

    with pytest.raises(TypeError, match="Name TenantView before AsyncGenericAPIView"):
        type("View", (AsyncListAPIView, TenantView), {})
    view = type("View", (TenantView, ProductView), {})
    assert [product["name"] for product in ask(view).json] == ["Teapot"]


# The one rule: the components


def component(base, hook, style, body, **attributes):
    """A component whose `hook` is written in one of the three styles."""
    if style == "def X":

        def function(self, *args, **kwargs):
            assert where() == "worker thread"
            Product.objects.count()
            return body(*args, **kwargs)
    else:

        async def function(self, *args, **kwargs):
            assert where() == "event loop"
            await asyncio.sleep(0)
            return body(*args, **kwargs)

    spelling = "a" + hook if style == "async def aX" else hook
    return type("Component", (base,), {spelling: function, **attributes})


each_style = pytest.mark.parametrize("style", STYLES)


@each_style
def test_authenticators(style):
    def authenticate(request):
        name = request.META.get("HTTP_X_USER")
        if name == "nobody":
            raise exceptions.AuthenticationFailed("Nobody.")
        return (User(username=name), "token") if name else None

    class View(AsyncAPIView):
        authentication_classes = [
            component(BaseAuthentication, "authenticate", style, authenticate),
            BasicAuthentication,
        ]

        def get(self, request):
            return Response([str(request.user), request.auth])

    assert ask(View, headers={"X-User": "eve"}).json == ["eve", "token"]
    assert ask(View, user="ann").json == ["ann", None]
    assert ask(View).json == ["AnonymousUser", None]
    assert ask(View, headers={"X-User": "nobody"}).json == {"detail": "Nobody."}


@each_style
def test_authentication_left_to_whoever_asks_for_the_user(style):
    def authenticate(request):
        return User(username="eve"), None

    class View(AsyncAPIView):
        authentication_classes = [
            component(BaseAuthentication, "authenticate", style, authenticate)
        ]

        def perform_authentication(self, request):
            pass

        def get(self, request):
            return Response(str(request.user))

        async def post(self, request):
            return Response(str(request.user))

        async def put(self, request):
            await super().aperform_authentication(request)
            return Response(str(request.user))

    assert ask(View).json == "eve"
    assert ask(View, "PUT").json == "eve"
    with pytest.raises(SynchronousOnlyOperation, match="await view.aperform_authentication"):
        ask(View, "POST")


@each_style
def test_an_attribute_error_in_an_authenticator_is_not_taken_for_a_missing_user(style):
    class View(AsyncAPIView):
        authentication_classes = [
            component(BaseAuthentication, "authenticate", style, lambda request: None.user)
        ]

    with pytest.raises(Exception, match="no attribute 'user'") as caught:
        ask(View)
    assert type(caught.value).__name__ == "WrappedAttributeError"


@each_style
@pytest.mark.parametrize("hook", ["has_permission", "has_object_permission"])
def test_permissions(hook, style, tea):
    def allows(request, view, *obj):
        return request.query_params.get("secret") == "tea"

    class View(ProductView):
        permission_classes = [
            component(
                permissions.BasePermission, hook, style, allows, message="Ask for tea.", code="tea"
            )
        ]

    url = "/%s/" % tea.pk
    assert ask(View, "GET", url + "?secret=tea").status == 200
    assert ask(View, "GET", url).status == 403
    refused = ask(View, "DELETE", url, user="ann")
    assert (refused.status, refused.json) == (403, {"detail": "Ask for tea."})
    assert Product.objects.filter(pk=tea.pk).exists()


@each_style
def test_throttles(style):
    class View(AsyncAPIView):
        throttle_classes = [
            component(
                component(throttling.BaseThrottle, "wait", style, lambda: 7),
                "allow_request",
                style,
                lambda request, view: request.method != "POST",
            ),
            throttling.AnonRateThrottle,
        ]

        def get(self, request):
            return Response()

        post = get

    with mock.patch.object(throttling.AnonRateThrottle, "THROTTLE_RATES", {"anon": "2/min"}):
        assert ask(View).status == 200
        answer = ask(View, "POST")
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        answer = ask(View)
        assert (answer.status, int(answer.headers["Retry-After"]) > 50) == (429, True)


@each_style
def test_filter_backends_and_paginators(style):
    class View(ProductView):
        filter_backends = [
            filters.SearchFilter,
            component(
                filters.BaseFilterBackend,
                "filter_queryset",
                style,
                lambda request, queryset, view: queryset.exclude(name="Teapot"),
            ),
            filters.OrderingFilter,
        ]
        search_fields = ["name"]
        ordering_fields = ["price"]
        pagination_class = component(
            component(
                pagination.BasePagination,
                "paginate_queryset",
                style,
                lambda queryset, request, view: queryset[:1],
            ),
            "get_paginated_response",
            style,
            lambda data: Response({"page": data}),
        )

    (product,) = ask(View, "GET", "/?search=tea&ordering=-price").json["page"]
    assert product["name"] == "Black tea"


@each_style
def test_serializers(style):
    log = []

    def valid(serializer_self, **kwargs):
        log.append("valid")
        return True

    class Form(serializers.BaseSerializer):
        def to_representation(self, instance):
            return {"plain": instance}

    class OneWorld(Form):
        """In one style throughout; `data` is a property in each."""

    def add(name, body):
        if style == "def X":

            def method(self, *args, **kwargs):
                log.append((name, where()))
                return body(self, *args, **kwargs)
        else:

            async def method(self, *args, **kwargs):
                log.append((name, where()))
                return body(self, *args, **kwargs)

        is_async_name = style == "async def aX"
        if name == "data":
            method = property(method)
        setattr(OneWorld, "a" + name if is_async_name else name, method)

    add("is_valid", lambda self, raise_exception: True)
    add("save", lambda self: None)
    add("data", lambda self: {"style": style, "url": "/1/"})

    class View(ProductView):
        serializer_class = OneWorld

    answer = ask(View, "POST", data={})
    assert (answer.status, answer.json["style"]) == (201, style)
    assert answer.headers["Location"] == "/1/"
    world = "worker thread" if style == "def X" else "event loop"
    assert log == [(name, world) for name in ("is_valid", "save", "data", "data")]


@each_style
def test_querysets(style, tea):
    class Products(models.QuerySet):
        pass

    def get(self, **lookup):
        assert where() == "worker thread"
        return Product.objects.get(**lookup)

    async def aget(self, **lookup):
        assert where() == "event loop"
        return await sync_to_async(Product.objects.get)(**lookup)

    setattr(
        Products, "aget" if style == "async def aX" else "get", get if style == "def X" else aget
    )

    class View(ProductView):
        def get_queryset(self):
            return Products(Product)

    assert ask(View, "GET", "/%s/" % tea.pk).json["name"] == "Green tea"
    missing = ask(View, "GET", "/99/")
    assert (missing.status, ask(View, "GET", "/no/").status) == (404, 404)


@each_style
def test_model_instances(style, tea):
    deleted = []

    class Archived(Product):
        class Meta:
            proxy = True
            app_label = MODULE

    def delete(self):
        deleted.append(where())

    async def adelete(self):
        deleted.append(where())

    spelling = "adelete" if style == "async def aX" else "delete"
    setattr(Archived, spelling, delete if style == "def X" else adelete)

    class View(ProductView):
        queryset = Archived.objects.all()

    assert ask(View, "DELETE", "/%s/" % tea.pk).status == 204
    assert deleted == ["worker thread" if style == "def X" else "event loop"]
    del django.apps.apps.all_models[MODULE]["archived"]


def test_django_s_own_async_methods_are_called_by_their_sync_twins(tea):
    view = type("View", (ProductView,), {"serializer_class": ProductSerializer})
    if hasattr(models.Model, "adelete"):
        with mock.patch.object(models.Model, "adelete", autospec=True) as adelete:
            adelete.__module__ = "django.db.models.base"
            assert ask(view, "DELETE", "/%s/" % tea.pk).status == 204
        assert not adelete.called
    else:
        assert ask(view, "DELETE", "/%s/" % tea.pk).status == 204
    assert not Product.objects.filter(pk=tea.pk).exists()


class AsyncCallable:
    async def __call__(self, *args):
        return where()


class SyncCallable:
    def __call__(self, *args):
        return where()


async def answers_where(*args):
    return where()


def hands_out_a_coroutine(*args):
    assert where() == "worker thread"
    return answers_where()


@pytest.mark.parametrize(
    "function, world",
    [
        (AsyncCallable(), "event loop"),
        (SyncCallable(), "worker thread"),
        (functools.partial(AsyncCallable()), "event loop"),
        (functools.partial(functools.partial(answers_where), 1), "event loop"),
        (functools.partialmethod(answers_where), "event loop"),
        (staticmethod(answers_where), "event loop"),
        (classmethod(answers_where), "event loop"),
        (classmethod(lambda cls: where()), "worker thread"),
        (staticmethod(lambda: where()), "worker thread"),
        (property(lambda self: where()), "worker thread"),
        (sync_to_async(lambda self: where()), "worker thread"),
        (mock.AsyncMock(side_effect=answers_where), "event loop"),
        (hands_out_a_coroutine, "event loop"),
        ("a plain value", "a plain value"),
    ],
)
def test_whatever_a_hook_is_made_of_it_runs_in_its_own_world(function, world):
    class Owner:
        hook = function

    async def in_async_code():
        return await call_hook(Owner(), "hook")

    assert asyncio.run(in_async_code()) == world
    assert call_hook(Owner(), "hook") == world


def test_an_owner_that_makes_up_its_attributes():
    class Proxy:
        def __getattr__(self, name):
            if name == "hook":
                return where
            raise AttributeError(name)

    assert call_hook(Proxy(), "hook") == "worker thread"
    with pytest.raises(AttributeError, match="nothing"):
        call_hook(object(), "nothing")


# Two worlds


@pytest.mark.parametrize("hook", PAIRS)
def test_the_sync_spelling_on_the_event_loop_is_an_error_that_names_the_other(hook):
    async def forget_to_await():
        getattr(ProductView(), hook)(1)

    with pytest.raises(SynchronousOnlyOperation, match=r"await view\.a%s\(" % hook):
        asyncio.run(forget_to_await())


def test_a_sync_override_that_falls_through_to_super_on_the_event_loop_is_an_error_too():
    class View(ProductView):
        def check_permissions(self, request):
            super().check_permissions(request)

        async def get(self, request):
            self.check_permissions(request)

    with pytest.raises(SynchronousOnlyOperation, match="await view.acheck_permissions"):
        ask(View)


FLOWS = ["get", "post", "put", "patch", "delete", "options", "dispatch", *ACTIONS]


@pytest.mark.parametrize("name", FLOWS + ["a" + hook for hook in PAIRS])
def test_actions_handlers_and_async_spellings_are_coroutine_functions(name):
    for function in (getattr(AsyncModelViewSet, name, None), getattr(ProductView(), name)):
        if function is not None:
            assert inspect.iscoroutinefunction(function)
            assert asyncio.iscoroutinefunction(function)


def test_the_sync_spellings_are_not():
    assert not any(inspect.iscoroutinefunction(getattr(ProductView(), hook)) for hook in PAIRS)


def test_they_look_like_the_functions_they_stand_for():
    assert ProductView().list.__name__ == "list"
    assert ProductView.list.__module__ == "restflow_generics"
    assert list(inspect.signature(ProductView().list).parameters) == ["request", "args", "kwargs"]
    assert "filter backends" in ProductView.afilter_queryset.__doc__
    assert ProductView.filter_queryset.__doc__ == generics.GenericAPIView.filter_queryset.__doc__
    with pytest.raises(AttributeError):
        ProductView.list.no_such_attribute


def bare(view, request=None, **kwargs):
    """A view object as a sync test makes one, without an event loop."""
    view = view()
    view.setup(Request(request or APIRequestFactory().get("/")), **kwargs)
    view.request.user, view.format_kwarg = User.objects.get(username="ann"), None
    view.request.accepted_renderer = renderers.JSONRenderer()
    return view


@each_style
def test_a_sync_test_calls_hooks_and_actions_without_an_event_loop(style, tea):
    class View(ProductView):
        permission_classes = [
            component(permissions.BasePermission, "has_permission", style, lambda *args: False)
        ]

    view = bare(View, pk=tea.pk)
    assert view.get_object() == tea
    assert view.filter_queryset(view.get_queryset()).count() == 3
    assert len(view.list(view.request).data) == 3
    assert view.retrieve(view.request).data["name"] == "Green tea"
    with pytest.raises(exceptions.PermissionDenied):
        view.check_permissions(view.request)


def test_an_async_test_awaits_them(tea):
    async def test():
        view = await sync_to_async(bare)(ProductView, pk=tea.pk)
        assert await view.aget_object() == tea
        assert len((await view.list(view.request)).data) == 3

    asyncio.run(test())


def test_a_wsgi_server_and_the_sync_clients_get_the_same_answers(tea):
    with override_settings(ROOT_URLCONF=mounted(ProductView)):
        client = APIClient()
        assert client.get("/%s/" % tea.pk).data["name"] == "Green tea"
        client.force_authenticate(User.objects.get(username="bob"))
        assert client.post("/", {"name": "Cup"}).status_code == 201


def test_what_is_called_from_sync_code_stays_in_its_thread_and_its_transaction(tea):
    class View(ProductView):
        async def aperform_update(self, serializer):
            assert where() == "event loop"
            await serializer.asave()
            assert await sync_to_async(threading.get_ident)() == self.thread

        def put(self, request, pk):
            self.thread = threading.get_ident()
            with transaction.atomic():
                self.update(request)
                assert Product.objects.get(pk=pk).name == "Mug"
                transaction.set_rollback(True)
            return Response()

    assert ask(View, "PUT", "/%s/" % tea.pk, data={"name": "Mug"}).status == 200
    assert Product.objects.get(pk=tea.pk).name == "Green tea"
