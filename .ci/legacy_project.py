# SPDX-License-Identifier: MIT
"""
A small API on DRF's sync views, written in the ways of public code, for `test_migration.py`.

That runs the text of this module: as it is, and with the names of its base classes changed. So it
is a module of its own, and names them as `generics.ListAPIView`.
"""

import csv
import functools
import inspect
import io
import threading

from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin, UserPassesTestMixin
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import condition
from django.views.decorators.vary import vary_on_headers
from rest_framework import (
    exceptions,
    filters,
    generics,
    mixins,
    negotiation,
    pagination,
    parsers,
    permissions,
    renderers,
    routers,
    serializers,
    throttling,
    versioning,
    views,
    viewsets,
)
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action, api_view, permission_classes, throttle_classes
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.response import Response
from rest_framework.validators import UniqueTogetherValidator

from shop import Category, Product

LOG = []  # what an audit would keep
current = threading.local()

# Around the views


def tenant_middleware(get_response):
    def middleware(request):
        current.tenant = request.headers.get("X-Tenant")
        try:
            return get_response(request)
        finally:
            current.tenant = None

    return middleware


def exception_handler(exc, context):
    response = views.exception_handler(exc, context)
    if isinstance(exc, ArithmeticError):
        Category.objects.create(name="Error in " + type(context["view"]).__name__)
        response = Response({"detail": "Arithmetic."}, status=500)
    return response


def logs_methods(names=None, wraps=functools.wraps):
    """A class decorator, which wraps the functions that it finds."""

    def wrap(function, name):
        @wraps(function)
        def wrapper(self, *args, **kwargs):
            LOG.append(name)
            return function(self, *args, **kwargs)

        return wrapper

    def decorate(cls):
        for name, attribute in list(vars(cls).items()):
            if inspect.isfunction(attribute) and not (names == "public" and name[0] == "_"):
                setattr(cls, name, wrap(attribute, name))
        return cls

    return decorate


def needs_quota(function):
    def inner(self, request, *args, **kwargs):  # as much of public code: without `wraps`
        if "X-Spent" in request.headers:
            return Response({"detail": "Spent."}, status=402)
        return function(self, request, *args, **kwargs)

    return inner


def cache_response(function):
    """After drf-extensions: the handler's response is finalized, rendered and kept."""

    @functools.wraps(function)
    def inner(self, request, *args, **kwargs):
        key = type(self).__name__ + request.get_full_path()
        response = cache.get(key)
        if not response:
            response = function(self, request, *args, **kwargs)
            response = self.finalize_response(request, response, *args, **kwargs)
            response.render()
            cache.set(key, response)
        return response

    return inner


def etag_of(request, pk):
    return '"%s"' % Product.objects.get(pk=pk).price


# Serializers


class DynamicFields:
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        request = self.context.get("request")
        wanted = request and request.query_params.get("fields")
        for name in set(self.fields) - set(wanted.split(",")) if wanted else ():
            self.fields.pop(name)


class PriceField(serializers.DecimalField):
    def to_representation(self, value):
        price = super().to_representation(value)
        if self.parent.parent is not None:  # in a list
            return price
        return price + " " + self.context["request"].headers.get("X-Currency", "EUR")


class ProductSerializer(DynamicFields, serializers.ModelSerializer):
    price = PriceField(max_digits=8, decimal_places=2, default=1)
    label = serializers.SerializerMethodField(method_name="make_label")

    class Meta:
        model = Product
        fields = ["id", "name", "label", "price", "category", "owner", "is_archived"]
        read_only_fields = ["owner", "is_archived"]
        validators = [UniqueTogetherValidator(Product.objects.all(), ["name", "category"])]

    def make_label(self, product) -> str:
        return "%s? %s" % (product.name, translation.gettext("Yes"))

    def validate_name(self, name):
        if name.islower():
            raise serializers.ValidationError("Begin with a capital.")
        return name.strip()

    def validate(self, attrs):
        if attrs.get("price") == 13:
            raise serializers.ValidationError("Not that price.")
        return super().validate(attrs)

    def to_representation(self, product):
        return {**super().to_representation(product), "tenant": getattr(current, "tenant", None)}


class CategorySerializer(serializers.ModelSerializer):
    class Meta:
        model = Category
        fields = ["id", "name"]


class NestedSerializer(ProductSerializer):
    category = CategorySerializer()

    class Meta(ProductSerializer.Meta):
        validators = []

    def create(self, validated_data):
        category = Category.objects.create(**validated_data.pop("category"))
        product = Product.objects.create(category=category, **validated_data)
        return product if 1 / (100 - product.price) else None


