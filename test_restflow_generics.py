# SPDX-License-Identifier: MIT
"""
The tests of restflow_generics, in the order of the module.

Run them with `pytest`: they take less than a minute. They use SQLite, or the database of
DATABASE_URL. What they ask is often the shop, a small Django project in `.ci/shop.py`; their tools
are in `.ci/tools.py`.

Contents:

    The one rule                        hooks of views, chains of overrides, components
    The dispatch helper                 tasks, threads, context, exceptions, cancelled requests
    Both spellings                      which call reaches which spelling, and what is refused
    DRF's composites and methods        permissions that are combined, requests of ones own
    Patches and mocks                   what somebody has put on a view, or on DRF's classes
    The base view                       handlers, users, exceptions, metadata, errors
    What `as_view` returns              servers, decorators, views called by hand, transactions
    The generic view                    look-ups, pages, serializers
    The mixins                          what creating and updating do besides saving
    The concrete views                  the answers are those of DRF's views
    The viewsets                        routers and actions
    The README                          its examples

Two subjects have modules of their own, which `pytest` runs too: `.ci/test_hops.py` is about what a
request costs, and what is kept off the event loop; `.ci/test_sync_callers.py` is about sync code
that asks async components. What takes more than `pip install -e '.[test]'`, or longer, is in
`.ci/`, too, a module a subject.
"""

import abc
import asyncio
import contextlib
import contextvars
import copy
import dataclasses
import functools
import gc
import inspect
import json
import pickle
import re
import sys
import threading
import time
import weakref
from unittest import mock

import asgiref
import django
import httpx
import pytest

pytest_plugins = ["tools"]
pytest.register_assert_rewrite("tools")

# The shop configures Django first.
from shop import ROOT, Category, Pages, Product, ProductSerializer

# isort: split
from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DataError, models, transaction
from django.http import HttpResponse
from django.test import override_settings
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject, cached_property, lazystr
from django.views.decorators.cache import cache_page, never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View
from rest_framework import (
    exceptions,
    filters,
    generics,
    mixins,
    pagination,
    parsers,
    permissions,
    renderers,
    serializers,
    throttling,
    versioning,
    views,
    viewsets,
)
from rest_framework.authentication import BaseAuthentication, BasicAuthentication
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

import restflow_generics
from restflow_generics import *  # noqa: F403  (its `__all__` is what users import)
from restflow_generics import AsyncAPIView, AsyncGenericAPIView, AsyncModelViewSet, call_hook
from tools import (
    CONCRETE,
    CONFIGURED,
    PATCHED,
    STYLES,
    Allowed,
    AsyncStack,
    Listed,
    Opened,
    OverriddenList,
    ProductView,
    Refused,
    StockView,
    SyncProductView,
    Waits,
    ask,
    ask_shop,
    ask_wsgi,
    basic,
    cancelled_at,
    component,
    counted,
    counted_hops,
    deny,
    each_side,
    each_spelling,
    each_style,
    error_of,
    json_of_both,
    logged,
    making,
    mounted,
    names_created,
    noted_event_loops,
    of_drf,
    of_ours,
    products_with,
    read,
    refusing,
    reset_shop,
    shown,
    status_of_both,
    subclass,
    unwrapped,
    where,
    written,
)

# --- The one rule ---------------------------------------------------------------------------------

# Every hook of the view, in every spelling

PAIRS = """initial perform_authentication check_permissions check_object_permissions check_throttles
    handle_exception finalize_response filter_queryset paginate_queryset get_object perform_create
    perform_update perform_destroy""".split()
ACTIONS = "list create retrieve update partial_update destroy".split()
HANDLERS = "get post put patch delete options dispatch".split()
PROPERTIES = "allowed_methods default_response_headers paginator".split()
OTHERS = """determine_version get_authenticate_header get_authenticators get_content_negotiator
    get_exception_handler get_exception_handler_context get_format_suffix get_paginated_response
    get_parser_context get_parsers get_permissions get_queryset get_renderer_context get_renderers
    get_serializer get_serializer_class get_serializer_context get_success_headers get_throttles
    get_view_description get_view_name http_method_not_allowed initialize_request
    perform_content_negotiation permission_denied raise_uncaught_exception setup
    throttled""".split()
HOOKS = PAIRS + ACTIONS + HANDLERS + PROPERTIES + OTHERS


class Throttle(throttling.BaseThrottle):
    def allow_request(self, request, view):
        if "break" in request.query_params:
            raise LookupError("broken")
        return "throttle" not in request.query_params


class FullStack:
    """Something of everything."""

    authentication_classes = [BasicAuthentication]
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
    throttle_classes = [Throttle]
    filter_backends = [filters.SearchFilter]
    search_fields = ["name"]
    pagination_class = Pages


def overriding(base, hook, style, calls):
    """A subclass that overrides the hook, notes each call's method, and calls `super()`."""

    def override(self, *args, **kwargs):
        calls.append(getattr(self.request, "method", None))
        has_async_name = style != "def X" and hook in PAIRS
        above = getattr(super(cls, self), "a" + hook if has_async_name else hook)
        return above if hook in PROPERTIES else above(*args, **kwargs)

    attributes = written(hook, style, override)
    if hook in PROPERTIES:
        attributes = {hook: property(attributes[hook])}
    cls = type("Overriding", (base,), {**attributes, "request": None})
    return cls


@override_settings(MIDDLEWARE=[])  # Each request is a third faster without.
def everything_asked(view):
    """Status, headers and body of requests that take every way through a view."""
    as_ann, bad = {"user": "ann"}, {"headers": {"Content-Type": "application/json"}, "data": b"{"}
    answers = [
        ask(view, "POST", **bad, **as_ann),
        ask(view, url="/?break", raises=False),
        ask(view, url="/1/", headers={"Accept": "no/such"}),
        ask(view, url="/1/", headers={"Accept": "text/html"}, **as_ann),
    ]
    requests = """GET /
        GET /?page=7
        HEAD /
        GET /1/
        GET /no/
        ann: OPTIONS /1/
        ann: POST / {"name": "Cup"}
        ann: POST / {"name": ""}
        POST / {"name": "Cup"}
        ann: PUT /1/ {"name": "Mug"}
        ann: PUT /1/?throttle {"name": "Mug"}
        ann: PATCH /1/ {"price": "5"}
        ann: TRACE /1/
        ann: DELETE /1/"""
    answers += [ask(view, **read(request)) for request in requests.splitlines()]
    rows = list(Product.objects.order_by("id").values_list("name", "price"))
    return [shown(answer) for answer in answers], rows


@functools.lru_cache(maxsize=None)
def asked_of_drf():
    """What DRF's sync view answers, and the methods that it calls each hook for."""
    view, calls = type("View", (FullStack, SyncProductView), {}), {hook: [] for hook in HOOKS}
    for hook in HOOKS:
        view = overriding(view, hook, "def X", calls[hook])
    answers = everything_asked(view)
    reset_shop()
    return answers, calls


def styles_of(hook):
    if hook in PROPERTIES:
        return STYLES[:1]
    return STYLES if hook in PAIRS else STYLES[:2]


@pytest.mark.parametrize("hook, style", [(hook, s) for hook in HOOKS for s in styles_of(hook)])
def test_an_override_runs_on_its_own_side_wherever_drf_would_run_it(hook, style):
    expected, expected_calls = asked_of_drf()
    calls = []
    view = overriding(type("View", (FullStack, ProductView), {}), hook, style, calls)
    assert everything_asked(view) == expected
    # DRF reads its properties more than once.
    kind = set if hook in PROPERTIES else list
    assert kind(calls) == kind(expected_calls[hook])


# Chains of overrides


def link(name, style, log, bases):
    """A class that overrides `filter_queryset`, logs its name, and calls `super()`."""

    def override(self, queryset):
        log.append(name)
        spelling = "filter_queryset" if style == "def X" else "afilter_queryset"
        return getattr(super(cls, self), spelling)(queryset)

    cls = type(name, bases, written("filter_queryset", style, override))
    return cls


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


@pytest.mark.parametrize(
    "base, hook",
    [
        (permissions.BasePermission, "has_permission"),
        (filters.BaseFilterBackend, "filter_queryset"),
        (Listed, "get_queryset"),
    ],
)
def test_async_code_gets_the_answer_of_a_sync_override_above_an_async_base(base, hook):
    async def aroot(self, *args):
        return True

    async def atop(self, *args):
        return await getattr(super(top, self), "a" + hook)(*args)

    middle = subclass(subclass(base, **{"a" + hook: aroot}), **{hook: lambda *args: False})
    top = subclass(middle, **{"a" + hook: atop})
    for owner in (middle(), top()):
        assert asyncio.run(getattr(owner, "a" + hook)(1, 2, 3)) is False
        assert getattr(owner, hook)(1, 2, 3) is False


def test_of_two_spellings_in_one_class_the_async_one_decides_on_both_sides():
    class View(ProductView):
        def filter_queryset(self, queryset):
            return super().filter_queryset(queryset).filter(name="Teapot")

        async def afilter_queryset(self, queryset):
            return (await super().afilter_queryset(queryset)).filter(name="Black tea")

        def put(self, request):
            return Response(self.filter_queryset(Product.objects).get().name)

    assert json_of_both(View)[0]["name"] == "Black tea"
    assert json_of_both(View, "PUT") == "Black tea"


def test_a_stub_beside_an_async_permission_lets_nobody_in():
    class Refuses(permissions.BasePermission):
        async def ahas_permission(self, request, view):
            return False

        def has_permission(self, request, view):
            return True

    for listed in (Refuses, Refuses & permissions.AllowAny):
        assert status_of_both(subclass(Listed, permission_classes=[listed])) == 403


@pytest.mark.parametrize("spelling", ["filter_queryset", "afilter_queryset"])
def test_an_attribute_of_the_instance_comes_first(spelling):
    class View(ProductView):
        def filter_queryset(self, queryset):
            raise AssertionError("hidden")

        async def ainitial(self, request, *args, **kwargs):
            await super().ainitial(request, *args, **kwargs)
            setattr(self, spelling, lambda queryset: queryset.filter(name="Teapot"))

    assert [product["name"] for product in ask(View).json] == ["Teapot"]


class Counts(ProductView):
    """Filters in async code, and counts what is left."""

    async def get(self, request):
        queryset = await self.afilter_queryset(Product.objects.all())
        return Response(await sync_to_async(queryset.count)())


def test_an_attribute_of_the_instance_may_call_what_it_replaces():
    class View(Counts):
        def setup(self, request, *args, **kwargs):
            super().setup(request, *args, **kwargs)
            original = self.filter_queryset
            self.filter_queryset = lambda queryset: original(queryset).filter(name="Teapot")

    assert ask(View).json == 1


def test_super_does_not_come_back_to_the_instance():
    class View(Counts):
        async def afilter_queryset(self, queryset):
            self.filter_queryset = lambda queryset: pytest.fail("not above this class")
            return await super().afilter_queryset(queryset)

    assert ask(View).json == 3


def test_a_spelling_that_is_none_counts_as_not_defined():
    class View(ProductView):
        afilter_queryset = None

        def filter_queryset(self, queryset):
            return queryset.filter(name="Teapot")

    assert [product["name"] for product in ask(View).json] == ["Teapot"]


def test_the_async_spelling_of_an_action_is_its_most_derived_too():
    class ViewSet(AsyncModelViewSet):
        queryset = Product.objects.all()

        async def alist(self, request):
            return Response(where())

    assert ask(ViewSet).json == "event loop"


def test_a_helper_that_is_named_like_a_handler_is_left_alone():
    class View(AsyncAPIView):
        def aput(self, days):
            return days + 1

        async def aget(self):
            return "a helper of this view's"

        async def get(self, request):
            return Response([self.aput(1), await self.aget()])

    assert ask(View, "PUT").status == 405
    assert ask(View).json == [2, "a helper of this view's"]


@pytest.mark.parametrize("name, method", [("delete", "DELETE"), ("put", "PUT"), ("update", "PUT")])
def test_a_method_that_is_taken_away_stays_away(name, method, tea):
    for base in (ProductView, SyncProductView):
        view = type("View", (base,), {name: None})
        with pytest.raises(TypeError, match="'NoneType' object is not callable"):
            ask(view, method, "/%s/" % tea.pk, data={"name": "Gone"})
    assert Product.objects.filter(name="Green tea").exists()


