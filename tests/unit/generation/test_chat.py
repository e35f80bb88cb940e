"""What is made of a provider's events."""

import json
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from services.generation.chat import ChatModel, ChatSettings, Patience, Writing
from services.generation.failure import Cause, ModelFailure
from services.generation.provider import Provider

PATIENCE = Patience(10.0, 10.0, 10.0)


class Scripted:
    """A provider whose events arrive one by one."""

    def __init__(self, *payloads: bytes) -> None:
        self._payloads = payloads

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[list[bytes], None]:
        """Yield them."""
        for each in self._payloads:
            yield [each]


def chunk(text: str, reason: str | None = None) -> bytes:
    """One event of an OpenAI-compatible provider, in ASCII as most write it."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    return json.dumps({"choices": [choice]}).encode()


async def written(*payloads: bytes) -> str:
    """What is read of such events."""
    settings = ChatSettings("m", 0.3, 500, PATIENCE, None)
    model = ChatModel(cast(Provider, Scripted(*payloads)), settings)
    return "".join([piece async for piece in model.write(Writing([]), PATIENCE)])


async def test_half_an_emoji_does_not_end_an_answer() -> None:
    """Providers that cut between its two UTF-16 units send escapes that are no text."""
    smile = "\ud83d\ude00"
    assert await written(chunk("好" + smile[0]), chunk(smile[1] + "的", "stop")) == "好��的"
    assert await written(chunk("好\U0001f600", "stop")) == "好\U0001f600"


@pytest.mark.parametrize("payload", [b'{"choices": [', b"[" * 100_000, b"\xff", b'"\\ud83d'])
async def test_what_is_no_json_is_a_broken_response(payload: bytes) -> None:
    """Also where it is nested deeper than any parser goes."""
    with pytest.raises(ModelFailure) as failed:
        await written(chunk("好"), payload)
    assert failed.value.cause is Cause.BROKEN_RESPONSE
