"""Which values of a message belong into which slots of an operation."""

from services.session.actions import Action
from services.session.conversation import Operation
from services.session.understanding import Understanding


def said_values(
    action: Action, operation: Operation, understanding: Understanding
) -> dict[str, str]:
    """The values that a message names, by slot.

    Of several values for one slot the last that is new counts, for "not SO1 but SO2" corrects. Of
    several slots of one type the one that was asked for comes first, then the empty ones.
    """
    found: dict[str, str] = {}
    for kind in {slot.entity_type for slot in action.slots if slot.entity_type}:
        values = list(understanding.values(kind))
        slots = [slot.slot for slot in action.slots if slot.entity_type == kind]
        slots.sort(key=lambda slot: (slot != operation.asked, slot in operation.filled))
        if len(slots) == 1:
            new = [each for each in values if each != operation.filled.get(slots[0])]
            values = (new or values)[-1:]
        found.update(zip(slots, values, strict=False))
    return found


def adds(found: dict[str, str], operation: Operation) -> bool:
    """Whether values fill an empty slot or correct a filled one."""
    return any(operation.filled.get(slot) != value for slot, value in found.items())
