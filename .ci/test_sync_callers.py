# SPDX-License-Identifier: MIT
"""Sync code that asks async components gets their verdicts, and never a coroutine for a yes."""

import asyncio
import functools
import gc

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import SynchronousOnlyOperation
from django.utils.decorators import method_decorator
from rest_framework import exceptions, filters, permissions, throttling
from rest_framework.authentication import BasicAuthentication
from rest_framework.response import Response
from rest_framework.views import APIView

from restflow_generics import AsyncRetrieveAPIView
from shop import Pages, Product
from tools import (
    CONFIGURED,
    Listed,
    ProductView,
    ask,
    deny,
    each_spelling,
    json_of_both,
    logged,
    refusing,
    status_of_both,
    subclass,
)


class ChecksInSyncCode(Listed):
    authentication_classes = []

    def check_permissions(self, request):  # as DRF has it
        for permission in self.get_permissions():
            if not permission.has_permission(request, self):
                self.permission_denied(request)


@pytest.mark.parametrize("by_as_view", [False, True])
@pytest.mark.parametrize("operation", ["A", "aA", "A & permissions.AllowAny", "~(~A | ~aA)"])
def test_sync_code_that_asks_permissions_itself_gets_the_verdict(operation, by_as_view):
    refuses = {
        name: refusing(permissions.BasePermission, spelling)
        for name, spelling in [("A", "has_permission"), ("aA", "ahas_permission")]
    }
    listed = {"permission_classes": [eval(operation, {**refuses, "permissions": permissions})]}
    attributes, initkwargs = ({}, listed) if by_as_view else (listed, {})
    assert ask(subclass(ChecksInSyncCode, **attributes).as_view(**initkwargs)).status == 403


def test_a_sync_permission_may_ask_the_async_one_that_it_extends():
    class Somebody(refusing(permissions.BasePermission, "has_permission")):
        def has_permission(self, request, view):
            return super().has_permission(request, view) and True

    assert ask(subclass(ProductView, permission_classes=[Somebody])).status == 403


class OnlyGet:
    def __init__(self, function):
        self.function = function

    def __get__(self, instance, cls):
        return self.function.__get__(instance, cls)


async def refuse_async(self, request, view, *obj):
    return False


NO_FUNCTIONS = {
    "static": staticmethod(functools.partial(refuse_async, None)),
    "static def": staticmethod(lambda request, view: refuse_async(None, request, view)),
    "class": classmethod(refuse_async),
    "property": property(lambda self: refuse_async.__get__(self)),
    "singledispatch": functools.singledispatchmethod(refuse_async),
    "partialmethod": functools.partialmethod(refuse_async),
    "descriptor": OnlyGet(refuse_async),
}


@pytest.mark.parametrize("kind", list(NO_FUNCTIONS))
def test_an_async_permission_is_no_yes_whatever_it_is_made_of(kind):
    denies = subclass(permissions.BasePermission, has_permission=NO_FUNCTIONS[kind])
    for listed in (denies, denies & permissions.AllowAny, ~~denies):
        assert status_of_both(subclass(Listed, permission_classes=[listed])) == 403
        assert status_of_both(subclass(ChecksInSyncCode, permission_classes=[listed])) == 403


@pytest.mark.parametrize("decorate", [staticmethod, classmethod])
def test_an_async_check_of_a_view_counts_below_a_sync_override(decorate):
    async def check_permissions(*args):
        raise exceptions.PermissionDenied

    class View(Listed):
        def initial(self, request, *args, **kwargs):
            super().initial(request, *args, **kwargs)

    View.check_permissions = decorate(check_permissions)
    assert status_of_both(View) == 403


def test_a_decorator_of_the_sync_name_counts_above_an_async_override():
    class View(Listed):
        async def acheck_permissions(self, request):
            await super().acheck_permissions(request)

    decorated = method_decorator(deny, name="check_permissions")(View)

    class Sub(decorated):
        async def acheck_permissions(self, request):
            await super().acheck_permissions(request)

    assert (status_of_both(decorated), status_of_both(Sub)) == (403, 403)


@pytest.mark.parametrize(
    "hook, check", [("permission_denied", "permissions"), ("throttled", "throttles")]
)
def test_what_refuses_is_not_forgotten_on_the_event_loop(hook, check):
    async def checks(self, request):
        getattr(self, hook)(request, None)

    async def refuses(self, request, *args, **kwargs):
        raise exceptions.PermissionDenied

    base = subclass(Listed, **{"check_" + check: checks})
    with pytest.raises(SynchronousOnlyOperation, match="await self.a" + hook):
        ask(subclass(base, **{"a" + hook: refuses}))


