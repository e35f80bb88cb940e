"""What is made of providers' answers to requests for vectors: whom to ask again, what to tell."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest

from services.generation import retrying
from services.generation.chat import Caller
from services.generation.embedding import Refused
from services.generation.embedding_batches import Part
from services.generation.embedding_shares import Share, Vendor, again, halves, may_ask
from services.generation.failure import Cause, ModelFailure
from services.generation.route import Guard

TEXTS_REFUSED = Refused("a", every_text=False)
KEY_REFUSED = Refused("b", every_text=True)
LEFT = 10.0
"""Seconds for a retry."""


def vendor(name: str = "a") -> Vendor:
    """A provider that nobody asks."""
    provider: Any = None
    return Vendor(name, provider, Guard(8, lambda _: None), 30.0, 5.0, 1.0, None)


def share(
    *failures: ModelFailure, at: Sequence[Vendor] = (), tokens: int = 1, until: float = math.inf
) -> Share:
    """A caller's part, and how the providers failed with it."""
    vendors = at or [vendor(str(number)) for number in range(len(failures))]
    part = Part(["a"], Caller("shop"), until)
    return Share(part, ["a"], tokens, dict(zip(vendors, failures, strict=True)))


def asked(cause: Cause, retry_after_seconds: float | None = None) -> ModelFailure:
    """A failure of a provider that got a request."""
    failure = ModelFailure(cause, retry_after_seconds)
    failure.asked = True
    return failure


@pytest.mark.parametrize(
    ("failures", "cause", "told"),
    [
        ([], Cause.TIMEOUT, ModelFailure),
        ([ModelFailure(Cause.TIMEOUT), ModelFailure(Cause.CIRCUIT_OPEN)], "circuit_open", None),
        ([TEXTS_REFUSED, ModelFailure(Cause.PROVIDER_ERROR)], Cause.PROVIDER_ERROR, None),
        ([ModelFailure(Cause.PROVIDER_ERROR), KEY_REFUSED], Cause.PROVIDER_ERROR, None),
        ([TEXTS_REFUSED, KEY_REFUSED], Cause.REFUSED, TEXTS_REFUSED),
        ([KEY_REFUSED], Cause.REFUSED, KEY_REFUSED),
    ],
)
async def test_what_may_pass_is_told_before_what_will_not(
    failures: list[ModelFailure], cause: str, told: object
) -> None:
    """Then what the caller can mend himself, and then what the operator has to."""
    given = share(*failures)
    given.give_up()
    failure = given.part.vectors.exception()
    assert isinstance(failure, ModelFailure)
    assert failure.cause == cause
    if isinstance(told, ModelFailure):
        assert failure is told


async def test_the_first_time_that_is_worth_a_try_is_told() -> None:
    """Whoever said it."""
    waits = (3.0, None, 2.0)
    given = share(*[ModelFailure(Cause.RATE_LIMITED, seconds) for seconds in waits])
    given.give_up()
    failure = given.part.vectors.exception()
    assert isinstance(failure, ModelFailure)
    assert failure.retry_after_seconds == 2.0


async def test_who_left_or_has_no_time_is_not_asked_for() -> None:
    """A request would be paid for in vain."""
    now = asyncio.get_running_loop().time()
    assert share(until=now + 1).in_time()
    assert not share(until=now + 0.01).in_time()
    gone = share()
    gone.part.vectors.cancel()
    assert not gone.in_time()


async def test_the_longest_texts_stand_together() -> None:
    """Mostly it is the length that is refused; who was not refused is in neither half."""
    one = vendor()
    shares = [share(TEXTS_REFUSED, at=[one], tokens=tokens) for tokens in (1, 9, 2, 8)]
    others = [share(KEY_REFUSED, at=[one]), share(ModelFailure(Cause.TIMEOUT), at=[one])]
    assert [[each.tokens for each in half] for half in halves(one, shares + others)] == [
        [9, 8],
        [2, 1],
    ]
    assert halves(one, [shares[0], *others]) == []


async def test_those_who_come_back_first_are_asked_again() -> None:
    """For what failed there in a way that may pass; the rest is left as it is."""
    soon, late, broken = vendor("soon"), vendor("late"), vendor("broken")
    shares = [
        share(
            asked(Cause.PROVIDER_ERROR),
            asked(Cause.RATE_LIMITED, 3.0),
            asked(Cause.BROKEN_RESPONSE),
            at=[soon, late, broken],
        ),
        share(TEXTS_REFUSED, asked(Cause.RATE_LIMITED, 3.0), at=[soon, late]),
    ]
    everybody = dict.fromkeys([soon, late, broken], shares)
    wait, asking = again(everybody, 0, LEFT)
    assert wait <= 0.1
    assert asking == {soon: [shares[0]]}
    assert again(everybody, retrying.RETRIES, LEFT) == (0.0, {})
    wait, asking = again({late: shares}, 0, LEFT)
    assert 3.0 <= wait <= 3.1
    assert asking == {late: shares}
    assert again({late: shares}, 0, 3.0) == (0.0, {}), "nobody would hear of it"


async def test_a_retry_is_one_of_the_provider_s_budget() -> None:
    """But for who has only waited: a provider that rests was not asked."""
    one = vendor()
    failed = [share(asked(Cause.PROVIDER_ERROR), at=[one])]
    rested = [share(ModelFailure(Cause.RATE_LIMITED, 0.5), at=[one])]
    assert again({one: failed}, 0, LEFT)[1] == {one: failed}
    while may_ask(one, failed):
        pass
    assert again({one: failed}, 0, LEFT)[1] == {}
    assert again({one: rested}, 0, LEFT)[1] == {one: rested}
    assert may_ask(one, rested)
    assert may_ask(one, [share()])
