# SPDX-License-Identifier: MIT
"""
Show on PostgreSQL, through a real ASGI server, that nothing is lost and nothing half done.

    python .ci/postgres.py python .ci/stress.py [storm] [load] [bad] [connections]

storm        creates two rows a request, with ATOMIC_REQUESTS, and hangs up at random moments:
             there are both rows or none, and both where the answer was 201.
load         lists, retrieves, creates, patches and deletes for a while: the table ends up as
             the answers said, and the server's memory does not grow.
bad          sends what no view should accept: it gets the answers of DRF's sync view, no 5xx.
connections  uses pooled connections, and persistent ones where requests take turns with
             threads, as the README says: none is left behind.

Each scenario has a server process of its own, and empty tables; without a name, all four run.
The tables are made, or emptied, in the database of DATABASE_URL. The exit status is 1 if
anything promised is not so. Wants psycopg with its pool, httpx, psutil, and Django 5.0 or newer,
which cancels a request whose client has hung up.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import logging
import os
import pathlib
import random
import re
import socket
import statistics
import struct
import sys
import tempfile
import time

import httpx
import psutil

import shop  # which configures Django first

# isort: split
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.db import connection
from django.urls import include, path
from rest_framework import exceptions, filters, parsers, routers, serializers, viewsets

from restflow_generics import AsyncCreateAPIView, AsyncModelViewSet

HERE = pathlib.Path(__file__).resolve().parent

# The server: `uvicorn stress:application`, with its database settings in STRESS_DATABASE

settings.ROOT_URLCONF = __name__
settings.DATABASES["default"].update(json.loads(os.environ.get("STRESS_DATABASE", "{}")))
application = ASGIHandler()


def taking_turns():
    from take_turns import TakeTurns

    return TakeTurns(application)


console = logging.StreamHandler()
console.setLevel(logging.ERROR)
logging.getLogger("django").addHandler(console)  # which is silent without DEBUG


# Two things that DRF answers with 500 by itself, in sync views too: JSON of brackets only, and
# a number that is no integer as a key, such as 1e400. A project can mend both.


class JSONParser(parsers.JSONParser):
    def parse(self, stream, media_type=None, parser_context=None):
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as exc:
            raise exceptions.ParseError("JSON parse error: nested too deeply") from exc


class ProductSerializer(shop.ProductSerializer):
    class Meta(shop.ProductSerializer.Meta):
        extra_kwargs = {"category": {"pk_field": serializers.IntegerField()}}


class Shelf:
    queryset = shop.Product.objects.all()
    serializer_class = ProductSerializer
    parser_classes = [JSONParser, parsers.FormParser, parsers.MultiPartParser]
    filter_backends = [filters.SearchFilter, filters.OrderingFilter]
    search_fields = ["name", "description"]
    ordering_fields = ["name", "price"]
    pagination_class = shop.Pages


class DrfView(Shelf, viewsets.ModelViewSet):
    pass


class StockView(Shelf, AsyncModelViewSet):
    pass


class SyncHooksView(Shelf, AsyncModelViewSet):
    def filter_queryset(self, queryset):
        return super().filter_queryset(queryset)

    def perform_create(self, serializer):
        serializer.save()


class AsyncHooksView(Shelf, AsyncModelViewSet):
    async def afilter_queryset(self, queryset):
        return await super().afilter_queryset(queryset)

    async def aperform_create(self, serializer):
        await serializer.asave()

    async def aperform_update(self, serializer):
        await serializer.asave()

    async def aperform_destroy(self, instance):
        await instance.adelete()


class SyncStorm(Shelf, AsyncCreateAPIView):
    def perform_create(self, serializer):
        name = serializer.validated_data["name"]
        serializer.save(name=name + "-1")
        shop.Product.objects.create(name=name + "-2")


class AsyncStorm(Shelf, AsyncCreateAPIView):
    async def aperform_create(self, serializer):
        name = serializer.validated_data["name"]
        await serializer.asave(name=name + "-1")
        await asyncio.sleep(0.005)
        await shop.Product.objects.acreate(name=name + "-2")


class SyncInAsyncStorm(Shelf, AsyncCreateAPIView):
    async def create(self, request, *args, **kwargs):
        await shop.Product.objects.acreate(name=request.data["name"] + "-1")
        await asyncio.sleep(0.005)
        return await super().create(request, *args, **kwargs)

    def perform_create(self, serializer):
        serializer.save(name=serializer.validated_data["name"] + "-2")


class AsyncInSyncStorm(Shelf, AsyncCreateAPIView):
    def create(self, request, *args, **kwargs):
        shop.Product.objects.create(name=request.data["name"] + "-1")
        return super().create(request, *args, **kwargs)

    async def aperform_create(self, serializer):
        await asyncio.sleep(0.005)
        await serializer.asave(name=serializer.validated_data["name"] + "-2")


class AsyncInSyncInAsyncStorm(AsyncInSyncStorm):
    async def post(self, request, *args, **kwargs):
        return await super().post(request, *args, **kwargs)


STORMS = [SyncStorm, AsyncStorm, SyncInAsyncStorm, AsyncInSyncStorm, AsyncInSyncInAsyncStorm]
OURS = [StockView, SyncHooksView, AsyncHooksView]

urlpatterns = [path("%s/" % view.__name__, view.as_view()) for view in STORMS]
for view in [*OURS, DrfView]:
    router = routers.SimpleRouter()
    router.register("items", view)
    by_name = view.as_view({"get": "retrieve", "patch": "partial_update"}, lookup_field="name")
    urls = [path("", include(router.urls)), path("by-name/<name>/", by_name)]
    urlpatterns.append(path("%s/" % view.__name__, include(urls)))


# The server process, as seen from outside

ACTIVITY = """
    SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%%')
    FROM pg_stat_activity WHERE application_name = %s
