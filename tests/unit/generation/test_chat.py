"""What is made of a provider's events."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from services.generation.chat import ChatModel, ChatSettings, Patience, Writing
from services.generation.dialogue import Finish
from services.generation.failure import Cause, ModelFailure
from services.generation.provider import Provider

PATIENCE = Patience(10.0, 10.0, 10.0)


class Scripted:
    """A provider whose events arrive one by one; it may keep the connection open behind them."""

    def __init__(self, *payloads: bytes, open_end: bool = False) -> None:
        self._payloads = payloads
        self._open_end = open_end
        self.taken = 0

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[list[bytes], None]:
        """Yield them."""
        for each in self._payloads:
            self.taken += 1
            yield [each]
        if self._open_end:
            await asyncio.Event().wait()


def chunk(text: str, reason: str | None = None) -> bytes:
    """One event of an OpenAI-compatible provider, in ASCII as most write it."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    return json.dumps({"choices": [choice]}).encode()


async def written(*payloads: bytes) -> str:
    """What is read of such events."""
    return (await read(Scripted(*payloads)))[0]


async def read(provider: Scripted, max_tokens: int = 500) -> tuple[str, Writing]:
    """What is read of a provider's events, and the account of it."""
    settings = ChatSettings("m", 0.3, max_tokens, PATIENCE, None)
    model, writing = ChatModel(cast(Provider, provider), settings), Writing([])
    return "".join([piece async for piece in model.write(writing, PATIENCE)]), writing


def account(tokens: int) -> bytes:
    """An event that tells what was used until now."""
    return json.dumps({"choices": [], "usage": {"completion_tokens": tokens}}).encode()


async def test_half_an_emoji_does_not_end_an_answer() -> None:
    """Providers that cut between its two UTF-16 units send escapes that are no text."""
    smile = "\ud83d\ude00"
    assert await written(chunk("好" + smile[0]), chunk(smile[1] + "的", "stop")) == "好��的"
    assert await written(chunk("好\U0001f600", "stop")) == "好\U0001f600"


@pytest.mark.parametrize(
    "payload",
    [b'{"choices": [', b"[" * 100_000, b"\xff", b'"\\ud83d', b"[" * 100_000 + b'"\\ud83d"'],
)
async def test_what_is_no_json_is_a_broken_response(payload: bytes) -> None:
    """Also where it is nested deeper than any parser goes."""
    with pytest.raises(ModelFailure) as failed:
        await written(chunk("好"), payload)
    assert failed.value.cause is Cause.BROKEN_RESPONSE


@pytest.mark.parametrize("tokens", [[7], [1, 2, 7], [7, 7]])
async def test_an_answer_ends_with_the_account_behind_its_end(tokens: list[int]) -> None:
    """Accounts that come all along are none of the whole: the last one is waited for."""
    before = [account(each) for each in tokens[:-1]]
    events = [*before, chunk("好"), *before, chunk("", "stop"), account(tokens[-1])]
    async with asyncio.timeout(5):
        text, writing = await read(Scripted(*events, open_end=True))
    assert (text, writing.finish) == ("好", Finish.STOP)
    assert writing.reported == {"completion_tokens": 7}


async def test_what_comes_behind_the_end_does_not_prolong_the_wait_for_the_account() -> None:
    """Such as a provider's sign of life, again and again."""

    class Lively(Scripted):
        async def stream(
            self, path: str, body: dict[str, Any]
        ) -> AsyncGenerator[list[bytes], None]:
            yield [chunk("好", "stop")]
            while True:
                await asyncio.sleep(0.05)
                yield [b'{"choices": []}']

    async with asyncio.timeout(5):
        assert (await read(Lively()))[0] == "好"


@pytest.mark.parametrize(
    ("text", "ends"),
    [("字" * 40, False), ("字" * 41, True), ("a" * 160, False), ("a" * 170, True)],
    ids=["40 tokens", "41 tokens", "40 tokens of letters", "42 tokens of letters"],
)
async def test_an_answer_may_be_four_times_as_long_as_it_should(text: str, ends: bool) -> None:
    """As it is estimated, which may be twice too much; above that nobody listens."""
    pieces = [chunk(each) for each in text]
    provider = Scripted(*pieces, chunk("", "stop"))
    _, writing = await read(provider, max_tokens=10)
    assert (writing.finish is Finish.LENGTH) is ends
    assert (provider.taken < len(pieces) + 1) is ends


async def test_of_an_answer_in_one_endless_piece_little_is_read_on() -> None:
    """All of it is counted, and none of what the provider has said of the cost before."""
    provider = Scripted(account(1), chunk("字" * 500_000), chunk("", "stop"))
    text, writing = await read(provider, max_tokens=10)
    assert text == "字" * 40
    assert len(writing.text) == 500_000
    assert writing.reported is None
