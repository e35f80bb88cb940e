"""Times, parts of the day and intervals become ISO 8601 date-times.

Every table is read on Sunday, 22 November 2026, at 10:07:23 in China, whose offset is left out.
"""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from services.intent.alignment import align
from services.intent.entities.clocks import PARTS, Clock, hour_of_day, read_clock, read_part
from services.intent.entities.dates import find

NOW = datetime(2026, 11, 22, 10, 7, 23, tzinfo=timezone(timedelta(hours=8)))


def values(text: str, now: datetime = NOW) -> list[str]:
    """The dates of a text, in order, without the zone of China, for the eye."""
    return [found.value.replace("+08:00", "") for found in find(align(text).folded, now)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("大后天下午三点", "2026-11-25T15:00:00"),
        ("昨晚八点半下的单", "2026-11-21T20:30:00"),
        ("明天上午10点", "2026-11-23T10:00:00"),
        ("明天的下午3点半", "2026-11-23T15:30:00"),
        ("明天三点", "2026-11-23T15:00:00"),
        ("明早8点", "2026-11-23T08:00:00"),
        ("今晚12点", "2026-11-23T00:00:00"),
        ("中午12点", "2026-11-22T12:00:00"),
        ("中午1点", "2026-11-22T13:00:00"),
        ("凌晨两点", "2026-11-22T02:00:00"),
        ("晚上八点", "2026-11-22T20:00:00"),
        ("早8点", "2026-11-22T08:00:00"),
        ("周五晚8点", "2026-11-27T20:00:00"),
        ("十点半", "2026-11-22T10:30:00"),
        ("三点一刻", "2026-11-22T15:15:00"),
        ("8点20", "2026-11-22T08:20:00"),
        ("十二点二十", "2026-11-22T12:20:00"),
        ("11月11日零点", "2026-11-11T00:00:00"),
        ("2026年11月20日下午3点半", "2026-11-20T15:30:00"),
        ("2026-11-20 15:00", "2026-11-20T15:00:00"),
        ("2026-11-20T15:00:30", "2026-11-20T15:00:30"),
        ("15:30", "2026-11-22T15:30:00"),
        ("next Tuesday at 3pm", "2026-11-24T15:00:00"),
        ("3:30 p.m. on Friday", "2026-11-27T15:30:00"),
        ("3pm", "2026-11-22T15:00:00"),
        ("12am tomorrow", "2026-11-23T00:00:00"),
        ("tomorrow at 3", "2026-11-23T15:00:00"),
        ("noon tomorrow", "2026-11-23T12:00:00"),
        ("at 8 in the evening", "2026-11-22T20:00:00"),
        ("half past three tomorrow", "2026-11-23T15:30:00"),
        ("a quarter to nine", "2026-11-22T08:45:00"),
        ("7 o'clock", "2026-11-22T07:00:00"),
    ],
)
def test_times_join_the_day_and_the_part_of_the_day_beside_them(text: str, value: str) -> None:
    """In any order; an hour from one to six that says no more is after noon."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("今天下午", "2026-11-22T12:00:00", "2026-11-22T18:00:00"),
        ("明天早上", "2026-11-23T06:00:00", "2026-11-23T12:00:00"),
        ("今晚", "2026-11-22T18:00:00", "2026-11-23T00:00:00"),
        ("昨夜", "2026-11-21T18:00:00", "2026-11-22T00:00:00"),
        ("tomorrow morning", "2026-11-23T06:00:00", "2026-11-23T12:00:00"),
        ("last night", "2026-11-21T18:00:00", "2026-11-22T00:00:00"),
        ("this afternoon", "2026-11-22T12:00:00", "2026-11-22T18:00:00"),
        ("Friday evening", "2026-11-27T18:00:00", "2026-11-28T00:00:00"),
        ("明天下午3点到5点", "2026-11-23T15:00:00", "2026-11-23T17:00:00"),
        ("tomorrow from 9am to 11am", "2026-11-23T09:00:00", "2026-11-23T11:00:00"),
        ("周一到周五", "2026-11-23", "2026-11-27"),
        ("下周一至下周三", "2026-11-23", "2026-11-25"),
        ("上周一到周三", "2026-11-09", "2026-11-11"),
        ("11月20日到25日", "2026-11-20", "2026-11-25"),
        ("11月20日-11月25日", "2026-11-20", "2026-11-25"),
        ("11月28日到3日", "2026-11-28", "2026-12-03"),
        ("25号到12号", "2026-11-25", "2026-12-12"),
        ("Nov 20-25", "2026-11-20", "2026-11-25"),
        ("from January to August", "2027-01-01", "2027-08-31"),
        ("Monday to Friday", "2026-11-23", "2026-11-27"),
    ],
)
def test_intervals_have_a_start_and_an_end(text: str, start: str, end: str) -> None:
    """Parts of the day last some hours; what the end leaves out it takes from the start."""
    assert values(text) == [f"{start}/{end}"]


def test_the_day_is_that_of_the_customers_zone() -> None:
    """One moment is Sunday in Shanghai and still Saturday in New York."""
    moment = NOW.astimezone(ZoneInfo("America/New_York"))
    assert values("today", moment) == ["2026-11-21"]
    assert values("tomorrow at 3pm", moment) == ["2026-11-22T15:00:00-05:00"]


def test_an_hour_lasts_an_hour_where_the_clocks_change() -> None:
    """On 1 November 2026 New York has the hour from one to two twice."""
    moment = datetime(2026, 11, 1, 0, 30, tzinfo=ZoneInfo("America/New_York"))
    assert values("in two hours", moment) == ["2026-11-01T01:30:00-05:00"]


@pytest.mark.parametrize(
    ("words", "clock"),
    [
        ("三点半", Clock(3, 30)),
        ("三点", Clock(3, certain=False)),
        ("3点", Clock(3)),
        ("三点三刻", Clock(3, 45)),
        ("十点零五分", Clock(10, 5)),
        ("十点五分", Clock(10, 5)),
        ("20时", Clock(20)),
        ("早8点", Clock(8, part="morning")),
        ("15:30", Clock(15, 30, half="24")),
        ("3:30", Clock(3, 30)),
        ("03:30", Clock(3, 30, half="24")),
        ("3:30 p.m.", Clock(3, 30, half="pm")),
        ("12am", Clock(12, half="am")),
        ("noon", Clock(12, half="24")),
        ("midnight", Clock(24, half="24")),
        ("half past three", Clock(3, 30)),
        ("a quarter to nine", Clock(8, 45)),
        ("quarter to one", Clock(12, 45)),
        ("seven o'clock", Clock(7)),
        ("at 3", Clock(3, certain=False)),
        ("25:00", None),
        ("12:60", None),
        ("13pm", None),
        ("0am", None),
        ("五十点", None),
        ("下午", None),
    ],
)
def test_what_a_clock_shows_is_read(words: str, clock: Clock | None) -> None:
    """As it is said; what no clock shows is nothing."""
    assert read_clock(words) == clock


@pytest.mark.parametrize(
    ("clock", "part", "hour"),
    [
        (Clock(3), "", 15),
        (Clock(6), "", 18),
        (Clock(7), "", 7),
        (Clock(12), "", 12),
        (Clock(0), "", 0),
        (Clock(3), "morning", 3),
        (Clock(3), "dawn", 3),
        (Clock(12), "dawn", 0),
        (Clock(1), "noon", 13),
        (Clock(11), "noon", 11),
        (Clock(12), "afternoon", 12),
        (Clock(3), "afternoon", 15),
        (Clock(8), "evening", 20),
        (Clock(12), "evening", 24),
        (Clock(2), "evening", 26),
        (Clock(20), "evening", 20),
        (Clock(12, half="am"), "", 0),
        (Clock(12, half="pm"), "", 12),
        (Clock(3, half="24"), "", 3),
        (Clock(8, part="morning"), "", 8),
    ],
)
def test_the_part_of_the_day_decides_the_hour(clock: Clock, part: str, hour: int) -> None:
    """From 24 on it is of the next day: 今晚12点, 今晚两点."""
    assert hour_of_day(clock, part) == hour


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("凌晨", "dawn"),
        ("上午", "morning"),
        ("傍晚", "evening"),
        ("in the afternoon", "afternoon"),
        ("at night", "evening"),
        ("pm", ""),
    ],
)
def test_parts_of_the_day_are_read(words: str, part: str) -> None:
    """Each is a key of the table that says its hours."""
    assert read_part(words) == part
    assert not part or part in PARTS
