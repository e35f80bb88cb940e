"""A turn in the making: words in order, each said once, set apart where sentences meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.session.draft import Degradation, Draft
from services.session.understanding import Citation
from tests.unit.session.fakes import Listener, request


def draft() -> tuple[Draft, Listener]:
    """A draft and its audience."""
    ear = Listener()
    return Draft(request("你好"), ear, "zh"), ear


@given(st.lists(st.tuples(st.sampled_from(["say", "stream"]), st.text(max_size=8)), max_size=8))
def test_the_deltas_joined_are_the_text(parts: list[tuple[str, str]]) -> None:
    """Whatever is said how: no empty delta, no NUL, nothing said twice."""
    made, ear = draft()
    for how, text in parts:
        getattr(made, how)(text)
    assert "".join(ear.deltas) == made.text
    assert all(ear.deltas)
    assert "\x00" not in made.text


def test_sentences_stand_on_lines_of_their_own() -> None:
    """The first without a line before it, none with an empty line."""
    made, ear = draft()
    for sentence in ("好的。", "已登记。\n", "", "请稍候。"):
        made.say(sentence)
    assert made.text == "好的。\n已登记。\n请稍候。"
    assert ear.deltas == ["好的。", "\n已登记。\n", "请稍候。"]


@pytest.mark.parametrize("before", ["", "抱歉。", "抱歉。\n", "好😀"])
def test_a_sentence_says_where_it_begins(before: str) -> None:
    """In code points of the whole reply, so that citations can point at it."""
    made, _ = draft()
    made.say(before)
    start = made.say("可以退货。")
    assert made.text[start:] == "可以退货。"


@pytest.mark.parametrize("before", ["", "抱歉。", "抱歉。\n"])
def test_streamed_words_begin_on_a_new_line(before: str) -> None:
    """And stay together, however they are cut."""
    made, _ = draft()
    made.say(before)
    start = made.set_apart()
    for word in ("可以", "退", "货。"):
        made.stream(word)
    assert made.text[start:] == "可以退货。"
    assert made.text.count("\n") == bool(before)


def test_citations_are_numbered_through_and_end_at_the_limit_of_the_contract() -> None:
    """Every answer of the gateway counts from 1; a reply of several answers counts on."""
    made, ear = draft()
    for number in (1, 2, 1):
        made.cite(Citation(number, "d", "r", "t", (0, 1), (0, 1), "s"))
    assert [each.index for each in made.citations] == [1, 2, 3]
    for _ in range(200):
        made.cite(Citation(1, "d", "r", "t", (0, 1), (0, 1), "s"))
    assert len(made.citations) == 100
    assert ear.citations == made.citations


def test_what_was_left_out_is_named_once_and_in_order() -> None:
    """Two services may fail for one reason."""
    made, _ = draft()
    made.degrade(Degradation.NO_INTENT)
    made.degrade(Degradation.APOLOGY, Degradation.NO_INTENT)
    made.degrade(Degradation.NO_TICKET)
    assert made.degraded == [Degradation.NO_INTENT, Degradation.APOLOGY, Degradation.NO_TICKET]
