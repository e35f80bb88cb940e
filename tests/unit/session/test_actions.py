"""The words with which an action asks and confirms."""

from dataclasses import replace

import pytest

from services.session.actions import Localized
from tests.unit.session.fakes import ADDRESS, CANCEL, LOOKUP


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (Localized("是", "yes"), "是", "yes"),
        (Localized("是"), "是", "是"),
        (Localized(en="yes"), "yes", "yes"),
        (Localized(), "", ""),
    ],
)
def test_words_that_are_missing_in_one_language_are_taken_from_the_other(
    words: Localized, zh: str, en: str
) -> None:
    """A company that wrote only one language is understood in the other too."""
    assert (words.in_language("zh"), words.in_language("en")) == (zh, en)


def test_slots_are_asked_for_in_order_and_optional_ones_not_at_all() -> None:
    """The first that is missing, until none is."""
    order, address = ADDRESS.slots
    assert ADDRESS.missing({}) == order
    assert ADDRESS.missing({"order_number": "SO1"}) == address
    assert ADDRESS.missing({"order_number": "SO1", "new_address": "x"}) is None
    relaxed = replace(ADDRESS, slots=[order, replace(address, optional=True)])
    assert relaxed.missing({"order_number": "SO1"}) is None


def test_a_confirmation_names_what_will_be_done() -> None:
    """In the customer's language, with the values that she gave."""
    assert CANCEL.confirmation_text({"order_number": "SO1"}, "zh") == "确认取消订单 SO1 吗？"
    assert CANCEL.confirmation_text({"order_number": "SO1"}, "en") == "Shall I cancel SO1?"
    assert LOOKUP.confirmation_text({"order_number": "SO1"}, "en") == ""


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is() -> None:
    """What is confirmed is what will be done: a value is never filled in again."""
    filled = {"new_address": "{order_number} \\1 road", "order_number": "SO1"}
    assert ADDRESS.confirmation_text(filled, "en") == "Send SO1 to {order_number} \\1 road?"


def test_an_empty_optional_slot_leaves_no_placeholder() -> None:
    """Braces that are no slot's stay, for they are the company's own words."""
    asked = Localized(en="Send {order_number} to {new_address} {soon}?")
    action = replace(ADDRESS, confirmation=asked)
    assert action.confirmation_text({"order_number": "SO1"}, "en") == "Send SO1 to  {soon}?"


def test_a_slot_that_is_gone_is_none() -> None:
    """The company's system was changed while the customer was answering."""
    assert CANCEL.slot("order_number") == CANCEL.slots[0]
    assert CANCEL.slot("colour") is None
