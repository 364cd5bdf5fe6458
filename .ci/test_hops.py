# SPDX-License-Identifier: MIT
"""What a request costs, and what is kept off the event loop."""

import asyncio
import functools
import sys

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import override_settings
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from rest_framework import parsers, permissions, versioning
from rest_framework.authentication import BaseAuthentication, BasicAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from restflow_generics import AsyncAPIView, AsyncRetrieveAPIView
from shop import Product
from tools import (
    FIVE_FLOWS,
    Allowed,
    AsyncStack,
    Listed,
    ProductView,
    StockView,
    ask,
    basic,
    counted,
    counted_hops,
    each_spelling,
    making,
    noted_event_loops,
    status_of_both,
    subclass,
    where,
)


def hops_of(view, *args, status=200, **options):
    """How many hops the view itself makes, without those that Django makes around it."""
    counts = []

    @functools.wraps(view.as_view())
    async def counting_view(request, *args, **kwargs):
        with counted_hops() as hops:
            response = await view.as_view()(request, *args, **kwargs)
        counts.append(len(hops))
        return response

    assert ask(counting_view, *args, **options).status == status
    return counts[0]


class StockDetailView(StockView):
    get = AsyncRetrieveAPIView.get


class AllAsyncView(ProductView):
    queryset = AsyncStack.Products(Product)
    serializer_class = AsyncStack.Serializer
    authentication_classes = [AsyncStack.Authentication]
    permission_classes = [Allowed & permissions.IsAuthenticated]
    throttle_classes = [AsyncStack.Throttle]
    filter_backends = [AsyncStack.Backend]
    pagination_class = AsyncStack.Paginator
    metadata_class = AsyncStack.Metadata


@pytest.mark.parametrize("method, url, status", FIVE_FLOWS)
def test_a_stock_stack_costs_one_hop(method, url, status):
    view = StockDetailView if url == "/1/" else StockView
    data = {"name": "Cup"} if method in ("POST", "PUT") else None
    assert hops_of(view, method, url, status=status, data=data, user="ann") == 1


@pytest.mark.parametrize("method, url, status", FIVE_FLOWS)
def test_a_stock_stack_has_no_event_loop_in_sync_code(method, url, status):
    view = StockDetailView if url == "/1/" else StockView
    request = getattr(APIRequestFactory(), method.lower())(url, {"name": "Cup"})
    request.META["HTTP_AUTHORIZATION"] = basic("ann")
    with noted_event_loops() as made:
        answer = view.as_view()(request, **({"pk": 1} if url == "/1/" else {}))
    assert (answer.status_code, made) == (status, [])


class NothingSync(AsyncAPIView):
    authentication_classes = []
    permission_classes = [Allowed, permissions.AllowAny]
    throttle_classes = [AsyncStack.Throttle]

    async def get(self, request, *args, **kwargs):
        await asyncio.sleep(0)
        return Response({"where": where()})


def test_an_async_handler_with_nothing_sync_about_it_costs_none():
    assert hops_of(NothingSync) == 0
    with override_settings(MIDDLEWARE=[]), counted_hops() as hops:
        ask(NothingSync.as_view())  # It is rendered on the event loop, too.
    with override_settings(MIDDLEWARE=[]), counted_hops() as djangos_hops:
        ask(plain_async_view)
    assert len(hops) == len(djangos_hops)


async def plain_async_view(request):
    return HttpResponse()


@pytest.mark.parametrize("method, url, status", FIVE_FLOWS)
def test_an_all_async_stack_costs_no_more_than_drfs_own_composites_ask_for(method, url, status):
    """DRF's code authenticates, combines permissions and reads the body, in the thread."""
    data = {"name": "Cup"} if method in ("POST", "PUT") else None
    hops = hops_of(AllAsyncView, method, url, status=status, data=data)
    assert hops == (3 if method == "POST" or url == "/" else 2)


def test_an_async_hook_in_a_sync_stack_costs_one_more_at_most():
    class View(StockView):
        async def aperform_create(self, serializer):
            await asyncio.sleep(0)
            serializer.instance = Product(name="Cup")

    assert hops_of(View, "POST", status=201, data={"name": "Cup"}, user="ann") == 2


@pytest.mark.parametrize("hook", ["get_serializer_class", "initialize_request", "get_renderers"])
def test_a_sync_override_of_what_is_called_around_the_handler_costs_no_further_hop(hook):
    def override(self, *args, **kwargs):
        Product.objects.count()
        return getattr(super(overridden, self), hook)(*args, **kwargs)

    overridden = subclass(StockView, **{hook: override})
    assert hops_of(overridden, user="ann") == 1


QUERYING = [
    {name: making(base, method)}
    for name, base, methods in [
        ("content_negotiation_class", DefaultContentNegotiation, "select_renderer get_accept_list"),
        ("versioning_class", versioning.QueryParameterVersioning, "determine_version"),
        ("versioning_class", versioning.QueryParameterVersioning, "is_allowed_version"),
        ("pagination_class", AsyncStack.Paginator, "get_next_link get_previous_link"),
    ]
    for method in methods.split()
]


