# SPDX-License-Identifier: MIT
"""
The shop: a small Django project, in one module. The tests ask it, and the demo serves it.

The demo: `python .ci/shop.py`. It serves the shop with some data, through a real ASGI server, on
http://127.0.0.1:8000/, or on another port: `PORT=8001 python ...`.
"""

import argparse
import asyncio
import contextlib
import importlib
import importlib.util
import inspect
import os
import pathlib
import signal
import socket
import sys
import tempfile

import dj_database_url
import django
import httpx
from django.conf import settings

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODULE = "shop"

if str(ROOT) not in sys.path:  # where restflow_generics is
    sys.path.insert(0, str(ROOT))

if __name__ == "__main__":
    help_ = {"description": __doc__, "formatter_class": argparse.RawDescriptionHelpFormatter}
    argparse.ArgumentParser(**help_).parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the folder is removed
    complaint = None
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as folder:
        url = "sqlite:///" + os.path.join(folder, "shop.sqlite3")
        os.environ.update(DATABASE_URL=url, SHOP_DEBUG="1")
        # This module is a Django app too, so it goes by its name.
        complaint = importlib.import_module(MODULE).serve_demo()
    sys.exit(complaint)

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ANONYMOUS_USER_NAME=None,  # django-guardian's
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        DATABASES={
            "default": dj_database_url.config(default="sqlite://:memory:"),
            "other": dj_database_url.config(default="sqlite://:memory:"),
        },
        DEBUG=bool(os.environ.get("SHOP_DEBUG")),
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
            "rest_framework",
            "rest_framework.authtoken",
            # Those with tables or templates of the packages that DRF is used with.
            *filter(importlib.util.find_spec, ["django_filters", "guardian"]),
            MODULE,
        ],
        LOGIN_REDIRECT_URL="/",
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        REST_FRAMEWORK={"PAGE_SIZE": 10},
        ROOT_URLCONF=MODULE,
        SECRET_KEY="only for the demo and the tests",
        STATIC_URL="/static/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                    ]
                },
            }
        ],
        USE_TZ=True,
    )

django.setup()

from django.contrib.auth.models import User
from django.core.handlers.asgi import ASGIHandler
from django.core.management import call_command
from django.db import connection, models
from django.http import HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.urls import include, path
from rest_framework import filters, generics, pagination, permissions, routers, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from restflow_generics import AsyncModelViewSet, AsyncRetrieveAPIView


class Category(models.Model):
    name = models.CharField(max_length=40)

    def __str__(self):
        return self.name

    class Meta:
        ordering = ["name"]


class Product(models.Model):
    name = models.CharField(max_length=40)
    description = models.TextField(blank=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=1)
    category = models.ForeignKey(Category, models.CASCADE, null=True, blank=True)
    owner = models.ForeignKey(User, models.CASCADE, null=True, blank=True, editable=False)
    is_archived = models.BooleanField(default=False, editable=False)

    def __str__(self):
        return self.name

    class Meta:
        ordering = ["id"]


class CategorySerializer(serializers.ModelSerializer):
    class Meta:
        model = Category
        fields = ["id", "url", "name"]


