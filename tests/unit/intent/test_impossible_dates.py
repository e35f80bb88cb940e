"""Numbers that no calendar has: sizes that look like dates, lengths that lead beyond all years."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.intent.test_dates import CHINA, values


@pytest.mark.parametrize(
    "text",
    ["尺码32/34有货吗", "jeans 32/34", "50/50", "70/30", "99/1", "32/12/26", "13/13", "0/0/26"],
)
def test_two_numbers_that_no_calendar_has_are_no_date(text: str) -> None:
    """Sizes and shares are written with a stroke too."""
    assert values(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "99999999天后发货",
        "100000个月后",
        "in 999999999999 weeks",
        "1000000周前",
        "99999999999分钟前",
        "101 years ago",
    ],
)
def test_a_length_beyond_a_lifetime_leads_to_no_date(text: str) -> None:
    """No calendar goes that far; a jest must not break the answer."""
    assert values(text) == []
    assert values("1200个月后") == ["2126-11-22"]


@given(
    st.integers(1, 10**12),
    st.sampled_from(
        ["天后", "天前", "周前", "个月后", "年前", "分钟前", " weeks ago", " hours ago"]
    ),
    st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31)),
)
def test_any_number_of_any_unit_leads_to_a_date_or_to_none(
    number: int, unit: str, now: datetime
) -> None:
    """From any moment that the contract allows."""
    found = values(f"{number}{unit}", now.replace(tzinfo=CHINA))
    assert len(found) <= 1
    assert all(datetime.fromisoformat(each) for value in found for each in value.split("/"))
