"""Numbers in figures, Chinese words and English words are read, and nothing is guessed."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.intent.entities.numbers import (
    approximate_pair,
    chinese_number,
    english_number,
    read_number,
)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("零", 0),
        ("三", 3),
        ("两", 2),
        ("十", 10),
        ("十五", 15),
        ("二十", 20),
        ("二十一", 21),
        ("一百", 100),
        ("一百零五", 105),
        ("一百一十", 110),
        ("一百二", 120),
        ("一百二十三", 123),
        ("一千零一", 1_001),
        ("两千三", 2_300),
        ("三千零五十", 3_050),
        ("两万", 20_000),
        ("一万零五", 10_005),
        ("一万五", 15_000),
        ("一万二千三", 12_300),
        ("十二万三千", 123_000),
        ("一亿", 100_000_000),
        ("一亿二千万", 120_000_000),
        ("一万亿", 1_000_000_000_000),
        ("二〇二六", 2026),
    ],
)
def test_chinese_whole_numbers_are_read(words: str, value: int) -> None:
    """Units multiply, zero bridges a gap, a last bare digit counts tenths of the unit."""
    assert chinese_number(words) == value


@pytest.mark.parametrize(
    "words",
    ["", "你", "三a", "百货", "百", "万", "千万", "十百", "两三", "三五", "七八百", "十" * 20],
)
def test_other_words_and_vague_ones_are_no_chinese_number(words: str) -> None:
    """两三 is two or three and 百 a part of 几百: neither is a number that may be acted on."""
    assert chinese_number(words) is None


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("zero", 0),
        ("twelve", 12),
        ("twenty", 20),
        ("twenty-five", 25),
        ("ninety nine", 99),
        ("a hundred", 100),
        ("two hundred and fifty", 250),
        ("one thousand two hundred", 1_200),
        ("one hundred twenty three thousand", 123_000),
        ("three million", 3_000_000),
    ],
)
def test_english_whole_numbers_are_read(words: str, value: int) -> None:
    """With and without hyphen and "and"."""
    assert english_number(words) == value


@pytest.mark.parametrize(
    "words", ["two three", "twenty thirty", "two and five", "phone", "ten one"]
)
def test_a_row_of_english_digits_is_no_number(words: str) -> None:
    """A code that is spelt out is not a sum."""
    assert english_number(words) is None


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("300", "300"),
        ("1,299.00", "1299.00"),
        ("1.5万", "15000"),
        ("3 万", "30000"),
        ("2千", "2000"),
        ("1.5k", "1500"),
        ("三百", "300"),
        ("twenty-five", "25"),
    ],
)
def test_a_number_may_be_written_in_any_of_the_three_ways(words: str, value: str) -> None:
    """Figures may carry a Chinese unit."""
    assert read_number(words) == Decimal(value)


@pytest.mark.parametrize("words", ["", " ", "两三", "abc", "1" * 80])
def test_what_is_no_number_is_none(words: str) -> None:
    """Also what is far too long for one."""
    assert read_number(words) is None


@pytest.mark.parametrize(
    ("words", "pair"),
    [
        ("两三", (2, 3)),
        ("三五", (3, 5)),
        ("七八", (7, 8)),
        ("三二", None),
        ("一九", None),
        ("零一", None),
        ("三", None),
        ("三百", None),
    ],
)
def test_two_neighbouring_digits_are_a_pair_of_bounds(
    words: str, pair: tuple[int, int] | None
) -> None:
    """Growing and close together; anything else is no way to say "about"."""
    assert approximate_pair(words) == pair


_NAMES = "零一二三四五六七八九"


def _spell(number: int) -> str:
    """The textbook way to write a number below ten thousand."""
    if number == 0:
        return "零"
    words, gap = "", False
    for unit, name in ((1_000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            words += ("零" if gap and words else "") + _NAMES[digit] + name
        gap = not digit
    return words


@given(st.integers(min_value=0, max_value=9_999))
def test_every_number_below_ten_thousand_is_read_as_it_is_written(number: int) -> None:
    """The reader undoes the writer."""
    assert chinese_number(_spell(number)) == number


@given(st.text(alphabet="零〇一二两三四五六七八九十百千万亿", max_size=20))
def test_any_row_of_number_characters_is_a_number_or_none(words: str) -> None:
    """Nothing raises, nothing is negative, nothing is larger than its characters allow."""
    value = chinese_number(words)
    assert value is None or 0 <= value < 10**40


@given(st.text(max_size=30))
@example(",")
def test_no_text_makes_the_reader_fail(words: str) -> None:
    """Whatever a pattern may once pass in."""
    value = read_number(words)
    assert value is None or value >= 0
