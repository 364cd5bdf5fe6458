# SPDX-License-Identifier: MIT
"""ATOMIC_REQUESTS: several databases, requests at the same time, clients that go away."""

import asyncio
import contextlib
import contextvars
import functools
import threading
import time
from unittest import mock

import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.core.handlers import asgi
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished
from django.db import connection, connections, transaction
from django.test import override_settings
from django.urls import path
from django.views.decorators.http import require_http_methods
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory

from restflow_generics import AsyncAPIView, AsyncCreateAPIView
from shop import Category, Product, ProductSerializer
from tools import (
    Opened,
    ProductView,
    Refused,
    SyncProductView,
    ask,
    exchange,
    mounted,
    names_created,
    reset_shop,
    until,
    where,
)


@pytest.fixture(params=["sync", "async", "sync in async", "async in sync", "serializer"])
def write_and_fail(request, atomic_requests):
    """A view whose hooks write in various ways, and fail as the client says."""

    def write(name):
        assert where() == "worker thread" and connection.in_atomic_block
        Product.objects.create(name=name)

    def fail(request):
        if "api" in request.query_params:
            raise exceptions.ValidationError("No.")
        if "error" in request.query_params:
            raise Refused

    class Sync(ProductView):
        def perform_create(self, serializer):
            write("first")
            super().perform_create(serializer)
            write("last")
            fail(self.request)

    class Async(ProductView):
        async def aperform_create(self, serializer):
            await sync_to_async(write)("first")
            await super().aperform_create(serializer)
            await asyncio.sleep(0.01)
            await sync_to_async(write)("last")
            fail(self.request)

    class SyncInAsync(Sync):
        async def create(self, request, *args, **kwargs):
            await sync_to_async(write)("around")
            return await super().create(request, *args, **kwargs)

    class AsyncInSync(Async):
        def create(self, request, *args, **kwargs):
            write("around")
            return super().create(request, *args, **kwargs)

    class Serializer(ProductSerializer):
        def create(self, validated_data):
            write("first")
            instance = super().create(validated_data)
            write("last")
            fail(self.context["request"])
            return instance

    class OnlyConfigured(AsyncCreateAPIView):
        serializer_class = Serializer

    views = [Sync, Async, SyncInAsync, AsyncInSync, OnlyConfigured]
    return views[request.param_index]


def test_atomic_requests_commits_a_response_and_rolls_an_error_back(write_and_fail):
    assert ask(write_and_fail, "POST", "/?api", data={"name": "Cup"}).status == 400
    assert names_created() == []
    assert ask(write_and_fail, "POST", "/?error", data={"name": "Cup"}, raises=False).status == 500
    assert names_created() == []
    assert ask(write_and_fail, "POST", data={"name": "Cup"}).status == 201
    assert set(names_created()) - {"around"} == {"Cup", "first", "last"}


@pytest.mark.parametrize("how", ["api", "error"])
@pytest.mark.parametrize("written_by", ["handler", "async handler", "serializer"])
def test_each_database_that_has_the_setting_has_a_transaction(written_by, how, atomic_requests):
    def write_and_fail(request):
        for alias in connections:
            Category.objects.using(alias).create(name=alias)
        if how in request.query_params:
            raise exceptions.ValidationError("No.") if how == "api" else Refused

    class View(AsyncAPIView):
        def post(self, request):
            write_and_fail(request)
            return Response()

    class AsyncView(AsyncAPIView):
        async def post(self, request):
            await sync_to_async(write_and_fail)(request)
            return Response()

    class Serializer(serializers.Serializer):
        def create(self, validated_data):
            write_and_fail(self.context["request"])
            return validated_data

    class OnlyConfigured(AsyncCreateAPIView):
        serializer_class = Serializer

    def written():
        kept = {a for a in connections if Category.objects.using(a).filter(name=a).delete()[0]}
        connections.close_all()
        return kept

    views = {"handler": View, "async handler": AsyncView, "serializer": OnlyConfigured}
    view = views[written_by]
    ask(view, "POST", "/?" + how, raises=False)
    assert written() == {"other"}  # as it does not have the setting
    with mock.patch.dict(connections.settings["other"], ATOMIC_REQUESTS=True):
        ask(view, "POST", "/?" + how, raises=False)
        assert written() == set()
        assert ask(view, "POST").status in (200, 201)
        assert written() == {"default", "other"}


@pytest.mark.parametrize("is_atomic", [False, True])
@pytest.mark.parametrize("durable", [False, True])
def test_atomic_blocks_within_are_those_of_drfs_views(durable, is_atomic, atomic_requests):
    def create(self, request, *args, **kwargs):
        with transaction.atomic(durable=durable):
            self.create_product("kept")
        with contextlib.suppress(Refused), transaction.atomic():
            self.create_product("rolled back")
            raise Refused
        return Response(status=201)

    def create_product(self, name):
        Product.objects.create(name=name)

    async def async_create_product(self, name):
        await sync_to_async(Product.objects.create)(name=name)

    outcomes = []
    for base, hook in [
        (SyncProductView, create_product),
        (ProductView, create_product),
        (ProductView, lambda self, name: async_to_sync(async_create_product)(self, name)),
    ]:
        view = type("View", (base,), {"create": create, "create_product": hook}).as_view()
        view = view if is_atomic else transaction.non_atomic_requests(view)
        outcomes.append([ask(view, "POST", raises=False).status, names_created()])
        reset_shop()
    expected = [500, []] if durable and is_atomic else [201, ["kept"]]
    assert outcomes == [expected] * 3


@contextlib.asynccontextmanager
async def shared_thread():
    yield