@pytest.mark.parametrize(
    "attributes, initkwargs",
    [
        ({"serializer_class": property(counted(lambda self: AsyncStack.Serializer))}, {}),
        ({"queryset": property(lambda self: AsyncStack.Products(Product).exclude(pk=0))}, {}),
        ({"permission_classes": property(counted(lambda self: [Allowed]))}, {}),
        ({}, {"get_serializer_class": counted(lambda: AsyncStack.Serializer)}),
        *[(querying, {}) for querying in QUERYING],
        *[({}, querying) for querying in QUERYING],
    ],
)
def test_sync_code_in_the_midst_of_computing_is_kept_off_the_event_loop(attributes, initkwargs):
    view = type("View", (AllAsyncView,), attributes).as_view(**initkwargs)
    for method, url in [("GET", "/?version=1"), ("POST", "/?version=1"), ("OPTIONS", "/1/")]:
        assert ask(view, method, url, data={"name": "Cup"}).status < 300


@pytest.mark.parametrize(
    "attributes",
    [
        {"permission_classes": property(counted(lambda self: [Allowed]))},
        {"default_response_headers": property(counted(lambda self: {}))},
        {"throttle_classes": [making(AsyncStack.Throttle)]},
        {"permission_classes": [making(Allowed)]},
        {"versioning_class": making(versioning.QueryParameterVersioning, "determine_version")},
        {"content_negotiation_class": making(DefaultContentNegotiation, "select_renderer")},
        {"get_renderers": counted(NothingSync.get_renderers)},
        {"setup": counted(NothingSync.setup)},
    ],
)
def test_sync_code_around_an_async_handler_is_kept_off_the_event_loop(attributes):
    view = type("View", (NothingSync,), attributes)
    assert ask(view).json == {"where": "event loop"}


@pytest.mark.parametrize("name", ["__init__", "setup"])
def test_the_making_of_a_view_is_kept_off_the_event_loop(name):
    assert ask(making(AllAsyncView, name)).status == 200


@pytest.mark.parametrize("hook", ["get_queryset", "initialize_request", "finalize_response"])
def test_a_decorator_around_a_hook_that_only_computes_is_kept_off_the_event_loop(hook):
    view = method_decorator(counted, name=hook)(subclass(AllAsyncView))
    assert ask(view).status == 200


@pytest.mark.parametrize("user", ["ann", None])
@pytest.mark.parametrize("permission", [permissions.IsAuthenticated, permissions.IsAdminUser])
def test_a_user_that_a_permission_looks_up_is_kept_off_the_event_loop(permission, user):
    class Lazy(BaseAuthentication):
        async def authenticate(self, request):
            return SimpleLazyObject(lambda: User.objects.get(username="ann")), None

    class View(AllAsyncView):
        authentication_classes = [Lazy]
        permission_classes = [permission]

    class LeftToWhoeverAsks(AllAsyncView):
        authentication_classes = [BasicAuthentication]
        permission_classes = [Allowed, permission]

        async def aperform_authentication(self, request):
            pass

    assert ask(View).status == 200
    assert ask(LeftToWhoeverAsks, user=user).status == (200 if user else 401)


def test_what_a_user_was_loaded_without_is_queried_in_the_worker_thread():
    class Authentication(BasicAuthentication):
        async def authenticate(self, request):
            return await sync_to_async(User.objects.only("username").get)(username="ann"), None

    view = type("View", (AllAsyncView,), {"permission_classes": [permissions.IsAdminUser]})
    view.authentication_classes = [Authentication]
    assert ask(view).status == 200


@pytest.mark.parametrize("setting", ["UNAUTHENTICATED_USER", "UNAUTHENTICATED_TOKEN"])
def test_what_the_settings_make_for_who_is_not_logged_in_is_made_in_the_worker_thread(setting):
    def guest():
        return User.objects.get(username="ann")

    with override_settings(REST_FRAMEWORK={**settings.REST_FRAMEWORK, setting: guest}):
        assert ask(NothingSync).status == 200


def test_the_message_of_a_denial_is_read_in_the_worker_thread():
    class Deny(permissions.BasePermission):
        message = property(lambda self: "one of %d" % Product.objects.count())

        async def has_permission(self, request, view):
            return False

    assert ask(subclass(NothingSync, permission_classes=[Deny])).json == {"detail": "one of 3"}


@pytest.mark.parametrize(
    "hook", ["get_authenticators", "get_parsers", "get_renderers", "get_content_negotiator"]
)
@each_spelling
def test_what_only_computes_may_be_async_in_either_spelling(prefix, hook):
    async def override(self, *args, **kwargs):
        sides.append(where())
        return await sync_to_async(getattr(super(View, self), hook))(*args, **kwargs)

    sides = []
    View = type("View", (Listed,), {prefix + hook: override})
    assert status_of_both(View) == 200
    assert set(sides) == {"event loop"}


def test_a_body_is_parsed_in_the_worker_thread(monkeypatch):
    sides = []
    original = parsers.JSONParser.parse
    monkeypatch.setattr(
        parsers.JSONParser, "parse", lambda *args: sides.append(where()) or original(*args)
    )
    assert ask(AllAsyncView, "POST", data={"name": "Cup"}).status == 201
    assert sides == ["worker thread"]


def test_a_view_that_is_made_completes_no_permission_again():
    """However many classes there are: it asks each whether it is complete, and goes on."""

    async def has_permission(self, request, view):
        return True

    def calls_of_as_view():
        view.as_view()
        calls = []
        sys.setprofile(lambda frame, event, arg: calls.append(event))
        view.as_view()
        sys.setprofile(None)
        return calls.count("call")

    view = subclass(StockView)
    before = calls_of_as_view()
    classes = [
        subclass(permissions.IsAuthenticated, has_permission=has_permission) for _ in range(50)
    ]
    assert calls_of_as_view() - before < 50 * len(classes)
