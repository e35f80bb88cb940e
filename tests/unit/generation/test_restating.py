"""What only says the question once more is told from what answers it."""

import pytest

from services.generation.restating import introduces, restates


@pytest.mark.parametrize(
    "sentence",
    [
        "您想知道能不能退货。",
        "您好，您是想了解退货的规定。",
        "您諮詢的是電水壺的價格。",
        "您的问题是关于退货的。",
        "关于退货的问题，我来为您解答。",
        "You asked about the return window.",
        "I understand that you would like to know how refunds work.",
        "So you're wondering whether it is free.",
        "Your question is about refunds.",
        "Thank you for asking about refunds!",
        "Here is some information about refunds.",
    ],
)
def test_the_question_once_more(sentence: str) -> None:
    """In either language and script, behind a greeting too."""
    assert restates(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "您问的电水壶是免费送的。",
        "您想知道能不能退货，可以退。",
        "您可以在7天内退货。",
        "您要退货的话请联系客服。",
        "You asked whether it is free, and it is.",
        "You asked about refunds and they take 3 days.",
        "You can ask for a refund.",
        "If you want to know more, it is free.",
        "Your refund is on its way.",
    ],
)
def test_what_answers_is_no_repetition(sentence: str) -> None:
    """Also where it begins like one."""
    assert not restates(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "好的，关于退货：",
        "以下是退货说明：",
        "退貨步驟如下：",
        "您好！关于您咨询的退货问题，说明如下：",
        "您可以按照以下步骤申请退货：",
        "会员权益：",
        "配送时效：",
        "iPhone 保修政策：",
        "Return policy:",
        "Sure, here is how to return an item:",
        "To return an item, follow these steps:",
    ],
)
def test_headings_and_leads_introduce(sentence: str) -> None:
    """They name what follows."""
    assert introduces(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "退货步骤",
        "退货：7天内。",
        "定制商品可以退货：",
        "定制商品不能退货：",
        "运费是：",
        "Custom goods can be returned:",
        "Returns are free:",
        "We charge no fee for goods that come back to one of our shops:",
    ],
)
def test_what_states_something_introduces_nothing(sentence: str) -> None:
    """A colon alone makes no heading."""
    assert not introduces(sentence)
