"""What is remembered between turns survives storing, also under another release."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.session.conversation import (
    FORGOTTEN_ROUNDS,
    MAX_MOODS,
    MAX_ROUNDS,
    Conversation,
    Operation,
    Round,
    State,
)
from tests.unit.session.fakes import conversation

words = st.text(st.characters(codec="utf-8"), max_size=20)
operations = st.builds(
    Operation, action=words, intent=words, filled=st.dictionaries(words, words), asked=words
)
conversations = st.builds(
    Conversation,
    tenant=words,
    session=words,
    knowledge_base=words,
    ttl_seconds=st.integers(60, 86400),
    state=st.sampled_from(State),
    turn_count=st.integers(0, 10_000),
    operation=st.none() | operations,
    rounds=st.lists(st.builds(Round, customer=words, reply=words), max_size=MAX_ROUNDS),
    moods=st.lists(st.floats(-1, 1), max_size=MAX_MOODS),
    misunderstood=st.integers(0, 2),
    ticket=words,
    language=st.sampled_from(["zh", "en"]),
)


@given(conversations)
def test_storing_and_reading_gives_the_same_conversation(talk: Conversation) -> None:
    """Through JSON text, as Redis and PostgreSQL keep it."""
    assert Conversation.from_json(json.loads(json.dumps(talk.to_json()))) == talk


def stored(**changes: Any) -> dict[str, Any]:
    """What another release may have written."""
    talk = conversation(
        state=State.FILLING,
        operation=Operation("cancel_order", "cancel_order", {"order_number": "SO1"}, "reason"),
        rounds=[Round("你好", "您好！")],
    )
    return json.loads(json.dumps(talk.to_json())) | changes


def test_what_a_newer_release_added_is_ignored() -> None:
    """Replicas of two releases serve the same session while a roll-out runs."""
    values = stored(channel="wechat")
    values["operation"]["attempts"] = 2
    values["rounds"][0]["at"] = "2026-01-01"
    assert Conversation.from_json(values) == Conversation.from_json(stored())


def test_from_a_state_of_a_newer_release_the_dialogue_starts_over() -> None:
    """Rather than failing every turn of the session until the roll-out ends."""
    assert Conversation.from_json(stored(state="negotiating")).state is State.IDLE


@pytest.mark.parametrize("key", ["ticket", "moods", "misunderstood", "language", "operation"])
def test_what_an_older_release_did_not_write_has_its_default(key: str) -> None:
    """A roll-back and a roll-out are the same to a session."""
    values = stored()
    del values[key]
    assert getattr(Conversation.from_json(values), key) == getattr(conversation(), key)


def test_only_the_last_rounds_and_moods_are_kept() -> None:
    """The context of a long conversation does not grow."""
    talk = conversation()
    for number in range(MAX_MOODS + 10):
        talk.remember(f"q{number}", f"a{number}", 0.1)
    assert MAX_ROUNDS - FORGOTTEN_ROUNDS < len(talk.rounds) <= MAX_ROUNDS
    assert talk.rounds[-1] == Round(f"q{MAX_MOODS + 9}", f"a{MAX_MOODS + 9}")
    assert len(talk.moods) == MAX_MOODS
    assert talk.turn_count == MAX_MOODS + 10


def test_rounds_are_forgotten_together() -> None:
    """What stands before the last ones stays the same for four turns, and so does its summary."""
    talk = conversation()
    talk.rounds = []
    firsts = []
    for number in range(30):
        talk.remember(f"q{number}", "", None)
        firsts.append(talk.rounds[0].customer)
    assert firsts == ["q0"] * 18 + ["q4"] * 4 + ["q8"] * 4 + ["q12"] * 4


def test_a_mood_that_was_not_measured_is_not_remembered_as_neutral() -> None:
    """A gap in the measurements must not calm the trend."""
    talk = conversation()
    talk.remember("q", "a", None)
    assert talk.moods == []
    assert talk.turn_count == 1


def test_slots_are_a_copy() -> None:
    """Whoever sends them somewhere cannot change the operation."""
    talk = Conversation.from_json(stored())
    talk.slots["order_number"] = "SO9"
    assert talk.slots == {"order_number": "SO1"}
    assert conversation().slots == {}
