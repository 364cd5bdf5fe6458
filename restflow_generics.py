# SPDX-License-Identifier: MIT
# restflow-generics 1.0.0. Leave this line in your copy: it says what you have.
# mypy: disable-error-code="no-any-return,override,type-arg"
# A hook is found at run time, and may be `async` where DRF's is sync. In the oldest releases
# DRF's generic classes, and `functools.partial`, take no type arguments.
"""
Async generic views for Django REST framework, in one file.

Vendor it: copy this file into your project, import `AsyncListAPIView` from it
in place of DRF's `ListAPIView`, and everything that the view did goes on
happening. Then make hooks `async` where it pays. It needs django,
djangorestframework and asgiref, nothing else.

The one rule. A hook has DRF's name, such as `filter_queryset`, and an async
spelling, here `afilter_queryset`. Its owner may be the view, a permission, a
paginator, a serializer, a queryset...: of the owner's classes, the most derived
one that defines either spelling decides (the async one, where it defines both;
before all of them an attribute of the instance). What it defined runs in its
own world: a coroutine function on the event loop, under either name, and a sync
function in the worker thread, where it may use the ORM.

To async code, `await self.aget_object()` gives the result, however the hook is
written. To sync code, `self.get_object()` does. Actions and handlers (`list`,
`create`, `get`, `dispatch`...) have one name for both: async code awaits them,
sync code gets the response.
"""

import asyncio
import functools
import inspect
import sys
import threading
import types
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any, Callable, Coroutine, Dict, Generator, Iterator, List, Optional, Set, Tuple

import django

if django.VERSION < (3, 2):
    raise ImportError(
        "restflow_generics needs Django 3.2 or newer, and this is Django %s." % django.__version__
    )

from asgiref.sync import (
    AsyncToSync,
    SyncToAsync,
    ThreadSensitiveContext,
    async_to_sync,
    sync_to_async,
)
from django.core.exceptions import SynchronousOnlyOperation, ValidationError
from django.core.handlers.base import BaseHandler
from django.db import DataError, connections, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import classonlymethod
from django.views.generic import View
from rest_framework import exceptions, generics, mixins, permissions, serializers, status, viewsets
from rest_framework.request import ForcedAuthentication, Request, wrap_attributeerrors
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

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
    "AsyncViewSetMixin",
    "call_hook",
]

__version__ = "1.0.0"


# The dispatch helper
#
# A thread hop costs more than most hooks; a hop for each hook is what makes async views
# slow. So `dispatch`, `list`, `create`... are *flows* here. A flow is written once, as a
# coroutine function that awaits only `_call`, `_apply` and other flows, and any thread may
# advance a coroutine. Before `_call` runs a hook it asks for the hook's side, and the whole
# flow is taken there: `_drive` advances it on the event loop, and once it wants the worker
# thread goes on *in* that thread, through one `sync_to_async` call, until it wants the event
# loop again. A run of sync hooks is one hop, however long; a run of async hooks is none. In
# sync code `_run` advances the flow on the spot, and leaves the rest of it to
# `async_to_sync(_drive)` where it wants the event loop.
#
# Which side a flow is on is noted nowhere: the event loop's, if one runs in this thread.
# A view that is only configured needs no flow: see "As DRF does it".

EVENT_LOOP, WORKER_THREAD, EITHER, FLOW = "event loop", "worker thread", "either", "flow"

# What to call, on which side, and the spelling that it was found under.
Found = Tuple[Any, str, str]
# A flow under way, and what makes one.
Flow = Coroutine[Any, Any, Any]
Start = Callable[[], Flow]


def _on_event_loop() -> bool:
    return asyncio._get_running_loop() is not None


@types.coroutine
def _move_to(side: str) -> Generator[str, None, None]:
    if _on_event_loop() is not (side is EVENT_LOOP):
        yield side


async def _drive(start: Start) -> Any:
    return await _advance(_end_on_event_loop(start()))


@types.coroutine
def _end_on_event_loop(flow: Flow) -> Generator[Any, Any, Any]:
    try:
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
            if wanted is WORKER_THREAD:
                yield from _hop(functools.partial(flow.send, None)).__await__()
            else:
                yield wanted  # what an async hook waits for
            resume, value = flow.send, None
        except BaseException as error:
            resume, value = flow.throw, error


async def _hop(function: Callable[[], Any]) -> Any:
    hop = threading.Lock()
    executor = getattr(AsyncToSync.executors, "current", None)
    try:
        return await _run_in_worker_thread(function, hop)
    except asyncio.CancelledError:
        # With its lock taken, a hop that has not begun never will. A sync call under way cannot
        # be stopped: the flow unwinds when it is through.
        while not hop.acquire(blocking=False):
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                pass
        # asgiref leaves behind what it sets for the thread while sync code waits there.
        if getattr(AsyncToSync.executors, "current", None) is not executor:
            AsyncToSync.executors.current = executor
        raise


@sync_to_async
def _run_in_worker_thread(function: Callable[[], Any], hop: Any) -> Any:
    if hop.acquire(blocking=False):
        try:
            return function()
        finally:
            hop.release()


def _run(start: Start) -> Any:
    flow = start()
    try:
        flow.send(None)
    except StopIteration as end:
        return end.value
    return async_to_sync(_drive)(lambda: flow)


def call_hook(owner: Any, hook: str, /, *args: Any, **kwargs: Any) -> Any:
    """Call `hook` of `owner` by the one rule of this module, however it is written.

    For your own handlers, where they call what somebody may write sync or async: `await
    call_hook(serializer, "is_valid", raise_exception=True)`. A property is read: `await
    call_hook(serializer, "data")`.

    `owner` is any object; `hook` is the name that DRF or Django has for the method ("save",
    not "asave"); the rest is passed on. The answer is a coroutine on the event loop, and the
    result in sync code. Raises what the hook raises; `AttributeError` where there is none.
    """
    start = functools.partial(_call, owner, hook, *args, **kwargs)
    return _drive(start) if _on_event_loop() else _run(start)


