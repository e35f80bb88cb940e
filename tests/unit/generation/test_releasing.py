"""Sentences are released one by one, each once it has passed, and none is taken back."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.canary import Canary
from services.generation.dialogue import Delta, Passage, Question, Support, Withheld
from services.generation.prompt import Prompt
from services.generation.releasing import Releaser
from services.generation.screening import Checks
from services.language import Language
from tests.unit.generation.grounded import DELIVERY, RETURNS, RETURNS_EN

PASSAGES = (RETURNS, DELIVERY, RETURNS_EN)
CHECKS = Checks(canary=Canary("kqzvwxhjtrmbplsd"))
PROMPT = CHECKS.canary.put_into(Prompt.load("answer/3"))

GOOD = "7天内可无理由退货[1]。"
BAD = "退款需要40天[1]。"


def releaser(
    language: Language = Language.ZH, passages: tuple[Passage, ...] = PASSAGES
) -> Releaser:
    """A new one, for a question about the shop."""
    text = "怎么退货" if language is Language.ZH else "How do returns work?"
    return Releaser(Question(text, language, passages), PROMPT, CHECKS)


def release(
    *pieces: str,
    language: Language = Language.ZH,
    passages: tuple[Passage, ...] = PASSAGES,
    complete: bool = True,
) -> tuple[Releaser, list[Delta]]:
    """Feed the pieces to a new releaser and close it."""
    made = releaser(language, passages)
    events = [event for piece in pieces for event in made.feed(piece)]
    return made, [*events, *made.close(complete=complete)]


def told(events: list[Delta]) -> list[str]:
    """The deltas' words."""
    return [event.text for event in events]


def test_a_sentence_is_released_when_the_next_one_begins() -> None:
    """Before that a marker may follow it."""
    made = releaser()
    assert made.feed("7天内可无理由退货。") == []
    assert made.feed("[1]") == []
    (delta,) = made.feed("满")
    assert delta.text == "7天内可无理由退货。"
    assert [each.passage for each in delta.citations] == [RETURNS]
    assert told(made.feed("99元免运费[2]。好")) == ["满99元免运费。"]


def test_everything_after_a_bad_sentence_is_withheld() -> None:
    """It was built on it; what was told stays."""
    made, events = release(f"{GOOD}{BAD}订单满99元免运费[2]。")
    assert told(events) == ["7天内可无理由退货。"]
    assert made.withheld is Withheld.FIGURE
    assert made.feed("江浙沪地区一般1-2天送达。好") == []
    assert (made.text, len(made.citations)) == ("7天内可无理由退货。", 1)
    assert made.grounding.withheld is Withheld.FIGURE


def test_a_sentence_is_told_once() -> None:
    """A small model that turns in circles does not take the customer along."""
    made, events = release(f"{GOOD}{GOOD}7天内可无理由退货！订单满99元免运费[2]。{GOOD}")
    assert told(events) == ["7天内可无理由退货。", "7天内可无理由退货！", "订单满99元免运费。"]
    assert [each.index for each in made.citations] == [1, 2, 3]


@pytest.mark.parametrize(
    "text",
    [
        f"请按以下步骤操作：1. {GOOD} 2. 订单满99元免运费[2]。",
        f"1. {GOOD}\n2. 订单满99元免运费[2]。",
        f"(1) {GOOD}\n(2) 订单满99元免运费[2]。",
    ],
)
def test_the_numbers_of_a_list_are_no_figures(text: str) -> None:
    """Models write lists, though they are asked not to; each item is checked for itself."""
    made, _ = release(text)
    assert made.withheld is None
    assert "满99元免运费。" in made.text
    assert "2" in made.text
    assert len(made.citations) == 2


@pytest.mark.parametrize(
    "text",
    [
        f"{GOOD}好的！30. 谢谢。",
        f"1. {GOOD}运费：30. 谢谢。",
        f"{GOOD}订单满99元免运费：1.",
        f"{GOOD}好的！1. 谢谢。",
        f"{GOOD}好的！1.",
    ],
)
def test_a_number_that_counts_no_items_is_a_figure(text: str) -> None:
    """It is what an invented answer would hold: behind a claim, or with no item that claims."""
    own = (Passage("d", "r", "", "7天内可无理由退货。订单满99元免运费。"),)
    made = Releaser(Question("怎么退货", Language.ZH, own), PROMPT, CHECKS)
    shown = "".join(told([*made.feed(text), *made.close(complete=True)]))
    assert made.withheld is Withheld.FIGURE
    assert shown.startswith(("7天内可无理由退货。", "1. 7天内可无理由退货。"))
    assert not re.search(r"30|1\.$|1\. 谢", shown)


