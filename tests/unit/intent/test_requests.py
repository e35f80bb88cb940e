"""Where one message holds several requests, and where it only seems to."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.requests import MAX_REQUESTS, split


def parts(text: str) -> list[str]:
    """The parts as text."""
    return [span.of(text) for span in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("帮我取消订单1001，然后再查一下1002的物流", ["帮我取消订单1001", "再查一下1002的物流"]),
        ("我要退货,另外发票怎么开", ["我要退货", "发票怎么开"]),
        ("我要退货另外发票怎么开", ["我要退货", "发票怎么开"]),
        ("取消订单SO20260001并且把地址改成公司", ["取消订单SO20260001", "把地址改成公司"]),
        ("幫我取消訂單，順便查一下退款進度", ["幫我取消訂單", "查一下退款進度"]),
        ("退款多久到账？还有，怎么开发票", ["退款多久到账？", "怎么开发票"]),
        ("能开发票吗 另外 运费多少", ["能开发票吗", "运费多少"]),
        ("取消订单。查一下物流。", ["取消订单。", "查一下物流。"]),
        ("退货运费谁出，退款几天到账", ["退货运费谁出", "退款几天到账"]),
        (
            "我的订单到哪了？另外积分怎么用？顺便转人工",
            ["我的订单到哪了？", "积分怎么用？", "转人工"],
        ),
    ],
)
def test_chinese_requests_are_told_apart(text: str, expected: list[str]) -> None:
    """By marks and connecting words, with or without both; the connecting words go."""
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "cancel order 1001 and also tell me when 1002 arrives",
            ["cancel order 1001", "tell me when 1002 arrives"],
        ),
        (
            "where is my order and how do I get an invoice?",
            ["where is my order", "how do I get an invoice?"],
        ),
        (
            "track my parcel. Also, can you change the address of 1002?",
            ["track my parcel.", "can you change the address of 1002?"],
        ),
        (
            "I forgot my password. Also, which payment methods do you accept?",
            ["I forgot my password.", "which payment methods do you accept?"],
        ),
        (
            "cancel 1001 plus what is the warranty on the tent",
            ["cancel 1001", "what is the warranty on the tent"],
        ),
        (
            "first, cancel order 1001; then refund order 1002",
            ["first, cancel order 1001", "refund order 1002"],
        ),
        (
            "Hi there, when will it arrive, and do you ship on Sundays? Thanks",
            ["when will it arrive", "do you ship on Sundays?"],
        ),
    ],
)
def test_english_requests_are_told_apart(text: str, expected: list[str]) -> None:
    """The same in English; a greeting before them and thanks behind belong to none."""
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "衣服太小了，我想换一件大的",
        "不想要了，帮我取消",
        "the boots are too small, can I exchange them",
        "my parcel hasn't arrived and I want my money back",
        "I bought a pan for 1,299.00 yuan and it is broken, I want a refund",
        "I don't like the tent, how can I return it",
        "登录不了，怎么办",
        "我想退货，但是过了七天，怎么办",
        "my card was charged twice, what should I do",
        "I want to delete my account, can u help me?",
        "I want to get an invoice, tell me how to do it",
    ],
)
def test_a_reason_stays_with_its_wish(text: str) -> None:
    """What happened, and "what now?", are no requests of their own."""
    assert parts(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "如果还没发货，就帮我取消",
        "如果还没发货就帮我取消，谢谢",
        "没发货的话，麻烦取消",
        "帮我查下订单，如果没发货就取消",
        "If it hasn't shipped, cancel it please",
        "when I log in, it says wrong password",
        "tell me the price, if you can",
    ],
)
def test_a_condition_is_not_cut_off(text: str) -> None:
    """To cancel whatever is the case would be the opposite of what was asked."""
    assert parts(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "帮我查一下订单，单号SO20260001",
        "取消订单1001和1002",
        "cancel orders 1001, 1002 and 1003",
        "change my address and phone number",
        "帮我改地址，改成上海市浦东新区世纪大道100号",
        "send it to 8 Wensan Road, Hangzhou, Zhejiang",
        "it costs 1,299.00 or 12,50?",
        "还有货吗",
        "我付了款然后取消了",
        "另外付费吗",
        "meet at 10:30, Mr. Smith said",
    ],
)
def test_numbers_lists_and_narratives_stay_whole(text: str) -> None:
    """A comma or an "and" joins more often than it parts."""
    assert parts(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "你好",
        "hello, I have a question",
        "你好，我想问一下，发票怎么开",
        "hi, I want to cancel SO20260001, thanks",
        "请帮我查快递，急用，谢谢",
        "great, thanks",
        "😡😡",
    ],
)
def test_courtesy_makes_no_second_request(text: str) -> None:
    """One request, or none, is the whole message with its courtesies."""
    assert parts(text) == [text]


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000"])
def test_nothing_has_no_parts(text: str) -> None:
    """A blank message asks for nothing."""
    assert split(text) == []


def test_the_whole_message_has_no_blanks_at_its_ends() -> None:
    """The span of a single request is what was said, not the space around."""
    assert parts("  查订单 \n") == ["查订单"]


def test_the_number_of_parts_is_bounded() -> None:
    """Each part is classified: a message of a thousand questions must not cost a thousand."""
    text = "发票怎么开？" * 500
    assert len(split(text)) == MAX_REQUESTS
    assert split(text)[-1].end == 3000


@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(
            [
                "帮我取消订单",
                "查物流",
                "，",
                "另外",
                " and ",
                "how do I pay",
                "谢谢",
                "如果",
                ". ",
                "also ",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_parts_are_disjoint_in_order_and_never_empty(text: str) -> None:
    """Whatever the message."""
    spans = split(text)
    ends = [0, *(span.end for span in spans)]
    starts = [*(span.start for span in spans), len(text)]
    assert all(end <= start for end, start in zip(ends, starts, strict=True))
    assert all(span.of(text).strip() == span.of(text) != "" for span in spans)
    assert len(spans) <= MAX_REQUESTS


@pytest.mark.parametrize(
    "piece",
    ["，", "and cancel ", "再帮", "a, ", "如果，", "另外我要退货", " - ", "谢谢", "嗯", "吗？",
     "hi ", "a(((((", "的话", "x'", "'", "’", "i need "],
)  # fmt: skip
@pytest.mark.parametrize("end", ["", "x我"])
def test_the_longest_text_costs_milliseconds(piece: str, end: str) -> None:
    """No pattern tries a text of thanks in every way; 4,000 code points are the limit."""
    text = (piece * 4000)[:3990] + end
    started = time.thread_time()
    split(text)
    assert time.thread_time() - started < 0.2
