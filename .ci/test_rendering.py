# SPDX-License-Identifier: MIT
"""A response that was rendered early looks to others as if Django had rendered it."""

from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.http import HttpResponse
from django.test import override_settings
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.cache import cache_page
from rest_framework import renderers
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.views import APIView

from restflow_generics import AsyncAPIView, AsyncViewSet
from shop import Product
from tools import (
    ProductView,
    SyncProductView,
    Waits,
    ask,
    ask_wsgi,
    reset_shop,
    status_of_both,
    where,
)


class ChangesData(MiddlewareMixin):
    def process_template_response(self, request, response):
        response.data = {**response.data, "was rendered": response.is_rendered}
        return response


class RendersAgain(MiddlewareMixin):
    def process_response(self, request, response):
        response["X-Rendered"] = str(getattr(response, "is_rendered", None))
        getattr(response, "render", str)()
        return response


class ReportsErrors(MiddlewareMixin):
    def process_exception(self, request, exception):
        return HttpResponse("reported %r" % exception, status=503)


class InTransaction:
    """Something that is found out when it is rendered."""

    def __iter__(self):
        yield connection.in_atomic_block
        yield where()


class Rendering:
    """Answers that are rendered in various ways."""

    renderer_classes = [renderers.JSONRenderer]

    def get(self, request):
        Product.objects.create(name="Cup")
        return self.answers[request.GET["answer"]](self)

    def data(self):
        return Response({"products": Product.objects.count()})

    def found_out_later(self):
        return Response({"products": Product.objects.values_list("name"), "in": InTransaction()})

    def not_serializable(self):
        return Response({"products": Product})

    def with_callbacks(self):
        response = self.data()
        response.add_post_render_callback(lambda response: response.__setitem__("X-First", "1"))
        response.add_post_render_callback(lambda response: HttpResponse("second"))
        return response

    def rendered_by_the_view(self):
        return APIView.finalize_response(self, self.request, self.data()).render()

    def without_render(self):
        return HttpResponse("plain")

    def with_async_render(self):
        async def render():
            return HttpResponse("rendered on the " + where())

        response = HttpResponse("never")
        response.render = render
        return response

    answers = {
        answer.__name__: answer
        for answer in [
            data,
            found_out_later,
            not_serializable,
            with_callbacks,
            rendered_by_the_view,
            without_render,
            with_async_render,
        ]
    }


class AsyncRendering(Rendering):
    async def get(self, request):
        return await sync_to_async(super().get)(request)


@pytest.mark.parametrize(
    "middleware",
    [
        [],
        [__name__ + ".ChangesData"],
        [__name__ + ".RendersAgain", __name__ + ".ReportsErrors"],
        [
            "django.middleware.cache.UpdateCacheMiddleware",
            "django.middleware.cache.FetchFromCacheMiddleware",
        ],
    ],
    ids=["none", "changes the data", "renders again", "caches"],
)
@pytest.mark.parametrize("decorator", [lambda view: view, cache_page(60)], ids=["", "cached"])
@pytest.mark.parametrize("answer", Rendering.answers)
@pytest.mark.parametrize("is_atomic", [False, True])
def test_to_others_it_looks_as_if_django_had(is_atomic, answer, decorator, middleware):
    outcomes = []
    for bases in [(Rendering, APIView), (Rendering, AsyncAPIView), (AsyncRendering, AsyncAPIView)]:
        reset_shop()
        view = decorator(type("View", bases, {}).as_view())
        with override_settings(MIDDLEWARE=middleware), mock.patch.dict(
            connections.settings["default"], ATOMIC_REQUESTS=is_atomic
        ):
            for _ in range(2):
                try:
                    given = ask(view, url="/?answer=" + answer)
                    for header in ("Expires", "Age"):
                        given.headers.pop(header, None)
                    outcomes.append((given.status, given.headers, given.body))
                except Exception as error:
                    outcomes.append(repr(error))
    assert outcomes[:2] == outcomes[2:4] == outcomes[4:]


# Views that are called by hand


