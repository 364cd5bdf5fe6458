# SPDX-License-Identifier: MIT
"""Whatever part of a view is async, in a view that is only configured: it is awaited."""

import pytest
from django.db import models
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path
from rest_framework import exceptions, filters, permissions, serializers, throttling
from rest_framework.authentication import BasicAuthentication
from rest_framework.metadata import BaseMetadata
from rest_framework.response import Response
from rest_framework.settings import DEFAULTS, APISettings

from restflow_generics import AsyncAPIView, AsyncModelViewSet, call_hook
from shop import Pages, Product, ProductSerializer
from tools import (
    CONFIGURED,
    Listed,
    ask,
    ask_shop,
    json_of_both,
    mounted,
    products_with,
    subclass,
    where,
)

ran_on = []


def noting(answer):
    """An async hook that notes where it ran."""

    async def hook(*args, **kwargs):
        ran_on.append(where())
        return answer(*args, **kwargs) if callable(answer) else answer

    return hook


def set_permissions(self, **initkwargs):
    super(type(self), self).__init__(**initkwargs)
    self.permission_classes = [Noted]


Noted = subclass(permissions.BasePermission, has_permission=noting(True))
NotedToo = subclass(permissions.AllowAny, ahas_permission=noting(True))
NotedAuthentication = subclass(BasicAuthentication, authenticate=noting(None))
NotedThrottle = subclass(throttling.BaseThrottle, allow_request=noting(True))
# What DRF's own hooks hand over to: they answer with its coroutine.
NotedFailure = subclass(throttling.UserRateThrottle, rate="0/day", throttle_failure=noting(True))
NotedCredentials = subclass(BasicAuthentication, authenticate_credentials=noting((None, None)))
NotedBackend = subclass(filters.BaseFilterBackend, afilter_queryset=noting(lambda *args: args[2]))
NotedPages = subclass(Pages, paginate_queryset=noting(None))
NotedQuerySet = subclass(models.QuerySet, aget=noting(lambda *args, **kwargs: Product()))
NotedList = subclass(serializers.ListSerializer, adata=property(noting([])))
NotedListMeta = subclass(ProductSerializer.Meta, list_serializer_class=NotedList)
NotedSettings = APISettings({"EXCEPTION_HANDLER": noting(lambda *args: Response())}, DEFAULTS)


@pytest.mark.parametrize("by_as_view", [False, True])
@pytest.mark.parametrize(
    "method, url, name, value",
    [
        ("GET", "/", "permission_classes", [Noted]),
        ("GET", "/", "permission_classes", (Noted,)),
        ("GET", "/", "permission_classes", [~Noted | permissions.AllowAny]),
        ("GET", "/", "permission_classes", [NotedToo]),
        (
            "GET",
            "/",
            "authentication_classes",
            [NotedAuthentication],
        ),
        ("GET", "/", "authentication_classes", [NotedCredentials]),
        ("GET", "/", "throttle_classes", [NotedThrottle]),
        ("GET", "/", "throttle_classes", [NotedFailure]),
        ("GET", "/", "filter_backends", [filters.SearchFilter, NotedBackend]),
        ("GET", "/1/", "filter_backends", [NotedBackend]),
        ("GET", "/", "pagination_class", subclass(Pages, apaginate_queryset=noting(None))),
        ("OPTIONS", "/", "metadata_class", subclass(BaseMetadata, determine_metadata=noting({}))),
        ("POST", "/", "serializer_class", subclass(ProductSerializer, asave=noting(None))),
        ("DELETE", "/1/", "queryset", products_with(adelete=noting(None))),
        ("GET", "/1/", "queryset", NotedQuerySet(Product)),
        ("GET", "/1/", "queryset", property(lambda self: NotedQuerySet(Product))),
        ("GET", "/", "serializer_class", subclass(ProductSerializer, Meta=NotedListMeta)),
        ("GET", "/", "__init__", set_permissions),
        ("GET", "/", "paginator", property(lambda self: NotedPages())),
        ("GET", "/99/", "settings", NotedSettings),
        ("GET", "/", "get_queryset", noting(Product.objects.all())),
        ("GET", "/", "list", noting(lambda *args: Response())),
        ("GET", "/1/", "aget_object", noting(lambda *args: Product())),
    ],
)
def test_nothing_async_is_missed_in_a_view_that_is_only_configured(
    method, url, name, value, by_as_view
):
    ran_on.clear()
    view = subclass(AsyncModelViewSet, **CONFIGURED)
    if by_as_view and name != "__init__" and not isinstance(value, property):
        views = [
            view.as_view({"get": "list", "post": "create"}, **{name: value}),
            view.as_view({"get": "retrieve", "delete": "destroy"}, **{name: value}),
        ]
        urls = path("", views[0]), path("<pk>/", views[1])
    else:
        urls = mounted(subclass(view, **{name: value}))
    with override_settings(ROOT_URLCONF=urls, DEBUG_PROPAGATE_EXCEPTIONS=True):
        ask_shop(method, url, data={"name": "Cup"} if method == "POST" else None, user="ann")
    assert set(ran_on) == {"event loop"}


