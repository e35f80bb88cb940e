"""Days in English: tomorrow, last Friday, Nov 20th, the end of the month."""

import re
from datetime import date, timedelta

from services.intent.entities.days import (
    Days,
    DayWords,
    Rule,
    day_of_month,
    exactly,
    fixed,
    month,
    month_day,
    week,
    weekday,
    yearly,
    yearly_from,
)

_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_WEEKDAY = (
    "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs?|rsday)?|fri(?:day)?|sat(?:urday)?"
    "|sun(?:day)?"
)
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_DAY = r"[0-3]?\d(?:st|nd|rd|th)?"

_WORDS = {
    "the day before yesterday": -2,
    "day before yesterday": -2,
    "yesterday": -1,
    "yesturday": -1,
    "today": 0,
    "tomorrow": 1,
    "tommorow": 1,
    "tomorow": 1,
    "tommorrow": 1,
    "tmrw": 1,
    "tmr": 1,
    "the day after tomorrow": 2,
    "day after tomorrow": 2,
}
_PARTS = {
    "tonight": (0, "evening"),
    "last night": (-1, "evening"),
    "this morning": (0, "morning"),
    "this afternoon": (0, "afternoon"),
    "this evening": (0, "evening"),
}
_WHICH = {"last": -1, "previous": -1, "this": 0, "next": 1, "coming": 0, "upcoming": 0}


def _name(words: str, names: list[str]) -> int:
    """Number of the name that begins with these three letters."""
    return next(number for number, name in enumerate(names) if name.startswith(words[:3]))


def _relative(match: re.Match[str]) -> DayWords | None:
    """Read tomorrow, the day before yesterday, tonight, and the commonest slips of the pen."""
    words = match.group()
    if words in _PARTS:
        offset, part = _PARTS[words]
        return DayWords(fixed(offset).resolve, part=part)
    return fixed(_WORDS[words])


def _weekday(match: re.Match[str]) -> DayWords | None:
    """Read a day of the week.

    "last Friday" is the latest before today, "next Friday" that of the next calendar week,
    "this Friday" and "Friday" the coming one, today included.
    """
    number = _name(match["weekday"], _WEEKDAYS)
    which = (match["which"] or "").split()
    if "next" in which:
        return week(1, number, number)
    day = weekday(number)
    if "last" in which or "previous" in which:
        resolve = day.resolve
        return DayWords(lambda today, past: resolve(today, True))
    return DayWords(day.resolve, floating=not which, weekday=True)


def _period(match: re.Match[str]) -> DayWords | None:
    """Read last week, this weekend, next month, this year."""
    offset, unit = _WHICH[match["which"] or "this"], match["unit"]
    if unit == "weekend":
        # The coming one is that which is not over; the last one lies before today.
        return week(offset, 5, 6) if match["which"] not in ("coming", None) else weekday(5, 6)
    if unit == "week":
        return week(offset + (1 if match["which"] == "coming" else 0))
    if unit == "month":
        return month(offset, 1, 31)
    return yearly_from(offset, lambda year: (date(year, 1, 1), date(year, 12, 31)))


def _month_day(match: re.Match[str]) -> DayWords | None:
    """Read Nov 20th, November 20, 2026 and Nov 20-25."""
    day, last = _digits(match["day"]), _digits(match["to"] or "")
    return _dated(match["month"], match["year"], day, last)


def _day_month(match: re.Match[str]) -> DayWords | None:
    """Read 20 Nov 2026 and the 20th of November."""
    return _dated(match["month"], match["year"], _digits(match["day"]), None)


def _digits(words: str) -> int | None:
    """The number in 20th."""
    digits = "".join(filter(str.isdigit, words))
    return int(digits) if digits else None


def _dated(name: str, year: str | None, first: int | None, last: int | None) -> DayWords | None:
    """A day or days of a month; None where it has no such day in any year."""
    if not first or first > 31 or (last is not None and not first < last <= 31):
        return None
    of_year = month_day(_name(name, _MONTHS) + 1, first, last)
    if of_year(2024) is None:
        return None
    if year is None:
        return yearly(of_year)
    days = of_year(int(year))
    return exactly(*days) if days else None


def _month(match: re.Match[str]) -> DayWords | None:
    """Read a month: November 2026, last November, early November.

    Early, mid and late are its thirds, as 上旬, 中旬 and 下旬 are.
    """
    number = _name(match["month"], _MONTHS) + 1
    stage = (match["stage"] or "").split()
    first, last = {"early": (1, 10), "mid": (11, 20), "late": (21, 31)}.get(
        stage[0].rstrip("-") if stage else "", (1, 31)
    )
    of_year = month_day(number, first, last)
    if match["year"]:
        days = of_year(int(match["year"]))
        return exactly(*days) if days else None
    if match["which"] in ("last", "next"):
        return _beside(number, match["which"] == "last")
    return yearly(of_year)


def _beside(number: int, before: bool) -> DayWords:
    """The whole month of this number before or after the present one."""

    def resolve(today: date, past: bool) -> Days | None:
        years = today.year - (before and number >= today.month)
        years += not before and number <= today.month
        return month_day(number, 1, 31)(years)

    return DayWords(resolve)