def test_properties_that_are_kept_on_the_instance():
    class View(ProductView):
        default_response_headers = {"X-Tea": "green"}

        @cached_property
        def paginator(self):
            return Pages()

        class serializer_class(ProductSerializer):
            @cached_property
            def data(self):
                return dict(super().data, cached=True)

    answer = ask(View)
    assert (answer.json["count"], answer.headers["X-Tea"]) == (3, "green")
    assert ask(View, "POST", data={"name": "Cup"}).json["cached"] is True


@dataclasses.dataclass
class Unhashable:
    function: object

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)


def test_a_hook_may_be_something_that_cannot_be_hashed():
    teapots = Unhashable(lambda queryset: queryset.filter(name="Teapot"))
    assert len(ask(subclass(ProductView, filter_queryset=teapots)).json) == 1


async def refuse(*args, **kwargs):
    raise exceptions.PermissionDenied


def refuse_at_once(*args, **kwargs):
    raise exceptions.PermissionDenied


def asking_above(view):
    """A class below, whose sync `initial` calls `super()`."""

    def initial(self, *args, **kwargs):
        super(cls, self).initial(*args, **kwargs)

    cls = subclass(view, initial=initial)
    return cls


RAISE = ["initial", "check_permissions", "check_throttles", "perform_authentication"]


@pytest.mark.parametrize("hook", RAISE)
def test_a_def_that_returns_a_coroutine_refuses_as_an_async_def_does(hook):
    view = subclass(Listed, **{hook: lambda *args, **kwargs: refuse()})
    assert [status_of_both(view), status_of_both(asking_above(view))] == [403, 403]


@pytest.mark.parametrize("hook", RAISE)
def test_an_async_spelling_that_is_put_there_later_decides_in_sync_code_too(hook):
    view = subclass(Listed, **{hook: lambda *args, **kwargs: None})
    setattr(view, "a" + hook, refuse)
    assert [status_of_both(view), status_of_both(asking_above(view))] == [403, 403]


@pytest.mark.parametrize("is_mixin", [True, False])
def test_a_permission_gives_its_verdict_below_a_class_that_tells_of_no_subclass(is_mixin):
    class Silent(*([] if is_mixin else [permissions.BasePermission])):
        def __init_subclass__(cls):
            """Without `super()`."""

    class Base(Silent, permissions.BasePermission):
        pass

    class View(Listed):
        def get_permissions(self):
            return [Late(), (Late & permissions.AllowAny)()]

        def check_permissions(self, request):
            if any(permission.has_permission(request, self) for permission in Late.asked()):
                raise AssertionError("never")
            self.permission_denied(request)

    view = View.as_view()

    class Late(Base):
        async def has_permission(self, request, view):
            return False

        @classmethod
        def asked(cls):
            return [cls(), (cls & permissions.AllowAny)(), (cls | cls)()]

    assert status_of_both(view) == 403


def test_a_throttle_of_a_def_that_returns_a_coroutine_counts_for_sync_code():
    class Never(throttling.BaseThrottle):
        def allow_request(self, request, view):
            return self.answer()

        async def answer(self):
            return False

    class View(Listed):
        throttle_classes = [Never]

        def check_throttles(self, request):
            if not all(throttle.allow_request(request, self) for throttle in self.get_throttles()):
                self.throttled(request, None)

    assert status_of_both(View) == 429


class NoFunction:
    """A decorator's object, that is a method once it is bound."""

    def __init__(self, function):
        self.function = function

    def __get__(self, instance, cls):
        return self if instance is None else functools.partial(self.function, instance)


@pytest.mark.parametrize("around", [NoFunction, functools.partialmethod, unwrapped])
def test_whatever_is_around_an_async_hook_its_answer_counts(around):
    async def no(self, *args):
        return False

    for spelling in ("has_permission", "ahas_permission"):
        never = subclass(permissions.BasePermission, **{spelling: around(no)})
        for permission in (never, never & permissions.AllowAny):
            assert status_of_both(subclass(Listed, permission_classes=[permission])) == 403
    assert status_of_both(subclass(Listed, check_permissions=around(refuse))) == 403


@pytest.mark.parametrize("around", [unwrapped, functools.partialmethod])
def test_a_check_runs_whatever_is_around_all_methods_of_its_class(around):
    view = subclass(Listed, check_permissions=refuse_at_once)
    permission = subclass(permissions.BasePermission, has_permission=refuse_at_once)
    for cls in (view, permission):
        for name, attribute in list(vars(cls).items()):
            if inspect.isfunction(attribute):
                setattr(cls, name, around(attribute))
    assert status_of_both(view) == 403
    assert status_of_both(subclass(Listed, permission_classes=[permission])) == 403


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_a_static_check_that_returns_a_coroutine_refuses(kind):
    view = subclass(Listed, check_permissions=kind(lambda *args: refuse()))
    assert status_of_both(view) == 403


def test_a_sync_spelling_that_is_put_there_later_may_return_a_coroutine():
    async def yes(self, *args):
        return True

    async def no(self, *args):
        return False

    permission = subclass(permissions.BasePermission, ahas_permission=yes)
    permission.has_permission = no
    for listed in (permission, permission & permissions.AllowAny):
        assert status_of_both(subclass(Listed, permission_classes=[listed])) == 403


def test_a_property_with_the_name_of_an_http_method_stays_one():
    class View(AsyncAPIView):
        @property
        def trace(self):
            return "some"

        def get(self, request):
            return Response(self.trace)

    assert json_of_both(View) == "some"


def test_a_decorator_that_hides_an_async_method_of_a_serializer_does_no_harm():
    class Serializer(ProductSerializer):
        @unwrapped
        async def validate_name(self, name):
            return name.upper()

    view = subclass(ProductView, serializer_class=Serializer)
    assert status_of_both(view, "POST", data={"name": "Cup"}) == 201
    assert names_created() == ["CUP", "CUP"]


def test_a_hook_that_is_deleted_lets_nobody_in():
    class Listens:
        async def ahas_permission(self, request, view):
            return True

    view = subclass(Listed, permission_classes=[Listens], authentication_classes=[])
    assert status_of_both(view) == 200
    del Listens.ahas_permission
    assert "has no attribute 'has_permission'" in error_of(view)


def test_a_hook_that_is_deleted_with_the_one_that_it_overrides_lets_nobody_in():
    class Base:
        async def ahas_permission(self, request, view):
            return True

    class Listens(Base):
        def has_permission(self, request, view):
            return True

    view = subclass(Listed, permission_classes=[Listens], authentication_classes=[])
    assert status_of_both(view) == 200
    del Base.ahas_permission, Listens.has_permission
    assert "'NoneType' object is not callable" in error_of(view)


@each_side
def test_a_hook_that_calls_itself_does_so(is_async, tea):
    """Follows an alias, and checks what it finds."""

    class Sync:
        def get_object(self):
            obj = super().get_object()
            if obj.name == "Teapot":
                raise exceptions.PermissionDenied
            if obj.name == "Green tea":
                self.kwargs["pk"] = "3"
                return self.get_object()
            return obj

        def retrieve(self, request, *args, **kwargs):
            if request.query_params.get("again") and not kwargs.get("all"):
                return self.retrieve(request, all=True)
            return super().retrieve(request, pk=2)

    class Async:
        async def aget_object(self):
            obj = await super().aget_object()
            if obj.name == "Teapot":
                raise exceptions.PermissionDenied
            if obj.name == "Green tea":
                self.kwargs["pk"] = "3"
                return await self.aget_object()
            return obj

    expected = type("View", (Sync, generics.RetrieveAPIView), CONFIGURED)
    view = type("View", (Async if is_async else Sync, AsyncRetrieveAPIView), CONFIGURED)
    for url in ("/1/", "/2/", "/3/", "/2/?again=1"):
        assert ask(view, "GET", url).status == ask(expected, "GET", url).status


