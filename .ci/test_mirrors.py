# SPDX-License-Identifier: MIT
"""
The methods of the module that stand for DRF's are written as DRF wrote them.

Where a new DRF release changes one of these, a test here fails and names it. Then look at DRF's
change, follow it in the module, and note the new digest: `python .ci/test_mirrors.py` prints all.
"""

import hashlib
import inspect
import io
import textwrap
import tokenize

import pytest
import rest_framework
from rest_framework import generics

import restflow_generics

# Of each method of DRF's: what its code comes to in the newest release, which was 3.18.
DIGESTS = {
    "APIView.check_object_permissions": "ee3b1e400d02",
    "APIView.check_permissions": "155e132e95b9",
    "APIView.check_throttles": "7ba61eefb6a2",
    "APIView.dispatch": "a917c8c76484",
    "APIView.finalize_response": "6ea01c08609b",
    "APIView.handle_exception": "6472693b4c2e",
    "APIView.initial": "7baca422c206",
    "APIView.options": "807c0e7cccbc",
    "APIView.perform_authentication": "543c38851a85",
    "CreateAPIView.post": "2b807f4191c2",
    "CreateModelMixin.create": "cedce134d970",
    "CreateModelMixin.perform_create": "2bd1a7bc756d",
    "DestroyAPIView.delete": "1734482a4cce",
    "DestroyModelMixin.destroy": "20f15a04195c",
    "DestroyModelMixin.perform_destroy": "14485507cb49",
    "GenericAPIView.filter_queryset": "76013f14f509",
    "GenericAPIView.get_object": "d03af933ca69",
    "GenericAPIView.paginate_queryset": "c0e693d6eb53",
    "ListAPIView.get": "332420081669",
    "ListCreateAPIView.get": "332420081669",
    "ListCreateAPIView.post": "2b807f4191c2",
    "ListModelMixin.list": "dd22c72b702e",
    "RetrieveAPIView.get": "18ef750b6711",
    "RetrieveDestroyAPIView.delete": "1734482a4cce",
    "RetrieveDestroyAPIView.get": "18ef750b6711",
    "RetrieveModelMixin.retrieve": "8a6b792b9162",
    "RetrieveUpdateAPIView.get": "18ef750b6711",
    "RetrieveUpdateAPIView.patch": "2b3a602afc8a",
    "RetrieveUpdateAPIView.put": "e915d405cf82",
    "RetrieveUpdateDestroyAPIView.delete": "1734482a4cce",
    "RetrieveUpdateDestroyAPIView.get": "18ef750b6711",
    "RetrieveUpdateDestroyAPIView.patch": "2b3a602afc8a",
    "RetrieveUpdateDestroyAPIView.put": "e915d405cf82",
    "UpdateAPIView.patch": "2b3a602afc8a",
    "UpdateAPIView.put": "e915d405cf82",
    "UpdateModelMixin.partial_update": "20fe98354670",
    "UpdateModelMixin.perform_update": "0e87ea533759",
    "UpdateModelMixin.update": "d2198d8b4699",
    "get_object_or_404": "f03f255d5e8a",
}
# What older releases have otherwise: the module calls that one, and has no copy of it.
OLDER = {"APIView.finalize_response"}
DIFFERENT_IN = dict.fromkeys(["3.13", "3.14", "3.15", "3.16", "3.17"], OLDER)


def mirrored():
    """The functions of DRF's that functions of the module stand for, by their names."""
    functions = [vars(cls)[hook] for *_, cls, hook in restflow_generics.FLOWS.values()]
    functions.append(generics.get_object_or_404)
    return {function.__qualname__: function for function in functions}


def digest(function):
    """A digest of the code, whatever its comments, its docstring and its layout are."""
    source = textwrap.dedent(inspect.getsource(function))
    layout = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    words, before = [], tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_docstring = token.type == tokenize.STRING and before in layout
        if token.type not in layout and not is_docstring:
            words.append(token.string)
        before = token.type
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", sorted(mirrored()))
def test_drfs_method_is_the_one_that_ours_was_written_after(name):
    release = ".".join(rest_framework.VERSION.split(".")[:2])
    if name in DIFFERENT_IN.get(release, ()):
        assert digest(mirrored()[name]) != DIGESTS[name]
    else:
        assert digest(mirrored()[name]) == DIGESTS[name], "DRF %s has another %s" % (release, name)


def test_each_digest_is_of_something():
    assert set(DIGESTS) == set(mirrored())
    assert all(set(names) <= set(DIGESTS) for names in DIFFERENT_IN.values())


if __name__ == "__main__":
    for name, function in sorted(mirrored().items()):
        print('    "%s": "%s",' % (name, digest(function)))
