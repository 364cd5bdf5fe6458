# SPDX-License-Identifier: MIT
"""Several copies of the file in one process, and what importing it does."""

import pytest

import restflow_generics
from tools import (
    CONFIGURED,
    ask_wsgi,
    each_style,
    noted_event_loops,
    run_python,
    status_of_both,
    written,
)


@pytest.mark.parametrize("theirs_first", [False, True])
@each_style
def test_no_copy_of_the_file_skips_an_override_of_a_shared_mixin(style, theirs_first, second_copy):
    def mixin(hook):
        def override(self, *args, **kwargs):
            calls.append(hook)
            spelling = hook if style == "def X" else "a" + hook
            return getattr(super(cls, self), spelling)(*args, **kwargs)

        cls = type("Mixin", (), written(hook, style, override))
        return cls

    calls = []
    hooks = ["check_permissions", "filter_queryset", "paginate_queryset"]
    shared = tuple(map(mixin, hooks))
    modules = [restflow_generics, second_copy]
    for module in reversed(modules) if theirs_first else modules:
        view = type("View", (*shared, module.AsyncListAPIView), CONFIGURED)
        assert status_of_both(view) == 200
        assert calls == hooks * 2
        calls.clear()


def test_what_one_copy_finds_out_of_a_view_does_not_keep_the_flows_of_the_other_from_running(
    second_copy,
):
    view = type("View", (second_copy.AsyncListAPIView,), CONFIGURED)
    by_hand = view()
    by_hand.request = None
    restflow_generics.call_hook(by_hand, "check_permissions", None)
    with noted_event_loops() as made:
        assert ask_wsgi(view)[0] == 200
    assert made == []


def test_views_that_were_made_before_the_module_was_loaded_again_go_on():
    code = """
    import importlib, shop, tools, restflow_generics
    class Refuses:
        def check_permissions(self, request):
            self.permission_denied(request)
    class Before(Refuses, restflow_generics.AsyncListAPIView):
        queryset, serializer_class = shop.Product.objects.none(), shop.ProductSerializer
    importlib.reload(restflow_generics)
    class After(Refuses, restflow_generics.AsyncListAPIView):
        queryset, serializer_class = shop.Product.objects.none(), shop.ProductSerializer
    print([tools.ask(view).status for view in (Before, After, Before)])
    """
    assert run_python(code) == "[403, 403, 403]"


def test_importing_the_module_imports_nothing_of_the_projects():
    code = """
    import sys
    from django.conf import settings
    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
        REST_FRAMEWORK={"DEFAULT_SCHEMA_CLASS": "not_there.Schema"},
    )
    import django, restflow_generics
    django.setup()
    print("imported")
    """
    assert run_python(code) == "imported"


def test_a_permission_that_was_made_before_the_module_is_imported_gives_its_verdict():
    code = """
    import django
    from django.conf import settings
    settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"])
    django.setup()
    from django.db import transaction
    from rest_framework.permissions import AllowAny, BasePermission
    class No(BasePermission):
        @transaction.atomic
        async def helper(self):
            pass
        async def has_permission(self, request, view):
            return False
    import restflow_generics
    print(No().has_permission(None, None), (No & AllowAny)().has_permission(None, None))
    """
    assert run_python(code) == "False False"
