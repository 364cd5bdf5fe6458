# SPDX-License-Identifier: MIT
"""The test clients of Django and DRF, as projects use them."""

import asyncio
import unittest

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, override_settings
from django.urls import path, reverse
from rest_framework import permissions, routers
from rest_framework.test import APIRequestFactory, APITestCase, force_authenticate

from shop import Category, CategorySerializer, Pages, Product, ProductSerializer
from tools import Listed, ask, basic, json_of_both, of_drf, of_ours


def class_of_tests(ListCreateAPIView, RetrieveUpdateDestroyAPIView, ModelViewSet):
    """A project's test class, with the views that it tests. Nothing but the bases differs."""

    class ProductList(ListCreateAPIView):
        queryset = Product.objects.all()
        serializer_class = ProductSerializer
        permission_classes = [permissions.IsAuthenticatedOrReadOnly]
        pagination_class = Pages

        def perform_create(self, serializer):
            serializer.save(owner=self.request.user)

    class ProductDetail(RetrieveUpdateDestroyAPIView):
        queryset = Product.objects.all()
        serializer_class = ProductSerializer
        permission_classes = [permissions.IsAuthenticated]

    class Categories(ModelViewSet):
        queryset = Category.objects.all()
        serializer_class = CategorySerializer

    router = routers.DefaultRouter()
    router.register("categories", Categories)
    urls = (
        path("products/", ProductList.as_view(), name="products"),
        path("products/<int:pk>/", ProductDetail.as_view(), name="product"),
        *router.urls,
    )

    @override_settings(ROOT_URLCONF=urls)
    class ShopTests(APITestCase):
        @classmethod
        def setUpTestData(cls):
            cls.cat = User.objects.create_user("cat", password="cat")
            cls.pot = Product.objects.create(name="Pot", price="9.50")

        def setUp(self):
            self.list, self.detail = reverse("products"), reverse("product", args=[self.pot.pk])

        def test_create(self):
            self.client.force_authenticate(self.cat)
            response = self.client.post(self.list, {"name": "Cup"}, format="json")
            self.assertEqual((response.status_code, response.data["owner"]), (201, self.cat.pk))
            self.assertTrue(Product.objects.filter(name="Cup", owner=self.cat).exists())

        def test_create_is_refused(self):
            response = self.client.post(self.list, {"name": "Cup"})
            self.assertEqual(response.status_code, 403)
            self.assertEqual(response.data["detail"].code, "not_authenticated")
            self.client.login(username="cat", password="cat")
            response = self.client.post(self.list, {"name": ""})
            self.assertEqual(response.json(), {"name": ["This field may not be blank."]})
            self.assertEqual(response.resolver_match.url_name, "products")

        def test_list(self):
            with self.assertNumQueries(2):
                response = self.client.get(self.list, {"page_size": 1})
            self.assertContains(response, "Green tea", count=1)
            self.assertIsInstance(response.renderer_context["view"], ProductList)

        def test_change_and_delete(self):
            self.client.credentials(HTTP_AUTHORIZATION=basic("cat"))
            response = self.client.patch(self.detail, {"price": "8.00"}, format="json")
            self.assertEqual(response.data["price"], "8.00")
            self.pot.refresh_from_db()
            self.assertEqual(self.pot.price, 8)
            self.assertEqual(self.client.delete(self.detail).status_code, 204)
            self.assertEqual(self.client.get(self.detail).status_code, 404)

        def test_the_view_itself(self):
            request = APIRequestFactory().put(self.detail, {"name": "Can"}, format="json")
            force_authenticate(request, user=self.cat)
            response = ProductDetail.as_view()(request, pk=self.pot.pk)
            self.assertEqual((response.status_code, response.data["name"]), (200, "Can"))
            self.assertIn(b"Can", response.render().content)

        def test_a_hook_of_a_view(self):
            view = ProductList()
            view.request = view.initialize_request(APIRequestFactory().get("/"))
            self.assertEqual(len(view.filter_queryset(view.get_queryset())), 4)

        def test_a_viewset(self):
            response = self.client.post(reverse("category-list"), {"name": "Cups"})
            self.assertEqual(self.client.get(response["Location"]).data["name"], "Cups")

        async def test_in_async_style(self):
            response = await self.async_client.get(self.list)
            self.assertEqual(response.json()["count"], 4)
            response = await self.async_client.delete(self.detail, AUTHORIZATION=basic("cat"))
            self.assertEqual(response.status_code, 204)

    return ShopTests


@pytest.mark.parametrize("base", [of_drf, of_ours])
def test_a_test_class_written_for_sync_views_passes(base):
    bases = map(base, ["ListCreateAPIView", "RetrieveUpdateDestroyAPIView", "ModelViewSet"])
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(class_of_tests(*bases)).run(result)
    assert [text for _, text in result.failures + result.errors] == []
    assert result.testsRun == 8 and not result.skipped


def test_the_async_client_of_django():
    async def test():
        client = AsyncClient()
        listed = await client.get("/products/?search=black")
        assert [product["name"] for product in listed.json()["results"]] == ["Black tea"]
        price = {"data": {"price": "2.50"}, "content_type": "application/json"}
        changed = await client.patch("/products/1/", AUTHORIZATION=basic("ann"), **price)
        assert (changed.status_code, changed.data["price"]) == (200, "2.50")
        assert (await client.post("/products/", {"name": "Cup"})).status_code == 403

    asyncio.run(test())


def test_a_plain_view_may_answer_with_what_it_asks_a_view_by_hand():
    """As the views of a batch of requests do. Django refuses a response that can be awaited."""

    def batch(request):
        return Listed.as_view()(APIRequestFactory().get("/"))

    assert json_of_both(batch) == ask(Listed).json