"""
NEVER_IN_THE_LOG = ["never awaited", "Task was destroyed", "never retrieved", "CancelledError"]
NEVER_IN_THE_LOG += ["Exception in ASGI application", "deleted while still open"]  # a connection


class Server:
    def __init__(self, application="application", **database):
        self.application = application
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = "http://127.0.0.1:%d" % self.port
        self.name = "stress %d" % self.port  # by which its connections are known
        options = {**connection.settings_dict["OPTIONS"], **database.get("OPTIONS", {})}
        self.database = {**database, "OPTIONS": {**options, "application_name": self.name}}
        self.log = tempfile.TemporaryFile("w+", errors="replace")

    def __enter__(self):
        tables = ", ".join(model._meta.db_table for model in (shop.Product, shop.Category))
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE %s RESTART IDENTITY" % tables)
        self.psycopg_connection = connection.connection  # Django's is not for event loops
        command = [sys.executable, "-W", "default::ResourceWarning", "-m", "uvicorn"]
        command += ["--port", str(self.port), "--timeout-keep-alive", "600"]
        command += ["--log-level", "error", "--app-dir", str(HERE), "stress:" + self.application]
        command += ["--factory"] if self.application == "taking_turns" else []
        environment = dict(os.environ, STRESS_DATABASE=json.dumps(self.database))
        self.process = psutil.Popen(command, env=environment, stderr=self.log)
        for _ in range(600):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                asyncio.run(self.start_threads())
                return self
            time.sleep(0.1)
        self.__exit__()
        sys.exit("The server did not start: %s" % self.complaints())

    async def start_threads(self):
        # Those of the event loop's own executor, where Django makes the answers to errors. They
        # stay, so here they are before anybody counts.
        async with self.client() as client:
            await asyncio.gather(*(client.get("/nowhere/") for _ in range(320)))

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait(30)

    def client(self):
        limits = httpx.Limits(max_connections=None, keepalive_expiry=None)
        return httpx.AsyncClient(base_url=self.url, limits=limits, timeout=60)

    def figures(self, after=0):
        time.sleep(after)
        with self.psycopg_connection.cursor() as cursor:
            cursor.execute(ACTIVITY, [self.name])
            figures = dict(zip(["connections", "connections in transaction"], cursor.fetchone()))
        figures["threads"] = self.process.num_threads()
        return {**figures, "megabytes": self.process.memory_info().rss / 2**20}

    def left_behind(self, before):
        allowed = {**before, "connections in transaction": 0, "megabytes": float("inf")}
        for _ in range(100):
            now = self.figures()
            left = [what for what in allowed if now[what] > allowed[what]]
            if not left:
                break
            time.sleep(0.1)
        print("  before and after: " + ", ".join("%s %d %d" % (w, before[w], now[w]) for w in now))
        return [what + " are left behind" for what in left]

    def complaints(self, answered_500=0, because="(?!)"):
        self.log.seek(0)
        log = self.log.read()
        problems = ["the log says: " + words for words in NEVER_IN_THE_LOG if words in log]
        if log.count("Internal Server Error: ") != answered_500:
            problems.append("the log does not tell of just the answers 500")
        # A traceback ends with the first line after its heading that is not indented.
        ends = re.findall(r"^Traceback.*\n(?:\s.*\n)+(.{,200})", log, re.MULTILINE)
        return problems + ["in the log: " + end for end in ends if not re.search(because, end)]


# The clients


async def at_a_time(clients, do, jobs):
    jobs = iter(jobs)

    async def client():
        for job in jobs:
            await do(job)

    await asyncio.gather(*(client() for _ in range(clients)))


async def sampled(server, work):
    """Do the work, and return the server's figures meanwhile, twice a second."""
    work, seen = asyncio.ensure_future(work), []
    while not (await asyncio.wait([work], timeout=0.5))[0]:
        seen.append(server.figures())
    await work
    return seen


