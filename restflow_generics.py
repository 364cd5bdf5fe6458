# SPDX-License-Identifier: MIT
# restflow-generics 1.1.0. Leave this line in your copy: it says what you have.
# mypy: disable-error-code="no-any-return,override,type-arg,untyped-decorator"
# A hook is found at run time, and may be `async` where DRF's is sync. In the oldest
# releases DRF's generic classes take no type arguments.
"""
Async generic views for Django REST framework (DRF), in one file.

Copy this file into your project, import `AsyncListAPIView` from it in place of DRF's
`ListAPIView`, and everything that the view did goes on happening. Then write hooks as
`async def` where it pays. It needs django, djangorestframework and asgiref.

A *hook* is a method that DRF calls and a project may override. It has DRF's name, such
as `filter_queryset`, and an async *spelling*, here `afilter_queryset`. Its owner is a
view, a permission, a paginator, a serializer, a queryset...

The one rule. Of the classes of its owner, the most derived one that defines either
spelling decides (the async one, if that class defines both). A coroutine function runs
on the event loop, and a sync function in the worker thread, where it may use the ORM:
each on its own *side*. Going to the other side and back is a *hop*.

Async code calls `await self.aget_object()`, sync code `self.get_object()`, and both get
the result, however the hook is written. Actions and handlers (`list`, `create`, `get`,
`dispatch`...) have one name: async code awaits them, sync code gets the response.

Copyright (c) 2026 the authors of restflow-generics

Permission is hereby granted, free of charge, to any person obtaining a copy of this
software and associated documentation files (the "Software"), to deal in the Software
without restriction, including without limitation the rights to use, copy, modify,
merge, publish, distribute, sublicense, and/or sell copies of the Software, and to
permit persons to whom the Software is furnished to do so, subject to the following
conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED,
INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR
PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE
LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT
OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR
OTHER DEALINGS IN THE SOFTWARE.
"""

import asyncio
import contextvars
import functools
import inspect
import sys
import threading
import types
from contextlib import ContextDecorator, suppress
from typing import Any, Coroutine, Dict, List, Optional, Tuple

import asgiref
import django

if django.VERSION < (3, 2):
    raise ImportError(
        "restflow_generics needs Django 3.2 or newer, and this is Django %s."
        % django.__version__
    )

# Before 3.8, tasks that async code under sync code gathers wait for ever. 3.8.1 mends
# what 3.8.0 broke of cancelling.
if tuple(map(int, asgiref.__version__.split(".")[:3])) < (3, 8, 1):
    raise ImportError(
        "restflow_generics needs asgiref 3.8.1 or newer, and this is asgiref %s."
        % asgiref.__version__
    )

from asgiref.sync import AsyncToSync, async_to_sync, sync_to_async
from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation, ValidationError
from django.core.handlers.asgi import ASGIRequest
from django.db import DataError, connections
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.views.generic import View
from rest_framework import (
    authentication,
    exceptions,
    filters,
    generics,
    mixins,
    pagination,
    permissions,
    serializers,
    status,
    throttling,
    viewsets,
)
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request, wrap_attributeerrors
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.serializer_helpers import ReturnDict, ReturnList
from rest_framework.views import APIView

__all__ = [
    "AsyncAPIView",
    "AsyncCreateAPIView",
    "AsyncCreateModelMixin",
    "AsyncDestroyAPIView",
    "AsyncDestroyModelMixin",
    "AsyncGenericAPIView",
    "AsyncGenericViewSet",
    "AsyncListAPIView",
    "AsyncListCreateAPIView",
    "AsyncListModelMixin",
    "AsyncModelViewSet",
    "AsyncReadOnlyModelViewSet",
    "AsyncRetrieveAPIView",
    "AsyncRetrieveDestroyAPIView",
    "AsyncRetrieveModelMixin",
    "AsyncRetrieveUpdateAPIView",
    "AsyncRetrieveUpdateDestroyAPIView",
    "AsyncUpdateAPIView",
    "AsyncUpdateModelMixin",
    "AsyncViewSet",
    "AsyncViewSetMixin",
    "call_hook",
]

__version__ = "1.1.0"


# --- The one rule ---------------------------------------------------------------------
#
# Which implementation of a hook runs. Two look-ups of Python's own tell, as "Both
# spellings" below gives most classes both spellings of what they define: one of them is
# a *face*, which stands for the definition under the other name. What follows from the
# two is kept on the class, and holds as long as they find the same: a patch is seen.

NOTHING: Dict[str, Any] = {}
# Functions of DRF's, and the *flows* (coroutine functions: see "The dispatch helper")
# that run in their place. A method of this module that is a flow runs as itself.
FLOWS: Dict[Any, Any] = {}
# Of each flow that is a method of this module: its class, and its hook.
STANDS_FOR: Dict[Any, Any] = {}
# Django's own `aget`, `asave`... only call their sync twins in a thread: no spelling.
TWINS = {*filter(callable, [*vars(QuerySet).values(), *vars(Model).values()])}


class Decision:
    # What was looked at, and what follows: the definition that decides, the flow that
    # runs in its place, and the name that Python finds it by, if no face is in the way.
    __slots__ = "cls sync async_ drf_class drf_method definition flow found_as".split()

    def __init__(self, *values: Any) -> None:
        for name, value in zip(self.__slots__, values):
            setattr(self, name, value)


UNDECIDED: Any = Decision(*[None] * len(Decision.__slots__))
# With the id, the name is this copy's own: others must not run the flows of this one.
DECISIONS = sys.intern("restflow_decisions_%d" % id(FLOWS))


@functools.lru_cache(maxsize=None)
def _async_name(hook: str) -> str:
    # Interned, as names in source code are: Python finds these sooner.
    return sys.intern("a" + hook)


def _flow_or_method(owner: Any, hook: str, skip: str = "") -> Tuple[Any, Any]:
    """Return the flow that decides, or else `None` and the method that does.

    Of what is set on the object itself, both: it may be a method of another object. The
    spelling to `skip` is one that is set there and asks for the other.
    """
    cls, async_name = type(owner), _async_name(hook)
    on_object = getattr(owner, "__dict__", NOTHING)
    if hook in on_object or async_name in on_object:
        method = _on_object(owner, hook, skip)
        return lambda _, *args, **kwargs: _apply(method, *args, **kwargs), method
    sync, async_ = getattr(cls, hook, None), getattr(cls, async_name, None)
    if async_ is None or _is_twin(async_):
        if type(sync) is property:
            return _flow_of(sync.fget), _bound(sync.fget, owner)
        flow = _flow_of(sync)
        if flow is not None:
            return flow, None
        # What is not there may be made up by `__getattr__`.
        if sync is None or type(sync) is types.FunctionType:
            return None, getattr(owner, hook)
    known = getattr(cls, DECISIONS, NOTHING).get(hook, UNDECIDED)
    if (
        known.cls is not cls  # It is of a base class.
        or known.sync is not sync
        or known.async_ is not async_
        # A patch of DRF's method, which a method of this module's stands for, is seen.
        or getattr(known.drf_class, hook, None) is not known.drf_method
    ):
        known = _decide(cls, hook, sync, async_)
    if known.flow is not None:
        return known.flow, None
    if known.found_as:
        return None, getattr(owner, known.found_as)
    return None, _bound(known.definition, owner)


def _implementation(owner: Any, hook: str, skip: str = "") -> Any:
    """Return the implementation that decides, as something to call."""
    flow, method = _flow_or_method(owner, hook, skip)
    return _bound(flow, owner) if method is None else method


def _on_object(owner: Any, hook: str, skip: str) -> Any:
    """Return what is set on the object itself: it comes before its classes."""
    for name in (_async_name(hook), hook):
        method = vars(owner).get(name) if name != skip else None
        if callable(method) and type(method) is not _Asave:
            return method
    cls = type(owner)
    sync, async_ = getattr(cls, hook, None), getattr(cls, _async_name(hook), None)
    known = _decide(cls, hook, sync, async_)
    if known.found_as and known.found_as not in vars(owner):
        return getattr(owner, known.found_as)
    return _bound(known.definition, owner)


