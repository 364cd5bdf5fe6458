"""
The tests in this folder use the shop, the tools and the fixtures of `test_restflow_generics.py`.

They want more than the extra `test`; `.ci/run` installs it and runs them.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))


def pytest_configure(config):
    import test_restflow_generics

    config.pluginmanager.register(test_restflow_generics)
