"""How far replies are supported: one answer, several in one reply, and answers nobody judged."""

import pytest
from kefu.errors import ServiceUnavailable

from services.session.grounding import MAX_SENTENCES, Grounding, SentenceSupport, Support
from services.session.understanding import Answer, Evidence, Passage, ReplyMode, Verdict
from tests.unit.session.fakes import (
    DOCUMENT,
    FAQ,
    FOUND,
    conversation,
    say,
    shop,
)

GOOD, WEAK, BAD = Support.SUPPORTED, Support.WEAK, Support.UNSUPPORTED


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (GOOD, GOOD, GOOD),
        (GOOD, WEAK, WEAK),
        (WEAK, GOOD, WEAK),
        (BAD, WEAK, BAD),
        (WEAK, BAD, BAD),
    ],
)
def test_the_worse_of_two_verdicts_counts(one: Support, other: Support, both: Support) -> None:
    """Whichever came first."""
    assert Grounding(one).plus(Grounding(other)).verdict is both


def test_the_first_reason_is_told() -> None:
    """Of two answers from which words were withheld the contract has room for one."""
    plain, first, second = (Grounding(GOOD, withheld=each) for each in ("", "canary", "role"))
    assert plain.plus(first).plus(second).withheld == "canary"


def test_sentences_stay_in_order_and_within_the_contract() -> None:
    """Three answers of many sentences: the first two hundred are kept, the verdict is of all."""
    many = tuple(SentenceSupport(each, each + 1, GOOD, 1.0) for each in range(150))
    both = Grounding(GOOD, many).plus(Grounding(BAD, many).moved(150))
    assert [each.start for each in both.sentences] == list(range(MAX_SENTENCES))
    assert both.verdict is BAD


@pytest.mark.parametrize("end", [ServiceUnavailable(), Answer("", mode=ReplyMode.MODEL)])
async def test_words_without_a_verdict_are_weak(end: Answer | ServiceUnavailable) -> None:
    """The stream broke off, or ended without one: of no sentence anything is said."""
    world = shop(evidence=FOUND, answer_parts=("可以退货。", end))
    result = await say(world, conversation(), "退货政策")
    assert result.grounding == Grounding(WEAK)


@pytest.mark.parametrize("mode", [ReplyMode.EXTRACTIVE, ReplyMode.NO_ANSWER])
async def test_an_answer_that_no_model_wrote_may_come_without_a_verdict(mode: ReplyMode) -> None:
    """Nothing was found to answer from, or an older gateway did not judge what it quoted."""
    world = shop(evidence=FOUND, answer_parts=("没有找到。", Answer("", mode=mode)))
    result = await say(world, conversation(), "退货政策")
    assert result.grounding is None


async def test_a_quoted_passage_is_supported_sentence_by_sentence() -> None:
    """Without the gateway; it is the knowledge itself."""
    passage = Passage(DOCUMENT, "r1", "退货", "签收后 15 天内可退。运费自理。", 0, 17)
    evidence = Evidence(passages=[passage], verdict=Verdict.ANSWERABLE)
    world = shop(evidence=evidence, broken={"answer"})
    result = await say(world, conversation(), "退货政策")
    assert result.grounding is not None
    assert (result.grounding.verdict, result.grounding.withheld) == (GOOD, "")
    told = [(result.text[each.start : each.end], each.support, each.overlap)
            for each in result.grounding.sentences]  # fmt: skip
    assert told == [("签收后 15 天内可退。", GOOD, 1.0), ("运费自理。", GOOD, 1.0)]


async def test_what_is_no_answer_from_passages_has_no_grounding() -> None:
    """An FAQ's answer is the company's own, small talk and questions back are fixed."""
    for world, text in (
        (shop(faqs={"退货政策": FAQ}), "退货政策"),
        (shop(), "退货政策"),
        (shop(), "谢谢"),
        (shop(), "取消订单"),
        (shop(broken={"search"}), "退货政策"),
    ):
        assert (await say(world, conversation(), text)).grounding is None
