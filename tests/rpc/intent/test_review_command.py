"""`kefu intent review` against the real service, its questions answered by the test."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from kefu.client.status import from_rpc_error
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub
from rich.console import Console

from services.cli.intent import review
from services.intent.review.uncertain_store import UncertainStore
from tests.support.intent_data import GOOD, bring, draft, stub, tenant
from tests.support.intent_review import listed, meet, resolving, store
from tests.support.mesh import Served

__all__ = ["store", "stub", "tenant"]


class Reviewer(Console):
    """Somebody who answers as the test says, and keeps what was shown."""

    def __init__(self, *answers: str) -> None:
        super().__init__(file=io.StringIO(), width=160)
        self._answers = iter(answers)

    def input(self, *prompt: Any, **options: Any) -> str:
        """The next answer; the end of the input behind the last one."""
        answer = next(self._answers, None)
        if answer is None:
            raise EOFError
        return answer

    def shown(self) -> str:
        """All that was printed."""
        assert isinstance(self.file, io.StringIO)
        return self.file.getvalue()


@pytest.fixture
def calling(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the command call the service under test; each call has an event loop of its own."""
    keys = server.keys("test-content-owner")

    @asynccontextmanager
    async def service(home: Path) -> AsyncIterator[Any]:
        channel = grpc.aio.secure_channel(server.address, keys.channel_credentials())
        try:
            yield IntentTrainingServiceStub(channel)
        except grpc.RpcError as error:
            raise from_rpc_error(error, "intent") from None
        finally:
            await channel.close()

    monkeypatch.setattr(review, "training_service", service)


async def walk(uncertain: Sequence[Any], *answers: str) -> str:
    """What a reviewer with these answers is shown."""
    reviewer = Reviewer(*answers)
    await asyncio.to_thread(review._walk, Path(), list(uncertain), reviewer)
    return reviewer.shown()


@pytest.mark.usefixtures("calling")
async def test_any_intent_that_the_service_has_can_be_named(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """Also one that comes with it; a slip is asked about again, a mended text is kept."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "周末几点关门")
    shown = await walk(await listed(stub, tenant), "e", "早上好呀", "greating", "greeting")
    assert "greating: the draft has no such intent" in shown
    assert "1 added to the draft; kefu intent train --activate" in shown
    assert "早上好呀" in (await draft(stub, tenant))["greeting"]


@pytest.mark.usefixtures("calling")
async def test_what_another_reviewer_has_done_does_not_end_the_walk(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """It is said, and the next one is shown."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "周末几点关门", "怎么开发票")
    first, second = await listed(stub, tenant)
    await stub.ResolveUncertain(resolving(first.name, dismiss=True))
    shown = await walk([first, second], "hours", "1")
    assert "hours: no such uncertain utterance" in shown
    assert second.text in shown
    assert "1 added to the draft" in shown


@pytest.mark.usefixtures("calling")
async def test_skipping_ending_and_dismissing_add_nothing(
    stub: IntentTrainingServiceStub, store: UncertainStore, tenant: str
) -> None:
    """Only what was dismissed is gone afterwards."""
    await bring(stub, tenant, GOOD)
    await meet(store, tenant, "周末几点关门", "怎么开发票", "能送到山上吗")
    first, second, third = await listed(stub, tenant)
    shown = await walk([first, second, third], "d", "", "q")
    assert "0 added to the draft" in shown
    assert {each.text for each in await listed(stub, tenant)} == {second.text, third.text}
