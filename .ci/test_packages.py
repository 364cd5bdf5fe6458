# SPDX-License-Identifier: MIT
"""
What is used with DRF: other packages, and parts of DRF, asked over HTTP.

The packages come with the extra `ecosystem`. Where one is not installed, its tests are skipped.
"""

import importlib
from unittest import mock

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.urls import path
from rest_framework import (
    filters,
    pagination,
    permissions,
    renderers,
    routers,
    throttling,
)
from rest_framework.authentication import (
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.authtoken.models import Token
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.schemas import get_schema_view
from rest_framework.test import APIClient

from restflow_generics import AsyncAPIView, AsyncListCreateAPIView
from shop import Category, CategorySerializer, Pages, Product, ProductSerializer
from tools import (
    CONCRETE,
    ProductView,
    SyncProductView,
    ask,
    ask_wsgi,
    of_drf,
    of_ours,
    read,
    reset_shop,
    shown,
    where,
)


def package(name):
    try:
        return importlib.import_module(name)
    except (ImportError, AttributeError) as error:  # or not made for this Python, Django or DRF
        pytest.skip("%s: %s" % (name, error))


def ask_both(stack, *requests, prepare=lambda: None, headers=()):
    """The answers of a view made of `stack`, here as on DRF: 'ann: PUT /1/ {"name": ""} -> 400'."""
    both = []
    for base in (SyncProductView, ProductView):
        reset_shop()
        prepare()
        view = type("View", (stack, base), {})
        answers = []
        for request in requests:
            asked, status = request.split(" -> ")
            answers.append(ask(view, **read(asked), headers=headers))
            assert answers[-1].status == int(status), (base, request, answers[-1].body)
        both.append(answers)
    assert [shown(answer) for answer in both[1]] == [shown(answer) for answer in both[0]]
    return both[1]


def names(answer):
    page = answer.json
    return [product["name"] for product in (page["results"] if "results" in page else page)]


# drf-restflow (Python 3.11, Django 5.0), and adrf (DRF 3.17, as its serializers need)


def test_the_filter_backend_of_drf_restflow_is_awaited_on_the_event_loop():
    restflow = package("restflow.filters")
    sides = []

    class ProductFilterSet(restflow.FilterSet):
        name = restflow.StringField(lookups=["icontains"])
        price = restflow.IntegerField(lookups=["gte", "lte"])

        class Meta:
            preprocessors = [lambda filterset, queryset: sides.append(where()) or queryset]

    backend = restflow.RestflowFilterBackend

    class Stack:
        filter_backends = [backend, filters.SearchFilter, filters.OrderingFilter]
        filterset_class = ProductFilterSet
        search_fields = ["name", "description"]
        ordering_fields = ["name", "price"]
        pagination_class = pagination.PageNumberPagination

    cheap, found, _, _, _ = ask_both(
        Stack,
        "GET /?price__lte=2&ordering=-price -> 200",
        "GET /?price__gte=2&name__icontains=tea&search=pot -> 200",
        "GET /?price__gte=cheap -> 400",
        'POST / {"name": "Cup"} -> 201',
        "GET /1/?price__gte=2 -> 404",
    )
    assert names(cheap) == ["Black tea", "Green tea"] and names(found) == ["Teapot"]
    assert sides == ["worker thread"] * 3 + ["event loop"] * 3


@pytest.mark.parametrize("kind", ["PageNumber", "LimitOffset", "Cursor", "FastPageNumber"])
def test_the_other_parts_of_drf_restflow(kind):
    for part in "authentication pagination permissions serializers throttling".split():
        package("restflow." + part)
    restflow = package("restflow")
    sides = []

    class Serializer(restflow.serializers.ModelSerializer):
        class Meta(ProductSerializer.Meta):
            pass

        def validate_name(self, name):
            sides.append(where())
            return name

    class NotBob(restflow.permissions.BasePermission):
        def has_permission(self, request, view):
            return not User.objects.filter(pk=request.user.pk, username="bob").exists()

    class Pagination(getattr(restflow.pagination, kind + "Pagination")):
        page_size = default_limit = 2
        ordering = "id"

    class Stack:
        serializer_class = Serializer
        authentication_classes = [restflow.authentication.BasicAuthentication]
        permission_classes = [restflow.permissions.IsAuthenticated & NotBob]
        throttle_classes = [restflow.throttling.UserRateThrottle]
        pagination_class = Pagination

    rates = mock.patch.object(throttling.SimpleRateThrottle, "THROTTLE_RATES", {"user": "7/day"})
    timer = mock.patch.object(throttling.SimpleRateThrottle, "timer", lambda self: 1000)
    with rates, timer:
        first, second, *_ = ask_both(
            Stack,
            "ann: GET / -> 200",
            "ann: GET /?page=2&offset=2&cursor=cD0y -> 200",
            'ann: POST / {"name": "Cup", "category": 1} -> 201',
            'ann: POST / {"name": "", "category": 9} -> 400',
            'ann: PATCH /1/ {"price": "2.50"} -> 200',
            "ann: DELETE /1/ -> 204",
            "ann: GET /1/ -> 404",
            "ann: GET / -> 429",
            "bob: GET / -> 403",
            "GET / -> 401",
        )
    assert names(first) == ["Green tea", "Black tea"] and names(second) == ["Teapot"]
    assert sides == ["worker thread", "event loop"]


@pytest.mark.parametrize("is_async", [False, True])
def test_views_of_adrf_go_on_awaiting_their_async_components(is_async):
    adrf = package("adrf.views")

    class Authentication(BasicAuthentication):
        async def authenticate(self, request):
            name = request.META.get("HTTP_X_USER")
            return (User(username=name), None) if name else None

    class Permission(permissions.BasePermission):
        async def has_permission(self, request, view):
            return request.user.username in ("ann", "bob")

    class Throttle(throttling.BaseThrottle):
        async def allow_request(self, request, view):
            return request.user.username != "bob"

        def wait(self):
            return 7

    async def async_get(self, request):
        return Response(request.user.username)

    def get(self, request):
        return Response(request.user.username)

    components = {
        "authentication_classes": [Authentication],
        "permission_classes": [Permission],
        "throttle_classes": [Throttle],
    }
    type("Ours", (ProductView,), components).as_view()
    view = type("View", (adrf.APIView,), {**components, "get": async_get if is_async else get})
    for user, status in [("ann", 200), ("eve", 403), ("bob", 429)]:
        assert ask(view, headers={"X-User": user}).status == status
        assert ask_wsgi(view, headers={"HTTP_X_USER": user})[0] == status


def test_a_mixin_with_async_handlers_serves_views_of_adrf_and_of_this_module():
    adrf = package("adrf.views")

    class Mixin:
        async def get(self, request):
            return Response(await Product.objects.acount())

    views = [type("View", (Mixin, base), {}) for base in (AsyncAPIView, adrf.APIView)]
    count = Product.objects.count()
    assert [ask(view).json for view in views] == [count, count]


def test_serializers_of_adrf_are_awaited_on_the_event_loop():
    adrf = package("adrf.serializers")
    calls = []

    class Serializer(adrf.ModelSerializer):
        class Meta(ProductSerializer.Meta):
            pass

        async def acreate(self, validated_data):
            calls.append(("acreate", where()))
            return await super().acreate(validated_data)

        async def aupdate(self, instance, validated_data):
            calls.append(("aupdate", where()))
            return await super().aupdate(instance, validated_data)

        async def ato_representation(self, instance):
            calls.append(("ato_representation", where()))
            return await super().ato_representation(instance)

    class Stack:
        serializer_class = Serializer

    ask_both(
        Stack,
        "GET / -> 200",
        "GET /1/ -> 200",
        'POST / {"name": "Cup", "category": 1} -> 201',
        'PUT /1/ {"name": "Cup", "price": "2.50"} -> 200',
        'PATCH /1/ {"price": "3"} -> 200',
        'POST / {"name": "", "category": 9} -> 400',
        'PATCH /1/ {"price": "cheap"} -> 400',
    )
    shows = ["ato_representation"]
    hooks = [*shows * 4, "acreate", *shows, *["aupdate", *shows] * 2]
    assert calls == [(hook, "event loop") for hook in hooks]


def test_permissions_and_throttles_written_for_the_views_of_adrf():
    adrf = package("adrf.generics")

    class NotBob(permissions.BasePermission):
        async def has_permission(self, request, view):
            return request.user.username != "bob"

    class NoWrites(throttling.BaseThrottle):
        async def allow_request(self, request, view):
            return request.method != "POST"

        def wait(self):
            return 7

    class Stack:
        queryset = Product.objects.all()
        serializer_class = ProductSerializer
        permission_classes = [NotBob, permissions.IsAuthenticated & NotBob]
        throttle_classes = [NoWrites]

    def answers(base):
        view = type("View", (Stack, base), {})
        for method, user in [("GET", "ann"), ("GET", "bob"), ("GET", None), ("POST", "ann")]:
            answer = ask(view, method, user=user)
            yield answer.status, shown(answer)

    ours = list(answers(AsyncListCreateAPIView))
    assert ours == list(answers(adrf.ListCreateAPIView))
    assert [status for status, _ in ours] == [200, 403, 403, 429]


# django-filter


def test_the_backend_of_django_filter_and_its_forms():
    django_filters = package("django_filters.rest_framework")

    class ProductFilter(django_filters.FilterSet):
        at_most = django_filters.NumberFilter(field_name="price", lookup_expr="lte")
        category = django_filters.ModelChoiceFilter(queryset=Category.objects.all())

    class Stack:
        filter_backends = [django_filters.DjangoFilterBackend, filters.OrderingFilter]
        filterset_class = ProductFilter
        ordering_fields = ["price"]
        pagination_class = Pages

    cheap, bad, unknown, _ = ask_both(
        Stack,
        "GET /?category=1&at_most=2&ordering=-price -> 200",
        "GET /?at_most=cheap -> 400",
        "GET /?category=9 -> 400",
        "GET /1/?at_most=0.5 -> 404",
    )
    assert names(cheap) == ["Black tea", "Green tea"]
    assert list(bad.json) == ["at_most"] and list(unknown.json) == ["category"]
    (page,) = ask_both(Stack, "GET /?category=1 -> 200", headers={"Accept": "text/html"})
    assert b"Field filters" in page.body


# Authentication: djangorestframework-simplejwt, and DRF's own


@pytest.mark.filterwarnings("ignore:The HMAC key")
def test_json_web_tokens_of_simplejwt():
    simplejwt = package("rest_framework_simplejwt.authentication")
    from rest_framework_simplejwt.tokens import AccessToken
    from rest_framework_simplejwt.views import TokenObtainPairView

    class Stack:
        authentication_classes = [simplejwt.JWTAuthentication]
        permission_classes = [permissions.IsAuthenticated]

    credentials = {"username": "ann", "password": "ann"}
    tokens = ask(TokenObtainPairView, "POST", data=credentials).json
    expired = AccessToken.for_user(User.objects.get(username="ann"))
    expired.set_exp(lifetime=-expired.lifetime)
    ask_both(Stack, "GET / -> 200", headers={"Authorization": "Bearer " + tokens["access"]})
    for value in [str(expired), tokens["refresh"], "guessed", "two words"]:
        header = {"Authorization": "Bearer " + value}
        (refused,) = ask_both(Stack, "GET / -> 401", headers=header)
        assert refused.headers["Www-Authenticate"] == 'Bearer realm="api"'
    ask_both(Stack, "GET / -> 401", "ann: GET /1/ -> 401")


def test_tokens_passwords_and_sessions_with_their_csrf_checks():
    def log_in():
        ann = User.objects.get(username="ann")
        Token.objects.create(user=ann, key="secret")
        APIClient().force_login(ann)
        Session.objects.update(session_key="session-of-ann")

    class Stack:
        authentication_classes = [TokenAuthentication, BasicAuthentication, SessionAuthentication]
        permission_classes = [permissions.IsAuthenticated]

        def perform_create(self, serializer):
            serializer.save(owner=self.request.user)

    post = 'POST / {"name": "Cup"} -> '
    session = {"Cookie": "sessionid=session-of-ann; csrftoken=" + "a" * 32}
    for request, headers in [
        (post + "201", {"Authorization": "Token secret"}),
        ("ann: " + post + "201", {}),
        (post + "201", {**session, "X-CSRFToken": "a" * 32}),
        ("GET / -> 200", session),
        (post + "403", session),
        (post + "401", {"Authorization": "Token guessed"}),
        ("eve: " + post + "401", {}),
        (post + "401", {}),
    ]:
        (answer,) = ask_both(Stack, request, prepare=log_in, headers=headers)
        assert answer.status != 201 or answer.json["owner"] == 1
        assert answer.status != 403 or b"CSRF Failed: CSRF token missing" in answer.body
        assert answer.status != 401 or answer.headers["Www-Authenticate"] == "Token"


# Permissions in the database, also those of django-guardian, and throttles


def may(user, *codenames):
    """Give a user permissions for all products."""
    content_type = ContentType.objects.get_for_model(Product)
    for codename in codenames:
        named = {"codename": codename, "content_type": content_type, "name": codename}
        permission, _ = Permission.objects.get_or_create(**named)
        User.objects.get(username=user).user_permissions.add(permission)


def test_model_permissions():
    class Stack:
        permission_classes = [permissions.DjangoModelPermissions]

    *_, options = ask_both(
        Stack,
        'bob: PATCH /1/ {"name": "Cup"} -> 200',
        "ann: GET / -> 200",
        'ann: PATCH /1/ {"name": "Cup"} -> 403',
        'bob: POST / {"name": "Cup"} -> 403',
        "bob: DELETE /1/ -> 403",
        "GET / -> 403",
        "bob: OPTIONS /1/ -> 200",
        prepare=lambda: may("bob", "change_product"),
    )
    assert list(options.json["actions"]) == ["PUT"]


def test_object_permissions_of_guardian():
    guardian = package("guardian.shortcuts")

    class Visible(filters.BaseFilterBackend):
        def filter_queryset(self, request, queryset, view):
            options = {"accept_global_perms": False}
            return guardian.get_objects_for_user(request.user, "view_product", queryset, **options)

    class Stack:
        permission_classes = [permissions.DjangoObjectPermissions]
        filter_backends = [Visible]

    def allow():
        may("bob", "view_product", "change_product")
        for number, codename in [(1, "view"), (1, "change"), (2, "view")]:
            product = Product.objects.get(pk=number)
            guardian.assign_perm(codename + "_product", User.objects.get(username="bob"), product)

    backends = [*settings.AUTHENTICATION_BACKENDS, "guardian.backends.ObjectPermissionBackend"]
    with override_settings(AUTHENTICATION_BACKENDS=backends):
        listed, *_ = ask_both(
            Stack,
            "bob: GET / -> 200",
            'bob: PATCH /1/ {"price": "2.50"} -> 200',
            'bob: PATCH /2/ {"price": "2.50"} -> 403',
            "bob: GET /2/ -> 200",
            "bob: GET /3/ -> 404",
            "bob: DELETE /1/ -> 403",
            prepare=allow,
        )
    assert names(listed) == ["Green tea", "Black tea"]


@pytest.fixture
def database_cache():
    backend = "django.core.cache.backends.db.DatabaseCache"
    with override_settings(CACHES={"default": {"BACKEND": backend, "LOCATION": "shop_cache"}}):
        call_command("createcachetable")
        yield
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE shop_cache")


def test_throttles_that_count_in_the_database(database_cache, monkeypatch):
    class Stack:
        throttle_classes = [
            throttling.AnonRateThrottle,
            throttling.UserRateThrottle,
            throttling.ScopedRateThrottle,
        ]
        throttle_scope = "shop"

    rates = {"anon": "1/min", "user": "3/hour", "shop": "2/day"}
    monkeypatch.setattr(throttling.SimpleRateThrottle, "THROTTLE_RATES", rates)
    monkeypatch.setattr(throttling.SimpleRateThrottle, "timer", lambda self: 1000)
    requests = ["GET / -> 200", "GET / -> 429", *["ann: GET / -> 200"] * 2, "ann: GET / -> 429"]
    answers = ask_both(Stack, *requests, "bob: GET / -> 200")
    waits = [answer.headers.get("Retry-After") for answer in answers]
    assert waits == [None, "60", None, None, str(24 * 60 * 60), None]
    stack = type("Stack", (Stack,), {"authentication_classes": []})  # so nothing hops before
    ask_both(stack, "GET / -> 200", "GET / -> 429")


# API documents: drf-spectacular, and DRF's own


def urls_of_all_views(base, *more_backends):
    class Stack:
        queryset = Product.objects.all()
        serializer_class = ProductSerializer
        permission_classes = [permissions.IsAuthenticatedOrReadOnly]
        pagination_class = Pages
        filter_backends = [filters.SearchFilter, *more_backends]
        filterset_fields = ["category", "price"]
        search_fields = ["name"]

    class ProductViewSet(Stack, base("ModelViewSet")):
        @action(detail=True, methods=["post"], serializer_class=CategorySerializer)
        def restock(self, request, pk=None):
            """Order some more."""

        @action(detail=False, pagination_class=None, filter_backends=[])
        def cheapest(self, request):
            raise NotImplementedError

    class DocumentedView(Stack, base("ListCreateAPIView")):
        """The products, for you."""

        def get(self, request, *args, **kwargs):
            return super().get(request, *args, **kwargs)

        def post(self, request, *args, **kwargs):
            """One more."""
            return super().post(request, *args, **kwargs)

    router = routers.SimpleRouter()
    router.register("products", ProductViewSet)
    urls = [*router.urls, path("documented/", DocumentedView.as_view())]
    for name, _ in CONCRETE:
        view = type(name, (Stack, base(name)), {})
        urls.append(path(name + "/<int:pk>/", view.as_view()))
    return urls


def view_of_spectacular(base):
    views = package("drf_spectacular.views")
    django_filters = package("django_filters.rest_framework")
    urls = urls_of_all_views(base, django_filters.DjangoFilterBackend)
    return views.SpectacularJSONAPIView.as_view(patterns=urls, serve_public=False)


def view_of_drf(base):
    for name in ("inflection", "uritemplate"):
        package(name)
    urls = urls_of_all_views(base, filters.OrderingFilter)
    renderer = renderers.JSONOpenAPIRenderer
    return get_schema_view("Shop", version="1", patterns=urls, renderer_classes=[renderer])


@pytest.mark.filterwarnings("ignore:You have a duplicated operationId")  # on both
@pytest.mark.parametrize("user, count", [("ann", 27), (None, 10)])
@pytest.mark.parametrize(
    "make_view, schema_class",
    [
        (view_of_spectacular, "drf_spectacular.openapi.AutoSchema"),
        (view_of_drf, "rest_framework.schemas.openapi.AutoSchema"),
    ],
)
def test_openapi_documents_say_what_they_say_of_drfs_views(make_view, schema_class, user, count):
    validation = package("drf_spectacular.validation")
    with override_settings(REST_FRAMEWORK={"DEFAULT_SCHEMA_CLASS": schema_class}):
        ours, theirs = (ask(make_view(base), user=user).json for base in (of_ours, of_drf))
    assert ours == theirs
    validation.validate_schema(ours)
    described = {
        (url, method): operation.get("description")
        for url, methods in ours["paths"].items()
        for method, operation in methods.items()
    }
    assert len(described) == count
    # No description but what the views have of their own.
    expected = {("/documented/", "get"): "The products, for you."}
    if user:
        expected["/documented/", "post"] = "One more."
        expected["/products/{id}/restock/", "post"] = "Order some more."
    assert {key: text for key, text in described.items() if text} == expected


@pytest.mark.parametrize("name", [name for name, _ in CONCRETE] + ["ModelViewSet"])
def test_a_view_without_a_docstring_has_no_description(name):
    def answers(base):
        attributes = {"queryset": Product.objects.all(), "serializer_class": ProductSerializer}
        view = type("TeaView", (base,), attributes)
        page = ask(view, "OPTIONS", "/1/", headers={"Accept": "text/html"})
        return shown(page), ask(view, "OPTIONS", "/1/").json

    page, options = answers(of_ours(name))
    assert (page, options) == answers(of_drf(name))
    assert options["name"].startswith("Tea") and options["description"] == ""