def test_a_view_that_another_one_calls_by_hand_hands_it_a_response_to_render():
    class View(AsyncViewSet):
        def list(self, request):
            return Response("listed")

        @action(detail=False)
        def again(self, request):
            response = type(self).as_view({"get": "list"})(request._request)
            return HttpResponse(response.render().content)

        @action(detail=False)
        async def once_more(self, request):
            response = await type(self).as_view({"get": "list"})(request._request)
            return HttpResponse(response.render().content)

    for url in ("/again/", "/once_more/"):
        assert ask(View, url=url).body == ask_wsgi(View, url=url)[1] == b'"listed"'


class Rendered(MiddlewareMixin):
    def process_view(self, request, view, args, kwargs):
        return view(request, *args, **kwargs).render()


@pytest.mark.parametrize("view", [SyncProductView, ProductView, Waits])
def test_a_middleware_may_call_the_view_and_render_its_response(view):
    with override_settings(MIDDLEWARE=[__name__ + ".Rendered"]):
        assert status_of_both(view) == 200


# Where it is rendered


def changes_data_too(get_response):
    return ChangesData(get_response)


class LooksUp(dict):
    def values(self):
        Product.objects.count()  # which is an error on the event loop
        return super().values()

    def items(self):
        Product.objects.count()
        return super().items()


class Plain(AsyncAPIView):
    async def get(self, request):
        return Response({"a": [1]})


class Mapping(AsyncAPIView):
    async def get(self, request):
        return Response(LooksUp(a=[1]))


class Found(AsyncAPIView):
    async def get(self, request):
        return Response({"a": Product.objects.values_list("pk", flat=True).filter(pk=1)})


class OwnResponse(Response):
    @property
    def rendered_content(self):
        Product.objects.count()
        return super().rendered_content


class Responds(AsyncAPIView):
    async def get(self, request):
        return OwnResponse({"a": [1]})


class Replaced(AsyncAPIView):
    async def get(self, request):
        response = Response({"a": [1]})
        plain = response.render
        response.render = lambda: Product.objects.count() and plain()
        return response


class CallsBack(AsyncAPIView):
    async def get(self, request):
        response = Response({"a": [1]})
        response.add_post_render_callback(lambda response: print(Product.objects.count()))
        return response


@pytest.mark.parametrize("view", [Mapping, Found, Responds, Replaced, CallsBack])
def test_data_that_may_query_is_rendered_off_the_event_loop(view):
    assert ask(view).json == {"a": [1]}


@pytest.mark.parametrize("kind", ["a subclass", "a patch", "an attribute"])
def test_a_renderer_of_ones_own_renders_off_the_event_loop(kind, monkeypatch):
    sides, plain = [], renderers.JSONRenderer.render

    def render(self, *args, **kwargs):
        sides.append(where())
        return plain(self, *args, **kwargs)

    class Own(renderers.JSONRenderer):
        pass

    target = renderers.JSONRenderer if kind == "a patch" else Own
    if kind == "an attribute":
        render = mock.create_autospec(plain, side_effect=render)
    monkeypatch.setattr(target, "render", render)
    classes = [renderers.JSONRenderer if kind == "a patch" else Own]
    assert ask(type("View", (Plain,), {"renderer_classes": classes})).json == {"a": [1]}
    assert sides == ["worker thread"]


@pytest.mark.parametrize("middleware", ["ChangesData", "changes_data_too"])
def test_a_middleware_that_is_a_class_or_made_by_a_function_changes_the_data(middleware):
    with override_settings(MIDDLEWARE=[__name__ + "." + middleware]):
        assert ask(Plain).json == {"a": [1], "was rendered": False}


def test_a_middleware_that_comes_later_changes_the_data_of_the_same_view():
    view = Plain.as_view()
    for middleware, data in [([], {}), (["ChangesData"], {"was rendered": False}), ([], {})]:
        with override_settings(MIDDLEWARE=[__name__ + "." + name for name in middleware]):
            assert ask(view).json == {"a": [1], **data}
