"""Days as words mean them: calendar arithmetic, and which of several days of one name is meant."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.entities.days import (
    DayWords,
    add_months,
    day_of_month,
    days_of,
    fixed,
    month,
    month_day,
    week,
    weekday,
    yearly,
)

TODAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 11, 22), 1, date(2026, 12, 22)),
        (date(2026, 11, 22), 2, date(2027, 1, 22)),
        (date(2026, 11, 22), -11, date(2025, 12, 22)),
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), -12, date(2027, 2, 28)),
    ],
)
def test_months_are_added_as_people_count(day: date, months: int, expected: date) -> None:
    """The last day of a shorter month where it has no such day."""
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    ("start", "first", "last", "expected"),
    [
        (date(2026, 11, 1), 3, None, (date(2026, 11, 3), date(2026, 11, 3))),
        (date(2026, 11, 1), 0, None, (date(2026, 11, 30), date(2026, 11, 30))),
        (date(2026, 11, 1), 21, 31, (date(2026, 11, 21), date(2026, 11, 30))),
        (date(2026, 11, 1), 28, 3, (date(2026, 11, 28), date(2026, 12, 3))),
        (date(2026, 11, 1), 31, None, None),
        (date(2027, 2, 1), 29, None, None),
    ],
)
def test_days_of_a_month(
    start: date, first: int, last: int | None, expected: tuple[date, date] | None
) -> None:
    """Nought is the last one; an end before the start is of the next month."""
    assert days_of(start, first, last) == expected


@pytest.mark.parametrize("words", [month(0, 32), month(0, -1), day_of_month(0), day_of_month(32)])
def test_no_month_has_such_days(words: DayWords | None) -> None:
    """36号 is a size."""
    assert words is None


@given(TODAYS, st.integers(0, 6))
def test_a_day_of_the_week_is_the_next_or_the_one_before(today: date, number: int) -> None:
    """Ahead within the week, today included; in the past within the week, today not."""
    resolve = weekday(number).resolve
    ahead, behind = resolve(today, False), resolve(today, True)
    assert ahead
    assert behind
    assert ahead[0].weekday() == behind[0].weekday() == number
    assert timedelta() <= ahead[0] - today < timedelta(days=7)
    assert timedelta() < today - behind[0] <= timedelta(days=7)


@given(TODAYS)
def test_the_weekend_is_the_one_that_is_not_over(today: date) -> None:
    """On Sunday it is still this one; in the past it lies before today."""
    ahead, behind = weekday(5, 6).resolve(today, False), weekday(5, 6).resolve(today, True)
    assert ahead
    assert behind
    assert (ahead[0].weekday(), ahead[1].weekday()) == (5, 6)
    assert today <= ahead[1] < today + timedelta(days=7)
    assert behind[1] < today


@given(TODAYS, st.integers(-2, 2))
def test_a_calendar_week_runs_from_monday_to_sunday(today: date, offset: int) -> None:
    """So many weeks from the one that holds today."""
    days = week(offset).resolve(today, False)
    assert days
    assert (days[0].weekday(), days[1] - days[0]) == (0, timedelta(days=6))
    assert days[0] <= today + timedelta(weeks=offset) <= days[1]


@given(TODAYS, st.integers(1, 12), st.integers(1, 28))
def test_a_yearly_day_is_the_nearest_or_the_latest(today: date, number: int, day: int) -> None:
    """Within half a year of today; in the past within a year before it."""
    resolve = yearly(month_day(number, day, None)).resolve
    nearest, latest = resolve(today, False), resolve(today, True)
    assert nearest
    assert latest
    assert (nearest[0].month, nearest[0].day) == (number, day)
    assert abs(nearest[0] - today) <= timedelta(days=183)
    assert timedelta() <= today - latest[0] <= timedelta(days=366)


@given(TODAYS, st.integers(1, 31))
def test_a_day_of_the_month_is_near(today: date, number: int) -> None:
    """A 31st may be a month and a half away."""
    words = day_of_month(number)
    assert words
    days = words.resolve(today, False)
    assert days
    assert days[0].day == number
    assert abs(days[0] - today) <= timedelta(days=46)


@given(TODAYS, st.integers(-3, 3))
def test_a_fixed_day_is_so_many_days_away(today: date, offset: int) -> None:
    """大前天 to 大后天."""
    days = fixed(offset).resolve(today, False)
    assert days == (today + timedelta(days=offset), today + timedelta(days=offset))