# Whatever a hook is made of


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
    "function, side",
    [
        (AsyncCallable(), "event loop"),
        (SyncCallable(), "worker thread"),
        (staticmethod(functools.partial(AsyncCallable())), "event loop"),
        (staticmethod(functools.partial(functools.partial(answers_where), 1)), "event loop"),
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
def test_whatever_a_hook_is_made_of_it_runs_on_its_own_side(function, side):
    async def in_async_code():
        return await call_hook(owner, "hook")

    owner = type("Owner", (), {"hook": function})()
    assert asyncio.run(in_async_code()) == side
    assert call_hook(owner, "hook") == side


def test_an_owner_that_makes_up_its_attributes():
    class Proxy:
        def __getattr__(self, name):
            if name == "hook":
                return where
            raise AttributeError(name)

    assert call_hook(Proxy(), "hook") == "worker thread"
    with pytest.raises(AttributeError, match="nothing"):
        call_hook(object(), "nothing")


# The components


@each_style
def test_authenticators_run_on_their_own_side(style):
    failures = []

    def authenticate(request):
        name = request.META.get("HTTP_X_USER")
        if name == "nobody":
            failures.append(name)
            raise exceptions.AuthenticationFailed("Nobody.")
        return (User(username=name), "token") if name else None

    authenticator = component(BaseAuthentication, "authenticate", style, authenticate)

    class View(AsyncAPIView):
        authentication_classes = [authenticator, BasicAuthentication]

        def get(self, request):
            return Response([str(request.user), request.auth])

    assert ask(View, headers={"X-User": "eve"}).json == ["eve", "token"]
    assert ask(View, user="ann").json == ["ann", None]
    assert ask(View).json == ["AnonymousUser", None]
    assert ask(View, headers={"X-User": "nobody"}).json == {"detail": "Nobody."}
    with mock.patch.object(BasicAuthentication, "authenticate", return_value=None) as asked:
        # Whoever asks for the user afterwards, as the browsable API does, is not let in then.
        page = ask(View, headers={"X-User": "nobody", "Accept": "text/html"})
    assert page.status == 403 and b"Nobody." in page.body and not asked.called
    assert failures == ["nobody", "nobody"]


@each_style
def test_authentication_may_be_left_to_whoever_asks_for_the_user(style):
    eve = User(username="eve"), None
    finds = component(BaseAuthentication, "authenticate", style, lambda request: eve)

    class View(AsyncAPIView):
        authentication_classes = [finds]

        def perform_authentication(self, request):
            pass

        def get(self, request):
            return Response(str(request.user))

        async def post(self, request):
            return Response(str(request.user))

        async def put(self, request):
            await super().aperform_authentication(request)
            return Response(str(request.user))

    assert ask(View).json == ask(View, "PUT").json == "eve"
    if style == "def X":  # It runs where it is asked for.
        with pytest.raises(AssertionError, match="event loop"):
            ask(View, "POST")
    else:
        with pytest.raises(SynchronousOnlyOperation, match="not awaited, and so has no answer"):
            ask(View, "POST")


@each_style
def test_an_attribute_error_in_an_authenticator_is_not_taken_for_a_missing_user(style):
    fails = component(BaseAuthentication, "authenticate", style, lambda request: None.user)
    with pytest.raises(Exception, match="no attribute 'user'") as caught:
        ask(subclass(Listed, authentication_classes=[fails]))
    assert type(caught.value).__name__ == "WrappedAttributeError"


@each_style
@pytest.mark.parametrize("hook", ["has_permission", "has_object_permission"])
def test_permissions_run_on_their_own_side(hook, style, tea):
    def allows(request, view, *obj):
        return request.query_params.get("secret") == "tea"

    says = {"message": "Ask for tea.", "code": "tea"}
    permission = component(permissions.BasePermission, hook, style, allows, **says)
    view = subclass(ProductView, permission_classes=[permission])
    assert ask(view, "GET", "/1/?secret=tea").status == 200
    assert ask(view, "GET", "/1/").status == 403
    refused = ask(view, "DELETE", "/1/", user="ann")
    assert (refused.status, refused.json) == (403, {"detail": "Ask for tea."})
    assert Product.objects.filter(pk=1).exists()


@each_style
def test_throttles_run_on_their_own_side(style):
    throttle = component(throttling.BaseThrottle, "wait", style, lambda: 7)
    allows = component(throttle, "allow_request", style, lambda request, _: request.method == "GET")

    class View(AsyncAPIView):
        throttle_classes = [allows, throttling.AnonRateThrottle]

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
def test_filter_backends_and_paginators_run_on_their_own_side(style):
    def no_pots(request, queryset, view):
        return queryset.exclude(name="Teapot")

    def first(queryset, request, view):
        return queryset[:1]

    def page(data):
        return Response({"page": data})

    backend = component(filters.BaseFilterBackend, "filter_queryset", style, no_pots)
    paginator = component(pagination.BasePagination, "paginate_queryset", style, first)

    class View(ProductView):
        filter_backends = [filters.SearchFilter, backend, filters.OrderingFilter]
        search_fields = ["name"]
        ordering_fields = ["price"]
        pagination_class = component(paginator, "get_paginated_response", style, page)

    (product,) = ask(View, "GET", "/?search=tea&ordering=-price").json["page"]
    assert product["name"] == "Black tea"


@each_style
def test_serializers_run_on_their_own_side(style):
    def noted(hook, answer):
        return written(hook, style, lambda self, **kwargs: log.append(hook) or answer)

    log = []
    hooks = {**noted("is_valid", True), **noted("save", None)}
    for name, function in noted("data", {"style": style, "url": "/1/"}).items():
        hooks[name] = property(function)
    view = subclass(ProductView, serializer_class=subclass(serializers.BaseSerializer, **hooks))
    answer = ask(view, "POST", data={})
    assert (answer.status, answer.json["style"]) == (201, style)
    assert answer.headers["Location"] == "/1/"
    assert log == ["is_valid", "save", "data", "data"]


def test_a_sync_property_above_an_async_one_is_read():
    class Async(ProductSerializer):
        @property
        async def adata(self):
            raise AssertionError("hidden")

    class Sync(Async):
        @property
        def data(self):
            Product.objects.count()
            return {"own": True}

    view = subclass(ProductView, serializer_class=subclass(Sync))
    assert json_of_both(view, "GET", "/1/") == {"own": True}


def test_an_async_property_behind_a_descriptor_of_ones_own_is_read():
    class reads:
        def __init__(self, function):
            self.function = function

        def __get__(self, serializer, cls):
            return self.function(serializer)

    async def adata(self):
        return {"style": "awaited"}

    serializer = subclass(ProductSerializer, adata=reads(adata))
    view = subclass(ProductView, serializer_class=serializer)
    assert json_of_both(view, "GET", "/1/") == {"style": "awaited"}


@each_style
def test_querysets_run_on_their_own_side(style, tea):
    get = Product.objects.get if style == "def X" else sync_to_async(Product.objects.get)
    hooks = written("get", style, lambda self, **lookup: get(**lookup))
    view = subclass(ProductView, queryset=subclass(models.QuerySet, **hooks)(Product))
    assert ask(view, "GET", "/%s/" % tea.pk).json["name"] == "Green tea"
    assert (ask(view, "GET", "/99/").status, ask(view, "GET", "/no/").status) == (404, 404)


@each_style
def test_model_instances_run_on_their_own_side(style):
    deleted = []
    products = products_with(**written("delete", style, lambda self: deleted.append(self.pk)))
    assert ask(subclass(ProductView, queryset=products), "DELETE", "/1/").status == 204
    assert deleted == [1]


def test_djangos_own_async_methods_are_called_by_their_sync_twins(tea):
    callers = []

    def note(**kwargs):
        callers.extend(frame.function for frame in inspect.stack())

    models.signals.pre_delete.connect(note, sender=Product)
    assert ask(ProductView, "DELETE", "/%s/" % tea.pk).status == 204
    models.signals.pre_delete.disconnect(note, sender=Product)
    assert "delete" in callers and "adelete" not in callers


def test_an_override_of_djangos_async_methods_counts_also_if_it_looks_like_djangos():
    @functools.wraps(models.Model.delete)
    async def adelete(self):
        called.append(where())

    called = []
    view = subclass(ProductView, queryset=products_with(adelete=adelete))
    assert ask(view, "DELETE", "/1/").status == 204
    assert called == ["event loop"]


def test_a_permission_may_be_a_delegate_on_the_instance():
    class Delegates(permissions.BasePermission):
        def __init__(self):
            nobody = refusing(permissions.BasePermission, "has_permission")()
            self.has_permission = functools.partial(call_hook, nobody, "has_permission")

    assert ask(subclass(Listed, permission_classes=[Delegates])).status == 403


@pytest.mark.parametrize(
    "name, value, status",
    [
        ("permission_classes", [Unhashable(permissions.IsAuthenticated)], 403),
        ("authentication_classes", [Unhashable(BasicAuthentication)], 200),
        ("throttle_classes", [Unhashable(Throttle)], 200),
        ("filter_backends", [Unhashable(filters.SearchFilter)], 200),
        ("pagination_class", Unhashable(Pages), 200),
        ("serializer_class", Unhashable(ProductSerializer), 200),
    ],
)
def test_a_component_may_be_made_by_something_that_cannot_be_hashed(name, value, status):
    view = subclass(Listed, **{"authentication_classes": [], name: value})
    assert status_of_both(view) == status


@each_spelling
def test_the_header_of_an_async_authenticator_is_sent(prefix):
    async def authenticate(self, request):
        raise exceptions.AuthenticationFailed

    async def authenticate_header(self, request):
        return "Tea"

    hooks = {"authenticate": authenticate, "authenticate_header": authenticate_header}
    hooks = {prefix + hook: function for hook, function in hooks.items()}
    view = subclass(Listed, authentication_classes=[subclass(BaseAuthentication, **hooks)])
    answer = ask(view)
    assert (answer.status, answer.headers["Www-Authenticate"]) == (401, "Tea")


@pytest.mark.parametrize(
    "name", ["owner", "hook", "side", "function", "view", "serializer", "flow", "args", "kwargs"]
)
def test_arguments_may_have_any_name(name, tea):
    class View(ProductView):
        lookup_url_kwarg = name

        class serializer_class(ProductSerializer):
            def save(self, **kwargs):
                return super().save(description=kwargs[name])

        async def aperform_update(self, serializer):
            await serializer.asave(**{name: "kept"})

    @functools.wraps(View.as_view())
    async def renamed(request, pk):
        return await View.as_view()(request, **{name: pk})

    answer = ask(renamed, "PATCH", "/%s/" % tea.pk, data={})
    assert answer.json["description"] == "kept"


# --- The dispatch helper --------------------------------------------------------------------------


def test_async_code_runs_in_the_task_of_the_request_and_sync_code_in_its_thread():
    class View(ProductView):
        async def dispatch(self, request, *args, **kwargs):
            self.task = asyncio.current_task()
            self.thread = await sync_to_async(threading.get_ident)()
            return await super().dispatch(request, *args, **kwargs)

        def filter_queryset(self, queryset):
            assert threading.get_ident() == self.thread != threading.main_thread().ident
            return super().filter_queryset(queryset)

        async def get_queryset(self):
            assert asyncio.current_task() is self.task
            return Product.objects.all()

        def get_serializer_class(self):
            assert threading.get_ident() == self.thread
            return super().get_serializer_class()

        async def afinalize_response(self, request, response, *args, **kwargs):
            assert asyncio.current_task() is self.task
            return await super().afinalize_response(request, response, *args, **kwargs)

    assert ask(View).status == 200


def test_async_code_under_sync_code_may_gather_tasks():
    class View(ProductView):
        def create(self, request):
            return super().create(request)

        async def aperform_create(self, serializer):
            saves = [sync_to_async(threading.get_ident)() for _ in range(3)]
            assert len(set(await asyncio.gather(*saves))) == 1
            await serializer.asave()

    assert status_of_both(View, "POST", data={"name": "Cup"}) == 201


def test_context_variables_set_on_one_side_are_seen_on_the_other():
    tenant = contextvars.ContextVar("tenant")

    class View(ProductView):
        def initial(self, request, *args, **kwargs):
            super().initial(request, *args, **kwargs)
            tenant.set("set in the thread")

        async def get_queryset(self):
            assert tenant.get() == "set in the thread"
            tenant.set("set on the loop")
            return Product.objects.all()

        def filter_queryset(self, queryset):
            assert tenant.get() == "set on the loop"
            return queryset

    assert ask(View).status == 200


@each_side
def test_tracebacks_show_the_frames_of_the_hook(is_async):
    def divides(self):
        return 1 / 0

    async def async_divides(self):
        return 1 / 0

    function = async_divides if is_async else divides
    with pytest.raises(ZeroDivisionError) as caught:
        ask(subclass(ProductView, get_queryset=function))
    names = [entry.name for entry in caught.traceback]
    last = len(names) - names[::-1].index("dispatch")  # Above it is how it was handled.
    read = [name for name in names[last:] if not name.startswith("_")]
    assert read == ["get", "list", function.__name__]


@pytest.mark.parametrize("hook", ["get_object", "get_queryset", "check_permissions"])
def test_a_stop_iteration_is_what_drf_makes_of_it(hook):
    class View(ProductView):
        def get_exception_handler(self):
            return lambda error, context: Response([type(error).__name__, str(error.__cause__)])

    def fail(self, *args):
        return next(iter([]))

    view = subclass(View, **{hook: fail})
    assert json_of_both(view, "GET", "/1/") == ["StopIteration", "None"]


def test_a_stop_iteration_of_a_permission_is_what_drf_makes_of_it():
    class Fails(permissions.BasePermission):
        def has_permission(self, request, view):
            return next(iter([]))

    def get_exception_handler(self):
        return lambda error, context: Response(type(error).__name__)

    for base in (generics.ListAPIView, AsyncListAPIView):
        view = type("View", (base,), {**CONFIGURED, "permission_classes": [Fails]})
        view.get_exception_handler = get_exception_handler
        assert json_of_both(view) == "StopIteration"


def test_a_stop_iteration_below_a_sync_override_and_after_an_async_hook_is_caught():
    class View(AsyncRetrieveAPIView):
        serializer_class = ProductSerializer

        async def get_queryset(self):
            await asyncio.sleep(0)
            return Product.objects.all()

        def filter_queryset(self, queryset):
            return next(iter([]))

        def retrieve(self, request, *args, **kwargs):
            try:
                return super().retrieve(request, *args, **kwargs)
            except StopIteration:
                return Response("none")

    assert json_of_both(View, "GET", "/1/") == "none"


def test_a_runtime_error_of_sync_code_is_raised_as_it_is(tea):
    class View(ProductView):
        def get_object(self):
            raise RuntimeError("broken") from KeyError("why")

    for asked in (ask, ask_wsgi):
        with pytest.raises(RuntimeError, match="broken") as caught:
            asked(View, "GET", "/1/")
        assert isinstance(caught.value.__cause__, KeyError)


def test_the_exception_is_current_in_the_handler_of_exceptions():
    seen = []

    class View(ProductView):
        def get_queryset(self):
            raise exceptions.ParseError("Bad.")

        def handle_exception(self, exc):
            seen.append(sys.exc_info()[1])
            return super().handle_exception(exc)

    assert ask(View).status == 400
    assert isinstance(seen[0], exceptions.ParseError)


def test_flows_can_be_awaited_in_tasks_and_with_timeouts(tea):
    class View(ProductView):
        async def get(self, request, pk):
            first = await asyncio.wait_for(self.aget_object(), 5)
            second, third = await asyncio.gather(self.aget_object(), self.retrieve(request))
            return Response([first.name, second.name, third.data["name"], where()])

    assert ask(View, "GET", "/%s/" % tea.pk).json == ["Green tea"] * 3 + ["event loop"]


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


# A request that is cancelled


def test_a_sync_call_under_way_finishes_before_the_request_is_cancelled():
    log = []

    class View(ProductView):
        def get_queryset(self):
            log.append("begun")
            time.sleep(0.1)
            log.append("finished")
            return Product.objects.none()

        async def afilter_queryset(self, queryset):
            log.append("never")

        async def get(self, request):
            try:
                return await self.list(request)
            finally:
                log.append("cleaned up on the " + where())

    outcome = cancelled_at(View, lambda: log)
    assert isinstance(outcome, asyncio.CancelledError)
    assert log == ["begun", "finished", "cleaned up on the event loop"]


@pytest.mark.parametrize("how", ["the thread is busy", "the thread is about to begin"])
def test_a_sync_call_that_has_not_begun_never_will(how):
    log, waiting = [], threading.Event()
    run_in_thread = SyncToAsync.thread_handler

    def begin_late(self, *args, **kwargs):
        log.append("asked")
        waiting.wait(5)
        return run_in_thread(self, *args, **kwargs)

    class View(ProductView):
        async def get(self, request):
            if how == "the thread is about to begin":
                with mock.patch.object(SyncToAsync, "thread_handler", begin_late):
                    return await self.list(request)
            # It has something else of the request's to do.
            asyncio.ensure_future(sync_to_async(waiting.wait)(5))
            await asyncio.sleep(0)
            log.append("asked")
            return await self.list(request)

        def get_queryset(self):
            log.append("never")

    threading.Timer(0.1, waiting.set).start()
    outcome = cancelled_at(View, lambda: log)
    assert isinstance(outcome, asyncio.CancelledError)
    time.sleep(0.1)
    assert log == ["asked"]


# --- Both spellings -------------------------------------------------------------------------------

# Who calls which


RAISING = [hook for hook in PAIRS if hook.startswith(("initial", "check_", "perform_"))]


@pytest.mark.parametrize("hook", RAISING)
def test_the_sync_spelling_of_what_only_raises_is_an_error_on_the_event_loop(hook):
    async def forget_to_await():
        getattr(ProductView(), hook)(1)

    written = r"await self\.a%s\(.*await super\(\)\.a%s\(" % (hook, hook)
    with pytest.raises(SynchronousOnlyOperation, match=written):
        asyncio.run(forget_to_await())


@pytest.mark.parametrize("use", [bool, str, list, lambda answer: not answer])
@pytest.mark.parametrize("hook", ["get_object", "filter_queryset", "list", "get_queryset"])
def test_an_answer_that_nobody_has_awaited_is_no_answer(hook, use):
    async def get_queryset(self):
        return Product.objects.all()

    async def forget_to_await():
        use(getattr(subclass(ProductView, get_queryset=get_queryset)(), hook)(*[1] * (hook < "g")))

    with pytest.raises(SynchronousOnlyOperation, match="%s.. was called .* not awaited" % hook):
        asyncio.run(forget_to_await())


@pytest.mark.parametrize("waits", ["the first", "the second"])
def test_an_async_hook_that_sync_code_waits_for_is_cancelled(waits):
    log = []

    class View(Listed):
        async def afilter_queryset(self, queryset):
            log.append("the first")
            count = sync_to_async(Product.objects.count)
            await (count() if waits == "the second" else asyncio.sleep(10))
            return queryset

        async def apaginate_queryset(self, queryset):
            log.append("the second")
            await asyncio.sleep(10)

        def list(self, request):
            try:
                return super().list(request)
            finally:
                log.append("cleaned up on the " + where())

    start = time.monotonic()
    assert isinstance(cancelled_at(View, lambda: waits in log), asyncio.CancelledError)
    assert log[-2:] == [waits, "cleaned up on the worker thread"]
    assert time.monotonic() < start + 5


def test_an_action_may_be_a_task_and_be_cancelled():
    class View(ProductView):
        async def list(self, request, *args, **kwargs):
            try:
                await asyncio.sleep(request.query_params.get("wait") and 60 or 0)
            except asyncio.CancelledError:
                return Response("cancelled")
            return Response("in time")

        async def get(self, request):
            task = asyncio.get_running_loop().create_task(self.list(request))
            await asyncio.sleep(0.01)
            task.cancel()
            return await task

    assert (json_of_both(View), json_of_both(View, "GET", "/?wait=1")) == ("in time", "cancelled")


def test_async_code_may_await_the_sync_spelling_of_what_it_looks_at(tea):
    class View(ProductView):
        async def get_object(self):
            return await super().get_object()

        async def filter_queryset(self, queryset):
            return (await super().filter_queryset(queryset)).filter(name="Green tea")

        async def get(self, request, *args, **kwargs):
            return Response((await self.get_object()).name)

    assert json_of_both(View, "GET", "/%s/" % tea.pk) == "Green tea"


def test_a_sync_override_that_falls_through_to_super_on_the_event_loop_is_an_error_too():
    class View(ProductView):
        def check_permissions(self, request):
            super().check_permissions(request)

        async def get(self, request):
            self.check_permissions(request)

    with pytest.raises(SynchronousOnlyOperation, match="await self.acheck_permissions"):
        ask(View)


@pytest.mark.parametrize("name", ACTIONS + HANDLERS + ["a" + hook for hook in PAIRS])
def test_on_the_class_actions_handlers_and_async_spellings_are_coroutine_functions(name):
    function = getattr(AsyncRetrieveUpdateDestroyAPIView, name, None)
    function = function or getattr(AsyncListCreateAPIView, name)
    assert inspect.iscoroutinefunction(function) and asyncio.iscoroutinefunction(function)
    # As `method_decorator` asks: decorators of handlers are to take their sync branch.
    on_object = getattr(ProductView(), name)
    assert asyncio.iscoroutinefunction(on_object) is name.startswith("a")


def test_the_code_of_a_handler_is_that_of_the_project():
    async def get(self, request):
        return Response(1)

    class View(AsyncAPIView):
        pass

    View.get = get
    View.as_view()
    assert View.get is not get and View.get.__code__ is get.__code__


def test_sync_spellings_are_no_coroutine_functions():
    assert not any(inspect.iscoroutinefunction(getattr(ProductView(), hook)) for hook in PAIRS)


def test_hooks_look_like_the_functions_they_stand_for():
    assert ProductView().list.__name__ == "list"
    assert ProductView.list.__module__ == "restflow_generics"
    assert list(inspect.signature(ProductView().list).parameters) == ["request", "args", "kwargs"]
    assert "filter backends" in ProductView.afilter_queryset.__doc__
    assert "filter backends" in ProductView.filter_queryset.__doc__
    assert not hasattr(ProductView.list, "no_such_attribute")


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


def test_an_async_test_awaits_hooks_and_actions(tea):
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


@pytest.mark.parametrize("name", ["list", "aget_object", "ainitial"])
def test_python_says_which_hook_was_never_awaited(name):
    view = type("View", (ProductView,), {})()

    async def forget():
        getattr(view, name)(None)
        gc.collect()

    with pytest.warns(RuntimeWarning, match=r"coroutine '\w+.%s' was never awaited" % name):
        asyncio.run(forget())


def test_a_mixin_stays_what_it_was_for_views_that_are_not_of_this_module():
    class Mixin:
        def filter_queryset(self, queryset):
            return super().filter_queryset(queryset).filter(name="Teapot")

        async def aperform_create(self, serializer):
            raise AssertionError("not for DRF's views")

        async def perform_update(self, serializer):
            raise Refused

    class View(Mixin, ProductView):
        pass

    class SyncView(Mixin, SyncProductView):
        pass

    assert len(ask(View).json) == len(ask(SyncView).json) == 1
    assert ask(SyncView, "POST", data={"name": "Cup"}).status == 201
    with pytest.raises(AssertionError, match="not for DRF"):
        ask(View, "POST", data={"name": "Cup"})
    # As it stands in the mixin: others may ask whether it is a coroutine function.
    assert inspect.iscoroutinefunction(SyncView().perform_update)
    assert inspect.iscoroutine(update := SyncView().perform_update(None))
    update.close()


def test_a_mixin_gives_other_views_no_answers_of_this_module():
    class Mixin:
        async def aget_object(self):
            raise AssertionError("not for DRF's views")

    class View(Mixin, AsyncRetrieveAPIView):
        pass

    class SyncView(Mixin, generics.RetrieveAPIView):
        queryset = Product.objects.all()

    with mock.patch.object(models.QuerySet, "get", side_effect=OverflowError):
        with pytest.raises(OverflowError):  # which this module makes a 404
            ask(SyncView, url="/1/")


# What Python does with functions and classes


def test_views_and_handlers_are_copied_and_referred_to_as_functions_are():
    view = type("View", (Listed,), {"list": lambda self, request: super(view, self).list(request)})
    for function in (view.as_view(), view.list, view.aget_object, AsyncListAPIView.get):
        assert copy.copy(function) is copy.deepcopy(function) is function
        assert weakref.ref(function)() is function


@pytest.mark.parametrize("name", ["get", "list", "aget_object", "get_object", "dispatch"])
def test_a_handler_is_pickled_by_its_name(name):
    function = getattr(AsyncListAPIView, name)
    assert pickle.loads(pickle.dumps(function)) is function


@pytest.mark.parametrize(
    "abstract, concrete",
    [("perform_create", "aperform_create"), ("aperform_create", "perform_create")],
)
def test_an_abstract_hook_is_implemented_in_either_spelling(abstract, concrete):
    async def async_save(self, serializer):
        await serializer.asave(description="saved")

    def save(self, serializer):
        serializer.save(description="saved")

    stub, saves = (save, async_save) if concrete[0] == "a" else (async_save, save)
    base = abc.ABCMeta("Base", (AsyncCreateAPIView,), {abstract: abc.abstractmethod(stub)})
    with pytest.raises(TypeError, match="abstract"):
        base()
    view = abc.ABCMeta("View", (base,), {"serializer_class": ProductSerializer, concrete: saves})
    assert ask(view, "POST", data={"name": "Cup"}).json["description"] == "saved"


def test_an_as_view_of_a_mixin_runs_once():
    calls = []

    class Registers(View):
        @classmethod
        def as_view(cls, **initkwargs):
            calls.append(cls)
            return super().as_view(**initkwargs)

    view = type("View", (AsyncListAPIView, Registers), {})
    view.as_view()
    assert calls == [view]


def test_no_permission_is_skipped_that_two_copies_of_the_file_have_completed(second_copy):
    permission = refusing(permissions.BasePermission, "ahas_permission")
    for module in (restflow_generics, second_copy):
        view = type("View", (module.AsyncListAPIView,), CONFIGURED)
        assert status_of_both(subclass(view, permission_classes=[permission])) == 403


# What stands in thousands of code bases


class RefusesBad(ProductView):
    """Fails after the row was written, if that is called "Bad"."""

    async def aperform_create(self, serializer):
        await serializer.asave()
        if serializer.instance.name == "Bad":
            raise Refused

    def handle_exception(self, exc):
        raise exc


class AtomicCreate(RefusesBad):
    @transaction.atomic
    def create(self, request, *args, **kwargs):
        return super().create(request, *args, **kwargs)


class AtomicPerformCreate(RefusesBad):
    @transaction.atomic
    def perform_create(self, serializer):
        super().perform_create(serializer)


AtomicByDecorator = method_decorator(transaction.atomic, name="create")(subclass(RefusesBad))
AtomicDispatch = method_decorator(transaction.atomic, name="dispatch")(subclass(RefusesBad))


@pytest.mark.parametrize(
    "view", [AtomicCreate, AtomicPerformCreate, AtomicByDecorator, AtomicDispatch]
)
def test_atomic_around_a_sync_override_commits_and_rolls_back(view):
    assert ask(view, "POST", data={"name": "Good"}).status == 201
    with pytest.raises(Refused):
        ask(view, "POST", data={"name": "Bad"})
    assert names_created() == ["Good"]


@each_side
def test_a_list_may_change_the_response_of_super(is_async):
    class SyncView(ProductView):
        def list(self, request, *args, **kwargs):
            response = super().list(request, *args, **kwargs)
            response.data = {"products": response.data}
            return response

    class AsyncView(ProductView):
        async def list(self, request, *args, **kwargs):
            response = await super().list(request, *args, **kwargs)
            response.data = {"products": response.data}
            return response

    assert len(ask(AsyncView if is_async else SyncView).json["products"]) == 3


@each_side
def test_a_coroutine_that_a_handler_returns_is_awaited_and_never_taken_for_the_response(is_async):
    async def answer():
        return Response(where())

    def get(self, request):
        return answer()

    async def async_get(self, request):
        return answer()

    view = subclass(AsyncAPIView, get=async_get if is_async else get)
    assert ask(view).json == "event loop"


def test_a_sync_get_returns_what_self_list_returns():
    class View(AsyncListModelMixin, AsyncGenericAPIView):
        queryset = Product.objects.all()
        serializer_class = ProductSerializer
        permission_classes = [Allowed]

        def get(self, request):
            response = self.list(request)
            response["X-Count"] = len(response.data)
            return response

    assert ask(View).headers["X-Count"] == "3"


@each_side
def test_an_update_may_always_be_partial(is_async, tea):
    class SyncView(ProductView):
        def update(self, request, *args, **kwargs):
            return super().update(request, *args, **{**kwargs, "partial": True})

    class AsyncView(ProductView):
        async def update(self, request, *args, **kwargs):
            return await super().update(request, *args, **{**kwargs, "partial": True})

    view = AsyncView if is_async else SyncView
    assert ask(view, "PUT", "/1/", data={"price": "9"}).json["price"] == "9.00"


def test_a_create_of_ones_own_ends_in_an_async_perform_create():
    class View(ProductView):
        def create(self, request, *args, **kwargs):
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            self.perform_create(serializer)
            return Response(serializer.data, status=201)

        async def aperform_create(self, serializer):
            await asyncio.sleep(0)
            await call_hook(serializer, "save", description="by ann")

    assert ask(View, "POST", data={"name": "Cup"}).json["description"] == "by ann"


@each_side
def test_a_dispatch_of_ones_own(is_async):
    class SyncView(ProductView):
        def dispatch(self, request, *args, **kwargs):
            products = Product.objects.count()
            response = super().dispatch(request, *args, **kwargs)
            response["X-Products"] = products
            return response

    class AsyncView(ProductView):
        async def dispatch(self, request, *args, **kwargs):
            response = await super().dispatch(request, *args, **kwargs)
            response["X-Products"] = len(response.data)
            return response

    answer = ask(AsyncView if is_async else SyncView)
    assert (answer.status, answer.headers["X-Products"]) == (200, "3")


@pytest.mark.parametrize("name", ["list", "dispatch", "get"])
def test_cache_page_caches(name):
    view = method_decorator(cache_page(60), name=name)(type("View", (AsyncListAPIView,), {}))
    view.queryset, view.serializer_class = Product.objects.all(), ProductSerializer
    first = ask(view)
    Product.objects.all().delete()
    assert (ask(view).body, len(first.json)) == (first.body, 3)


@each_style
@pytest.mark.parametrize(
    "hook", ["initial", "check_permissions", "handle_exception", "finalize_response"]
)
def test_overrides_call_super_above_an_async_component(hook, style):
    calls = []
    view = overriding(subclass(ProductView, permission_classes=[Allowed]), hook, style, calls)
    assert ask(view, headers={"Refuse": "yes"}).status == 403
    assert ask(view, "PATCH", "/99/", data={}).status == 404
    assert set(calls) == {"GET", "PATCH"}


def test_a_decorator_that_copies_attributes_is_not_taken_for_what_it_wraps():
    def alogged(method):
        @functools.wraps(method)
        async def around(self, *args, **kwargs):
            assert where() == "event loop"
            return await method(self, *args, **kwargs)

        return around

    class View(AsyncRetrieveAPIView):
        queryset = Product.objects.all()
        serializer_class = ProductSerializer
        check_permissions = counted(AsyncAPIView.check_permissions)
        get = counted(AsyncRetrieveAPIView.get)
        retrieve = alogged(AsyncRetrieveAPIView.retrieve)
        get_serializer_class = counted(AsyncGenericAPIView.get_serializer_class)
        aget_object = alogged(AsyncGenericAPIView.aget_object)

    assert ask(View, "GET", "/1/").json["name"] == "Green tea"


@pytest.mark.parametrize("name", ["get", "list", "dispatch"])
@pytest.mark.parametrize("how", ["method_decorator", "by hand"])
def test_what_decorates_an_own_handler_calls_it_once(how, name):
    class View(Listed):
        pass

    def own_handler(self, request, *args, **kwargs):
        calls.append(name)
        return getattr(super(View, self), name)(request, *args, **kwargs)

    calls = []
    setattr(View, name, own_handler)
    View.as_view()
    if how == "method_decorator":
        method_decorator(never_cache, name=name)(View)
    else:
        handler = getattr(View, name)
        setattr(View, name, logged(handler))
    assert status_of_both(View) == 200
    assert calls == [name] * 2


# What is refused


@pytest.mark.parametrize(
    "decorate",
    [
        transaction.atomic,
        transaction.atomic(durable=False),
        contextlib.contextmanager(lambda: (yield))(),
        method_decorator(transaction.atomic),
        method_decorator([never_cache, transaction.atomic]),
    ],
)
@pytest.mark.parametrize(
    "name", ["aperform_create", "perform_create", "post", "get_queryset", "own"]
)
def test_a_context_manager_around_an_async_def_is_refused(name, decorate):
    async def hook(self, *args):
        pass

    def sync_hook(self, *args):
        pass

    hook.__name__ = sync_hook.__name__ = name
    with pytest.raises(TypeError, match=r"View.%s is a coroutine .* Write: def %s" % (name, name)):
        type("View", (AsyncCreateAPIView,), {name: decorate(hook)})
    type("View", (AsyncCreateAPIView,), {name: decorate(sync_hook)})


# Bases that extend DRF's views


class OnlyTeapots(generics.GenericAPIView):
    def filter_queryset(self, queryset):
        return super().filter_queryset(queryset).filter(name="Teapot")


class Closed(APIView):
    def check_permissions(self, request):
        super().check_permissions(request)
        raise exceptions.PermissionDenied("Closed.")


class Titled(mixins.ListModelMixin):
    async def list(self, request, *args, **kwargs):
        response = await sync_to_async(super().list)(request, *args, **kwargs)
        return Response({"title": "All", "rows": response.data})


class Guarded(APIView):
    @classmethod
    def as_view(cls, **initkwargs):
        return login_required(super().as_view(**initkwargs))


class ClosedAsync(APIView):
    async def acheck_permissions(self, request):
        raise exceptions.PermissionDenied("Closed.")


class ClosedByADecorator(APIView):
    @sensitive_variables()  # It is one of `django.views`.
    def check_permissions(self, request):
        raise exceptions.PermissionDenied("Closed.")


@pytest.mark.parametrize("base", [ClosedAsync, ClosedByADecorator])
def test_a_check_of_a_base_that_extends_drfs_view_is_not_passed_over(base):
    assert status_of_both(type("View", (AsyncListAPIView, base), CONFIGURED)) == 403
    with mock.patch.object(APIView, "check_permissions", ClosedByADecorator.check_permissions):
        assert status_of_both(subclass(Listed)) == 403


class LogsDispatch(mixins.ListModelMixin, generics.GenericAPIView):
    def dispatch(self, request, *args, **kwargs):
        response = super().dispatch(request, *args, **kwargs)
        response["X-Base"] = "dispatch"
        return response

    def list(self, request, *args, **kwargs):
        return Response(len(super().list(request, *args, **kwargs).data))


class RefusesAfterwards(viewsets.ModelViewSet):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer

    @transaction.atomic
    def create(self, request):
        super().create(request)
        raise exceptions.PermissionDenied


def test_what_a_base_that_extends_drfs_view_rolls_back_is_rolled_back():
    view = type("View", (AsyncModelViewSet, RefusesAfterwards), {})
    for asked in (ask, ask_wsgi):
        asked(view, "POST", data={"name": "Cup"})
        assert Product.objects.count() == 3


@pytest.mark.parametrize("own", [False, True], ids=["", "overridden once more"])
@pytest.mark.parametrize("base", [OnlyTeapots, Closed, Guarded, LogsDispatch])
def test_a_base_that_extends_drfs_view_comes_before_drfs_methods(base, own):
    """The order is DRF's: `class V(ListAPIView, Base)`."""

    def check_permissions(self, request):
        super(view, self).check_permissions(request)

    def asked(list_view, ask_):
        nonlocal view
        attributes = {"check_permissions": check_permissions} if own else {}
        view = type("View", (list_view, base), {**CONFIGURED, **attributes})
        return ask_(view)

    view = None
    theirs, ours = (asked(v, ask) for v in (generics.ListAPIView, AsyncListAPIView))
    assert shown(ours) == shown(theirs)
    theirs, ours = (asked(v, ask_wsgi) for v in (generics.ListAPIView, AsyncListAPIView))
    assert ours == theirs


def test_an_async_method_of_a_base_that_extends_drfs_view_comes_first_too():
    view = type("View", (AsyncListAPIView, Titled), CONFIGURED)
    answer = json_of_both(view)
    assert (answer["title"], len(answer["rows"])) == ("All", 3)


def test_a_base_that_comes_later_in_drfs_order_comes_later():
    class Other(AsyncRetrieveAPIView):
        def get(self, request):
            raise AssertionError("DRF's order is another one.")

    assert len(json_of_both(type("View", (AsyncListAPIView, Other), CONFIGURED))) == 3


@pytest.mark.parametrize(
    "bases",
    [
        (AsyncListModelMixin, generics.ListAPIView),
        (generics.ListAPIView, AsyncListModelMixin),
        (viewsets.ModelViewSet, AsyncGenericAPIView),
        (viewsets.ViewSetMixin, AsyncListAPIView),
        (AsyncViewSetMixin, AsyncListModelMixin, viewsets.GenericViewSet),
    ],
)
def test_what_is_half_one_of_drfs_views_is_served_as_they_are(bases):
    async def get_queryset(self):
        await asyncio.sleep(0)
        return Product.objects.all()

    view = type("Mixed", bases, {**CONFIGURED, "get_queryset": get_queryset})
    assert len(json_of_both(view)) == 3


def test_a_copy_says_what_it_is():
    first_lines = (ROOT / "restflow_generics.py").read_text(encoding="utf-8")[:200]
    assert "SPDX-License-Identifier: MIT" in first_lines
    assert "restflow-generics %s." % restflow_generics.__version__ in first_lines


@pytest.mark.parametrize(
    "package, attributes, name",
    [
        (django, {"VERSION": (3, 1)}, "Django 3.2"),
        (asgiref, {"__version__": "3.7.2"}, "asgiref 3.8.1"),
    ],
)
def test_a_package_that_is_too_old_is_named(package, attributes, name):
    module = ROOT / "restflow_generics.py"
    code = compile(module.read_text(encoding="utf-8"), str(module), "exec")
    message = "needs %s or newer" % name
    with mock.patch.multiple(package, **attributes):
        with pytest.raises(ImportError, match=message):
            exec(code, {"__name__": "restflow_generics"})


# --- DRF's composites and methods -----------------------------------------------------------------

EXPRESSIONS = [
    "A & B",
    "A | B",
    "~A",
    "~A | B",
    "A & ~B",
    "~(A & B)",
    "~(A | ~B) & B",
    "A | B & ~A",
]


def operand(name, style):
    def verdict(word):
        # The client says what each operand answers: "A=request" or "A=request,object".
        return lambda request, view, *obj: word in request.query_params.get(name, "").split(",")

    base = component(permissions.BasePermission, "has_permission", style, verdict("request"))
    return component(base, "has_object_permission", style, verdict("object"))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_operators_give_drfs_verdict_with_async_operands(expression):
    answers = ["", "request", "object", "request,object"]
    urls = ["/1/?A=%s&B=%s" % (a, b) for a in answers for b in answers]

    def statuses(base, *styles):
        operands = {name: operand(name, style) for name, style in zip("AB", styles)}
        view = type("View", (base,), {"permission_classes": [eval(expression, operands)]})
        return [ask(view, "GET", url).status for url in urls]

    expected = statuses(SyncProductView, "def X", "def X")
    assert set(expected) == {200, 403}
    for styles_ in [
        ("async def X", "def X"),
        ("def X", "async def aX"),
        ("async def aX", "async def X"),
    ]:
        assert statuses(ProductView, *styles_) == expected


def test_an_async_permission_is_asked_by_options_and_the_browsable_api_too(tea):
    class MayChange(permissions.BasePermission):
        async def has_permission(self, request, view):
            return request.method in permissions.SAFE_METHODS or request.user.username == "ann"

    class View(ProductView):
        permission_classes = [permissions.AllowAny & MayChange]

    url = "/%s/" % tea.pk
    assert set(ask(View, "OPTIONS", url, user="ann").json["actions"]) == {"PUT", "POST"}
    assert "actions" not in ask(View, "OPTIONS", url, user="bob").json
    for user, forms in [("ann", 2), ("bob", 0)]:
        page = ask(View, "GET", url, user=user, headers={"Accept": "text/html"}).body.decode()
        assert page.count('class="form-horizontal"') == forms * 2, user


def test_a_request_that_has_a_say_in_its_user_is_asked():
    class Strict(Request):
        @property
        def user(self):
            if self.query_params.get("inactive"):
                raise exceptions.AuthenticationFailed("Inactive.")
            return super().user

        user = user.setter(lambda self, value: Request.user.fset(self, value))

    class Stricter:
        def initialize_request(self, request, *args, **kwargs):
            request = super().initialize_request(request, *args, **kwargs)
            request.__class__ = Strict
            return request

    view = type("View", (Stricter, Listed), {})
    assert [ask(view, "GET", url).status for url in ("/", "/?inactive=1")] == [200, 403]
    with mock.patch.object(
        Request, "user", property(mock.Mock(side_effect=exceptions.NotAuthenticated))
    ):
        assert ask(Listed).status == 403


# --- Patches and mocks ----------------------------------------------------------------------------

# On a view


def test_a_class_patched_later_is_looked_up_again():
    assert len(ask(ProductView).json) == 3
    teapots = Product.objects.filter(name="Teapot")
    with mock.patch.object(ProductView, "get_queryset", return_value=teapots):
        assert len(ask(ProductView).json) == 1
    with mock.patch.object(permissions.AllowAny, "has_permission", return_value=False):
        assert ask(ProductView).status == 403
    view = ProductView.as_view()
    with mock.patch.object(ProductView, "dispatch", return_value=HttpResponse("patched")):
        assert ask(view).body == b"patched"
    assert len(ask(view).json) == 3


class AsksInAsyncCode(ProductView):
    async def get(self, request, *args, **kwargs):
        await self.acheck_object_permissions(request, None)
        return await self.list(request)


@pytest.mark.parametrize("hook", ["check_object_permissions", "acheck_object_permissions", "list"])
def test_what_is_put_on_a_class_later_is_not_skipped(hook):
    decorated = method_decorator(deny, name=hook)(subclass(AsksInAsyncCode))
    assert ask(decorated).status == 403
    assigned = subclass(AsksInAsyncCode)
    setattr(assigned, hook, deny(getattr(assigned, hook)))
    assert ask(assigned).status == 403
    view = AsksInAsyncCode.as_view()
    with mock.patch.object(AsksInAsyncCode, hook, deny(getattr(AsksInAsyncCode, hook))):
        if hook == "check_object_permissions":  # The handler calls the others by their names.
            assert ask(view).status == 403
    assert ask(view).status == 200


def test_an_attribute_assigned_and_deleted_later_is_seen():
    view = type("View", (Listed,), {"spare": 1})
    assert len(ask(view).json) == 3

    async def one(self):
        return Product.objects.filter(pk=1)

    del view.spare
    view.get_queryset = one
    assert len(ask(view).json) == 1
    del view.get_queryset
    assert len(ask(view).json) == 3


@each_style
@pytest.mark.parametrize("patched", ["get_object", "aget_object"])
@pytest.mark.parametrize("level", ["view", "subclass"])
def test_a_patch_of_either_spelling_is_seen_and_gone_again(level, patched, style, tea):
    get = Product.objects.get if style == "def X" else sync_to_async(Product.objects.get)
    hooks = written("get_object", style, lambda self: get(name="Teapot"))
    view = type("View", (AsyncRetrieveAPIView,), {**CONFIGURED, **hooks})
    target = view if level == "view" else subclass(view)
    other = mock.AsyncMock if patched == "aget_object" else mock.Mock
    for _ in range(2):
        assert ask(target, "GET", "/1/").json["name"] == "Teapot"
        with mock.patch.object(target, patched, other(return_value=tea)):
            assert ask(target, "GET", "/1/").json["name"] == "Green tea"


# On one of DRF's classes


@pytest.mark.parametrize("is_asked_before", [False, True])
@pytest.mark.parametrize("owner, name", PATCHED)
def test_a_patched_method_of_drfs_runs_on_its_own_side(owner, name, is_asked_before, monkeypatch):
    seen, plain = [], getattr(owner, name)

    def patched(self, *args, **kwargs):
        seen.append((where(), Product.objects.count()))
        return plain(self, *args, **kwargs)

    view = type("View", (Listed,), {"pagination_class": Pages})
    url = "/?page=9" if name == "handle_exception" else "/"
    if is_asked_before:
        ask(view, "GET", url)
    monkeypatch.setattr(owner, name, patched)
    assert ask(view, "GET", url).status == (404 if name == "handle_exception" else 200)
    assert seen == [("worker thread", 3)]


def test_a_patched_method_of_drfs_runs_below_an_override_too():
    class View(Listed):
        def check_permissions(self, request):
            super().check_permissions(request)

        async def alist(self, request):
            return await super().list(request)

    denied = mock.Mock(side_effect=exceptions.PermissionDenied)
    with mock.patch.object(APIView, "check_permissions", denied):
        assert ask(View).status == 403
    with mock.patch.object(mixins.ListModelMixin, "list", return_value=Response("patched")):
        assert ask(View).json == "patched"
    assert len(ask(View).json) == 3


def test_a_tracer_that_has_wrapped_our_method_and_drfs_sees_one_call():
    class Wrapper:
        def __init__(self, wrapped):
            self.__wrapped__ = wrapped

        def __get__(self, instance, cls):
            return self.__wrapped__ if instance is None else functools.partial(self, instance)

        def __call__(self, *args, **kwargs):
            seen.append("a call")
            return self.__wrapped__(*args, **kwargs)

    seen, View = [], type("View", (Listed,), {})
    with contextlib.ExitStack() as patches:
        for cls in (AsyncAPIView, APIView):
            wrapper = Wrapper(vars(cls)["dispatch"])
            patches.enter_context(mock.patch.object(cls, "dispatch", wrapper))
        assert status_of_both(View.as_view()) == 200
    assert seen == ["a call"] * 2


# --- The base view --------------------------------------------------------------------------------


def test_sync_and_async_handlers_stand_in_one_view():
    class View(AsyncAPIView):
        def get(self, request):
            return Response([where(), Product.objects.count()])

        async def post(self, request):
            await asyncio.sleep(0)
            return Response([where()])

        def put(self, request):
            return HttpResponse(b"plain")

    assert ask(View).json == ["worker thread", 3]
    assert ask(View, "POST").json == ["event loop"]
    assert ask(View, "PUT").body == b"plain"
    assert ask(View, "HEAD").headers["Content-Length"] == ask(View).headers["Content-Length"]
    assert ask(View, "DELETE").status == 405
    assert ask(View, "OPTIONS").json["name"] == "View"


def test_a_user_that_is_set_already_is_not_authenticated_again():
    class View(AsyncAPIView):
        def initialize_request(self, request, *args, **kwargs):
            request = super().initialize_request(request, *args, **kwargs)
            request.user = User(username="eve")
            return request

        def get(self, request):
            return Response(str(request.user))

    assert ask(View, user="ann").json == "eve"


def test_api_views_are_exempt_from_csrf_and_sessions_are_not():
    with override_settings(ROOT_URLCONF=mounted(ProductView)):
        client = APIClient(enforce_csrf_checks=True)
        client.login(username="ann", password="ann")
        assert client.post("/", {"name": "Cup"}).status_code == 403
        client.logout()
        assert client.post("/", {"name": "Cup"}).status_code == 201


def test_initialize_request_may_return_a_request_of_another_kind():
    class View(AsyncAPIView):
        class Other:
            def __init__(self, request):
                self.method, self.user = request.method, "eve"

        def initialize_request(self, request, *args, **kwargs):
            return self.Other(request)

        def initial(self, request, *args, **kwargs):
            pass

        def get(self, request):
            return HttpResponse(request.user)

    assert ask(View).body == b"eve"


@each_side
def test_an_exception_handler_of_the_settings(is_async):
    def handler(exc, context):
        if isinstance(exc, LookupError):
            return Response({"missing": str(exc), "view": type(context["view"]).__name__}, 410)

    async def async_handler(exc, context):
        assert where() == "event loop"
        return handler(exc, context)

    class View(AsyncAPIView):
        async def get_exception_handler(self):
            return async_handler if is_async else counted(handler)

        def get(self, request):
            raise {"": LookupError("tea"), "value": ValueError("tea")}[request.META["QUERY_STRING"]]

    answer = ask(View)
    assert (answer.status, answer.json["view"]) == (410, "View")
    with pytest.raises(ValueError, match="tea"):
        ask(View, "GET", "/?value")
    with mock.patch.object(settings, "DEBUG", True):
        assert b"ValueError at /" in ask(View, "GET", "/?value", raises=False).body


def test_metadata_negotiation_versions_parsers_and_renderers_of_ones_own():
    class Metadata:
        async def determine_metadata(self, request, view):
            return {"where": where()}

    class Shout(renderers.JSONRenderer):
        media_type, format = "text/shout", "shout"

        def render(self, *args, **kwargs):
            return super().render(*args, **kwargs).upper()

    class Words(parsers.BaseParser):
        media_type = "text/words"

        def parse(self, stream, media_type=None, parser_context=None):
            assert where() == "worker thread"
            return stream.read().decode().split()

    class View(AsyncAPIView):
        metadata_class = Metadata
        renderer_classes = [renderers.JSONRenderer, Shout]
        parser_classes = [Words, parsers.JSONParser]
        versioning_class = versioning.QueryParameterVersioning

        async def post(self, request):
            return Response([await call_hook(request, "data"), request.version])

    words = {"data": b"green tea", "headers": {"Content-Type": "text/words"}}
    assert ask(View, "OPTIONS").json == {"where": "event loop"}
    assert ask(View, "POST", "/?version=2", **words).json == [["green", "tea"], "2"]
    shouted = ask(View, "POST", "/?format=shout", **words)
    assert shouted.body == b'[["GREEN","TEA"],NULL]'
    assert ask(View, "POST", "/?format=no", **words).status == 404
    plain = type("View", (View,), {"metadata_class": None})
    assert ask(plain, "OPTIONS").status == 405


@pytest.mark.parametrize("name", ["get", "list"])
def test_a_decorator_in_the_view_judges_the_user_that_drf_found(name):
    view = type("View", (Listed,), {"authentication_classes": [BasicAuthentication]})
    view = method_decorator(login_required, name=name)(view)
    assert ask(view, user="ann").status == 200
    assert ask(view).status == 302


@pytest.mark.parametrize("classes", [[BasicAuthentication], []])
def test_auser_is_the_user_that_drf_found(classes):
    class View(AsyncAPIView):
        authentication_classes = classes

        async def perform_authentication(self, request):
            pass

        async def get(self, request):
            users = [await request.auser(), await request._request.auser()]
            assert users == [request.user] * 2
            return Response(str(users[0]))

    with override_settings(ROOT_URLCONF=mounted(View)):
        client = APIClient()
        client.login(username="bob", password="bob")
    bob = {"Cookie": "sessionid=" + client.cookies["sessionid"].value}
    assert ask(View, user="ann", headers=bob).json == ("ann" if classes else "AnonymousUser")
    assert ask(View, headers=bob).json == "AnonymousUser"


def test_errors_name_the_view_and_what_is_missing():
    class View(ProductView):
        def delete(self, request):
            return None

        def put(self, request):
            return {"not": "a response"}

    for name in ("queryset", "serializer_class"):
        expected = "'View' should either include a `%s` attribute" % name
        assert expected in error_of(subclass(View, **{name: None}))
    by_name = type("View", (AsyncRetrieveAPIView,), {"queryset": Product.objects.all()})
    expected = 'Expected view View to be called with a URL keyword argument named "pk"'
    assert expected in error_of(by_name)
    for method, got in [("DELETE", "NoneType"), ("PUT", "dict")]:
        assert got in error_of(View, method)


def test_the_browsable_api_is_that_of_drf(tea):
    def page(base, url, user):
        view = type("View", (FullStack, base), {})
        body = ask(view, "GET", url, user=user, headers={"Accept": "text/html"}).body.decode()
        return re.sub(r"\w{64}", "a token", body)

    for url in ("/", "/%s/" % tea.pk, "/99/"):
        for user in ("ann", None):
            assert page(ProductView, url, user) == page(SyncProductView, url, user)


# --- What `as_view` returns -----------------------------------------------------------------------


def test_a_view_is_a_coroutine_function_on_the_event_loop_and_a_function_elsewhere():
    async def is_coroutine_function_here(view):
        return asyncio.iscoroutinefunction(view)

    for view in (ProductView.as_view(), AsyncModelViewSet.as_view({"get": "list"})):
        assert asyncio.run(is_coroutine_function_here(view))
        assert not asyncio.iscoroutinefunction(view)


def test_as_view_returns_something_with_all_that_drf_puts_on_it():
    ours, theirs = (v.as_view(lookup_field="name") for v in (ProductView, SyncProductView))
    assert ours.csrf_exempt is True
    assert ours.cls is ProductView and ours.initkwargs == {"lookup_field": "name"}
    names = set(vars(theirs)) - {"__wrapped__", "view_class", "view_initkwargs"}
    assert names <= set(vars(ours))
    assert ours.__name__ == theirs.__name__.replace("SyncProductView", "ProductView")
    with pytest.raises(TypeError, match="invalid keyword"):
        ProductView.as_view(colour="green")


LAZY_URLS = """
from django.contrib.auth.decorators import login_required
from django.urls import path
from rest_framework.response import Response
from restflow_generics import AsyncAPIView

class Secret(AsyncAPIView):
    def get(self, request):
        return Response("secret")

urlpatterns = [path("", login_required(Secret.as_view()))]
"""


def test_decorators_judge_request_user_also_if_the_first_request_imports_the_urls(
    tmp_path, monkeypatch
):
    (tmp_path / "lazy_urls.py").write_text(LAZY_URLS)
    monkeypatch.syspath_prepend(str(tmp_path))
    middleware = [*settings.MIDDLEWARE, "tools.HasUser"]
    client = APIClient()
    client.login(username="ann", password="ann")
    cookie = "sessionid=" + client.cookies["sessionid"].value
    with override_settings(ROOT_URLCONF="lazy_urls", MIDDLEWARE=middleware):
        answers = [ask_shop("GET", "/", headers={"Cookie": cookie}).status for _ in range(2)]
        assert answers == [302, 302]  # HasUser says that it is nobody.
        assert ask_shop("GET", "/", headers={"X-User": "bob"}).json == "secret"


@pytest.mark.parametrize("view", [Listed, OverriddenList, StockView, Waits])
def test_under_wsgi_only_a_view_with_an_async_hook_has_an_event_loop(view):
    threads = {*threading.enumerate()}  # Those of other tests may end meanwhile.
    with noted_event_loops() as made:
        status, _ = ask_wsgi(view, headers={"HTTP_AUTHORIZATION": basic("ann")})
    has_one = int(view is Waits)
    assert (status, len(made), len({*threading.enumerate()} - threads)) == (200, has_one, has_one)


def test_under_wsgi_all_that_is_async_of_a_view_runs_on_one_event_loop():
    loops = []

    class Asks(permissions.BasePermission):
        async def has_permission(self, request, view):
            loops.append(asyncio.get_running_loop())
            return True

    class Filters(filters.BaseFilterBackend):
        async def afilter_queryset(self, request, queryset, view):
            loops.append(asyncio.get_running_loop())
            return queryset

    class View(Listed):
        permission_classes = [Asks & permissions.AllowAny]
        filter_backends = [Filters]

        async def get(self, request):
            loops.append(asyncio.get_running_loop())
            return await super().get(request)

    status, _ = ask_wsgi(View)
    assert (status, len(loops), len(set(loops))) == (200, 3, 1)


def test_what_is_lazy_on_a_class_is_not_woken():
    def wake():
        raise AssertionError("woken")

    lazy = {"service": SimpleLazyObject(wake), "list_url": lazystr("x")}
    listed = {
        "permission_classes": subclass(permissions.BasePermission, **lazy),
        "throttle_classes": subclass(AsyncStack.Throttle, **lazy),
    }
    listed = {name: [component] for name, component in listed.items()}
    assert status_of_both(subclass(Listed, **lazy, **listed)) == 200


@pytest.mark.parametrize("hook", ["setup", "__init__"])
def test_a_view_that_asks_the_database_when_it_is_made_stays_in_the_task_of_the_request(hook):
    class AsyncView(making(OverriddenList, hook)):
        async def get(self, request):
            tasks.append(asyncio.current_task())
            return await self.list(request)

    async def noting_view(request):
        tasks.append(asyncio.current_task())
        return await AsyncView.as_view()(request)

    tasks = []
    assert ask(noting_view).status == 200
    assert tasks[0] is tasks[1]
    assert ask_wsgi(AsyncView)[0] == 200


@pytest.mark.parametrize("attributes", [{}, {"setup": counted(Waits.setup)}])
def test_a_view_that_asks_another_view_when_it_is_made_gets_its_response(attributes):
    other = subclass(Waits, **attributes).as_view()

    class Asks(Listed):
        def setup(self, request, *args, **kwargs):
            super().setup(request, *args, **kwargs)
            self.other = other(request).data

        def get(self, request):
            return Response(self.other)

    assert ask(Asks).json == [1]
    assert ask_wsgi(Asks) == (200, b"[1]")


def test_django_opens_the_transaction_itself_under_both_servers(atomic_requests):
    assert ask(Opened).json is True
    assert ask_wsgi(Opened) == (200, b"true")


# Views called by hand


@pytest.mark.filterwarnings("ignore:async_to_sync was passed a non-async-marked callable")
@pytest.mark.parametrize("cls", [Listed, OverriddenList, Waits])
def test_a_view_called_by_hand_answers_at_once_and_can_be_awaited(cls):
    view, factory = cls.as_view(), APIRequestFactory()
    response = view(factory.get("/"))
    assert isinstance(response, Response) and len(response.data) > 0
    assert asyncio.iscoroutine(response)
    body = response.render().content
    assert pickle.loads(pickle.dumps(response)).content == body
    assert type(pickle.loads(pickle.dumps(response))) is Response
    assert type(copy.copy(response)) is Response

    async def awaited(response=None):
        return await (response or view(factory.get("/")))

    for response in [
        asyncio.run(view(factory.get("/"))),
        asyncio.run(awaited()),
        asyncio.run(awaited(view(factory.get("/")))),
        async_to_sync(view)(factory.get("/")),
    ]:
        assert isinstance(response, Response) and response.render().content == body


def test_a_view_called_by_hand_can_be_cancelled_before_it_is_awaited():
    response = Listed.as_view()(APIRequestFactory().get("/"))

    async def cancel():
        task = asyncio.ensure_future(response)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())


