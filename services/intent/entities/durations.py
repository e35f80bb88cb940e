"""Lengths of time, such as 三天, 一年半 or "two and a half hours", as ISO 8601 durations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from services.intent.entities.numbers import (
    ENGLISH_NUMBER,
    FIGURES,
    HAN_DIGIT,
    HAN_NUMBER,
    approximate_pair,
    read_number,
)
from services.intent.patterns import Found, Pattern

_SECONDS_A_DAY = 86_400
_DAYS_A_MONTH = 30
_DAYS_A_YEAR = 366
_HALF = Decimal("0.5")

# Unit: how many months, days or seconds it has.
_UNITS: dict[str, tuple[str, int]] = {
    "年": ("months", 12),
    "月": ("months", 1),
    "周": ("weeks", 1),
    "星期": ("weeks", 1),
    "礼拜": ("weeks", 1),
    "天": ("days", 1),
    "日": ("days", 1),
    "小时": ("seconds", 3_600),
    "钟头": ("seconds", 3_600),
    "刻钟": ("seconds", 900),
    "分钟": ("seconds", 60),
    "分": ("seconds", 60),
    "秒": ("seconds", 1),
    "秒钟": ("seconds", 1),
    "year": ("months", 12),
    "yr": ("months", 12),
    "month": ("months", 1),
    "fortnight": ("weeks", 2),
    "week": ("weeks", 1),
    "wk": ("weeks", 1),
    "day": ("days", 1),
    "hour": ("seconds", 3_600),
    "hr": ("seconds", 3_600),
    "h": ("seconds", 3_600),
    "minute": ("seconds", 60),
    "min": ("seconds", 60),
    "second": ("seconds", 1),
    "sec": ("seconds", 1),
}

_ZH_NUMBER = rf"(?:{FIGURES}|{HAN_NUMBER})"
_ZH_UNIT = "(?:年|个月|周|个?星期|个?礼拜|天|个?小时|个?钟头|刻钟|分钟|秒钟?)"
_ZH_PIECE = (
    rf"(?:{_ZH_NUMBER}\s?(?:个半(?:小时|钟头|月|星期|礼拜)|{_ZH_UNIT}半?)"
    rf"|半(?:年|个月|个?小时|个?钟头|个?星期))"
)
# 7日内, 七日无理由: 日 is a length only before these, otherwise a day of the month.
_ZH_DAYS = rf"{_ZH_NUMBER}日(?:之?内|以内|无理由|[之以]?[前后])"
_ZH = rf"{_ZH_PIECE}(?:[零又]?{_ZH_PIECE}){{0,3}}(?:\d{{1,2}}分)?|{_ZH_DAYS}"
_ZH_RANGE = (
    rf"(?:{FIGURES}|{HAN_DIGIT}{{1,4}})\s?(?:[-~—–]|到|至)\s?{_ZH_NUMBER}\s?{_ZH_UNIT}"
    rf"|{HAN_DIGIT}{{2}}{_ZH_UNIT}"
)

_EN_UNIT = (
    r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|wks?|months?|years?|yrs?"
    r"|fortnights?)\b"
)
_EN_NUMBER = rf"(?:{FIGURES}|{ENGLISH_NUMBER})"
_EN_HALF = r"(?:a\shalf|half\san?|half)[\s-](?:hour|day|week|month|year)\b"
_EN_QUARTER = r"(?:a|three)\squarters?\sof\san\shour\b"
_EN_PIECE = (
    rf"(?:(?:{_EN_NUMBER}|\ban?|\ba\scouple\sof)(?:\sand\sa\shalf)?[\s-]?{_EN_UNIT}"
    rf"(?:\sand\sa\shalf\b)?|\d{{1,3}}h(?:\s?\d{{1,2}}\s?m(?:ins?)?)?\b)"
)
_EN = rf"\b{_EN_HALF}|\b{_EN_QUARTER}|{_EN_PIECE}(?:(?:\s|,\s|\sand\s){_EN_PIECE}){{0,3}}"
_EN_RANGE = rf"{_EN_NUMBER}(?:\s?[-~–]\s?|\sto\s|\sor\s){_EN_NUMBER}[\s-]?{_EN_UNIT}"

LENGTH = rf"(?:{_ZH_RANGE}|{_EN_RANGE}|{_ZH}|{_EN})"
"""RE2 pattern of a length over folded text; `read_lengths` says whether it is one."""

_PATTERN = Pattern(LENGTH)

_ZH_PARTS = re.compile(
    rf"(?P<number>半|{_ZH_NUMBER})\s?个?(?P<half>半)?"
    r"(?P<unit>年|月|周|星期|礼拜|天|日|小时|钟头|刻钟|分钟|分|秒钟|秒)(?P<rest>半)?"
)
_EN_PARTS = re.compile(
    rf"(?P<number>a\shalf|half\san?|half|a\scouple\sof|{_EN_NUMBER}|an?)"
    r"(?P<half>\sand\sa\shalf)?[\s-]?"
    r"(?P<unit>second|sec|minute|min|hour|hr|day|week|wk|month|year|yr|fortnight|h|m)s?\b"
    r"(?P<rest>\sand\sa\shalf\b)?"
)
_RANGE_MARK = re.compile(r"(?<=[^a-z\s])\s?[-~—–]\s?(?=[^a-z\s])|到|至|\sto\s|\sor\s")
_RANGE_UNIT = re.compile(r"[\s-]?(?:个|年|周|星|礼|天|日|小|钟|刻|分|秒|(?:[a-z]+$)).*")

# What stands before a number makes it an ordinal, a vague one or a part of another one. 前两天 is
# "the other day"; 提前三天 is three days.
_NO_LENGTH_AFTER = re.compile(
    r"(?:第|几|每|好|上百|数|/|[x*×.]|(?:^|[^提])前|[这那]|(?:^|[^超经])过|哪)\s?$"
)
# 一年级, 两周年, 三周岁, 三天两头 are something else; "one day old" is no harm.
_NO_LENGTH_BEFORE = re.compile(r"级|岁|年|纪|两头|多|来|一度")
# "a day" is a length only behind these; "twice a day" is none.
_ARTICLE_AFTER = re.compile(
    r"\b(?:for|within|after|over|about|than|takes?|took|wait(?:ed|ing)?|last|only|under|in|been"
    r"|lasted|another|almost|nearly)\s$"
)
# Sixteen years of guarantee exist, 26年 is the year 2026.
_YEARS_FROM = 20

# What is longer is a slip or a jest, and from year 9999 on there is no calendar.
_MOST_YEARS = 100


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time; months and days have no fixed length and so are kept apart."""

    months: int = 0
    """Months, twelve for a year."""
    weeks: int = 0
    """Weeks; seven days are said otherwise and written otherwise."""
    days: int = 0
    """Days."""
    seconds: int = 0
    """Seconds, for everything below a day."""

    def __add__(self, other: "Length") -> "Length":
        """Add two lengths, each part to its like."""
        return Length(
            self.months + other.months,
            self.weeks + other.weeks,
            self.days + other.days,
            self.seconds + other.seconds,
        )

    def iso(self) -> str:
        """Write it as an ISO 8601 duration, such as `P3D`, `P2W`, `P1Y6M` or `PT2H30M`."""
        if self == Length(weeks=self.weeks):
            return f"P{self.weeks}W"
        years, months = divmod(self.months, 12)
        hours, rest = divmod(self.seconds, 3_600)
        minutes, seconds = divmod(rest, 60)
        date = _joined((years, "Y"), (months, "M"), (self.weeks * 7 + self.days, "D"))
        time = _joined((hours, "H"), (minutes, "M"), (seconds, "S"))
        return f"P{date}" + (f"T{time}" if time else "")