class ProductSerializer(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = ["id", "name", "description", "price", "category", "owner", "is_archived"]
        read_only_fields = ["owner", "is_archived"]


class LinkedProductSerializer(ProductSerializer):
    class Meta(ProductSerializer.Meta):
        fields = ["id", "url", *ProductSerializer.Meta.fields[1:]]


class Pages(pagination.PageNumberPagination):
    page_size = 10
    page_size_query_param = "page_size"


class IsStaffOrReadOnly(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.method in permissions.SAFE_METHODS or request.user.is_staff

    def has_object_permission(self, request, view, category):
        return request.method != "DELETE" or not category.product_set.exists()


class IsOwnerOrReadOnly(permissions.BasePermission):
    async def has_permission(self, request, view):
        return request.method in permissions.SAFE_METHODS or request.user.is_authenticated

    async def has_object_permission(self, request, view, product):
        await asyncio.sleep(0.001)  # a directory answers
        return request.method in permissions.SAFE_METHODS or product.owner_id == request.user.pk


class CategoryViewSet(AsyncModelViewSet):
    """The categories of the products. Staff may change them, and delete those without products."""

    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    permission_classes = [IsStaffOrReadOnly]
    pagination_class = Pages


class ProductViewSet(AsyncModelViewSet):
    """What the shop sells. Log in to add products, and to change or delete those that you added."""

    queryset = Product.objects.filter(is_archived=False)
    serializer_class = LinkedProductSerializer
    permission_classes = [IsOwnerOrReadOnly]
    filter_backends = [filters.SearchFilter, filters.OrderingFilter]
    search_fields = ["name", "description"]
    ordering_fields = ["name", "price"]
    pagination_class = Pages

    async def aperform_create(self, serializer):
        await serializer.asave(owner=self.request.user)

    def perform_destroy(self, instance):
        instance.is_archived = True
        instance.save()

    @action(detail=True, methods=["post"], serializer_class=serializers.Serializer)
    async def restock(self, request, pk=None):
        """Order more of one of your products: send a POST request with an empty body."""
        await asyncio.sleep(0.01)  # the warehouse answers
        product = await self.aget_object()
        return Response({"restocked": product.name})


class Shop(routers.APIRootView):
    """
    Log in as ann, who is staff, or as bob. The password is the user name. What async buys is at
    /compare/.
    """


# What async buys: two views that do the same, side by side on one page.

# The services speak plain HTTP, so no certificates are loaded for them.
sync_client, async_client = httpx.Client(verify=False), httpx.AsyncClient(verify=False)
SERVICES = {"stock": 12, "price": "3.20", "rating": 4.5}


class SyncProductView(generics.RetrieveAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer

    def retrieve(self, request, pk):
        response = super().retrieve(request, pk=pk)
        answers = map(sync_client.get, services_of(request))
        response.data.update(zip(SERVICES, map(httpx.Response.json, answers)))
        return response


class AsyncProductView(AsyncRetrieveAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer

    async def retrieve(self, request, pk):
        response = await super().retrieve(request, pk=pk)
        answers = await asyncio.gather(*map(async_client.get, services_of(request)))
        response.data.update(zip(SERVICES, map(httpx.Response.json, answers)))
        return response


def services_of(request):
    root = "http://127.0.0.1:%s/services/" % request.META["SERVER_PORT"]
    return [root + name for name in SERVICES]


async def service(request, name):
    await asyncio.sleep(0.1)
    return JsonResponse(SERVICES[name], safe=False)


def compare(request):
    views = [
        ("sync", "sync/1/", "DRF's view", inspect.getsource(SyncProductView)),
        ("async", "async/1/", "The async view", inspect.getsource(AsyncProductView)),
    ]
    page = pathlib.Path(__file__).with_name("compare.html").read_text(encoding="utf-8")
    return HttpResponse(Template(page).render(RequestContext(request, {"views": views})))


router = routers.DefaultRouter()
router.APIRootView = Shop
router.register("categories", CategoryViewSet)
router.register("products", ProductViewSet)

urlpatterns = [
    path("", include(router.urls)),
    path("", include("rest_framework.urls")),  # /login/ and /logout/
    path("compare/", compare),
    path("compare/sync/<int:pk>/", SyncProductView.as_view()),
    path("compare/async/<int:pk>/", AsyncProductView.as_view()),
    path("services/<str:name>", service),
    path("favicon.ico", lambda request: HttpResponse(status=204)),  # browsers ask for one
]


# --- The demo -------------------------------------------------------------------------------------

CURL = """\
    curl {url}/products/
    curl '{url}/products/?search=tea&ordering=-price&page_size=2'
    curl {url}/products/1/
    curl -u ann:ann -d name=Kettle -d price=30 {url}/products/
    curl -u ann:ann -X PATCH -d price=2.50 {url}/products/1/
    curl -u ann:ann -X POST {url}/products/1/restock/
    curl -u ann:ann -X DELETE {url}/products/1/
    curl -X OPTIONS {url}/products/
"""


def make_shop():
    call_command("migrate", verbosity=0)
    make_tables(connection)


def make_tables(connection):
    with connection.schema_editor() as editor:
        for model in (Category, Product):
            editor.create_model(model)


def fill_shop():
    ann = User.objects.create_user("ann", password="ann", is_staff=True)
    User.objects.create_user("bob", password="bob")
    tea = Category.objects.create(name="Tea")
    for number, name in enumerate(["Green tea", "Black tea", "Teapot"], 1):
        Product.objects.create(name=name, price=number, category=tea, owner=ann)


def stock_shop():
    """More than a page of products; the further ones are bob's."""
    Category.objects.create(name="Coffee")
    crockery = Category.objects.create(name="Crockery")
    bob = User.objects.get(username="bob")
    for price, name in enumerate("Cup Mug Bowl Jug Saucer Spoon Tray Sieve Tin Urn".split(), 2):
        Product.objects.create(name=name, price=price, category=crockery, owner=bob)


def site():
    from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

    return ASGIStaticFilesHandler(ASGIHandler())


def serve_demo():
    import uvicorn

    port = os.environ.get("PORT", "8000")
    try:
        listening = socket.create_server(("127.0.0.1", int(port)))
    except (OSError, OverflowError, ValueError) as error:
        return "The shop cannot be served on port %s (%s). Set PORT to a free one." % (port, error)
    make_shop()
    fill_shop()
    stock_shop()
    connection.close()
    url = "http://127.0.0.1:" + port
    print("The shop is at %s/ for your browser. Log in as ann, who is staff, or as bob." % url)
    print("The password is the user name. What async buys is at %s/compare/. Or try:" % url)
    print("\n" + CURL.format(url=url), flush=True)
    server = uvicorn.Server(uvicorn.Config(site(), lifespan="off"))  # which logs every request
    server.run(sockets=[listening])