def _decide(cls: Any, hook: str, sync: Any, async_: Any) -> Any:
    """Find the definition that decides, and keep it on the class if it has a face."""
    name = hook
    if async_ is not None:
        names = (_spelling_of(base, hook) for base in cls.__mro__)
        name = next(filter(None, names), hook)
    attribute = getattr(cls, name, None)
    definition = _behind(attribute)
    if isinstance(attribute, property):
        definition = attribute.fget
    elif attribute is not None and not callable(attribute):
        definition = lambda owner: getattr(owner, name)  # noqa: E731
    definition, *drfs = _unless_patched(cls, definition)
    found_as, flow = name if definition is attribute else "", _flow_of(definition)
    decision = Decision(cls, sync, async_, *drfs, definition, flow, found_as)
    if _is_face(sync) or _is_face(async_):
        setattr(cls, DECISIONS, {**vars(cls).get(DECISIONS, NOTHING), hook: decision})
    return decision


def _flow_of(function: Any) -> Any:
    is_function = type(function) is types.FunctionType  # Others may have no hash.
    return FLOWS.get(function) if is_function else None


def _unless_patched(cls: type, function: Any) -> Tuple[Any, Any, Any]:
    """Return a function, or what somebody has put in the place of DRF's method.

    Then DRF's part of the class, and what it has as the method, if it stands for one.
    """
    known = STANDS_FOR.get(function) if type(function) is types.FunctionType else None
    if known is None or not issubclass(cls, known[0]):
        return function, None, None
    base, hook = known
    drf_class = super(base, cls)
    now = getattr(drf_class, hook, None)
    # Who wraps this module's method as well, as tracers do, sees the call there.
    if not (_is_face(now) or _is_stock(now)) and _is_face(vars(base).get(hook)):
        function = now
    return function, drf_class, now


def _behind(attribute: Any) -> Any:
    """Return what a face stands for as things are now, and all else as it is."""
    return attribute.current() if _is_face(attribute) else attribute


def _is_face(attribute: Any) -> bool:
    # By its type, which no decorator copies. Another copy of this file has its own.
    return getattr(type(attribute), "is_restflow_face", False)


def _spelling_of(cls: type, hook: str) -> str:
    """Return the name under which a class itself defines a hook, or an empty one."""
    names = [name for name in ("a" + hook, hook) if _defined(cls, name) is not None]
    if len(names) == 2 and hook in vars(cls).get("restflow_given", ()):
        return hook  # Who patches a face means the hook.
    return names[0] if names else ""


def _defined(cls: type, name: str) -> Any:
    """Return what a class itself defines, other than the faces that it was given."""
    attribute: Any = vars(cls).get(name)
    if _is_face(attribute) and attribute.owner is cls and attribute.defined_as != name:
        if attribute.current() is None:  # What it stood for is there no more.
            delattr(cls, name)
        return None
    return None if _is_twin(attribute) else attribute


def _is_twin(attribute: Any) -> bool:
    return type(attribute) is types.FunctionType and attribute in TWINS


def _bound(function: Any, owner: Any) -> Any:
    return getattr(function, "__get__", lambda *_: function)(owner, type(owner))


def _is_drf_class(cls: type) -> bool:
    return cls.__module__.startswith(("rest_framework.", "django."))


def _is_async(function: Any) -> bool:
    # By its code. Not by the mark of `markcoroutinefunction`, which decorators copy.
    while isinstance(function, (functools.partial, functools.partialmethod)):
        function = function.func
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    code = code or getattr(type(function).__call__, "__code__", None)
    return code is not None and bool(code.co_flags & inspect.CO_COROUTINE)


# --- What only computes ---------------------------------------------------------------
#
# Methods of DRF's that only compute need no thread: they run on whichever side the view
# is, so that a view with nothing sync about it makes no hop. That holds as long as what
# they use of the view is stock, too: DRF's own, or plain data.

COMPUTES = {
    getattr(method, "fget", method)
    for cls, names in {
        APIView: "get_permissions get_throttles",
        generics.GenericAPIView: "get_queryset get_serializer_class paginator "
        "get_serializer_context",
        mixins.CreateModelMixin: "get_success_headers",
        permissions.BasePermission: "has_permission has_object_permission",
        permissions.AllowAny: "has_permission",
        pagination.PageNumberPagination: "get_paginated_response",
        pagination.LimitOffsetPagination: "get_paginated_response",
    }.items()
    for method in map(vars(cls).get, names.split())
}
USED = """
    initialize_request get_parser_context get_parsers
    get_authenticators get_content_negotiator default_response_headers allowed_methods
    _allowed_methods get_format_suffix perform_content_negotiation get_renderers
    determine_version get_renderer_context authentication_classes parser_classes
    renderer_classes permission_classes throttle_classes queryset serializer_class
    pagination_class get_serializer get_serializer_class get_serializer_context
""".split()
USED_OF_OTHERS = [
    ("content_negotiation_class", "select_renderer"),
    ("content_negotiation_class", "get_accept_list"),
    ("versioning_class", "determine_version"),
    ("versioning_class", "is_allowed_version"),
]
USED_OF_PAGINATORS = ["get_next_link", "get_previous_link"]
ALSO_STOCK = {
    __name__,
    "django.contrib.auth.base_user",
    "django.contrib.auth.models",
    "django.views.generic.base",
}


def _only_computes(method: Any) -> bool:
    # Not what stands in for a method, as that of a tracer: it would be passed over.
    function = method.__func__ if type(method) is types.MethodType else None
    if type(function) is not types.FunctionType or function not in COMPUTES:
        return False
    owner = method.__self__
    if isinstance(owner, View):
        is_plain = _uses_only_stock(owner)
    else:
        used = [getattr(type(owner), name, None) for name in USED_OF_PAGINATORS]
        is_plain = all(map(_is_stock, used))
    # A tracer may have come before this module.
    return is_plain and _is_stock(function)


def _uses_only_stock(view: Any) -> bool:
    known = vars(view).get("restflow_uses_only_stock")
    if known is None:  # once for each view, and so for each request
        known = view.restflow_uses_only_stock = _find_out_what_it_uses(view)
    return known


def _find_out_what_it_uses(view: Any) -> bool:
    cls, given = type(view), vars(view).keys() & USED  # by `as_view(...)`
    used = [getattr(cls, name, None) for name in USED]
    used.extend(vars(view)[name] for name in given)
    for name, method in USED_OF_OTHERS:
        component = vars(view).get(name, getattr(cls, name, None))
        used.append(getattr(component, method, None))
    known = vars(cls).get("restflow_stock", ([], False))
    if known[0] != used:  # It is the first, or somebody has patched the class.
        known = cls.restflow_stock = used, all(map(_is_stock, used))
    return known[1]


def _is_stock(attribute: Any) -> bool:
    """Is it DRF's own, or plain data? By where it was written, not by its name."""
    attribute = getattr(attribute, "fget", attribute)
    if type(attribute) is types.FunctionType:  # and nothing that passes for one
        module = attribute.__globals__.get("__name__", "")
        return module.startswith("rest_framework.") or module in ALSO_STOCK
    is_data = not (callable(attribute) or hasattr(attribute, "__get__"))
    return is_data or isinstance(attribute, type)


# --- The dispatch helper --------------------------------------------------------------
#
# A hop costs more than most hooks, and a hop for each hook is what makes async views
# slow. So `dispatch`, `list`, `create`... are *flows* here: coroutines that await only
# `_call`, `_apply`, `_move_to` and each other. Any thread may advance a coroutine.
# `_drive` advances a flow on the event loop and, from where it wants the worker thread,
# in that thread, until it wants the event loop again: a run of sync hooks is one hop,
# and a run of async hooks is none. In sync code `_run` does so from the other side.

EVENT_LOOP, WORKER_THREAD = sys.intern("event loop"), sys.intern("worker thread")
# Which hooks are running: (a method, its arguments, and what was running before).
RUNNING: Any = contextvars.ContextVar("RUNNING", default=None)