def test_an_async_permission_may_ask_the_sync_one_below_two_overrides():
    class Base(permissions.BasePermission):
        def has_permission(self, request, view):
            asked.append("sync")
            return True

        async def ahas_permission(self, request, view):
            return await sync_to_async(self.has_permission)(request, view)

    class Sub(Base):
        async def ahas_permission(self, request, view):
            return await super().ahas_permission(request, view)

    asked = []
    assert status_of_both(subclass(Listed, permission_classes=[Sub])) == 200
    assert asked == ["sync"] * 2


def test_a_sync_permission_answers_on_the_event_loop_too():
    class Sync(permissions.BasePermission):
        def has_permission(self, request, view):
            return "yes"

    async def in_async_code():
        return Sync().has_permission(None, None)

    assert asyncio.run(in_async_code()) == "yes"


@pytest.mark.filterwarnings("ignore:coroutine .*check. was never awaited")
@pytest.mark.parametrize("spelling", ["has_permission", "ahas_permission", "returned"])
def test_an_async_permission_is_no_yes_to_who_does_not_await_it(spelling):
    class Permission(permissions.BasePermission):
        async def check(self):
            return False

        def has_permission(self, request, view):
            return self.check()

    permission = Permission
    if spelling != "returned":
        permission = refusing(permissions.BasePermission, spelling)

    async def forget_to_await():
        if permission().has_permission(None, None):
            pytest.fail("It let somebody in.")

    with pytest.raises(SynchronousOnlyOperation, match="Write `await` before it"):
        asyncio.run(forget_to_await())
    gc.collect()


class NoSuper:
    def __init_subclass__(cls, **kwargs):
        pass


def made_in_some_way(how, spelling):
    """A class of permissions that answer no in an async hook."""

    async def refuse(self, request, view, answer=False):
        return answer

    hook = {"wrapped": logged(refuse), "partialmethod": functools.partialmethod(refuse)}
    mixin = type("Mixin", (), {})
    bases = (NoSuper,) if how == "no super" else (mixin,)
    bases += (permissions.IsAuthenticated if how == "a subclass" else permissions.BasePermission,)
    is_later = how.startswith("assigned later")
    permission = type("Deny", bases, {} if is_later else {spelling: hook.get(how, refuse)})
    if is_later:
        setattr(mixin if how.endswith("to a mixin") else permission, spelling, refuse)
    return permission


@pytest.mark.parametrize("spelling", ["has_permission", "ahas_permission"])
@pytest.mark.parametrize("asked", ["by another", "combined", "by the view"])
@pytest.mark.parametrize(
    "how",
    "plainly, a subclass, wrapped, partialmethod, no super, assigned later, "
    "assigned later to a mixin".split(", "),
)
def test_sync_code_gets_the_verdict_of_an_async_permission_that_no_view_lists(how, asked, spelling):
    deny = made_in_some_way(how, spelling)

    class Asks(permissions.BasePermission):
        def has_permission(self, request, view):
            permission = deny & permissions.AllowAny if asked == "combined" else deny
            return permission().has_permission(request, view)

    class View(ChecksInSyncCode):
        def get_permissions(self):
            return [deny()]

    listed = subclass(Listed, permission_classes=[Asks], authentication_classes=[])
    assert status_of_both(View if asked == "by the view" else listed) == 403


@pytest.mark.parametrize("spelling", ["has_permission", "ahas_permission"])
@pytest.mark.parametrize("how", ["plainly", "a subclass", "wrapped", "partialmethod"])
def test_sync_code_gets_the_verdict_of_an_async_permission_made_in_the_request(how, spelling):
    class View(ChecksInSyncCode):
        def get_permissions(self):
            return [made_in_some_way(how, spelling)()]

    assert status_of_both(View) == 403


@each_spelling
def test_sync_code_gets_the_answers_of_other_async_components(prefix):
    def answering(base, hook, answer):
        async def answers(self, *args, **kwargs):
            return answer

        return subclass(base, **{prefix + hook: answers})

    authentication = answering(BasicAuthentication, "authenticate", (User(username="eve"), None))
    throttle = answering(throttling.BaseThrottle, "allow_request", False)
    backend = answering(filters.SearchFilter, "filter_queryset", Product.objects.filter(pk=1))
    paginator = answering(Pages, "paginate_queryset", ["a page"])

    class View(Listed):
        def get(self, request):
            user, _ = authentication().authenticate(request)
            is_allowed = throttle().allow_request(request, self)
            queryset = backend().filter_queryset(request, Product.objects.all(), self)
            paged = paginator().paginate_queryset(queryset, request, view=self)
            return Response([user.username, is_allowed, queryset.count(), paged])

    assert ask(View).json == ["eve", False, 1, ["a page"]]


