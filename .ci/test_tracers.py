# SPDX-License-Identifier: MIT
"""
What tracers, and tests that patch, put around methods and views.

The real tracers come with the extra `tracers`. Each patches Django for good, so it does that in a
process of its own, and says what it has seen.
"""

import asyncio
import functools
import inspect
import textwrap
from unittest import mock

import pytest
from django.http import HttpResponse
from django.views.generic import View
from rest_framework import exceptions, generics, permissions

from restflow_generics import AsyncListAPIView, AsyncRetrieveAPIView
from shop import Pages, Product
from tools import (
    CONFIGURED,
    PATCHED,
    Listed,
    OverriddenList,
    ask,
    ask_wsgi,
    component,
    each_style,
    logged,
    run_python,
    status_of_both,
    subclass,
    where,
)


def hands_on_and_is_marked(view):
    around = logged(view)
    if asyncio.iscoroutinefunction(view):
        around._is_coroutine = getattr(asyncio.coroutines, "_is_coroutine", None)
        return getattr(inspect, "markcoroutinefunction", lambda function: function)(around)
    return around


def asks_first(view):
    if not asyncio.iscoroutinefunction(view):
        return logged(view)

    @functools.wraps(view)
    async def around(*args, **kwargs):
        return await view(*args, **kwargs)

    return around


@pytest.mark.parametrize("view", [Listed, OverriddenList])
@pytest.mark.parametrize("wrapper", [hands_on_and_is_marked, asks_first])
def test_a_tracer_may_wrap_the_view(wrapper, view):
    assert status_of_both(wrapper(view.as_view())) == 200


@pytest.mark.parametrize("wrapper", [logged, hands_on_and_is_marked, asks_first])
def test_a_tracer_may_wrap_what_djangos_as_view_returns(wrapper, monkeypatch):
    as_view, called = View.as_view.__func__, []

    def traced(cls, **initkwargs):
        view = wrapper(as_view(cls, **initkwargs))
        return functools.wraps(view)(
            lambda *args, **kwargs: called.append(1) or view(*args, **kwargs)
        )

    monkeypatch.setattr(View, "as_view", classmethod(traced))
    assert status_of_both(Listed) == 200
    assert called == [1, 1]


@pytest.mark.parametrize("name", ["dispatch", "get", "list", "get_queryset", "check_permissions"])
@pytest.mark.parametrize("by", ["a function", "wrapt", "a mock"])
def test_a_tracer_may_wrap_a_method_of_the_class_once_there_is_a_view(by, name):
    cls = type("View", (Listed,), {})
    view, called = cls.as_view(), []
    plain = getattr(cls, name)

    def traced(wrapped, instance, args, kwargs):
        called.append(name)
        return wrapped(*args, **kwargs)

    def wrapper(self, *args, **kwargs):
        return traced(plain.__get__(self, cls), self, args, kwargs)

    if by == "wrapt":
        wrapper = pytest.importorskip("wrapt").FunctionWrapper(plain, traced)
    elif by == "a mock":
        answers = {"get_queryset": Product.objects.none(), "check_permissions": None}
        wrapper = mock.Mock(return_value=answers.get(name, HttpResponse("mocked")))
    with mock.patch.object(cls, name, wrapper):
        assert status_of_both(view) == 200
        assert called == [name] * 2 if by != "a mock" else wrapper.call_count == 2


@pytest.mark.parametrize("name", ["dispatch", "get", "list", "check_permissions", "aget_object"])
def test_what_a_tracer_puts_around_a_method_stays_what_it_is_with_each_as_view(name):
    wrapt = pytest.importorskip("wrapt")

    def traced(wrapped, instance, args, kwargs):
        called.append(name)
        return wrapped(*args, **kwargs)

    def own(self, *args, **kwargs):
        return getattr(super(cls, self), name)(*args, **kwargs)

    called = []
    cls = type("View", (Listed,), {name: own})
    if name == "aget_object":  # which a list does not call
        cls.get = lambda self, request: HttpResponse(self.get_object())

        async def own(self):
            return "found"

        cls.aget_object = own
        cls.as_view()
    wrapper = wrapt.FunctionWrapper(getattr(cls, name), traced)
    setattr(cls, name, wrapper)
    views = [cls.as_view() for _ in range(3)]
    assert vars(cls)[name] is wrapper
    assert status_of_both(views[-1]) == 200
    assert called == [name] * 2


def standing_in(by, plain, called):
    """Something that is no function in the place of a method, and hands on to it."""

    def traced(wrapped, instance, args, kwargs):
        called.append((where(), Product.objects.count()))
        return wrapped(*args, **kwargs)

    if by == "wrapt":
        return pytest.importorskip("wrapt").FunctionWrapper(plain, traced)

    def hand_on(*args, **kwargs):
        return traced(plain, None, args, kwargs)

    return mock.create_autospec(plain, side_effect=hand_on)