def _call(owner: Any, hook: str, /, *args: Any, **kwargs: Any) -> Flow:
    function, side, _ = _find(owner, hook)
    if side is FLOW:
        return function(*args, **kwargs)
    return _apply(side, function, *args, **kwargs)


async def _apply(side: str, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    if side is FLOW:
        return await function(*args, **kwargs)
    if side is not EITHER:
        await _move_to(side)
    result = function(*args, **kwargs)
    return await _settle(result) if hasattr(type(result), "__await__") else result


async def _settle(result: Any) -> Any:
    while hasattr(type(result), "__await__"):  # A coroutine is never taken for an answer.
        await _move_to(EVENT_LOOP)
        result = await result
    return result


def _find(owner: Any, hook: str) -> Found:
    # The one rule: the instance, then its classes from the most derived one on.
    async_spelling = sys.intern("a" + hook)  # as what is compared by identity is found sooner
    own = getattr(owner, "__dict__", ())
    if hook in own or async_spelling in own:
        found = _find_on_instance(owner, hook)
        if found:
            return found
    cls: type = type(owner)
    looked_up = (getattr(cls, async_spelling, None), getattr(cls, hook, None))
    try:
        found = _find_in_class(cls, hook, *looked_up)
    except TypeError:  # One of them cannot be hashed.
        found = _find_in_class.__wrapped__(cls, hook)
    if found:
        return _bind(owner, *found)
    return getattr(owner, hook), _side(getattr(owner, hook)), hook


def _find_on_instance(owner: Any, hook: str, skip: str = "") -> Optional[Found]:
    own: Any = getattr(owner, "__dict__", ())
    for spelling in ("a" + hook, hook):
        function = own[spelling] if spelling in own else None
        if function is None or type(function) is _Given:
            continue
        if spelling == skip:
            return None
        if type(getattr(function, "__func__", None)) is _Hook:
            return _bind(function.__self__, *function.__func__.definition())
        if not callable(function):  # a property's value
            return functools.partial(getattr, owner, spelling), EITHER, spelling
        return function, _side(function), spelling
    return None


@functools.lru_cache(maxsize=1024)
def _find_in_class(cls: type, hook: str, *looked_up: Any) -> Optional[Found]:
    # Once a class; once more if somebody patches it, as `looked_up` differs then.
    return next(filter(None, (_defined_by(base, hook) for base in cls.__mro__)), None)


def _defined_by(cls: type, hook: str) -> Optional[Found]:
    for spelling in ("a" + hook, hook):
        attribute = vars(cls).get(spelling)
        # `aX = None` is no definition. `X = None` is how a method is taken away.
        if attribute is None and (spelling != hook or hook not in vars(cls)):
            continue
        # Django's own `aget`, `asave`, `adelete` only call their twins in a thread.
        is_twin = spelling != hook and _is_stock(cls) and _is_stock(attribute)
        if is_twin or _is_companion(attribute):
            continue
        attribute = attribute.__wrapped__ if type(attribute) is _Hook else attribute
        side = EVENT_LOOP if spelling != hook and _is_property(attribute) else _side(attribute)
        if isinstance(attribute, (types.FunctionType, property)) and _is_stock(cls):
            if attribute in FLOWS:
                return FLOWS[attribute], FLOW, spelling
            if hook in COMPUTES or attribute in COMPUTES:
                side = EITHER
        return attribute, side, spelling
    return None


def _bind(owner: Any, attribute: Any, side: str, spelling: str) -> Found:
    if side is EITHER and _on_event_loop() and not _computes(owner):
        side = WORKER_THREAD
    if type(attribute) is types.FunctionType:  # as nearly all are
        attribute = types.MethodType(attribute, owner)
    elif attribute is not None and _is_property(attribute):
        attribute = functools.partial(getattr, owner, spelling)
    elif hasattr(attribute, "__get__") and not isinstance(attribute, functools.partial):
        attribute = attribute.__get__(owner, type(owner))
    return attribute, side, spelling


def _is_property(attribute: Any) -> bool:
    is_method = hasattr(attribute, "__func__") or isinstance(attribute, functools.partialmethod)
    return not (callable(attribute) or is_method)


def _side(function: Any) -> str:
    function = getattr(function, "__func__", function)
    if type(function) is types.FunctionType and function.__globals__ is globals():
        return FLOW
    if isinstance(function, type):
        return EITHER if _is_made_by_stock(function) else WORKER_THREAD
    while isinstance(function, (functools.partial, functools.partialmethod)):
        function = function.func
    # Not by the mark of `markcoroutinefunction`, which sync decorators copy.
    code = getattr(function, "__code__", getattr(type(function).__call__, "__code__", None))
    return EVENT_LOOP if code and code.co_flags & inspect.CO_COROUTINE else WORKER_THREAD


# In place
#
# Hooks of DRF's that only compute need no thread, and are called on either side: COMPUTES, as
# long as nobody but DRF and Django has a hand in what they use of their owner, USED.

COMPUTES = {
    *"""setup allowed_methods default_response_headers http_method_not_allowed throttled
    get_parser_context get_renderer_context get_format_suffix wait get_exception_handler
    get_exception_handler_context raise_uncaught_exception get_renderers get_parsers
    get_authenticators get_permissions get_throttles get_content_negotiator
    perform_content_negotiation determine_version initialize_request finalize_response
    get_queryset get_serializer_class get_serializer_context get_success_headers paginator
    get_paginated_response""".split(),
    ForcedAuthentication.authenticate,
    permissions.BasePermission.has_permission,
    permissions.BasePermission.has_object_permission,
    permissions.AllowAny.has_permission,
}
USED = frozenset(
    """_allowed_methods allowed_methods get_parser_context get_renderer_context get_renderers
    get_parsers get_authenticators get_content_negotiator perform_content_negotiation
    renderer_classes parser_classes authentication_classes permission_classes throttle_classes
    content_negotiation_class versioning_class pagination_class queryset serializer_class
    get_next_link get_previous_link""".split()
)


def _computes(owner: Any) -> bool:
    cls: type = type(owner)
    return _uses_stock(cls) and USED.isdisjoint(getattr(owner, "__dict__", ()))


@functools.lru_cache(maxsize=1024)
def _uses_stock(cls: type) -> bool:
    for name in USED:
        value = getattr(cls, name, ())
        if name.endswith("_classes"):
            is_stock = all(map(_is_made_by_stock, _components(value)))
        elif name == "pagination_class" and value:
            is_stock = _is_made_by_stock(value)
        elif name == "serializer_class" and isinstance(value, type):
            is_stock = True  # It is handed out, and made elsewhere.
        else:
            is_stock = _is_stock(getattr(value, "all", value))  # what a queryset is used by
        if not is_stock:
            return False
    return True


@functools.lru_cache(maxsize=1024)
def _is_made_by_stock(component: Any) -> bool:
    names = ("__new__", "__init__", "many_init", "rate", "get_rate", "parse_rate")
    many = _list_serializer_class(component)
    return (
        isinstance(component, type)
        and all(_is_stock(getattr(component, name, None)) for name in names)
        and (many is None or _is_made_by_stock(many))
    )


def _list_serializer_class(serializer_class: Any) -> Any:
    return getattr(getattr(serializer_class, "Meta", None), "list_serializer_class", None)


def _components(value: Any) -> Iterator[Any]:
    # Those of `permission_classes`, say, with the operands of `&`, `|` and `~`.
    if type(value) in (permissions.OperandHolder, permissions.SingleOperandHolder):
        value = list(vars(value).values())
    if isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from _components(part)
    else:
        yield value


def _is_stock(code: Any) -> bool:
    # By where a function was written: its `__module__` is what a decorator copies.
    code = getattr(code, "fget", code)
    written_in = getattr(code, "__globals__", {}).get("__name__")
    module = written_in or getattr(code, "__module__", None) or "django."
    return module.startswith(("rest_framework.", "django."))


# As DRF does it
#
# A view that is only configured, by attributes such as `queryset` and with parts of DRF's, has
# nothing async in it, and no hook that might answer a coroutine. It needs no flow: DRF's own
# methods serve it, in the worker thread.

DRF_METHODS = {
    name
    for name, _ in inspect.getmembers(viewsets.ModelViewSet, inspect.isfunction)
    if not name.startswith("__")
}.union(View.http_method_names)
DRF_S_OWN = {*DRF_METHODS, "allowed_methods", "default_response_headers", "paginator"}
HOOKS_OF_PARTS = {
    "authentication_classes": ["authenticate"],
    "permission_classes": ["has_permission", "has_object_permission"],
    "throttle_classes": ["allow_request", "wait"],
    "filter_backends": ["filter_queryset"],
    "pagination_class": ["paginate_queryset", "get_paginated_response"],
    "metadata_class": ["determine_metadata"],
    "serializer_class": ["is_valid", "save", "data"],
}
NOT_BY_AS_VIEW = {*DRF_S_OWN, *("a" + hook for hook in DRF_S_OWN), *HOOKS_OF_PARTS}
NOT_BY_AS_VIEW.update(["queryset", "settings"])


def _is_only_configured(cls: Any) -> bool:
    try:
        queryset = getattr(cls, "queryset", None)
        looked_up = [queryset, cls.settings.EXCEPTION_HANDLER]
        owners = [*cls.__mro__, getattr(queryset, "model", cls)]
        for part, hooks in _parts(cls):
            owners.append(part)
            looked_up.append(part)
            for hook in hooks:
                looked_up.append(getattr(part, hook, None))
        # Once a class; once more if somebody adds to one of these, or patches a part's hook.
        looked_up.append(sum(map(len, map(vars, owners))))
        return _has_only_stock_hooks(cls, *looked_up)
    except TypeError:  # There is no list where one belongs, or something cannot be hashed.
        return False


def _parts(cls: type) -> Iterator[Tuple[Any, List[str]]]:
    for name, hooks in HOOKS_OF_PARTS.items():
        value = getattr(cls, name, None)
        for part in [value] if name.endswith("_class") else value or ():
            if part is not None:
                yield part, hooks


@functools.lru_cache(maxsize=1024)
def _has_only_stock_hooks(cls: Any, *looked_up: Any) -> bool:
    parts = list(_parts(cls))
    queryset = getattr(cls, "queryset", None)
    model = getattr(queryset, "model", None)
    is_known = all(isinstance(part, type) for part, _ in parts) and (model or queryset is None)
    if not (is_known and _is_stock(cls.settings.EXCEPTION_HANDLER) and _is_made_by_stock(cls)):
        return False
    owners = [(cls, DRF_S_OWN), (model, ["delete"]), (type(queryset), ["get"])]
    for part, hooks in parts:
        owners.append((part, hooks))
        if hooks is HOOKS_OF_PARTS["serializer_class"]:
            _refuse_coroutine_functions(part)
            owners.append((_list_serializer_class(part), hooks))
        elif not all(map(_only_sets_attributes, part.__mro__[:-1])):  # all but `object`
            return False
    return all(
        # The function too, as a metaclass of DRF's gives its own module to a class made by `type`.
        (_is_ours(base) or _is_stock(base)) and _is_ours_or_stock(vars(base)[spelling])
        for owner, hooks in owners
        for base in getattr(owner, "__mro__", ())
        for hook in hooks
        for spelling in (hook, "a" + hook)
        if spelling in vars(base)
    )


def _only_sets_attributes(base: type) -> bool:
    return _is_stock(base) or all(
        _is_stock(value) or not (callable(value) or hasattr(value, "__get__"))
        for value in vars(base).values()
    )


# Both worlds
#
# Each class that a view is made of, yours and this module's, is given the spelling that it
# does not define: a companion, which runs the other one in its own world. So whichever is
# called, Python's own look-up and `super()` reach each class in turn.

PAIRS: Set[str] = set()  # the hooks for which this module has an async spelling


class _BothWorlds:
    served_by_drf = False  # of the view that is asked: by the methods it has from DRF

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _refuse_sync_views(cls)
        _complete(cls)


def _refuse_sync_views(cls: type) -> None:
    # They would go on being served as sync views, and say nothing.
    is_ours = any(_is_ours(base) and issubclass(base, APIView) for base in cls.__mro__)
    as_view = getattr(getattr(cls, "as_view", None), "__func__", cls)
    if _is_stock(as_view) or (issubclass(cls, View) and not is_ours):
        base = next(base for base in cls.__mro__ if _is_stock(base) and hasattr(base, "as_view"))
        instead = "Async" + base.__name__
        if instead not in __all__:
            is_viewset = issubclass(base, ViewSetMixin)
            instead = "AsyncViewSetMixin, AsyncAPIView" if is_viewset else "AsyncAPIView"
        raise TypeError(
            "%s is served as a %s, which is one of DRF's sync views. "
            "Write %s in its place, as the first base that is a view."
            % (cls.__name__, base.__name__, instead)
        )


def _complete(cls: type, permission_classes: Any = ()) -> None:
    for hook in (*DRF_METHODS, "as_view"):  # which may be one that never runs, too
        bases = [base for base in cls.__mro__ if _defined_by(base, hook)]
        # What this module defines under DRF's name (`list`, `get`...), async code awaits.
        ours = [vars(base).get(hook) for base in bases if _is_ours(base)]
        is_action = any(function and not _is_companion(function) for function in ours)
        for base, below in zip(bases, [*bases[1:], View]):
            if not _is_stock(base):
                _complete_class(base, hook, cls, is_action)
            if _is_ours(base) and not (_is_ours(below) or _is_stock(below)):
                raise TypeError(
                    "%s.%s would never run. Name %s before %s in the bases of %s."
                    % (below.__name__, hook, below.__name__, base.__name__, cls.__name__)
                )
    # Sync code, DRF's browsable API say, may ask these itself: a coroutine is as good as "yes".
    for name, parts in (
        ("permission_classes", [getattr(cls, "permission_classes", ()), permission_classes]),
        ("authentication_classes", getattr(cls, "authentication_classes", ())),
    ):
        for part in _components(parts):
            for base in getattr(part, "__mro__", ()):
                for hook in HOOKS_OF_PARTS[name]:
                    if not _is_stock(base) and _defined_by(base, hook):
                        _complete_class(base, hook, part, is_action=False)


def _complete_class(base: type, hook: str, cls: type, is_action: bool) -> None:
    if _is_ours(base) and "a" + hook in vars(base):
        PAIRS.add(hook)
    for spelling in (hook, "a" + hook):
        function = vars(base).get(spelling)
        if type(function) is types.FunctionType:
            # An `async def` under DRF's name, or a sync function under the async spelling.
            is_crosswise = (_side(function) is EVENT_LOOP) is (spelling == hook)
            if is_action or is_crosswise or _side(function) is FLOW:
                setattr(base, spelling, _Hook(function, hook, spelling, base, True))
        elif spelling not in vars(base) and (spelling == hook or hook in PAIRS):
            if hasattr(cls, spelling):
                setattr(base, spelling, _Hook(getattr(cls, spelling), hook, spelling, base, False))


class _StandIn:
    # Like the function that it stands in for, to whoever looks at it.

    __slots__ = ("__dict__",)

    # Before Python 3.10, `inspect` wants a function, and not what looks like one.
    __class__: Any = property(lambda self: types.FunctionType)

    def __init__(self, function: Any) -> None:
        for name, value in vars(function).items():
            if not name.startswith(("__", "_is_coroutine")):  # `__code__` tells that
                setattr(self, name, value)
        functools.update_wrapper(self, function, updated=())  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


class _Hook(_StandIn):
    # In a class, for a function that both worlds may call: for a flow, for an action or an
    # `async def` under DRF's name, or, not `defines`, for a companion.

    __slots__ = ("defines", "hook", "owner", "spelling")

    def __init__(self, function: Any, hook: str, spelling: str, owner: type, defines: bool):
        super().__init__(function)
        self.hook, self.spelling, self.owner, self.defines = hook, spelling, owner, defines

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        if isinstance(instance, _BothWorlds):
            if not instance.served_by_drf or self.spelling != self.hook:
                return types.MethodType(self, instance)
        elif self.hook not in DRF_METHODS:
            return types.MethodType(self, instance)
        elif self.defines:
            # For a view that is not this module's, a mixin stays as it was.
            return self.__wrapped__.__get__(instance, owner)
        method = getattr(super(self.owner, instance), self.spelling)
        is_ours = self.hook == "get_object" and isinstance(instance, _BothWorlds)
        return functools.partial(_or_404, method) if is_ours else method

    def __call__(self, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        function, side, spelling = self.find(owner)
        start = functools.partial(_apply, side, function, *args, **kwargs)
        if self.spelling == self.hook and not _on_event_loop():
            return _run(start)
        is_awaited = spelling == self.hook and side is not WORKER_THREAD
        is_single = self.hook in DRF_METHODS and self.hook not in PAIRS
        if self.spelling == self.hook and not is_awaited and not is_single:
            raise SynchronousOnlyOperation(
                "%s.%s() was called on the event loop, where its answer cannot be waited for. "
                "Write: await self.a%s(...)" % (type(owner).__name__, self.hook, self.hook)
            )
        coroutine: Any = _drive(start)
        # For Python, which says what was never awaited.
        coroutine.__qualname__ = "%s.%s" % (type(owner).__name__, self.spelling)
        return coroutine

    def find(self, owner: Any) -> Found:
        # Through `super()`, it is this class's definition that is meant; else the most derived.
        if getattr(type(owner), self.spelling, None) is self:
            found = _find_on_instance(owner, self.hook, skip=self.spelling)
            if found:
                return found
            for base in type(owner).__mro__[: type(owner).__mro__.index(self.owner)]:
                found = _defined_by(base, self.hook)
                if found:  # put there later
                    return _bind(owner, *found)
        return _bind(owner, *self.definition())

    def definition(self) -> Found:
        if self.defines:
            return self.__wrapped__, _side(self.__wrapped__), self.spelling
        return _defined_by(self.owner, self.hook)  # type: ignore[return-value]


class _Given(functools.partial):
    # A companion in an instance: of a request, or of a serializer.
    pass


def _is_companion(function: Any) -> bool:
    return type(function) is _Given or type(function) is _Hook and not function.defines


def _is_ours(cls: type) -> bool:
    return cls.__module__ == __name__


def _is_ours_or_stock(function: Any) -> bool:
    return getattr(function, "__globals__", None) is globals() or _is_stock(function)


# Flows that stand for methods of DRF's which call several hooks, or components, in one go.


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


def _authenticate_in_sync_code(request: Request) -> None:
    # For the first that asks for `request.user`, where the view left it to that.
    if _on_event_loop():
        raise SynchronousOnlyOperation(
            "request.user was asked for on the event loop before the request was authenticated. "
            "Write: await view.aperform_authentication(request)"
        )
    _run(functools.partial(_call, request, "_authenticate"))


async def _parse(request: Any) -> Any:
    # In place only what is parsed faster than a hop takes.
    length = str(request.META.get("CONTENT_LENGTH") or 0)
    is_small = length.isdigit() and int(length) <= 8192 and "multipart" not in request.content_type
    used = [request.negotiator, *request.parsers]
    if not is_small or any(not type(o).__module__.startswith("rest_framework.") for o in used):
        await _move_to(WORKER_THREAD)
    return request.data


def _allows(permission: Any, request: Request, view: APIView, *obj: Any) -> Flow:
    hook = "has_object_permission" if obj else "has_permission"
    return _call(permission, hook, request, view, *obj)


async def _check_permissions(view: APIView, request: Request, *obj: Any) -> None:
    for permission in await _call(view, "get_permissions"):
        if not await _allows(permission, request, view, *obj):
            message = getattr(permission, "message", None)
            code = getattr(permission, "code", None)
            await _call(view, "permission_denied", request, message=message, code=code)


async def _judge_user(permission: Any, request: Request, view: APIView) -> Any:
    # DRF's own judges of `request.user`: in place where that is at hand, and of a stock kind.
    user = getattr(request, "__dict__", {}).get("_user")
    kind = type(user)
    judged = [getattr(kind, name, kind) for name in ("is_authenticated", "is_staff")]
    is_deferred = hasattr(kind, "_meta") and "is_staff" not in vars(user)
    if kind in judged or is_deferred or not all(map(_is_stock, judged)):
        await _move_to(WORKER_THREAD)
    return permission.has_permission(request, view)


async def _both_allow(operation: Any, *args: Any) -> Any:
    return await _allows(operation.op1, *args) and await _allows(operation.op2, *args)


async def _either_allows(operation: Any, request: Request, view: APIView, *obj: Any) -> bool:
    for operand in (operation.op1, operation.op2):
        # Only an operand that allows the request has a say on the object.
        if await _allows(operand, request, view):
            if not obj or await _allows(operand, request, view, *obj):
                return True
    return False


async def _does_not_allow(operation: Any, *args: Any) -> bool:
    return not await _allows(operation.op1, *args)


async def _get_serializer(view: APIView, /, *args: Any, **kwargs: Any) -> Any:
    serializer_class = await _call(view, "get_serializer_class")
    _refuse_coroutine_functions(serializer_class)
    kwargs.setdefault("context", await _call(view, "get_serializer_context"))
    return await _apply(_side(serializer_class), serializer_class, *args, **kwargs)


@functools.lru_cache(maxsize=1024)
def _refuse_coroutine_functions(serializer_class: type) -> None:
    # DRF calls these in sync code, and would take the coroutine for the value.
    called = {"create", "update", "validate", "to_internal_value", "to_representation"}
    for name, field in getattr(serializer_class, "_declared_fields", {}).items():
        if isinstance(field, serializers.SerializerMethodField):
            called.add(field.method_name or "get_" + name)
        if isinstance(field, serializers.BaseSerializer):
            cls: type = type(getattr(field, "child", field))
            _refuse_coroutine_functions(cls)
    called.update(name for name in dir(serializer_class) if name.startswith("validate_"))
    for name in called:
        is_async = _side(getattr(serializer_class, name, None)) is EVENT_LOOP
        if is_async and not hasattr(serializer_class, "asave"):
            raise TypeError(
                "%s.%s is a coroutine function, but DRF calls it in sync code. Write: def %s(...)"
                % (serializer_class.__name__, name, name)
            )


async def _get_paginated_response(view: APIView, data: Any) -> Any:
    paginator = await _call(view, "paginator")
    assert paginator is not None
    return await _call(paginator, "get_paginated_response", data)


FLOWS = {
    Request._authenticate: _authenticate,  # type: ignore[attr-defined]
    Request.data: _parse,
    permissions.IsAuthenticated.has_permission: _judge_user,
    permissions.IsAdminUser.has_permission: _judge_user,
    permissions.IsAuthenticatedOrReadOnly.has_permission: _judge_user,
    permissions.AND.has_permission: _both_allow,
    permissions.AND.has_object_permission: _both_allow,
    permissions.OR.has_permission: _either_allows,
    permissions.OR.has_object_permission: _either_allows,
    permissions.NOT.has_permission: _does_not_allow,
    permissions.NOT.has_object_permission: _does_not_allow,
    generics.GenericAPIView.get_serializer: _get_serializer,
    generics.GenericAPIView.get_paginated_response: _get_paginated_response,
}


# The base view


class AsyncAPIView(_BothWorlds, APIView):
    view_is_async = True  # Django's word for it

    @classmethod
    def as_view(cls, **initkwargs: Any) -> "_View":
        return _View(super().as_view, initkwargs)

    async def ainitial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Do what comes before the handler: negotiate, find the version, check.

        The async spelling of `initial`; override it for what every request needs first.
        Takes the `Request` and the URL's arguments; raises an `APIException` to refuse.
        """
        self.format_kwarg = await _call(self, "get_format_suffix", **kwargs)

        # Perform content negotiation and store the accepted info on the request
        neg = await _call(self, "perform_content_negotiation", request)
        request.accepted_renderer, request.accepted_media_type = neg

        # Determine the API version, if versioning is in use.
        version, scheme = await _call(self, "determine_version", request, *args, **kwargs)
        request.version, request.versioning_scheme = version, scheme

        # Ensure that the incoming request is permitted
        await _call(self, "perform_authentication", request)
        await _call(self, "check_permissions", request)
        await _call(self, "check_throttles", request)

    async def aperform_authentication(self, request: Request) -> None:
        """Find out who sends the `Request`, and set its `user` and `auth`.

        The async spelling of `perform_authentication`; override it with `pass` to leave it
        to the sync code that asks for `request.user` first. Raises what the authenticators
        raise: `AuthenticationFailed`.
        """
        if not hasattr(request, "_user"):
            with wrap_attributeerrors():
                await _call(request, "_authenticate")

    async def acheck_permissions(self, request: Request) -> None:
        """Refuse the `Request` if one of the view's permissions does.

        The async spelling of `check_permissions`; override it for rules that no permission
        class can express. Raises `NotAuthenticated` or `PermissionDenied`.
        """
        await _check_permissions(self, request)

    async def acheck_object_permissions(self, request: Request, obj: Any) -> None:
        """Refuse the `Request` if one of the view's permissions refuses it for `obj`.

        The async spelling of `check_object_permissions`; await it in a handler that looks up
        its object itself. Raises `NotAuthenticated` or `PermissionDenied`.
        """
        await _check_permissions(self, request, obj)

    async def acheck_throttles(self, request: Request) -> None:
        """Refuse the `Request` if one of the view's throttles does, after asking all of them.

        The async spelling of `check_throttles`; override it to throttle some requests only.
        Raises `Throttled`, with the longest wait.
        """
        throttle_durations = []
        for throttle in await _call(self, "get_throttles"):
            if not await _call(throttle, "allow_request", request, self):
                throttle_durations.append(await _call(throttle, "wait"))

        if throttle_durations:
            durations = [duration for duration in throttle_durations if duration is not None]
            await _call(self, "throttled", request, max(durations, default=None))

    async def ahandle_exception(self, exc: Exception) -> Response:
        """Return the response that reports the exception of a hook or a handler.

        The async spelling of `handle_exception`; override it to report to others as well.
        Raises `exc` again if the exception handler of the settings returns `None`.
        """
        if isinstance(exc, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
            # WWW-Authenticate header for 401 responses, else coerce to 403
            auth_header = await _call(self, "get_authenticate_header", self.request)

            if auth_header:
                exc.auth_header = auth_header  # type: ignore[union-attr]
            else:
                exc.status_code = status.HTTP_403_FORBIDDEN

        exception_handler = await _call(self, "get_exception_handler")

        context = await _call(self, "get_exception_handler_context")
        response = await _apply(_side(exception_handler), exception_handler, exc, context)

        if response is None:
            await _call(self, "raise_uncaught_exception", exc)

        response.exception = True
        return response

    async def afinalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Return the response with its renderer, and with the view's headers.

        The async spelling of `finalize_response`; override it for what all responses need,
        those to errors too. Raises `AssertionError` if the handler returned no response.
        """
        assert isinstance(response, HttpResponseBase), (
            "Expected a `Response`, `HttpResponse` or `StreamingHttpResponse` "
            "to be returned from the view, but received a `%s`. "
            "Return one from the handler of %s for %s."
            % (type(response), type(self).__name__, request.method)
        )
        side = EITHER if _computes(self) else WORKER_THREAD
        finalize = super().finalize_response
        return await _apply(side, finalize, request, response, *args, **kwargs)

    async def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args = args
        self.kwargs = kwargs
        request = await _call(self, "initialize_request", request, *args, **kwargs)
        self.request = request
        if isinstance(request, Request):
            given = _Given(_authenticate_in_sync_code, request)
            request._authenticate = given  # type: ignore[attr-defined]
        self.headers = await _call(self, "default_response_headers")

        try:
            await _call(self, "initial", request, *args, **kwargs)

            handler = request.method.lower()
            if handler not in self.http_method_names or not hasattr(self, handler):
                handler = "http_method_not_allowed"

            response = await _call(self, handler, request, *args, **kwargs)

        except Exception as exc:
            response = await _call(self, "handle_exception", exc)

        finalize = _call(self, "finalize_response", request, response, *args, **kwargs)
        self.response = await finalize
        return self.response

    async def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self.metadata_class is None:
            return await _call(self, "http_method_not_allowed", request, *args, **kwargs)
        metadata = await _apply(_side(self.metadata_class), self.metadata_class)
        data = await _call(metadata, "determine_metadata", request, self)
        return Response(data, status=status.HTTP_200_OK)


class _View(_StandIn):
    # What `as_view` returns: a coroutine function on the event loop; in sync code, where a
    # decorator such as `cache_page` or a sync test calls it, it answers at once.

    __slots__ = ("as_drf_does_it",)

    def __init__(self, drf_as_view: Any, initkwargs: Any) -> None:
        drf_view = drf_as_view(**initkwargs)
        super().__init__(drf_view)
        self.as_drf_does_it = None
        actions = getattr(drf_view, "actions", None) or {}
        if NOT_BY_AS_VIEW.isdisjoint(initkwargs) and DRF_METHODS.issuperset(actions.values()):
            # Without `csrf_exempt`, which from Django 5.0 on makes it a coroutine function.
            self.as_drf_does_it = drf_as_view(served_by_drf=True, **initkwargs).__wrapped__
        self._non_atomic_requests = _NonAtomicRequests(getattr(self, "_non_atomic_requests", ()))
        _complete(drf_view.cls, initkwargs.get("permission_classes", ()))

    @property
    def __code__(self) -> Any:
        return _serve.__code__

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        databases = [alias for alias, is_atomic in ATOMIC_DATABASES.get().items() if is_atomic]
        if databases:
            ATOMIC_DATABASES.set({})
        caller = sys._getframe(1)
        # It would render the response next, in a hop of its own. Where no middleware has a say
        # before, that is done here.
        is_to_render = (
            caller.f_code is GET_RESPONSE_ASYNC
            and not caller.f_locals["self"]._template_response_middleware
        )
        # asgiref asks in sync code for what it is going to await.
        is_asgiref = caller.f_globals.get("__name__") == "asgiref.sync"
        is_awaited = is_asgiref or _on_event_loop()
        view = self.as_drf_does_it
        if view and _is_only_configured(self.__wrapped__.cls):
            for alias in databases:
                view = transaction.atomic(using=alias)(view)
            view = functools.partial(view, request, *args, **kwargs)
            if is_to_render:
                view = functools.partial(_render, view)
            return _hop(view) if is_awaited else view()
        start = functools.partial(_serve, self.__wrapped__, databases, request, args, kwargs)
        if databases and _shares_its_thread():
            return _drive_in_a_thread_of_its_own(start)
        if is_to_render:
            start = functools.partial(_serve_and_render, start)
        return _drive(start) if is_awaited else _run(start)


GET_RESPONSE_ASYNC = getattr(vars(BaseHandler)["_get_response_async"], "__code__", None)
ATOMIC_DATABASES: ContextVar[Any] = ContextVar(
    "ATOMIC_DATABASES", default=types.MappingProxyType({})
)


class _NonAtomicRequests(set):
    # What `transaction.non_atomic_requests` adds to. Django opens no transaction for an async
    # view. But it asks, before it calls one, for each database that has ATOMIC_REQUESTS.
    def __contains__(self, alias: object) -> bool:
        is_atomic = not super().__contains__(alias)
        ATOMIC_DATABASES.set({**ATOMIC_DATABASES.get(), alias: is_atomic})
        return True


def _shares_its_thread() -> bool:
    # Goes with Django 3.2. From 4.0 on, Django's ASGI handler has a thread for each request.
    in_sync_code = getattr(AsyncToSync.executors, "current", None)
    return _on_event_loop() and not (in_sync_code or SyncToAsync.thread_sensitive_context.get(None))


async def _drive_in_a_thread_of_its_own(start: Start) -> Any:
    # Others would find themselves in the transaction while this request waits for something.
    async with ThreadSensitiveContext():
        try:
            return await _drive(start)
        finally:
            await sync_to_async(connections.close_all)()


def _render(view: Callable[[], Any]) -> Any:
    return _rendered(view())


async def _serve_and_render(start: Start) -> Any:
    response = await start()
    return response if _on_event_loop() else _rendered(response)


def _rendered(response: Any) -> Any:
    render = getattr(response, "render", None)
    if not callable(render) or _side(render) is EVENT_LOOP:
        return response
    return _Rendered(render())


class _Rendered:
    # What Django's handler is given to render, when that is done already.

    def __init__(self, response: Any) -> None:
        self.response = response

    async def render(self) -> Any:
        return self.response


async def _serve(drf_view: Any, databases: Any, request: Any, args: Any, kwargs: Any) -> Any:
    with ExitStack() as transactions:
        if databases:
            await _move_to(WORKER_THREAD)
        for alias in reversed(databases):
            transactions.enter_context(transaction.atomic(using=alias))
        try:
            view = await _make_view(drf_view, request, args, kwargs)
            return await _call(view, "dispatch", request, *args, **kwargs)
        finally:
            if databases:
                await _move_to_worker_thread_anyway()


async def _move_to_worker_thread_anyway() -> None:
    # Somebody may cancel the request on the way; a transaction has to end all the same.
    cancelled = None
    while _on_event_loop():
        try:
            await _move_to(WORKER_THREAD)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled


async def _make_view(drf_view: Any, request: Any, args: Any, kwargs: Any) -> Any:
    # What the view function does that DRF's `as_view` makes.
    view = await _apply(_side(drf_view.cls), drf_view.cls, **drf_view.initkwargs)
    actions = getattr(drf_view, "actions", None)
    if actions is None:
        await _call(view, "setup", request, *args, **kwargs)
    else:
        if "get" in actions and "head" not in actions:
            actions["head"] = actions["get"]
        view.action_map = actions
        for method, action in actions.items():
            setattr(view, method, getattr(view, action))
        view.request, view.args, view.kwargs = request, args, kwargs
    return view


# The generic view


class AsyncGenericAPIView(AsyncAPIView, generics.GenericAPIView):
    async def afilter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Pass the queryset through the view's filter backends, in their order.

        The async spelling of `filter_queryset`; override it to filter what both the list
        and the look-up of an object see. Takes a queryset, or an awaitable of one, and
        returns a queryset. Raises what the backends raise, such as `ValidationError`.
        """
        queryset = await _settle(queryset)
        for backend in list(self.filter_backends):
            backend = await _apply(_side(backend), backend)
            queryset = await _call(backend, "filter_queryset", self.request, queryset, self)
        return queryset

    async def apaginate_queryset(self, queryset: QuerySet) -> Optional[List[Any]]:
        """Return the requested page of the queryset, or `None` where pagination is disabled.

        The async spelling of `paginate_queryset`; override it to choose when to paginate.
        Takes a queryset, or an awaitable of one, and returns a list. Raises `NotFound` for
        a page that is not there.
        """
        paginator = await _call(self, "paginator")
        if paginator is None:
            return None
        queryset = await _settle(queryset)
        return await _call(paginator, "paginate_queryset", queryset, self.request, view=self)

    async def aget_object(self) -> Any:
        """Return the object that the URL asks for.

        The async spelling of `get_object`; override it for look-ups that `lookup_field`
        cannot express, and end with `await self.acheck_object_permissions(...)`. Raises
        `Http404` if there is no such object or the value cannot be one's, and whatever
        refuses the permission.
        """
        queryset = await _call(self, "filter_queryset", await _call(self, "get_queryset"))

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


def _or_404(get_object: Any) -> Any:
    try:
        return get_object()
    except (OverflowError, DataError) as exc:  # as of a key that is too big for the database
        raise Http404 from exc


async def _get_object_or_404(queryset: Any, filter_kwargs: Any) -> Any:
    try:
        if not hasattr(queryset, "get") or _find(queryset, "get")[1] is WORKER_THREAD:
            await _move_to(WORKER_THREAD)
            return generics.get_object_or_404(queryset, **filter_kwargs)
        try:
            return await _call(queryset, "get", **filter_kwargs)
        except queryset.model.DoesNotExist as exc:
            raise Http404(str(exc)) from exc
    except (TypeError, ValueError, ValidationError, OverflowError, DataError) as exc:
        raise Http404 from exc


# The mixins


class AsyncCreateModelMixin(_BothWorlds, mixins.CreateModelMixin):
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

        The async spelling of `perform_create`; override it for what belongs to saving:
        `await serializer.asave(owner=self.request.user)`. Takes the valid serializer.
        """
        await _call(serializer, "save")


class AsyncListModelMixin(_BothWorlds, mixins.ListModelMixin):
    async def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        queryset = await _call(self, "filter_queryset", await _call(self, "get_queryset"))

        page = await _call(self, "paginate_queryset", queryset)
        if page is not None:
            serializer = await _call(self, "get_serializer", page, many=True)
            data = await _call(serializer, "data")
            return await _call(self, "get_paginated_response", data)

        serializer = await _call(self, "get_serializer", queryset, many=True)
        return Response(await _call(serializer, "data"))


class AsyncRetrieveModelMixin(_BothWorlds, mixins.RetrieveModelMixin):
    async def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = await _call(self, "get_object")
        serializer = await _call(self, "get_serializer", instance)
        return Response(await _call(serializer, "data"))


class AsyncUpdateModelMixin(_BothWorlds, mixins.UpdateModelMixin):
    async def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        partial = kwargs.pop("partial", False)
        instance = await _call(self, "get_object")
        data = await _call(request, "data")
        serializer = await _call(self, "get_serializer", instance, data=data, partial=partial)
        await _call(serializer, "is_valid", raise_exception=True)
        await _call(self, "perform_update", _with_asave(serializer))

        if getattr(instance, "_prefetched_objects_cache", None):
            # If 'prefetch_related' has been applied to a queryset, we need to
            # forcibly invalidate the prefetch cache on the instance.
            instance._prefetched_objects_cache = {}

        return Response(await _call(serializer, "data"))

    async def aperform_update(self, serializer: BaseSerializer) -> None:
        """Save the changed instance.

        The async spelling of `perform_update`; override it for what belongs to saving:
        `await serializer.asave(editor=self.request.user)`. Takes the valid serializer.
        """
        await _call(serializer, "save")

    async def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        kwargs["partial"] = True
        return await _call(self, "update", request, *args, **kwargs)


class AsyncDestroyModelMixin(_BothWorlds, mixins.DestroyModelMixin):
    async def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = await _call(self, "get_object")
        await _call(self, "perform_destroy", instance)
        return Response(status=status.HTTP_204_NO_CONTENT)

    async def aperform_destroy(self, instance: Any) -> None:
        """Delete the instance, by its own `adelete` if it has one.

        The async spelling of `perform_destroy`; override it to archive instead, or for
        what belongs to deleting. Takes the instance that `aget_object` returned.
        """
        await _call(instance, "delete")


def _with_asave(serializer: Any) -> Any:
    # So that a perform hook can `await serializer.asave(...)`, whatever serializer it is.
    if not hasattr(serializer, "asave"):
        serializer.asave = _Given(asave, serializer)
    return serializer


async def asave(serializer: Any, /, **kwargs: Any) -> Any:
    return await _drive(functools.partial(_call, serializer, "save", **kwargs))


# The concrete views


class AsyncCreateAPIView(AsyncCreateModelMixin, AsyncGenericAPIView, generics.CreateAPIView):
    async def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "create", request, *args, **kwargs)


class AsyncListAPIView(AsyncListModelMixin, AsyncGenericAPIView, generics.ListAPIView):
    async def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "list", request, *args, **kwargs)


