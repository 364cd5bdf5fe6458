# SPDX-License-Identifier: MIT
"""
Measure these views against DRF's sync ones, drf-restflow's and adrf's.

    python .ci/benchmark.py [cpu|http|waiting|loop]

cpu      CPU time of a request through Django's ASGI handler, as a ratio to DRF's sync view
http     throughput and latency of a real server, at 1, 8 and 64 connections
waiting  500 requests at once, each of which waits for something: the time, and the threads
loop     how long heavy sync work keeps the event loop from everything else

Without a name, all four run. It wants uvicorn and psutil, and compares drf-restflow and adrf
where they are installed. The "DRF again" of the tables is the same view as "DRF" once more:
what it differs by is noise. Of other work on the machine, `cpu` feels little and the rest a lot.
"""

import argparse
import asyncio
import contextlib
import gc
import importlib.metadata
import itertools
import json
import multiprocessing
import os
import pathlib
import platform
import random
import re
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections import namedtuple
from datetime import date

HERE = pathlib.Path(__file__).resolve().parent
MODULE = HERE.parent / "restflow_generics.py"
MEMORY = pathlib.Path("/dev/shm")  # a file system in memory, where there is one
SPAWN = multiprocessing.get_context("spawn")  # whose processes start afresh
run = asyncio.new_event_loop().run_until_complete  # one for all: making one is no part of a request
PACKAGES = ("django", "djangorestframework", "asgiref", "uvicorn", "drf-restflow", "adrf")
ROWS = 30
JSON = {"Content-Type": "application/json"}
PRODUCT = {"name": "Earl Grey tea", "description": "Black", "price": "4.50", "category": 1}
FLOWS = {  # method, URL and body
    "list": ("GET", "", b""),
    "retrieve": ("GET", "7/", b""),
    "create": ("POST", "", json.dumps(PRODUCT).encode()),
    "update": ("PUT", "7/", json.dumps(PRODUCT).encode()),
    "destroy": ("DELETE", "{}/", b""),
}

Contender = namedtuple("Contender", "generics views serializers prefix flows")


# The command


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("part", nargs="?", choices=list(PARTS), help="run only this part")
    parser.add_argument("--rounds", type=int, help="measure so many times")
    parser.add_argument("--requests", type=int, help="so many requests each time")
    parser.add_argument("--module", default=MODULE, help="measure this copy of the module")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    options = parser.parse_args()

    versions = [f"{date.today()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} is not installed and left out")
    print(", ".join(versions), flush=True)
    for part in [options.part] if options.part else PARTS:
        process = SPAWN.Process(target=run_part, args=(part, options))
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(process.exitcode)


def run_part(part, options):
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as options.folder:
        shutil.copy(options.module, os.path.join(options.folder, "restflow_generics.py"))
        set_up(options.folder)
        # SQLite cleans up whenever the last connection closes: that of this thread stays open.
        shop.connection.cursor().execute("PRAGMA journal_mode=WAL")
        shop.make_shop()
        shop.Category.objects.create(pk=1, name="Tea")
        PARTS[part](options)


def measured(rounds, names, measure):
    """What `measure` gave for each name, round by round."""
    results = {name: [] for name in names}
    for _ in range(1 + rounds):
        for name in random.sample(names, len(names)):  # It feels what came right before it.
            results[name].append(measure(name))
    return {name: results[name][1:] for name in names}  # The first round has warmed up.