def test_a_view_called_in_some_thread_of_its_own_answers_too():
    answers = []
    view, request = Waits.as_view(), APIRequestFactory().get("/")
    thread = threading.Thread(target=lambda: answers.append(view(request).data))
    thread.start()
    thread.join()
    assert answers == [[1]]


def test_by_hand_a_view_may_answer_with_the_same_response_twice_or_with_none():
    response = HttpResponse("one")

    class View(AsyncAPIView):
        def dispatch(self, request):
            return response if request.GET else None

    view, factory = View.as_view(), APIRequestFactory()
    assert [view(factory.get("/?a=1")).content for _ in range(2)] == [b"one", b"one"]
    assert view(factory.get("/")) is None


# A response is rendered where the view is


def test_a_response_is_rendered_in_the_hop_that_is_there():
    with override_settings(MIDDLEWARE=[]):
        with counted_hops() as hops:
            ask(ProductView.as_view(), "POST", data={"name": "Cup"})
        with counted_hops() as drfs_hops:
            ask(SyncProductView.as_view(), "POST", data={"name": "Cup"})
    assert len(hops) == len(drfs_hops) - 1


@pytest.mark.parametrize("data, hops", [(["x", 1, None], 0), (["x" * 9999], 1), ([1] * 9999, 1)])
def test_only_a_small_response_of_async_code_is_rendered_on_the_event_loop(data, hops):
    def hops_to_answer(response):
        async def get(self, request):
            return response

        with override_settings(MIDDLEWARE=[]), counted_hops() as made:
            assert ask(subclass(AsyncAPIView, get=get).as_view()).status == 200
        return len(made)

    assert hops_to_answer(Response(data)) == hops_to_answer(HttpResponse()) + hops


