# SPDX-License-Identifier: MIT
"""
Checks that are put on a class of permissions after it was made: what came last decides.

Every start, every change, in every place of the class, at three doors, in sync and in async code.
"""

import asyncio
import functools
import itertools
from unittest import mock

import pytest
from rest_framework import permissions
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from restflow_generics import AsyncAPIView
from tools import logged, subclass

NAMES = ["has_permission", "ahas_permission"]


# What a class may have


def sync(answer):
    return lambda self, request, view: answer


def coroutine_function(answer):
    async def check(self, request, view):
        return answer

    return check


def without_wraps(answer):
    return lambda self, request, view: coroutine_function(answer)(self, request, view)


def of_another_class(name):
    """What that class has there, be it a face or what was written."""

    def make(answer):
        attributes = {name: coroutine_function(answer)}
        return vars(type("Other", (permissions.BasePermission,), attributes))[name]

    return make


FORMS = {
    "has_permission": {
        "def": sync,
        "async def": coroutine_function,
        "async def, wrapped": lambda answer: logged(coroutine_function(answer)),
        "async def, without wraps": without_wraps,
        "partialmethod": lambda answer: functools.partialmethod(coroutine_function(answer)),
        "of another class": of_another_class("has_permission"),
        "static": lambda answer: staticmethod(lambda request, view: answer),
        "async, static": lambda answer: staticmethod(
            functools.partial(coroutine_function(answer), 0)
        ),
        "async, of the class": lambda answer: classmethod(coroutine_function(answer)),
        "a property": lambda answer: property(lambda self: lambda request, view: answer),
        "a mock": lambda answer: mock.Mock(return_value=answer),
    },
    "ahas_permission": {
        "async def": coroutine_function,
        "async def, wrapped": lambda answer: logged(coroutine_function(answer)),
        "partialmethod": lambda answer: functools.partialmethod(coroutine_function(answer)),
        "of another class": of_another_class("ahas_permission"),
        "static": lambda answer: staticmethod(functools.partial(coroutine_function(answer), 0)),
        "of the class": lambda answer: classmethod(coroutine_function(answer)),
        "a mock": lambda answer: mock.AsyncMock(return_value=answer),
    },
}
STARTS = [  # what stands under each of the two names
    dict(zip(NAMES, forms))
    for forms in itertools.product([None, "def", "async def"], [None, "async def"])
]
CHANGES = [(name, form) for name in NAMES for form in FORMS[name]]


def made(place, start, answer):
    """A class of permissions, and the one among its bases that has the checks."""
    written = {name: FORMS[name][form](answer) for name, form in start.items() if form}
    if place == "a mixin":
        mixin = type("Mixin", (), written)
        return type("Permission", (mixin, permissions.BasePermission), {}), mixin
    base = permissions.BasePermission
    if place == "a class below an async one":
        base = type("Base", (base,), {"ahas_permission": coroutine_function(not answer)})
    there = type("Permission", (base,), written)
    return (subclass(there) if place == "a base" else there), there


# Who asks it


class Ours(AsyncAPIView):
    authentication_classes = []

    def get(self, request):
        return Response()


class Drfs(APIView):
    authentication_classes = []

    def get(self, request):
        return Response()


def listed(permission):
    return subclass(Ours, permission_classes=[permission]).as_view()


def combined_by_a_hook(permission):
    def get_permissions(self):
        return [(permissions.AllowAny & permission)()]

    return subclass(Ours, get_permissions=get_permissions).as_view()


def listed_by_drfs_view(permission):
    return subclass(Drfs, permission_classes=[permission & permissions.AllowAny]).as_view()


def statuses(view):
    """What the view answers in sync code, and in async code if it is one of ours."""

    async def awaited():
        return await view(request)

    # A view of ours that is made looks once more at the classes there are (README, Limits).
    subclass(Ours).as_view()
    request = APIRequestFactory().get("/")
    found = {view(request).status_code}
    if issubclass(view.cls, AsyncAPIView):
        found.add(asyncio.run(awaited()).status_code)
    return found


# The promise

DOORS = [listed, combined_by_a_hook, listed_by_drfs_view]
PLACES = ["a class", "a mixin", "a base", "a class below an async one"]


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("place", PLACES)
def test_the_check_that_came_last_decides_and_what_is_put_back_does_again(place, door):
    wrong = []
    for start, (name, form), answer in itertools.product(STARTS, CHANGES, [False, True]):
        permission, there = made(place, start, not answer)
        view = door(permission)
        before = statuses(view) if answer else None  # It has been asked before, or not.
        with mock.patch.object(there, name, FORMS[name][form](answer), create=True):
            found = statuses(view)
        after = statuses(view)
        default = answer if place == "a class below an async one" else True
        allowed = [answer, not answer if any(start.values()) else default]
        expected = [{200 if allows else 403} for allows in allowed]
        if [found, after] != expected or before not in (None, after):
            wrong.append((start, name, form, answer, before, found, after))
    assert not wrong, "\n".join(map(str, wrong))
