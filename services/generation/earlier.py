"""What was said before the rounds that a prompt holds, as a summary of at most 300 code points."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from services.generation.chat import Caller
from services.generation.dialogue import Question, Round, Usage
from services.generation.summary import Summarizer

# So many rounds stand in a prompt as they were said: what "it" means is seldom further away.
_WINDOW = 6

# So many leave the window together, so that the summary serves as many turns as it is.
_STEP = 4

# The customer waits for the summary before she waits for the answer. After that the sentences of
# the rounds themselves must do.
_MOST_SECONDS = 2.0
_SHARE = 0.2

# Summaries are customers' words: none is kept for longer than a session lives, nor many of them.
_KEPT_SECONDS = 1800.0
_KEPT = 1000


class Earlier:
    """Shortens long conversations."""

    def __init__(self, summarizer: Summarizer, clock: Callable[[], float] = time.monotonic) -> None:
        self._summarizer = summarizer
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    async def shorten(
        self, question: Question, *, caller: Caller, seconds: float
    ) -> tuple[Question, Usage | None]:
        """Return the question with its oldest rounds as a summary, where there are many.

        They leave in steps of four: a conversation of which each turn sends the rounds so far is
        summarised once a step, and the turns between use the same summary.

        Args:
            question: With its rounds, oldest first.
            caller: Who pays for the summary.
            seconds: Time until the caller gives up.

        Returns:
            The question, and what a summary has cost that was made for it.
        """
        beyond = max(0, len(question.history) - _WINDOW)
        leaving = -(-beyond // _STEP) * _STEP
        if not leaving:
            return question, None
        rounds = question.history[:leaving]
        key = _key(caller.tenant, question, rounds)
        summary, paid = self._find(key), None
        if summary is None:
            made = await self._summarizer.summarize(
                rounds,
                question.language,
                caller=caller,
                seconds=min(_MOST_SECONDS, seconds * _SHARE),
            )
            summary, paid = made.text, made.usage
            self._keep(key, summary)
        return replace(question, history=question.history[leaving:], summary=summary), paid

    def _find(self, key: bytes) -> str | None:
        until, summary = self._kept.get(key, (0.0, ""))
        return summary if until > self._clock() else None

    def _keep(self, key: bytes, summary: str) -> None:
        self._kept[key] = (self._clock() + _KEPT_SECONDS, summary)
        self._kept.move_to_end(key)
        # All live equally long, so that the oldest are the first to end.
        while len(self._kept) > _KEPT or next(iter(self._kept.values()))[0] <= self._clock():
            self._kept.popitem(last=False)


def _key(tenant: str, question: Question, rounds: tuple[Round, ...]) -> bytes:
    told = repr((tenant, question.language, rounds))
    return hashlib.blake2b(told.encode(), digest_size=16).digest()
