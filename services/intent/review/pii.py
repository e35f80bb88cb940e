"""Replaces personal data in customer text by the name of its kind, before anything is written.

What `services.pii` finds goes by its kind, links and the tenant's own numbers by theirs. What is
left over with six digits or more goes too: an unknown number is more often somebody's than worth
keeping.
"""

import re
from collections.abc import Iterable, Iterator

from services.intent.alignment import align
from services.intent.values import Entity
from services.language import Span
from services.pii import Finder, Kind

PLACEHOLDER = re.compile(r"<[A-Z0-9_-]+>")
"""What stands in the place of personal data."""

_MIN_ENTITY_DIGITS = 4
"""Entities with fewer digits, such as a shoe size, belong to no one."""

_PLAIN_ENTITIES = frozenset({"amount", "date", "time", "duration", "quantity", "percentage"})
"""Entity types that say how much or when, not who."""

_FINDER = Finder()

# Whoever labels an utterance need not know more than this; all other kinds are numbers.
_CALLED = {
    Kind.EMAIL: "EMAIL",
    Kind.ID: "ID",
    Kind.MOBILE: "PHONE",
    Kind.CARD: "CARD",
    Kind.NAME: "NAME",
    Kind.ADDRESS: "ADDRESS",
}
_NUMBER_CALLED = "NUMBER"

_LINK = re.compile(r"(?:https?://|www\.)[^\s\u3000-\u9fff\uff00-\uffef]+")
_NUMBER = re.compile(
    # A run of letters and digits with six digits in it, or groups of digits that belong together.
    r"(?<![a-z0-9_-])(?=(?:[a-z_-]*\d){6})[a-z0-9_-]+|\+?(?<!\d)\d(?:[ ()-]{0,2}\d){5,}"
)


def replace_personal(text: str, entities: Iterable[Entity] = ()) -> str:
    """Replace what says who somebody is by the name of its kind.

    Args:
        text: What a customer wrote.
        entities: What was found in it by the tenant's patterns; numbers of orders and the like
            are called by their type, such as `<ORDER_NUMBER>`.

    Returns:
        The text with `<EMAIL>`, `<LINK>`, `<ID>`, `<CARD>`, `<PHONE>`, `<NAME>`, `<ADDRESS>` and
        `<NUMBER>` in the place of personal data.
    """
    taken: list[tuple[Span, str]] = []
    for span, kind in _found(text, entities):
        if all(span.end <= other.start or other.end <= span.start for other, _ in taken):
            taken.append((span, kind))
    for span, kind in sorted(taken, key=lambda each: -each[0].start):
        text = f"{text[: span.start]}<{kind}>{text[span.end :]}"
    return text


def _found(text: str, entities: Iterable[Entity]) -> Iterator[tuple[Span, str]]:
    """Find what goes, the surest kind first."""
    aligned = align(text)
    links = [aligned.original(*match.span()) for match in _LINK.finditer(aligned.folded)]
    known = [(each.span, _CALLED.get(each.kind, _NUMBER_CALLED)) for each in _FINDER.find(text)]
    yield from ((span, kind) for span, kind in known if kind == "EMAIL")
    yield from ((span, "LINK") for span in links)
    yield from ((span, kind) for span, kind in known if kind not in ("EMAIL", _NUMBER_CALLED))
    yield from ((each.span, each.type.upper()) for each in entities if _identifies(each))
    yield from ((span, kind) for span, kind in known if kind == _NUMBER_CALLED)
    for match in _NUMBER.finditer(aligned.folded):
        yield aligned.original(*match.span()), _NUMBER_CALLED


def _identifies(entity: Entity) -> bool:
    digits = sum(map(str.isdigit, entity.text))
    return entity.type not in _PLAIN_ENTITIES and digits >= _MIN_ENTITY_DIGITS