class AsyncRetrieveAPIView(AsyncRetrieveModelMixin, AsyncGenericAPIView, generics.RetrieveAPIView):
    async def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "retrieve", request, *args, **kwargs)


class AsyncDestroyAPIView(AsyncDestroyModelMixin, AsyncGenericAPIView, generics.DestroyAPIView):
    async def delete(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "destroy", request, *args, **kwargs)


class AsyncUpdateAPIView(AsyncUpdateModelMixin, AsyncGenericAPIView, generics.UpdateAPIView):
    async def put(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "update", request, *args, **kwargs)

    async def patch(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return await _call(self, "partial_update", request, *args, **kwargs)


class AsyncListCreateAPIView(
    AsyncListModelMixin, AsyncCreateModelMixin, AsyncGenericAPIView, generics.ListCreateAPIView
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


# The viewsets


class AsyncViewSetMixin(_BothWorlds, ViewSetMixin):
    @classonlymethod
    def as_view(cls, actions: Optional[Dict[str, Any]] = None, **initkwargs: Any) -> Any:
        # It calls no `super()`, so that of AsyncAPIView is not reached from it.
        drf_as_view = ViewSetMixin.as_view.__func__  # type: ignore[attr-defined]
        return _View(functools.partial(drf_as_view, cls, actions), initkwargs)


class AsyncGenericViewSet(AsyncViewSetMixin, AsyncGenericAPIView, viewsets.GenericViewSet):
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