def test_ending_early_says_so() -> None:
    """In the answer's language, as a sentence that claims nothing."""
    made, _ = release(GOOD + BAD)
    delta = made.end_early()
    assert delta.text.startswith("其余部分")
    assert made.text == "7天内可无理由退货。" + delta.text
    last = made.grounding.sentences[-1]
    assert (last.support, last.span.of(made.text)) == (Support.NO_CLAIM, delta.text)
    made, _ = release("Fresh food cannot be returned [3]. It costs $40.", language=Language.EN)
    assert made.end_early().text.startswith(" I cannot confirm more")
    last = made.grounding.sentences[-1]
    assert last.span.of(made.text).startswith("I cannot")


def test_greetings_wait_for_a_claim() -> None:
    """They come with it, or not at all where it is withheld, or at the end where none comes."""
    made = releaser()
    assert made.feed("您好！很高兴为您服务。") == []
    assert told(made.feed(GOOD + "好")) == ["您好！很高兴为您服务。7天内可无理由退货。"]
    assert release("您好！" + BAD)[1] == []
    made, events = release("您好！抱歉，我不知道。")
    assert told(events) == ["您好！抱歉，我不知道。"]
    assert made.admits
    assert not made.claims


@pytest.mark.parametrize(
    "text",
    ["您好！您想知道能不能退货[1]。", "您问的是退货的问题。", "好的。", "您好！很高兴为您服务。"],
)
def test_who_only_greets_or_repeats_the_question_is_not_released(text: str) -> None:
    """Nothing of it was shown, so that the passages can be given in its place."""
    made, events = release(text)
    assert (events, made.text, made.citations) == ([], "", [])
    assert made.withheld is Withheld.NO_CLAIM


def test_the_question_once_more_comes_with_its_answer() -> None:
    """It waits for it, like a greeting, and both are kept."""
    made = releaser()
    assert made.feed("您想知道能不能退货。您") == []
    assert told(made.feed("好！" + GOOD + "好")) == [
        "您想知道能不能退货。您好！7天内可无理由退货。"
    ]
    assert made.withheld is None
    supports = [each.support for each in made.grounding.sentences]
    assert supports == [Support.NO_CLAIM, Support.NO_CLAIM, Support.SUPPORTED]
    made, events = release("You asked how returns work. It costs $40.", language=Language.EN)
    assert (events, made.withheld) == ([], Withheld.FIGURE)


def test_markers_at_the_beginning_of_a_line_cite_its_sentence() -> None:
    """Small models number their sentences."""
    made, _ = release("[2] 订单满99元免运费。\n[1] 7天内可无理由退货。好的。")
    cited = [(each.passage, each.answer_span.of(made.text)) for each in made.citations]
    assert cited == [(DELIVERY, "订单满99元免运费。"), (RETURNS, "7天内可无理由退货。")]
    assert [each.index for each in made.citations] == [1, 2]


def test_a_supported_sentence_without_a_marker_gets_its_citation() -> None:
    """A weak one does not: its passage only comes near."""
    made, _ = release("生鲜和定制商品不支持退货。")
    (citation,) = made.citations
    assert citation.passage is RETURNS
    assert citation.answer_span.of(made.text) == made.text
    assert citation.passage_span.of(RETURNS.text) == made.text
    made, _ = release("购物满99元就能享受免运费，不然要给10元。")
    assert [each.support for each in made.grounding.sentences] == [Support.WEAK]
    assert made.citations == []


def test_a_marker_behind_marks_alone_cites_nothing() -> None:
    """A second marker behind the full stop adds no claim, and its span ends with its sentence."""
    made, _ = release("7天内可无理由退货[1]。**[1]满99元免运费[2]。")
    spans = [each.answer_span.of(made.text) for each in made.citations]
    assert spans == ["7天内可无理由退货", "满99元免运费"]


def test_an_admission_carries_no_citation() -> None:
    """Whatever the model marks it with."""
    made, _ = release("抱歉，我不知道[1]。可以为您转接人工[2]。")
    assert (made.text, made.citations) == ("抱歉，我不知道。可以为您转接人工。", [])


@pytest.mark.parametrize(
    ("complete", "text"), [(True, GOOD[:-4] + "。满99"), (False, GOOD[:-4] + "。")]
)
def test_half_a_sentence_is_dropped(complete: bool, text: str) -> None:
    """Where the model did not come to its end: its last number may be half of one."""
    made, _ = release(GOOD + "满99", complete=complete)
    assert made.text == text


def test_a_whole_sentence_is_kept_though_the_model_broke_off() -> None:
    """It ended like one."""
    assert release(GOOD, complete=False)[0].text == "7天内可无理由退货。"


