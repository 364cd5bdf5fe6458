# SPDX-License-Identifier: MIT
"""
Measure what async buys: a view that asks three services, each of which takes 100 ms.

    python .ci/gains.py                              # five minutes, on SQLite; prints Markdown
    python .ci/gains.py --picture                    # and draws `.ci/gains.svg`, for the README
    python .ci/postgres.py python .ci/gains.py       # on PostgreSQL, with its connections

A view of DRF's asks the services one after the other, as sync code does. The async ones ask all
three at once, with `asyncio.gather` and one shared session of aiohttp's. Then each asks the
database. The last rows are of a view that only uses the ORM, and so has nothing to gain.

(Not with an `httpx.AsyncClient`: what a call costs there grows with the calls that are under way.
It took 1.9 ms of CPU time with 3 at once, and 9 ms with 96; aiohttp took 0.6 and 0.2 ms.)

Each row has a server process of its own, with one worker, and clients that ask again as soon as
they have their answer. The services and the clients are other processes: with two CPUs, they take
some of what the server could use. Nothing here passes or fails.
It wants `pip install -e '.[gains,ecosystem]'`.
"""

import argparse
import asyncio
import collections
import contextlib
import functools
import importlib.metadata
import os
import pathlib
import platform
import socket
import statistics
import sys
import tempfile
import time
from datetime import date

import aiohttp
import psutil
import urllib3
from aiohttp import web

HERE = pathlib.Path(__file__).resolve().parent
IS_SERVER = "GAINS_SERVICE" in os.environ
SERVICES = [os.environ.get("GAINS_SERVICE", "") + name for name in ("stock", "price", "rating")]
CLIENTS = (1, 32, 256)
PICTURED = (1, 8, 16, 32, 64, 128, 256)
UVICORN = [sys.executable, "-m", "uvicorn", "--log-level", "error", "--app-dir", str(HERE)]
GUNICORN = [sys.executable, "-m", "gunicorn", "--log-level", "error", "--chdir", str(HERE)]
GUNICORN += ["--worker-class", "gthread", "--threads", "8"]
Row = collections.namedtuple("Row", "view url server application database")


# The project that is served, by `uvicorn gains:asgi` and the like


def make_project():
    import shop  # which configures Django first

    # isort: split
    import adrf.views
    import restflow.views
    from django.conf import settings
    from django.core.handlers.asgi import ASGIHandler
    from django.core.handlers.wsgi import WSGIHandler
    from django.urls import path
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from restflow_generics import AsyncAPIView
    from take_turns import TakeTurns

    pool = urllib3.PoolManager(maxsize=256)

    @functools.cache  # It is made by the first request, on the event loop.
    def session():
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def ask(url):
        async with session().get(url) as answer:
            return await answer.json()

    class Offer(APIView):
        def get(self, request):
            answers = [pool.request("GET", url).json() for url in SERVICES]
            return Response({"answers": answers, "products": shop.Product.objects.count()})

    class AsyncOffer:
        async def get(self, request):
            answers = await asyncio.gather(*map(ask, SERVICES))
            return Response({"answers": answers, "products": await shop.Product.objects.acount()})

    class Count(APIView):
        def get(self, request):
            return Response({"products": shop.Product.objects.count()})

    class AsyncCount(AsyncAPIView):
        async def get(self, request):
            return Response({"products": await shop.Product.objects.acount()})

    views = {"drf": Offer, "drf-orm": Count, "ours-orm": AsyncCount}
    bases = {"ours": AsyncAPIView, "adrf": adrf.views.APIView}
    bases["drf-restflow"] = restflow.views.AsyncAPIView
    views.update((name, type("View", (AsyncOffer, base), {})) for name, base in bases.items())
    urls = type(sys)("gains_urls")
    urls.urlpatterns = [path(name + "/", view.as_view()) for name, view in views.items()]
    settings.ROOT_URLCONF = urls
    if os.environ["GAINS_DATABASE"] == "pool":
        settings.DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"max_size": 32}
    elif os.environ["GAINS_DATABASE"] == "CONN_MAX_AGE":
        settings.DATABASES["default"]["CONN_MAX_AGE"] = 60
    return ASGIHandler(), WSGIHandler(), TakeTurns(ASGIHandler())


if IS_SERVER:
    asgi, wsgi, taking_turns = make_project()


# The services, the server and the clients


@contextlib.asynccontextmanager
async def slow_services():
    async def answer(request):
        await asyncio.sleep(0.1)
        return web.json_response({"name": request.path, "value": 1})

    services = web.Application()
    services.router.add_get("/{name}", answer)
    runner = web.AppRunner(services)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://127.0.0.1:%d/" % runner.addresses[0][1]
    await runner.cleanup()


@contextlib.asynccontextmanager
async def serving(row, services):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ["--bind", "127.0.0.1:%d" % port] if row.server is GUNICORN else ["--port", str(port)]
    environment = dict(os.environ, GAINS_SERVICE=services, GAINS_DATABASE=row.database)
    command = [*row.server, *where, "gains:" + row.application]
    process = psutil.Popen(command, env=environment)
    url = "http://127.0.0.1:%d/%s/" % (port, row.url)
    try:
        async with aiohttp.ClientSession() as session:
            for _ in range(300):
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with session.get(url) as answer:
                        assert answer.status == 200, await answer.text()
                        break
                await asyncio.sleep(0.1)
        yield url, process
    finally:
        process.terminate()
        process.wait(30)


