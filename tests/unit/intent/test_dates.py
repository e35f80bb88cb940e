"""Dates and times relative to a given now become ISO 8601.

Every table is read on Sunday, 22 November 2026, at 10:07:23 in China. Where a statement is about
another day, the test says so.
"""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.alignment import align
from services.intent.entities.dates import find

CHINA = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 22, 10, 7, 23, tzinfo=CHINA)


def values(text: str, now: datetime = NOW) -> list[str]:
    """The dates of a text, in order, without the zone of China, for the eye."""
    return [found.value.replace("+08:00", "") for found in find(align(text).folded, now)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("今天", "2026-11-22"),
        ("明天发货吗", "2026-11-23"),
        ("后天", "2026-11-24"),
        ("大后天", "2026-11-25"),
        ("昨天买的", "2026-11-21"),
        ("前天", "2026-11-20"),
        ("大前天", "2026-11-19"),
        ("明日", "2026-11-23"),
        ("昨兒", "2026-11-21"),
        ("today", "2026-11-22"),
        ("Tomorrow", "2026-11-23"),
        ("tmrw", "2026-11-23"),
        ("yesterday", "2026-11-21"),
        ("the day after tomorrow", "2026-11-24"),
        ("the day before yesterday", "2026-11-20"),
    ],
)
def test_days_beside_today(text: str, value: str) -> None:
    """Up to three days on either side."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("上周五买的", "2026-11-13"),
        ("上週五", "2026-11-13"),
        ("上星期五", "2026-11-13"),
        ("上个礼拜天", "2026-11-15"),
        ("上上周三", "2026-11-04"),
        ("这周五", "2026-11-20"),
        ("本周一", "2026-11-16"),
        ("下周二", "2026-11-24"),
        ("下下周一", "2026-11-30"),
        ("last Friday", "2026-11-20"),
        ("last Sunday", "2026-11-15"),
        ("next Tuesday", "2026-11-24"),
        ("next Friday", "2026-11-27"),
        ("this Friday", "2026-11-27"),
        ("this coming Wednesday", "2026-11-25"),
        ("a week from Friday", "2026-12-04"),
    ],
)
def test_days_of_a_named_week(text: str, value: str) -> None:
    """上 and 下 are calendar weeks from Monday; "last" is the latest before today."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("周五", "2026-11-27"),
        ("周五送到", "2026-11-27"),
        ("周日", "2026-11-22"),
        ("星期天", "2026-11-22"),
        ("礼拜三", "2026-11-25"),
        ("Friday", "2026-11-27"),
        ("deliver on Friday please", "2026-11-27"),
        ("will it be delivered on Friday", "2026-11-27"),
        ("on Sat", "2026-11-28"),
        ("周五买的", "2026-11-20"),
        ("周五下的单", "2026-11-20"),
        ("周五就申请了", "2026-11-20"),
        ("周五的订单", "2026-11-20"),
        ("I ordered it on Friday", "2026-11-20"),
        ("it arrived Friday", "2026-11-20"),
        ("on Friday I bought a mug", "2026-11-20"),
    ],
)
def test_a_day_of_the_week_alone_lies_ahead_unless_the_words_speak_of_the_past(
    text: str, value: str
) -> None:
    """Today counts as ahead."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-20", "2026-11-20"),
        ("2026/11/20", "2026-11-20"),
        ("2026.11.20", "2026-11-20"),
        ("2026年11月20日", "2026-11-20"),
        ("26年11月20日", "2026-11-20"),
        ("二〇二六年十一月二十日", "2026-11-20"),
        ("11月20日下单", "2026-11-20"),
        ("11月20号", "2026-11-20"),
        ("１１月２０日", "2026-11-20"),
        ("十一月二十", "2026-11-20"),
        ("11/20", "2026-11-20"),
        ("11/20/2026", "2026-11-20"),
        ("25/12", "2026-12-25"),
        ("去年11月20日", "2025-11-20"),
        ("明年3月5号", "2027-03-05"),
        ("1月5日", "2027-01-05"),
        ("6月18日", "2026-06-18"),
        ("2月29日", "2028-02-29"),
        ("下个月3号能到吗", "2026-12-03"),
        ("上个月25号", "2026-10-25"),
        ("25号能到吗", "2026-11-25"),
        ("20号买的", "2026-11-20"),
        ("3号", "2026-12-03"),
        ("3号付的款", "2026-11-03"),
        ("Nov 20th", "2026-11-20"),
        ("November 20, 2026", "2026-11-20"),
        ("20 Nov 2026", "2026-11-20"),
        ("the 20th of November", "2026-11-20"),
        ("on the 3rd", "2026-12-03"),
        ("by the 25th please", "2026-11-25"),
        ("Friday, Nov 20th", "2026-11-20"),
        ("11月20日周五", "2026-11-20"),
        ("11月20日（周五）", "2026-11-20"),
        ("今天周日", "2026-11-22"),
    ],
)
def test_dates_of_the_calendar(text: str, value: str) -> None:
    """Without a year the nearest such day; the month comes first where both orders fit."""
    assert values(text)[0] == value
    assert len(values(text)) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("本周", "2026-11-16/2026-11-22"),
        ("这周", "2026-11-16/2026-11-22"),
        ("上周", "2026-11-09/2026-11-15"),
        ("下个星期", "2026-11-23/2026-11-29"),
        ("周末", "2026-11-21/2026-11-22"),
        ("下周末", "2026-11-28/2026-11-29"),
        ("上个月", "2026-10-01/2026-10-31"),
        ("这个月", "2026-11-01/2026-11-30"),
        ("11月", "2026-11-01/2026-11-30"),
        ("11月中旬", "2026-11-11/2026-11-20"),
        ("下个月上旬", "2026-12-01/2026-12-10"),
        ("去年11月", "2025-11-01/2025-11-30"),
        ("今年", "2026-01-01/2026-12-31"),
        ("2026年", "2026-01-01/2026-12-31"),
        ("明年上半年", "2027-01-01/2027-06-30"),
        ("下半年", "2026-07-01/2026-12-31"),
        ("last week", "2026-11-09/2026-11-15"),
        ("next week", "2026-11-23/2026-11-29"),
        ("this weekend", "2026-11-21/2026-11-22"),
        ("next month", "2026-12-01/2026-12-31"),
        ("last year", "2025-01-01/2025-12-31"),
        ("in May", "2027-05-01/2027-05-31"),
        ("last November", "2025-11-01/2025-11-30"),
        ("early November", "2026-11-01/2026-11-10"),
        ("November 2025", "2025-11-01/2025-11-30"),
    ],
)
def test_weeks_months_and_years_are_runs_of_days(text: str, value: str) -> None:
    """First and last day, both inclusive; weeks begin on Monday."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("月底", "2026-11-30"),
        ("月初", "2026-11-01"),
        ("上个月底", "2026-10-31"),
        ("11月底", "2026-11-30"),
        ("年底", "2026-12-31"),
        ("明年初", "2027-01-01"),
        ("the end of the month", "2026-11-30"),
        ("end of month", "2026-11-30"),
        ("the end of next month", "2026-12-31"),
        ("end of November", "2026-11-30"),
        ("the beginning of the year", "2026-01-01"),
        ("the end of the week", "2026-11-22"),
    ],
)
def test_the_ends_of_months_and_years_are_days(text: str, value: str) -> None:
    """A program wants a day, and the last is what 月底 promises."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三天前", "2026-11-19"),
        ("三天之前", "2026-11-19"),
        ("三天后", "2026-11-25"),
        ("7日后", "2026-11-29"),
        ("两周前", "2026-11-08"),
        ("一个月以前", "2026-10-22"),
        ("两个月后", "2027-01-22"),
        ("一年前", "2025-11-22"),
        ("再过三天", "2026-11-25"),
        ("两三天前", "2026-11-19/2026-11-20"),
        ("半小时后", "2026-11-22T10:37:23"),
        ("两个小时前", "2026-11-22T08:07:23"),
        ("in two days", "2026-11-24"),
        ("three weeks ago", "2026-11-01"),
        ("a week ago", "2026-11-15"),
        ("two days later", "2026-11-24"),
        ("five days from now", "2026-11-27"),
        ("in half an hour", "2026-11-22T10:37:23"),
        ("an hour ago", "2026-11-22T09:07:23"),
        ("two and a half hours ago", "2026-11-22T07:37:23"),
    ],
)
def test_lengths_from_now(text: str, value: str) -> None:
    """Days and longer give a day, hours and shorter a moment."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "每周五",
        "every Friday",
        "一周五天",
        "三周一次",
        "3号楼",
        "文三路8号",
        "5号电池",
        "36号",
        "1号链接",
        "第三天",
        "前两天",
        "三天",
        "30天无理由",
        "13月",
        "2月30日",
        "2026-13-40",
        "24/7",
        "1/2/3/4",
        "11.20",
        "3.5",
        "早上好",
        "下午",
        "good morning",
        "good night",
        "一点",
        "有一点贵",
        "两点",
        "我有三点疑问",
        "五点建议",
        "25:00",
        "13pm",
        "at 72 pm",
        "订单618",
        "may I",
        "sat down",
        "the sun",
        "march on",
        "the 3rd time",
        "the 2nd item",
        "within two days",
        "三个",
        "下周年庆",
        "三月卡",
        "at 3",
        "第二天",
        "三年级",
    ],
)
def test_look_alikes_are_no_dates(text: str) -> None:
    """Recurring days, house numbers, sizes, greetings, lengths, words that only look like days."""
    assert values(text) == []


