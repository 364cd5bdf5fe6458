# SPDX-License-Identifier: MIT
"""A request that is cancelled: sync code finishes first, and async code cleans up."""

import asyncio
import time

from restflow_generics import AsyncCreateAPIView
from shop import ProductSerializer
from tools import ProductView, cancelled_at, names_created, where


def test_a_view_that_is_only_configured_finishes_too():
    log = []

    class Serializer(ProductSerializer):
        def create(self, validated_data):
            log.append("begun")
            time.sleep(0.1)
            log.append("finished")
            return super().create(validated_data)

    class View(AsyncCreateAPIView):
        serializer_class = Serializer

    outcome = cancelled_at(View, lambda: log, "POST", data={"name": "Cup"})
    assert isinstance(outcome, asyncio.CancelledError)
    assert (log, names_created()) == (["begun", "finished"], ["Cup"])


def test_an_async_hook_is_cancelled_at_once_and_the_sync_code_around_it_cleans_up():
    log = []

    class View(ProductView):
        async def aperform_create(self, serializer):
            try:
                log.append("waits")
                await asyncio.sleep(10)
            finally:
                log.append("hook left on the " + where())

        def create(self, request, *args, **kwargs):
            try:
                return super().create(request, *args, **kwargs)
            finally:
                log.append("action left on the " + where())

    outcome = cancelled_at(View, lambda: log, "POST", data={"name": "Cup"})
    assert isinstance(outcome, asyncio.CancelledError)
    assert log == ["waits", "hook left on the event loop", "action left on the worker thread"]