def test_markdown_reaches_nobody() -> None:
    """Marks go, and spans fit what is left."""
    made, _ = release(
        "## 退货\n- **7天内**可无理由退货[1]。\n| 满99元 | [免运费](http://a.b/c) [2] |\n"
    )
    assert made.text == "退货\n7天内可无理由退货。\n满99元 免运费"
    spans = [each.span.of(made.text) for each in made.grounding.sentences]
    assert spans == ["退货", "7天内可无理由退货。", "满99元 免运费"]
    cited = [each.answer_span.of(made.text) for each in made.citations]
    assert [each for each in cited if "7天" in each] == ["7天内可无理由退货"]


def test_a_foreign_sentence_is_withheld() -> None:
    """The customer reads her own language where the knowledge has it, quoted or not."""
    assert release("Sure, happy to help! " + GOOD)[0].withheld is Withheld.LANGUAGE
    assert release("Fresh food cannot be returned [3].")[0].withheld is Withheld.LANGUAGE
    made, _ = release("You can return most items within 7 days [3].")
    assert made.withheld is Withheld.LANGUAGE
    made, _ = release("7天内可无理由退货[1]。", language=Language.EN)
    assert made.withheld is Withheld.LANGUAGE


def test_a_foreign_passage_is_quoted_behind_words_of_ones_own() -> None:
    """Part of the answer may stand there alone."""
    made, _ = release(f"{GOOD}Fresh food cannot be returned [3].")
    assert (made.withheld, len(made.citations)) == (None, 2)
    made, _ = release(f"{GOOD}You can return most items within 7 days [3].")
    assert made.withheld is Withheld.LANGUAGE


def test_a_foreign_passage_is_quoted_where_there_is_no_other() -> None:
    """Word for word; what is put in other words could as well be in the customer's."""
    made, _ = release("Fresh food cannot be returned [1].", passages=(RETURNS_EN,))
    assert (made.withheld, made.text) == (None, "Fresh food cannot be returned.")
    made, _ = release("You can return most items within 7 days [1].", passages=(RETURNS_EN,))
    assert made.withheld is Withheld.LANGUAGE


@pytest.mark.parametrize("heading", ["## 退货政策\n", "**退货政策**\n\n", "退货政策：\n"])
def test_a_heading_waits_for_what_it_names(heading: str) -> None:
    """It claims nothing; in words of no source it does."""
    made, events = release(heading + GOOD)
    assert (made.withheld, told(events)[0].split()[0].strip("：")) == (None, "退货政策")
    assert made.grounding.sentences[0].support is Support.NO_CLAIM
    assert release(heading)[0].text == ""
    assert release(heading.replace("退货政策", "全额赔偿") + GOOD)[0].text == ""


def test_names_stand_as_their_passage_has_them() -> None:
    """An item of a list may hold nothing else."""
    phones = Passage("d", "r", "支持机型", "5G 功能支持的机型有 Nova Phone Pro、Nova Phone Max。")
    made, _ = release(
        "支持的机型有：\n- Nova Phone Pro[1]\n- Nova Phone Max[1]\n", passages=(phones,)
    )
    assert made.withheld is None
    assert made.text.split("\n")[1:] == ["Nova Phone Pro", "Nova Phone Max"]


def test_the_mark_is_found_over_sentences() -> None:
    """The first half may be told before the second shows what it was."""
    made, _ = release(f"{GOOD}kqzvwxhjtrm。bplsd。")
    assert made.withheld is not None
    assert "kqzv" not in made.text


def test_a_model_without_full_stops_is_held_to_the_contract_s_limits() -> None:
    """A delta holds 8,000 code points."""
    long = "好的" * 9000 + "我不知道"
    made, events = release(long)
    assert [len(each) for each in told(events)] == [8000, 8000, 2004]
    assert made.text == long


MODEL_TEXT = st.lists(
    st.sampled_from(
        [
            GOOD,
            BAD,
            "您好！",
            "[1]",
            "[",
            "2]",
            "。",
            "\n",
            "满99元免运费",
            "**",
            "Sure. ",
            "3.5",
            "…",
            " ",
        ]
    ),
    max_size=10,
).map("".join)


@given(text=MODEL_TEXT, cuts=st.lists(st.integers(0, 80), max_size=12))
def test_however_the_text_is_cut_the_same_is_released(text: str, cuts: list[int]) -> None:
    """Providers cut anywhere; what customers see must not depend on it."""
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    (whole, _), (cut, _) = release(text), release(*pieces)
    assert cut.text == whole.text
    assert cut.citations == whole.citations
    assert cut.grounding == whole.grounding


@given(text=MODEL_TEXT)
def test_the_deltas_joined_are_the_answer(text: str) -> None:
    """And citations and sentences lie inside it."""
    made, events = release(text)
    assert "".join(told(events)) == made.text
    assert [each for event in events for each in event.citations] == made.citations
    assert [each.index for each in made.citations] == [*range(1, len(made.citations) + 1)]
    for span in (
        *(each.span for each in made.grounding.sentences),
        *(each.answer_span for each in made.citations),
    ):
        assert 0 <= span.start <= span.end <= len(made.text)
