# SPDX-License-Identifier: MIT
"""Decorators around views, and in them, do what they do with DRF's sync views."""

import asyncio
import functools

import pytest
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import etag, require_http_methods
from rest_framework import generics
from rest_framework.test import APIClient, APIRequestFactory

from restflow_generics import AsyncListAPIView
from shop import Product, ProductSerializer
from tools import ProductView, ask, mounted


def note_in_header(view):
    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        count = Product.objects.count()
        response = view(request, *args, **kwargs)
        response["X-Count"] = count
        return response

    return wrapper


DECORATORS = [
    note_in_header,
    never_cache,
    cache_page(60),
    etag(lambda *args, **kwargs: '"1"'),
    require_http_methods(["GET"]),
    login_required,
    permission_required("auth.add_user", raise_exception=True),
    transaction.atomic,
    lambda view: note_in_header(cache_page(60)(view)),
    lambda view: login_required(note_in_header(never_cache(view))),
]


@pytest.mark.parametrize("where_", ["url", "dispatch", "get", "list"])
@pytest.mark.parametrize("decorator", DECORATORS)
def test_decorators_judge_and_answer_as_around_drfs_view(decorator, where_):
    def answers(base):
        view = type(
            "View", (base,), {"queryset": Product.objects.all(), "authentication_classes": []}
        )
        view.serializer_class = ProductSerializer
        if where_ == "url":
            view = decorator(view.as_view())
        else:
            view = method_decorator(decorator, name=where_)(view)
        for user in ("ann", "bob", "nobody"):
            cache.clear()
            with override_settings(MIDDLEWARE=["tools.HasUser"]):
                answer = ask(view, headers={"X-User": user}, raises=False)
            answer.headers.pop("Expires", None)
            yield answer.status, answer.headers, answer.body
        request = APIRequestFactory().get("/")
        request.user = User.objects.get(username="ann")
        try:
            response = (view if where_ == "url" else view.as_view())(request)
            yield response.status_code, getattr(response, "data", None)
        except Exception as error:
            yield repr(error)

    User.objects.filter(username="ann").update(is_superuser=True)
    assert list(answers(AsyncListAPIView)) == list(answers(generics.ListAPIView))


@pytest.mark.parametrize(
    "decorator",
    [
        cache_page(60),
        never_cache,
        csrf_exempt,
        require_http_methods(["GET"]),
        transaction.atomic,
        note_in_header,
    ],
)
def test_sync_decorators_around_the_view_of_a_url(decorator):
    view = decorator(ProductView.as_view())
    assert len(ask(view).json) == 3
    with override_settings(ROOT_URLCONF=mounted(view)):
        assert len(APIClient().get("/").data) == 3
    assert ("X-Count" in ask(view).headers) == (decorator is note_in_header)


def test_a_cache_around_a_hook_stays_what_it_is():
    class View(ProductView):
        @functools.lru_cache(maxsize=None)  # noqa: B019
        def look_up(self):
            return "Tea"

        get_view_name = look_up

    View.as_view()
    assert View.get_view_name.cache_info().currsize == 0


def test_helpers_of_components_may_have_any_decorator():
    class Serializer(ProductSerializer):
        @transaction.atomic
        @run_in_sync_code
        async def store(self):
            return 1

    assert Serializer().store() == 1


def run_in_sync_code(function):
    @functools.wraps(function)
    def run(*args, **kwargs):
        return asyncio.run(function(*args, **kwargs))

    return run
