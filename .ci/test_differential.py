# SPDX-License-Identifier: MIT
"""
Requests that are answered by DRF's sync views and by ours: the answers are the same.

For the generated requests, an example is one of the pairs of servers, and one or two requests in a
row. The one server has DRF's sync views. The other has ours: made of the same sync components and
hooks ("sync"), or of the same spelled async ("async"). They have to answer the same, and to leave
the same rows.

It wants the extra `differential`. DIFFERENTIAL_EXAMPLES says how many examples there are (2,000).
`pytest -rP` shows what was answered.
"""

import asyncio
import collections
import json
import os
import urllib.parse

import django
import hypothesis
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.handlers.asgi import ASGIRequest
from django.core.management.color import no_style
from django.db import connection
from django.test import override_settings
from django.test.client import BOUNDARY, encode_multipart
from django.urls import path
from hypothesis import strategies as st
from rest_framework import (
    exceptions,
    filters,
    pagination,
    parsers,
    permissions,
    renderers,
    routers,
    serializers,
    throttling,
    versioning,
    viewsets,
)
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
)
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.urlpatterns import format_suffix_patterns

from restflow_generics import AsyncModelViewSet, call_hook
from shop import Category, Pages, Product, ProductSerializer
from tools import (
    FIVE_FLOWS,
    Handler,
    ProductView,
    StockView,
    SyncProductView,
    ask,
    exchange,
    reset_shop,
)


@pytest.mark.parametrize("method, url, status", FIVE_FLOWS)
def test_the_queries_are_those_of_drf_in_the_same_order(method, url, status):
    def queries(base):
        reset_shop()
        names = [
            "authentication_classes",
            "permission_classes",
            "filter_backends",
            "pagination_class",
        ]
        view = type("View", (base,), {name: getattr(StockView, name) for name in names})
        seen = []

        def watch(execute, sql, params, many, context):
            seen.append((sql, params))
            return execute(sql, params, many, context)

        class Watched(view):
            def initialize_request(self, request, *args, **kwargs):
                # The connection of the thread in which all sync code of a request runs.
                connection.execute_wrappers.append(watch)
                return super().initialize_request(request, *args, **kwargs)

        data = {"name": "Cup"} if method in ("POST", "PUT") else None
        assert ask(Watched, method, url, data=data, user="ann").status == status
        return tuple(seen)  # the next request may have the same connection

    expected = queries(SyncProductView)
    assert queries(ProductView) == expected and len(expected) > 1


