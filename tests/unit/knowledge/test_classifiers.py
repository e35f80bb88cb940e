"""How long searches wait for a classifier that is being made."""

import asyncio
from typing import Any, cast

import pytest

from services.knowledge import classifiers
from services.knowledge.catalog import BaseName, Facts, Wanted
from services.knowledge.classifiers import Classifiers
from services.knowledge.own_wordings import Wording

BASE = BaseName("shop", "kb")
WANTED, FACTS = Wanted(BASE, 1, 1), Facts(1, 1, 1, dense_index=False, words=())


class Slow:
    """A store whose wordings come when `ready` is set.

    Attributes:
        asked: How often it was asked.
    """

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.asked = 0

    async def wordings(self, wanted: Wanted, limit: int) -> list[Wording]:
        """Two FAQs with two wordings each."""
        self.asked += 1
        await self.ready.wait()
        return [
            Wording((name, 0), text, [float(name == "a"), 1.0, float(len(text))])
            for name in "ab"
            for text in ("x", "yy")
        ]


async def test_only_the_first_searches_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A classifier that takes long is paid for once, not by every search until it is made."""
    monkeypatch.setattr(classifiers, "PATIENCE_SECONDS", 0.05)
    store = Slow()
    made = Classifiers(cast(Any, store))
    assert await made.of(WANTED, FACTS) is None
    waited: list[float | None] = []
    wait = asyncio.wait

    async def noted(tasks: Any, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        waited.append(timeout)
        return await wait(tasks, timeout=timeout)

    monkeypatch.setattr(asyncio, "wait", noted)
    for _ in range(5):
        assert await made.of(WANTED, FACTS) is None
    assert waited == [0.0] * 5
    store.ready.set()
    monkeypatch.setattr(classifiers, "PATIENCE_SECONDS", 10.0)
    classifier = await made.of(WANTED, FACTS)
    assert classifier is not None
    assert await made.of(WANTED, FACTS) is classifier
    assert store.asked == 1
