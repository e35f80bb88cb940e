"""What the commands share: the service's stub, ids of requests."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub

from services.local import operator
from services.local.home import Home


@asynccontextmanager
async def training_service(home: Path) -> AsyncIterator[Any]:
    """The stub of the training service of the mesh that runs on a home.

    Raises:
        Problem: no mesh runs there.
        KefuError: a call inside the block failed.
    """
    async with operator.channel(Home.at(home), "intent") as channel:
        yield IntentTrainingServiceStub(channel)


def request_id() -> str:
    """Return a new id for a call that changes something."""
    return str(uuid.uuid4())
