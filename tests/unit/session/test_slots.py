"""Which words of the customer end up as which parameter of an action."""

import pytest

from services.session.actions import Action, Localized, Slot
from services.session.conversation import Operation
from services.session.slots import adds, said_values
from services.session.understanding import Entity, Understanding
from tests.unit.session.fakes import ADDRESS, CANCEL, meant

SWAP = Action(
    "swap", "swap", Localized("对调"),
    [Slot("from_order", "order_number", Localized("从哪个订单？")),
     Slot("to_order", "order_number", Localized("到哪个订单？"))],
    None, 5, "shop",
)  # fmt: skip
"""An action with two slots of one type."""


def said(*orders: str) -> Understanding:
    """A message that names these order numbers."""
    text = " ".join(orders)
    return meant(order=text, text=text)


def test_a_value_fills_the_slot_of_its_type() -> None:
    """An order number is the order number."""
    empty = Operation("cancel_order", "cancel_order")
    assert said_values(CANCEL, empty, said("SO1")) == {"order_number": "SO1"}


def test_a_slot_without_a_type_takes_no_entity() -> None:
    """Free text is taken as a whole, and only when it was asked for."""
    empty = Operation("change_address", "change_address")
    assert said_values(ADDRESS, empty, said("SO1")) == {"order_number": "SO1"}


@pytest.mark.parametrize(
    ("filled", "named", "taken"),
    [
        ("", ["SO1"], "SO1"),
        ("", ["SO1", "SO2"], "SO2"),
        ("SO1", ["SO2"], "SO2"),
        ("SO1", ["SO1", "SO2"], "SO2"),
        ("SO1", ["SO2", "SO1"], "SO2"),
        ("SO1", ["SO1"], "SO1"),
    ],
)
def test_of_several_values_the_last_new_one_counts(
    filled: str, named: list[str], taken: str
) -> None:
    """不是 SO1，是 SO2 and "SO2, not SO1" both mean SO2."""
    before = {"order_number": filled} if filled else {}
    operation = Operation("cancel_order", "cancel_order", before)
    assert said_values(CANCEL, operation, said(*named)) == {"order_number": taken}


@pytest.mark.parametrize(
    ("operation", "named", "found"),
    [
        (Operation("swap", "swap"), ["SO1", "SO2"], {"from_order": "SO1", "to_order": "SO2"}),
        (Operation("swap", "swap"), ["SO1"], {"from_order": "SO1"}),
        (Operation("swap", "swap", {"from_order": "SO1"}), ["SO2"], {"to_order": "SO2"}),
        (Operation("swap", "swap", {}, "to_order"), ["SO2"], {"to_order": "SO2"}),
    ],
)
def test_one_value_never_fills_two_slots(
    operation: Operation, named: list[str], found: dict[str, str]
) -> None:
    """The slot that was asked for comes first, then the empty ones, each with its own value."""
    assert said_values(SWAP, operation, said(*named)) == found


def test_entities_that_no_slot_needs_fill_none() -> None:
    """Dates, durations, quantities and products are not what a cancellation asks for."""
    text = "昨天买的SO1，3件iPhone，等两天了"
    kinds = (("date", "昨天"), ("order_number", "SO1"), ("quantity", "3件"), ("product", "iPhone"),
             ("duration", "两天"), ("time", "等"))  # fmt: skip
    entities = [
        Entity(kind, said, said, text.index(said), text.index(said) + len(said))
        for kind, said in kinds
    ]
    found = Understanding(entities=entities)
    empty = Operation("cancel_order", "cancel_order")
    assert said_values(CANCEL, empty, found) == {"order_number": "SO1"}
    assert said_values(ADDRESS, empty, found) == {"order_number": "SO1"}
    assert not said_values(CANCEL, empty, Understanding(entities=entities[2:]))


def test_a_slot_may_want_one_of_the_built_in_types() -> None:
    """A company that asks for a delivery date gets the normalised one."""
    slot = Slot("day", "date", Localized("哪天送？"))
    action = Action("deliver", "deliver", Localized("改期"), [slot], None, 5, "shop")
    found = Understanding(entities=[Entity("date", "明天", "2026-01-03", 0, 2)])
    assert said_values(action, Operation("deliver", "deliver"), found) == {"day": "2026-01-03"}


def test_what_adds_something_is_told_from_what_repeats() -> None:
    """A repeated value lets a yes count, a new one must be confirmed first."""
    operation = Operation("cancel_order", "cancel_order", {"order_number": "SO1"})
    assert not adds({"order_number": "SO1"}, operation)
    assert not adds({}, operation)
    assert adds({"order_number": "SO2"}, operation)
    assert adds({"reason": "late"}, operation)
