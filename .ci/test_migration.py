# SPDX-License-Identifier: MIT
"""
A project that is moved here by changing names only: nothing that can be seen of it changes.

`legacy_project.py` is made three times: on DRF's views, on ours by changing the names of the base
classes in its text, and then with three of its functions made `async def` by hand. Each test asks
all three, at a WSGI and at an ASGI server. What is seen has to be the same: the answers, the
queries, the rows that are left, what the project logged, and what the test returns.
"""

import asyncio
import contextlib
import functools
import inspect
import json
import pathlib
import re
import sys
import types
import unittest
from unittest import mock

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.core.handlers.wsgi import WSGIHandler
from django.db.backends.utils import CursorWrapper
from django.db.models.signals import post_save
from django.test import RequestFactory, override_settings
from django.urls import resolve
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, APITestCase, force_authenticate

import restflow_generics
from shop import Category, Product
from tools import (
    Answer,
    Handler,
    basic,
    exchange,
    mounted,
    read,
    reset_shop,
    shown,
    subclass,
    where,
)

PROJECT = pathlib.Path(__file__).with_name("legacy_project.py")
NAMES = r"\b(generics|mixins|viewsets|views)\.(?=[A-Z])", "restflow_generics.Async"
# What is done by hand: three functions become `async def`, and wait for something.
BY_HAND = [
    r"(class IsMember\(.*?)def (has_permission\(.*?:\n)",
    r"(class ProductSerializer\(.*?)def (validate\(.*?:\n)",
    r"(class Status\(.*?)def (get\(.*?:\n)",
]
AWAITS = r"\1async def \2        await wait_for_a_service()\n"
NOT_THE_SAME = r"s\d+_x\d+|\d{4}-\d\d-\d\d \d\d:[\d:.]+"  # savepoints, and what time it is


# How it is made, and asked


async def wait_for_a_service():
    await asyncio.sleep(0)
    assert where() == "event loop"


@functools.lru_cache(maxsize=None)
def project_of(kind):
    """The project as a module, which goes by one name, so that its tests can patch by names."""
    source = PROJECT.read_text()
    if kind != "DRF's views":
        source = re.sub(*NAMES, source)
    if kind == "three parts async":
        for function in BY_HAND:
            source, count = re.subn(function, AWAITS, source, count=1, flags=re.DOTALL)
            assert count == 1
    module = types.ModuleType("shop_api")
    vars(module).update(restflow_generics=restflow_generics, wait_for_a_service=wait_for_a_service)
    with mock.patch.dict(sys.modules, shop_api=module):
        exec(compile(source, str(PROJECT), "exec"), vars(module))
    return module


def wsgi(method, url, data=None, user=None, headers=()):
    headers = {**headers, **({"Authorization": basic(user)} if user else {})}
    meta = {"HTTP_" + name.upper().replace("-", "_"): headers[name] for name in headers}
    body = data if isinstance(data, bytes) else json.dumps(data) if data is not None else b""
    content_type = headers.get("Content-Type", "application/json")
    environ = RequestFactory().generic(method, url, body, content_type, **meta).environ
    start = []
    response = WSGIHandler()(environ, lambda *args: start.extend(args))
    body = b"".join(response)
    response.close()
    headers = [(name.encode(), value.encode("latin1")) for name, value in start[1]]
    return Answer([{"status": int(start[0].split()[0]), "headers": headers}, {"body": body}])


def asgi(*args, **options):
    return asyncio.run(exchange(Handler(), *args, **options))