class Branch:
    """A category in a tree: its name is its path."""

    def __init__(self, name):
        self.name = name

    @property
    def children(self):
        pattern = "^%s/[^/]*$" % self.name
        return [Branch(category.name) for category in Category.objects.filter(name__regex=pattern)]


class RecursiveField(serializers.Serializer):
    def to_representation(self, value):
        return self.parent.parent.__class__(value, context=self.context).data


class BranchSerializer(serializers.Serializer):
    name = serializers.CharField()
    children = RecursiveField(many=True)


class SelfNestingSerializer(serializers.Serializer):
    name = serializers.CharField()

    def get_fields(self):
        return {**super().get_fields(), "children": type(self)(many=True)}


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["username", "email"]


# Other components


class IsMember(permissions.BasePermission):
    def has_permission(self, request, view):
        return bool(request.user and request.user.is_authenticated)


class ReadOnly(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.method in permissions.SAFE_METHODS


class IsOwner(permissions.BasePermission):
    message = "Not yours."

    def has_object_permission(self, request, view, obj):
        is_owner = Product.objects.filter(pk=obj.pk, owner=request.user.pk).exists()
        return is_owner or request.method in permissions.SAFE_METHODS


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request):
        key = request.headers.get("X-Key")
        if key is None:
            return None
        try:
            return User.objects.get(username=key), key
        except User.DoesNotExist as error:
            raise exceptions.AuthenticationFailed("No such key.") from error

    def authenticate_header(self, request):
        return "Key"


class TenantThrottle(throttling.SimpleRateThrottle):
    scope = "tenant"
    rate = "2/day"
    timer = staticmethod(lambda: 1000)

    def get_cache_key(self, request, view):
        ident = request.headers.get("X-Tenant") or self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}


class ReleaseVersioning(versioning.BaseVersioning):
    def determine_version(self, request, *args, **kwargs):
        return get_object_or_404(Category, name=request.query_params.get("release", "Tea")).pk


class IgnoreClient(negotiation.BaseContentNegotiation):
    def select_parser(self, request, parsers):
        return parsers[0]

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class CSVRenderer(renderers.BaseRenderer):
    media_type, format = "text/csv", "csv"

    def render(self, data, accepted_media_type=None, renderer_context=None):
        status = renderer_context["response"].status_code
        rows = [[status, str(data)]] if status >= 400 else [row.values() for row in data]
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return text.getvalue()


class CSVParser(parsers.BaseParser):
    media_type = "text/csv"

    def parse(self, stream, media_type=None, parser_context=None):
        return list(csv.DictReader(io.StringIO(stream.read().decode())))


class Numbered(pagination.PageNumberPagination):
    page_size = 2

    def get_paginated_response(self, data):
        page = self.page.number, self.page.paginator.num_pages
        return Response({"page": page, "next": self.get_next_link(), "results": data})


class AtMost(filters.BaseFilterBackend):
    def filter_queryset(self, request, queryset, view):
        price = request.query_params.get("at_most")
        return queryset.filter(price__lte=price) if price else queryset


# Mixins, for before and after the views of DRF


class TenantMixin:
    def get_queryset(self):
        queryset, tenant = super().get_queryset(), getattr(current, "tenant", None)
        return queryset.filter(category__name=tenant) if tenant else queryset


class OwnerMixin:
    def perform_create(self, serializer):
        serializer.save(owner=self.request.user if self.request.user.pk else None)


class AuditMixin:
    def initial(self, request, *args, **kwargs):
        self.audited = [request.method]
        super().initial(request, *args, **kwargs)
        self.audited.append(str(request.user))

    def handle_exception(self, exc):
        self.audited.append(type(exc).__name__)
        return super().handle_exception(exc)

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        LOG.append((*self.audited, response.status_code))
        return response

    def perform_create(self, serializer):
        super().perform_create(serializer)
        LOG.append("created %s" % serializer.instance)

    def perform_update(self, serializer):
        before = str(serializer.instance)
        super().perform_update(serializer)
        LOG.append("%s is now %s" % (before, serializer.instance))

    def perform_destroy(self, instance):
        super().perform_destroy(instance)
        LOG.append("destroyed %s" % instance)


class SoftDelete:
    def perform_destroy(self, instance):
        instance.is_archived = True
        instance.save(update_fields=["is_archived"])


class SerializerByAction:
    def get_serializer_class(self):
        by_action = getattr(self, "serializer_classes", {})
        return by_action.get(self.action) or super().get_serializer_class()


class MultipleLookups:
    def get_object(self):
        queryset = self.filter_queryset(self.get_queryset())
        field = "pk" if self.kwargs["pk"].isdigit() else "name"
        obj = get_object_or_404(queryset, **{field: self.kwargs["pk"]})
        self.check_object_permissions(self.request, obj)
        return obj


