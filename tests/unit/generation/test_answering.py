"""One answer, with a model that does as the test says."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

from services.generation.answering import Answerer
from services.generation.chat import Caller, Patience, Writing
from services.generation.dialogue import Answer, Mode, Question
from services.generation.gateway import Gateway
from services.generation.prompt import Prompt
from services.generation.sources import passage_source
from services.language import Language
from tests.unit.generation.grounded import PASSAGES

CALLER = Caller("shop", "spiffe://kefu.local/test")


class Slow:
    """Models that let everybody else work before their first word."""

    patience = Patience(10.0, 10.0, 10.0)
    prepared = 0

    async def write(self, writing: Writing, patience: Patience) -> AsyncGenerator[str, None]:
        """Write, and note how many passages were ready by then."""
        for _ in range(2 * len(PASSAGES)):
            await asyncio.sleep(0)
        self.prepared = passage_source.cache_info().misses
        writing.text = "7天内可无理由退货[1]。"
        yield writing.text


async def test_passages_are_prepared_while_the_model_is_waited_for() -> None:
    """The first sentence does not wait for it, nor does the model for the passages."""
    passage_source.cache_clear()
    slow = Slow()
    answerer = Answerer(cast(Gateway, slow), Prompt.load("answer/3"))
    question = Question("怎么退货", Language.ZH, PASSAGES)
    *_, end = [each async for each in answerer.answer(question, caller=CALLER, seconds=9.0)]
    assert isinstance(end, Answer)
    assert (end.mode, end.text) == (Mode.MODEL, "7天内可无理由退货。")
    assert slow.prepared == passage_source.cache_info().misses == len(PASSAGES)