def spans(folded: str) -> Iterator[tuple[int, int]]:
    """Find what looks like a length of time, wherever it stands."""
    return _PATTERN.find(folded)


def find(folded: str) -> Iterator[Found]:
    """Find lengths of time.

    Args:
        folded: Text from `alignment.align`.

    Yields:
        With values such as `P3D`; `P3D/P5D` for three to five days. 两三天 is `P2D/P3D`.
    """
    for start, end in spans(folded):
        if _out_of_place(folded, start, end):
            continue
        words = folded[start:end]
        for ending in ("无理由", "以内", "之内", "内"):
            words = words.removesuffix(ending)
        if words[-1] in "前后":
            continue
        lengths = read_lengths(words)
        if lengths:
            value = "/".join(each.iso() for each in lengths)
            yield Found(start, start + len(words), value)


def read_lengths(words: str) -> tuple[Length, ...]:
    """Read what matched `LENGTH`.

    Args:
        words: Folded text, such as `三天` or `3-5 days`.

    Returns:
        One length; two, the shorter first, where it is between them; none where it is no length
        of time that a shop speaks of (0 days, 2026 years, a million weeks).
    """
    pieces = _RANGE_MARK.split(words)
    if len(pieces) == 2 and pieces[1][:1].isalnum():
        unit = _RANGE_UNIT.search(pieces[1])
        if unit:
            return _ordered(pieces[0] + unit.group(), pieces[1])
    pair = approximate_pair(words[:2])
    if pair:
        return _ordered(str(pair[0]) + words[2:], str(pair[1]) + words[2:])
    length = _read(words)
    return (length,) if length else ()


