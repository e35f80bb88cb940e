"""What was understood, taken apart and added up."""

import pytest

from services.session.understanding import (
    Candidate,
    Entity,
    IntentType,
    Mood,
    Request,
    Understanding,
    Usage,
)
from tests.unit.session.fakes import holding

QUERY, OPERATION = IntentType.QUERY, IntentType.OPERATION


def orders(found: Understanding) -> list[str]:
    """The order numbers of a message."""
    return found.values("order_number")


def test_a_request_has_its_own_values() -> None:
    """What stands in another request belongs to that one."""
    text = "取消SO1，SO2什么时候到"
    found = holding(text, ("取消SO1", "cancel", OPERATION), ("SO2什么时候到", "delivery", QUERY))
    first, second = found.requests
    assert (orders(found.only(first)), orders(found.only(second))) == (["SO1"], ["SO2"])
    assert found.only(second).best == Candidate("delivery", QUERY, 0.9)
    assert found.only(first).requests == ()


def test_the_only_value_of_a_type_is_shared() -> None:
    """Said once and meant for all, wherever it stands; two that nobody can tell apart are not."""
    parts = ("取消", "cancel", OPERATION), ("什么时候退款", "refund", QUERY)
    one = holding("订单SO1，取消，什么时候退款", *parts)
    assert [orders(one.only(each)) for each in one.requests] == [["SO1"], ["SO1"]]
    two = holding("订单SO1和SO2，取消，什么时候退款", *parts)
    assert [orders(two.only(each)) for each in two.requests] == [[], []]


def test_a_type_is_shared_for_itself() -> None:
    """The request has an order number of its own and still gets the message's only phone."""
    text = "取消SO1，SO2什么时候到，电话13800000000"
    found = holding(text, ("取消SO1", "cancel", OPERATION), ("SO2什么时候到", "delivery", QUERY))
    start = text.index("138")
    phone = Entity("phone", "13800000000", "13800000000", start, start + 11)
    both = Understanding(found.best, entities=[*found.entities, phone], requests=found.requests)
    own = both.only(both.requests[0])
    assert [each.value for each in own.entities] == ["SO1", "13800000000"]


@pytest.mark.parametrize(
    ("start", "end", "words"), [(0, 4, "退货 几"), (2, 4, "几"), (9, 12, ""), (3, 3, "")]
)
def test_a_request_says_its_words_without_the_blanks_around_them(
    start: int, end: int, words: str
) -> None:
    """A place beside the text is empty and no failure."""
    assert Request(Candidate("a", QUERY, 1.0), start, end).of("退货 几天") == words


@pytest.mark.parametrize(
    ("mood", "presses"),
    [
        (Mood(), False),
        (Mood(-0.9), False),
        (Mood(-0.9, escalate=True), True),
        (Mood(0.0, urgency=0.39), False),
        (Mood(0.0, urgency=0.4), True),
        (Mood(0.0, urgency=0.0), False),
    ],
)
def test_a_matter_presses_by_anger_or_by_urgency(mood: Mood, presses: bool) -> None:
    """One bad word alone does not."""
    assert mood.presses is presses


def test_costs_are_added_up_and_what_is_not_known_stays_so() -> None:
    """Absent numbers are no zeros."""
    one = Usage(input_tokens=10, price_micros=5, currency_code="CNY", model="m")
    two = Usage(input_tokens=1, output_tokens=2, currency_code="CNY", estimated=True, model="n")
    assert one.plus(two) == Usage(11, 2, None, 5, "CNY", True, "n")
    assert Usage().plus(one) == one == one.plus(Usage())


def test_prices_in_two_currencies_are_not_added() -> None:
    """No sum is better than a wrong one."""
    one = Usage(input_tokens=1, price_micros=5, currency_code="CNY")
    two = Usage(input_tokens=1, price_micros=5, currency_code="USD")
    assert one.plus(two) == Usage(input_tokens=2)
