# SPDX-License-Identifier: MIT
"""
Fail if the module has outgrown the ratchet in pyproject.toml: `python .ci/size.py`.

It prints how long the module is, the part before `AsyncAPIView`, and the longest function.
"""

import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ["lines", "lines-before-AsyncAPIView", "lines-of-the-longest-function"]


def main():
    source = (ROOT / "restflow_generics.py").read_text(encoding="utf-8")
    functions = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    sizes = [
        source.count("\n"),
        source[: source.index("\nclass AsyncAPIView")].count("\n"),
        max(function.end_lineno - function.lineno + 1 for function in functions),
    ]
    too_large = False
    for name, size in zip(NAMES, sizes):
        allowed = allowed_size(name)
        print("%s: %s of %s" % (name, size, allowed))
        too_large = too_large or size > allowed
    if too_large:
        sys.exit("The module has outgrown the ratchet in pyproject.toml.")


def allowed_size(name):
    # Not by `tomllib`, which Python has from 3.11 on.
    found = re.search("^%s = ([0-9]+)$" % name, (ROOT / "pyproject.toml").read_text(), re.M)
    return int(found.group(1))


if __name__ == "__main__":
    main()
