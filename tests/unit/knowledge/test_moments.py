"""Days and moments are read as owners write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.knowledge.moments import moment_of

FIRST = datetime(2026, 1, 31, tzinfo=UTC)
LAST = datetime(2026, 1, 31, 23, 59, 59, 999_999, UTC)


@pytest.mark.parametrize(
    "day", ["2026-01-31", "2026/1/31", "2026年1月31日", "2026.01.31", "20260131", " 2026-1-31 "]
)
def test_a_day_has_a_first_and_a_last_moment(day: str) -> None:
    """What holds until a day still holds on it."""
    assert (moment_of(day, last=False), moment_of(day, last=True)) == (FIRST, LAST)


@pytest.mark.parametrize("last", [True, False])
def test_a_moment_is_what_it_is(last: bool) -> None:
    """In its zone, or UTC where it names none."""
    there = timezone(timedelta(hours=8))
    assert moment_of("2026-01-31T18:00+08:00", last) == datetime(2026, 1, 31, 18, tzinfo=there)
    assert moment_of("2026-01-31 18:00", last) == datetime(2026, 1, 31, 18, tzinfo=UTC)


def test_nothing_is_no_moment() -> None:
    """An empty cell says nothing."""
    assert moment_of("  ", last=False) is None


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "2026年2月30日", "31/1/2026", "2026-1"])
def test_anything_else_is_refused(text: str) -> None:
    """Whoever reads it says so to the owner."""
    with pytest.raises(ValueError):
        moment_of(text, last=False)