@pytest.mark.parametrize("by", ["wrapt", "an autospec"])
@pytest.mark.parametrize(
    "owner, name",
    [
        *PATCHED,
        (generics.GenericAPIView, "check_permissions"),
        (generics.GenericAPIView, "get_serializer"),
        (generics.ListAPIView, "list"),
        (generics.ListAPIView, "initial"),
        (permissions.AllowAny, "has_permission"),
        (permissions.OR, "has_permission"),
    ],
)
def test_what_stands_in_for_a_method_of_drfs_runs(owner, name, by):
    answers = []
    for base in (generics.ListAPIView, AsyncListAPIView):
        called = []
        attributes = {**CONFIGURED, "permission_classes": [permissions.AllowAny]}
        if owner is permissions.OR:
            attributes["permission_classes"] = [permissions.IsAdminUser | permissions.AllowAny]
        view = type("View", (base,), {**attributes, "pagination_class": Pages})
        url = "/?page=9" if name == "handle_exception" else "/"
        with mock.patch.object(owner, name, standing_in(by, getattr(owner, name), called)):
            answers.append([ask(view, url=url).status, *called, ask_wsgi(view, url=url)[0]])
            assert called, base
    assert answers[0] == answers[1]


def test_another_view_below_in_the_bases_is_no_patch(tea):
    drfs = type("View", (generics.ListAPIView, generics.RetrieveAPIView), CONFIGURED)
    ours = type("View", (AsyncListAPIView, AsyncRetrieveAPIView), CONFIGURED)
    assert ask(ours).json == ask(drfs).json
    assert len(ask(ours).json) == 3


@pytest.mark.parametrize("first", ["", "a"])
@pytest.mark.parametrize("is_asked_between", [False, True])
@pytest.mark.parametrize("level", ["the class", "a subclass"])
@each_style
@pytest.mark.parametrize(
    "hook, base",
    [
        ("get_object", AsyncRetrieveAPIView),
        ("check_permissions", AsyncListAPIView),
        ("has_permission", permissions.BasePermission),
    ],
)
def test_after_patches_of_both_spellings_in_turn_all_is_as_it_was(
    hook, base, style, level, is_asked_between, first
):
    def own(*args):
        if hook == "has_permission":
            return False
        raise exceptions.PermissionDenied

    cls = component(base, hook, style, own)
    cls = subclass(cls) if level == "a subclass" else cls

    def status():
        attributes = {**CONFIGURED, "authentication_classes": []}
        if issubclass(cls, permissions.BasePermission):
            return ask(subclass(Listed, permission_classes=[cls], **attributes)).status
        return ask(cls.as_view(**attributes), url="/1/").status

    for prefix in (first, "a" if first == "" else "", first):
        if is_asked_between:
            assert status() == 403
        other = mock.AsyncMock if prefix else mock.Mock
        answer = Product.objects.get(pk=1) if hook == "get_object" else True
        with mock.patch.object(cls, prefix + hook, other(return_value=answer), create=True):
            assert status() == 200
    assert status() == 403


@pytest.mark.parametrize("patch", [mock.Mock, None], ids=["a mock", "a spec"])
@pytest.mark.parametrize(
    "owner, name",
    [
        (generics.GenericAPIView, "check_permissions"),
        (generics.ListAPIView, "initial"),
        (generics.ListAPIView, "list"),
        (generics.GenericAPIView, "dispatch"),
        (generics.ListAPIView, "filter_queryset"),
    ],
)
def test_what_is_put_on_a_class_of_drfs_later_runs(owner, name, patch):
    denied = mock.create_autospec(getattr(owner, name)) if patch is None else patch()
    denied.side_effect = exceptions.PermissionDenied
    with mock.patch.object(owner, name, denied):
        if name == "dispatch":  # where nobody makes a response of it
            with pytest.raises(exceptions.PermissionDenied):
                ask(Listed)
        else:
            assert ask(Listed).status == 403
    assert ask(Listed).status == 200


def test_a_class_that_changes_while_a_view_is_made_of_it_is_no_error():
    class Looked(type):
        def __getattr__(cls, name):  # It is looked at as long as another thread takes.
            setattr(Changing, "added_%s" % len(added), added.append(name))
            raise AttributeError(name)

    class Attribute(metaclass=Looked):
        pass

    class Changing(Listed):
        pass

    added = []
    for name in ("put", "own"):
        setattr(Changing, name, Attribute())
    assert status_of_both(Changing) == 200
    assert added


# The real tracers


def test_an_attribute_of_the_instance_may_call_the_async_method_that_it_replaces():
    class View(AsyncListAPIView):
        async def get_queryset(self):
            return Product.objects.all()

        def setup(self, request, *args, **kwargs):
            super().setup(request, *args, **kwargs)
            self.get_queryset = mock.Mock(wraps=self.get_queryset)

        def finalize_response(self, *args, **kwargs):
            assert self.get_queryset.call_count == 1
            return super().finalize_response(*args, **kwargs)

    assert status_of_both(subclass(View, **CONFIGURED)) == 200