@pytest.mark.parametrize(
    ("now", "text", "value"),
    [
        ("2026-11-23T09:00", "周五", "2026-11-27"),
        ("2026-11-23T09:00", "next Tuesday", "2026-12-01"),
        ("2026-11-27T09:00", "周五", "2026-11-27"),
        ("2026-11-27T09:00", "周五买的", "2026-11-20"),
        ("2026-11-25T09:00", "周末", "2026-11-28/2026-11-29"),
        ("2026-11-25T09:00", "this Friday", "2026-11-27"),
        ("2026-11-25T09:00", "last Monday", "2026-11-23"),
        ("2027-01-02T09:00", "12月30日", "2026-12-30"),
        ("2027-01-02T09:00", "双十二", "2026-12-12"),
        ("2027-01-31T09:00", "一个月后", "2027-02-28"),
        ("2028-02-29T09:00", "一年前", "2027-02-28"),
        ("2027-01-31T09:00", "下个月底", "2027-02-28"),
        ("2026-12-31T23:30", "明天", "2027-01-01"),
        ("2026-03-15T09:00", "春节", "2026-02-17"),
        ("2060-03-15T09:00", "春节", ""),
    ],
)
def test_other_days_have_other_neighbours(now: str, text: str, value: str) -> None:
    """Year's ends, short months, and lunar holidays beyond the table, which are nothing."""
    moment = datetime.fromisoformat(now).replace(tzinfo=CHINA)
    assert values(text, moment) == ([value] if value else [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("明天回复我", "2026-11-23"),
        ("明天转账给你", "2026-11-23"),
        ("周五转账", "2026-11-27"),
        ("周五回家收", "2026-11-27"),
        ("25号客服说的", "2026-11-25"),
        ("11月20号车送到", "2026-11-20"),
        ("我昨天刚买的", "2026-11-21"),
        ("三天前买的三件", "2026-11-19"),
        ("都三天前的事了", "2026-11-19"),
        ("订单SO20260001昨天发的", "2026-11-21"),
        ("请在11月25日前送到", "2026-11-25"),
        ("i want it before friday", "2026-11-27"),
        ("by Friday, or I cancel", "2026-11-27"),
        ("what about tomorrow?", "2026-11-23"),
    ],
)
def test_what_follows_does_not_hide_a_date(text: str, value: str) -> None:
    """The guards against look-alikes are narrow."""
    assert values(text) == [value]


def test_several_dates_are_found_in_order() -> None:
    """As where a customer tells the story of a parcel."""
    assert values("11月11日下的单，昨天才发货，说后天下午到") == [
        "2026-11-11",
        "2026-11-21",
        "2026-11-24T12:00:00/2026-11-24T18:00:00",
    ]


_WORDS = (
    "上 下 个 周 五 末 月 3 号 日 年 底 点 半 前 后 天 明 昨 晚 到 - / : 11 20"
    " last next friday at pm nov th in two days ago the end of"
    " 0 / 32 34 99 2026 99999999 周前 分钟前 weeks ago 天后 个月后"
)


@given(
    st.lists(st.sampled_from([*_WORDS.split(), " "]), max_size=14).map("".join),
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)),
)
def test_whatever_the_words_and_the_day_a_value_is_iso_8601(text: str, day: datetime) -> None:
    """Every value is read back by the standard library, and intervals do not run backwards."""
    folded = align(text).folded
    end = 0
    for found in find(folded, day.replace(tzinfo=CHINA)):
        assert end <= found.start < found.end <= len(folded)
        end = found.end
        moments = [datetime.fromisoformat(each) for each in found.value.split("/")]
        assert moments == sorted(moments)
