"""Settings that must precede the first import of grpc, and which tests share a worker."""

import services  # noqa: F401, I001 (it limits grpc to TLS 1.3, which grpc reads once)

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class Scheduling(LoadScopeScheduling):
    """Sends the tests of a file to one worker, and those that share a mesh as well.

    What a module sets up, such as a database or a mesh of nine processes, is then set up once. The
    plugin's own groups cannot be used: pytest 9.2 keeps no id that a mark could be written into.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        folder, _, name = path.rpartition("/")
        # The one file of these that starts and kills meshes of its own is as long as all others.
        if folder.endswith("tests/e2e") and name != "test_up_down.py":
            return folder
        return path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Return what deals the tests out to the workers."""
    return Scheduling(config, log)