class _Thread(threading.local):
    runs_a_view = False  # in sync code
    makes_a_view = False


THREAD = _Thread()
# It returns the event loop that runs in this thread, or `None`.
_on_event_loop = asyncio._get_running_loop


def call_hook(owner: Any, hook: str, /, *args: Any, **kwargs: Any) -> Any:
    """Call `hook` of `owner` by the one rule of this module, however it is written.

    Use it in handlers of your own, for what somebody may write sync or async: `await
    call_hook(serializer, "is_valid", raise_exception=True)`. The hooks of a view do not
    need it: `await self.aget_object()` is the same.

    `owner` is any object. `hook` is the name that DRF or Django has for the method
    ("save", not "asave"), or for a property, which is read: `call_hook(request,
    "data")`. All other arguments are passed on. Returns a coroutine on the event loop,
    and the result in sync code. Raises what the hook raises, and `AttributeError` if
    there is none.
    """
    return (_drive if _on_event_loop() else _run)(_call, owner, hook, *args, **kwargs)


def _call(owner: Any, hook: str, /, *args: Any, **kwargs: Any) -> Coroutine:
    """Call a hook, for a flow, which awaits it."""
    flow, method = _flow_or_method(owner, hook)
    if flow is not None:
        return flow(owner, *args, **kwargs)
    return _call_on_its_side(method, args, kwargs)


def _apply(method: Any, /, *args: Any, **kwargs: Any) -> Coroutine:
    """Call a function or a method on its own side, for a flow, which awaits it."""
    flow = _flow_behind(method)
    if flow is not None:
        return flow(method.__self__, *args, **kwargs)
    return _call_on_its_side(method, args, kwargs)


def _flow_behind(method: Any) -> Any:
    return _flow_of(method.__func__) if type(method) is types.MethodType else None


async def _call_on_its_side(method: Any, args: Any, kwargs: Any) -> Any:
    if _on_event_loop() and not (_is_async(method) or _only_computes(method)):
        await _move_to(WORKER_THREAD)
    result = method(*args, **kwargs)
    # A coroutine is never taken for an answer.
    if hasattr(type(result), "__await__"):
        return await _note(method, args, kwargs, _settle(result))
    return result


def _apply_and_note(method: Any, /, *args: Any, **kwargs: Any) -> Coroutine:
    return _note(method, args, kwargs, _apply(method, *args, **kwargs))


async def _note(method: Any, args: Any, kwargs: Any, flow: Coroutine) -> Any:
    """Await a flow, and note meanwhile that the method is running."""
    before = RUNNING.get()
    RUNNING.set((method, args, kwargs, before))
    try:
        return await flow
    finally:
        RUNNING.set(before)


def _is_running(method: Any, args: Any, kwargs: Any) -> bool:
    """Is it the method itself that calls us, with the arguments that it was given?"""
    running = RUNNING.get()
    while running is not None:
        given = [*args, *kwargs.values()]
        other, its_args, its_kwargs, running = running
        its_given = [*its_args, *its_kwargs.values()]
        if other == method and list(map(id, given)) == list(map(id, its_given)):
            return True
    return False


async def _settle(result: Any) -> Any:
    # A response can be awaited, too: see `_AwaitableResponse`.
    while hasattr(type(result), "__await__") and not isinstance(
        result, HttpResponseBase
    ):
        if not _on_event_loop():
            try:
                await _move_to(EVENT_LOOP)
            except BaseException:  # The request is cancelled on the way.
                getattr(result, "close", bool)()
                raise
        result = await result
    return result


@types.coroutine
def _move_to(side: str) -> Any:
    if bool(_on_event_loop()) is not (side is EVENT_LOOP):
        yield side


async def _drive(flow_function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Run a flow for async code."""
    return await _advance(_end_on_event_loop(flow_function(*args, **kwargs)))


@types.coroutine
def _end_on_event_loop(flow: Any) -> Any:
    try:  # `await` would refuse a flow that has begun.
        return (yield from flow.__await__())
    finally:
        yield from _move_to(EVENT_LOOP)


@types.coroutine
def _advance(flow: Any) -> Any:
    resume, value = flow.send, None
    while True:
        try:
            wanted = resume(value)
        except StopIteration as end:
            return end.value
        try:
            if wanted == WORKER_THREAD:
                yield from _in_worker_thread(flow.send, None).__await__()
            else:
                yield wanted  # what an async hook waits for
            resume, value = flow.send, None
        except BaseException as error:
            resume, value = flow.throw, error


async def _in_worker_thread(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call a sync function in the thread. If cancelled, end when the call has ended."""
    lock, executor = threading.Lock(), getattr(AsyncToSync.executors, "current", None)
    try:
        return await _call_unless_locked(lock, function, *args, **kwargs)
    except asyncio.CancelledError:
        while not lock.acquire(blocking=False):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.001)
        # asgiref leaves behind what it sets for the thread while sync code waits there.
        AsyncToSync.executors.current = executor
        raise


