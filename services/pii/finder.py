"""Puts together what the single searches find."""

import re
from collections.abc import Iterator, Sequence

from services.pii.addresses import addresses
from services.pii.codes import documents, emails, internet_addresses
from services.pii.kinds import Found, Kind, Personal
from services.pii.names import names
from services.pii.numbers import numbers, spoken
from services.pii.orders import Orders
from services.pii.plain import Plain, plain

_DIGIT = re.compile("[0-9]")

# Of two kinds that claim the same words the first counts: what a check digit proves before what a
# form suggests.
_SUREST_FIRST = {
    kind: rank
    for rank, kind in enumerate(
        (Kind.EMAIL, Kind.ID, Kind.ORDER, Kind.CARD, Kind.MOBILE, Kind.IP, Kind.SSN, Kind.PASSPORT,
         Kind.PHONE, Kind.PLATE, Kind.ADDRESS, Kind.NAME)
    )
}  # fmt: skip


class Finder:
    """Finds personal data. It holds nothing of what it has seen."""

    def __init__(self, order_patterns: Sequence[str] = ()) -> None:
        """Make a finder.

        Args:
            order_patterns: What order numbers look like, as RE2 patterns; see `Orders`.

        Raises:
            PatternRejected: A pattern cannot be used.
        """
        self._orders = Orders(order_patterns) if order_patterns else None

    def find(self, text: str) -> list[Personal]:
        """Find personal data.

        Args:
            text: Any text of any length.

        Returns:
            What was found, left to right, disjoint.
        """
        searched = plain(text)
        found = _disjoint(sorted(self._found(searched)), searched.text)
        return [_personal(text, searched, each) for each in found]

    def _found(self, searched: Plain) -> Iterator[Found]:
        text, written = searched.text, searched.written
        yield from emails(text)
        if self._orders:
            yield from self._orders.find(text)
        if _DIGIT.search(text):
            yield from numbers(text)
            yield from documents(text)
        if not text.isascii():
            yield from spoken(text)
        yield from internet_addresses(text)
        yield from addresses(text, written)
        yield from names(text, written)


def _disjoint(found: list[Found], text: str) -> Iterator[Found]:
    """Settle what claims the same words."""
    group: list[Found] = []
    end = 0
    for each in found:
        if group and each.start >= end:
            yield from _settled(group, text)
            group = []
        group.append(each)
        end = max(end, each.end)
    yield from _settled(group, text)


def _settled(group: list[Found], text: str) -> list[Found]:
    """Return what counts of some that overlap, left to right."""
    taken: list[Found] = []
    for each in sorted(group, key=lambda each: _SUREST_FIRST[each.kind]):
        touched = [other for other in taken if each.start < other.end and other.start < each.end]
        if others := [other.start for other in touched if other.kind is not each.kind]:
            # An address may be thought to go on in the number behind it; it ends before that.
            before = text[each.start : min(others)].rstrip(" ,.:-(")
            if each.kind is not Kind.ADDRESS or not before:
                continue
            each = each._replace(end=each.start + len(before))
            touched = [other for other in touched if other.start < each.end]
        if touched:
            start, end = min(one.start for one in touched), max(one.end for one in touched)
            taken = [other for other in taken if other not in touched]
            each = Found(min(start, each.start), max(end, each.end), each.kind)
        taken.append(each)
    return sorted(taken)


def _personal(text: str, searched: Plain, found: Found) -> Personal:
    span = searched.original(found.start, found.end)
    return Personal(found.kind, span, span.of(text))
