# SPDX-License-Identifier: MIT
"""
Let requests under ASGI take turns with a few threads, instead of a new thread for each.

Copy the class to your `asgi.py`. It needs asgiref 3.13 or newer:

    application = TakeTurns(get_asgi_application())

With it `CONN_MAX_AGE` works under ASGI, too: a thread keeps its connection for the next request.
Without it leave that at 0, as Django leaves connections behind when a request's thread ends. It
knows nothing of DRF. A task that outlives its request can call no sync code any more.
"""

from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import ThreadSensitiveContext
from django.db import connections


class TakeTurns:
    def __init__(self, application, keep=32):
        self.application, self.keep, self.idle = application, keep, []

    async def __call__(self, scope, receive, send):
        executor = self.idle.pop() if self.idle else ThreadPoolExecutor(max_workers=1)
        try:
            async with ThreadSensitiveContext(executor=executor):
                await self.application(scope, receive, send)
        finally:
            if len(self.idle) < self.keep:
                self.idle.append(executor)
            else:
                executor.submit(connections.close_all)
                executor.shutdown(wait=False)