def raw_request(method, target, body=b"", content_type="application/json", length=None):
    length = len(body) if length is None else length
    head = "%s %s HTTP/1.1\r\nHost: stress\r\nConnection: close\r\n" % (method, target)
    head += "Content-Type: %s\r\nContent-Length: %s\r\n\r\n" % (content_type, length)
    return head.encode("latin1") + body


async def read_status(reader):
    answer = b""
    with contextlib.suppress(ConnectionError):
        while not reader.at_eof():
            answer += await reader.read(65536)
    return int(answer.split(b" ", 2)[1]) if answer else "no answer"


def hang_up(writer):
    if random.random() < 0.5:  # by a reset, and not by an orderly end
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def print_counts(counts):
    for what, count in sorted(counts.items()):
        print("  %6d  %s" % (count, what))


# storm

CUT_SENDING, CUT_WAITING = "cut off while it was sent", "cut off while it was served"
ROLLED_BACK = "rows were written and rolled back"


def storm(options):
    outcomes = {}  # by the name that the rows of a request carry
    durations = {view: collections.deque([0.1], maxlen=100) for view in STORMS}

    async def request(name, fate=1.0):
        view, patience = random.choice(STORMS), 60.0
        body = b'{"name": "%s"}' % name.encode()
        sent = raw_request("POST", "/%s/" % view.__name__, body)
        if fate < 0.9:
            patience = random.uniform(0, 1.2 * statistics.median(durations[view]))
        if fate < 0.1:
            sent = sent[: random.randrange(1, len(sent))]
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        begun = time.monotonic()
        writer.write(sent)
        try:
            outcomes[name] = await asyncio.wait_for(read_status(reader), patience)
            durations[view].append(time.monotonic() - begun)
        except asyncio.TimeoutError:
            cut = CUT_SENDING if fate < 0.1 else CUT_WAITING
            outcomes[name] = cut if fate < 0.9 else "no answer in a minute"
        hang_up(writer)

    async def request_or_hang_up(name):
        await request(name, random.random())

    with Server(ATOMIC_REQUESTS=True) as server:
        # Half as many more, since some are answered before they are to be cut off.
        names = ["storm %d" % number for number in range(options.requests * 3 // 2 + 200)]
        asyncio.run(at_a_time(options.clients, request, names[:200]))
        before = server.figures(after=2)
        asyncio.run(at_a_time(options.clients, request_or_hang_up, names[200:]))
        problems = server.left_behind(before)
        asyncio.run(request("the next request"))
    return problems + server.complaints() + half_done(outcomes)


def half_done(outcomes):
    written = list(shop.Product.objects.values_list("name", flat=True))
    rows, counts = collections.Counter(written), collections.Counter()
    for name, outcome in outcomes.items():
        pair = (rows.pop(name + "-1", 0), rows.pop(name + "-2", 0))
        what = {(0, 0): "no row", (1, 1): "both rows"}.get(pair, "half done")
        counts["%s, %s" % (outcome, what)] += 1
    # A number that a sequence gave to a row stays given when the row is rolled back.
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM %s_id_seq" % shop.Product._meta.db_table)
        counts[ROLLED_BACK] = cursor.fetchone()[0] - len(written)
    print_counts(counts)
    fine = [CUT_SENDING + ", no row", CUT_WAITING + ", no row", CUT_WAITING + ", both rows"]
    fine += ["201, both rows", ROLLED_BACK]
    problems = ["%d requests: %s" % (counts[what], what) for what in set(counts) - set(fine)]
    problems += ["too few to prove anything: " + w for w in fine if counts[w] < len(outcomes) / 50]
    return problems + ["a row of no request: " + name for name in rows]


# load

METHODS = {"list": "GET", "retrieve": "GET", "create": "POST", "patch": "PATCH", "delete": "DELETE"}
STATUSES = {"list": 200, "retrieve": 200, "create": 201, "patch": 200, "delete": 204}


def load(options):
    counts, problems, rows = collections.Counter(), [], {}

    async def shop_until(end, client):
        mine = {}  # what the answers said of the rows that only this client changes
        while time.monotonic() < end:
            kind = random.choice(list(METHODS) if mine else ["list", "create"])
            url = "/%s/items/" % random.choice([StockView, AsyncHooksView]).__name__
            row = random.choice(list(mine)) if kind not in ("list", "create") else None
            url += "%d/" % row if row else ""
            data = {"name": "load", "description": "%x" % random.getrandbits(64)}
            data = data if kind in ("create", "patch") else None
            answer = await client.request(METHODS[kind], url, json=data)
            counts["%s: %d" % (kind, answer.status_code)] += 1
            if answer.status_code != STATUSES[kind]:
                problems.append("%s answered %d" % (kind, answer.status_code))
            elif kind in ("create", "patch"):
                mine[answer.json()["id"]] = data["description"]
            elif kind == "retrieve" and answer.json()["description"] != mine[row]:
                problems.append("retrieve did not answer what was answered last")
            elif kind == "delete":
                del mine[row]
        rows.update(mine)

    async def shop_for(seconds):
        end = time.monotonic() + seconds
        async with server.client() as client:
            clients = [shop_until(end, client) for _ in range(options.clients)]
            return await sampled(server, asyncio.gather(*clients))

    with Server() as server:
        asyncio.run(shop_for(5))
        before = server.figures(after=2)
        counts.clear()
        samples = asyncio.run(shop_for(options.seconds))
        problems += server.left_behind(before)
        after = server.figures()
    print_counts(counts)
    print("  %.0f requests a second" % (sum(counts.values()) / options.seconds))
    megabytes = [figures["megabytes"] for figures in [before, *samples[9::10], after]]
    print("  MB of memory, about every 5 s: " + ", ".join("%.1f" % number for number in megabytes))
    # The heaps of threads that come and go waver by some 10 MB. A request that is never freed
    # takes over 10 kB, and there are thousands of them.
    if megabytes[-1] - megabytes[0] > max(20, megabytes[0] / 10):
        problems.append("the memory grows")
    if dict(shop.Product.objects.values_list("id", "description")) != rows:
        problems.append("the table is not what the answers said")
    return problems + server.complaints()


# bad

NINES, NESTED = "9" * 5000, "[" * 100_000 + "]" * 100_000
VALUES = {  # for a field, as JSON
    "name": r'null true {} ["Cup"] "" "\u0000" "NINES" NESTED',
    "description": r'null {} "\u0000" "\ud800\u0000" NESTED',
    "price": 'null {} "" NaN -Infinity "NaN" "sNaN" 1e400 "1e400" "1e-999999999" NINES "NINES"',
    "category": r'{} [1] -1 1.5 NaN 1e400 "\u0000" true 99999999999999999999 NINES "NINES"',
}
JSON = ["", "null", "[]", "1", '"Cup"', "{", '{"name": "Cup",}', '{"name": "Cup"} {}', "NESTED"]
JSON += ["NINES", '{"name": "\xff"}', '{"name": "\x00"}', "\xff\xfe{", "\xef\xbb\xbf{}", "\x00"]
JSON += ['{"name": "Cup", "%s": %s}' % (f, v) for f in VALUES for v in VALUES[f].split()]
FORMS = ["name=Cup&price=%00", "name=%00", "name=%ff&price=no", "price=no" + "&more=1" * 2000]
PART = '--edge\r\nContent-Disposition: form-data; name="price"%s\r\n\r\nno\r\n'
PARTS = ["", "no part", PART % "", PART % "" + "--edge--", (PART % "")[:-20], PART % "\x00"]
PARTS += [PART % '; filename="\x00"', PART % "\r\nContent-Transfer-Encoding: base64", "\xff"]
BODIES = {
    "application/json": JSON,
    "application/json; charset=nonsense": JSON[-3:],
    "application/json; charset=utf-16": JSON[-3:],
    "application/x-www-form-urlencoded": FORMS,
    "application/x-www-form-urlencoded; charset=nonsense": FORMS,
    "multipart/form-data; boundary=edge": PARTS,
    "multipart/form-data; boundary=edge; charset=nonsense": PARTS,
    "multipart/form-data; boundary=\xff": PARTS[-1:],
    "multipart/form-data": PARTS,
    **dict.fromkeys(["text/plain", "application/xml", "nonsense", ""], ['{"name": "Cup"}']),
}
LOOKUPS = "%00 0 -1 1.5 1e400 99999999999999999999 NINES %C3%A9 %FF %20 1%00 None".split()
QUERIES = ["page=" + value for value in LOOKUPS] + ["page_size=" + value for value in LOOKUPS]
QUERIES += ["search=" + value for value in [*LOOKUPS, "%22", "a," * 500, "%F0%9F%8D%B5"]]
QUERIES += ["ordering=" + value for value in [*LOOKUPS, "-", ",,", "-" * 500 + "name", "name%00"]]
QUERIES += ["format=%00", "format=nonsense", "%00=%00", "%FF", "&&=="]
LENGTHS = [5, 15, 10**6, "-1", "1.5", "nonsense", NINES, "15, 16", ""]


def bad_requests():
    for content_type, bodies in BODIES.items():
        for body in bodies:
            body = body.replace("NINES", NINES).replace("NESTED", NESTED).encode("latin1")
            yield raw_request("POST", "/VIEW/items/", body, content_type)
            yield raw_request("PATCH", "/VIEW/items/1/", body, content_type)
    for lookup in LOOKUPS:
        lookup = lookup.replace("NINES", NINES)
        for method in ("GET", "PATCH", "DELETE"):
            yield raw_request(method, "/VIEW/items/%s/" % lookup, b'{"name": "Cup"}')
        yield raw_request("GET", "/VIEW/by-name/%s/" % lookup)
    for query in QUERIES:
        yield raw_request("GET", "/VIEW/items/?" + query.replace("NINES", NINES))
    for length in LENGTHS:
        yield raw_request("POST", "/VIEW/items/", b'{"name": "Cup", "price": "no"}', length=length)


def bad(options):
    requests = list(bad_requests())
    answers = collections.defaultdict(collections.Counter)

    async def send(job):
        number, view = job
        request = requests[number].replace(b"VIEW", view.__name__.encode(), 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request)
        if b"Content-Length: 1000000" in request:
            writer.write_eof()  # There is no more to come.
        answers[job][await read_status(reader)] += 1
        hang_up(writer)

    jobs = [(number, view) for number in range(len(requests)) for view in [*OURS, DrfView]]
    jobs *= -(-options.requests // len(jobs))
    random.shuffle(jobs)
    with Server() as server:
        for number in range(20):
            shop.Product.objects.create(name="Cup %d" % number)
        table = list(shop.Product.objects.values())
        asyncio.run(at_a_time(options.clients, send, jobs[:200]))
        before = server.figures(after=2)
        asyncio.run(at_a_time(options.clients, send, jobs[200:]))
        problems = server.left_behind(before)
    ours, drfs = collections.Counter(), collections.Counter()
    for (number, view), seen in answers.items():
        statuses, name = (drfs, "DRF's view") if view is DrfView else (ours, "ours")
        statuses.update({"%s: %s" % (name, status): count for status, count in seen.items()})
        drf = set(answers[number, DrfView])
        if b"by-name" in requests[number] and drf == {500} and view is not DrfView:
            drf = {404}  # What cannot be looked up is not there: so says `aget_object`.
        if set(seen) != drf or len(drf) > 1 or drf == {500} and view is not DrfView:
            label = repr(requests[number][:60] + b" ... " + requests[number][-40:])
            both = (view.__name__, sorted(map(str, seen)), sorted(map(str, drf)), label)
            problems.append("%s answers %s, DRF's view %s: %s" % both)
    print_counts(ours)
    print_counts(drfs)
    if list(shop.Product.objects.values()) != table:
        problems.append("the table has changed")
    return problems + server.complaints(drfs["DRF's view: 500"], because="")


# connections

SETTINGS = {
    "OPTIONS['pool']=True": {"OPTIONS": {"pool": True}},
    "CONN_MAX_AGE=60": {"CONN_MAX_AGE": 60, "application": "taking_turns"},
    "CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True": {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "application": "taking_turns",
    },
}


def connections(options):
    problems = []
    for name, database in SETTINGS.items():
        print("  With %s:" % name)
        problems += connections_with(options, database)
    return problems


def connections_with(options, database):
    counts = collections.Counter()

    async def request(client):
        url = "/%s/items/" % random.choice(OURS).__name__
        data = {"name": "connections"}
        ask = client.get(url) if random.random() < 0.5 else client.post(url, json=data)
        counts["answers %d" % (await ask).status_code] += 1

    async def request_often(how_often):
        async with server.client() as client:
            return await sampled(server, at_a_time(options.clients, request, [client] * how_often))

    with Server(**database) as server:
        asyncio.run(request_often(200))
        before = server.figures(after=2)
        if "application" in database:
            # Each client may have had a thread to itself, or shared one with another.
            more = options.clients - before["connections"]
            before["connections"] += more
            before["threads"] += more
        samples = asyncio.run(request_often(options.requests))
        problems = server.left_behind(before)
    seen = [figures["connections"] for figures in samples]
    print("  connections meanwhile: %d at most" % max(seen))
    print_counts(counts)
    problems += [what for what in counts if what not in ("answers 200", "answers 201")]
    return problems + server.complaints()


# The command

SCENARIOS = {"storm": storm, "load": load, "bad": bad, "connections": connections}


def main():
    formatter_class = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter_class)
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=", ".join(SCENARIOS))
    parser.add_argument("--requests", type=int, default=2000, help="of all but load (%(default)s)")
    parser.add_argument("--clients", type=int, default=32, help="at a time (%(default)s)")
    parser.add_argument("--seconds", type=int, default=30, help="of load (%(default)s)")
    options = parser.parse_args()
    if set(options.scenarios) - set(SCENARIOS) or connection.vendor != "postgresql":
        parser.error("wants PostgreSQL in DATABASE_URL, and scenarios of its own")
    if shop.Product._meta.db_table not in connection.introspection.table_names():
        shop.make_shop()
    failed = False
    for name in options.scenarios or SCENARIOS:
        print(name, flush=True)
        problems = SCENARIOS[name](options)
        for problem, count in collections.Counter(problems).most_common(20):
            print("  FAILED%s: %s" % (" (%d times)" % count if count > 1 else "", problem))
        failed = failed or bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