class Api:
    """The project at a server. It notes what can be seen of what it is asked."""

    def __init__(self, project, server):
        self.project, self.server, self.seen = project, server, []

    def __call__(self, *requests, data=None, **headers):
        """Ask requests such as 'ann: GET / -> 200'; return the answer to the last one."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        for request in requests:
            asked, status = request.split(" -> ")
            options = {**read(asked), "headers": headers}
            if data is not None:
                options["data"] = data
            with noted_queries() as queried:
                answer = self.server(**options)
            assert answer.status == int(status), (request, answer.status, answer.body)
            for name in ("Age", "Expires"):
                answer.headers.pop(name, None)
            self.note(request, shown(answer), queried)
        return answer

    def note(self, *seen):
        products = Product.objects.order_by("pk").values_list()
        rows = [*products, *Category.objects.order_by("pk").values_list()]
        self.seen.append((*seen, rows, list(self.project.LOG)))


@contextlib.contextmanager
def noted_queries():
    """The queries in all threads, but for what tells threads and moments apart."""
    queried, execute = [], CursorWrapper.execute

    def noting(cursor, sql, params=None):
        if not sql.startswith("PRAGMA"):
            queried.append(re.sub(NOT_THE_SAME, "...", "%s %s" % (sql, params)))
        return execute(cursor, sql, params)

    with mock.patch.object(CursorWrapper, "execute", noting):
        yield queried


def drf_settings(**changed):
    return override_settings(REST_FRAMEWORK={**settings.REST_FRAMEWORK, **changed})


@functools.lru_cache(maxsize=None)
def what_is_seen(scenario, kind, server):
    reset_shop()
    project = project_of(kind)
    project.LOG.clear()
    api = Api(project, server)
    as_served = {"ROOT_URLCONF": project.urlpatterns, "DEBUG_PROPAGATE_EXCEPTIONS": True}
    with mock.patch.dict(sys.modules, shop_api=project), override_settings(**as_served):
        with drf_settings(EXCEPTION_HANDLER="shop_api.exception_handler"):
            api.note(scenario(api))
    return api.seen


def same_as_on_drf(scenario):
    @pytest.mark.parametrize("server", [wsgi, asgi])
    @pytest.mark.parametrize("kind", ["names changed", "three parts async"])
    def test(kind, server):
        expected = what_is_seen(scenario, "DRF's views", server)
        assert what_is_seen.__wrapped__(scenario, kind, server) == expected

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return test


with_tenants = override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, "shop_api.tenant_middleware"])


# Its answers


@same_as_on_drf
def test_mixins_before_and_after_the_generic_views(api):
    api(
        "ann: GET /list/ -> 200",
        "ann: GET /list/?page=2&search=tea&ordering=-price&fields=id,name -> 200",
        "ann: GET /list/?page=3 -> 404",
        "ann: GET /list/?at_most=2 -> 200",
        "ann: GET /list/cheapest/ -> 200",
        "GET /list/ -> 403",
        'ann: POST /list/ {"name": "Cup", "category": 1, "price": 4} -> 201',
        'ann: POST /list/ {"name": "Cup", "category": 1} -> 400',
        'ann: POST /list/ {"name": "cup", "category": 9} -> 400',
        'ann: POST /list/ {"name": "Mug", "category": 1, "price": 13} -> 400',
        "ann: POST /list/ [] -> 400",
        "ann: DELETE /list/ -> 405",
        "ann: OPTIONS /list/ -> 200",
        "ann: HEAD /list/ -> 200",
        "GET /detail/1/ -> 200",
        "GET /detail/Teapot/?at_most=3 -> 200",
        "GET /detail/Teapot/?at_most=2 -> 404",
        'bob: PATCH /detail/1/ {"price": 3} -> 403',
        'PATCH /detail/1/ {"price": 3} -> 403',
        'ann: PATCH /detail/1/ {"price": 3} -> 200',
        'ann: PATCH /detail/1/ {"price": 13} -> 400',
        'ann: PUT /detail/1/ {"name": "Mug", "category": 1} -> 200',
        "ann: DELETE /detail/1/ -> 204",
        "GET /detail/1/ -> 404",
    )
    log = api.project.LOG
    assert "created Cup" in log and "destroyed Mug" in log and log.count("denied") == 2
    assert log.count("checked") == log.count("ann") + log.count("bob") + log.count("AnonymousUser")
    api("GET /detail/2/ -> 200", X_Currency="GBP", Accept="text/html")


@same_as_on_drf
def test_views_as_in_the_tutorial(api):
    assert api("GET /tutorial/ -> 200").headers["X-Count"] == "3"
    api("GET /tutorial/ -> 402", X_Spent="1")
    api('ann: POST /tutorial/ {"name": "Cup", "category": 1} -> 201', "OPTIONS /tutorial/ -> 200")


@same_as_on_drf
def test_a_thread_local_of_a_middleware_is_read_by_a_mixin_and_a_serializer(api):
    with with_tenants:
        answer = api("ann: GET /list/ -> 200", X_Tenant="Tea")
        assert [product["tenant"] for product in answer.json["results"]] == ["Tea", "Tea"]
        api("ann: GET /list/ -> 200", X_Tenant="Coffee")
        api('ann: POST /list/ {"name": "Cup", "category": 1} -> 201', X_Tenant="Tea")
        api("ann: GET /stock/ -> 200", "ann: GET /products/ -> 200")


@same_as_on_drf
def test_viewsets_with_serializers_and_permissions_by_action(api):
    api(
        "GET /products/ -> 200",
        "GET /products/1/ -> 200",
        'POST /products/ {"name": "Cup", "category": 1} -> 403',
        'bob: POST /products/ {"name": "Cup", "category": 1} -> 201',
        'bob: POST /products/ [{"name": "A", "category": 1}, {"name": "B", "category": 1}] -> 201',
        'bob: POST /products/ [{"name": "C", "category": 1}, {"name": "d", "category": 1}] -> 400',
        'bob: PUT /products/1/ {"name": "Cup", "category": null} -> 200',
        'bob: PATCH /products/1/ {"price": "13"} -> 400',
        "ann: POST /products/2/restock/ {} -> 200",
        "bob: POST /products/2/restock/ {} -> 403",
        "bob: DELETE /products/3/restock/ -> 403",
        "ann: DELETE /products/3/restock/ -> 204",
        "bob: GET /products/2/restock/ -> 405",
        "bob: GET /products/cheap/2/ -> 200",
        "bob: GET /products/cheap/2/?page=9 -> 404",
        "bob: DELETE /products/1/ -> 204",
        "GET /by-hand/ -> 200",
        'bob: POST /by-hand/ {"name": "Jug", "category": 1} -> 201',
        "ann: OPTIONS /products/2/ -> 200",
        "GET /products.json -> 200",
        "GET / -> 200",
    )
    assert api.project.LOG.count("create") == 2 + 1


@same_as_on_drf
def test_slugs_nested_routes_and_cached_actions(api):
    for _ in "12":
        api("GET /categories/ -> 200", "GET /categories/Tea/ -> 200", X_Tenant="Tea")
        Category.objects.create(name="Coffee")
    assert len(api("GET /categories/ -> 200", X_Tenant="Tea").json) == 1
    assert len(api("GET /categories/ -> 200", X_Tenant="Coffee").json) == 3
    api(
        "GET /categories/Milk/ -> 404",
        "GET /categories/Tea/products/ -> 200",
        "ann: DELETE /categories/Milk/products/1/ -> 404",
        "ann: DELETE /categories/Tea/products/1/ -> 204",
        "ann: POST /categories/Tea/products/ {} -> 405",
    )


@same_as_on_drf
def test_class_decorators_that_wrap_all_methods_log_the_same_calls(api):
    api(
        "GET /logged/ -> 200",
        "GET /logged/1/ -> 200",
        "GET /logged/1/price/ -> 200",
        'ann: POST /logged/ {"name": "Cup", "category": 1} -> 201',
        'ann: PUT /logged/1/ {"name": "Cup", "category": null} -> 200',
        "ann: DELETE /logged/1/ -> 204",
        "DELETE /logged/2/ -> 403",
        "ann: GET /logged/9/ -> 404",
    )


@same_as_on_drf
def test_class_decorators_that_wrap_the_public_methods_log_the_same_calls(api):
    api(
        "GET /logged-detail/1/ -> 200",
        'PATCH /logged-detail/1/ {"price": 3} -> 200',
        "DELETE /logged-detail/1/ -> 204",
        "GET /logged-detail/1/ -> 404",
    )
    assert api.project.LOG[:2] == ["get", "get_queryset"] and "perform_update" in api.project.LOG


@same_as_on_drf
def test_views_that_are_cached_or_conditional(api):
    first = api("GET /cached/1/ -> 200", X_Currency="EUR")
    Product.objects.update(name="Cup")
    assert api("GET /cached/1/ -> 200", X_Currency="EUR").body == first.body
    assert b"Cup" in api("GET /cached/1/ -> 200", X_Currency="GBP").body
    api("GET /conditional/1/ -> 200", "GET /cached/9/ -> 404")
    api("GET /conditional/1/ -> 304", If_None_Match='"1.00"')
    put = 'PUT /conditional/1/ {"name": "Bowl", "category": 1} -> '
    api(put + "412", If_Match='"2.00"')
    api(put + "200", If_Match='"1.00"')
    for _ in "12":
        api("GET /mine/cached/ -> 200", X_Key="ann")
        Product.objects.filter(pk=2).delete()


@same_as_on_drf
def test_users_who_are_found_by_the_view_and_by_a_middleware(api):
    assert len(api("GET /mine/ -> 200", X_Key="bob").json) == 0
    assert len(api("GET /mine/ -> 200", X_Key="ann").json) == 3
    api("GET /mine/ -> 200", "ann: GET /mine/ -> 200", "GET /account/ -> 302")
    assert api("GET /mine/ -> 401", X_Key="eve").headers["Www-Authenticate"] == "Key"
    with override_settings(MIDDLEWARE=["tools.HasUser"]):
        api("GET /account/ -> 302", "ann: GET /account/ -> 302")
        api("ann: GET /account/ -> 200", X_User="bob")
        api('ann: PATCH /account/ {"email": "a@b.se"} -> 403', X_User="bob")


@same_as_on_drf
def test_transactions_around_handlers_and_hooks(api):
    nested = 'POST /nested/ {"name": "Cup", "price": %s, "category": {"name": "Cups"}} -> %s'
    api(nested % (2, 201), nested % (100, 500), "GET /nested/?fields=name,category -> 200")
    assert Category.objects.filter(name="Cups").count() == 1
    transfer = 'ann: POST /transfer/1/ {"by": %s} -> %s'
    api(transfer % (2, 200), transfer % (20, 400), 'bob: POST /transfer/1/ {"by": 1} -> 403')
    assert Product.objects.get(pk=1).price == 3


@same_as_on_drf
def test_renderers_parsers_and_a_negotiation_of_its_own(api):
    assert api("GET /report/?fields=id,name -> 200").body.startswith(b"1,Green tea")
    text = b"name,price,category\r\nCup,2,1\r\n%s,3,1\r\n"
    api("POST /report/ -> 201", data=text % b"Mug", Content_Type="text/csv", Accept="text/tea")
    api("POST /report/ -> 400", data=text % b"mug", Content_Type="text/csv")
    assert Product.objects.count() == 5


@same_as_on_drf
def test_trees_versions_throttles_and_languages(api):
    for name in ("Tea/Green", "Tea/Green/Sencha", "Tea/Black"):
        Category.objects.create(name=name)
    by_field = api("GET /tree/?field -> 200").json
    assert [branch["name"] for branch in by_field[0]["children"]] == ["Tea/Black", "Tea/Green"]
    api("GET /tree/ -> 200")
    api("POST /released/ -> 403", "GET /released/ -> 200", X_Tenant="Tea")
    api("GET /released/?release=Tea/Green -> 200", X_Tenant="Coffee")
    api("GET /released/?release=Milk -> 404", "GET /released/ -> 200", X_Tenant="Tea")
    assert api("GET /released/ -> 429", X_Tenant="Tea").headers["Retry-After"] == "86400"
    assert b"Ja" in api("GET /localized/ -> 200", Accept_Language="de").body
    assert "erforderlich" in api("POST /localized/ {} -> 400", Accept_Language="de").body.decode()
    api('POST /localized/ {"name": "Cup", "category": 1} -> 201', Accept_Language="fr")


@same_as_on_drf
def test_plain_views_and_view_functions(api):
    api(
        "GET /status/ -> 200",
        "ann: GET /status/ -> 200",
        'POST /status/ {"name": "Cup", "n": 2} -> 200',
        'POST /status/ {"name": "Cup", "n": 0} -> 500',
        "DELETE /status/ -> 405",
        "OPTIONS /status/ -> 200",
        "GET /stock/ -> 403",
        "ann: GET /stock/ -> 200",
        'ann: POST /stock/ {"name": "Cup"} -> 200',
        "ann: GET /stock/ -> 429",
        "GET /export/?as=file -> 200",
        "GET /export/?as=text -> 200",
        "GET /export/?as=stream -> 200",
    )
    assert Category.objects.filter(name="Error in Status").exists()


@same_as_on_drf
def test_signals_are_received_in_the_request(api):
    def receive(sender, instance, created, **kwargs):
        if sender is Product and created:
            Category.objects.create(name="Signal of " + instance.name)

    post_save.connect(receive)
    try:
        api('ann: POST /list/ {"name": "Cup", "category": 1} -> 201')
    finally:
        post_save.disconnect(receive)
    assert Category.objects.filter(name="Signal of Cup").exists()


def log_in(user):
    """Log a user in, and return the cookie of the session, which has a name that is known."""
    client = APIClient()
    client.force_login(User.objects.get(username=user))
    Session.objects.filter(pk=client.session.session_key).update(session_key="session-of-" + user)
    return "sessionid=session-of-" + user


@same_as_on_drf
def test_method_decorators_above_each_other_judge_and_answer(api):
    ann = log_in("ann")
    api("GET /stacked/1/ -> 302")
    answer = api("GET /stacked/1/ -> 200", Cookie=ann)
    assert "max-age=60" in answer.headers["Cache-Control"]
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, "tools.HasUser"]):
        api("GET /stacked/1/ -> 302", Cookie=ann)
        api("GET /stacked/1/ -> 200", X_User="bob")


@same_as_on_drf
def test_the_access_mixins_of_django_find_the_user_of_the_session(api):
    ann, bob = map(log_in, ["ann", "bob"])
    api("GET /guarded/1/ -> 302", "ann: GET /guarded/1/ -> 302")
    api("GET /guarded/1/ -> 403", Cookie=bob)
    assert api("GET /guarded/1/ -> 200", Cookie=ann).json["name"] == "Tea"


# With other packages


@same_as_on_drf
def test_a_view_with_the_backend_of_django_filter(api):
    pytest.importorskip("django_filters")
    with override_settings(ROOT_URLCONF=api.project.urls_for_django_filter()):
        api("ann: GET /filtered/?category=9 -> 400", "ann: GET /filtered/?category=1 -> 200")
        api("ann: GET /filtered/?name=Teapot&at_most=2 -> 200")
        api("ann: GET /filtered/ -> 200", Accept="text/html")


DESCRIBED = """GET /described/ -> 200
    GET /described/1/ -> 200
    ann: POST /described/ {"name": "Cup", "category": {"name": "Cups"}} -> 400
    ann: POST /described/ {"name": "Cup", "category": 1} -> 201
    ann: PUT /described/1/ {"name": "Jug", "category": 1} -> 200
    ann: PATCH /described/1/ {"price": 3} -> 200
    ann: POST /described/2/restock/ {} -> 200
    ann: GET /described-list/ -> 200
    GET /described-view/ -> 200
    POST /described-view/ {"name": "Cup", "n": 2} -> 200""".split("\n")


@same_as_on_drf
def test_views_with_the_decorators_of_spectacular(api):
    generators = pytest.importorskip("drf_spectacular.generators")
    with drf_settings(DEFAULT_SCHEMA_CLASS="drf_spectacular.openapi.AutoSchema"):
        urls = api.project.urls_for_spectacular()
        with override_settings(ROOT_URLCONF=urls):
            api(*DESCRIBED)
        schema = generators.SchemaGenerator(patterns=urls).get_schema(public=True)
    document = json.dumps(schema, default=str)
    assert all(text in document for text in ["All that we sell", "The cheap ones", "How it goes"])
    return document


@same_as_on_drf
def test_views_with_the_decorators_of_yasg(api):
    generators = pytest.importorskip("drf_yasg.generators")
    urls = api.project.urls_for_yasg()
    with override_settings(ROOT_URLCONF=urls):
        api(*DESCRIBED)
    info = generators.openapi.Info(title="Shop", default_version="1")
    generator = generators.OpenAPISchemaGenerator(info, patterns=urls)
    document = json.dumps(generator.get_schema(None, public=True), default=str)
    assert all(text in document for text in ['"All"', "Changed", "One more"])
    return document


# Its tests


def called(view, method="get", url="/", data=None, user=None, **kwargs):
    request = getattr(APIRequestFactory(), method)(url, data, format="json")
    if user:
        force_authenticate(request, User.objects.get(username=user))
    response = view(request, **kwargs)
    return response.status_code, response.data, response.render().content


@same_as_on_drf
def test_views_that_are_called_by_hand(api):
    shop, cup = api.project, {"name": "Cup", "category": 1}
    resolved = resolve("/products/1/").func
    assert resolved.cls is shop.ProductViewSet and resolved.actions["get"] == "retrieve"
    return [
        [extra.url_name for extra in shop.ProductViewSet.get_extra_actions()],
        called(shop.ProductList.as_view(), user="ann"),
        called(shop.ProductList.as_view(), "post", data=cup, user="bob"),
        called(shop.ProductList.as_view(), "post", data=cup),
        called(shop.ProductViewSet.as_view({"post": "restock"}), "post", user="ann", pk=1),
        called(shop.ProductViewSet.as_view({"get": "list"}, suffix="List"), user="ann"),
        called(shop.Status.as_view(), user="ann"),
        called(shop.Localized.as_view(), "post", data={}),
        called(shop.stock, user="ann"),
    ]


@same_as_on_drf
def test_methods_of_views_that_are_made_by_hand(api):
    shop, factory, ann = api.project, APIRequestFactory(), User.objects.get(username="ann")
    view = shop.ProductList()
    view.setup(factory.get("/"), some="thing")
    shop.current.tenant = "Tea"
    try:
        assert view.get_queryset().count() == 3 and view.kwargs == {"some": "thing"}
    finally:
        shop.current.tenant = None
    view = shop.ProductViewSet(action="list", format_kwarg=None, kwargs={"pk": "1"})
    view.request = Request(factory.get("/", {"fields": "name,price,category"}))
    view.request.user = ann
    assert view.get_serializer_class() is shop.NestedSerializer
    view.action = "update"
    permission_names = [type(permission).__name__ for permission in view.get_permissions()]
    product = view.get_object()
    assert view.check_permissions(view.request) is None
    view.check_object_permissions(view.request, product)
    serializer = view.get_serializer(product, data={"price": 5}, partial=True)
    assert serializer.is_valid(raise_exception=True) is True
    view.perform_update(serializer)
    created = view.get_serializer(data={"name": "Cup", "category": 1})
    assert created.is_valid() and view.perform_create(created) is None
    view.request.user = AnonymousUser()
    with pytest.raises(exceptions.PermissionDenied):
        view.check_permissions(view.request)
    return permission_names, serializer.data, view.list(view.request).data


@same_as_on_drf
def test_components_that_are_called_by_hand(api):
    request = Request(APIRequestFactory().get("/"))
    request.user = AnonymousUser()
    assert api.project.IsMember().has_permission(request, None) is False
    either = (api.project.ReadOnly | api.project.IsMember)()
    assert either.has_permission(request, None) is True
    serializer = api.project.ProductSerializer(data={"name": "Cup", "price": 13, "category": 1})
    assert not serializer.is_valid()
    return serializer.errors


@same_as_on_drf
def test_mocks_and_spies_in_the_place_of_methods(api):
    shop, patch = api.project, mock.patch.object
    with patch(shop.ProductList, "get_queryset") as get_queryset:
        get_queryset.return_value = Product.objects.filter(pk=2)
        assert len(api("ann: GET /list/ -> 200").json["results"]) == 1
    get_queryset.assert_called_once_with()
    cup = 'ann: POST /list/ {"name": "%s", "category": 1} -> 201'
    for View in (shop.ProductList, shop.OwnerMixin):
        with patch(View, "perform_create", autospec=True) as perform_create:
            api((cup % "Cup").replace("list/", "list/?fields=name,category"))
        ((view, serializer), _) = perform_create.call_args
        assert type(view) is shop.ProductList and serializer.validated_data["name"] == "Cup"
    assert not Product.objects.filter(name="Cup").exists()
    with patch(shop.Tutorial, "list", autospec=True, side_effect=shop.Tutorial.list) as spy:
        api("GET /tutorial/ -> 200")
        called(shop.Tutorial.as_view())
    assert spy.call_count == 2
    with patch(shop.ProductDetail, "get_object", side_effect=ArithmeticError):
        api("GET /detail/1/ -> 500")
    with mock.patch("shop_api.IsMember.has_permission", return_value=False) as has_permission:
        api("ann: GET /list/ -> 403", "ann: POST /transfer/1/ {} -> 403")
    assert has_permission.call_count == 2
    with mock.patch("rest_framework.views.APIView.check_permissions") as check_permissions:
        api("GET /list/ -> 200", "GET /detail/1/ -> 200")
    assert check_permissions.call_count == 2
    with patch(shop.ProductSerializer, "validate_name", autospec=True, return_value="Mocked"):
        api(cup % "Bowl")
    with patch(Product, "save", autospec=True, side_effect=ArithmeticError):
        api((cup % "Urn").replace("201", "500"))
    with patch(shop.ProductSerializer, "to_representation", return_value={"id": 0}):
        api("GET /products/1/ -> 200", "ann: GET /list/ -> 200")


# Before Python 3.10, no autospec of a coroutine function is one.
has_async_autospec = inspect.iscoroutinefunction(mock.create_autospec(asyncio.sleep))


@pytest.mark.skipif(not has_async_autospec, reason="an autospec is no coroutine function")
@same_as_on_drf
def test_spies_in_the_place_of_actions_that_are_drfs(api):
    shop = api.project
    jug = 'bob: POST /by-hand/ {"name": "Jug", "category": 1} -> 201'
    for View, name, request in [
        (shop.ProductList, "list", "ann: GET /list/ -> 200"),
        (shop.ProductDetail, "get", "GET /detail/1/ -> 200"),
        (shop.ProductViewSet, "create", jug),
    ]:
        method = getattr(View, name)
        with mock.patch.object(View, name, autospec=True, side_effect=method) as spy:
            api(request)
        assert spy.call_count == 1
    with mock.patch.object(shop.ProductViewSet, "create", autospec=True, side_effect=method) as spy:
        called(shop.ProductViewSet.as_view({"post": "create"}), "post", data={}, user="bob")
    assert spy.call_count == 1


@same_as_on_drf
def test_mocks_in_the_place_of_actions_that_are_drfs(api):
    for options in [{}, {"autospec": True}]:
        answer = {"return_value": Response(["mocked"]), **options}
        with mock.patch.object(api.project.ProductList, "list", **answer):
            assert api("ann: GET /list/ -> 200").json == ["mocked"]


@same_as_on_drf
def test_a_spy_with_wraps_on_a_view_that_is_made_by_hand(api):
    view = api.project.ProductViewSet(action="list", format_kwarg=None, kwargs={"pk": 1})
    view.request = Request(APIRequestFactory().get("/"))
    with mock.patch.object(view, "get_queryset", wraps=view.get_queryset) as get_queryset:
        with mock.patch.object(view, "filter_queryset", wraps=view.filter_queryset) as filtered:
            assert view.get_object().pk == 1 and len(view.list(view.request).data) == 3
    assert get_queryset.call_count == filtered.call_count == 2


@same_as_on_drf
def test_a_test_case_with_drfs_client_passes(api):
    class ProductTests(APITestCase):
        def setUp(self):
            self.ann = User.objects.get(username="ann")
            self.client.force_authenticate(self.ann)

        def test_create(self):
            with self.assertNumQueries(3):
                response = self.client.post("/list/", {"name": "Cup", "category": 1})
            self.assertEqual(response.status_code, 201, response.data)
            self.assertEqual(Product.objects.get(name="Cup").owner, self.ann)

        def test_list(self):
            with self.assertNumQueries(2):
                response = self.client.get("/list/", {"page": 2}, format="json")
            self.assertEqual(response.data["page"], (2, 2))
            self.assertEqual(response.resolver_match.func.cls, api.project.ProductList)

        def test_errors(self):
            self.client.raise_request_exception = False
            self.assertEqual(self.client.put("/list/", {}).status_code, 405)
            self.client.force_authenticate(None)
            self.assertContains(self.client.get("/list/"), "credentials", status_code=403)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(ProductTests).run(result)
    assert result.testsRun == 3 and result.wasSuccessful(), result.errors + result.failures


# A decorator that is made async by hand


def awaiting(method):
    @functools.wraps(method)
    async def around(*args):
        await wait_for_a_service()
        return method(*args)

    return around


@pytest.mark.parametrize("server", [wsgi, asgi])
@pytest.mark.parametrize("name", ["validate", "validate_name"])
def test_an_async_decorator_around_a_sync_method_of_a_serializer_is_awaited(name, server):
    project = project_of("names changed")
    method = awaiting(getattr(project.ProductSerializer, name))
    serializer_class = subclass(project.ProductSerializer, **{name: method})
    view = subclass(restflow_generics.AsyncCreateAPIView, serializer_class=serializer_class)
    with override_settings(ROOT_URLCONF=mounted(view), DEBUG_PROPAGATE_EXCEPTIONS=True):
        answer = Api(project, server)(
            'POST / {"name": "Cup", "category": 1, "price": 13} -> 400',
            'POST / {"name": "cup", "category": 1} -> 400',
            'POST / {"name": " Cup ", "category": 1} -> 201',
        )
    assert answer.json["name"] == "Cup"
