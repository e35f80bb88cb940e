"""A service process whose calls wait for a file: `python -m tests.support.waiting_service`.

It serves the intent contract with the production frame. `Classify` writes `started` into the folder
WAITING_IN and answers once `finish` is there.
"""

# isort: off
import services  # noqa: F401 (before the stubs, which import grpc)
# isort: on

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kefu.intent.v1.intent_pb2 import ClassifyResponse
from kefu.intent.v1.intent_pb2_grpc import (
    IntentServiceServicer,
    add_IntentServiceServicer_to_server,
)

from services.mesh.server import Registration
from services.mesh.service import Mesh, run
from services.mesh.settings import ServiceSettings


class Waiting(IntentServiceServicer):
    """Answers when it is told to."""

    async def Classify(self, request: Any, context: Any) -> ClassifyResponse:
        """Wait for the file."""
        folder = Path(os.environ["WAITING_IN"])
        (folder / "started").touch()
        while not (folder / "finish").exists():  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.01)
        return ClassifyResponse(classification={"language_code": "zh"})


@asynccontextmanager
async def build(_settings: ServiceSettings, _mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Wire it."""
    yield [(add_IntentServiceServicer_to_server, Waiting())]


if __name__ == "__main__":
    run("intent", ServiceSettings, build)