def _edge(match: re.Match[str]) -> DayWords | None:
    """Read the end, start or middle of a week, month or year, as a day.

    The end of the week is its Sunday, the middle of it its Wednesday; the middle of a month is the
    15th, that of a year the first of July.
    """
    side, unit = match["side"], match["unit"]
    offset = _WHICH[match["which"] or "this"]
    if match["month"]:
        edge = {"end": 0, "middle": 15}.get(side, 1)
        return yearly(month_day(_name(match["month"], _MONTHS) + 1, edge, None))
    if unit == "week":
        day = {"end": 6, "middle": 2}.get(side, 0)
        return week(offset, day, day)
    if unit == "month":
        return month(offset, {"end": 0, "middle": 15}.get(side, 1), None)
    number, day = {"end": (12, 31), "middle": (7, 1)}.get(side, (1, 1))
    return yearly_from(offset, month_day(number, day, None))


def _ordinal(match: re.Match[str]) -> DayWords | None:
    """Read "the 3rd", of a month that is not said."""
    number = _digits(match["day"])
    return day_of_month(number) if number else None


def _other_week(match: re.Match[str]) -> DayWords | None:
    """Read the week after next and the week before last."""
    return week(2 if match["side"] == "after next" else -2)


def _from_weekday(match: re.Match[str]) -> DayWords | None:
    """Read "a week on Friday", "a week from Friday"."""
    resolve = weekday(_name(match["weekday"], _WEEKDAYS)).resolve

    def later(today: date, past: bool) -> Days | None:
        days = resolve(today, False)
        return (days[0] + timedelta(weeks=1), days[1] + timedelta(weeks=1)) if days else None

    return DayWords(later)


_YEAR = r"(?:,?\s(?P<year>20\d{2}))?"
_EN_WHICH = "last|previous|this coming|coming|this|next|upcoming"

RULES = (
    Rule(r"\b(?:" + "|".join([*_WORDS, *_PARTS]) + r")\b", _relative),
    Rule(rf"\b(?:(?P<which>{_EN_WHICH})\s)?(?P<weekday>{_WEEKDAY})\b", _weekday),
    Rule(rf"\ba\sweek\s(?:on|from)\s(?P<weekday>{_WEEKDAY})\b", _from_weekday),
    Rule(
        r"\b(?P<which>last|previous|this|next|coming)\s(?P<unit>weekend|week|month|year)\b"
        r"|\b(?:the\s)(?P<bare>weekend)\b",
        lambda match: weekday(5, 6) if match["bare"] else _period(match),
    ),
    Rule(r"\bthe\sweek\s(?P<side>after\snext|before\slast)\b", _other_week),
    Rule(
        rf"\b(?P<month>{_MONTH})\.?\s(?:the\s)?(?P<day>{_DAY})"
        rf"(?:\s?(?:-|–|to|until)\s?(?P<to>{_DAY}))?{_YEAR}\b",
        _month_day,
    ),
    Rule(rf"\b(?:the\s)?(?P<day>{_DAY})(?:\sof)?[\s-](?P<month>{_MONTH})\b\.?{_YEAR}", _day_month),
    Rule(
        rf"\b(?:(?P<which>last|next|this)\s|(?P<stage>early|mid|mid-|late)\s?)?"
        rf"(?P<month>{_MONTH})\b\.?{_YEAR}",
        _month,
    ),
    Rule(
        r"\b(?:the\s)?(?P<side>end|start|beginning|middle)\sof\s(?:(?:the\s)?"
        rf"(?:(?P<which>this|next|last)\s)?(?P<unit>week|month|year)|(?P<month>{_MONTH}))\b",
        _edge,
    ),
    Rule(r"\bthe\s(?P<day>[0-3]?\d(?:st|nd|rd|th))\b", _ordinal),
)
"""Ways to name days in English."""

# A short form is a word of its own (sat, sun, mar, may) and an ordinal counts anything; they are
# days only in company.
_SHORT = re.compile(r"(?:mon|tues?|wed|thurs?|thu|fri|sat|sun)")
_MONTH_ALONE = re.compile(rf"(?:{_MONTH})\.?")
_BEFORE_SHORT = re.compile(r"\b(?:on|by|since|until|till|before|from|to|for|of)\s$")
_BEFORE_MONTH = re.compile(r"\b(?:in|since|until|till|by|during|from|of|to|for|before|after)\s$")
_BEFORE_ORDINAL = re.compile(r"\b(?:on|by|until|till|before|since|from|to|after)\s$")
_AFTER_ORDINAL = re.compile(
    r"$|\W*$|[,.;!?，。！？]|\s(?:of|at|around|in|and|but|please|so|is|was|i|we|it|because|if|or|to"
    r"|this|next|by|from|-|instead)\b"
)
_EVERY = re.compile(r"\b(?:every|each|any|other)\s$")


def stands_for_a_day(words: str, before: str, after: str) -> bool:
    """Tell whether words that name a day mean one here: "sat down", "may I", "the 3rd time".

    Args:
        words: What was found, folded.
        before: Some text before it.
        after: Some text behind it.
    """
    if _EVERY.search(before):
        return False
    if _SHORT.fullmatch(words):
        return _BEFORE_SHORT.search(before) is not None
    if _MONTH_ALONE.fullmatch(words):
        return _BEFORE_MONTH.search(before) is not None
    if words.startswith("the ") and words[-1] in "tdh" and words[4].isdigit():
        return bool(_BEFORE_ORDINAL.search(before) and _AFTER_ORDINAL.match(after))
    return True
