"""Lengths of time become ISO 8601 durations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.alignment import align
from services.intent.entities.durations import Length, find, read_lengths


def values(text: str) -> list[str]:
    """The durations of a text, in order."""
    return [found.value for found in find(align(text).folded)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("三天", "P3D"),
        ("等了三天了", "P3D"),
        ("7天", "P7D"),
        ("一百零五天", "P105D"),
        ("30天无理由", "P30D"),
        ("七日无理由退货", "P7D"),
        ("7日内", "P7D"),
        ("15天以内", "P15D"),
        ("提前三天", "P3D"),
        ("近7天", "P7D"),
        ("超过三天", "P3D"),
        ("两周", "P2W"),
        ("三个星期", "P3W"),
        ("一個禮拜", "P1W"),
        ("三个月", "P3M"),
        ("半个月", "P15D"),
        ("半年", "P6M"),
        ("3年保修", "P3Y"),
        ("一年半", "P1Y6M"),
        ("一年零三个月", "P1Y3M"),
        ("半小时", "PT30M"),
        ("半个小时", "PT30M"),
        ("一刻钟", "PT15M"),
        ("两个半小时", "PT2H30M"),
        ("1.5小时", "PT1H30M"),
        ("72小時", "PT72H"),
        ("1小时30分钟", "PT1H30M"),
        ("2天3小时", "P2DT3H"),
        ("90分钟", "PT1H30M"),
        ("三十秒", "PT30S"),
        ("一个钟头", "PT1H"),
    ],
)
def test_chinese_lengths_are_read(text: str, value: str) -> None:
    """Halves, compounds, figures and words, also where 日 stands for 天."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("24 hours", "PT24H"),
        ("24h", "PT24H"),
        ("1h 30m", "PT1H30M"),
        ("90 mins", "PT1H30M"),
        ("half an hour", "PT30M"),
        ("a half hour", "PT30M"),
        ("an hour and a half", "PT1H30M"),
        ("a quarter of an hour", "PT15M"),
        ("two and a half hours", "PT2H30M"),
        ("twenty-five minutes", "PT25M"),
        ("three days", "P3D"),
        ("a couple of days", "P2D"),
        ("30-day return policy", "P30D"),
        ("waited 3 weeks already", "P3W"),
        ("for a week", "P1W"),
        ("2.5 weeks", "P17DT12H"),
        ("six months", "P6M"),
        ("half a year", "P6M"),
        ("2 years and 3 months", "P2Y3M"),
        ("2-year warranty", "P2Y"),
    ],
)
def test_english_lengths_are_read(text: str, value: str) -> None:
    """In figures, in words, and with the half before or behind the unit."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3-5天", "P3D/P5D"),
        ("3到5天", "P3D/P5D"),
        ("三至五天", "P3D/P5D"),
        ("两三天", "P2D/P3D"),
        ("三五分钟", "PT3M/PT5M"),
        ("1~2个小时", "PT1H/PT2H"),
        ("3 to 5 days", "P3D/P5D"),
        ("3-5 days", "P3D/P5D"),
        ("two or three weeks", "P2W/P3W"),
    ],
)
def test_a_length_between_two_has_both_bounds(text: str, value: str) -> None:
    """The shorter first, as with dates."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "第三天",
        "第2周",
        "一年级",
        "两周年庆",
        "三周岁",
        "几天",
        "哪一天",
        "下半年",
        "十几天",
        "好几天",
        "前两天",
        "这两天",
        "每三天",
        "一个多月",
        "三天两头",
        "3月",
        "11月7日",
        "2026年",
        "26年",
        "五点",
        "十分满意",
        "7x24小时",
        "24/7",
        "0天",
        "三到五个工作日",
        "3 business days",
        "twice a day",
        "an order a week",
        "5 o'clock",
        "the 3rd day",
        "day 2",
        "5 minus 2",
    ],
)
def test_look_alikes_are_no_lengths(text: str) -> None:
    """Ordinals, vague ones, dates, working days (their length nobody knows), "twice a day"."""
    assert values(text) == []


@pytest.mark.parametrize("text", ["三天前", "三天后", "两个小时之前", "3日后"])
def test_a_length_inside_a_date_is_still_seen_here(text: str) -> None:
    """The extractor prefers the longer date; here only 3日后 is left to the dates entirely."""
    assert len(values(text)) == (0 if "日" in text else 1)


@pytest.mark.parametrize(
    ("length", "iso"),
    [
        (Length(days=3), "P3D"),
        (Length(weeks=2), "P2W"),
        (Length(weeks=1, days=1), "P8D"),
        (Length(months=18), "P1Y6M"),
        (Length(seconds=5_400), "PT1H30M"),
        (Length(months=1, days=2, seconds=3), "P1M2DT3S"),
    ],
)
def test_a_length_is_written_as_iso_8601_says(length: Length, iso: str) -> None:
    """Weeks only where nothing else is there."""
    assert length.iso() == iso


def test_lengths_add_part_by_part() -> None:
    """A month stays a month, however many days it may have."""
    assert Length(months=1, days=2) + Length(days=3, seconds=4) == Length(1, 0, 5, 4)


def test_bounds_in_the_wrong_order_are_nothing() -> None:
    """Five to three days is a slip of which nobody knows what was meant."""
    assert read_lengths("5-3天") == ()


@given(st.integers(1, 1_200), st.sampled_from([("天", "D"), ("days", "D"), ("个月", "M")]))
def test_any_whole_number_of_days_or_months_is_read(number: int, unit: tuple[str, str]) -> None:
    """A year's worth of months is written as years."""
    word, letter = unit
    [value] = values(f"等{number}{word}")
    assert value == f"P{number}D" if letter == "D" else value.startswith("P")


@pytest.mark.parametrize(
    "text", ["等36601天", "等1201个月", "等99999999周", "wait 999999999999 hours"]
)
def test_more_than_a_hundred_years_is_no_length(text: str) -> None:
    """Nobody waits that long; it is a slip or a jest."""
    assert values(text) == []


@given(
    st.text(
        alphabet="0123456789-~. 一二三两半年月周天日时小个钟分到前后内hours days and", max_size=40
    )
)
def test_whatever_the_text_a_found_range_holds_a_duration(text: str) -> None:
    """A range inside the text and a value that begins with P."""
    folded = align(text).folded
    for found in find(folded):
        assert 0 <= found.start < found.end <= len(folded)
        assert all(each.startswith("P") and len(each) > 2 for each in found.value.split("/"))