def print_table(options, heading, header, cells):
    rows = [["", *header], *([name.replace("_", " "), *cells[name]] for name in cells)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    print(f"\n{heading}\n")
    for number, (name, *figures) in enumerate(rows):
        row = [name.ljust(widths[0]), *map(str.rjust, figures, widths[1:])]
        print(f"| {' | '.join(row)} |" if options.markdown else "  ".join(row).rstrip(), flush=True)
        if options.markdown and number == 0:
            print("| --- |" + " ---: |" * len(header))


# The shop of the tests, and the views of each contender


def set_up(folder):
    """Import the shop, with the copy of the module and the database in this folder."""
    global shop
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/shop.sqlite3"
    sys.path[:0] = [folder, str(HERE.parent)]
    import test_restflow_generics as shop

    # Neither the disk is to decide, nor who waits for whom to write.
    sqlite = {"init_command": "PRAGMA synchronous=OFF", "timeout": 60}
    shop.connection.settings_dict["OPTIONS"].update(sqlite)
    shop.settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None


def fill_table(count):
    shop.Product.objects.all().delete()
    shop.Product.objects.bulk_create(
        shop.Product(pk=number, name=f"Tea {number}", price=number % 100, category_id=1)
        for number in range(1, count + 1)
    )


def find_contenders():
    from rest_framework import generics, serializers, views

    import restflow_generics as ours

    drf = Contender(generics, views, serializers, "", FLOWS)
    contenders = {"DRF": drf, "DRF_again": drf}
    contenders["this_module"] = Contender(ours, ours, serializers, "Async", FLOWS)
    with contextlib.suppress(ImportError):
        from restflow import views as theirs

        contenders["drf-restflow"] = Contender(theirs, theirs, serializers, "Async", FLOWS)
    with contextlib.suppress(ImportError):
        import adrf.generics
        import adrf.serializers

        # In its documentation, the generic views come with its own serializers. They read much
        # faster with DRF's; but cannot write with these, which have no `asave`.
        reads = ("list", "retrieve", "destroy")
        drfs = Contender(adrf.generics, adrf.views, serializers, "", reads)
        own = Contender(adrf.generics, adrf.views, adrf.serializers, "", FLOWS)
        contenders.update({"adrf": own, "adrf_with_DRF_serializer": drfs})
    return contenders


def make_application(contenders, middleware=True):
    """Django's ASGI handler, with or without the shop's middleware."""
    views = {"waiting/plain_async_view/": wait}
    for name, contender in contenders.items():
        for url, view in make_views(contender, is_async=not name.startswith("DRF")).items():
            views[url.format(name)] = view.as_view()
    shop.settings.ROOT_URLCONF = tuple(shop.path(url, views[url]) for url in views)
    middleware = shop.settings.MIDDLEWARE if middleware else []
    with shop.override_settings(MIDDLEWARE=middleware):
        return shop.ASGIHandler()


async def wait(request):
    await asyncio.sleep(0.2)
    return shop.HttpResponse()


def make_views(contender, is_async):
    from rest_framework import filters, pagination, parsers, renderers, serializers

    def view(name, **attributes):
        module = contender.views if name == "APIView" else contender.generics
        return type(name, (getattr(module, contender.prefix + name),), attributes)

    class ProductSerializer(contender.serializers.ModelSerializer):
        Meta = shop.ProductSerializer.Meta

    class RowSerializer(contender.serializers.Serializer):
        name = serializers.CharField(max_length=80)
        price = serializers.DecimalField(max_digits=8, decimal_places=2)
        stock = serializers.IntegerField(min_value=0)
        day = serializers.DateField()

    class ImportSerializer(contender.serializers.Serializer):
        rows = RowSerializer(many=True, write_only=True)
        count = serializers.IntegerField(read_only=True)

        def create(self, validated_data):
            return {"count": len(validated_data["rows"])}

        async def acreate(self, validated_data):  # which adrf calls
            return self.create(validated_data)

    async def get(self, request):
        return shop.Response(await asyncio.sleep(0.2))

    def sync_get(self, request):
        return shop.Response(time.sleep(0.2))

    def get_queryset(self):
        time.sleep(0.3)
        return shop.Product.objects.filter(pk__lte=ROWS)

    every = {"queryset": shop.Product.objects.all(), "serializer_class": ProductSerializer}
    # What DRF has by default, such as sessions and basic authentication, and the usual filters.
    stock = {"filter_backends": [filters.SearchFilter, filters.OrderingFilter]}
    stock.update(search_fields=["name", "description"], ordering_fields=["name", "price"])
    stock.update(every, pagination_class=pagination.PageNumberPagination)
    bare = dict(stock, filter_backends=[], authentication_classes=[], permission_classes=[])
    bare.update(throttle_classes=[], renderer_classes=[renderers.JSONRenderer])
    bare.update(parser_classes=[parsers.JSONParser])
    # Overridden as in many a project: the others' async views pass over these.
    hooks = {
        "get_queryset": lambda self: shop.Product.objects.all(),
        "perform_create": lambda self, serializer: serializer.save(),
        "perform_update": lambda self, serializer: serializer.save(),
        "perform_destroy": lambda self, instance: instance.delete(),
    }
    return {
        "overridden/{}/": view("ListCreateAPIView", **stock, **hooks),
        "overridden/{}/<int:pk>/": view("RetrieveUpdateDestroyAPIView", **stock, **hooks),
        "stock/{}/": view("ListCreateAPIView", **stock),
        "stock/{}/<int:pk>/": view("RetrieveUpdateDestroyAPIView", **stock),
        "bare/{}/": view("ListCreateAPIView", **bare),
        "bare/{}/<int:pk>/": view("RetrieveUpdateDestroyAPIView", **bare),
        "waiting/{}/": view("APIView", get=get if is_async else sync_get),
        "import/{}/": view("CreateAPIView", serializer_class=ImportSerializer),
        "everything/{}/": view("ListAPIView", **every),
        "sleep/{}/": view("ListAPIView", **every, get_queryset=get_queryset),
    }


def prepare(url, flow, count):
    """Make the rows afresh, and this many requests."""
    fill_table(ROWS + count if flow == "destroy" else ROWS)
    method, key, body = FLOWS[flow]
    return [(method, url + key.format(ROWS + 1 + number), body) for number in range(count)]


# Part 1: CPU time


def measure_cpu(options):
    rounds, count = max(options.rounds or 75, 2), options.requests or 10
    contenders = find_contenders()
    gc.disable()  # It collects before each batch, which is quick once all this is frozen.
    gc.freeze()
    for stack in ("stock", "bare", "overridden"):
        if stack == "overridden":
            contenders = {name: contenders[name] for name in ("DRF", "DRF_again", "this_module")}
        application = make_application(contenders, middleware=stack != "bare")
        cells = {name: [] for name in contenders}
        medians = {name: [] for name in contenders}
        for flow in FLOWS:
            racers = [name for name in contenders if flow in contenders[name].flows]
            check_answers(application, stack, flow, racers)

            def cpu_time(name, stack=stack, flow=flow, application=application):
                requests = prepare(f"/{stack}/{name}/", flow, count)
                gc.collect()
                start = time.process_time()
                run(exchange_all(application, requests))
                return (time.process_time() - start) / count

            times = measured(rounds, racers, cpu_time)
            for name in racers:
                ratios = [own / drf for own, drf in zip(times[name], times["DRF"])]
                low, median, high = statistics.quantiles(ratios, n=4)
                medians[name].append(median)
                cells[name].append(f"{median:.2f} ({low:.2f}-{high:.2f})")
            cells["DRF"][-1] = f"{1000 * statistics.median(times['DRF']):.2f} ms"
            for name in contenders.keys() - racers:
                cells[name].append("-")
        for name in contenders:
            mean = f"{statistics.geometric_mean(medians[name]):.3f}"
            cells[name].append(mean if len(medians[name]) == len(FLOWS) else "-")
        heading = f"CPU time on the {stack} stack: DRF's, and as ratios to it, median (quartiles); "
        heading += f"{rounds} rounds of {count} requests"
        print_table(options, heading, [*FLOWS, "geometric mean"], cells)


async def exchange_all(application, requests):
    for method, url, data in requests:
        answer = await shop.exchange(application, method, url, data, headers=JSON)
        assert answer.status < 300, (method, url, answer.status, answer.body)
    return answer


def check_answers(application, stack, flow, racers):
    """Everybody must answer like DRF, and leave the same rows behind."""
    answers = {}
    for name in racers:
        url = f"/{stack}/{name}/"
        answer = run(exchange_all(application, prepare(url, flow, 1)))
        body = re.sub(rb'"id":\d+', b"", answer.body) if flow == "create" else answer.body
        rows = shop.Product.objects.values_list("name", "description", "price", "category")
        answers[name] = (answer.status, body.replace(url.encode(), b"/"), list(rows))
        assert answers[name] == answers["DRF"], (stack, flow, answers)


# Parts 2 and 3: a real server


def serve(folder, pipe):
    import uvicorn

    set_up(folder)
    application = make_application(find_contenders())
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio leaves Nagle's delays on
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    pipe.send(listener.getsockname()[1])
    config = uvicorn.Config(application, access_log=False, log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


def measure_http(options):
    cases = [("stock", flow, n) for flow in ("list", "create") for n in (1, 8, 64)]
    measure_server(options, cases, options.rounds or 6, options.requests or 200)


def measure_waiting(options):
    count = options.requests or 500
    measure_server(options, [("waiting", "list", count)], options.rounds or 5, count)


def measure_server(options, cases, rounds, count):
    import psutil

    here, there = SPAWN.Pipe()
    server = SPAWN.Process(target=serve, args=(options.folder, there), daemon=True)
    server.start()  # It ends with this process.
    port, process = here.recv(), psutil.Process(server.pid)
    contenders = find_contenders()
    for kind, flow, connections in cases:

        def ask_server(name, kind=kind, flow=flow, connections=connections):
            time.sleep(0.2)  # until the threads of the one before have ended
            requests = prepare(f"/{kind}/{name}/", flow, count)
            return run(ask_all(port, process, requests, connections))

        racers = [name for name in contenders if flow in contenders[name].flows]
        racers += ["plain_async_view"] if kind == "waiting" else []
        cells = {}
        for name, results in measured(rounds, racers, ask_server).items():
            seconds, latencies, threads = zip(*results)
            percentiles = statistics.quantiles(itertools.chain(*latencies), n=100)
            median = statistics.median(seconds)
            cells[name] = [f"{median:.2f}", f"{max(seconds):.2f}", f"{count / median:.0f}"]
            cells[name] += [f"{1000 * percentiles[n - 1]:.1f}" for n in (50, 99)]
            cells[name].append(str(max(threads)))
        heading = f"A real server, {kind} views: {flow}, {connections} connections; "
        heading += f"{rounds} rounds of {count} requests"
        header = ["median s", "worst s", "requests/s", "p50 ms", "p99 ms", "threads"]
        print_table(options, heading, header, cells)


async def ask_all(port, process, requests, connections):
    """The seconds for all requests, those for each, and the most threads of the process."""
    todo, latencies, threads = iter(requests), [], 0

    async def ask_one_by_one(reader, writer):
        for request in todo:
            start = time.perf_counter()
            await ask(reader, writer, *request)
            latencies.append(time.perf_counter() - start)
        writer.close()

    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(connections)]
    start = time.perf_counter()
    asking = asyncio.gather(*(ask_one_by_one(*pair) for pair in opened))
    while not asking.done():
        threads = max(threads, process.num_threads())
        await asyncio.wait([asking], timeout=0.01)
    asking.result()
    return time.perf_counter() - start, latencies, threads


async def ask(reader, writer, method, url, data):
    # A client that costs next to nothing, as it shares the machine with the server.
    head = f"{method} {url} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
    assert head.split()[1] in (b"200", b"201"), (url, head, body)


# Part 4: what keeps the event loop


def measure_loop(options):
    rounds = options.rounds or 5
    contenders = find_contenders()
    application = make_application(contenders)
    fill_table(10_000)
    row = {"name": "Tea" * 25, "price": "4.50", "stock": 7, "day": "2026-01-01"}
    rows = json.dumps({"rows": [row] * 40_000}).encode()
    for key, flow, data, what in (
        ("import", "create", rows, f"{len(rows) / 1e6:.1f} MB of JSON are parsed and validated"),
        ("everything", "list", b"", "10,000 rows are listed on one page"),
        ("sleep", "list", b"", "a sync `get_queryset` sleeps for 0.3 s"),
    ):

        def ask_and_watch(name, key=key, flow=flow, data=data):
            gc.collect()
            if name == "no_request":
                return run(watch(asyncio.sleep(0.3)))
            request = (FLOWS[flow][0], f"/{key}/{name}/", data)
            return run(watch(exchange_all(application, [request])))

        racers = [name for name in contenders if flow in contenders[name].flows]
        cells = {}
        for name, results in measured(rounds, [*racers, "no_request"], ask_and_watch).items():
            taken, late = zip(*results)
            figures = (statistics.median(late), max(late), statistics.median(taken))
            cells[name] = [f"{1000 * figure:.0f}" for figure in figures]
        heading = f"How late a timer of 5 ms was at worst while {what}; {rounds} rounds"
        print_table(options, heading, ["median ms", "worst ms", "the request ms"], cells)


async def watch(work):
    """How long the work took, and how late a timer was at worst meanwhile."""
    clock, late = time.perf_counter, []

    async def tick():
        while True:
            due = clock() + 0.005
            await asyncio.sleep(0.005)
            late.append(clock() - due)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.05)
    start = clock()
    await work
    taken = clock() - start
    await asyncio.sleep(0.05)  # so that the timer sees the end of it
    ticking.cancel()
    return taken, max(late)


PARTS = {"cpu": measure_cpu, "http": measure_http, "waiting": measure_waiting, "loop": measure_loop}

if __name__ == "__main__":
    main()