# Django 3.2 runs the sync code of all requests in one thread.
@pytest.mark.parametrize("context", [ThreadSensitiveContext, shared_thread])
def test_two_requests_at_the_same_time_never_share_a_transaction(context, atomic_requests):
    opened = []
    is_shared = context is shared_thread or not hasattr(asgi, "ThreadSensitiveContext")
    at_once, one_by_one = (1, range(8)) if is_shared else (8, ())

    class View(ProductView):
        async def aperform_create(self, serializer):
            opened.append(await sync_to_async(lambda: connection.connection)())
            name = serializer.validated_data["name"]
            # All have their transaction by now. One after the other writes, as SQLite wants it.
            await until(lambda: len(opened) >= at_once and ended in (int(name), *one_by_one))
            await serializer.asave()
            if at_once == 8:
                assert await sync_to_async(names_created)() == committed + [name]
            if int(name) % 2:
                raise exceptions.ValidationError("No.")

    async def create(number):
        nonlocal ended
        answer = await exchange(ASGIHandler(), "POST", "/", data={"name": str(number)})
        if answer.status == 201:
            committed.append(str(number))
        ended += 1

    async def create_all():
        await asyncio.wait_for(asyncio.gather(*map(create, range(8))), 60)

    ended, committed = 0, []
    has_threads = mock.patch.object(asgi, "ThreadSensitiveContext", context, create=True)
    with override_settings(ROOT_URLCONF=mounted(View)), has_threads:
        # Not in this context: asgiref 3.8 lets all copies share what sync tests left in it.
        contextvars.Context().run(asyncio.run, create_all())
    if not is_shared:
        assert len(set(map(id, opened))) == 8
    assert sorted(committed) == names_created() == ["0", "2", "4", "6"]


# A client that goes away


cancels_requests = pytest.mark.skipif(
    not hasattr(ASGIHandler, "listen_for_disconnect"),
    reason="Django 5.0 is the first to cancel a request whose client has gone away",
)


async def create_and_go_away(moment):
    """Post a product, and disconnect when `moment()` is over; return whether it was answered."""
    messages = [{"type": "http.request", "body": b'{"name": "Cup"}'}]
    answer = []

    async def receive():
        if not messages:
            await moment()
            return {"type": "http.disconnect"}
        return messages.pop()

    async def send(message):
        answer.append(message)

    headers = [(b"host", b"testserver"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b""}
    scope["headers"] = [*headers, (b"content-length", b"15")]
    tasks, threads = asyncio.all_tasks(), threading.active_count()
    await ASGIHandler()(scope, receive, send)
    await asyncio.wait_for(until(lambda: threading.active_count() == threads), 5)
    assert asyncio.all_tasks() == tasks
    return bool(answer)


@cancels_requests
def test_a_client_that_goes_away_at_any_moment_leaves_all_of_its_request_or_nothing(write_and_fail):
    outcomes, turns = set(), 0

    async def some_turns_of_the_event_loop():
        for _ in range(turns):
            await asyncio.sleep(0)

    with override_settings(ROOT_URLCONF=mounted(write_and_fail)):
        while (True, True) not in outcomes or turns < 100:
            is_answered = asyncio.run(create_and_go_away(some_turns_of_the_event_loop))
            rows = Product.objects.filter(id__gt=3)
            written = set(rows.values_list("name", flat=True))
            assert written - {"around"} in (set(), {"Cup", "first", "last"})
            outcomes.add((is_answered, bool(written)))
            rows.delete()
            turns += 1 + turns // 10
    assert outcomes >= {(False, False), (True, True)}


@cancels_requests
@pytest.mark.parametrize("is_async", [False, True])
def test_a_client_that_goes_away_as_sync_code_gets_its_answer_does_so_too(
    is_async, atomic_requests
):
    class View(ProductView):
        def create(self, request, *args, **kwargs):
            self.perform_create(None)
            return Response(status=201)

        async def aperform_create(self, serializer):
            await sync_to_async(Product.objects.create)(name="Cup")
            # The thread that waits for this hook is busy with something when it ends.
            asyncio.ensure_future(sync_to_async(time.sleep)(0.05))
            await asyncio.sleep(0.01)
            leaving.set()

        if is_async:

            async def post(self, request, *args, **kwargs):
                return await self.create(request, *args, **kwargs)

    async def leave():
        nonlocal leaving
        leaving = asyncio.Event()
        await create_and_go_away(leaving.wait)

    leaving, finished = None, mock.Mock()
    request_finished.connect(finished)
    with override_settings(ROOT_URLCONF=mounted(View)):
        asyncio.run(leave())
    request_finished.disconnect(finished)
    assert finished.call_count == 1
    assert names_created() in ([], ["Cup"])


def test_a_view_that_was_not_called_leaves_no_transaction_to_the_next(atomic_requests):
    never_called = require_http_methods(["POST"])(Opened.as_view())
    opts_out = transaction.non_atomic_requests(Opened.as_view())
    urls = (path("never/", never_called), path("out/", opts_out), path("in/", Opened.as_view()))
    # The requests have one context, as those of a WSGI server's thread.
    get = functools.partial(contextvars.copy_context().run, APIClient().get)
    with override_settings(ROOT_URLCONF=urls):
        assert [get("/never/").status_code for _ in range(2)] == [405, 405]
        assert get("/out/").json() is False
        assert get("/never/").status_code == 405
        assert get("/in/").json() is True


def test_a_view_that_is_called_by_somebody_else_than_django_opens_none(atomic_requests):
    assert Opened.as_view()(APIRequestFactory().get("/")).data is False

    class Inner(AsyncAPIView):
        def get(self, request):
            return Response(len(connection.savepoint_ids))

    class Outer(AsyncAPIView):
        def get(self, request):
            return Inner.as_view()(request._request)

    assert ask(Outer).json == 0