# A transaction for each request


def test_on_commit_runs_once_after_the_commit(atomic_requests):
    log = []

    class View(ProductView):
        async def aperform_create(self, serializer):
            await sync_to_async(transaction.on_commit)(lambda: log.append(names_created()))
            await serializer.asave()
            log.append("saved")

    assert ask(View, "POST", data={"name": "Cup"}).status == 201
    assert log == ["saved", ["Cup"]]


def test_an_error_on_commit_is_the_error_the_client_sees(atomic_requests):
    class View(ProductView):
        def perform_create(self, serializer):
            transaction.on_commit(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        ask(View, "POST", data={"name": "Cup"})


async def async_dispatch(self, request, *args, **kwargs):
    return await super(Opened, self).dispatch(request, *args, **kwargs)


opts_out = transaction.non_atomic_requests


@pytest.mark.parametrize(
    "view, is_atomic",
    [
        (Opened, True),
        (type("View", (AsyncModelViewSet,), {"list": Opened.get}), True),
        (opts_out(Opened.as_view()), False),
        (opts_out(using="default")(Opened.as_view()), False),
        (opts_out(using="other")(Opened.as_view()), True),
        (method_decorator(opts_out, name="dispatch")(subclass(Opened)), False),
        (subclass(Opened, dispatch=opts_out(async_dispatch)), False),
    ],
)
def test_non_atomic_requests_opts_out_as_on_sync_views(view, is_atomic, atomic_requests):
    assert ask(view).json is is_atomic


def test_without_the_setting_there_is_no_transaction():
    assert ask(Opened).json is False


# --- The generic view -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["99", "no", "1.5", "9" * 40, "-" + "9" * 40, "%00", "a" * 1000, "é", "None"]
)
def test_a_lookup_value_that_no_object_has_is_404(value):
    assert ask(ProductView, "GET", "/%s/" % value).status == 404


