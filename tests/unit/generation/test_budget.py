"""What is left out of a prompt, and what never is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.budget import cut, fit, newest
from services.generation.dialogue import Passage, Question, Round
from services.generation.usage import estimate_tokens
from services.language import Language

FRAME = 20
"""Tokens that a round or a passage has beside its words."""


def passage(text: str, number: int = 1) -> Passage:
    """A passage somewhere in a document."""
    return Passage(f"d{number}", "r", "", text, start=1000)


def question(*passages: Passage, history: tuple[Round, ...] = (), text: str = "问题") -> Question:
    """A question of two tokens."""
    return Question(text, Language.ZH, passages, history)


def tokens(fitted: Question) -> int:
    """What the texts of a question come to."""
    parts = [fitted.text, fitted.summary]
    parts += [each.text for each in fitted.passages]
    parts += [each for item in fitted.history for each in (item.customer, item.reply)]
    return sum(map(estimate_tokens, parts))


def test_what_fits_is_left_alone() -> None:
    """Nothing is cut that need not be."""
    whole = question(passage("字" * 100), history=(Round("你好", "您好"),))
    assert fit(whole, 1000) is whole


def test_the_last_passages_go_first() -> None:
    """They are the least useful by the retrieval's own order."""
    passages = [passage(f"{number}" + "字" * 99, number) for number in range(5)]
    fitted = fit(question(*passages), 2 + 2 * (100 + FRAME))
    assert fitted.passages == tuple(passages[:2])


def test_the_oldest_rounds_go_first_and_leave_room_for_passages() -> None:
    """The last rounds say what the question is about; the answer stands in a passage."""
    rounds = tuple(Round("字" * 40, "字" * 40) for _ in range(5))
    passages = [passage("字" * 100, number) for number in range(3)]
    fitted = fit(question(*passages, history=rounds), 2 + 3 * (100 + FRAME) + 150)
    assert fitted.history == rounds[-1:]
    assert fitted.passages == tuple(passages)


def test_rounds_get_what_passages_do_not_need() -> None:
    """A short passage does not cost the conversation its beginning."""
    rounds = tuple(Round("字" * 40, "字" * 40) for _ in range(5))
    fitted = fit(question(passage("短"), history=rounds), 2 + 1 + FRAME + 3 * (80 + FRAME))
    assert fitted.history == rounds[-3:]


def test_a_passage_too_long_is_cut_around_what_is_asked() -> None:
    """It keeps its place in the document, so that citations point to the words that they mean."""
    sentences = [f"第{number}条说的是别的事情。" for number in range(40)]
    sentences[25] = "营地灯充满电需要三小时。"
    text = "".join(sentences)
    shorter = cut(passage(text), "营地灯充电多久", 60)
    assert "营地灯充满电需要三小时。" in shorter.text
    assert estimate_tokens(shorter.text) <= 60
    assert shorter.text == text[shorter.start - 1000 :][: len(shorter.text)]
    assert shorter.text.endswith("。")


def test_a_sentence_without_end_is_cut_where_the_room_ends() -> None:
    """Some text is better than none."""
    assert cut(passage("字" * 500), "问题", 60).text == "字" * 60


def test_a_long_passage_leaves_room_for_the_next() -> None:
    """The retrieval is not always right about the first one."""
    passages = [passage("第一篇的句子。" * 200, 1), passage("第二篇很短。" * 10, 2)]
    fitted = fit(question(*passages), 400)
    assert [each.document for each in fitted.passages] == ["d1", "d2"]
    assert fitted.passages[1] == passages[1]


def test_the_longest_question_leaves_something_to_answer_from() -> None:
    """Without any passage the answer would be that nothing is known."""
    fitted = fit(question(passage("句子。" * 500), text="问" * 4000), 1000)
    assert len(fitted.passages) == 1
    assert 0 < estimate_tokens(fitted.passages[0].text) <= 80


@pytest.mark.parametrize("room", [1, 50, 100])
def test_little_room_is_the_best_passage_s(room: int) -> None:
    """However little there is."""
    fitted = fit(question(passage("句子。" * 99), history=(Round("啊" * 99, ""),)), room)
    assert len(fitted.passages) == 1
    assert fitted.history == ()


@given(
    st.lists(st.text("字a。. \n", max_size=300), max_size=6),
    st.lists(st.text("字a。", max_size=80), max_size=6),
    st.integers(150, 700),
)
def test_whatever_is_asked_fits(texts: list[str], said: list[str], room: int) -> None:
    """Passages stay in order, rounds stay the last ones, and all of it has its room."""
    passages = [passage(text, number) for number, text in enumerate(texts)]
    rounds = tuple(Round(each, "") for each in said)
    fitted = fit(question(*passages, history=rounds), room)
    documents = [each.document for each in fitted.passages]
    assert documents == [each.document for each in passages][: len(documents)]
    assert fitted.history == rounds[len(rounds) - len(fitted.history) :]
    assert tokens(fitted) <= room


def test_of_rounds_alone_the_newest_stay() -> None:
    """A summary is of what was said last, if not all of it can be sent."""
    rounds = tuple(Round("字" * 40, "字" * 40) for _ in range(5))
    assert newest(rounds, 1000) == rounds
    assert newest(rounds, 2 * (80 + FRAME)) == rounds[-2:]
    assert newest((), 100) == ()


def test_of_a_round_too_long_its_beginning_stays() -> None:
    """Of both sides, since either may hold what it is about."""
    assert newest((Round("问" * 4000, "答" * 8000),), 100) == (Round("问" * 50, "答" * 50),)
