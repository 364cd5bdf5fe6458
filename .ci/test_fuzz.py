# SPDX-License-Identifier: MIT
"""
Generated class hierarchies do on our views what they do, written sync, on DRF's own.

An example is the source of a view: with its permissions, throttles and authenticators, with its
serializers, or with its mixins and base views. There are one to four levels of classes. Each method
calls `super()`, answers by itself, or refuses. It has one of the spellings: `def`, `async def`,
`async def` with an `a` before its name, that one beside a `def`, or a `def` that returns a
coroutine. Decorators are around some methods, some are put on the class after it was made, and some
of DRF's are patched.

The sync version is the same source without `async` and `await`. Both versions are asked through
Django's ASGI and WSGI handlers, and by hand, in sync code and on an event loop. They have to answer
the same, to call the same methods in the same order, and to leave the same rows.

FUZZ_EXAMPLES says how many examples of each kind there are (60). They are other ones each time, or
those that come from FUZZ_START, as in CI, which has to end the same for the same code. To
see one again, give the seed that it failed with, and its kind:

    FUZZ_EXAMPLES=2000 pytest .ci/test_fuzz.py
    FUZZ_SEED=123 pytest .ci/test_fuzz.py -k serializers
"""

import asyncio
import contextlib
import functools
import gc
import inspect
import logging
import os
import random
import re
import textwrap
from typing import NamedTuple
from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import override_settings
from django.utils.decorators import method_decorator  # noqa: F401  (for what is generated)
from rest_framework import generics, mixins, permissions, serializers, views, viewsets
from rest_framework.authentication import BaseAuthentication
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import BaseThrottle

import restflow_generics
import shop
import tools
from restflow_generics import call_hook  # noqa: F401
from shop import Product
from tools import Handler, ask_wsgi, exchange, mounted

# What is refused leaves coroutines behind.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
CALLS = []
note = CALLS.append

# --- What the generated code uses -----------------------------------------------------------------