def _ordered(low: str, high: str) -> tuple[Length, ...]:
    """Read both bounds; none where they stand in the wrong order."""
    first, second = _read(low), _read(high)
    if first is None or second is None or _order(first) >= _order(second):
        return ()
    return first, second


def _order(length: Length) -> tuple[int, int, int]:
    """A key to compare lengths that are said in the same unit."""
    return (length.months, length.weeks * 7 + length.days, length.seconds)


def _read(words: str) -> Length | None:
    """Read one length, which may have several parts: 1小时30分钟."""
    if "quarter" in words:
        return Length(seconds=2_700 if words.startswith("three") else 900)
    parts = (_EN_PARTS if words.isascii() and words[-1].isalpha() else _ZH_PARTS).finditer(words)
    total = Length()
    for part in parts:
        number = _number(part["number"])
        if number is None:
            return None
        if part["half"] or part["rest"]:
            number += _HALF
        unit = "min" if part["unit"] == "m" else part["unit"]
        if unit in ("年", "year") and number >= _YEARS_FROM:
            return None
        total += _measured(number, *_UNITS[unit])
    return total if total != Length() and not _too_long(total) else None


def _number(words: str) -> Decimal | None:
    """Read the number of a part, which may be a half or a couple."""
    words = words.strip(" -").removeprefix("and ")
    if words in ("半", "half", "half a", "half an", "a half"):
        return _HALF
    return Decimal(2) if words == "a couple of" else read_number(words)


def _measured(number: Decimal, field: str, factor: int) -> Length:
    """Multiply a number, perhaps with a fraction, by its unit.

    The fraction goes into smaller units: 2.5 weeks are 17 days and 12 hours, 1.5个月 a month and
    15 days, since nobody counts the days of that month.
    """
    total = number * factor
    whole = int(total)
    rest = total - whole
    if field == "months":
        return Length(months=whole, days=int(rest * _DAYS_A_MONTH))
    if field == "weeks" and rest:
        return _measured(total * 7, "days", 1)
    if field == "weeks":
        return Length(weeks=whole)
    if field == "days":
        return Length(days=whole, seconds=int(rest * _SECONDS_A_DAY))
    return Length(seconds=whole)


def _too_long(length: Length) -> bool:
    """Tell whether any part alone is longer than anybody waits."""
    days = length.weeks * 7 + length.days
    return (
        length.months > _MOST_YEARS * 12
        or days > _MOST_YEARS * _DAYS_A_YEAR
        or length.seconds > _MOST_YEARS * _DAYS_A_YEAR * _SECONDS_A_DAY
    )


def _out_of_place(folded: str, start: int, end: int) -> bool:
    """Tell whether the neighbours make it no length: 第三天, 一年级, twice a day."""
    before, after = folded[max(0, start - 10) : start], folded[end : end + 2]
    if _NO_LENGTH_AFTER.search(before) or _NO_LENGTH_BEFORE.match(after):
        return True
    words = folded[start:end]
    if words.startswith("半年") and before.endswith(("上", "下")):
        return True
    article = words.startswith(("a ", "an ")) and not words.startswith("a couple")
    article = article and "half" not in words and "quarter" not in words
    return article and _ARTICLE_AFTER.search(before) is None


def _joined(*parts: tuple[int, str]) -> str:
    """Write numbers with their letters, those of nothing left out."""
    return "".join(f"{number}{letter}" for number, letter in parts if number)
