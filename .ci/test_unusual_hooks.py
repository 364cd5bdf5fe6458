# SPDX-License-Identifier: MIT
"""The one rule, where a hook is defined in an unusual way, or is set on an object."""

import asyncio
import copy
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import QuerySet
from rest_framework import filters, generics, permissions
from rest_framework.decorators import action
from rest_framework.response import Response

from restflow_generics import (
    AsyncAPIView,
    AsyncCreateAPIView,
    AsyncGenericViewSet,
    AsyncRetrieveAPIView,
    call_hook,
)
from shop import Product, ProductSerializer
from tools import Listed, ask, json_of_both, status_of_both, subclass, where


class Open(AsyncAPIView):
    authentication_classes = permission_classes = ()

    async def get(self, request):
        return Response(where())


class Creates(AsyncCreateAPIView):
    queryset = Product.objects.all()


def created_with(serializer_class, **attributes):
    view = subclass(Creates, serializer_class=serializer_class, **attributes)
    return ask(view, "POST", data={"name": "Cup"}).status


async def called(*args, **kwargs):
    return await call_hook(*args, **kwargs)


class Proxy:
    """Like a serializer, and none."""

    data = property(lambda self: self.serializer.data)

    def __init__(self, serializer):
        self.serializer = serializer

    def __getattr__(self, name):
        return getattr(vars(self)["serializer"], name)


# What is none, and what is no plain function


def test_an_async_action_over_a_plain_method_answers_sync_code():
    class Mixin:
        def export(self, request):
            return Response("of the mixin")

    class Exports(Mixin, AsyncGenericViewSet):
        @action(detail=False)
        async def export(self, request):
            return Response("of the action")

        def list(self, request):
            return self.export(request)

    assert json_of_both(Exports.as_view({"get": "list"})) == "of the action"


def test_a_spelling_that_is_none_counts_as_not_defined_in_sync_code_too():
    async def refuse(self, request, view):
        return False

    below = subclass(permissions.BasePermission, ahas_permission=refuse)
    permission = subclass(below, ahas_permission=None)
    assert status_of_both(subclass(Open, acheck_permissions=None)) == 200
    assert status_of_both(subclass(Open, permission_classes=[permission])) == 403


def test_a_static_method_of_a_serializer_is_called_as_such():
    def save(**kwargs):
        saved.append(kwargs)

    saved = []
    assert created_with(subclass(ProductSerializer, save=staticmethod(save))) == 201
    assert saved == [{}]


def test_what_a_descriptor_answers_to_an_object_is_called():
    class Descriptor:
        def __get__(self, instance, cls):
            return lambda: saved.append(type(instance))

    saved = []
    serializer_class = subclass(ProductSerializer, save=Descriptor())
    assert created_with(serializer_class) == 201
    assert saved == [serializer_class]


def test_a_proxy_of_a_serializer_saves_it():
    def get_serializer(self, *args, **kwargs):
        return Proxy(ProductSerializer(*args, **kwargs))

    async def aperform_create(self, serializer):
        await serializer.asave()

    before = Product.objects.count()
    assert created_with(None, get_serializer=get_serializer) == 201
    both = {"get_serializer": get_serializer, "aperform_create": aperform_create}
    assert created_with(None, **both) == 201
    assert Product.objects.count() == before + 2


def test_a_copy_of_a_serializer_saves_itself():
    async def aperform_create(self, serializer):
        other = copy.copy(serializer)
        other._validated_data = {"name": "Bowl"}
        await call_hook(other, "save")

    assert created_with(ProductSerializer, aperform_create=aperform_create) == 201
    assert Product.objects.latest("pk").name == "Bowl"


def test_a_hook_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_hook"):
        call_hook(subclass(object)(), "no_such_hook")


def test_sync_code_may_ask_an_async_permission_with_slots():
    class Slotted:
        __slots__ = ()

        async def has_permission(self, request, view):
            return False

    class Asks(Open):
        def check_permissions(self, request):
            if not Slotted().has_permission(request, self):
                self.permission_denied(request)

    view = subclass(Asks, permission_classes=[Slotted])
    assert status_of_both(view) == 403


def test_what_only_an_object_can_tell_keeps_the_view_off_the_event_loop():
    class OfObjects:
        def __get__(self, instance, cls):
            if instance is None:
                raise AttributeError("only of objects")
            return ()

    assert status_of_both(subclass(Open, throttle_classes=OfObjects())) == 200


@pytest.mark.parametrize("answer", [True, False])
def test_a_sync_spelling_may_ask_the_async_one_that_its_face_hides(answer):
    class Base(permissions.BasePermission):
        async def ahas_permission(self, request, view):
            ran_on.append(where())
            return answer

    class Asks(Base):
        def has_permission(self, request, view):
            return async_to_sync(self.ahas_permission)(request, view)

    ran_on = []
    view = subclass(Listed, permission_classes=[Asks])
    assert status_of_both(view) == (200 if answer else 403)
    assert ran_on == ["event loop"] * 2