def noting(text):
    def decorator(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            note(text)
            return function(*args, **kwargs)

        return wrapper

    return decorator


wrapped = noting("wrapped")


def unwrapped(function):
    return lambda *args, **kwargs: function(*args, **kwargs)


def of_same_kind(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        note("wrapped")
        return await function(*args, **kwargs)

    return wrapper if inspect.iscoroutinefunction(function) else wrapped(function)


class Wrapper:
    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function = function

    def __get__(self, owner, cls):
        return self if owner is None else functools.partial(self, owner)

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)


async def settled(answer):
    return await answer if inspect.isawaitable(answer) else answer


async def above(parent, hook, *args, **kwargs):
    """What async code writes as `await super().ahook()`, where there is one."""
    method = getattr(parent, "a" + hook, None) or sync_to_async(getattr(parent, hook))
    return await settled(await method(*args, **kwargs))


class Silent(permissions.BasePermission):
    def __init_subclass__(cls):
        """Does not call `super`, and so nobody is told of a class."""


class Plain(metaclass=permissions.BasePermissionMetaclass):
    """Has the operators, but does not extend `BasePermission`."""

    def has_permission(self, request, view, obj=None):
        return True

    has_object_permission = has_permission


class Generous(BaseThrottle):
    def allow_request(self, request, view):
        return True


class Ignorant(BaseAuthentication):
    def authenticate(self, request):
        return None


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = ["name", "description"]


class Part(serializers.Serializer):
    name = serializers.CharField(max_length=20)
    label = serializers.SerializerMethodField()

    def get_label(self, part):
        return "part"

    def validate_name(self, name):
        return name


class Whole(ProductSerializer):
    label = serializers.SerializerMethodField(method_name="find_label")

    class Meta(ProductSerializer.Meta):
        fields = "name description label category siblings parts".split()

    def find_label(self, product):
        return product.name

    def validate_name(self, name):
        return name

    def validate(self, attrs):
        attrs["description"] = ", ".join(part["name"] for part in attrs.pop("parts", []))
        return attrs


# --- Methods and classes --------------------------------------------------------------------------
#
# The source is that of our version. A word in capitals stands before what the sync version spells
# in another way: `ASYNC_get_object` is `aget_object` in ours, and `get_object` there.

SPELLINGS = {
    "def": "{decorators}def {hook}({arguments}):\n{sync_body}",
    "async def": "{decorators}async def {hook}({arguments}):\n{body}",
    "async def a": "{decorators}async def ASYNC_{hook}({arguments}):\n{body}",
    "both": """\
def BESIDE_{hook}({arguments}):
    raise exceptions.PermissionDenied
{decorators}async def ASYNC_{hook}({arguments}):
{body}""",
    "both, and asks": """\
def BESIDE_{hook}({arguments}):
    note("beside {owner}.{hook}")
    return True
{decorators}async def ASYNC_{hook}({arguments}):
    if not await sync_to_async(self.BESIDE_{hook})({passed}):
        return False
{body}""",
    "returns a coroutine": """\
async def {owner}_{hook}({arguments}):
{body}{decorators}def {hook}({arguments}):
    return self.{owner}_{hook}({passed})
""",
}
ONE_NAME, TWO_NAMES = ["def", "async def"], ["def", "async def", "async def a", "both"]
# The first two show DRF that they are around an `async def`. The others do not.
DECORATORS = ["wrapped", "of_same_kind", "unwrapped", "functools.partialmethod", "Wrapper"]
TO_SYNC = [
    (r'await above\((super\(\w+, self\)), "(\w+)"(?:, )?', r"\1.\2("),
    (r'await call_hook\(([\w.()]+), "(\w+)"(?:, )?', r"\1.\2("),
    (r"await sync_to_async\(([\w.]+)\)", r"\1"),
    (r"await settled\((.*?\))\)", r"\1"),
    (r"async |await ", ""),
]


def sync(source):
    for pattern, replacement in TO_SYNC:
        source = re.sub(pattern, replacement, source)
    return source


def for_drf(source):
    return sync(re.sub(r"ASYNC_|OURS_\w+, ", "", source)).replace("BESIDE_", "beside_")


def for_us(source):
    return re.sub("BESIDE_|OURS_", "", source.replace("ASYNC_", "a"))


class Hook(NamedTuple):
    arguments: str
    own: list = []  # what it may answer without `super()`
    changes: list = []  # what it may make of the answer
    spellings: list = TWO_NAMES
    hands_out: bool = True  # There may be a decorator's object around an `async def`.
    in_place: float = 0.0  # how often async code calls `super()` by DRF's name
    is_atomic: bool = False
    is_decorated: bool = False  # by a decorator of the class, too


def a_body(pick, owner, name, hook, asks=""):
    passed, parent = hook.arguments.replace("=None", ""), "super(%s, self)" % owner
    answer = "await above(%s)" % ", ".join(filter(None, [parent, '"%s"' % name, passed]))
    if hook.own and pick.random() < 0.3:
        answer = pick.choice(hook.own)
    elif pick.random() < hook.in_place:
        answer = "await settled(%s.%s(%s))" % (parent, name, passed)
    lines = ['note("%s.%s")' % (owner, name), "answer = " + answer]
    changes = [change for change in hook.changes if asks or "asks" not in change]
    if changes and pick.random() < 0.5:
        change = pick.choice(changes).format(asks=asks, hook=name, passed=passed)
        lines.append("answer = " + change)
    if pick.random() < 0.06 and name != "handle_exception":
        lines.insert(pick.randint(1, len(lines)), "raise exceptions.PermissionDenied")
    if not hook.in_place:  # In place, a coroutine is handed on by a method that has ended.
        lines.append('note("end of %s.%s")' % (owner, name))
    return "\n".join([*lines, "return answer\n"])


def a_method(pick, owner, name, hook, spelling, body):
    decorators = DECORATORS if spelling == "def" or hook.hands_out else DECORATORS[:4]
    if hook.is_decorated or "asks" in spelling:  # Some make an object anew for each call.
        decorators = DECORATORS[:3]
    decorators = pick.sample(decorators, pick.choice([0, 0, 0, 1]))
    if hook.is_atomic and spelling == "def" and pick.random() < 0.3:
        decorators.append("transaction.atomic")
    return SPELLINGS[spelling].format(
        owner=owner,
        hook=name,
        arguments=", ".join(filter(None, ["self", hook.arguments])),
        passed=hook.arguments.replace("=None", ""),
        decorators="".join("@%s\n" % decorator for decorator in decorators),
        body=textwrap.indent(body, "    "),
        sync_body=textwrap.indent(sync(body), "    "),
    )


def a_class(pick, name, bases, hooks, attributes="", late=0.1, asks=""):
    """Return the source of a class. Some of its methods are put there after it was made."""
    inside, after = [attributes], []
    for hook_name, hook in hooks.items():
        spelling = pick.choice(hook.spellings)
        body = a_body(pick, name, hook_name, hook, asks)
        source = a_method(pick, name, hook_name, hook, spelling, body)
        if pick.random() >= late:
            inside.append(source)
            continue
        is_plain = spelling in (*TWO_NAMES[:3], "both")
        if is_plain and pick.random() < 0.5:  # It replaces one that refuses.
            is_other = "async" in spelling and "both" in hook.spellings
            replaced = "def" if is_other else spelling
            refuses = "raise exceptions.PermissionDenied\n"
            inside.append(a_method(pick, name, hook_name, hook, replaced, refuses))
        names = re.findall(r"^(?:async )?def (\w+)", source, re.M)
        after += [source, *("%s.%s = %s\n" % (name, n, n) for n in names)]
    inside = textwrap.indent("".join(inside) or "pass\n", "    ")
    return "class %s(%s):\n%s%s" % (name, bases, inside, "".join(after))


def some(pick, hooks, share):
    return {name: hook for name, hook in hooks.items() if pick.random() < share}


def a_hierarchy(pick, name, base, hooks, levels, attributes="", late=0.1, asks=""):
    """Return the source of a class with its bases, some of which are mixins, and its name."""
    source, levels = "", pick.randint(1, levels)
    for level in range(1, levels + 1):
        owner = name + str(level)
        mixin = owner + "Mixin" if pick.random() < 0.3 else owner
        own = some(pick, hooks, 0.5)
        for hook in own.keys() & PERMISSION.keys() if level == levels else ():
            own[hook] = own[hook]._replace(spellings=[*own[hook].spellings, "both, and asks"])
        if mixin != owner:
            source += a_class(pick, mixin, "", own, "", late, asks)
            base, own = "%s, %s" % (mixin, base), {}
        source += a_class(pick, owner, base, own, attributes, late, asks)
        base, attributes = owner, ""
    return source, base


# --- Both versions are asked ----------------------------------------------------------------------


class Example(NamedTuple):
    source: str  # of a `view`
    method: str
    url: str
    data: object = None
    patched: str = ""
    is_atomic: bool = False


def ask_asgi(loop, view, *request):
    answer = loop.run_until_complete(exchange(Handler(), *request))
    return answer.status, answer.body


def by_wsgi(loop, view, *request):
    return ask_wsgi(view, *request[:2], data=request[2])


def by_hand(loop, view, method, url, data):
    request = getattr(APIRequestFactory(), method.lower())(url, data, format="json")
    response = view(request, **({"pk": "1"} if url != "/" else {}))
    return response.status_code, repr(response.data)


def awaited(loop, view, *request):
    async def answer(request, **kwargs):
        return await view(request, **kwargs)

    return by_hand(loop, lambda *a, **k: loop.run_until_complete(answer(*a, **k)), *request)


PATCHED = {
    "check_permissions initial dispatch": views.APIView,
    "get_object filter_queryset": generics.GenericAPIView,
    "list": mixins.ListModelMixin,
    "create perform_create": mixins.CreateModelMixin,
}
PATCHED = {hook: cls for hooks, cls in PATCHED.items() for hook in hooks.split()}
OURS, DRFS = {"ProductView": tools.ProductView}, {"ProductView": tools.SyncProductView}
for name in restflow_generics.__all__:
    for module in (generics, mixins, viewsets):
        if hasattr(module, name.replace("Async", "")):
            OURS[name.replace("Async", "")] = getattr(restflow_generics, name)
            DRFS[name.replace("Async", "")] = getattr(module, name.replace("Async", ""))


def rows():
    with connection.cursor() as cursor:
        cursor.execute(str(Product.objects.values("name", "description").query))
        return cursor.fetchall()


def restore():
    Product.objects.all().delete()
    names = enumerate(["Green tea", "Black tea", "Teapot"], 1)
    Product.objects.bulk_create(Product(pk=n, name=name, category_id=1) for n, name in names)
    return rows()


def patched(hook):
    if not hook:
        return contextlib.suppress(KeyError)
    return mock.patch.object(PATCHED[hook], hook, noting("patched")(vars(PATCHED[hook])[hook]))


def outcome(ask, loop, view, example, before):
    """Return the answer, or the error, with the calls and the rows."""
    CALLS.clear()
    is_atomic = example.is_atomic and ask in (ask_asgi, by_wsgi)
    atomic = mock.patch.dict(connections.settings["default"], ATOMIC_REQUESTS=is_atomic)
    with override_settings(ROOT_URLCONF=mounted(view)), atomic, patched(example.patched):
        try:
            answer = ask(loop, view, *example[1:4])
        except Exception as error:
            answer = type(error).__name__, str(error)
    left = rows()
    if left != before:
        restore()
    return {"answer": answer, "calls": list(CALLS), "rows": left}


def compare(make, seed, loop):
    """Make an example, ask both versions, and return what differs."""
    example = make(random.Random(seed))
    versions = ours, drfs = for_us(example.source), for_drf(example.source)
    before, views_ = restore(), []
    for version, names in zip(versions, (OURS, DRFS)):
        namespace = {**vars(shop), **vars(tools), **globals(), **names}
        try:
            exec(version, namespace)
        except Exception as error:
            return "%s\n%s\n\n%r" % (*versions, error)
        views_.append(namespace["view"])
    for ask, asks_drf in (ask_asgi,) * 2, (by_wsgi,) * 2, (by_hand,) * 2, (awaited, by_hand):
        wanted = outcome(asks_drf, loop, views_[1], example, before)
        got = outcome(ask, loop, views_[0], example, before)
        # Async code that calls a sync method in place, which asks an async one, is refused.
        is_in_place = re.search(r"settled\(super\(\w+, self\).has_", ours)
        # It may refuse anyway, and then nobody awaits the other. It never lets anybody in.
        is_refused = got["answer"][0] in ("SynchronousOnlyOperation", 403)
        if got != wanted and not (is_in_place and is_refused):
            asked = (ask.__name__, *example[1:])
            return "%s\n%s\n\n%s\nwanted %s\ngot    %s" % (ours, drfs, asked, wanted, got)


# --- Permissions, throttles and authenticators ----------------------------------------------------

ASKED = "await call_hook({asks}(), '{hook}', {passed})".replace("'", '"')
VERDICTS = ["True", "True", "False"], ["not answer", "answer and " + ASKED, "answer or " + ASKED]
USERS = ["(User(username='ann'), None)", "None"], ["answer or (User(username='ann'), None)"]
PERMISSION = {
    "has_permission": Hook("request, view", *VERDICTS),
    "has_object_permission": Hook("request, view, obj", *VERDICTS),
}
for name, hook in PERMISSION.items():
    in_both = [*TWO_NAMES, "returns a coroutine"]
    PERMISSION[name] = hook._replace(spellings=in_both, hands_out=True, in_place=0.5)
# DRF calls a throttle and an authenticator by its name. So there is no other beside it.
COMPONENT = Hook("request", spellings=TWO_NAMES[:3], hands_out=False)
ALLOWS = COMPONENT._replace(spellings=[*TWO_NAMES[:3], "returns a coroutine"], hands_out=True)
THROTTLE = {
    "allow_request": ALLOWS._replace(arguments="request, view", own=["True", "False"]),
    "wait": Hook("", ["7", "None"], spellings=ONE_NAME),  # as `await` is a keyword
}
AUTHENTICATOR = {
    "authenticate": COMPONENT._replace(own=USERS[0], changes=USERS[1]),
    "authenticate_header": COMPONENT._replace(own=["'Basic'", "None"]),
}
CHECK = '[self.%s for p in await call_hook(self, "get_%ss") if not await call_hook(p, "%s", %s)]'
DENY = "permission_denied(request)"
CHECKS = {
    "check_permissions": ("permission", "has_permission", "request, self", DENY),
    "check_object_permissions": ("permission", "has_object_permission", "request, self, obj", DENY),
    "check_throttles": ("throttle", "allow_request", "request, self", "throttled(request, 7)"),
}


def combined(pick, names):
    kind = pick.random()
    if kind < 0.55:
        return pick.choice(names)
    if kind < 0.7:
        return "~" + combined(pick, names)
    return "(%s %s %s)" % (combined(pick, names), pick.choice("&|"), combined(pick, names))


def permissions_example(pick):
    is_given, is_made_later = pick.random() < 0.4, pick.random() < 0.2
    is_made_later = is_made_later and is_given
    bases = ["permissions.BasePermission"] * 4 + ["permissions.IsAuthenticatedOrReadOnly"]
    bases += ["Silent"] + ["Plain"] * (not is_given)
    late = 0 if is_made_later else 0.1
    first, p = a_hierarchy(pick, "P", pick.choice(bases), PERMISSION, 4, late=late)
    asks = "" if "Plain" in first else p
    second, q = a_hierarchy(pick, "Q", pick.choice(bases), PERMISSION, 4, late=late, asks=asks)
    late = 0 if is_given else 0.1
    third, t = a_hierarchy(pick, "T", "Generous", THROTTLE, 4, late=late)
    fourth, a = a_hierarchy(pick, "A", "Ignorant", AUTHENTICATOR, 4, late=late)
    parts = first + second + third + fourth
    listed = {
        "permission": [combined(pick, [p, q]) for _ in range(pick.randint(1, 2))],
        "throttle": [t] if pick.random() < 0.4 else [],
        "authenticator": [a] if pick.random() < 0.4 else [],
    }
    attributes, hooks = QUERYSET, {}
    for kind, names in listed.items():
        names = "[%s]" % ", ".join(names)
        if is_given:
            answer = "[part() for part in %s]" % names
            hooks["get_%ss" % kind] = Hook("", [answer], spellings=TWO_NAMES[:3])
            names = "[]"
        attributes += "%s_classes = %s\n" % (kind.replace("tor", "tion"), names)
    for name, (kind, hook, arguments, refuse) in some(pick, CHECKS, 0.3).items():
        own = [CHECK % (refuse, kind, hook, arguments)]
        hooks[name] = Hook("request, obj" if "obj" in name else "request", own, own)
    verb, method, url = pick.choice(
        [("List", "GET", "/"), ("Retrieve", "GET", "/1/"), ("Destroy", "DELETE", "/1/")]
    )
    view = a_class(pick, "V", verb + "APIView", hooks, attributes) + "view = V.as_view()\n"
    return Example(view + parts if is_made_later else parts + view, method, url)


# --- Serializers ----------------------------------------------------------------------------------

BY_NAME = Hook("", spellings=ONE_NAME, hands_out=False)
CHANGED = '{{{{**answer, "{0}": str(answer.get("{0}")) + "+"}}}}'
MAPPING = BY_NAME._replace(own=["{'name': 'own'}"])
TEXT = BY_NAME._replace(own=["'own'"], changes=['answer + "+"'])
SAVED = BY_NAME._replace(changes=['await call_hook(answer, "save") or answer'])
NEW = "await sync_to_async(Product.objects.create)(name=validated_data['name'])"


def serializer_hooks(field, label):
    mapping = MAPPING._replace(changes=[CHANGED.format(field)])
    return {
        label: TEXT._replace(arguments="instance"),
        "to_internal_value": mapping._replace(arguments="data"),
        "to_representation": mapping._replace(arguments="instance"),
        "validate": mapping._replace(arguments="attrs", own=[]),
        "validate_name": TEXT._replace(arguments="value"),
    }


PART = serializer_hooks("name", "get_label")
WHOLE = {
    **serializer_hooks("description", "find_label"),
    "create": SAVED._replace(arguments="validated_data", own=[NEW]),
    "update": SAVED._replace(arguments="instance, validated_data", own=["instance"]),
    "save": SAVED._replace(arguments="**kwargs"),
}
NESTED = """\
category = {part}(read_only=True)
siblings = {part}(many=True, read_only=True, source="category.product_set")
parts = {part}(many=True, write_only=True, required=False)
"""
MANY = """\
def get_serializer(self, *args, **kwargs):
    kwargs["many"] = kwargs.get("many") or isinstance(kwargs.get("data"), list)
    return super().get_serializer(*args, **kwargs)
"""


def serializers_example(pick):
    # What is put later on a class that no view names is not seen.
    parts, part = a_hierarchy(pick, "Part", "Part", PART, 3, late=0)
    wholes, whole = a_hierarchy(pick, "Whole", "Whole", WHOLE, 3, NESTED.format(part=part))
    view = a_class(pick, "V", "ProductView", {}, "serializer_class = %s\n%s" % (whole, MANY))
    name = pick.choice(["Cup", "Cup", "Cup", "", "x" * 50])
    data = {"name": name, "parts": [{"name": "Lid"}, {"name": pick.choice(["Leg", "x" * 50])}]}
    requests = [("GET", "/"), ("GET", "/1/"), ("POST", "/", data), ("POST", "/", [data, data])]
    requests += [("PUT", "/1/", data), ("PATCH", "/1/", {"name": name})]
    return Example(parts + wholes + view + "view = V.as_view()\n", *pick.choice(requests))


# --- Views ----------------------------------------------------------------------------------------

QUERYSET = "queryset = Product.objects.all()\nserializer_class = ProductSerializer\n"
BY_ONE_NAME = [*ONE_NAME, "returns a coroutine"]
BY_TWO_NAMES = [*TWO_NAMES, "returns a coroutine"]
REQUEST, RESPONSE = "request, *args, **kwargs", ["Response([], status=203)"]
HANDLER = Hook(REQUEST, RESPONSE, spellings=BY_ONE_NAME, in_place=1.0, is_atomic=True)
ACTION = HANDLER._replace(spellings=BY_TWO_NAMES, in_place=0.5)
PLAIN = Hook("", spellings=TWO_NAMES[:3])
RAISES = Hook("request", ["None"])
BASE_HOOKS = {
    "check_permissions": RAISES,
    "check_throttles": RAISES,
    "check_object_permissions": RAISES._replace(arguments="request, obj"),
    "perform_authentication": RAISES,
    "initial": Hook(REQUEST),
    "handle_exception": Hook("exc", ["Response({}, status=418)"]),
    "finalize_response": Hook("request, response, *args, **kwargs"),
    "dispatch": HANDLER._replace(own=[]),
    "get_permissions": PLAIN._replace(own=["[permissions.AllowAny()]"]),
    "permission_denied": PLAIN._replace(arguments="request, message=None, code=None"),
}
GENERIC_HOOKS = {
    **BASE_HOOKS,
    "filter_queryset": Hook("queryset", ["queryset"]),
    "paginate_queryset": Hook("queryset", ["None"]),
    "get_object": Hook("", ['await call_hook(Product.objects.all(), "get", pk=1)']),
    "get_queryset": PLAIN._replace(own=["Product.objects.all()"]),
    "get_serializer": PLAIN._replace(arguments="*args, **kwargs"),
}
SAVES = Hook("serializer", ['await call_hook(serializer, "save")'], is_atomic=True)
DELETES = Hook("instance", ['await call_hook(instance, "delete")'], is_atomic=True)
HEADERS = PLAIN._replace(arguments="data", own=["{}"])
OWN_HOOKS = {
    "List": dict(list=ACTION, get=HANDLER),
    "Create": dict(create=ACTION, perform_create=SAVES, get_success_headers=HEADERS, post=HANDLER),
    "Retrieve": dict(retrieve=ACTION, get=HANDLER),
    "Update": dict(
        update=ACTION, partial_update=ACTION, perform_update=SAVES, put=HANDLER, patch=HANDLER
    ),
    "Destroy": dict(destroy=ACTION, perform_destroy=DELETES, delete=HANDLER),
}
REQUESTS = [
    ("List", "list", "GET", "/"),
    ("Create", "create", "POST", "/", {"name": "Cup"}),
    ("Create", "create", "POST", "/", {"name": ""}),
    ("Retrieve", "retrieve", "GET", "/1/"),
    ("Retrieve", "retrieve", "GET", "/9/"),
    ("Update", "update", "PUT", "/1/", {"name": "Cup"}),
    ("Update", "partial_update", "PATCH", "/1/", {"name": "Mug"}),
    ("Destroy", "destroy", "DELETE", "/1/"),
]


def a_view(pick, name, bases, hooks, attributes="", decorated=(), late=0.1):
    """Some classes have methods of one spelling only."""
    spellings = pick.choice([["def"], ["async def", "async def a"], SPELLINGS, SPELLINGS])
    hooks = {
        name: hook._replace(spellings=[s for s in hook.spellings if s in spellings])
        for name, hook in some(pick, hooks, 0.15).items()
    }
    if name == "B":  # DRF's methods, which are above it, are sync.
        hooks = {name: hook._replace(in_place=0.0) for name, hook in hooks.items()}
    decorators = ['@method_decorator(noting("{0}"), name="{0}")\n'.format(h) for h in decorated]
    return "".join(decorators) + a_class(pick, name, bases, hooks, attributes, late)


def views_example(pick):
    kind, action, *request = pick.choice(REQUESTS)
    hooks = {**GENERIC_HOOKS, **OWN_HOOKS[kind]}
    base, actions = kind + "APIView", ""
    if pick.random() < 0.2:
        base, actions = kind + "ModelMixin, GenericViewSet", {request[0].lower(): action}
        hooks = {name: h for name, h in hooks.items() if h is not HANDLER}
    names = ["M1", "M2"][: pick.randint(0, 2)]
    source = "".join(a_view(pick, name, "", hooks) for name in names)
    names.append(base)
    if pick.random() < 0.4:
        above_drfs = [("views.APIView", BASE_HOOKS), ("generics.GenericAPIView", GENERIC_HOOKS)]
        above_drfs += [("generics." + base, hooks)] * (actions == "")
        drfs, own = pick.choice(above_drfs)
        source += a_view(pick, "B", drfs, own)
        # It extends the class already, and so Python takes no such list for the sync version.
        names[-1:] = ["OURS_" * (drfs == "generics." + base) + base, "B"]
    first, p = a_hierarchy(pick, "P", "permissions.BasePermission", PERMISSION, 2)
    attributes = QUERYSET + "authentication_classes = []\npermission_classes = [%s]\n"
    attributes %= p if pick.random() < 0.5 else ""
    decorated = [name for name in some(pick, hooks, 0.05) if hooks[name] is not PLAIN]
    if "partialmethod" in source:  # Django's `method_decorator` takes none.
        decorated = []
    mine = {name: h._replace(is_decorated=name in decorated) for name, h in hooks.items()}
    late = 0 if decorated else 0.1
    source += first + a_view(pick, "V", ", ".join(names), mine, attributes, decorated, late)
    source += a_view(pick, "W", "V", hooks) if pick.random() < 0.5 else "W = V\n"
    source += "view = W.as_view(%s)\n" % (actions or "")
    patched = pick.choice([*PATCHED, *[""] * 24])
    patched = "" if patched in decorated else patched
    return Example(source, *request, *[None] * (3 - len(request)), patched, pick.random() < 0.15)


# --- The test -------------------------------------------------------------------------------------

KINDS = {
    "permissions": permissions_example,
    "serializers": serializers_example,
    "views": views_example,
}


@pytest.fixture(scope="module")
def loop():
    gc.freeze()
    logging.disable()  # pytest keeps what is logged, and so the request, its view and all classes.
    loop = asyncio.new_event_loop()
    with override_settings(MIDDLEWARE=[], DEBUG_PROPAGATE_EXCEPTIONS=True):
        yield loop
    loop.close()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", KINDS)
def test_generated_classes_do_what_the_sync_ones_do(kind, loop):
    number = 1 if "FUZZ_SEED" in os.environ else int(os.environ.get("FUZZ_EXAMPLES", 60))
    seeds = random.Random(os.environ.get("FUZZ_START"))  # other ones each time without it
    for example in range(number):
        seed = int(os.environ.get("FUZZ_SEED", seeds.getrandbits(32)))
        difference = compare(KINDS[kind], seed, loop)
        if difference:
            command = "FUZZ_SEED=%d pytest .ci/test_fuzz.py -k %s" % (seed, kind)
            pytest.fail("%s\n\nExample %d: %s" % (difference, example + 1, command), False)
        if example % 10 == 9 or example + 1 == number:
            gc.collect()  # The classes are gone, and new views need not look at them.
