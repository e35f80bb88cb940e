"""What a message would do, said without doing it."""

import pytest

from services.session.conversation import State
from services.session.rehearsal import NoAudience, rehearsal
from services.session.understanding import IntentType
from tests.unit.session.fakes import (
    FAQ,
    FOUND,
    FURIOUS,
    UNSURE,
    Listener,
    World,
    conversation,
    holding,
    request,
)
from tests.unit.session.test_turn_table import CASES, Case

OPERATION = IntentType.OPERATION
DOING = {"execute", "open_ticket", "answer", "summarise"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.state}-{case.text}-{case.after}")
@pytest.mark.parametrize("more", ["", "faq", "anger", "doubt"])
async def test_a_rehearsal_says_what_the_turn_does(case: Case, more: str) -> None:
    """The same state, match, understanding and mood as the turn itself; nothing is done."""

    def world() -> World:
        return World(
            understood={case.text: UNSURE if more == "doubt" else case.found},
            surely={case.text: case.found} if more == "doubt" else {},
            evidence=case.evidence,
            faqs={case.text: FAQ} if more == "faq" else {},
            moods={case.text: FURIOUS} if more == "anger" else {},
        )

    trial, stage = world(), world()
    said = await rehearsal(trial, trial, trial, trial).run(
        case.conversation(), request(case.text), NoAudience()
    )
    done = await stage.runner().run(case.conversation(), request(case.text), Listener())
    assert (said.state, said.match, said.mood) == (done.state, done.match, done.mood)
    assert said.understanding == done.understanding
    assert not DOING.intersection(trial.calls)
    assert (trial.executed, trial.tickets) == ([], [])


async def test_a_rehearsal_works_through_several_requests() -> None:
    """The questions are searched for as in the turn, the operation begins, and nothing is done."""
    text = "退货要几天？取消SO1"
    parts = ("退货要几天", "returns", IntentType.QUERY), ("取消SO1", "cancel_order", OPERATION)
    trial, stage = (World(understood={text: holding(text, *parts)}, evidence=FOUND) for _ in "ab")
    said = await rehearsal(trial, trial, trial, trial).run(
        conversation(), request(text), NoAudience()
    )
    done = await stage.runner().run(conversation(), request(text), Listener())
    assert (said.state, said.match, said.mode) == (done.state, done.match, done.mode)
    assert said.state is State.CONFIRMING
    assert trial.searched == stage.searched
    assert not DOING.intersection(trial.calls)


async def test_a_rehearsal_survives_what_fails() -> None:
    """It degrades as the turn would."""
    case = CASES[0]
    trial = World(broken={"classify", "mood", "faq", "embed", "search"})
    said = await rehearsal(trial, trial, trial, trial).run(
        case.conversation(), request(case.text), NoAudience()
    )
    assert said.understanding.best is None
    assert said.mood.compound is None
