"""Whatever way a model writes its markers, a customer sees words and citations of words."""

import itertools
import random

import pytest

from services.generation.canary import Canary
from services.generation.citations import MARKER
from services.generation.dialogue import Delta, Passage, Question, Withheld
from services.generation.prompt import Prompt
from services.generation.releasing import Releaser
from services.generation.screening import Checks
from services.language import Language
from tests.unit.generation.grounded import DELIVERY, RETURNS, RETURNS_EN

CHECKS = Checks(canary=Canary("kqzvwxhjtrmbplsd"))
PROMPT = CHECKS.canary.put_into(Prompt.load("answer/3"))
PASSAGES = (RETURNS, DELIVERY, RETURNS_EN)


def release(
    *pieces: str, language: Language = Language.ZH, passages: tuple[Passage, ...] = PASSAGES
) -> tuple[Releaser, list[Delta]]:
    """Feed the pieces to a new releaser and close it."""
    text = "怎么退货" if language is Language.ZH else "How do returns work?"
    made = Releaser(Question(text, language, passages), PROMPT, CHECKS)
    events = [event for piece in pieces for event in made.feed(piece)]
    return made, [*events, *made.close(complete=True)]


@pytest.mark.parametrize(
    "marked",
    [
        r"7天内可无理由退货\[1\]。",
        "7天内可无理由退货[**1**]。",
        "7天内可无理由退货**[**1]。",
        "7天内可无理由退货[`1`]。",
        "7天内可无理由退货[资料1]。",
        "7天内可无理由退货<sup>1</sup>。",
        "7天内可无理由退货<sup>[1]</sup>。",
        "7天内可无理由退货¹。",
        "7天内可无理由退货①。",
        "7天内可无理由退货[[1]]。",
        "7天内可无理由退货（[1]）。",
        "7天内可无理由退货（见[1]）。",
        "7天内可无理由退货[1](https://a.example/b)。",
        "7天内可无理由退货[1]，[1]。",
        "7天内可无理由退货，详见[1]。",
    ],
)
def test_no_way_to_write_a_marker_reaches_the_customer(marked: str) -> None:
    """Nor what stood around it alone; the citation is the same."""
    for made in (release(marked)[0], release(*marked)[0]):
        assert made.text == "7天内可无理由退货。"
        cited = [(each.passage, each.answer_span.of(made.text)) for each in made.citations]
        assert cited == [(RETURNS, "7天内可无理由退货")]


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("根据[1]，7天内可无理由退货。", "7天内可无理由退货。"),
        ("根据[1]和[2]，7天内可无理由退货。", "7天内可无理由退货。"),
        ("（见[1]）7天内可无理由退货。", "7天内可无理由退货。"),
        ("**[1]** 7天内可无理由退货。", "7天内可无理由退货。"),
        ("- <b>[1]7天内可无理由退货。</b>", "7天内可无理由退货。"),
    ],
)
def test_a_marker_before_its_sentence_cites_all_of_it(marked: str, text: str) -> None:
    """The words that only led to it are gone."""
    for made in (release(marked)[0], release(*marked)[0]):
        assert made.text == text
        (citation,) = made.citations
        assert (citation.passage, citation.answer_span.of(text)) == (RETURNS, text)
        assert citation.passage_span.of(RETURNS.text).startswith("自签收之日起7天内")


def test_english_begins_anew_behind_the_words_that_led_to_a_marker() -> None:
    """With a capital letter."""
    made, _ = release(
        "According to [3], fresh food cannot be returned. See [3] for details.",
        language=Language.EN,
    )
    assert made.text == "Fresh food cannot be returned."
    assert [each.answer_span.of(made.text) for each in made.citations] == [made.text]


def test_an_answer_that_only_says_where_to_look_is_none() -> None:
    """Nothing is left of it, and the passages are given in its place."""
    made, events = release("详见[1]。")
    assert (events, made.text, made.withheld) == ([], "", Withheld.NO_CLAIM)


@pytest.mark.parametrize("between", ["", "<br>", "、", "和"])
def test_every_span_of_a_citation_holds_words(between: str) -> None:
    """Two markers of the same words cite for them both; tags between them are no words."""
    own = (RETURNS, Passage("d", "r", "", "7天内可无理由退货。"))
    marked = f"7天内可无理由退货<sup>[1]</sup>{between}<sup>[2]</sup>。"
    made, _ = release(marked, passages=own)
    assert made.text == "7天内可无理由退货。"
    assert {each.answer_span.of(made.text) for each in made.citations} == {"7天内可无理由退货"}
    assert [each.passage for each in made.citations] == [*own]


PIECES = (
    *(
        "7天内可无理由退货[1]。",
        "退款需要40天[1]。",
        "您好！",
        "[1]",
        "[2]",
        "[",
        "]",
        "【1】",
        "[1, 2]",
        "[1-2]",
        "[资料1]",
        r"\[1\]",
    ),
    *(
        "①",
        "¹",
        "<sup>1</sup>",
        "<sup>[1]</sup>",
        "（见[1]）",
        "（",
        "）",
        "根据[1]，",
        "详见[2]",
        "和",
    ),
    *(
        "根据",
        "According to [3], ",
        "7天内可无理由退货",
        "满99元免运费",
        "<b>",
        "</b>",
        "**",
        "v2.0",
    ),
    *("。", "，", "！", ". ", "\n", "- ", "1. ", "2. ", "”", "“.", " ", "…", "😀"),
)


@pytest.mark.parametrize("seed", range(10))
def test_any_marker_may_be_cut_anywhere(seed: int) -> None:
    """Also where sentences, markers and items of lists make nothing of each other."""
    chance = random.Random(seed)
    for _ in range(40):
        text = "".join(chance.choices(PIECES, k=chance.randint(1, 12)))
        places = sorted({0, len(text), *(chance.randrange(len(text)) for _ in range(5))})
        pieces = [text[start:end] for start, end in itertools.pairwise(places)]
        whole, _ = release(text)
        for cut in (release(*pieces)[0], release(*text)[0]):
            assert cut.text == whole.text, repr(text)
            assert cut.citations == whole.citations, repr(text)
            assert cut.grounding == whole.grounding, repr(text)
        assert MARKER.search(whole.text) is None
        for each in whole.citations:
            assert any(map(str.isalnum, each.answer_span.of(whole.text))), repr(text)


@pytest.mark.parametrize("text", ["1. \n【1】。[2]！", "”。“.[1, 2]- \n[1, 2]- v2.0</b>"])
def test_spans_do_not_depend_on_when_a_sentence_was_seen_to_end(text: str) -> None:
    """Each of these once got another span in one piece than in many."""
    shown = []
    for size in (1, 2, 3, len(text)):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        kettle = Passage("d", "r", "", "容量1.7升，保修1年。版本v2.0支持CK-200。")
        made, _ = release(*pieces, passages=(kettle, DELIVERY))
        shown.append((made.text, made.citations))
    assert all(each == shown[0] for each in shown)