@pytest.mark.parametrize("error", [OverflowError, DataError, TypeError, ValueError])
@pytest.mark.parametrize("base", [ProductView, AsyncRetrieveAPIView])
@pytest.mark.parametrize("method", ["get", "filter"])
def test_a_lookup_value_that_the_database_refuses_is_404(method, base, error):
    products = subclass(models.QuerySet, **{method: mock.Mock(side_effect=error)})
    view = type("View", (base,), {"queryset": products(Product)})
    assert ask(view, "GET", "/1/").status == 404


@pytest.mark.parametrize("what", ["a model", "a manager", "a list"])
def test_get_queryset_may_return_what_drf_takes(what):
    objects = {"a model": Product, "a manager": Product.objects, "a list": []}[what]

    def answer(base):
        view = type("View", (base,), {"get_queryset": lambda self: objects})
        return [ask(view, "GET", url).body for url in ("/1/", "/99/")]

    assert answer(ProductView) == answer(SyncProductView)


def test_the_helpers_take_an_awaitable_queryset(tea):
    class View(ProductView):
        filter_backends = [filters.SearchFilter]
        search_fields = ["name"]
        pagination_class = Pages

        async def get_queryset(self):
            return Product.objects.exclude(name="Teapot")

        async def get(self, request, pk=None):
            queryset = await self.afilter_queryset(self.get_queryset())
            first = await self.apaginate_queryset(queryset)
            second = await self.apaginate_queryset(self.get_queryset())
            return Response([len(first), len(second)])

    assert ask(View, "GET", "/?search=green").json == [1, 2]