@pytest.mark.parametrize("base", [object, filters.SearchFilter])
@pytest.mark.parametrize("is_later", [False, True])
def test_a_view_that_names_a_component_tells_it_whatever_it_extends(is_later, base):
    async def filter_queryset(self, request, queryset, view):
        return queryset.filter(pk=1)

    class View(Listed):
        def filter_queryset(self, queryset):
            for backend in self.filter_backends:
                queryset = backend().filter_queryset(self.request, queryset, self)
            return queryset

    backend = type("Backend", (base,), {} if is_later else {"filter_queryset": filter_queryset})
    if is_later:
        backend.filter_queryset = filter_queryset
    assert len(json_of_both(subclass(View, filter_backends=[backend]))) == 1


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("is_own", [True, False])
def test_an_async_spelling_may_ask_the_sync_one_of_the_same_object(is_own, answer, tea):
    class Delegates(permissions.BasePermission):
        async def ahas_object_permission(self, request, view, obj):
            asked.append(obj)
            return await sync_to_async(self.has_object_permission)(request, view, obj)

    class Own(Delegates):
        def has_object_permission(self, request, view, obj):
            return answer

    asked = []
    permission = Own if is_own else Delegates
    view = type("View", (AsyncRetrieveAPIView,), {**CONFIGURED, "permission_classes": [permission]})
    allowed = answer if is_own else True  # as DRF's `BasePermission` answers
    assert ask(view, "GET", "/1/").status == (200 if allowed else 403)
    assert len(asked) == (0 if is_own else 1)


def test_an_async_spelling_that_asks_about_another_object_is_asked_anew(tea):
    class OfParent(permissions.BasePermission):
        async def ahas_object_permission(self, request, view, obj):
            if isinstance(obj, Product):  # goes by what its category says
                return await sync_to_async(self.has_object_permission)(request, view, obj.category)
            return False

    view = type("View", (AsyncRetrieveAPIView,), {**CONFIGURED, "permission_classes": [OfParent]})
    view.queryset = Product.objects.select_related("category")
    assert ask(view, "GET", "/1/").status == 403


def test_a_wrapped_async_check_is_not_passed_over_by_sync_code():
    class View(Listed):
        @logged
        async def check_permissions(self, request):
            raise exceptions.PermissionDenied

        def initial(self, request, *args, **kwargs):
            APIView.initial(self, request, *args, **kwargs)

    assert status_of_both(View) == 403


@pytest.mark.parametrize("spelling", ["has_permission", "ahas_permission"])
@pytest.mark.parametrize("other", ["has_permission", "ahas_permission"])
@pytest.mark.parametrize("at", ["a class", "a mixin"])
def test_a_check_of_another_class_that_is_put_there_later_gives_its_verdict(at, other, spelling):
    mixin = type("Mixin", (), {})
    own = type("Own", (mixin, permissions.BasePermission), {})
    other_class = refusing(permissions.BasePermission, other)
    setattr(own if at == "a class" else mixin, spelling, getattr(other_class, other))
    subclass(Listed).as_view()

    class Sync(APIView):
        permission_classes = [own & permissions.AllowAny]
        authentication_classes = []

    assert status_of_both(Sync) == 403


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("is_alias", [True, False])
def test_of_a_class_with_both_the_async_check_decides_even_as_an_alias(is_alias, answer):
    async def aallow_request(self, request, view):
        return answer

    other = subclass(throttling.BaseThrottle, aallow_request=aallow_request)
    both = subclass(
        throttling.BaseThrottle,
        allow_request=lambda self, request, view: not answer,
        aallow_request=other.aallow_request if is_alias else aallow_request,
    )
    ours = subclass(Listed, throttle_classes=[both], authentication_classes=[])
    drfs = subclass(APIView, throttle_classes=[both], authentication_classes=[])
    assert status_of_both(ours) == (200 if answer else 429)
    assert status_of_both(drfs) == (405 if answer else 429)


def test_a_refusal_that_is_put_there_later_counts_below_a_decorator_of_the_sync_name():
    async def allow(self, request, view):
        return True

    async def refuse(self, request, view):
        return False

    permission = subclass(permissions.BasePermission, ahas_permission=allow)
    permission.has_permission = logged(permission.has_permission)
    permission.ahas_permission = refuse
    assert permission().has_permission(None, None) is False


def test_an_async_spelling_that_a_view_is_given_later_decides_in_its_sync_handler():
    class View(Listed):
        def get_view_name(self):
            return "sync"

        def get(self, request):
            return Response(self.get_view_name())

    async def later(self):
        return "async"

    assert json_of_both(View) == "sync"
    View.aget_view_name = later
    assert json_of_both(View) == "async"