@sync_to_async
def _call_unless_locked(lock: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    if lock.acquire(blocking=False):
        try:
            return _in_sync_code(function, *args, **kwargs)
        finally:
            lock.release()


def _in_sync_code(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call a function for a view, in this thread."""
    if THREAD.runs_a_view and not THREAD.makes_a_view:  # It is all set.
        return function(*args, **kwargs)
    before = THREAD.runs_a_view, THREAD.makes_a_view
    THREAD.runs_a_view, THREAD.makes_a_view = True, False
    try:
        return function(*args, **kwargs)
    finally:
        THREAD.runs_a_view, THREAD.makes_a_view = before


def _run(flow_function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Run a flow for sync code: on the spot, or there as long as it wants to be."""
    flow = flow_function(*args, **kwargs)
    try:
        _in_sync_code(flow.send, None)
    except StopIteration as end:
        return end.value
    # In a copy of the context: asgiref notes in it which thread waits, and a request
    # that is cancelled at that moment would take the note along, and ask that thread
    # for its clean-up ("CurrentThreadExecutor already quit").
    context = contextvars.copy_context()
    try:
        return context.run(async_to_sync(_drive), lambda: flow)
    finally:
        for variable, value in context.items():
            if variable.get(None) is not value:
                variable.set(value)


# --- Both spellings -------------------------------------------------------------------
#
# Each class that a view is made of, yours and this module's, is given the spelling of a
# hook that it does not define, so that Python's own look-up and `super()` find the most
# derived one under both names. It is a face: it runs the definition on its own side.
# What both sides call by one name, such as an action, has a face around it, too.

# Those that this module has in both spellings.
PAIRS = """initial perform_authentication check_permissions check_object_permissions
    check_throttles handle_exception finalize_response filter_queryset paginate_queryset
    get_object perform_create perform_update perform_destroy""".split()
ACTIONS = {"list", "create", "retrieve", "update", "partial_update", "destroy"}
# These have one spelling: a view may well have a helper that is called `ahead`.
HANDLERS = {"dispatch", *View.http_method_names}
# Not by `getattr`: `schema` would import what the settings name, and that the project.
HOOKS = HANDLERS.union(
    name
    for base in viewsets.ModelViewSet.__mro__
    for name, attribute in vars(base).items()
    if inspect.isfunction(attribute) and not name.startswith("_")
)
NAMES = {**{hook: hook for hook in HOOKS}, **{"a" + h: h for h in HOOKS - HANDLERS}}


# What `inspect`, asyncio and asgiref look for in a coroutine function, on this Python.
# `_is_coroutine` goes with Python 3.11.
MARKS: Dict[str, Any] = {
    "__code__": _drive.__code__,
    "_is_coroutine": getattr(asyncio.coroutines, "_is_coroutine", None),
    **vars(getattr(inspect, "markcoroutinefunction", lambda f: f)(lambda: None)),
}


class _MaybeCoroutineFunction:
    """A coroutine function while `is_awaited()`, and else a function, to who asks."""

    __defaults__ = __kwdefaults__ = None  # `inspect` asks for these before the code

    def __init__(self, function: Any) -> None:
        wrapper: Any = self
        # Names last: Django copies the `__dict__` of `dispatch` to its view function.
        functools.update_wrapper(wrapper, function, assigned=())
        functools.update_wrapper(wrapper, function, updated=())
        for mark in MARKS:
            vars(self).pop(mark, None)

    def __getattr__(self, name: str) -> Any:
        if name in MARKS and self.is_awaited():
            return MARKS[name]
        raise AttributeError(name)

    def __reduce__(self) -> str:
        return self.__qualname__  # It is copied and pickled as functions are: by name.


class _Face(_MaybeCoroutineFunction):
    """What a class is given as `name` for what it has defined as `defined_as`.

    It runs the definition on its own side. To who asks it is a coroutine function where
    it has to be awaited. Under a name that both sides call, it is a function in sync
    code, where it answers: `method_decorator` has to take its sync branch there. But an
    `async def` of a view is what it was written as while no view runs in this thread.
    """

    # Not in its `__dict__`, which decorators copy.
    __slots__ = ("function", "owner", "hook", "name", "defined_as", "is_of_view")
    is_restflow_face = True

    def __init__(
        self, owner: Any, hook: str, name: str, defined_as: str, is_of_view: bool
    ) -> None:
        self.function = _behind(vars(owner)[defined_as])
        super().__init__(self.function)
        self.owner, self.hook, self.is_of_view = owner, hook, is_of_view
        self.name, self.defined_as = name, defined_as
        self.__name__, self.__module__ = name, owner.__module__
        self.__qualname__ = "%s.%s" % (owner.__qualname__, name)

    def __get__(self, instance: Any, cls: Any) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def is_awaited(self) -> bool:
        if self.name != self.hook:
            return True
        answers = THREAD.runs_a_view or not self.is_of_view
        is_in_sync_code = answers and not _on_event_loop()
        is_of_both_sides = self.name == self.defined_as or self.hook in ACTIONS
        return is_of_both_sides and not is_in_sync_code and _is_async(self.function)

    def current(self) -> Any:
        """Return the definition as it is now: `None` if it is there no more."""
        if self.name == self.defined_as:
            return self.function
        now: Any = vars(self.owner).get(self.defined_as)
        is_given = (
            _is_face(now) and now.owner is self.owner and now.defined_as == self.name
        )
        return None if is_given else _behind(now)

    def __call__(self, instance: Any, /, *args: Any, **kwargs: Any) -> Any:
        cls, is_given = type(instance), self.name != self.defined_as
        is_of_others = not hasattr(cls, "has_both_spellings") and issubclass(cls, View)
        if is_of_others and not is_given:  # To their views, a mixin is what it was.
            return _bound(self.function, instance)(*args, **kwargs)
        method = None if is_of_others else self.meant_by(instance)
        if method is None or (is_given and _is_running(method, args, kwargs)):
            # An `ahas_permission` may ask the `has_permission` that it hides.
            return getattr(super(self.owner, instance), self.name)(*args, **kwargs)
        if self.hook == "dispatch" and THREAD.makes_a_view:
            return _apply(method, *args, **kwargs)  # for `_serve`
        # A flow never asks for the other spelling.
        apply = _apply_and_note if _flow_behind(method) is None else _apply
        if self.name == self.hook and not _on_event_loop():
            return _run(apply, method, *args, **kwargs)
        if self.name == self.hook and is_given and self.hook not in ACTIONS:
            raise SynchronousOnlyOperation(
                "%s.%s() was called on the event loop, where its answer cannot be "
                "waited for. Write: await self.a%s(...)"
                % (cls.__name__, self.name, self.name)
            )
        coroutine = _drive(apply, method, *args, **kwargs)
        # For Python, which says what was never awaited.
        coroutine.__qualname__ = "%s.%s" % (cls.__name__, self.name)
        return coroutine

    def meant_by(self, instance: Any) -> Any:
        """Return the method that is meant by who calls the face of an object."""
        cls = type(instance)
        if self.hook in HANDLERS or getattr(cls, self.name, None) is not self:
            # A handler, or called by `super()`: the definition of the face's class.
            function, *_ = _unless_patched(cls, self.current())
            return None if function is None else _bound(function, instance)
        # A mock that is set on the object and wraps this face must not be asked again.
        return _implementation(instance, self.hook, skip=self.name)


class _BothSpellings:
    has_both_spellings = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__ == __name__ and cls.__name__ in __all__:
            # Its bases are complete: to look at them again takes half of the import.
            _complete_class(cls, cls, NAMES)
        else:
            _refuse_what_would_not_run(cls)
            _complete_view(cls)


def _complete_view(cls: type, **initkwargs: Any) -> None:
    _complete(cls, NAMES)
    for attribute, (_, names) in COMPONENTS.items():
        for component in _parts(initkwargs.get(attribute, getattr(cls, attribute, ()))):
            if isinstance(component, type):
                _complete(component, names)


def _complete(cls: type, names: Dict[str, str]) -> None:
    """Give the classes that `cls` is made of the spellings that they lack."""
    for base in cls.__mro__[:-1]:
        if not _is_drf_class(base):
            _complete_class(cls, base, names)


def _complete_class(cls: type, base: type, names: Dict[str, str]) -> None:
    namespace = vars(base).copy()  # Other threads may decide meanwhile.
    for name, function in namespace.items():
        if names is NAMES or name in names:  # an `@action` of a view, too
            _refuse_what_closes_early(base, name, function)
    for hook in {names[name] for name in namespace.keys() & names.keys()}:
        _complete_hook(cls, base, hook, names is NAMES)


def _complete_hook(cls: type, base: Any, hook: str, is_of_view: bool) -> None:
    is_of_both_sides = is_of_view and (hook in HANDLERS or hook in ACTIONS)
    names = [hook] if is_of_view and hook in HANDLERS else ["a" + hook, hook]
    defined = [name for name in names if _is_method(_defined(base, name))]
    for name in defined:
        function = vars(base)[name]
        is_ours = getattr(function, "__globals__", None) is globals()
        if is_ours and _is_async(function):
            FLOWS[function] = function
            STANDS_FOR[function] = base, hook
        if name == hook:
            is_to_face = is_of_both_sides or _is_async_behind(function)
        else:
            is_to_face = is_ours or not _is_async(function)
        # What stands in for a face, as of a tracer, hands on to it: it needs no other.
        if is_to_face and getattr(function, "is_restflow_face", None) is not True:
            setattr(base, name, _Face(base, hook, name, name, is_of_view))
    if len(defined) == 1:
        other = hook if name != hook else "a" + hook
        # An async spelling of a class below must not pass over a sync override.
        is_to_give = len(names) == 2 and hasattr(cls, other)
        is_to_give = is_to_give or (is_of_view and hook in PAIRS)
        if is_to_give and other not in vars(base):
            setattr(base, other, _Face(base, hook, other, name, is_of_view))
            base.restflow_given = {*vars(base).get("restflow_given", ()), other}


def _is_method(attribute: Any) -> bool:
    kinds = (staticmethod, classmethod, functools.partialmethod)
    is_method = callable(attribute) or isinstance(attribute, kinds)
    return is_method and not isinstance(attribute, type)


def _is_async_behind(function: Any) -> bool:
    """Is it an `async def`, or something that says that it wraps one?"""
    wrapped = inspect.unwrap(function, stop=_is_face)
    # What a face answers in sync code is the result.
    return _is_async(wrapped) and not _is_face(wrapped)


# What `@transaction.atomic` and `@method_decorator(...)` make of a function.
IN_CONTEXT = ContextDecorator()(_bound).__code__
DECORATED_METHOD = method_decorator(lambda function: function)(_bound).__code__


def _refuse_what_closes_early(cls: type, name: str, function: Any) -> None:
    """Raise `TypeError` for `@transaction.atomic` or the like around an `async def`."""
    code = getattr(function, "__code__", None)
    decorators: Any = ()
    if code is DECORATED_METHOD:
        decorators = inspect.getclosurevars(function).nonlocals["decorators"]
    is_in_context = code is IN_CONTEXT or any(
        getattr(decorate(_bound), "__code__", None) is IN_CONTEXT
        for decorate in decorators
    )
    if is_in_context and _is_async_behind(function):
        raise TypeError(
            "%s.%s is a coroutine function with a context manager, such as "
            "transaction.atomic, as its decorator, which ends before the coroutine "
            "runs. Write: def %s(...)" % (cls.__name__, name, name)
        )


# Sync code of a project may ask components itself; a permission that combines others
# does. SECURITY: a coroutine is as good as "yes" there, and so may be the answer of a
# stock method below an async override. So each component class that has an async
# spelling is given the sync one, whether a view lists it or not: DRF's base classes
# tell of each subclass that is made. Classes without anything async are not touched.

COMPONENTS = {
    attribute: (base, {a + hook: hook for hook in hooks.split() for a in ("", "a")})
    for attribute, (base, hooks) in {
        "authentication_classes": (
            authentication.BaseAuthentication,
            "authenticate authenticate_header",
        ),
        "permission_classes": (
            permissions.BasePermission,
            "has_permission has_object_permission",
        ),
        "throttle_classes": (throttling.BaseThrottle, "allow_request wait"),
        "filter_backends": (filters.BaseFilterBackend, "filter_queryset"),
        "pagination_class": (
            pagination.BasePagination,
            "paginate_queryset get_paginated_response",
        ),
    }.items()
}
OPERATIONS = (permissions.OperandHolder, permissions.SingleOperandHolder)


def _parts(value: Any) -> List[Any]:
    """Return the components of `permission_classes`, say, with the operands of `&`."""
    if isinstance(value, OPERATIONS):
        value = list(vars(value).values())
    if not isinstance(value, (list, tuple, set)):
        return [value]
    return [part for item in value for part in _parts(item)]


def _complete_new_subclasses(base: Any, names: Dict[str, str]) -> None:
    before = vars(base).get("__init_subclass__")  # that of another copy of this file

    def __init_subclass__(cls: Any, /, **kwargs: Any) -> None:
        if before is None:
            super(base, cls).__init_subclass__(**kwargs)
        else:
            before.__get__(None, cls)(**kwargs)
        _complete(cls, names)

    base.__init_subclass__ = classmethod(__init_subclass__)


def _complete_components() -> None:
    for base, names in COMPONENTS.values():
        classes = base.__subclasses__()
        for cls in classes:
            classes.extend(cls.__subclasses__())
            _complete(cls, names)


for _base, _names in COMPONENTS.values():
    _complete_new_subclasses(_base, _names)
_complete_components()


def _refuse_what_would_not_run(cls: type) -> None:
    """Raise `TypeError` for a class that would pass over something without a word."""
    drfs = list(filter(_is_drf_class, cls.__mro__))
    ours = [b for b in cls.__mro__ if vars(b).get("__module__") == __name__]
    is_ours = any(issubclass(b, APIView) for b in ours)
    as_view = next((b for b in cls.__mro__ if "as_view" in vars(b)), None)
    if issubclass(cls, View) and (as_view in drfs or not is_ours):
        drf_class = next(b for b in drfs if hasattr(b, "as_view"))
        instead = "Async" + drf_class.__name__
        if instead not in __all__:
            is_viewset = issubclass(drf_class, viewsets.ViewSetMixin)
            instead = "AsyncViewSet" if is_viewset else "AsyncAPIView"
        raise TypeError(
            "%s is served as a %s, which is one of DRF's sync views. Write %s in its "
            "place, as the first base that is a view."
            % (cls.__name__, drf_class.__name__, instead)
        )
    for position, below in enumerate(cls.__mro__):
        names = vars(below).keys() & {"as_view", *NAMES}
        for hook in () if below in ours + drfs else {NAMES.get(n, n) for n in names}:
            names = {hook} if hook in HANDLERS else {hook, "a" + hook}
            above = [b for b in cls.__mro__[:position] if any(map(vars(b).get, names))]
            if above and above[-1] in ours:
                raise TypeError(
                    "%s.%s would never run. Name %s before %s in the bases of %s."
                    % (below.__name__, hook, below.__name__, above[-1].__name__, cls)
                )


# --- Flows for what DRF does in one go ------------------------------------------------
#
# Methods of DRF's that call the hooks of several components. A method that somebody
# replaced is not here, and runs instead.


def _stands_for(*functions: Any) -> Any:
    def remember(flow: Any) -> Any:
        for function in filter(_is_stock, functions):
            FLOWS[function] = flow
        return flow

    return remember


@_stands_for(Request._authenticate)  # type: ignore[attr-defined]
async def _authenticate(request: Any) -> None:
    for authenticator in request.authenticators:
        try:
            user_auth_tuple = await _call(authenticator, "authenticate", request)
        except exceptions.APIException:
            request._not_authenticated()
            raise

        if user_auth_tuple is not None:
            request._authenticator = authenticator
            request.user, request.auth = user_auth_tuple
            return

    request._not_authenticated()


@_stands_for(Request.data.fget)  # type: ignore[attr-defined]
async def _parse(request: Any) -> Any:
    # On the event loop, only what is parsed faster than a hop takes.
    length = str(request.META.get("CONTENT_LENGTH") or 0)
    is_small = length.isdigit() and int(length) <= 8192
    is_file = "multipart" in request.content_type
    used = [request.negotiator, *request.parsers]
    if not is_small or is_file or not all(map(_is_drf_class, map(type, used))):
        await _move_to(WORKER_THREAD)
    return request.data


async def _check_permissions(view: APIView, request: Request, *obj: Any) -> None:
    for permission in await _call(view, "get_permissions"):
        if not await _allows(permission, request, view, *obj):
            message = getattr(permission, "message", None)
            code = getattr(permission, "code", None)
            await _call(view, "permission_denied", request, message=message, code=code)


def _allows(permission: Any, request: Any, view: Any, *obj: Any) -> Coroutine:
    hook = "has_object_permission" if obj else "has_permission"
    return _call(permission, hook, request, view, *obj)


@_stands_for(permissions.AND.has_permission, permissions.AND.has_object_permission)
async def _both_allow(operation: Any, *args: Any) -> Any:
    return await _allows(operation.op1, *args) and await _allows(operation.op2, *args)


@_stands_for(permissions.OR.has_permission, permissions.OR.has_object_permission)
async def _either_allows(operation: Any, request: Any, view: Any, *obj: Any) -> bool:
    for operand in (operation.op1, operation.op2):
        # Only an operand that allows the request has a say on the object.
        if await _allows(operand, request, view):
            if not obj or await _allows(operand, request, view, *obj):
                return True
    return False


@_stands_for(permissions.NOT.has_permission, permissions.NOT.has_object_permission)
async def _does_not_allow(operation: Any, *args: Any) -> bool:
    return not await _allows(operation.op1, *args)


@_stands_for(
    permissions.IsAuthenticated.has_permission,
    permissions.IsAuthenticatedOrReadOnly.has_permission,
)
async def _judge_user(permission: Any, request: Any, view: Any) -> bool:
    # On the event loop only a user who is at hand, and asking whom is no query.
    user = getattr(request, "__dict__", {}).get("_user")
    if _on_event_loop() and not _is_stock(getattr(type(user), "is_authenticated", abs)):
        await _move_to(WORKER_THREAD)
    return permission.has_permission(request, view)


@_stands_for(generics.GenericAPIView.get_paginated_response)
async def _get_paginated_response(view: Any, data: Any) -> Response:
    paginator = await _call(view, "paginator")
    assert paginator is not None
    return await _call(paginator, "get_paginated_response", data)


# --- The base view --------------------------------------------------------------------


class AsyncAPIView(_BothSpellings, APIView):
    # Asked by `as_view`, which would mark its function: `_View` passes for one itself.
    view_is_async = False

    @classmethod
    def as_view(cls, *args: Any, **initkwargs: Any) -> Any:
        # With what has been put on classes since they were made.
        _complete_view(cls, **initkwargs)
        _complete_components()
        return _View(super().as_view(*args, **initkwargs))

    async def ainitial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Do what comes before the handler: negotiate, find the version, check.

        The async spelling of `initial`. Override it for what every request needs first,
        but not to check permissions: that is what permissions are for. Takes the
        request and the arguments of the URL. Raises an `APIException` to refuse.
        """
        await _get_ready_to_compute(self)
        self.format_kwarg = self.get_format_suffix(**kwargs)

        # Perform content negotiation and store the accepted info on the request
        neg = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = neg

        # Determine the API version, if versioning is in use.
        version, scheme = self.determine_version(request, *args, **kwargs)
        request.version, request.versioning_scheme = version, scheme

        # Ensure that the incoming request is permitted
        await _call(self, "perform_authentication", request)
        await _call(self, "check_permissions", request)
        await _call(self, "check_throttles", request)

    async def aperform_authentication(self, request: Request) -> None:
        """Find out who sends the request, and set its `user` and `auth`.

        The async spelling of `perform_authentication`. If you override it and simply
        `pass`, sync code that asks for `request.user` first does it instead. Takes the
        request. Raises what the authenticators raise: `AuthenticationFailed`.
        """
        await _authenticate_once(request)

    async def acheck_permissions(self, request: Request) -> None:
        """Check if the request should be permitted.

        The async spelling of `check_permissions`. Override it for a rule that no
        permission class can express, and not for others. Takes the request. Raises
        `NotAuthenticated` or `PermissionDenied`.
        """
        await _check_permissions(self, request)

    async def acheck_object_permissions(self, request: Request, obj: Any) -> None:
        """Check if the request should be permitted for a given object.

        The async spelling of `check_object_permissions`. Rather than to override it,
        await it in a handler that looks up its object without `aget_object`. Takes the
        request and the object. Raises `NotAuthenticated` or `PermissionDenied`.
        """
        await _check_permissions(self, request, obj)

    async def acheck_throttles(self, request: Request) -> None:
        """Check if the request should be throttled, after asking all throttles.

        The async spelling of `check_throttles`. Override it to throttle some requests
        only, and `get_throttles` to choose the throttles. Takes the request. Raises
        `Throttled`, with the longest wait.
        """
        throttle_durations = []
        for throttle in await _call(self, "get_throttles"):
            if not await _call(throttle, "allow_request", request, self):
                throttle_durations.append(await _call(throttle, "wait"))

        if throttle_durations:
            # Filter out `None` values which may happen in case of config / rate changes
            durations = [d for d in throttle_durations if d is not None]
            await _call(self, "throttled", request, max(durations, default=None))

    async def ahandle_exception(self, exc: Exception) -> Response:
        """Return the response to an exception of a hook or a handler.

        The async spelling of `handle_exception`. Override it to report an exception,
        but not to change what the client sees: `EXCEPTION_HANDLER` of the settings is
        for that. Takes the exception. Returns a `Response`, or raises the exception
        again if that handler returns `None`.
        """
        if isinstance(
            exc, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)
        ):
            # WWW-Authenticate header for 401 responses, else coerce to 403
            auth_header = await _call(self, "get_authenticate_header", self.request)

            if auth_header:
                exc.auth_header = auth_header  # type: ignore[union-attr]
            else:
                exc.status_code = status.HTTP_403_FORBIDDEN

        exception_handler = await _call(self, "get_exception_handler")

        context = await _call(self, "get_exception_handler_context")
        response = await _apply(exception_handler, exc, context)

        if response is None:
            await _call(self, "raise_uncaught_exception", exc)

        response.exception = True
        return response

    async def afinalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Return the response with its renderer, and with the view's headers.

        The async spelling of `finalize_response`. Override it for what all responses
        need, those to errors too, and not for one handler's. Takes the request, the
        response and the arguments of the URL. Returns a response. Raises
        `AssertionError` if there is none.
        """
        assert isinstance(response, HttpResponseBase), (
            "Expected a `Response`, `HttpResponse` or `StreamingHttpResponse` "
            "to be returned from the view, but received a `%s`. "
            "Return one from the handler of %s for %s."
            % (type(response), type(self).__name__, request.method)
        )
        await _get_ready_to_compute(self)
        return super().finalize_response(request, response, *args, **kwargs)

    async def dispatch(
        self, request: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        self.args = args
        self.kwargs = kwargs
        await _get_ready_to_compute(self)
        request = self.initialize_request(request, *args, **kwargs)
        self.request = request
        self.headers = self.default_response_headers  # deprecate?
        _guard_user(request)

        try:
            await _call(self, "initial", request, *args, **kwargs)

            # Get the appropriate handler method
            handler = self.http_method_not_allowed
            if request.method.lower() in self.http_method_names:
                handler = getattr(self, request.method.lower(), handler)

            # What is behind its face: so it is part of this flow, and in the same hop.
            face: Any = getattr(handler, "__func__", None)
            if _is_face(face) and type(handler) is types.MethodType:
                handler = face.meant_by(handler.__self__)
            response = await _apply(handler, request, *args, **kwargs)

        except Exception as exc:
            response = await _call(self, "handle_exception", exc)

        self.response = await _call(
            self, "finalize_response", request, response, *args, **kwargs
        )
        return self.response

    async def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self.metadata_class is None:
            return await _call(
                self, "http_method_not_allowed", request, *args, **kwargs
            )
        metadata: Any = self.metadata_class
        data = await _call(metadata(), "determine_metadata", request, self)
        return Response(data, status=status.HTTP_200_OK)


async def _get_ready_to_compute(view: APIView) -> None:
    if _on_event_loop() and not _uses_only_stock(view):
        await _move_to(WORKER_THREAD)


def _guard_user(request: Any) -> None:
    """Make `user` and `auser()` of the request those that DRF's authenticators find."""
    if isinstance(request, Request):
        request._authenticate = functools.partial(  # type: ignore[attr-defined]
            _authenticate_in_sync_code, request
        )
        # SECURITY: Django's own `auser()` is that of the session, whoever DRF found.
        auser = functools.partial(_auser, request)
        request.auser = request._request.auser = auser


def _authenticate_in_sync_code(request: Any) -> None:
    # For sync code that asks for `request.user` first, as the view left it to that.
    if _on_event_loop():
        raise SynchronousOnlyOperation(
            "request.user was asked for on the event loop before the request was "
            "authenticated. Write: await view.aperform_authentication(request)"
        )
    _run(_apply, _authentication_of(request))


def _authentication_of(request: Any) -> Any:
    return types.MethodType(type(request)._authenticate, request)


async def _auser(request: Any) -> Any:
    await _drive(_authenticate_once, request)
    return request.user


async def _authenticate_once(request: Any) -> None:
    if not (isinstance(request, Request) and _is_stock(type(request).user)):
        await _apply(getattr, request, "user")  # It has a say in who that is.
    elif not hasattr(request, "_user"):
        with wrap_attributeerrors():
            await _apply(_authentication_of(request))


# --- What `as_view` returns -----------------------------------------------------------
#
# On the event loop it is a coroutine function, elsewhere a function. So it is a sync
# view to a WSGI server, and to the decorators that are applied while a URL conf is
# imported: these take their sync branch, and judge `request.user`. It is a function on
# the event loop, too, where a database has ATOMIC_REQUESTS and the view does not opt
# out. Then Django runs it in the thread and in a transaction, as it does with its own.


class _View(_MaybeCoroutineFunction):
    known_middleware: Any = (None, False)  # the last that was seen, and what it does

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        # SECURITY: a URL conf may be imported by the first request, on the event loop.
        # Decorators must take their sync branch there, too, and judge `request.user`.
        self.is_imported = not _on_event_loop()
        if not self.is_imported:
            asyncio.get_running_loop().call_soon(setattr, self, "is_imported", True)

    def is_atomic(self) -> bool:
        opted_out = vars(self).get("_non_atomic_requests", ())
        return any(
            options["ATOMIC_REQUESTS"] and alias not in opted_out
            for alias, options in connections.settings.items()
        )

    def is_awaited(self) -> bool:
        return bool(_on_event_loop()) and self.is_imported and not self.is_atomic()

    def has_middleware_next(self) -> bool:
        """May a middleware change responses before they are rendered?"""
        paths, hook = tuple(settings.MIDDLEWARE), "process_template_response"
        if self.known_middleware[0] != paths:  # once, but for `override_settings`
            classes = list(map(import_string, paths))
            # What is no class may make an object of one that does.
            is_next = any(not isinstance(c, type) or hasattr(c, hook) for c in classes)
            self.known_middleware = paths, is_next
        return self.known_middleware[1]

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if _on_event_loop():
            return _drive(_serve, self, request, *args, **kwargs)
        is_by_hand = request.resolver_match is None and not THREAD.runs_a_view
        response = _in_sync_code(self.__wrapped__, request, *args, **kwargs)
        return _awaitable(response) if is_by_hand else response


async def _serve(view: Any, request: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call DRF's view function, which makes the view, and await its `dispatch`."""
    cls = view.cls
    is_flow = _is_face(cls.dispatch)  # Somebody may have put something there.
    if not (is_flow and _is_stock(cls.__init__) and _is_stock(cls.setup)):
        await _move_to(WORKER_THREAD)
    THREAD.makes_a_view = is_flow
    try:
        answer = view.__wrapped__(request, *args, **kwargs)
    finally:
        THREAD.makes_a_view = False
    return _rendered(view, request, await (answer if is_flow else _settle(answer)))


def _awaitable(response: Any) -> Any:
    """Return the response to who calls the view by hand, so that it can be awaited."""
    cls = type(response)
    if not isinstance(response, HttpResponseBase) or isinstance(
        response, _AwaitableResponse
    ):
        return response
    response.__class__ = type(
        cls.__name__, (_AwaitableResponse, cls), {"__module__": cls.__module__}
    )
    return response


class _AwaitableResponse:
    # With `close`, which all responses have, a coroutine to asyncio: one that is done.

    def __await__(self) -> Any:
        return self
        yield

    def send(self, value: Any) -> Any:
        raise StopIteration(self)

    def throw(self, *error: Any) -> Any:
        raise error[0]

    def __reduce_ex__(self, protocol: Any) -> Any:
        cls = type(self)
        self.__class__ = cls.__mro__[2]  # pickled as what it was
        try:
            return self.__reduce_ex__(1)
        finally:
            self.__class__ = cls


# Django's ASGI handler renders a response in a hop of its own. Where that is what comes
# next, it is done right away: in the worker thread, if the view is there anyway, or on
# the event loop, if it is plain data that is rendered faster than a hop takes.


def _rendered(view: Any, request: Any, response: Any) -> Any:
    render = getattr(response, "render", None)
    if (
        not isinstance(request, ASGIRequest)
        or view.has_middleware_next()
        # There is a decorator around the view, or it was not Django that called it.
        or getattr(request.resolver_match, "func", None) is not view
        or not callable(render)
        or _is_async(render)
        or (_on_event_loop() and not _is_small_and_plain(response))
    ):
        return response
    response = render()

    async def render_again() -> Any:
        del response.render
        return response

    response.render = render_again
    return response


def _is_small_and_plain(response: Any) -> bool:
    renderer = getattr(response, "accepted_renderer", None)
    if (
        type(response) is not Response
        or type(renderer) is not JSONRenderer
        or not _is_stock(JSONRenderer.render)
        or "render" in vars(response)
        or response._post_render_callbacks  # type: ignore[attr-defined]
    ):
        return False
    parts, size = [response.data], 0
    for part in parts:  # It grows.
        if type(part) in (dict, ReturnDict):
            parts.extend(part.values())
        elif type(part) in (list, tuple, ReturnList):
            parts.extend(part)
        elif type(part) not in (str, int, float, bool, type(None)):
            return False  # Who knows what it queries.
        size += len(part) if type(part) is str else 1
        if size + len(parts) > 2000:
            return False
    return True


# --- The generic view -----------------------------------------------------------------


class AsyncGenericAPIView(AsyncAPIView, generics.GenericAPIView):
    async def afilter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Pass a queryset through the filter backends of the view, in their order.

        The async spelling of `filter_queryset`. You are unlikely to want to override
        it, although you may need to call it from a list view or a custom `aget_object`.
        Takes a queryset, or an awaitable of one, and returns a queryset. Raises what
        the backends raise, such as `ValidationError`.
        """
        queryset = await _settle(queryset)
        for backend in list(self.filter_backends):
            queryset = await _call(
                backend(), "filter_queryset", self.request, queryset, self
            )
        return queryset

    async def apaginate_queryset(self, queryset: QuerySet) -> Optional[List[Any]]:
        """Return a single page of results, or `None` if pagination is disabled.

        The async spelling of `paginate_queryset`. Override it to decide when to
        paginate, and set `pagination_class` to decide how. Takes a queryset, or an
        awaitable of one, and returns a list. Raises `NotFound` for a page that does not
        exist.
        """
        paginator = await _call(self, "paginator")
        if paginator is None:
            return None
        queryset = await _settle(queryset)
        return await _call(
            paginator, "paginate_queryset", queryset, self.request, view=self
        )

    async def aget_object(self) -> Any:
        """Return the object that the view is displaying.

        The async spelling of `get_object`. You may want to override it for look-ups
        that `lookup_field` cannot express; end with `await
        self.acheck_object_permissions(self.request, obj)` then. To change where it is
        looked up, override `get_queryset`. Returns a model instance. Raises `Http404`
        if there is none, or if it cannot have such a key, and whatever refuses the
        permission.
        """
        queryset = await _call(
            self, "filter_queryset", await _call(self, "get_queryset")
        )

        # Perform the lookup filtering.
        lookup_url_kwarg = self.lookup_url_kwarg or self.lookup_field

        assert lookup_url_kwarg in self.kwargs, (
            "Expected view %s to be called with a URL keyword argument named "
            '"%s". Fix your URL conf, or set the `.lookup_field` attribute on '
            "the view correctly." % (type(self).__name__, lookup_url_kwarg)
        )

        filter_kwargs = {self.lookup_field: self.kwargs[lookup_url_kwarg]}
        obj = await _get_object_or_404(queryset, filter_kwargs)

        # May raise a permission denied
        await _call(self, "check_object_permissions", self.request, obj)

        return obj

    def get_serializer(self, *args: Any, **kwargs: Any) -> BaseSerializer:
        serializer = super().get_serializer(*args, **kwargs)
        _refuse_coroutine_functions(type(getattr(serializer, "child", serializer)))
        return _with_asave(serializer)


COMPUTES.add(AsyncGenericAPIView.get_serializer)


async def _get_object_or_404(queryset: Any, filter_kwargs: Any) -> Any:
    try:
        # What has no `get`, such as a model, is DRF's to look into.
        if not hasattr(queryset, "get") or not _is_async(
            _implementation(queryset, "get")
        ):
            return await _apply(generics.get_object_or_404, queryset, **filter_kwargs)
        try:
            return await _call(queryset, "get", **filter_kwargs)
        except queryset.model.DoesNotExist as exc:
            raise Http404(str(exc)) from exc
    except (TypeError, ValueError, ValidationError, OverflowError, DataError) as exc:
        raise Http404 from exc


class _Asave(functools.partial):
    pass  # A type of its own: the one rule passes over it, which asks for `save`.


def _with_asave(serializer: Any) -> Any:
    """Let a perform hook `await serializer.asave(...)`, whatever serializer it is."""
    if not hasattr(serializer, "asave"):
        serializer.asave = _Asave(call_hook, serializer, "save")
    return serializer


CALLED_BY_DRF = {"create", "update", "validate", "run_validation", "get_attribute"}
CALLED_BY_DRF |= {"to_internal_value", "to_representation", "get_value", "get_default"}


def _refuse_coroutine_functions(serializer_class: Any) -> None:
    """Raise `TypeError` for what DRF calls in sync code, and could not await."""
    if "_is_checked" in vars(serializer_class) or hasattr(serializer_class, "asave"):
        return
    called = [(serializer_class, name) for name in CALLED_BY_DRF]
    for name in dir(serializer_class):
        if name.startswith("validate_"):
            called.append((serializer_class, name))
    for name, field in getattr(serializer_class, "_declared_fields", {}).items():
        if isinstance(field, serializers.SerializerMethodField):
            called.append((serializer_class, field.method_name or "get_" + name))
        while field is not None:
            if isinstance(field, BaseSerializer):
                _refuse_coroutine_functions(type(field))
            else:
                called.extend((type(field), method) for method in CALLED_BY_DRF)
            for validator in filter(_is_async, field.validators):
                raise TypeError(
                    "A validator of %s.%s is a coroutine function, but DRF calls it in "
                    "sync code: %r" % (serializer_class.__name__, name, validator)
                )
            field = getattr(field, "child", None)  # as of a list
    for owner, name in called:
        if _is_async(getattr(owner, name, None)):
            raise TypeError(
                "%s.%s is a coroutine function, but DRF calls it in sync code. Write: "
                "def %s(...)" % (owner.__name__, name, name)
            )
    serializer_class._is_checked = True


# --- The mixins -----------------------------------------------------------------------


class AsyncCreateModelMixin(_BothSpellings, mixins.CreateModelMixin):
    async def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        data = await _call(request, "data")
        serializer = await _call(self, "get_serializer", data=data)
        await _call(serializer, "is_valid", raise_exception=True)
        await _call(self, "perform_create", _with_asave(serializer))
        data = await _call(serializer, "data")
        headers = await _call(self, "get_success_headers", data)
        data = await _call(serializer, "data")
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)

    async def aperform_create(self, serializer: BaseSerializer) -> None:
        """Save the new instance.

        The async spelling of `perform_create`. Override it for what belongs to saving,
        such as `await serializer.asave(owner=self.request.user)`, and not to change the
        response. Takes the valid serializer. Raises what saving raises.
        """
        await _call(serializer, "save")


class AsyncListModelMixin(_BothSpellings, mixins.ListModelMixin):
    async def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        queryset = await _call(
            self, "filter_queryset", await _call(self, "get_queryset")
        )

        page = await _call(self, "paginate_queryset", queryset)
        if page is not None:
            serializer = await _call(self, "get_serializer", page, many=True)
            data = await _call(serializer, "data")
            return await _call(self, "get_paginated_response", data)

        serializer = await _call(self, "get_serializer", queryset, many=True)
        return Response(await _call(serializer, "data"))


class AsyncRetrieveModelMixin(_BothSpellings, mixins.RetrieveModelMixin):
    async def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = await _call(self, "get_object")
        serializer = await _call(self, "get_serializer", instance)
        return Response(await _call(serializer, "data"))


class AsyncUpdateModelMixin(_BothSpellings, mixins.UpdateModelMixin):
    async def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        partial = kwargs.pop("partial", False)
        instance = await _call(self, "get_object")
        data = await _call(request, "data")
        serializer = await _call(
            self, "get_serializer", instance, data=data, partial=partial
        )
        await _call(serializer, "is_valid", raise_exception=True)
        await _call(self, "perform_update", _with_asave(serializer))

        if getattr(instance, "_prefetched_objects_cache", None):
            # If 'prefetch_related' has been applied to a queryset, we need to
            # forcibly invalidate the prefetch cache on the instance.
            instance._prefetched_objects_cache = {}

        return Response(await _call(serializer, "data"))

    async def aperform_update(self, serializer: BaseSerializer) -> None:
        """Save the changed instance.

        The async spelling of `perform_update`. Override it for what belongs to saving,
        such as `await serializer.asave(editor=self.request.user)`, and not to change
        the response. Takes the valid serializer. Raises what saving raises.
        """
        await _call(serializer, "save")

    async def partial_update(
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        kwargs["partial"] = True
        return await _call(self, "update", request, *args, **kwargs)


class AsyncDestroyModelMixin(_BothSpellings, mixins.DestroyModelMixin):
    async def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = await _call(self, "get_object")
        await _call(self, "perform_destroy", instance)
        return Response(status=status.HTTP_204_NO_CONTENT)

    async def aperform_destroy(self, instance: Any) -> None:
        """Delete the instance, by its own `adelete` if it has one.

        The async spelling of `perform_destroy`. Override it to archive the instance, or
        for what belongs to deleting, and not to check permissions. Takes what
        `aget_object` returned. Raises what deleting raises.
        """
        await _call(instance, "delete")


# --- The concrete views ---------------------------------------------------------------


class AsyncCreateAPIView(
    AsyncCreateModelMixin, AsyncGenericAPIView, generics.CreateAPIView
):
    async def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "create", request, *args, **kwargs)


class AsyncListAPIView(AsyncListModelMixin, AsyncGenericAPIView, generics.ListAPIView):
    async def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "list", request, *args, **kwargs)


class AsyncRetrieveAPIView(
    AsyncRetrieveModelMixin, AsyncGenericAPIView, generics.RetrieveAPIView
):
    async def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "retrieve", request, *args, **kwargs)


class AsyncDestroyAPIView(
    AsyncDestroyModelMixin, AsyncGenericAPIView, generics.DestroyAPIView
):
    async def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "destroy", request, *args, **kwargs)


class AsyncUpdateAPIView(
    AsyncUpdateModelMixin, AsyncGenericAPIView, generics.UpdateAPIView
):
    async def put(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "update", request, *args, **kwargs)

    async def patch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "partial_update", request, *args, **kwargs)


class AsyncListCreateAPIView(
    AsyncListModelMixin,
    AsyncCreateModelMixin,
    AsyncGenericAPIView,
    generics.ListCreateAPIView,
):
    async def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "list", request, *args, **kwargs)

    async def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "create", request, *args, **kwargs)


class AsyncRetrieveUpdateAPIView(
    AsyncRetrieveModelMixin,
    AsyncUpdateModelMixin,
    AsyncGenericAPIView,
    generics.RetrieveUpdateAPIView,
):
    async def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "retrieve", request, *args, **kwargs)

    async def put(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "update", request, *args, **kwargs)

    async def patch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "partial_update", request, *args, **kwargs)


class AsyncRetrieveDestroyAPIView(
    AsyncRetrieveModelMixin,
    AsyncDestroyModelMixin,
    AsyncGenericAPIView,
    generics.RetrieveDestroyAPIView,
):
    async def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "retrieve", request, *args, **kwargs)

    async def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "destroy", request, *args, **kwargs)


class AsyncRetrieveUpdateDestroyAPIView(
    AsyncRetrieveModelMixin,
    AsyncUpdateModelMixin,
    AsyncDestroyModelMixin,
    AsyncGenericAPIView,
    generics.RetrieveUpdateDestroyAPIView,
):
    async def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "retrieve", request, *args, **kwargs)

    async def put(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "update", request, *args, **kwargs)

    async def patch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "partial_update", request, *args, **kwargs)

    async def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "destroy", request, *args, **kwargs)


# --- The viewsets ---------------------------------------------------------------------


class AsyncViewSetMixin(_BothSpellings, viewsets.ViewSetMixin):
    pass


class AsyncViewSet(AsyncViewSetMixin, AsyncAPIView, viewsets.ViewSet):
    pass


class AsyncGenericViewSet(
    AsyncViewSetMixin, AsyncGenericAPIView, viewsets.GenericViewSet
):
    pass


class AsyncReadOnlyModelViewSet(
    AsyncRetrieveModelMixin,
    AsyncListModelMixin,
    AsyncGenericViewSet,
    viewsets.ReadOnlyModelViewSet,
):
    pass


class AsyncModelViewSet(
    AsyncCreateModelMixin,
    AsyncRetrieveModelMixin,
    AsyncUpdateModelMixin,
    AsyncDestroyModelMixin,
    AsyncListModelMixin,
    AsyncGenericViewSet,
    viewsets.ModelViewSet,
):
    pass
