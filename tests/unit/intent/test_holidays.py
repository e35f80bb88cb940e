"""Holidays and shopping festivals by name, seen on Sunday, 22 November 2026."""

from datetime import date, datetime, timedelta, timezone

import pytest

from services.intent.alignment import align
from services.intent.entities.dates import find

NOW = datetime(2026, 11, 22, 10, 7, 23, tzinfo=timezone(timedelta(hours=8)))


def values(text: str) -> list[str]:
    """The dates of a text, in order."""
    return [found.value for found in find(align(text).folded, NOW)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("双十一", "2026-11-11"),
        ("双11买的", "2026-11-11"),
        ("今年双十一", "2026-11-11"),
        ("双十二", "2026-12-12"),
        ("618大促", "2026-06-18"),
        ("国庆", "2026-10-01"),
        ("國慶節", "2026-10-01"),
        ("去年国庆", "2025-10-01"),
        ("国庆期间", "2026-10-01/2026-10-07"),
        ("国庆假期发货吗", "2026-10-01/2026-10-07"),
        ("五一假期", "2027-05-01/2027-05-05"),
        ("元旦", "2027-01-01"),
        ("春节", "2027-02-06"),
        ("除夕", "2027-02-05"),
        ("清明", "2027-04-05"),
        ("中秋节", "2026-09-25"),
        ("端午", "2026-06-19"),
        ("圣诞节", "2026-12-25"),
        ("平安夜", "2026-12-24"),
        ("Christmas", "2026-12-25"),
        ("Christmas Eve", "2026-12-24"),
        ("Black Friday", "2026-11-27"),
        ("last Christmas", "2025-12-25"),
        ("Chinese New Year", "2027-02-06"),
        ("Singles' Day", "2026-11-11"),
        ("Valentine's Day", "2027-02-14"),
    ],
)
def test_holidays_and_shopping_festivals(text: str, value: str) -> None:
    """The nearest; with 期间 or 假期 the days off, otherwise the first day."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("2024年春节", date(2024, 2, 10)),
        ("2025年春节", date(2025, 1, 29)),
        ("2026年除夕", date(2026, 2, 16)),
        ("2026年元宵节", date(2026, 3, 3)),
        ("2025年端午节", date(2025, 5, 31)),
        ("2026年中秋", date(2026, 9, 25)),
        ("2026年七夕", date(2026, 8, 19)),
        ("2025年重阳", date(2025, 10, 29)),
        ("2024年清明", date(2024, 4, 4)),
        ("2027年清明", date(2027, 4, 5)),
        ("2025年感恩节", date(2025, 11, 27)),
        ("2025年黑五", date(2025, 11, 28)),
        ("2026年黑五", date(2026, 11, 27)),
        ("2026年双十一", date(2026, 11, 11)),
    ],
)
def test_holidays_that_move_are_those_of_the_calendar(words: str, day: date) -> None:
    """Lunar ones from the table, others by their rule."""
    assert values(words) == [day.isoformat()]
