"""Has a message read, with the cheapest evidence first.

Intent and mood are read on words alone. Only where these leave doubt, and neither an FAQ nor an
open question decides, is the message embedded, and both are asked again with the vector. A mood
that would call a person is always measured again with it: some words alone sound angrier than what
was meant. The same vector serves the search: nobody computes it twice.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from kefu.errors import KefuError

from services.session.conversation import Conversation
from services.session.dialogue import Signal
from services.session.draft import Degradation, Draft
from services.session.ports import Generator, Readers, Vector
from services.session.understanding import Mood, Understanding

_ANSWERS = (Signal.SLOT, Signal.YES, Signal.NO)
"""They answer what was asked, and are no wish that a classifier would know better."""

Found = TypeVar("Found")


class Reading:
    """Reads messages."""

    def __init__(self, readers: Readers, generator: Generator) -> None:
        self._readers = readers
        self._generator = generator

    async def read(self, draft: Draft, conversation: Conversation) -> None:
        """Have intent and mood read on words alone; leave out what fails."""
        text, tenant = draft.request.text, conversation.tenant
        understanding, mood = await asyncio.gather(
            or_none(self._readers.classify(tenant, text)),
            or_none(self._readers.mood(tenant, text, conversation.moods)),
        )
        if understanding is None:
            draft.degrade(Degradation.NO_INTENT)
        if mood is None:
            draft.degrade(Degradation.NO_SENTIMENT)
        draft.understanding, draft.mood = understanding or Understanding(), mood or Mood()

    @staticmethod
    def leaves_doubt(draft: Draft, signal: Signal) -> bool:
        """Whether the message's vector is worth its price."""
        decided = draft.faq is not None or signal in _ANSWERS
        return draft.understanding.wants_embedding and not decided

    async def read_again(self, draft: Draft, conversation: Conversation) -> None:
        """Have both read with the vector; where that fails, what was read before stands.

        A service that has just failed is not asked again: the time is better spent on the answer.
        Without a vector the intent service still hears that none will come: it may know further.
        """
        text, tenant = draft.request.text, conversation.tenant
        vector = await vector_of(text, draft, self._generator, tenant)
        mood = None
        if vector is None:
            understanding = await or_none(self._readers.classify(tenant, text, final=True))
        else:
            measured = draft.mood.compound is not None
            understanding, mood = await asyncio.gather(
                or_none(self._readers.classify(tenant, text, vector)),
                or_none(self._readers.mood(tenant, text, conversation.moods, vector))
                if measured
                else nothing(),
            )
        draft.understanding = understanding or draft.understanding
        draft.mood = mood or draft.mood
        if draft.understanding.wants_embedding:
            draft.degrade(Degradation.LEXICAL_ONLY)

    async def listen_again(self, draft: Draft, conversation: Conversation) -> None:
        """Have the mood alone measured with the vector; where that fails, it stands as it is."""
        text, tenant = draft.request.text, conversation.tenant
        vector = await vector_of(text, draft, self._generator, tenant)
        if vector is not None:
            mood = await or_none(self._readers.mood(tenant, text, conversation.moods, vector))
            draft.mood = mood or draft.mood


async def vector_of(text: str, draft: Draft, generator: Generator, tenant: str) -> Vector | None:
    """The vector of a text of the turn, computed once; None where that fails.

    After the first failure none is asked for any more.
    """
    if text not in draft.vectors:
        failed = None in draft.vectors.values()
        draft.vectors[text] = None if failed else await or_none(generator.embed(tenant, text))
    return draft.vectors[text]


async def or_none(found: Awaitable[Found]) -> Found | None:
    """What was found, or None where the service failed."""
    try:
        return await found
    except KefuError:
        return None


async def nothing() -> None:
    """Nothing, where there is nothing to wait for."""
