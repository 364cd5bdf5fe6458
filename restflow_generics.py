# SPDX-License-Identifier: MIT
# restflow-generics 2.0.0. Leave this line in your copy: it says what you have.
# mypy: disable-error-code="no-any-return,override,type-arg,untyped-decorator"
# Hooks are found at run time. In old releases DRF's classes take no type arguments.
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
import collections.abc
import concurrent.futures
import contextvars
import copy
import functools
import inspect
import sys
import types
from contextlib import ContextDecorator, suppress
from typing import Any, Coroutine, Dict, List, Optional, Set, Tuple

import asgiref
import django

if django.VERSION < (3, 2):
    raise ImportError("restflow_generics needs Django 3.2 or newer.")
# Before 3.8.1, tasks that are gathered under sync code hang, or cannot be cancelled.
if tuple(map(int, asgiref.__version__.split(".")[:3])) < (3, 8, 1):
    raise ImportError("restflow_generics needs asgiref 3.8.1 or newer.")

from asgiref.sync import AsyncToSync, SyncToAsync, async_to_sync, sync_to_async
from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation, ValidationError
from django.core.handlers.asgi import ASGIRequest
from django.db import DataError, connections, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.urls import get_urlconf
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from django.views.generic import View
from rest_framework import (
    authentication,
    exceptions,
    filters,
    generics,
    metadata,
    mixins,
    negotiation,
    pagination,
    parsers,
    permissions,
    renderers,
    serializers,
    status,
    throttling,
    versioning,
    viewsets,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.settings import api_settings
from rest_framework.views import APIView

__all__ = """
    AsyncAPIView AsyncGenericAPIView AsyncCreateModelMixin AsyncListModelMixin
    AsyncRetrieveModelMixin AsyncUpdateModelMixin AsyncDestroyModelMixin
    AsyncCreateAPIView AsyncListAPIView AsyncRetrieveAPIView AsyncDestroyAPIView
    AsyncUpdateAPIView AsyncListCreateAPIView AsyncRetrieveUpdateAPIView
    AsyncRetrieveDestroyAPIView AsyncRetrieveUpdateDestroyAPIView AsyncViewSetMixin
    AsyncViewSet AsyncGenericViewSet AsyncReadOnlyModelViewSet AsyncModelViewSet
    call_hook
""".split()

__version__ = "2.0.0"


# --- The one rule ---------------------------------------------------------------------
#
# Which method runs a hook: two look-ups of Python's own tell, as "Both spellings" below
# gives the classes of a project both spellings of what they define. One of the two is a
# *face*: a function that runs the definition on its own side. Its `Mark` says which.

# What Django defines there, as `asave`, calls its sync twin: it is no async spelling.
OF_MODELS_AND_QUERYSETS = ("django.db.models.base", "django.db.models.query")
NOTHING: Dict[str, Any] = {}


def _implementation(owner: Any, hook: str, skip: str = "") -> Any:
    """Return the method of `owner` that decides. A face that asks is at `skip`."""
    cls, async_name = type(owner), sys.intern("a" + hook)
    on_object = getattr(owner, "__dict__", NOTHING)
    for name in (async_name, hook):
        if on_object.get(name) is not None and name != skip:
            return on_object[name]
    async_ = getattr(cls, async_name, None)
    if async_ is None:
        return getattr(owner, hook)
    written = _behind(async_)
    if written is not _behind(getattr(cls, hook, None)):
        written = _most_derived(cls.__mro__, hook, async_name)
    return _bound(written, owner)


def _most_derived(classes: Any, hook: str, async_name: str) -> Any:
    """Return the most derived definition under either name."""
    for base in classes:
        sync, async_ = vars(base).get(hook), vars(base).get(async_name)
        is_djangos = _module_of(async_) in OF_MODELS_AND_QUERYSETS
        if async_ is not None and not is_djangos and not _is_given(async_, base):
            # The class was given its sync name: what is there now was put there later.
            if sync is None or not _mark_of_face(async_, base) or _is_given(sync, base):
                return _behind(async_)
        if hook in vars(base) and not _is_given(sync, base):
            return _behind(sync)  # `None`, if it is to be no more.


def _mark(attribute: Any) -> Any:
    return getattr(attribute, "__dict__", NOTHING).get("restflow_face")


def _mark_of_face(attribute: Any, cls: Any = None) -> Any:
    """Return the mark of a face (made for `cls`), and `None` for a decorated face."""
    mark = _mark(attribute)
    is_face = mark and (attribute is mark.face or attribute is mark.function)
    return mark if is_face and cls in (None, mark.base) else None


def _behind(attribute: Any) -> Any:
    """Return what a face stands for. All else is what was written."""
    mark = _mark_of_face(attribute)
    return mark.written if mark and mark.origin in vars(mark.base) else attribute


def _module_of(attribute: Any) -> str:
    """Return where a method was written, by what no decorator copies."""
    function = getattr(attribute, "__func__", getattr(attribute, "fget", attribute))
    is_function = type(function) is types.FunctionType  # and no tracer's object
    return function.__globals__.get("__name__", "") if is_function else ""


def _is_given(attribute: Any, cls: type) -> bool:
    """Is it a face under a name that the class does not define itself?"""
    mark = _mark(attribute)
    if mark is None or mark.base is not cls or not mark.is_given:
        return False
    # If all methods are decorated, so is what was given. If only that is, it is meant.
    all_are_decorated = _behind(vars(cls).get(mark.origin)) is not mark.written
    return all_are_decorated or _mark_of_face(attribute) is not None


def _bound(function: Any, owner: Any) -> Any:
    return getattr(function, "__get__", lambda *_: function)(owner, type(owner))


def _code_of(function: Any) -> Any:
    while isinstance(function, (functools.partial, functools.partialmethod)):
        function = function.func
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    return code or getattr(type(function).__call__, "__code__", None)


def _is_async(function: Any) -> bool:
    # By its code. Not by the mark of `markcoroutinefunction`, which decorators copy.
    return bool(getattr(_code_of(function), "co_flags", 0) & inspect.CO_COROUTINE)


# --- The dispatch helper --------------------------------------------------------------
#
# A hop costs more than most hooks. So `dispatch`, `list`, `create`... are *flows* here:
# coroutines that await only each other and the coroutines of this section. With them a
# run of sync hooks is one hop, and a run of async hooks is none.
#
# 1. Any thread may advance a flow: `_drive` on the event loop, `_run` in sync code.
# 2. It yields WORKER_THREAD or EVENT_LOOP, to be advanced on that side from then on, or
#    what an async hook waits for, on the event loop. Nothing else.
# 3. A driven flow ends on the event loop: `_drive` is awaited there.
#
# A request to a stock view: `_serve` calls DRF's view function, which makes the view,
# and gets the flow of `dispatch`. That moves to the thread for the authenticators. The
# hooks that `initial` and `list` call run there without a further hop. For an async one
# among them `_settle` moves to the event loop, and `_call_on_its_side` moves back.

EVENT_LOOP, WORKER_THREAD = "event loop", "worker thread"
_on_event_loop = asyncio._get_running_loop  # `None` where none runs in this thread
# Each flow, its class here, and the class and the method of DRF's that it stands for.
# By its id: a tracer's object is equal to the flow that it wraps, but is none.
FLOWS: Dict[int, Tuple[Any, type, type, str]] = {}
# Which methods run, each with its arguments: see `_meant`.
RUNNING: Any = contextvars.ContextVar("RUNNING", default=())
# The view function that makes a view: set by `_serve`, taken by the face of `dispatch`.
SERVES: Any = contextvars.ContextVar("SERVES", default=None)
# Methods of DRF's that need no thread, as all that they do is to compute.
COMPUTE = """APIView.get_permissions APIView.get_throttles GenericAPIView.get_queryset
    BasePermission.has_permission BasePermission.has_object_permission
    AllowAny.has_permission""".split()


def call_hook(owner: Any, hook: str, /, *args: Any, **kwargs: Any) -> Any:
    """Call `hook` of `owner` by the one rule of this module, however it is written.

    Use it in handlers of your own, for what somebody may write sync or async: `await
    call_hook(serializer, "is_valid")`. A view's own are `await self.aget_object()`.

    `owner` is any object, or `super()`. `hook` is DRF's or Django's name of the method
    ("save", not "asave"), or a property, which is read: `call_hook(request, "data")`.
    All other arguments are passed on. Returns a coroutine on the event loop, and the
    result in sync code. Raises what the hook raises, or `AttributeError`.
    """
    is_method = callable(getattr(type(owner), hook, _call))
    flow = _call if is_method else _read
    return (_drive if _on_event_loop() else _run)(flow, owner, hook, *args, **kwargs)


def _call(owner: Any, hook: str, /, *args: Any, **kwargs: Any) -> Coroutine:
    """Call a hook, for a flow, which awaits it."""
    return _apply(_implementation(owner, hook), *args, **kwargs)


def _read(owner: Any, name: str) -> Coroutine:
    """Read a property, for a flow, which awaits it."""
    async_ = inspect.getattr_static(type(owner), "a" + name, None)
    classes = type(owner).__mro__
    if async_ is None or _most_derived(classes, name, "a" + name) is not async_:
        return _apply(getattr, owner, name)
    value = getattr(owner, "a" + name)  # as a serializer's `adata`, in either style
    return _apply(value) if callable(value) else _settle(value)


def _apply(method: Any, /, *args: Any, **kwargs: Any) -> Coroutine:
    """Call a function or a method on its own side, for a flow, which awaits it."""
    if type(method) is types.MethodType:
        function, owner = _behind(method.__func__), method.__self__
        if id(function) in FLOWS:
            drfs = _stood_for(function, owner)
            if _is_drfs_own(drfs):
                return function(owner, *args, **kwargs)
            function = _behind(drfs)
        if function is not method.__func__:
            method = _bound(function, owner)
    return _call_on_its_side(method, args, kwargs)


def _stood_for(flow: Any, view: Any) -> Any:
    """Return what DRF's view would run in the place of a flow: it may be patched."""
    _, ours, drf_class, hook = FLOWS[id(flow)]
    drfs = vars(view.stood_for.get(flow, drf_class)).get(hook)
    if type(drfs) is types.FunctionType or _mark_of_face(vars(ours).get(hook)):
        return drfs
    # The object of a tracer that has wrapped our method, too, is to see one call.
    return getattr(drfs, "__wrapped__", drfs)


def _is_drfs_own(attribute: Any) -> bool:
    """Is it as DRF wrote it, or stands here for what DRF wrote?"""
    module = _module_of(_behind(attribute))
    return module in (__name__, View.__module__) or module.startswith("rest_framework.")


async def _call_on_its_side(method: Any, args: Any, kwargs: Any) -> Any:
    if _on_event_loop() and not _is_async(method):
        name = getattr(method, "__qualname__", "")
        computes = name in COMPUTE and _is_drfs_own(method)
        if not computes or getattr(method.__self__, "needs_thread", False):
            await _move_to(WORKER_THREAD)
    running = RUNNING.get()
    RUNNING.set(((method, (*args, *kwargs.values())), *running))
    try:
        return await _settle(method(*args, **kwargs))
    finally:
        RUNNING.set(running)


async def _settle(result: Any) -> Any:
    """Return the answer of a hook: a coroutine is none. A response may be awaitable."""
    while hasattr(type(result), "__await__") and not hasattr(result, "status_code"):
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
                yield from _in_worker_thread(flow).__await__()
            else:
                yield wanted  # what an async hook waits for
            resume, value = flow.send, None
        except BaseException as error:
            resume, value = flow.throw, error


async def _in_worker_thread(flow: Any) -> Any:
    """Advance a flow in the thread. If cancelled, end when that has ended."""
    call: Any = concurrent.futures.Future()
    executor = getattr(AsyncToSync.executors, "current", None)
    try:
        return await _advance_unless_cancelled(call, flow)
    except asyncio.CancelledError:
        while not (call.cancel() or call.done()):  # It is under way.
            with suppress(asyncio.CancelledError):
                await asyncio.shield(asyncio.wrap_future(call))
        # asgiref leaves behind what it sets for the thread while sync code waits there.
        AsyncToSync.executors.current = executor
        raise


@sync_to_async
def _advance_unless_cancelled(call: Any, flow: Any) -> Any:
    if call.set_running_or_notify_cancel():
        try:
            return flow.send(None)
        finally:
            call.set_result(None)


def _run(flow_function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Run a flow for sync code: on the spot, or there as long as it wants to be."""
    flow = flow_function(*args, **kwargs)
    try:
        flow.send(None)
    except StopIteration as end:
        return end.value
    except RuntimeError as error:
        raise _as_raised(error)  # noqa: B904
    # In a copy of the context: asgiref notes in it which thread waits, and the clean-up
    # of a request that is cancelled then would ask that ("CurrentThreadExecutor already
    # quit"). asgiref also forgets which task is to be cancelled with the request.
    context, thread = contextvars.copy_context(), SyncToAsync.threadlocal
    task_context = getattr(thread, "task_context", None)
    try:
        return context.run(async_to_sync(_drive), lambda: flow)
    except RuntimeError as error:
        raise _as_raised(error)  # noqa: B904
    finally:
        thread.task_context = task_context
        for variable, value in context.items():
            if variable.get(None) is not value:
                variable.set(value)


def _as_raised(error: Any) -> Any:  # No `StopIteration` gets out of a coroutine.
    is_changed = type(error) is RuntimeError and type(error.__cause__) is StopIteration
    return error.__cause__ if is_changed else error


# --- Both spellings -------------------------------------------------------------------
#
# Each class of yours gets faces as it is made: `get_object` where it has `aget_object`,
# and the other way round. So `super()` finds the most derived definition under both
# names. An `async def` of DRF's name, and an action, have one around them: it answers
# sync code with the result, and on the event loop with what async code awaits.
#
# SECURITY: to DRF's sync code, a coroutine of an `async def has_permission` is a "yes".
# So DRF's base classes tell of each class below them, whether a view lists it or not.

# These have one spelling: a view may well have a helper that is called `ahead`.
HANDLERS = {"dispatch", *View.http_method_names}
ACTIONS = {"list", "create", "retrieve", "update", "partial_update", "destroy"}
# In sync code DRF's methods run in the place of flows, but for these: they await more.
RUN_IN_SYNC_CODE_TOO = """check_permissions check_object_permissions check_throttles
    handle_exception get_object perform_create perform_update perform_destroy""".split()
# Nobody looks at the answers of these: that one was not awaited would go unnoticed.
ONLY_RAISE = ("check_", "perform_", "initial", "permission_denied", "throttled")
# SECURITY: a `def` may return a coroutine, too. These are not taken at their word.
VERDICTS = ("has_", "allow_request", *ONLY_RAISE)
# What a view names, and DRF's sync code calls.
COMPONENTS = {
    "authentication_classes": authentication.BaseAuthentication,
    "content_negotiation_class": negotiation.BaseContentNegotiation,
    "filter_backends": filters.BaseFilterBackend,
    "metadata_class": metadata.BaseMetadata,
    "pagination_class": pagination.BasePagination,
    "parser_classes": parsers.BaseParser,
    "permission_classes": permissions.BasePermission,
    "renderer_classes": renderers.BaseRenderer,
    "serializer_class": serializers.Field,
    "throttle_classes": throttling.BaseThrottle,
    "versioning_class": versioning.BaseVersioning,
}


class _BothSpellings:
    # It tells of the classes below it, as DRF's base classes do: see the loop below.
    has_both_spellings = True
    stood_for: Any = NOTHING


def _complete(cls: Any, *like: type) -> None:
    """Give the classes that `cls` is made of the faces that they lack."""
    hooks = _hooks_of(cls, *like)
    for base in cls.__mro__[:-1]:
        if _is_drf_class(base) or (base.__module__ == __name__ and base is not cls):
            continue
        for name in [*vars(base)]:
            hook = name if name in hooks else name[1:]
            if hook in hooks or issubclass(cls, View):
                _refuse_what_closes_early(base, vars(base)[name])
            if hook in hooks:
                _complete_hook(base, hook, cls)
    _refuse_async_arguments(cls)
    made = cls.__init_subclass__  # It may call no `super()`.
    if _module_of(made) and not hasattr(made, "restflow_tells"):
        _complete_new_subclasses(cls)
    if issubclass(cls, _BothSpellings):
        cls.stood_for = _stood_for_by(cls)


def _hooks_of(cls: Any, *like: type) -> Set[str]:
    """Return the names of the methods that DRF calls."""
    drf_classes = filter(_is_drf_class, (*cls.__mro__, *like))
    hooks = set().union(*map(_methods_of, drf_classes))
    defined = [item for base in cls.__mro__ for item in vars(base).copy().items()]
    if issubclass(cls, View):
        hooks.update(HANDLERS, (n for n, a in defined if _is_action(a)))
    if issubclass(cls, BaseSerializer):  # DRF makes up these names.
        hooks.update(n for n, _ in defined if n.startswith("validate_"))
        for name, field in getattr(cls, "_declared_fields", NOTHING).items():
            hooks.add(getattr(field, "method_name", None) or "get_" + name)
    return hooks


@functools.lru_cache(maxsize=None)
def _methods_of(drf_class: type) -> Set[str]:
    names = (name for name in vars(drf_class) if not name.startswith("_"))
    return {name for name in names if inspect.isfunction(vars(drf_class)[name])}


def _is_action(attribute: Any) -> bool:
    # By its type, here and below: `isinstance` would wake what is lazy.
    is_function = type(attribute) in (types.FunctionType, _AsyncHandler)
    return is_function and hasattr(attribute, "mapping")


def _is_drf_class(cls: type) -> bool:
    # `type("S", (Serializer,), {})` has the module of DRF's metaclass.
    is_there = getattr(sys.modules.get(cls.__module__), cls.__name__, None) is cls
    return cls is View or (is_there and cls.__module__.startswith("rest_framework."))


def _stood_for_by(cls: type) -> Dict[Any, type]:
    """Return, for each flow, the class whose method DRF's view would run in its place.

    SECURITY: in `class V(ListAPIView, BaseView)`, where `BaseView` extends DRF's view,
    its methods come before DRF's. Python finds those of `AsyncListAPIView` before both.
    """
    found, mro = {}, cls.__mro__
    for flow, ours, drf_class, hook in FLOWS.values():
        for base in mro[mro.index(ours) :] if ours in mro else ():
            is_next = issubclass(base, drf_class) and base.__module__ != __name__
            if is_next and hook in vars(base):
                found[flow] = base
                break
    return found


def _complete_hook(base: Any, hook: str, cls: type) -> None:
    mark = Mark(base, hook, cls)
    sync, async_ = (
        None if _is_given(attribute, base) else attribute
        for attribute in map(vars(base).get, (hook, mark.async_name))
    )
    completed = vars(base).get("restflow_completed", ())
    is_late = hook in completed and sync is not None  # One was put there later.
    base.restflow_completed = {*completed, hook}
    if base.__module__ != __name__ and any(map(_is_async_behind, (sync, async_))):
        base.restflow_has_async = True
    may_decide = _is_method(async_) and not issubclass(cls, serializers.Field)
    # SECURITY: of a permission with both, the async one decides.
    decides = may_decide and (sync is None or mark.is_of_view or hook[:4] == "has_")
    is_verdict = hook.startswith(VERDICTS)
    if decides and not is_late:
        _put_face(mark, mark.async_name, mark.async_name)
        _put_face(mark, hook, mark.async_name)
    elif _is_method(sync) or (sync is not None and is_verdict):
        # A function with another name may be a decorator's, around an `async def`.
        is_renamed = type(sync) is types.FunctionType and sync.__name__ != hook
        is_unsure = decides or is_verdict or is_renamed or _is_async_behind(sync)
        if is_unsure or mark.is_for_both_sides:  # The face asks the rule.
            _put_face(mark, hook, hook)
        # An async spelling of a class below must not pass over a sync override.
        is_asked = mark.is_of_view or hasattr(cls, mark.async_name)
        if mark.async_name and async_ is None and is_asked:
            _put_face(mark, mark.async_name, hook)


class Mark:
    """What a face carries. Decorators copy it, and so it says whose it is."""

    name = origin = ""  # of the face, and of the definition that it stands for
    is_given = False  # Does it stand at a name that the class does not define itself?
    face: Any = None  # what the class has, and
    function: Any = None  # what its objects have: see `_AsyncHandler`
    written: Any = None  # the definition that the face stands for
    hidden: Any = None  # what the class had where it was given the face

    def __init__(self, base: Any, hook: str, cls: type) -> None:
        self.base, self.hook = base, hook
        self.is_of_view = issubclass(cls, (_BothSpellings, View))
        is_handler = hook in HANDLERS or _is_action(vars(base).get(hook))
        self.async_name = "" if self.is_of_view and is_handler else "a" + hook
        self.is_for_both_sides = self.is_of_view and (is_handler or hook in ACTIONS)


def _is_method(attribute: Any) -> bool:
    is_method = callable(attribute) or hasattr(type(attribute), "__get__")
    is_property = hasattr(type(attribute), "__set_name__")  # that is cached
    return is_method and not (is_property or isinstance(attribute, (type, property)))


def _is_async_behind(function: Any) -> bool:
    return any(map(_is_async, _layers(function)))


def _layers(function: Any) -> Any:
    """Yield a function and what it says that it wraps, down to a face."""
    while function is not None and not _mark_of_face(function):
        yield function
        function = getattr(function, "__dict__", NOTHING).get("__wrapped__")


def _put_face(mark: Any, name: str, origin: str) -> None:
    """Put a face at a name of the class, for the definition at the name `origin`."""
    mark = copy.copy(mark)
    mark.name, mark.origin, mark.is_given = name, origin, name != origin
    mark.hidden = hidden = vars(mark.base).get(name)
    mark.written = written = _behind(vars(mark.base)[origin])
    is_decorated = type(hidden) is types.FunctionType and not _mark_of_face(hidden)
    # A tracer's object around a face hands on to it, and needs no other.
    is_there = not is_decorated and getattr(_mark(hidden), "base", None) is mark.base
    if is_there or _is_given(hidden, mark.base):
        return
    if mark.base.__module__ == __name__ and _is_async(written) and not mark.is_given:
        drf_class = next(b for b in mark.base.__mro__[1:] if mark.hook in vars(b))
        FLOWS[id(written)] = written, mark.base, drf_class, mark.hook

    def answered(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return _answer(mark, self, args, kwargs)

    async def awaited(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return await _drive(_apply, _meant(mark, self, args, kwargs), *args, **kwargs)

    face: Any = functools.wraps(written)(answered if name == mark.hook else awaited)
    face.restflow_face = mark
    for layer in filter(_mark, _layers(face)):  # A decorator copies what Django asks.
        layer.__dict__.pop("_is_coroutine", None)
        layer.__dict__.pop("_is_coroutine_marker", None)
    mark.face = mark.function = face
    if mark.is_given:
        face.__name__, face.__module__ = name, mark.base.__module__
        face.__qualname__ = "%s.%s" % (mark.base.__qualname__, name)
    elif name == mark.hook and mark.is_of_view and _is_async(written):
        mark.face = _AsyncHandler(face, written)
    setattr(mark.base, name, mark.face)


def _meant(mark: Any, owner: Any, args: Any, kwargs: Any) -> Any:
    """Return the method that is meant by who calls a face of `owner`."""
    there = vars(mark.base)
    if mark.is_given and there.get(mark.origin) is None:  # It is gone.
        return _hidden(mark, owner)
    is_by_self = getattr(type(owner), mark.name, None) is mark.face
    if is_by_self and mark.async_name:
        method = _implementation(owner, mark.hook, skip=mark.name)
    else:
        written = mark.written  # It may be what decorates a face that calls it.
        if mark.is_given:
            written = _behind(there[mark.origin])
        elif there.get(mark.name) is mark.face:
            written = _most_derived([mark.base], mark.hook, mark.async_name)
        method = _bound(written, owner)
    if not (mark.is_given and _is_running(method, args, kwargs)):
        return method
    # An `ahas_permission` may ask the `has_permission` that it hides.
    method = _hidden(mark, owner)
    face = _mark_of_face(getattr(method, "__func__", None))
    return _meant(face, owner, args, kwargs) if face else method


def _hidden(mark: Any, owner: Any) -> Any:
    if mark.hidden is None:
        return getattr(super(mark.base, owner), mark.name)
    return _bound(mark.hidden, owner)


def _is_running(method: Any, args: Any, kwargs: Any) -> bool:
    """Is it the method itself that asks, and about the same?"""
    asked = [*map(id, (*args, *kwargs.values()))]
    running = RUNNING.get()
    return any(asked == [*map(id, of)] and method == other for other, of in running)


def _answer(mark: Any, owner: Any, args: Any, kwargs: Any) -> Any:
    """Answer a call by DRF's name."""
    if mark.is_of_view and not hasattr(owner, "has_both_spellings"):
        return _hidden(mark, owner)(*args, **kwargs)  # To others, a mixin is as it was.
    method = _meant(mark, owner, args, kwargs)
    view = SERVES.get() if mark.hook == "dispatch" else None
    if view is not None and view.cls is type(owner):
        SERVES.set(None)
        owner.needs_thread = view.needs_thread
        return _apply(method, *args, **kwargs)  # the flow itself, for `_serve`
    if not _on_event_loop():
        flow = getattr(method, "__func__", None)
        if id(flow) in FLOWS and mark.hook not in RUN_IN_SYNC_CODE_TOO:
            result = _bound(_stood_for(flow, owner), owner)(*args, **kwargs)
            return _run(_settle, result)  # A mock may be in the place of an action.
        return _run(_apply, method, *args, **kwargs)
    if mark.is_given and mark.hook.startswith(ONLY_RAISE):
        raise SynchronousOnlyOperation(
            "%s.%s() was called on the event loop, where its answer cannot be waited "
            "for. Write: await self.a%s(...), or await super().a%s(...)"
            % (type(owner).__name__, mark.name, mark.name, mark.name)
        )
    if mark.is_for_both_sides or mark.is_given or _is_async_behind(method):
        result = _drive(_apply, method, *args, **kwargs)
    else:  # a `def`: as it was, but for a coroutine
        result = _hidden(mark, owner)(*args, **kwargs)
        if not hasattr(type(result), "__await__"):
            return result
        result = _drive(_settle, result)
    # For Python, which says what was never awaited.
    result.__qualname__ = "%s.%s" % (type(owner).__name__, mark.name)
    return _ToBeAwaited(result)  # type: ignore[abstract]


class _ToBeAwaited(collections.abc.Coroutine):
    # SECURITY: a coroutine that is no "yes" to sync code, or to who does not await it.

    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine

    def __await__(self) -> Any:
        return self.coroutine.__await__()

    def send(self, value: Any) -> Any:
        return self.coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        return self.coroutine.throw(*error)

    def __bool__(self) -> Any:
        self.coroutine.close()
        raise SynchronousOnlyOperation(
            "%s() was called on the event loop and not awaited, and so has no answer "
            "yet. Write `await` before it." % self.coroutine.__qualname__
        )

    __iter__ = __str__ = __bool__  # DRF's code may be about to store it.


class _PassesForAFunction:
    # What decorators, `inspect`, `autospec` and Django ask a function for.
    __class__: Any = property(lambda self: types.FunctionType)
    __defaults__ = __kwdefaults__ = None

    def __init__(self: Any, function: Any) -> None:
        # Names last: Django copies the `__dict__` of `dispatch` to its view function.
        functools.update_wrapper(self, function, assigned=())
        functools.update_wrapper(self, function, updated=())

    def __reduce__(self: Any) -> str:
        return self.__qualname__  # It is copied and pickled as functions are: by name.


class _AsyncHandler(_PassesForAFunction):
    # The face of an `async def get`: a coroutine function, as the class has it. Objects
    # have a function, as decorators of handlers must take their sync branch.
    __func__: Any = property(lambda self: self.function)  # `mock` asks it, too.

    def __init__(self: Any, function: Any, written: Any) -> None:
        super().__init__(function)
        self.function, self.written = function, written
        self.__code__ = _code_of(written)

    def __get__(self: Any, instance: Any, cls: Any) -> Any:
        if not hasattr(instance, "has_both_spellings"):  # To others it is what it was.
            return self if instance is None else _bound(self.written, instance)
        return types.MethodType(self.function, instance)

    def __call__(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


# What `@transaction.atomic` and `@method_decorator(...)` make of a function.
IN_CONTEXT = ContextDecorator()(_bound).__code__
DECORATED_METHOD = method_decorator(lambda function: function)(_bound).__code__


def _refuse_what_closes_early(cls: type, function: Any) -> None:
    """Raise `TypeError` for `@transaction.atomic` or the like around an `async def`."""
    code = function.__code__ if type(function) is types.FunctionType else None
    decorators: Any = ()
    if code is DECORATED_METHOD:  # Its decorators are looked at, and not called.
        decorators = inspect.getclosurevars(function).nonlocals["decorators"]
    closes_early = code is IN_CONTEXT or any(
        decorator is transaction.atomic or isinstance(decorator, ContextDecorator)
        for decorator in decorators
    )
    if closes_early and _is_async_behind(function):
        raise TypeError(
            "%s.%s is a coroutine function with a context manager, such as "
            "transaction.atomic, as its decorator, which ends before the coroutine "
            "runs. Write: def %s(...)"
            % (cls.__name__, function.__name__, function.__name__)
        )


def _refuse_async_arguments(serializer_class: Any) -> None:
    """Raise `TypeError` for async arguments of a field, which DRF would not await."""
    for name, field in getattr(serializer_class, "_declared_fields", NOTHING).items():
        while field is not None:
            given = getattr(field, "_kwargs", NOTHING)
            arguments = [given.get("default"), given.get("source")]
            for argument in [*(given.get("validators") or ()), *arguments]:
                if _is_async(argument):
                    raise TypeError(
                        "DRF calls a validator, a default or a source in sync code. "
                        "That of %s.%s is async." % (serializer_class.__name__, name)
                    )
            field = vars(field).get("child")  # as of a list


def _complete_new_subclasses(base: Any) -> None:
    before = vars(base).get("__init_subclass__")  # that of another copy of this file

    def __init_subclass__(cls: Any, /, **kwargs: Any) -> None:
        inherited = super(base, cls).__init_subclass__
        (before.__get__(None, cls) if before else inherited)(**kwargs)
        _complete(cls)

    __init_subclass__.__dict__["restflow_tells"] = True  # to another copy of this file
    base.__init_subclass__ = classmethod(__init_subclass__)


def _complete_subclasses(base: Any, is_complete: Any = _is_drf_class) -> None:
    classes = base.__subclasses__()
    for cls in classes:  # It grows.
        classes.extend(cls.__subclasses__())
        if not is_complete(cls):
            with suppress(TypeError):  # It was refused when it was made.
                _complete(cls)


if not hasattr(BaseSerializer, "asave"):  # which a perform hook wants to await
    _put_face(Mark(BaseSerializer, "save", BaseSerializer), "asave", "save")
for _base in (_BothSpellings, *COMPONENTS.values()):
    _complete_new_subclasses(_base)
    _complete_subclasses(_base)


# --- The base view --------------------------------------------------------------------


class AsyncAPIView(_BothSpellings, APIView):
    # Asked by `as_view`, which would mark its function: `_View` passes for one itself.
    view_is_async = False
    needs_thread = True  # Set for each request by what `_needs_thread` finds.

    @classmethod
    def as_view(cls, *args: Any, **initkwargs: Any) -> Any:
        # SECURITY: what was put on classes later counts, and permissions no view lists.
        _complete(cls)
        _complete_subclasses(permissions.BasePermission, _is_complete)
        named: List[Any] = [cls]
        for name, base in COMPONENTS.items():
            for part in _parts(initkwargs.get(name, getattr(cls, name, ()))):
                named.append(part)
                if isinstance(part, type) and not _is_drf_class(part):
                    _complete(part, base)
        view: Any = _View(super().as_view(*args, **initkwargs))
        view.has_async = any(getattr(n, "restflow_has_async", False) for n in named)
        view.needs_thread = _needs_thread(cls, initkwargs, named)
        return view

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        request = super().initialize_request(request, *args, **kwargs)
        # SECURITY: Django's own `auser()` is that of the session, whoever DRF found.
        auser = functools.partial(_drive, _apply, getattr, request, "user")
        request.auser = request._request.auser = auser
        return request

    async def ainitial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Async `initial`: what comes before the handler, such as the checks.

        Override it for what every request needs first, not for what a permission can
        check. Takes the request and the arguments of the URL. Raises an `APIException`.
        """
        await _get_ready(self)
        self.format_kwarg = self.get_format_suffix(**kwargs)
        neg = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = neg
        version, scheme = self.determine_version(request, *args, **kwargs)
        request.version, request.versioning_scheme = version, scheme
        await _call(self, "perform_authentication", request)
        await _call(self, "check_permissions", request)
        await _call(self, "check_throttles", request)

    async def aperform_authentication(self, request: Request) -> None:
        """Async `perform_authentication`: set the `user` and `auth` of the request.

        Override it to `pass`, and whoever asks for `request.user` first does it, in
        sync code. Takes the request. Raises what the authenticators raise.
        """
        # A function that the settings name for who is not logged in may query.
        nobody = api_settings.UNAUTHENTICATED_USER, api_settings.UNAUTHENTICATED_TOKEN
        may_query = any(map(inspect.isfunction, nobody))
        if getattr(request, "authenticators", True) or may_query:
            await _move_to(WORKER_THREAD)
        super().perform_authentication(request)

    async def acheck_permissions(self, request: Request) -> None:
        """Async `check_permissions`: check if the request should be permitted.

        Override it for a rule that no permission class can express. Takes the request.
        Raises `NotAuthenticated` or `PermissionDenied`.
        """
        for permission in await _call(self, "get_permissions"):
            if not await _call(permission, "has_permission", request, self):
                await _deny(self, request, permission)

    async def acheck_object_permissions(self, request: Request, obj: Any) -> None:
        """Async `check_object_permissions`: the same, for a given object.

        Rather than to override it, await it in a handler that looks up its object
        without `aget_object`. Takes the request and the object. Raises as that does.
        """
        for permission in await _call(self, "get_permissions"):
            if not await _call(permission, "has_object_permission", request, self, obj):
                await _deny(self, request, permission)

    async def acheck_throttles(self, request: Request) -> None:
        """Async `check_throttles`: ask all throttles.

        Override it to throttle some requests only, and `get_throttles` to choose the
        throttles. Takes the request. Raises `Throttled`, with the longest wait.
        """
        throttle_durations = []
        for throttle in await _call(self, "get_throttles"):
            if not await _call(throttle, "allow_request", request, self):
                throttle_durations.append(await _call(throttle, "wait"))
        if throttle_durations:
            durations = [d for d in throttle_durations if d is not None]
            await _call(self, "throttled", request, max(durations, default=None))

    async def ahandle_exception(self, exc: Exception) -> Response:
        """Async `handle_exception`: answer an exception of a hook or a handler.

        Override it to report an exception; the setting `EXCEPTION_HANDLER` changes the
        answer. Takes the exception. Returns a `Response`, or raises the exception.
        """
        await _move_to(WORKER_THREAD)
        if isinstance(
            exc, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)
        ):
            # WWW-Authenticate header for 401 responses, else coerce to 403
            auth_header = self.get_authenticate_header(self.request)
            if auth_header:
                exc.auth_header = auth_header  # type: ignore[union-attr]
            else:
                exc.status_code = status.HTTP_403_FORBIDDEN

        context = self.get_exception_handler_context()
        response = await _apply(self.get_exception_handler(), exc, context)
        if response is None:
            self.raise_uncaught_exception(exc)
        response.exception = True
        return response

    async def afinalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Async `finalize_response`: give the response its renderer, and headers.

        Override it for what all responses need, not one handler's. Takes the request, a
        response and URL arguments. Returns a response, or raises `AssertionError`.
        """
        await _get_ready(self)
        return super().finalize_response(request, response, *args, **kwargs)

    async def dispatch(
        self, request: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        await _get_ready(self)
        self.args = args
        self.kwargs = kwargs
        request = self.initialize_request(request, *args, **kwargs)
        self.request = request
        self.headers = self.default_response_headers  # deprecate?

        try:
            await _call(self, "initial", request, *args, **kwargs)

            handler = self.http_method_not_allowed
            if request.method.lower() in self.http_method_names:
                handler = getattr(self, request.method.lower(), handler)
            response = await _apply(handler, request, *args, **kwargs)
        except Exception as exc:
            response = await _call(self, "handle_exception", _as_raised(exc))

        self.response = await _call(
            self, "finalize_response", request, response, *args, **kwargs
        )
        return self.response

    async def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        await _move_to(WORKER_THREAD)
        return super().options(request, *args, **kwargs)


async def _get_ready(view: Any) -> None:
    if view.needs_thread:
        await _move_to(WORKER_THREAD)


async def _deny(view: APIView, request: Request, permission: Any) -> None:
    await _move_to(WORKER_THREAD)  # A message may be a property, which may query.
    why = {name: getattr(permission, name, None) for name in ("message", "code")}
    await _call(view, "permission_denied", request, **why)


# --- What `as_view` returns -----------------------------------------------------------
#
# A coroutine function on the event loop, and elsewhere a function: to a WSGI server,
# and to decorators in a URL conf, whose sync branch judges `request.user`. With
# ATOMIC_REQUESTS it is always a function, which Django runs in a transaction.


class _View(_PassesForAFunction):
    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self.is_import_over = not _on_event_loop()
        # SECURITY: a URL conf may be imported by the first request, on the event loop.
        # Decorators must take their sync branch there, too, and judge `request.user`.
        if not self.is_import_over:
            asyncio.get_running_loop().call_soon(setattr, self, "is_import_over", True)

    @property
    def __code__(self) -> Any:
        opted_out = vars(self).get("_non_atomic_requests", ())
        is_atomic = any(
            options.get("ATOMIC_REQUESTS") and alias not in opted_out
            for alias, options in connections.settings.items()
        )
        is_awaited = _on_event_loop() and self.is_import_over and not is_atomic
        return (_serve if is_awaited else _run).__code__

    def __call__(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if _on_event_loop():
            return _drive(_serve_rendered, self, request, *args, **kwargs)
        serve, name = self.__wrapped__, request.method.lower()
        name = getattr(self, "actions", NOTHING).get(name, name)
        handler = _behind(getattr(self.cls, name, None))  # A mock was put there later.
        if self.has_async or (_is_async(handler) and id(handler) not in FLOWS):
            serve = functools.partial(_run, _serve, self)
        response: Any = serve(request, *args, **kwargs)
        # Where Django answers a request, it would refuse what can be awaited.
        is_by_hand = request.resolver_match is None and get_urlconf() is None
        if is_by_hand and isinstance(response, HttpResponseBase):
            response.__class__ = _awaitable(type(response))  # type: ignore[arg-type]
        return response


async def _serve(view: Any, request: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call DRF's view function, which makes the view, and await its `dispatch`."""
    await _move_to(EVENT_LOOP)  # under WSGI, too: one for all that is async
    await _get_ready(view)
    before = SERVES.set(view)
    try:
        answer = view.__wrapped__(request, *args, **kwargs)
    finally:  # The face of `dispatch` takes it, and hands out its flow, if it is there.
        is_flow = SERVES.get() is not view
        SERVES.reset(before)
    return await (answer if is_flow else _settle(answer))


# What DRF's view calls in place. Where nothing of it is the project's, it makes no hop.
IN_PLACE = """__init__ setup initialize_request get_parsers get_parser_context
    get_authenticators get_content_negotiator content_negotiation_class
    perform_content_negotiation get_renderers get_renderer_context get_format_suffix
    versioning_class determine_version _allowed_methods""".split()


def _needs_thread(cls: Any, initkwargs: Dict[str, Any], named: List[Any]) -> bool:
    """May the project's sync code run where DRF's view calls its own, in place?"""
    for namespace in [initkwargs, *(vars(b).copy() for b in cls.__mro__[:-1])]:
        for name, attribute in namespace.items():
            # DRF's code may read a property, which may query. `schema` is for others.
            is_read = not (callable(attribute) or name.startswith(("__", "schema")))
            if (name in IN_PLACE or is_read) and _is_code(attribute):
                return True
    return any(_is_code(n.__init__) for n in named if n is not None)


def _is_code(attribute: Any) -> bool:
    """Is it a function, a property or a class, and not as DRF wrote it?"""
    if not (callable(attribute) or hasattr(type(attribute), "__get__")):
        return False
    if isinstance(attribute, type):
        return not _is_drf_class(attribute)
    return not (attribute is object.__init__ or _is_drfs_own(attribute))


def _is_complete(permission: Any) -> bool:
    """Has each check a face, if it is not DRF's? Are classes below it told of?"""
    for base in permission.__mro__:
        checks = [a for n, a in vars(base).copy().items() if n.endswith("_permission")]
        if not all(_mark_of_face(a, base) or _is_drfs_own(a) for a in checks):
            return False
    return hasattr(permission.__init_subclass__, "restflow_tells")


def _parts(value: Any) -> List[Any]:
    """Return the components of `permission_classes`, say, with the operands of `&`."""
    if isinstance(value, (permissions.OperandHolder, permissions.SingleOperandHolder)):
        value = list(vars(value).values())
    if not isinstance(value, (list, tuple, set)):
        return [value]
    return [part for item in value for part in _parts(item)]


def _is_small(response: Any) -> bool:
    """Is it flat and small JSON, which is rendered faster than a hop takes?"""
    data = response.data if type(response) is Response else None
    values = [*data.values()] if type(data) is dict else data
    return (
        type(values) is list
        and all(type(value) in (str, int, bool, type(None)) for value in values[:21])
        and len(values) <= 20
        and len(str(values)) <= 2000
        and type(getattr(response, "accepted_renderer", None)) is renderers.JSONRenderer
        and not getattr(response, "_post_render_callbacks", True)
    )


@functools.lru_cache(maxsize=None)
def _is_changed_before_rendering(middleware: Tuple[str, ...]) -> bool:
    # What is no class may make an object of one that has such a method.
    return any(
        not isinstance(cls, type) or hasattr(cls, "process_template_response")
        for cls in map(import_string, middleware)
    )


async def _serve_rendered(view: Any, request: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Render the response, too, if Django's ASGI handler is to do that, in a hop."""
    response = await _serve(view, request, *args, **kwargs)
    render = getattr(response, "render", None)
    if (
        not isinstance(request, ASGIRequest)
        or _is_changed_before_rendering(tuple(settings.MIDDLEWARE))
        # There is a decorator around the view, or it was not Django that called it.
        or getattr(request.resolver_match, "func", None) is not view
        or not callable(render)
        or _is_async(render)
        or (_on_event_loop() and not _is_small(response))
    ):
        return response
    response = render()

    async def render_again() -> Any:
        del response.render
        return response

    response.render = render_again
    return response


class _AwaitableResponse:
    # To asyncio, with the `close` that all responses have, a coroutine that is done.

    def __await__(self) -> Any:
        return self
        yield

    def send(self, value: Any) -> Any:
        raise StopIteration(self)

    def throw(self, *error: Any) -> Any:
        raise error[0]

    def __reduce_ex__(self, protocol: Any) -> Any:
        reduced: Any = super().__reduce_ex__(1)
        make, (cls, *rest), *state = reduced
        return (make, (cls.__mro__[2], *rest), *state)  # pickled as what it was


@functools.lru_cache(maxsize=50)
def _awaitable(cls: Any) -> Any:
    """Return a class of responses for who calls a view by hand, and may await it."""
    if issubclass(cls, _AwaitableResponse):
        return cls
    return type(cls.__name__, (_AwaitableResponse, cls), {"__module__": cls.__module__})


# --- The generic view -----------------------------------------------------------------


class AsyncGenericAPIView(AsyncAPIView, generics.GenericAPIView):
    async def afilter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Async `filter_queryset`: pass a queryset through the filter backends.

        Rather call it, from a list view or a custom `aget_object`, than override it.
        Takes a queryset, or an awaitable of one. Returns one. Raises what they raise.
        """
        queryset = await _settle(queryset)
        await _get_ready(self)
        for backend in list(self.filter_backends):
            queryset = await _call(
                backend(), "filter_queryset", self.request, queryset, self
            )
        return queryset

    async def apaginate_queryset(self, queryset: QuerySet) -> Optional[List[Any]]:
        """Async `paginate_queryset`: a page, or `None` if pagination is disabled.

        Override it to decide when to paginate; `pagination_class` decides how. Takes a
        queryset, or an awaitable of one. Returns a list. Raises `NotFound`.
        """
        await _get_ready(self)
        paginator = self.paginator
        if paginator is None:
            return None
        queryset = await _settle(queryset)
        return await _call(
            paginator, "paginate_queryset", queryset, self.request, view=self
        )

    async def aget_object(self) -> Any:
        """Async `get_object`: the object that the view is displaying.

        Override it for look-ups that `lookup_field` cannot express, and await
        `acheck_object_permissions(request, obj)` at its end. To change where it is
        looked up, override `get_queryset`. Returns a model instance. Raises `Http404`
        if there is none, and what refuses the permission.
        """
        queryset = await _call(self, "get_queryset")
        queryset = await _call(self, "filter_queryset", queryset)
        await _get_ready(self)
        lookup_url_kwarg = self.lookup_url_kwarg or self.lookup_field
        assert lookup_url_kwarg in self.kwargs, (
            "Expected view %s to be called with a URL keyword argument named "
            '"%s". Fix your URL conf, or set the `.lookup_field` attribute on '
            "the view correctly." % (type(self).__name__, lookup_url_kwarg)
        )
        filter_kwargs = {self.lookup_field: self.kwargs[lookup_url_kwarg]}
        obj = await _get_object_or_404(queryset, filter_kwargs)
        await _call(self, "check_object_permissions", self.request, obj)
        return obj


async def _get_object_or_404(queryset: Any, filter_kwargs: Any) -> Any:
    has_get = hasattr(queryset, "get") or hasattr(queryset, "aget")
    try:
        # Django's `aget` is `get` in a thread. One of somebody's own is awaited.
        get = _implementation(queryset, "get") if has_get else None
        if not _is_async(get):
            return await _apply(generics.get_object_or_404, queryset, **filter_kwargs)
        try:
            return await _apply(get, **filter_kwargs)
        except queryset.model.DoesNotExist as exc:
            raise Http404(str(exc)) from exc
    except (TypeError, ValueError, ValidationError, OverflowError, DataError) as exc:
        raise Http404 from exc


# --- The mixins -----------------------------------------------------------------------


class AsyncCreateModelMixin(_BothSpellings, mixins.CreateModelMixin):
    async def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        data = await _read(request, "data")
        serializer = await _call(self, "get_serializer", data=data)
        await _call(serializer, "is_valid", raise_exception=True)
        await _call(self, "perform_create", serializer)
        data = await _read(serializer, "data")
        headers = await _call(self, "get_success_headers", data)
        data = await _read(serializer, "data")
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)

    async def aperform_create(self, serializer: BaseSerializer) -> None:
        """Async `perform_create`: save the new instance.

        Override it for what belongs to saving: `await serializer.asave(owner=user)`.
        Takes the valid serializer. Raises what saving raises.
        """
        await _call(serializer, "save")


class AsyncListModelMixin(_BothSpellings, mixins.ListModelMixin):
    async def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        queryset = await _call(self, "get_queryset")
        queryset = await _call(self, "filter_queryset", queryset)

        page = await _call(self, "paginate_queryset", queryset)
        if page is not None:
            serializer = await _call(self, "get_serializer", page, many=True)
            data = await _read(serializer, "data")
            return await _call(self, "get_paginated_response", data)

        serializer = await _call(self, "get_serializer", queryset, many=True)
        return Response(await _read(serializer, "data"))


class AsyncRetrieveModelMixin(_BothSpellings, mixins.RetrieveModelMixin):
    async def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = await _call(self, "get_object")
        serializer = await _call(self, "get_serializer", instance)
        return Response(await _read(serializer, "data"))


class AsyncUpdateModelMixin(_BothSpellings, mixins.UpdateModelMixin):
    async def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        partial = kwargs.pop("partial", False)
        instance = await _call(self, "get_object")
        data = await _read(request, "data")
        serializer = await _call(
            self, "get_serializer", instance, data=data, partial=partial
        )
        await _call(serializer, "is_valid", raise_exception=True)
        await _call(self, "perform_update", serializer)

        if getattr(instance, "_prefetched_objects_cache", None):
            # What `prefetch_related` has fetched may have changed.
            instance._prefetched_objects_cache = {}

        return Response(await _read(serializer, "data"))

    async def aperform_update(self, serializer: BaseSerializer) -> None:
        """Async `perform_update`: save the changed instance.

        Override it for what belongs to saving: `await serializer.asave(editor=user)`.
        Takes the valid serializer. Raises what saving raises.
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
        """Async `perform_destroy`: delete the instance, by its own `adelete` if any.

        Override it to archive the instance, or for what belongs to deleting. Takes what
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
