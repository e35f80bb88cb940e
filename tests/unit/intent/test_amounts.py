"""Amounts of money in figures and Chinese words become one form."""

import pytest

from services.intent.amounts import chinese_number, normalise


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("三", 3),
        ("十", 10),
        ("十五", 15),
        ("二十", 20),
        ("一百零五", 105),
        ("一百二", 120),
        ("一百二十三", 123),
        ("两千三", 2_300),
        ("三千零五十", 3_050),
        ("两万", 20_000),
        ("一万五", 15_000),
        ("十二万三千", 123_000),
        ("一亿", 100_000_000),
        ("二〇二六", 2026),
        ("零", 0),
    ],
)
def test_chinese_whole_numbers_are_read(words: str, value: int) -> None:
    """Units multiply, zero bridges a gap, a last bare digit counts tenths of the unit."""
    assert chinese_number(words) == value


@pytest.mark.parametrize("words", ["", "你", "三a", "百货"])
def test_other_words_are_no_number(words: str) -> None:
    """Nothing is guessed."""
    assert chinese_number(words) is None


@pytest.mark.parametrize(
    ("amount", "value"),
    [
        ("300元", "300.00 CNY"),
        ("三百块", "300.00 CNY"),
        ("1,299.00 元", "1299.00 CNY"),
        ("¥300", "300.00 CNY"),
        ("rmb 50", "50.00 CNY"),
        ("$20", "20.00 USD"),
        ("us$19.90", "19.90 USD"),
        ("20 dollars", "20.00 USD"),
        ("€5", "5.00 EUR"),
        ("三块五", "3.50 CNY"),
        ("一百二十元五角", "120.50 CNY"),
        ("5毛", "0.50 CNY"),
        ("五毛钱", "0.50 CNY"),
        ("3万元", "30000.00 CNY"),
        ("1.5万块", "15000.00 CNY"),
        ("两百块钱", "200.00 CNY"),
        ("50块5", "50.00 CNY"),
    ],
)
def test_amounts_become_two_decimals_and_a_currency(amount: str, value: str) -> None:
    """A program can read the value without knowing how customers write."""
    assert normalise(amount) == value


def test_together_is_not_one_yuan() -> None:
    """一块 alone means "together" or "a piece" more often than money; 一块钱 is money."""
    assert normalise("一块") is None
    assert normalise("一块钱") == "1.00 CNY"