# Async methods of serializers


class PostsMany(ProductView):
    def post(self, request):
        serializer = self.get_serializer(data=[request.data], many=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data, status=201)


ASYNC_METHODS = {
    "create": lambda self, data: Product.objects.create(**{**data, "name": "Own"}),
    "validate": lambda self, data: {**data, "name": "Own"},
    "validate_name": lambda self, name: "Own",
    "to_internal_value": lambda self, data: {"name": "Own"},
    "to_representation": lambda self, product: {"name": "Own"},
    "get_total": lambda self, product: "Own",
}


def with_async_method(name):
    """A serializer that writes "Own" somewhere, in an async method."""

    async def method(self, *args):
        assert where() == "event loop"
        await asyncio.sleep(0)
        return await sync_to_async(ASYNC_METHODS[name])(self, *args)

    class Serializer(ProductSerializer):
        total = serializers.SerializerMethodField()

        class Meta(ProductSerializer.Meta):
            fields = ["name", "total"]

        def get_total(self, product):
            return 1

    return type("WithAsyncMethod", (Serializer,), {name: method})


@pytest.mark.parametrize("base", [ProductView, PostsMany])
@pytest.mark.parametrize("is_inherited", [False, True])
@pytest.mark.parametrize("name", list(ASYNC_METHODS))
def test_async_methods_of_serializers_are_awaited(name, is_inherited, base):
    serializer_class = with_async_method(name)
    if is_inherited:
        serializer_class = type("Sub", (serializer_class,), {})
    view = subclass(base, serializer_class=serializer_class)
    assert ask(view, "POST", data={"name": "Cup"}).body.count(b'"Own"') == 1
    assert ask_wsgi(view, "POST", data={"name": "Cup"})[1].count(b'"Own"') == 1


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("name", ["validate", "validate_name", "to_internal_value"])
def test_async_methods_of_nested_serializers_validate(name, many):
    class Outer(serializers.Serializer):
        nested = with_async_method(name)(many=many)

    class View(ProductView):
        def post(self, request):
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            return Response(str(serializer.validated_data))

    View.serializer_class = Outer
    data = {"nested": [{"name": "Cup"}] if many else {"name": "Cup"}}
    assert json_of_both(View, "POST", data=data).count("Own") == 1


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("name", ["to_representation", "get_total"])
def test_async_methods_of_nested_serializers_represent(name, many, tea):
    class Outer(serializers.Serializer):
        nested = with_async_method(name)(many=many, source="get_nested")

    product = products_with(get_nested=lambda self: [self] if many else self)
    view = subclass(ProductView, queryset=product, serializer_class=Outer)
    assert json.dumps(json_of_both(view, "GET", "/%s/" % tea.pk)).count("Own") == 1


