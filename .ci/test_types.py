# SPDX-License-Identifier: MIT
"""
Types: how a user annotates views in either spelling, for `mypy --strict`.

It wants the extra `types`. Where that is not installed, the tests are skipped.
"""

import importlib.util
import os
import subprocess
import sys

import pytest

from shop import ROOT

# An ignore stands where mypy has to see another signature than DRF's. One that is not needed is an
# error, too.
TYPED_VIEWS = """
from typing import Any, List, Optional, assert_type

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path
from django.views.decorators.cache import cache_page
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.serializers import BaseSerializer, ModelSerializer
from rest_framework.views import APIView

from restflow_generics import (
    AsyncAPIView,
    AsyncCreateAPIView,
    AsyncGenericViewSet,
    AsyncListCreateAPIView,
    AsyncListModelMixin,
    AsyncModelViewSet,
    AsyncRetrieveModelMixin,
    AsyncRetrieveUpdateDestroyAPIView,
    call_hook,
)


class GroupSerializer(ModelSerializer[Group]):
    class Meta:
        model = Group
        fields = ["name"]


class MayTrade(BasePermission):
    async def ahas_permission(self, request: Request, view: APIView) -> bool:
        return request.user.is_authenticated


class MayTradeToo(BasePermission):
    async def has_permission(  # type: ignore[override]
        self, request: Request, view: APIView
    ) -> bool:
        return request.user.is_authenticated


class AsyncSpellings(AsyncRetrieveUpdateDestroyAPIView):
    queryset = Group.objects.all()
    serializer_class = GroupSerializer
    permission_classes = [IsAuthenticated & MayTrade | MayTradeToo]

    async def ainitial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        await super().ainitial(request, *args, **kwargs)

    async def aperform_authentication(self, request: Request) -> None:
        await super().aperform_authentication(request)

    async def acheck_permissions(self, request: Request) -> None:
        await super().acheck_permissions(request)

    async def acheck_object_permissions(self, request: Request, obj: Group) -> None:
        await super().acheck_object_permissions(request, obj)

    async def acheck_throttles(self, request: Request) -> None:
        await super().acheck_throttles(request)

    async def ahandle_exception(self, exc: Exception) -> Response:
        return await super().ahandle_exception(exc)

    async def afinalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        return await super().afinalize_response(request, response, *args, **kwargs)

    async def afilter_queryset(self, queryset: QuerySet[Group]) -> QuerySet[Group]:
        return await super().afilter_queryset(queryset.exclude(name=""))

    async def apaginate_queryset(self, queryset: QuerySet[Group]) -> Optional[List[Group]]:
        return await super().apaginate_queryset(queryset)

    async def aget_object(self) -> Group:
        group: Group = await super().aget_object()
        return group

    async def aperform_update(self, serializer: BaseSerializer[Group]) -> None:
        group: Group = await call_hook(serializer, "save", name="tea")

    async def aperform_destroy(self, instance: Group) -> None:
        assert_type(await self.aget_object(), Group)
        await super().aperform_destroy(instance)


class SyncSpellings(AsyncCreateAPIView):
    serializer_class = GroupSerializer

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)

    def get_queryset(self) -> QuerySet[Group]:
        assert_type(self.request, Request)
        return Group.objects.all()

    def get_object(self) -> Group:
        group: Group = super().get_object()
        return group

    def perform_create(self, serializer: BaseSerializer[Group]) -> None:
        assert_type(serializer.save(name="tea"), Group)


class Handlers(AsyncListCreateAPIView):
    async def get_queryset(self) -> QuerySet[Group]:  # type: ignore[override]
        return Group.objects.all()

    async def get(self, request: Request, *args: Any) -> Response:  # type: ignore[override]
        assert_type(await self.list(request), Response)
        return await self.list(request)

    def create(self, request: Request, *args: Any) -> Response:  # type: ignore[override]
        return Response({})

    async def aperform_create(self, serializer: Any) -> None:
        await serializer.asave(name="tea")


class Plain(AsyncAPIView):
    async def get(self, request: Request) -> Response:
        return Response({})

    def post(self, request: Request) -> Response:
        return Response({})


class GroupViewSet(AsyncModelViewSet):
    queryset = Group.objects.all()
    serializer_class = GroupSerializer

    @action(detail=True)  # type: ignore[type-var]
    async def restock(self, request: Request, pk: str) -> Response:
        assert_type(await self.aget_object(), Any)
        return Response({})

    @action(detail=False)
    def cheapest(self, request: Request) -> Response:
        return Response(self.get_serializer(self.get_queryset().first()).data)


class Composed(AsyncListModelMixin, AsyncRetrieveModelMixin, AsyncGenericViewSet):
    pass


async def ask(request: HttpRequest) -> Any:
    return await Plain.as_view()(request)


router = DefaultRouter()
router.register("groups", GroupViewSet)
urlpatterns = [
    path("", Plain.as_view(renderer_classes=[])),
    path("cached/", cache_page(60)(Handlers.as_view())),
    path("groups/", GroupViewSet.as_view({"get": "list"})),
    *router.urls,
]
"""

MYPY = """
[mypy]
strict = True
%s
[mypy.plugins.django-stubs]
django_settings_module = typed_settings
"""


@pytest.mark.parametrize("plugins", ["", "plugins = mypy_django_plugin.main, mypy_drf_plugin.main"])
def test_mypy_accepts_the_module_and_the_annotated_views_of_a_user(tmp_path, plugins):
    for stubs in ("mypy", "mypy_django_plugin", "mypy_drf_plugin"):
        if not importlib.util.find_spec(stubs):
            pytest.skip("The extra `types` is not installed.")
    (tmp_path / "typed_views.py").write_text(TYPED_VIEWS)
    (tmp_path / "typed_settings.py").write_text(
        'SECRET_KEY = "x"\n'
        'INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"]'
    )
    (tmp_path / "mypy.ini").write_text(MYPY % plugins)
    module = ROOT / "restflow_generics.py"
    found = subprocess.run(
        [sys.executable, "-m", "mypy", str(module), "typed_views.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "MYPYPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    assert found.returncode == 0, found.stdout