@pytest.mark.parametrize(
    "options",
    [
        {"data": b"{"},
        {"data": b"\xff\xfe"},
        {"data": b"[]"},
        {"data": b'{"name": "\\u0000"}'},
        {"data": b"null"},
        {"data": b'{"name": {"a": 1}}'},
        {"data": b'{"name": "Cup", "price": 1e999}'},
        {"data": b"tea", "headers": {"Content-Type": "text/tea"}},
        {"data": b"{}", "headers": {"Content-Type": "application/json; charset=no"}},
        {"data": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
        {"data": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {
            "data": b"name=Cup&price=x",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
        {"data": {"name": "Cup"}, "headers": {"Accept": "text/tea"}},
        {"data": {"name": "Cup"}, "headers": {"Content-Length": "no"}},
    ],
)
def test_a_bad_body_is_answered_as_drf_answers_it_and_nothing_is_written(options):
    options.setdefault("headers", {})
    options["headers"] = {"Content-Type": "application/json", **options["headers"]}

    def answer(view):
        answer = ask(view, "POST", raises=False, **options)
        return answer.status, answer.headers, answer.body

    expected = answer(SyncProductView)
    assert answer(ProductView) == expected
    assert 400 <= expected[0] < 500
    assert Product.objects.count() == 3


# Generated requests


class ReadOnly(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.method in permissions.SAFE_METHODS


class Owns(permissions.BasePermission):
    def has_object_permission(self, request, view, obj):
        return obj.owner_id is not None and obj.owner_id == request.user.pk


class IsTeapot(permissions.BasePermission):
    def has_permission(self, request, view):
        return "teapot" in request.query_params

    def has_object_permission(self, request, view, obj):
        return obj.name == "Teapot"


class MayTouch(permissions.BasePermission):
    message = "Hands off the teapot."
    code = "teapot"

    def has_object_permission(self, request, view, obj):
        return obj.name != "Teapot" or request.method in permissions.SAFE_METHODS


class OfCategory(filters.BaseFilterBackend):
    def filter_queryset(self, request, queryset, view):
        wanted = request.query_params.get("category")
        if wanted is None:
            return queryset
        if not Category.objects.filter(name=wanted).exists():
            raise exceptions.ValidationError({"category": "There is no such category."})
        return queryset.filter(category__name=wanted)


class Top(filters.BaseFilterBackend):
    """Comes last: the ORM cannot order what is sliced."""

    def filter_queryset(self, request, queryset, view):
        return queryset[:2] if "top" in request.query_params else queryset


class Offsets(pagination.LimitOffsetPagination):
    default_limit = 2
    max_limit = 4


class Cursors(pagination.CursorPagination):
    ordering = "price"
    page_size = 2
    page_size_query_param = "page_size"


class OnceAMinute(throttling.UserRateThrottle):
    rate = "1/min"
    scope = "minute"
    timer = staticmethod(lambda: 1e9)  # The answer says how long to wait.


class OnceAnHour(OnceAMinute):
    rate = "1/hour"
    scope = "hour"

    def allow_request(self, request, view):
        return request.method == "GET" or super().allow_request(request, view)


class NotNow(throttling.BaseThrottle):  # which does not say how long to wait
    def allow_request(self, request, view):
        return "later" not in request.query_params


class Hooks:
    """What a view may override, in its sync spelling."""

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if "break" in request.query_params:
            raise LookupError("broken by %s" % request.user)

    def get_queryset(self):
        return super().get_queryset().filter(is_archived=False)

    def get_object(self):
        product = super().get_object()
        product.description += " (looked up by %s)" % self.request.user
        return product

    def perform_create(self, serializer):
        serializer.save(owner=User.objects.filter(pk=self.request.user.pk).first())

    def perform_destroy(self, instance):
        instance.is_archived = True
        instance.save()

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        response["X-Version"] = str(getattr(request, "version", "none yet"))
        response["X-Error"] = str(response.exception)
        return response

    @action(detail=True, methods=["post"])
    def restock(self, request, pk=None, format=None):
        product = self.get_object()
        return Response({"restocked": product.name, "sent": request.data})

    @restock.mapping.delete
    def sell_out(self, request, pk=None, format=None):
        self.perform_destroy(self.get_object())
        return Response(status=204)

    @action(detail=False, permission_classes=[permissions.IsAdminUser], filter_backends=[])
    def cheapest(self, request, format=None):
        queryset = self.filter_queryset(self.get_queryset()).order_by("price")[:2]
        return Response(self.get_serializer(queryset, many=True).data)


class AsyncHooks:
    """The same in its async spelling."""

    async def ainitial(self, request, *args, **kwargs):
        await super().ainitial(request, *args, **kwargs)
        if "break" in request.query_params:
            raise LookupError("broken by %s" % request.user)

    async def get_queryset(self):
        return Product.objects.filter(is_archived=False)

    async def aget_object(self):
        product = await super().aget_object()
        product.description += " (looked up by %s)" % self.request.user
        return product

    async def aperform_create(self, serializer):
        owner = await sync_to_async(User.objects.filter(pk=self.request.user.pk).first)()
        await serializer.asave(owner=owner)

    async def aperform_destroy(self, instance):
        instance.is_archived = True
        await call_hook(instance, "save")

    async def afinalize_response(self, request, response, *args, **kwargs):
        response = await super().afinalize_response(request, response, *args, **kwargs)
        response["X-Version"] = str(getattr(request, "version", "none yet"))
        response["X-Error"] = str(response.exception)
        return response

    @action(detail=True, methods=["post"])
    async def restock(self, request, pk=None, format=None):
        product = await self.aget_object()
        return Response({"restocked": product.name, "sent": request.data})

    @restock.mapping.delete
    async def sell_out(self, request, pk=None, format=None):
        await self.aperform_destroy(await self.aget_object())
        return Response(status=204)

    @action(detail=False, permission_classes=[permissions.IsAdminUser], filter_backends=[])
    async def cheapest(self, request, format=None):
        queryset = await self.afilter_queryset(await self.get_queryset())
        queryset = queryset.order_by("price")[:2]
        serializer = await call_hook(self, "get_serializer", queryset, many=True)
        return Response(await call_hook(serializer, "data"))


STACK = {
    "queryset": Product.objects.all(),
    "serializer_class": ProductSerializer,
    "authentication_classes": [BasicAuthentication],
    "filter_backends": [filters.SearchFilter, OfCategory, filters.OrderingFilter, Top],
    "search_fields": ["name", "description"],
    "ordering_fields": ["name", "price"],
}
VARIANTS = {
    "plain": {"serializer_class": ProductSerializer},
    "page numbers": {
        **STACK,
        "pagination_class": Pages,
        "permission_classes": [
            permissions.IsAuthenticatedOrReadOnly,
            ReadOnly | Owns | permissions.IsAdminUser,
            MayTouch,
        ],
    },
    "offsets": {
        **STACK,
        "pagination_class": Offsets,
        "parser_classes": [parsers.JSONParser],
        "permission_classes": [ReadOnly | permissions.IsAuthenticated & (Owns | IsTeapot)],
        "throttle_classes": [NotNow, OnceAMinute, OnceAnHour],
        "versioning_class": versioning.QueryParameterVersioning,
    },
    "cursors": {
        **STACK,
        "authentication_classes": [SessionAuthentication],  # so nobody is told to log in
        "pagination_class": Cursors,
        "parser_classes": [parsers.FormParser, parsers.MultiPartParser, parsers.JSONParser],
        "permission_classes": [permissions.AllowAny & ~IsTeapot],
        "renderer_classes": [renderers.BrowsableAPIRenderer, renderers.JSONRenderer],
        "versioning_class": versioning.AcceptHeaderVersioning,
    },
}
COMPONENT_HOOKS = {
    BaseAuthentication: ["authenticate"],
    permissions.BasePermission: ["has_permission", "has_object_permission"],
    throttling.BaseThrottle: ["allow_request", "wait"],
    filters.BaseFilterBackend: ["filter_queryset"],
    pagination.BasePagination: ["paginate_queryset", "get_paginated_response"],
    serializers.BaseSerializer: ["save", "is_valid"],
}


def spelled_async(value):
    """The component, or all of those in a list or an expression, with async hooks."""
    if isinstance(value, list):
        return [spelled_async(part) for part in value]
    if isinstance(value, permissions.OperandHolder):
        operands = spelled_async([value.op1_class, value.op2_class])
        return permissions.OperandHolder(value.operator_class, *operands)
    if isinstance(value, permissions.SingleOperandHolder):
        return permissions.SingleOperandHolder(value.operator_class, spelled_async(value.op1_class))

    def make(function):
        async def hook(self, *args, **kwargs):
            return await sync_to_async(function)(self, *args, **kwargs)

        return hook

    hooks = [hooks for base, hooks in COMPONENT_HOOKS.items() if issubclass(value, base)]
    # The first hook has DRF's name, the second one the async spelling.
    names = [(hook, spelling) for hook, spelling in zip(sum(hooks, []), ["%s", "a%s"])]
    attributes = {spelling % hook: make(getattr(value, hook)) for hook, spelling in names}
    return type(value.__name__, (value,), attributes) if hooks else value


def make_server(variant, is_ours, is_async):
    attributes, is_plain = dict(VARIANTS[variant]), variant == "plain"
    if is_async:
        for name, value in attributes.items():
            if name.endswith(("_class", "_classes", "_backends")):
                attributes[name] = spelled_async(value)
    if is_plain:
        view = type("Products", (ProductView if is_ours else SyncProductView,), attributes)
        urls = [path("products/", view.as_view()), path("products/<pk>/", view.as_view())]
        urls = format_suffix_patterns(urls)
    else:
        hooks = AsyncHooks if is_async else Hooks
        base = AsyncModelViewSet if is_ours else viewsets.ModelViewSet
        router = routers.DefaultRouter()
        router.register("products", type("Products", (hooks, base), attributes))
        urls = router.urls
    server = Handler()
    server.request_class = type("Request", (ASGIRequest,), {"urlconf": tuple(urls)})
    return server


METHODS = "GET GET GET POST POST PUT PATCH PATCH DELETE OPTIONS HEAD".split() * 3
METHODS += "TRACE CONNECT BREW get LIST DISPATCH INITIAL __INIT__".split()
PATHS = "/products/ /products/ /products/1/ /products/3/ /products/1/restock/".split() * 3
PATHS += """/products/2/ /products/5/ /products/99/ /products/0/ /products/-1/ /products/x/
/products/1.5/ /products/\0/ /products/\u0661/ /products/1/no/ /products/4/restock/
/products/5/restock/ /products/cheapest/ /products.json /products/1.json /products/1.api
/products/1/restock.json / /products /products.no""".split()
if django.VERSION >= (5,):  # Before, it breaks DRF's views; ours answer 404.
    PATHS.append("/products/99999999999999999999/")
QUERY = """page=1 page=2 page=last page=0 page=-1 page=x page= page=99999999999999999999
page=1&page=2 page_size=1 page_size=2 page_size=0 page_size=-1 page_size=x page_size=
page_size=99999999999999999999 limit=1 limit=2 limit=0 limit=-1 limit=x limit= offset=1 offset=2
offset=-1 offset=x offset=99999999999999999999 cursor=cD0yLjAw cursor=cj0xJnA9Mg== cursor=bz0x
cursor=bz05OTk5OTk5OTk5OTk= cursor=cD14 cursor=! cursor= search=tea search=TEA search=green,tea
search="green+tea" search=%FC search=%00 search=zzz search= ordering=price ordering=-price
ordering=-name,price ordering=owner ordering=, ordering=--price ordering= ordering=-price&top
category=Tea category=Coffee category=%00 category=Tea&top format=json format=api format=html
format=no format= version=1 version=2 version= top teapot teapot later break & %=%""".split()
HEADERS = {  # and their values, between bars
    "Accept": "application/json | text/html | */* | application/* | text/tea | garbage | "
    " | application/json; version=2 | application/json; indent=4 | text/html;q=0.1, */*;q=0",
    "Accept-Language": "de | fr-CA, fr;q=0.5 | tlh | * | garbage;;",
    "Authorization": "Basic ! | Basic | Basic YTpi YTpi | Bearer x | Basic YW5u",
    "Content-Length": "no | 1 | ",
    "If-Match": '"x" | *',
    "If-None-Match": '"x" | * | W/ | *',
    "If-Modified-Since": "Thu, 01 Jan 2099 00:00:00 GMT | garbage",
    "X-Http-Method-Override": "DELETE | GET",
}
CONTENT_TYPES = ["application/json", "application/json", "application/x-www-form-urlencoded"] * 3
CONTENT_TYPES += [
    "multipart/form-data; boundary=" + BOUNDARY,
    "multipart/form-data",
    "text/tea",
    "",
]
CONTENT_TYPES += ["application/json; charset=no", "application/json; charset=latin-1", "*/*"]
FIELDS = {  # and their values in JSON, a valid one first
    "name": r'"Cup" | "" | " " | "a\u0000b" | "\ud800" | "Caf\u00e9" | null | 1 | [] | {} | '
    '"%s" | "%s"' % ("x" * 40, "x" * 41),
    "price": '"2.5" | 3 | 1.5 | "1e3" | 1e30 | 1e999 | NaN | "2.505" | "x" | "" | null | true',
    "description": '"hot" | "" | "a\\u0000b" | null | [1] | "%s"' % ("x" * 9000),
    "category": '1 | "1" | null | 2 | 99 | %d | 1e999 | "x" | "" | true | [1]' % 10**30,
    "owner": "1 | 2",
}
BODIES = ' | { | [] | null | 1 | "x" | [{}] | \xff\xfe | {} | \xef\xbb\xbf{} | NaN | %ff=%00 | '
BODIES += "name=Cup&name=Mug&price=4 | --%s | %s" % (BOUNDARY, "[" * 3000)


def some(values, most):
    """Strategy: a dictionary that has a few of the keys, each with one of its values."""
    pairs = [(key, value) for key in values for value in values[key].split(" | ")]
    return st.lists(st.sampled_from(pairs), max_size=most).map(dict)


def encoded(fields, content_type):
    if "form" not in content_type:
        data = "{%s}" % ", ".join('"%s": %s' % pair for pair in fields.items())
        return data.encode("latin-1" if "latin" in content_type else "utf-8", "replace")
    data = {name: str(json.loads(value)) for name, value in fields.items()}
    data = {name: value.encode("utf-8", "replace").decode() for name, value in data.items()}
    if "multipart" in content_type:
        return encode_multipart(BOUNDARY, data)
    return urllib.parse.urlencode(data).encode()


PARTS = {
    "method": st.sampled_from(METHODS),
    "url": st.sampled_from(PATHS),
    "query": st.lists(st.sampled_from(QUERY), max_size=3).map("&".join),
    "headers": some(HEADERS, 2),
    "user": st.sampled_from(["ann", "ann", "ann", "bob", "bob", None, None, "eve"]),
    "content type": st.sampled_from(CONTENT_TYPES),
    "kind of body": st.sampled_from(["valid"] * 3 + ["fields"] * 2 + ["odd"]),
    "fields": some(FIELDS, 3),
    "name": st.text("abc \xe9\u0416", min_size=1, max_size=5).map(json.dumps),
    "odd body": st.sampled_from(BODIES.split(" | ")).map(lambda body: body.encode("latin-1")),
}


@st.composite
def a_request(draw):
    method, url, query, headers, user = [draw(part) for part in list(PARTS.values())[:5]]
    if "Authorization" in headers:
        user = None
    if method in ("PUT", "PATCH") and url == "/products/":
        method = "POST"
    if method == "POST" and url[-2:-1].isdigit():
        method = "PUT"
    data = None
    if method in ("POST", "PUT", "PATCH", "DELETE"):
        content_type = headers["Content-Type"] = draw(PARTS["content type"])
        kind, fields = draw(PARTS["kind of body"]), draw(PARTS["fields"])
        if kind == "valid":
            fields = {name: FIELDS[name].split(" | ")[0] for name in fields}
            fields["name"] = draw(PARTS["name"])
        data = draw(PARTS["odd body"]) if kind == "odd" else encoded(fields, content_type)
    url += "?" + query if query else ""
    return {"method": method, "url": url, "user": user, "headers": headers, "data": data}


def fill_products():
    tables = [model._meta.db_table for model in (Product, Category)]
    sql = connection.ops.sql_flush(no_style(), tables, reset_sequences=True)
    connection.ops.execute_sql_flush(sql)
    ann, bob = User.objects.order_by("pk")
    tea, _ = Category.objects.create(name="Tea"), Category.objects.create(name="Coffee")
    Product.objects.bulk_create(
        [
            Product(name="Green tea", price=1, category=tea, owner=ann),
            Product(name="Black tea", price=2, category=tea, description="green"),
            Product(name="Teapot", price=2, owner=bob),
            Product(name="Cup", price="3.50", owner=bob),
            Product(name="Old cup", is_archived=True, owner=ann),
        ]
    )


def rows():
    return [list(model.objects.order_by("pk").values_list()) for model in (Category, Product)]


def outcomes(server, requests):
    """What each of the requests, in a row, is answered, and the rows that it leaves."""
    before, answers = rows(), []
    cache.clear()  # of what the throttles count
    for request in requests:
        try:
            answer = async_to_sync(exchange)(server, **request)
            outcome = {"status": answer.status, "headers": answer.headers, "body": answer.body}
        except Exception as error:
            outcome = {"status": type(error).__name__, "message": str(error)}
        answers.append({**outcome, "rows": rows()})
    if any(answer["rows"] != before for answer in answers):
        fill_products()
    return answers


def test_generated_requests_are_answered_as_drf_answers_them(monkeypatch):
    middleware = ["common.CommonMiddleware", "http.ConditionalGetMiddleware"]
    middleware = ["django.middleware." + name for name in middleware + ["locale.LocaleMiddleware"]]
    monkeypatch.setattr("django.middleware.csrf.get_random_string", lambda n, *_, **__: "x" * n)
    pairs = [(variant, spelling) for variant in VARIANTS for spelling in ("sync", "async")]
    number = int(os.environ.get("DIFFERENTIAL_EXAMPLES", 2000))
    one_or_two = st.lists(a_request(), min_size=1, max_size=2) | a_request().map(lambda r: [r, r])
    seen = collections.Counter()

    @hypothesis.settings(
        max_examples=number,
        derandomize=number <= 2000,  # More are other ones each time.
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        suppress_health_check=[hypothesis.HealthCheck.too_slow],  # as a machine may be busy
    )
    @hypothesis.given(st.sampled_from(pairs), one_or_two)
    def compare(pair, requests):
        by_drf, by_us = [outcomes(server, requests) for server in servers[pair]]
        for request, expected, got in zip(requests, by_drf, by_us):
            seen[request["method"], expected["status"]] += 1
            lines = ["%s, %s:" % pair, *map(repr, requests)]
            for key in {**expected, **got}:
                if expected.get(key) != got.get(key):
                    lines += ["DRF's %s: %s" % (key, expected.get(key)), "not: %s" % got.get(key)]
            assert got == expected, "\n".join(lines)

    fill_products()
    with override_settings(MIDDLEWARE=middleware, DEBUG_PROPAGATE_EXCEPTIONS=True):
        servers = {
            (variant, spelling): [
                make_server(variant, is_ours=False, is_async=False),
                make_server(variant, is_ours=True, is_async=spelling == "async"),
            ]
            for variant, spelling in pairs
        }
        # In the worker thread, so that all of the requests have one, with one connection.
        asyncio.run(sync_to_async(compare)())
    print("Answers to %d generated requests:" % sum(seen.values()))
    for status in sorted({status for _, status in seen}, key=str):
        methods = ["%s %d" % (m, n) for (m, s), n in seen.most_common() if s == status]
        print("  %s: %s" % (status, ", ".join(methods)))
    interesting = {200, 201, 204, 400, 401, 403, 404, 405, 406, 415, 429}
    assert number < 2000 or interesting <= {status for _, status in seen}