def test_the_class_of_an_object_whose_hook_is_called_is_left_as_it_is():
    class Owner:
        hook = property(lambda self: "read")

        async def ahook(self):
            return where()

    before = dict(vars(Owner))
    assert call_hook(Owner(), "hook") == "event loop"
    assert dict(vars(Owner)) == before
    assert call_hook([3, 1], "copy") == [3, 1]  # Nothing can be put on the class of a list.


def test_a_sync_hook_under_the_async_name_runs_once_if_it_asks_the_sync_name():
    class Asks(Open):
        def acheck_permissions(self, request):
            ran.append("mine")
            return self.check_permissions(request)

        async def get(self, request):
            ran.clear()
            await self.acheck_permissions(request)
            return Response(list(ran))

    ran = []
    assert ask(Asks).json == ["mine"]


# What is set on an object, and mocks


def test_what_is_set_on_an_object_as_none_hides_nothing():
    class Static(Open):
        async def get(self, request):
            self.acheck_permissions = None
            return Response(await call_hook(self, "check_permissions", request))

    view = subclass(Static, check_permissions=staticmethod(lambda request: "static"))
    assert ask(view).json == "static"


def test_a_delegate_that_is_set_on_an_object_is_awaited_in_the_requests_own_task():
    async def is_in_the_task(self, request, view):
        return asyncio.current_task() is view.task

    def __init__(self):
        self.has_permission = asks().has_permission

    async def ainitial(self, request, *args, **kwargs):
        self.task = asyncio.current_task()
        await AsyncAPIView.ainitial(self, request, *args, **kwargs)

    asks = subclass(permissions.BasePermission, ahas_permission=is_in_the_task)
    delegates = subclass(permissions.BasePermission, __init__=__init__)
    assert ask(subclass(Open, permission_classes=[delegates], ainitial=ainitial)).status == 200


def test_a_mock_in_the_place_of_asave_is_called():
    def get_serializer(self, *args, **kwargs):
        serializer = AsyncCreateAPIView.get_serializer(self, *args, **kwargs)
        serializer.asave = mock.create_autospec(serializer.asave, return_value=None)
        mocks.append(serializer.asave)
        return serializer

    mocks, before = [], Product.objects.count()
    assert created_with(ProductSerializer, get_serializer=get_serializer) == 201
    assert (mocks[0].call_count, Product.objects.count()) == (1, before)


@pytest.mark.parametrize("owner", [Open, AsyncAPIView, generics.views.APIView])
def test_a_mock_notes_nothing_but_the_calls(owner):
    assert status_of_both(Open) == 200
    with mock.patch.object(owner, "check_permissions") as check:
        assert ask(Open).status == 200
    assert check.mock_calls == [mock.call(mock.ANY)]


def test_of_two_patches_that_are_equal_the_one_that_is_there_runs():
    class Equal:
        def __init__(self, name):
            self.name = name

        def __eq__(self, other):
            return True

        def __call__(self, *args):
            ran.append(self.name)

    ran = []
    for name in "ab":
        with mock.patch.object(generics.views.APIView, "check_permissions", Equal(name)):
            assert ask(Open).status == 200
    assert ran == ["a", "b"]


def test_a_mock_of_each_spelling_on_an_object_runs():
    class Mocked(Open):
        async def acheck_permissions(self, request):
            ran.append("class")

        async def get(self, request):
            ran.clear()
            self.check_permissions = mock.Mock(wraps=self.check_permissions)
            self.acheck_permissions = mock.AsyncMock(side_effect=lambda request: ran.append("mock"))
            await call_hook(self, "check_permissions", request)
            return Response(list(ran))

    ran = []
    assert ask(Mocked).json == ["mock"]


# Classes that are written into the file itself


def test_what_is_written_into_the_file_is_checked_and_completed_as_elsewhere():
    in_file = {"__module__": "restflow_generics"}

    async def get_object(self):
        return None

    atomic = subclass(object, get_object=transaction.atomic(get_object))
    with pytest.raises(TypeError, match="context manager"):
        type("View", (atomic, AsyncRetrieveAPIView), in_file)
    mixin = subclass(object, get_object=get_object)
    type("View", (mixin, AsyncRetrieveAPIView), in_file)
    assert callable(mixin.aget_object)


# An async spelling beside a sync one


def test_the_async_spelling_of_a_backend_may_call_the_sync_one_beside_it():
    class Backend(filters.BaseFilterBackend):
        def filter_queryset(self, request, queryset, view):
            return sorted(queryset)

        async def afilter_queryset(self, request, queryset, view):
            return self.filter_queryset(request, queryset, view)[:1]

    assert asyncio.run(called(Backend(), "filter_queryset", None, [2, 1], None)) == [1]


def test_an_aget_that_a_manager_takes_from_a_queryset_counts():
    class Products(QuerySet):
        async def aget(self, **kwargs):
            return "a product"

    manager = Products.as_manager()
    manager.model = Product
    assert asyncio.run(called(manager, "get", pk=1)) == "a product"