@pytest.mark.parametrize(
    "name", ["get_queryset", "list", "paginator's", "model's", "base's", "action"]
)
def test_what_is_put_there_later_is_awaited_too(name, monkeypatch):
    ran_on.clear()
    base = subclass(AsyncModelViewSet, **CONFIGURED, pagination_class=subclass(Pages))
    view = subclass(base)
    ask(view)
    if name == "paginator's":
        view.pagination_class.apaginate_queryset = noting(None)
    elif name == "model's":
        monkeypatch.setattr(Product, "adelete", noting(None), raising=False)
        ask(view, "DELETE", "/1/")
    elif name == "base's":
        base.get_queryset = noting(Product.objects.all())
    elif name == "action":
        view.own = noting(lambda *args: Response())
        view = view.as_view({"get": "own"})
    else:
        setattr(
            view, name, noting(Product.objects.all() if "get" in name else lambda *a: Response())
        )
    ask(view)
    assert set(ran_on) == {"event loop"}


@pytest.mark.parametrize(
    "owner, hook",
    [
        (AsyncAPIView, "acheck_permissions"),
        (permissions.AllowAny, "has_permission"),
        (permissions.AllowAny, "ahas_permission"),
    ],
)
def test_what_is_patched_in_a_class_of_drfs_or_ours_is_awaited_too(owner, hook, monkeypatch):
    async def deny(*args):
        ran_on.append(where())
        raise exceptions.PermissionDenied

    ran_on.clear()
    view = subclass(AsyncModelViewSet, **CONFIGURED)
    if owner is permissions.AllowAny:  # also once the view has been asked
        assert ask(view).status == 200
    monkeypatch.setattr(owner, hook, deny, raising=False)
    assert ask(view).status == 403
    assert ran_on == ["event loop"]


PARTS = [
    ("", Listed, "get_queryset"),
    ("", Listed, "get_serializer_class"),
    ("authentication_classes", BasicAuthentication, "authenticate"),
    ("filter_backends", filters.SearchFilter, "filter_queryset"),
    ("pagination_class", Pages, "paginate_queryset"),
    ("permission_classes", permissions.IsAuthenticatedOrReadOnly, "has_permission"),
    ("serializer_class", ProductSerializer, "to_representation"),
    ("throttle_classes", throttling.AnonRateThrottle, "allow_request"),
]


@pytest.mark.parametrize("below", ["nothing", "def", "async def"])
@pytest.mark.parametrize("attribute, base, hook", PARTS)
def test_an_async_hook_asks_what_is_above_it_by_call_hook(attribute, base, hook, below):
    def calling_above(base, is_async):
        def sync_hook(self, *args, **kwargs):
            ran_on.append(where())
            return getattr(super(cls, self), hook)(*args, **kwargs)

        async def async_hook(self, *args, **kwargs):
            ran_on.append(where())
            return await call_hook(super(cls, self), hook, *args, **kwargs)

        cls = subclass(base, **{hook: async_hook if is_async else sync_hook})
        return cls

    def view_with(part):
        many = attribute.endswith(("classes", "backends"))
        return subclass(Listed, **{attribute: [part] if many else part}) if attribute else part

    ran_on.clear()
    middle = base if below == "nothing" else calling_above(base, is_async=below == "async def")
    view = view_with(calling_above(middle, is_async=True))
    assert json_of_both(view) == json_of_both(view_with(base))
    expected = {"event loop", "worker thread"} if below == "def" else {"event loop"}
    assert set(ran_on) == expected


def test_a_dispatch_of_ones_own_stays_on_the_event_loop_after_that_of_the_base():
    class View(Listed):
        async def dispatch(self, request, *args, **kwargs):
            before, _ = where(), await super().dispatch(request, *args, **kwargs)
            return HttpResponse("%s, %s" % (before, where()))

    assert ask(View).body == b"event loop, event loop"
