"""Days and runs of days as words mean them, before it is known what day today is."""

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

Days = tuple[date, date]
"""First and last day, both inclusive."""

Resolver = Callable[[date, bool], Days | None]
"""Given today and whether the words speak of the past, the days that are meant."""

_ONE_DAY = timedelta(days=1)
_MONTHS_TRIED = range(-2, 3)

# A year is nearer than the other by half a year at most; eight covers 29 February.
_YEARS_TRIED = (0, 1, -1, 2, -2, 3, -3, 4, -4, 8, -8)


@dataclass(frozen=True, slots=True)
class DayWords:
    """What words about days say."""

    resolve: Resolver
    """Finds the days."""
    floating: bool = False
    """Several days bear the name (周五, 11月20日), so that the context decides which is meant."""
    weekday: bool = False
    """A day of the week without more, which may stand beside the date itself: 11月20日周五."""
    part: str = ""
    """The part of the day that the words name too (今晚), see `clocks.PARTS`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to speak of days: a pattern for RE2 as well as `re`, and what its groups mean."""

    pattern: str
    """Over folded text; bounded, with named groups."""
    read: Callable[[re.Match[str]], DayWords | None]
    """Reads a full match; None where it is no date after all (13月)."""


def fixed(offset: int) -> DayWords:
    """A day so many days from today, such as 后天 with 2."""

    def resolve(today: date, past: bool) -> Days | None:
        day = today + timedelta(days=offset)
        return day, day

    return DayWords(resolve)


def exactly(first: date, last: date | None = None) -> DayWords:
    """Days of which the year is said."""
    return DayWords(lambda today, past: (first, last or first))


def week(offset: int, first: int = 0, last: int = 6) -> DayWords:
    """Days of the calendar week so many weeks from this one; 0 is Monday, 6 Sunday."""

    def resolve(today: date, past: bool) -> Days | None:
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=offset)
        return monday + timedelta(days=first), monday + timedelta(days=last)

    return DayWords(resolve)


def weekday(number: int, last: int | None = None) -> DayWords:
    """A day of the week without more: the next one, today included; the one before if past.

    With `last` a run of days up to it, for the weekend: the one that is not over yet.
    """
    length = timedelta(days=0 if last is None else last - number)

    def resolve(today: date, past: bool) -> Days | None:
        if past:
            first = today - length - _ONE_DAY
            first -= timedelta(days=(first.weekday() - number) % 7)
        else:
            first = today - length + timedelta(days=(number - (today - length).weekday()) % 7)
        return first, first + length

    return DayWords(resolve, floating=True, weekday=last is None)


def month(offset: int, first: int = 1, last: int | None = None) -> DayWords | None:
    """Days of the month so many months from this one; `last` None: only `first`; 31: to its end.

    `first` 0 is the last day of the month.
    """
    if not 0 <= first <= 31:
        return None

    def resolve(today: date, past: bool) -> Days | None:
        return days_of(add_months(today.replace(day=1), offset), first, last)

    return DayWords(resolve)


def day_of_month(number: int) -> DayWords | None:
    """A day of a month that is not said: the nearest such day; the last one if past."""
    if not 1 <= number <= 31:
        return None

    def resolve(today: date, past: bool) -> Days | None:
        start = today.replace(day=1)
        months = (add_months(start, offset) for offset in _MONTHS_TRIED)
        return _nearest([days_of(each, number, None) for each in months], today, past)

    return DayWords(resolve, floating=True)


def yearly(of_year: Callable[[int], Days | None]) -> DayWords:
    """Days that come every year, in the nearest year; the last ones if past."""

    def resolve(today: date, past: bool) -> Days | None:
        return _nearest([of_year(today.year + each) for each in _YEARS_TRIED], today, past)

    return DayWords(resolve, floating=True)


def yearly_from(offset: int, of_year: Callable[[int], Days | None]) -> DayWords:
    """Days of the year so many years from this one: 去年国庆."""
    return DayWords(lambda today, past: of_year(today.year + offset))


def month_day(month_number: int, first: int, last: int | None) -> Callable[[int], Days | None]:
    """Days of a month of any year; `last` None: only `first`; 31: to the month's end."""

    def of_year(year: int) -> Days | None:
        if not 1 <= month_number <= 12 or not 1 <= year <= 9_998:
            return None
        return days_of(date(year, month_number, 1), first, last)

    return of_year


def days_of(start: date, first: int, last: int | None) -> Days | None:
    """Days of the month that begins with `start`; None where it has no such day.

    `first` 0 is the last day of the month, a `last` before `first` one of the next.
    """
    length = monthrange(start.year, start.month)[1]
    if first > length:
        return None
    begin = start.replace(day=first or length)
    if last is None:
        return begin, begin
    # Both are the first of a month.
    end = start if first <= last else add_months(start, 1)
    return begin, end.replace(day=min(last, monthrange(end.year, end.month)[1]))


def add_months(day: date, months: int) -> date:
    """Go some months on or back; the last day of a shorter month where it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, number = divmod(index, 12)
    return date(year, number + 1, min(day.day, monthrange(year, number + 1)[1]))


def _nearest(candidates: Sequence[Days | None], today: date, past: bool) -> Days | None:
    found = [each for each in candidates if each and not (past and each[0] > today)]
    # Of two equally near the one to come.
    return min(found, key=lambda each: (_distance(each, today), each[0] < today), default=None)


def _distance(days: Days, today: date) -> timedelta:
    return max(days[0] - today, today - days[1], timedelta())