async def ask_again_and_again(url, process, clients, seconds):
    """Return the times, the requests a second, and the most threads and megabytes meanwhile."""
    times, threads, megabytes = [], [], []
    processes = [process, *process.children()]  # gunicorn's worker is a child of it
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        begin = time.monotonic()

        async def client():
            while time.monotonic() < begin + seconds:
                start = time.monotonic()
                async with session.get(url) as answer:
                    assert answer.status == 200, await answer.text()
                    await answer.read()
                times.append(time.monotonic() - start)

        asking = asyncio.gather(*(client() for _ in range(clients)))
        while not asking.done():
            threads.append(processes[-1].num_threads())
            megabytes.append(processes[-1].memory_info().rss / 2**20)
            await asyncio.wait([asking], timeout=0.5)
        await asking
    # Those under way at the end are waited for.
    return times, len(times) / (time.monotonic() - begin), max(threads), max(megabytes)


# The command


def make_rows(is_postgresql):
    on_uvicorn, on_gunicorn = "uvicorn", "gunicorn, 8 threads"
    rows = [
        Row(f"DRF's sync view, {on_gunicorn}", "drf", GUNICORN, "wsgi", ""),
        Row(f"DRF's sync view, {on_uvicorn}", "drf", UVICORN, "asgi", ""),
        Row(f"this module, {on_uvicorn}", "ours", UVICORN, "asgi", ""),
        Row(f"this module, {on_uvicorn}, `TakeTurns`", "ours", UVICORN, "taking_turns", ""),
        Row(f"adrf, {on_uvicorn}", "adrf", UVICORN, "asgi", ""),
        Row(f"drf-restflow, {on_uvicorn}", "drf-restflow", UVICORN, "asgi", ""),
        Row(f"only the ORM: DRF's sync view, {on_uvicorn}", "drf-orm", UVICORN, "asgi", ""),
        Row(f"only the ORM: this module, {on_uvicorn}", "ours-orm", UVICORN, "asgi", ""),
    ]
    if is_postgresql:
        rows += [rows[2]._replace(view=rows[2].view + ", a pool of 32", database="pool")]
        with_age = rows[3].view + ", `CONN_MAX_AGE`"
        rows += [rows[3]._replace(view=with_age, database="CONN_MAX_AGE")]
    return rows


async def measure(rows, options):
    """Print a row of the table for each row; return the medians, for the picture."""
    medians = {}
    async with slow_services() as services:
        for number, row in enumerate(rows):
            cells, medians[row.view] = [], {}
            counts = PICTURED if options.picture and number < 3 else CLIENTS
            async with serving(row, services) as (url, process):
                await ask_again_and_again(url, process, 32, 1)  # warms up
                for clients in counts:
                    taken = await ask_again_and_again(url, process, clients, options.seconds)
                    times, per_second, threads, megabytes = taken
                    medians[row.view][clients] = 1000 * statistics.median(times)
                    if clients in CLIENTS:
                        late = 1000 * sorted(times)[len(times) * 99 // 100]
                        cells.append(f"{medians[row.view][clients]:.0f} / {late:.0f} ms")
                        cells.append(f"{per_second:.0f}")
            print(f"| {' | '.join([row.view, *cells, str(threads), f'{megabytes:.0f}'])} |")
            sys.stdout.flush()
    return medians


def draw(medians, path):
    """Draw the picture, in colours that can be read on white and on black."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "gains"})
    matplotlib.rcParams.update(dict.fromkeys(["text.color", "axes.labelcolor"], "#808080"))
    matplotlib.rcParams.update(dict.fromkeys(["xtick.color", "ytick.color"], "#808080"))
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3))
    for (view, by_clients), color in zip(medians.items(), ["#d9730d", "#b58900", "#2f80d0"]):
        axes.plot([*by_clients], [*by_clients.values()], "o-", color=color, label=view)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(PICTURED, map(str, PICTURED))
    axes.set_yticks([100, 300, 1000, 3000, 10000], ["0.1", "0.3", "1", "3", "10"])
    axes.minorticks_off()
    axes.set(xlabel="clients at once", ylabel="response time, seconds")
    axes.spines[:].set_color("#808080")
    axes.grid(color="#80808040")
    axes.legend(frameon=False)
    figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})


def main():
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--seconds", type=float, default=8, help="ask for so long each time")
    parser.add_argument("--picture", action="store_true", help="draw `.ci/gains.svg`")
    parser.add_argument("--row", default="", help="only the rows with these words in their name")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/shop.sqlite3")
        make_tables()
        database = os.environ["DATABASE_URL"].partition(":")[0]
        print(f"{date.today()}, {database}, {os.cpu_count()} CPUs")
        print(f"Python {platform.python_version()}")
        packages = "django djangorestframework asgiref aiohttp urllib3 uvicorn gunicorn adrf"
        print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages.split()))
        heads = [f"{clients} at once: p50 / p99 | requests a second" for clients in CLIENTS]
        print(f"\n| {' | '.join(['', *heads, 'threads, at most', 'MB'])} |")
        print("| --- " + "| ---: " * (2 * len(CLIENTS) + 2) + "|")
        rows = [row for row in make_rows(database != "sqlite") if options.row in row.view]
        medians = asyncio.run(measure(rows, options))
    if options.picture:
        draw(dict(list(medians.items())[:3]), HERE / "gains.svg")


def make_tables():
    import shop

    # isort: split
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    if shop.Product._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(shop.Category)
            editor.create_model(shop.Product)


if __name__ == "__main__":
    main()