TRACED_VIEWS = """
    from shop import Product, ProductSerializer, fill_shop, make_shop
    from tools import ask, ask_wsgi, basic
    from rest_framework.authentication import BasicAuthentication
    from rest_framework.generics import ListAPIView
    from restflow_generics import AsyncListAPIView

    make_shop()
    fill_shop()

    class Fails:
        queryset, serializer_class = Product.objects.all(), ProductSerializer
        authentication_classes = [BasicAuthentication]

        def get_queryset(self):
            with span("get_queryset"):
                if "fail" in self.request.META["QUERY_STRING"]:
                    raise LookupError("missing")
                return super().get_queryset()

    def seen_of(base):
        view = type("View", (Fails, base), {})
        statuses = [ask(view, url=url, user="ann", raises=False).status for url in ("/", "/?fail")]
        header = {"HTTP_AUTHORIZATION": basic("ann")}
        return statuses + [ask_wsgi(view, headers=header)[0]], seen()

    theirs, ours = seen_of(ListAPIView), seen_of(AsyncListAPIView)
    assert theirs[0] == ours[0] == [200, 500, 200], (theirs, ours)
    assert theirs[1] == ours[1] and theirs[1], (theirs, ours)
    print("the same")
"""

TRACERS = {
    "sentry_sdk": """
        import contextlib, sentry_sdk
        from sentry_sdk.integrations.django import DjangoIntegration
        from sentry_sdk.transport import Transport

        class Keeps(Transport):
            items = []
            def capture_envelope(self, envelope):
                self.items.extend((item.type, item.payload.json) for item in envelope.items)

        sentry_sdk.init(
            dsn="http://key@localhost/1", transport=Keeps, traces_sample_rate=1.0,
            integrations=[DjangoIntegration()], auto_enabling_integrations=False,
            send_default_pii=True,
        )
        span = lambda name: contextlib.nullcontext()

        def seen():
            sentry_sdk.flush()
            told = []
            while Keeps.items:
                kind, item = Keeps.items.pop(0)
                operations = sorted({part["op"] for part in item.get("spans", ())})
                frames = [
                    value["stacktrace"]["frames"][-1]["function"]
                    for value in item.get("exception", {}).get("values", ())
                ]
                user = item.get("user", {}).get("username")
                told.append((kind, item.get("transaction"), operations, frames, user))
            return told
    """,
    "ddtrace": """
        import os
        for name in ("INSTRUMENTATION_TELEMETRY_ENABLED", "REMOTE_CONFIGURATION_ENABLED"):
            os.environ["DD_" + name] = "false"
        import contextlib, ddtrace
        from ddtrace.trace import TraceFilter

        class Keeps(TraceFilter):
            spans = []
            def process_trace(self, trace):
                self.spans.extend(trace)

        ddtrace.patch(django=True)
        ddtrace.tracer.configure(trace_processors=[Keeps()])
        span = lambda name: ddtrace.tracer.trace(name)

        def seen():
            ddtrace.tracer.flush()
            names = sorted(part.name for part in Keeps.spans if part.name.startswith("django.view"))
            Keeps.spans.clear()
            return names
    """,
    "opentelemetry.instrumentation.django": """
        from opentelemetry import trace
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        import shop  # which configures Django first
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        DjangoInstrumentor().instrument()
        span = trace.get_tracer("tests").start_as_current_span

        def seen():
            spans = exporter.get_finished_spans()
            names = {part.context.span_id: part.name for part in spans}
            exporter.clear()
            parents = [part.parent and names.get(part.parent.span_id) for part in spans]
            return list(zip((part.name for part in spans), parents))
    """,
    "silk": """
        import contextlib, django.conf

        configure = django.conf.LazySettings.configure

        def with_silk(settings, **options):
            options["INSTALLED_APPS"].append("silk")
            options["MIDDLEWARE"].insert(0, "silk.middleware.SilkyMiddleware")
            configure(settings, **options)

        django.conf.LazySettings.configure = with_silk
        span = lambda name: contextlib.nullcontext()

        def seen():
            from silk.models import Request, SQLQuery
            told = [
                (request.path, sorted(query.query for query in request.queries.all()))
                for request in Request.objects.order_by("start_time")
            ]
            Request.objects.all().delete()
            return told
    """,
}


@pytest.mark.parametrize("tracer", TRACERS)
def test_a_tracer_sees_of_our_views_what_it_sees_of_drfs(tracer):
    pytest.importorskip(tracer)
    code = textwrap.dedent(TRACERS[tracer]) + textwrap.dedent(TRACED_VIEWS)
    assert run_python(code).splitlines()[-1] == "the same"
