"""Summaries without a model: what a colleague must know, in 300 code points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.chat import Caller
from services.generation.dialogue import Mode, Round
from services.generation.prompt import Prompt
from services.generation.summary import LIMIT, Summarizer, extract, shorten
from services.language import Language

ROUNDS = (
    Round("你好,我的订单SO20240017还没发货", "您好,正在为您查询。"),
    Round("已经五天了,太慢了!手机13800138000", "订单将在今天发出。"),
    Round("我要退款", "已为您登记退款申请。"),
)


def test_the_last_request_the_facts_and_the_last_reply_are_there() -> None:
    """Who takes over knows what is wanted, about what, and what was said last."""
    summary = extract(ROUNDS, Language.ZH)
    assert summary == (
        "客户要求：我要退款；此前提到：你好,我的订单SO20240017还没发货；"
        "关键信息：13800138000, SO20240017；最近答复：已为您登记退款申请。"
    )


def test_english_summaries_are_in_english() -> None:
    """The frame is in the wanted language; the customer's words stay hers."""
    summary = extract([Round("Where is order SO1?", "On its way.")], Language.EN)
    assert summary == "Customer wants: Where is order SO1?; Last reply: On its way."


def test_the_newest_facts_come_first_and_once() -> None:
    """A corrected order number outweighs the one before it."""
    rounds = [Round("订单A-1001", ""), Round("不对,是A-1002", ""), Round("A-1002", "")]
    assert "关键信息：A-1002, A-1001；" in extract(rounds, Language.ZH) + "；"


@given(
    rounds=st.lists(st.builds(Round, st.text(max_size=600), st.text(max_size=600)), min_size=1),
    language=st.sampled_from([Language.ZH, Language.EN]),
)
def test_no_summary_is_longer_than_the_contract_allows(
    rounds: list[Round], language: Language
) -> None:
    """Whatever was said, 300 code points hold it, on one line."""
    summary = extract(rounds, language)
    assert len(summary) <= LIMIT
    assert "\n" not in summary


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("短。", 10, "短。"),
        ("第一句话。第二句话。第三句话。", 12, "第一句话。第二句话。"),
        ("一句没有停顿的很长的话", 6, "一句没有停…"),
        ("two\n lines", 20, "two lines"),
    ],
)
def test_texts_are_cut_behind_a_sentence_where_there_is_one(
    text: str, limit: int, short: str
) -> None:
    """A cut that is not the end of a sentence shows."""
    assert shorten(text, limit) == short


async def test_without_a_model_the_summary_is_extractive_and_says_so() -> None:
    """The mode names how it was made, and nobody was paid."""
    summary = await Summarizer(None, Prompt.load("summary/1"), 1000).summarize(
        ROUNDS, Language.ZH, caller=Caller(), seconds=5.0
    )
    assert (summary.mode, summary.usage) == (Mode.EXTRACTIVE, None)
    assert summary.text == extract(ROUNDS, Language.ZH)
