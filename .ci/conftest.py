"""
The tests in this folder use the shop of `shop.py`, and the fixtures of `tools.py`.

Most want more than the extra `test`; `.ci/run` installs it and runs them.
"""


def pytest_configure(config):
    config.pluginmanager.import_plugin("tools")
