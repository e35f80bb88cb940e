"""A request for vectors between its admission and its account, where nothing is sent."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.generation.chat import Caller
from services.generation.dialogue import Usage
from services.generation.embedding import Purpose
from services.generation.embedding_batches import Part
from services.generation.embedding_shares import Vendor
from services.generation.failure import Cause, ModelFailure
from services.generation.remote_embedding import RemoteEngine
from services.generation.route import Guard


@dataclass
class Gate:
    """Lets everybody pass who waits, and remembers what it was told in the end."""

    seconds: float = 0.0
    spent_: list[tuple[str, Usage | None]] = field(default_factory=list)

    async def admit(self, caller: Caller, provider: str, tokens: int, *, requests: int) -> None:
        await asyncio.sleep(self.seconds)

    def spent(self, caller: Caller, provider: str, usage: Usage | None) -> None:
        self.spent_.append((caller.tenant, usage))


class Provider:
    """An endpoint that has one vector for whatever it is asked."""

    def __init__(self) -> None:
        self.count = 0

    async def call(self, path: str, body: dict[str, Any]) -> Any:
        self.count += 1
        data = [{"index": n, "embedding": [0.0, 1.0]} for n in range(len(body["input"]))]
        return {"data": data, "usage": {"prompt_tokens": 8}}


def engine(provider: Provider, gate: Gate) -> RemoteEngine:
    """An engine with one provider."""
    endpoint: Any = provider
    quotas: Any = gate
    vendor = Vendor("a", endpoint, Guard(8, lambda _: None), 30.0, 5.0, 1.0, None)
    return RemoteEngine("m", [vendor], quotas=quotas)


def part(tenant: str = "shop", seconds: float = 10.0) -> Part:
    """What a caller wants who gives up then."""
    return Part(["text"], Caller(tenant), asyncio.get_running_loop().time() + seconds)


async def test_each_of_a_request_settles_its_own_part() -> None:
    """Eight tokens, by how long the texts are."""
    provider, gate = Provider(), Gate()
    parts = [part("shop"), part("bank")]
    await engine(provider, gate).embed(Purpose.QUERY, parts)
    assert provider.count == 1
    assert gate.spent_ == [(tenant, Usage("m", 4, 0)) for tenant in ("shop", "bank")]
    assert all(each.vectors.result().values for each in parts)


async def test_a_request_that_was_let_pass_too_late_is_not_sent() -> None:
    """It would be paid for, and nobody would have its vectors; what was claimed is given back."""
    provider, gate = Provider(), Gate(seconds=0.1)
    wanted = part(seconds=0.1)
    await engine(provider, gate).embed(Purpose.QUERY, [wanted])
    failure = wanted.vectors.exception()
    assert isinstance(failure, ModelFailure)
    assert failure.cause is Cause.TIMEOUT
    assert (provider.count, gate.spent_) == (0, [("shop", None)])


async def test_who_leaves_before_it_is_sent_pays_nothing() -> None:
    """Of those who wait to be let pass, the ones before have been."""
    provider, gate = Provider(), Gate(seconds=0.05)
    parts = [part("shop"), part("bank")]
    asking = asyncio.create_task(engine(provider, gate).embed(Purpose.QUERY, parts))
    await asyncio.sleep(0.075)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (provider.count, gate.spent_) == (0, [("shop", None)])


async def test_who_has_no_time_when_his_texts_go_out_is_not_asked_for() -> None:
    """The others of the request are."""
    provider, gate = Provider(), Gate()
    late, early = part(seconds=0.001), part("bank")
    await engine(provider, gate).embed(Purpose.QUERY, [late, early])
    assert isinstance(late.vectors.exception(), ModelFailure)
    assert early.vectors.result().provider == "a"
    assert [tenant for tenant, _ in gate.spent_] == ["bank"]