def test_a_serializer_method_field_may_name_an_async_method(tea):
    class Serializer(serializers.Serializer):
        shown = serializers.SerializerMethodField(method_name="show")

        async def show(self, product):
            return "Shown: " + product.name

        async def helper(self):
            return 1

    view = subclass(ProductView, serializer_class=Serializer)
    assert json_of_both(view, "GET", "/%s/" % tea.pk) == {"shown": "Shown: Green tea"}
    assert inspect.iscoroutine(helped := Serializer().helper()) and asyncio.run(helped) == 1


def test_async_methods_of_fields_are_awaited_in_drfs_own_views_too(tea):
    class Loud(serializers.CharField):
        async def to_representation(self, value):
            await asyncio.sleep(0)
            return value.upper()

        async def to_internal_value(self, data):
            return data.lower()

    class Serializer(ProductSerializer):
        name = Loud()

    for base in (ProductView, SyncProductView):
        view = subclass(base, serializer_class=Serializer)
        assert json_of_both(view, "GET", "/%s/" % tea.pk)["name"] == "GREEN TEA"
        assert ask(view, "POST", data={"name": "Cup"}).json["name"] == "CUP"
    assert names_created() == ["cup", "cup"]


def test_a_serializer_that_saves_itself_async_may_have_async_methods():
    class Serializer(ProductSerializer):
        async def asave(self):
            self.instance = await self.create(self.validated_data)

        async def create(self, validated_data):
            return await sync_to_async(super().create)(validated_data)

    view = type("View", (ProductView,), {"serializer_class": Serializer})
    assert ask(view, "POST", data={"name": "Cup"}).json["name"] == "Cup"
    assert names_created() == ["Cup"]


async def validate_async(value):
    raise exceptions.ValidationError("Never.")


class AsyncValidator:
    async def __call__(self, value):
        raise exceptions.ValidationError("Never.")


@pytest.mark.parametrize("is_child", [False, True])
@pytest.mark.parametrize(
    "arguments",
    [
        {"validators": [validate_async]},
        {"validators": [AsyncValidator()]},
        {"validators": [functools.partial(validate_async)]},
        {"default": validate_async},
        {"source": validate_async},
    ],
)
def test_async_arguments_of_a_field_are_refused(arguments, is_child):
    field = serializers.CharField(**arguments)
    if is_child and "source" not in arguments:  # DRF has no such child.
        field = serializers.ListField(child=field)
    with pytest.raises(TypeError, match="That of Refused.name is async"):
        type("Refused", (serializers.Serializer,), {"name": field})


def test_no_property_of_a_field_is_read_before_it_is_bound():
    class Lazy(serializers.Field):
        child = property(lambda self: self.context["child"])
        validators = property(lambda self: self.context["validators"], lambda self, value: None)

    class Serializer(serializers.Serializer):
        name = Lazy(validators=[])

    class Outer(serializers.Serializer):
        one, many = Serializer(), Serializer(many=True)

    assert set(Outer._declared_fields) == {"one", "many"}


# --- The mixins -----------------------------------------------------------------------------------


def test_creating_sends_a_location_where_the_serializer_has_a_url():
    answer = ask_shop("POST", "/categories/", data={"name": "Cups"}, user="ann")
    assert (answer.status, answer.headers["Location"]) == (201, answer.json["url"])
    assert "Location" not in ask(ProductView, "POST", data={"name": "C"}).headers


@each_style
def test_every_serializer_has_asave_in_the_perform_hooks(style, tea):
    def save(self, **kwargs):
        above = super(Serializer, self).save
        return (above if style == "def X" else sync_to_async(above))(**kwargs)

    async def perform(self, serializer):
        saved = await serializer.asave(description="saved")
        assert saved is serializer.instance

    Serializer = subclass(ProductSerializer, **written("save", style, save))
    view = subclass(ProductView, aperform_create=perform, aperform_update=perform)
    view.serializer_class = Serializer
    assert ask(view, "POST", data={"name": "Cup"}).json["description"] == "saved"
    assert ask(view, "PATCH", "/1/", data={"price": "2"}).json["description"] == "saved"


def test_prefetched_objects_are_read_again_after_an_update(tea):
    class View(AsyncRetrieveUpdateAPIView):
        queryset = Category.objects.prefetch_related("product_set")

        class serializer_class(serializers.ModelSerializer):
            products = serializers.SerializerMethodField()

            def get_products(self, category):
                return sorted(product.name for product in category.product_set.all())

            def update(self, category, validated_data):
                Product.objects.create(name="Cup", category=category)
                return super().update(category, validated_data)

            class Meta:
                model = Category
                fields = ["name", "products"]

    answer = ask(View, "PATCH", "/%s/" % tea.category_id, data={"name": "All"})
    assert answer.json["products"] == ["Black tea", "Cup", "Green tea", "Teapot"]


# --- The concrete views ---------------------------------------------------------------------------


def answers_of(base, requests):
    """What a view of this base answers, with nothing but a queryset and a serializer."""
    view = type("View", (base,), CONFIGURED)
    return [shown(ask(view, **read("ann: " + request))) for request in requests]


@pytest.mark.parametrize("name, methods", CONCRETE)
def test_the_nine_concrete_views_answer_as_drfs(name, methods):
    url = "/" if "List" in name or "Create" in name else "/1/"
    data = ' {"name": "Cup", "price": "3"}'
    requests = ["POST " + url + data, "PUT " + url + data, "PATCH " + url + data]
    requests += [method + " " + url for method in "GET HEAD OPTIONS DELETE TRACE NO".split()]
    ours = answers_of(of_ours(name), requests)
    reset_shop()
    assert ours == answers_of(of_drf(name), requests)
    refused = [request.split()[0] for request, a in zip(requests, ours) if "'status': 405" in a]
    assert not set(methods.split()) & set(refused)


@pytest.mark.parametrize("name", restflow_generics.__all__[:-1])
def test_every_class_is_one_of_drfs_too(name):
    ours = getattr(restflow_generics, name)
    theirs = [getattr(module, name[5:], None) for module in (generics, mixins, viewsets, views)]
    assert issubclass(ours, next(filter(None, theirs)))


def test_all_classes_are_exported_and_documented_on_their_hooks_only():
    for name in restflow_generics.__all__[:-1]:
        cls = getattr(restflow_generics, name)
        assert cls.__doc__ is None or cls.__doc__ == getattr(cls.__mro__[1], "__doc__", None), name
        for attribute, value in vars(cls).items():
            if attribute[1:] in PAIRS:
                assert "Async `%s`: " % attribute[1:] in value.__doc__
            elif attribute in ACTIONS + HANDLERS + ["get"]:
                assert value.__doc__ is None


# --- The viewsets ---------------------------------------------------------------------------------


def test_routers_and_sync_and_async_actions():
    class View(AsyncModelViewSet):
        queryset = Product.objects.all()
        serializer_class = ProductSerializer

        @action(detail=False)
        def newest(self, request):
            return Response([self.action, where(), Product.objects.last().name])

        @action(detail=True, methods=["post"], permission_classes=[Allowed])
        async def rename(self, request, pk):
            product = await self.aget_object()
            product.name = "Renamed"
            await call_hook(product, "save")
            return Response([self.action, where(), product.name])

    assert ask(View, "GET", "/newest/").json == ["newest", "worker thread", "Teapot"]
    assert ask(View, "POST", "/1/rename/").json == ["rename", "event loop", "Renamed"]
    assert ask(View, "POST", "/1/rename/", headers={"Refuse": "yes"}).status == 403
    assert ask(View, "HEAD").status == 200
    assert [ask(View, "OPTIONS").status, ask(View, "PATCH").status] == [200, 405]
    assert View.as_view({"get": "list"}).actions == {"get": "list"}
    with pytest.raises(TypeError, match="`actions`"):
        View.as_view()
    page = ask(View, "GET", "/", headers={"Accept": "text/html"}).body
    assert b"Newest" in page


def test_a_viewset_answers_as_drfs():
    requests = ["GET /", 'POST / {"name": "Cup"}', "GET /1/", 'PUT /1/ {"name": "Cup"}']
    requests += ['PATCH /1/ {"name": "Mug"}', "OPTIONS /1/", "HEAD /1/", "DELETE /1/", "DELETE /"]
    ours = answers_of(AsyncModelViewSet, requests)
    reset_shop()
    assert ours == answers_of(viewsets.ModelViewSet, requests)
    assert ask(type("View", (AsyncReadOnlyModelViewSet,), CONFIGURED), "POST").status == 405


def test_a_viewset_made_of_the_parts():
    class View(AsyncViewSet):
        def list(self, request):
            return Response(where())

        async def retrieve(self, request, pk):
            return Response([where(), pk])

    assert ask(View).json == "worker thread"
    assert ask(View, "GET", "/7/").json == ["event loop", "7"]


# --- The README -----------------------------------------------------------------------------------


def readme_blocks():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```\n((?:<!-- [^\n]* -->\n)+)", readme, re.DOTALL)
    assert len(blocks) == readme.count("```python")
    for source, comments in blocks:
        asked = re.findall(r"<!-- (\S+) (\S+) (.*?)-> (\d+) -->", comments)
        name = re.findall(r"class (\w+)", source)[-1]
        yield pytest.param(source, name, asked, id=name)  # the last class is the one asked


def answer_of_the_warehouse(request):
    """What the service of the README's examples answers."""
    return httpx.Response(200, json=[1, 2] if request.url.path == "/in-stock" else "some")


@pytest.mark.parametrize("source, name, asked", list(readme_blocks()))
def test_the_examples_of_the_readme(source, name, asked, monkeypatch):
    if "StreamingHttpResponse" in source and django.VERSION < (4, 2):
        pytest.skip("Django 4.2 is the first that streams what an async generator makes")
    transport = httpx.MockTransport(answer_of_the_warehouse)
    client = functools.partial(httpx.AsyncClient, transport=transport)
    monkeypatch.setattr(httpx, "AsyncClient", client)
    names = {"__name__": "views_of_a_reader"}
    exec(next(readme_blocks()).values[0], names)  # which has what others import from the shop
    monkeypatch.setattr("shop.ask_warehouse", names["ask_warehouse"], raising=False)
    exec(source, names)
    for method, url, data, expected in asked:
        data = json.loads(data) if data else None
        answer = ask(names[name], method, url, data=data, user="ann")
        assert answer.status == int(expected), (method, url, answer.body)
