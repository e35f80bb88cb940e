"""Entities in customer text: built-in ones and the tenant's own, with spans and values."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import re2

from services.intent import amounts
from services.intent.alignment import align, fold_character
from services.intent.patterns import Pattern
from services.intent.values import Entity
from services.language import Span

MAX_ENTITIES = 100
"""Most entities of one text, as in the contract."""


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity type of a tenant: a pattern, or a list of what customers say."""

    name: str
    """Such as `order_number`."""
    pattern: str = ""
    """RE2 syntax, see `patterns.Pattern`. Empty where `values` says it."""
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For each value the words that mean it, such as `("damaged", ("坏了", "broken"))`."""


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """One type, ready to search folded text."""

    type: str
    pattern: Pattern
    normalise: Callable[[str], str | None]


def _upper(folded: str) -> str | None:
    return folded.upper()


def _as_is(folded: str) -> str | None:
    return folded


def _phone(folded: str) -> str | None:
    return "".join(filter(str.isdigit, folded))[-11:]


BUILT_IN = (
    # Mainland mobile numbers, ITU E.164 country code 86; groups of 3-4-4 are usual.
    _Recogniser("phone", Pattern(r"(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}"), _phone),
    # The everyday part of RFC 5321: no quoted local part, no address literal.
    _Recogniser(
        "email",
        Pattern(r"[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9](?:[a-z0-9-]{0,62})\.)+[a-z]{2,24}"),
        _as_is,
    ),
    _Recogniser("amount", Pattern(amounts.PATTERN), amounts.normalise),
    _Recogniser("product_code", Pattern(r"[a-z]{2,6}-\d{2,8}(?:-[a-z0-9]{1,6})?"), _upper),
)
"""Types that every tenant has unless it defines one of the same name.

Values: `phone` 11 digits, `email` in lower case, `amount` as `300.00 CNY`, `product_code` in
upper case.
"""


class EntityExtractor:
    """Finds the entities of one tenant; safe to share between threads."""

    def __init__(self, types: Iterable[EntityType] = ()) -> None:
        """Compile the tenant's types; the built-in ones come behind them.

        Args:
            types: The tenant's own types, each name once.

        Raises:
            PatternRejected: A pattern is not usable.
        """
        own = [recogniser(each) for each in types]
        names = {each.type for each in own}
        self._recognisers = (*own, *(each for each in BUILT_IN if each.type not in names))

    @property
    def types(self) -> tuple[str, ...]:
        """The names of all types, sorted."""
        return tuple(sorted(each.type for each in self._recognisers))

    def extract(self, text: str) -> tuple[Entity, ...]:
        """Find the entities of a text.

        Where two overlap the longer stays; at equal length the tenant's own type, in the order
        of its training data, goes before a built-in one.

        Args:
            text: What the customer wrote, at most `patterns.MAX_TEXT_LENGTH` code points.

        Returns:
            At most `MAX_ENTITIES`, in order of their place, disjoint, spans in `text`.
        """
        aligned = align(text)
        found: list[tuple[int, int, int, Entity]] = []
        for rank, each in enumerate(self._recognisers):
            for start, end in each.pattern.find(aligned.folded):
                value = each.normalise(aligned.folded[start:end])
                if value:
                    span = aligned.original(start, end)
                    entity = Entity(each.type, span.of(text), value, span)
                    found.append((span.start - span.end, rank, span.start, entity))
        found.sort(key=lambda item: item[:3])
        return _disjoint([entity for *_, entity in found])


def recogniser(definition: EntityType) -> _Recogniser:
    """Make one of the tenant's types ready to search.

    Raises:
        PatternRejected: The pattern is not usable.
    """
    if not definition.values:
        return _Recogniser(definition.name, Pattern(definition.pattern), _upper)
    meaning = {_folded(word): value for value, words in definition.values for word in words}
    # RE2 takes the first branch that fits, so the longest comes first.
    branches = [str(re2.escape(word)) for word in sorted(meaning, key=len, reverse=True)]
    return _Recogniser(definition.name, Pattern("|".join(branches)), meaning.get)


def _folded(word: str) -> str:
    return "".join(map(fold_character, word)).strip()


def _disjoint(by_preference: list[Entity]) -> tuple[Entity, ...]:
    kept: list[Entity] = []
    for entity in by_preference:
        if all(_apart(entity.span, other.span) for other in kept):
            kept.append(entity)
            if len(kept) == MAX_ENTITIES:
                break
    return tuple(sorted(kept, key=lambda entity: entity.span.start))


def _apart(one: Span, other: Span) -> bool:
    return one.end <= other.start or other.end <= one.start