class PackageView(GenericAPIView):  # of a package, in which the project can change no names
    def check_permissions(self, request):
        LOG.append("checked")
        super().check_permissions(request)

    def perform_authentication(self, request):
        super().perform_authentication(request)
        LOG.append(str(request.user))


class ProjectView(generics.GenericAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer

    def get_queryset(self):
        return super().get_queryset().filter(is_archived=False)

    def permission_denied(self, request, **why):
        LOG.append("denied")
        super().permission_denied(request, **why)

    def filter_queryset(self, queryset):
        LOG.append("filtered")
        for backend in list(self.filter_backends):
            queryset = backend().filter_queryset(self.request, queryset, view=self)
        return queryset


# Generic views


class ProductList(AuditMixin, OwnerMixin, TenantMixin, generics.ListCreateAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    permission_classes = [IsMember]
    filter_backends = [AtMost, filters.SearchFilter, filters.OrderingFilter]
    search_fields = ["name"]
    pagination_class = Numbered


class ProductDetail(
    AuditMixin,
    SoftDelete,
    MultipleLookups,
    generics.RetrieveUpdateDestroyAPIView,
    ProjectView,
    PackageView,
):
    permission_classes = [(ReadOnly | IsMember) & IsOwner]
    filter_backends = [AtMost]


class Tutorial(mixins.ListModelMixin, mixins.CreateModelMixin, ProjectView):
    post = mixins.CreateModelMixin.create

    @needs_quota
    def get(self, request, *args, **kwargs):
        return self.list(request, *args, **kwargs)

    def list(self, request, *args, **kwargs):
        response = mixins.ListModelMixin.list(self, request, *args, **kwargs)
        response["X-Count"] = str(len(response.data))
        return response


@method_decorator(never_cache, name="get")
class Account(generics.RetrieveUpdateAPIView):
    serializer_class = UserSerializer

    @classmethod
    def as_view(cls, **initkwargs):
        return login_required(super().as_view(**initkwargs))

    def get_object(self):
        return self.request.user


class Mine(generics.ListAPIView):
    serializer_class = ProductSerializer
    authentication_classes = [KeyAuthentication]
    permission_classes = [~permissions.IsAdminUser | IsMember]

    @property
    def queryset(self):
        return Product.objects.all()

    def get_queryset(self):
        user = self.request.user
        return self.queryset.filter(owner=user) if user.pk else self.queryset.none()


@method_decorator([cache_page(60), vary_on_headers("X-Currency")], name="dispatch")
class CachedDetail(generics.RetrieveAPIView, ProjectView):
    pass


class Conditional(ProjectView, generics.RetrieveUpdateAPIView):
    authentication_classes = []

    @method_decorator(condition(etag_func=etag_of))
    def get(self, request, *args, **kwargs):
        return self.retrieve(request, *args, **kwargs)

    @method_decorator(condition(etag_func=etag_of))
    def put(self, request, *args, **kwargs):
        return super().put(request, *args, **kwargs)


class Nested(generics.ListCreateAPIView):
    queryset = Product.objects.select_related("category")
    serializer_class = NestedSerializer

    @transaction.atomic
    def perform_create(self, serializer):
        serializer.save()


class Report(generics.ListCreateAPIView):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    content_negotiation_class = IgnoreClient
    renderer_classes = [CSVRenderer]
    parser_classes = [CSVParser]

    @method_decorator(transaction.atomic)
    def create(self, request, *args, **kwargs):
        return super().create(request, *args, **kwargs)

    def get_serializer(self, *args, **kwargs):
        kwargs.setdefault("many", isinstance(kwargs.get("data"), list))
        return super().get_serializer(*args, **kwargs)


class Tree(generics.ListAPIView):
    def get_queryset(self):
        return [Branch(category.name) for category in Category.objects.exclude(name__contains="/")]

    def get_serializer_class(self):
        is_by_field = "field" in self.request.query_params
        return BranchSerializer if is_by_field else SelfNestingSerializer


class Released(generics.ListAPIView):
    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    versioning_class = ReleaseVersioning
    permission_classes = [ReadOnly]
    throttle_classes = [TenantThrottle]

    def get_queryset(self):
        return super().get_queryset().filter(pk__lte=self.request.version)


@method_decorator(csrf_exempt, name="dispatch")
class Localized(generics.ListCreateAPIView, ProjectView):
    def dispatch(self, request, *args, **kwargs):
        with translation.override(request.headers.get("Accept-Language", "en")):
            response = super().dispatch(request, *args, **kwargs)
            response["Content-Language"] = translation.get_language()
        return response


# One decorator above the other, which both have to judge and change what DRF's view answers.
@method_decorator(cache_page(60), name="get")
@method_decorator(vary_on_headers("X-Currency"), name="get")
@method_decorator(login_required, name="dispatch")
@method_decorator(csrf_exempt, name="dispatch")
class Stacked(generics.RetrieveAPIView, ProjectView):
    pass


class Guarded(LoginRequiredMixin, UserPassesTestMixin, generics.RetrieveAPIView):
    queryset = Category.objects.all()
    serializer_class = CategorySerializer

    def test_func(self):
        return self.request.user.groups.count() == 0 and self.request.user.is_staff


@logs_methods("public")
class LoggedDetail(generics.RetrieveUpdateDestroyAPIView, ProjectView):
    def get_queryset(self):
        return super().get_queryset().order_by(*self._ordering())

    def get(self, request, *args, **kwargs):
        return self.retrieve(request, *args, **kwargs)

    def perform_update(self, serializer):
        serializer.save(description="updated")

    def _ordering(self):
        return ["pk"]


# Other views


class Status(views.APIView):
    def get(self, request, format=None):
        return Response({"user": str(request.user), "version": request.version})

    def post(self, request, format=None):
        return Response({"upper": request.data["name"].upper(), "rate": 1 / request.data["n"]})


class Transfer(views.APIView):
    permission_classes = [IsMember, IsOwner]

    @transaction.atomic
    def post(self, request, pk):
        product = Product.objects.select_for_update().get(pk=pk)
        self.check_object_permissions(request, product)
        product.price += request.data["by"]
        product.save()
        if product.price > 9:
            raise exceptions.ValidationError("Too dear.")
        return Response({"price": product.price})


class Export(viewsets.ViewSet):
    def list(self, request):
        kind = request.query_params["as"]
        if kind == "file":
            return FileResponse(io.BytesIO(b"Tea"), as_attachment=True, filename="tea.txt")
        names = Product.objects.values_list("name", flat=True)
        text = ",".join(names)
        return HttpResponse(text) if kind == "text" else StreamingHttpResponse(iter(text))


@api_view(["GET", "POST"])
@permission_classes([IsMember])
@throttle_classes([TenantThrottle])
def stock(request, format=None):
    return Response({"stock": Product.objects.count(), "data": request.data})


# Viewsets


class ProductViewSet(SerializerByAction, AuditMixin, OwnerMixin, viewsets.ModelViewSet):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer
    serializer_classes = {"list": NestedSerializer}

    def get_permissions(self):
        if self.action in ("list", "retrieve"):
            return [(ReadOnly | permissions.IsAdminUser)()]
        return [*super().get_permissions(), IsMember()]

    def get_serializer(self, *args, **kwargs):
        kwargs.setdefault("many", isinstance(kwargs.get("data"), list))
        return super().get_serializer(*args, **kwargs)

    def perform_create(self, serializer):
        super().perform_create(serializer)
        LOG.append(self.action)

    @action(detail=True, methods=["post"], permission_classes=[IsOwner])
    def restock(self, request, pk=None):
        product = self.get_object()
        product.price += 1
        product.save()
        return Response(self.get_serializer(product).data)

    @restock.mapping.delete
    def sell_out(self, request, pk=None):
        self.perform_destroy(self.get_object())
        return Response(status=204)

    @action(detail=False, pagination_class=Numbered, url_path="cheap/(?P<price>[0-9]+)")
    def cheap(self, request, price):
        queryset = self.filter_queryset(self.get_queryset()).filter(price__lte=price)
        page = self.get_serializer(self.paginate_queryset(queryset), many=True)
        return self.get_paginated_response(page.data)


@method_decorator([cache_page(60), vary_on_headers("X-Tenant")], name="list")
class CategoryViewSet(viewsets.ReadOnlyModelViewSet):
    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    lookup_field, lookup_value_regex = "name", "[^/]+"

    @cache_response
    def retrieve(self, request, *args, **kwargs):
        return super().retrieve(request, *args, **kwargs)


class NestedViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet):
    queryset = Product.objects.all()
    serializer_class = ProductSerializer

    def get_queryset(self):
        return super().get_queryset().filter(category__name=self.kwargs["category_name"])


@logs_methods()
class LoggedViewSet(AuditMixin, viewsets.ModelViewSet):
    queryset = Product.objects.order_by("-price")
    serializer_class = ProductSerializer
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    def get_object(self):
        return super().get_object()

    def list(self, request, *args, **kwargs):
        return super().list(request, *args, **kwargs)

    def perform_create(self, serializer):
        self._log("creates")
        super().perform_create(serializer)

    def _log(self, what):
        LOG.append(what)

    @action(detail=True)
    def price(self, request, pk=None):
        return Response(self.get_object().price)


router = routers.DefaultRouter()
router.register("products", ProductViewSet)
router.register("categories", CategoryViewSet)
nested = r"categories/(?P<category_name>[^/.]+)/products"
router.register(nested, NestedViewSet, basename="nested")
router.register("logged", LoggedViewSet, basename="logged")
router.register("export", Export, basename="export")
cheapest = ProductList.as_view(queryset=Product.objects.order_by("price"), pagination_class=None)
urlpatterns = (
    *router.urls,
    path("list/", ProductList.as_view()),
    path("list/cheapest/", cheapest),
    path("detail/<pk>/", ProductDetail.as_view()),
    path("tutorial/", csrf_exempt(Tutorial.as_view())),
    path("account/", Account.as_view()),
    path("mine/", Mine.as_view()),
    path("mine/cached/", never_cache(cache_page(60)(Mine.as_view()))),
    path("cached/<pk>/", CachedDetail.as_view()),
    path("conditional/<pk>/", Conditional.as_view()),
    path("nested/", Nested.as_view()),
    path("report/", Report.as_view()),
    path("tree/", Tree.as_view()),
    path("released/", Released.as_view()),
    path("localized/", Localized.as_view()),
    path("guarded/<pk>/", Guarded.as_view()),
    path("stacked/<pk>/", Stacked.as_view()),
    path("logged-detail/<pk>/", LoggedDetail.as_view()),
    path("status/", Status.as_view()),
    path("transfer/<pk>/", transaction.non_atomic_requests(Transfer.as_view())),
    path("stock/", stock),
    path("by-hand/", ProductViewSet.as_view({"get": "list", "post": "create"})),
)


# Views that want other packages


def urls_for_django_filter():
    from django_filters.rest_framework import DjangoFilterBackend

    class Filtered(ProductList):
        filter_backends = [DjangoFilterBackend, AtMost]
        filterset_fields = ["category", "name"]

    return (path("filtered/", Filtered.as_view()),)


def urls_for_spectacular():
    from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

    @extend_schema_view(
        list=extend_schema(summary="All that we sell", parameters=[OpenApiParameter("at_most")]),
        create=extend_schema(summary="One more", request=NestedSerializer),
        partial_update=extend_schema(exclude=True),
        cheap=extend_schema(summary="The cheap ones"),
    )
    class Described(ProductViewSet):
        @extend_schema(responses={200: CategorySerializer}, tags=["one"])
        def retrieve(self, request, *args, **kwargs):
            return super().retrieve(request, *args, **kwargs)

    @extend_schema(tags=["list"])
    class DescribedList(ProductList):
        @extend_schema(operation_id="first_of_all", deprecated=True)
        def get(self, request, *args, **kwargs):
            return super().get(request, *args, **kwargs)

    @extend_schema_view(get=extend_schema(description="How it goes", responses=UserSerializer))
    class DescribedStatus(Status):
        @extend_schema(request=CategorySerializer, responses={201: UserSerializer(many=True)})
        def post(self, request, format=None):
            return super().post(request, format)

    return described(Described, DescribedList, DescribedStatus)


def urls_for_yasg():
    from drf_yasg.utils import swagger_auto_schema

    @method_decorator(name="list", decorator=swagger_auto_schema(operation_summary="All"))
    @method_decorator(name="update", decorator=swagger_auto_schema(responses={200: "Changed"}))
    class Described(ProductViewSet):
        @swagger_auto_schema(operation_description="One more", request_body=NestedSerializer)
        def create(self, request, *args, **kwargs):
            return super().create(request, *args, **kwargs)

        @swagger_auto_schema(method="post", responses={200: CategorySerializer})
        @action(detail=True, methods=["post"])
        def restock(self, request, pk=None):
            return super().restock(request, pk)

    @method_decorator(name="get", decorator=swagger_auto_schema(operation_id="first", tags=["a"]))
    class DescribedList(ProductList):
        pass

    class DescribedStatus(Status):
        @swagger_auto_schema(request_body=CategorySerializer, responses={201: UserSerializer})
        def post(self, request, format=None):
            return super().post(request, format)

    return described(Described, DescribedList, DescribedStatus)


def described(view_set, list_view, view):
    router = routers.SimpleRouter()
    router.register("described", view_set, basename="described")
    paths = (path("described-list/", list_view.as_view()), path("described-view/", view.as_view()))
    return (*router.urls, *paths)
