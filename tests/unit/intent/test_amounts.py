"""Amounts of money in figures, Chinese and English words become one form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.alignment import align
from services.intent.entities.amounts import find


def values(text: str) -> list[str]:
    """The amounts of a text, in order."""
    return [found.value for found in find(align(text).folded)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("退我300元", "300.00 CNY"),
        ("３００元", "300.00 CNY"),
        ("300塊", "300.00 CNY"),
        ("三百块太贵了", "300.00 CNY"),
        ("1,299.00 元", "1299.00 CNY"),
        ("¥300", "300.00 CNY"),
        ("￥99.9", "99.90 CNY"),
        ("rmb 50", "50.00 CNY"),
        ("CNY300.5", "300.50 CNY"),
        ("人民币300元", "300.00 CNY"),
        ("3万元", "30000.00 CNY"),
        ("1.5万块", "15000.00 CNY"),
        ("2万3千元", "23000.00 CNY"),
        ("3万5千块", "35000.00 CNY"),
        ("1千5百元", "1500.00 CNY"),
        ("一亿元", "100000000.00 CNY"),
        ("两百块钱", "200.00 CNY"),
        ("两千三百块", "2300.00 CNY"),
        ("一块钱", "1.00 CNY"),
        ("一元", "1.00 CNY"),
        ("十块钱运费", "10.00 CNY"),
        ("五十块优惠券", "50.00 CNY"),
        ("五分钱", "0.05 CNY"),
        ("5毛", "0.50 CNY"),
        ("五毛钱", "0.50 CNY"),
        ("5角", "0.50 CNY"),
        ("三毛", "0.30 CNY"),
    ],
)
def test_yuan_are_found_in_every_way_to_write_them(text: str, value: str) -> None:
    """Figures, words, signs, codes, full width and traditional characters."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三块五", "3.50 CNY"),
        ("两块五", "2.50 CNY"),
        ("一块五", "1.50 CNY"),
        ("50块5", "50.50 CNY"),
        ("99块9", "99.90 CNY"),
        ("三块五毛", "3.50 CNY"),
        ("3块2毛5", "3.25 CNY"),
        ("12元5角", "12.50 CNY"),
        ("一百二十元五角", "120.50 CNY"),
    ],
)
def test_change_behind_the_unit_is_added(text: str, value: str) -> None:
    """两块五 is two and a half."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三块一个", "3.00 CNY"),
        ("五块二十个", "5.00 CNY"),
        ("两块五一斤", "2.50 CNY"),
        ("十块三件", "10.00 CNY"),
    ],
)
def test_a_digit_that_counts_what_follows_is_no_change(text: str, value: str) -> None:
    """三块一个 is three yuan a piece, not three yuan ten."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("it cost $20", "20.00 USD"),
        ("US$19.90", "19.90 USD"),
        ("$1.5k", "1500.00 USD"),
        ("20 dollars", "20.00 USD"),
        ("twenty dollars", "20.00 USD"),
        ("a hundred dollars", "100.00 USD"),
        ("USD 20", "20.00 USD"),
        ("20USD", "20.00 USD"),
        ("20 bucks", "20.00 USD"),
        ("100美元", "100.00 USD"),
        ("20刀", "20.00 USD"),
        ("50 cents", "0.50 USD"),
        ("HK$1,200", "1200.00 HKD"),
        ("hk$ 20", "20.00 HKD"),
        ("100港币", "100.00 HKD"),
        ("NT$300", "300.00 TWD"),
        ("A$20", "20.00 AUD"),
        ("€5", "5.00 EUR"),
        ("20€", "20.00 EUR"),
        ("10 pounds", "10.00 GBP"),
        ("£7.50", "7.50 GBP"),
        ("5000日元", "5000.00 JPY"),
        ("two hundred and fifty yuan", "250.00 CNY"),
        ("I paid 1,299 yuan for it", "1299.00 CNY"),
    ],
)
def test_other_currencies_and_english_words_are_found(text: str, value: str) -> None:
    """The sign before it, the word or code behind it."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "一块",
        "我们一块去",
        "两块电池",
        "三块备用电池",
        "两块手表",
        "一块表",
        "四块地垫",
        "两块屏幕都碎了",
        "砍两刀",
        "一毛一样",
        "三角",
        "三角形",
        "2026元旦",
        "第三百块",
        "百元",
        "1299",
        "退我50",
        "20 items",
        "a dollar store",
        "元气森林",
    ],
)
def test_look_alikes_are_no_money(text: str) -> None:
    """块 counts things too, 一块 means together, 元旦 is a holiday."""
    assert values(text) == []


@pytest.mark.parametrize(
    "text",
    ["几百块", "几十块", "300多块", "两三块", "十几块", "上百块", "好几千块", "数百元", "七八百块"],
)
def test_a_vague_sum_is_no_amount(text: str) -> None:
    """Who refunds "a few hundred" refunds the wrong sum."""
    assert values(text) == []


@pytest.mark.parametrize(
    "text",
    ["12,34元", "1.299,00元", "2万3元", "三万5千元", "5百五十元", "2千3万元", "2万30千元"],
)
def test_the_rest_of_a_number_that_is_none_is_no_amount(text: str) -> None:
    """34 of 12,34 yuan would be a wrong sum."""
    assert values(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "300-500元",
        "300～500元",
        "300到500元",
        "300或500元",
        "两百到三百块",
        "三到五百块",
        "3-5万元",
        "20-30 dollars",
        "20 or 30 dollars",
        "between 20 and 30 dollars",
        "twenty to thirty dollars",
        "$20-30",
        "$20 to 30",
        "¥300-500元",
    ],
)
def test_a_range_is_no_single_amount(text: str) -> None:
    """Neither bound is what the customer means."""
    assert values(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("满300-50元", ["50.00 CNY"]),
        ("300元到500元", ["300.00 CNY", "500.00 CNY"]),
        ("$20-$30", ["20.00 USD", "30.00 USD"]),
        ("I paid $20 - 3 days ago", ["20.00 USD"]),
        ("sent $20 to 2 friends", ["20.00 USD"]),
    ],
)
def test_what_only_looks_like_a_range_keeps_its_amounts(text: str, found: list[str]) -> None:
    """Two sums are two sums, and what does not rise is no range."""
    assert values(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("50元20张", ["50.00 CNY"]),
        ("满100元20个", ["100.00 CNY"]),
        ("100元50个", ["100.00 CNY"]),
        ("付了300元500元定金", ["300.00 CNY", "500.00 CNY"]),
        ("付了三百元五百元定金", ["300.00 CNY", "500.00 CNY"]),
        ("50元5.5折", ["50.00 CNY"]),
        ("50元5-10个", ["50.00 CNY"]),
        ("3块5-谢谢", ["3.50 CNY"]),
        ("3块5，2个", ["3.50 CNY"]),
        ("五毛一个", ["0.50 CNY"]),
        ("五毛五", ["0.55 CNY"]),
    ],
)
def test_the_number_behind_an_amount_takes_nothing_from_it(text: str, found: list[str]) -> None:
    """Only a single digit that counts nothing is change."""
    assert values(text) == found


def test_several_amounts_are_found_in_order() -> None:
    """With what stands between them left out."""
    assert values("原价300元，券减50块，实付¥249.5") == ["300.00 CNY", "50.00 CNY", "249.50 CNY"]


@given(
    st.decimals(min_value=0, max_value=99_999, places=2), st.sampled_from(["元", "块钱", " yuan"])
)
def test_any_sum_of_two_decimals_comes_back_unchanged(sum_: object, unit: str) -> None:
    """Nothing is rounded."""
    assert values(f"付了{sum_}{unit}") == [f"{sum_} CNY"]


@given(st.text(alphabet="0123456789.,¥$hk元块角毛分一二两三百万半钱 cents", max_size=40))
def test_whatever_the_text_a_found_range_is_a_valid_amount(text: str) -> None:
    """A range inside the text, a number with two decimals and a code of three letters."""
    folded = align(text).folded
    for found in find(folded):
        number, _, currency = found.value.partition(" ")
        assert 0 <= found.start < found.end <= len(folded)
        assert float(number) >= 0
        assert len(number.partition(".")[2]) == 2
        assert len(currency) == 3
