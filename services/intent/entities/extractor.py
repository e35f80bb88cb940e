"""Entities in customer text: built-in ones and the tenant's own, with spans and values."""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from services.intent.alignment import align
from services.intent.entities import amounts, dates, durations, quantities
from services.intent.entities.word_list import WordList
from services.intent.patterns import Found, Pattern, check_pattern
from services.intent.values import Entity

MAX_ENTITIES = 100
"""Most entities of one text, as in the contract."""

DEFAULT_ZONE = timezone(timedelta(hours=8))
"""Where a customer lives of whom it is not known: China, which has one zone and no summer time."""

# The fewest digits of a mainland mobile number without country code.
_PHONE_DIGITS = 11


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity type of a tenant: a pattern, or a list of what customers say."""

    name: str
    """Such as `order_number`."""
    pattern: str = ""
    """RE2 syntax, see `patterns.Pattern`. Empty where `values` says it."""
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """For each value the words that mean it, such as `("damaged", ("坏了", "broken"))`."""
    fuzzy: bool = False
    """Whether the words of `values` are found with slips too, see `word_list.WordList`."""


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """One type, ready to search folded text at a given moment."""

    type: str
    find: Callable[[str, datetime], Iterable[Found]]


def _by_pattern(source: str, normalise: Callable[[str], str]) -> Callable[..., Iterable[Found]]:
    """A finder of what a pattern matches; what is found does not depend on the moment."""
    pattern = Pattern(source)
    return lambda folded, now: (
        Found(start, end, normalise(folded[start:end])) for start, end in pattern.find(folded)
    )


def _phone(folded: str) -> str:
    """The digits without country code and blanks."""
    return "".join(filter(str.isdigit, folded))[-_PHONE_DIGITS:]


BUILT_IN = (
    # Mainland mobile numbers, ITU E.164 country code 86; groups of 3-4-4 are usual.
    _Recogniser(
        "phone", _by_pattern(r"(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}", _phone)
    ),
    # The everyday part of RFC 5321: no quoted local part, no address literal.
    _Recogniser(
        "email",
        _by_pattern(
            r"[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9](?:[a-z0-9-]{0,62})\.)+[a-z]{2,24}", str
        ),
    ),
    _Recogniser("amount", lambda folded, now: amounts.find(folded)),
    _Recogniser("product_code", _by_pattern(r"[a-z]{2,6}-\d{2,8}(?:-[a-z0-9]{1,6})?", str.upper)),
    _Recogniser("date_time", dates.find),
    _Recogniser("duration", lambda folded, now: durations.find(folded)),
    _Recogniser("quantity", lambda folded, now: quantities.find(folded)),
)
"""Types that every tenant has unless it defines one of the same name.

Values: `phone` 11 digits, `email` in lower case, `amount` as `300.00 CNY`, `product_code` in
upper case, `date_time` and `duration` in ISO 8601 (see `dates.find` and `durations.find`),
`quantity` as `2 pair`.
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
        own = [_recogniser(each) for each in types]
        names = {each.type for each in own}
        self._recognisers = (*own, *(each for each in BUILT_IN if each.type not in names))

    @property
    def types(self) -> tuple[str, ...]:
        """The names of all types, sorted."""
        return tuple(sorted(each.type for each in self._recognisers))

    def extract(self, text: str, now: datetime | None = None) -> tuple[Entity, ...]:
        """Find the entities of a text.

        Where two overlap the longer stays; at equal length the tenant's own type, in the order
        of its training data, goes before a built-in one.

        Args:
            text: What the customer wrote, at most `patterns.MAX_TEXT_LENGTH` code points.
            now: When, aware, in the customer's time zone; absent: this moment in `DEFAULT_ZONE`.

        Returns:
            At most `MAX_ENTITIES`, in order of their place, disjoint, spans in `text`.
        """
        now = now or datetime.now(DEFAULT_ZONE)
        aligned = align(text)
        found: list[tuple[int, int, int, Entity]] = []
        for rank, each in enumerate(self._recognisers):
            for start, end, value in each.find(aligned.folded, now):
                span = aligned.original(start, end)
                entity = Entity(each.type, span.of(text), value, span)
                found.append((span.start - span.end, rank, span.start, entity))
        found.sort(key=lambda item: item[:3])
        return _disjoint([entity for *_, entity in found])


def check(definition: EntityType) -> None:
    """Make sure that one of the tenant's types can be used.

    Raises:
        PatternRejected: The pattern or the list is not usable, or the pattern too large.
    """
    _recogniser(definition)
    if definition.pattern:
        check_pattern(definition.pattern)


def _recogniser(definition: EntityType) -> _Recogniser:
    """Make one of the tenant's types ready to search.

    Raises:
        PatternRejected: The pattern or the list is not usable.
    """
    if not definition.values:
        return _Recogniser(definition.name, _by_pattern(definition.pattern, str.upper))
    words = WordList(definition.values, definition.fuzzy)
    return _Recogniser(definition.name, lambda folded, now: words.find(folded))


def _disjoint(by_preference: list[Entity]) -> tuple[Entity, ...]:
    """Keep what does not overlap with anything better; the list is never searched as a whole."""
    kept: list[Entity] = []
    starts: list[int] = []
    for entity in by_preference:
        span = entity.span
        place = bisect_left(starts, span.start)
        before_next = place == len(kept) or span.end <= starts[place]
        if before_next and (place == 0 or kept[place - 1].span.end <= span.start):
            kept.insert(place, entity)
            starts.insert(place, span.start)
            if len(kept) == MAX_ENTITIES:
                break
    return tuple(kept)
