"""Whether a sentence turns round what its source says, in the source's own words.

Words alone do not tell "gift cards can be returned" from "gift cards cannot be returned", nor what
holds for some from what holds for all, nor which of two figures is whose. Nine comparisons, each
of which a source has to fail by what it says itself; where it says nothing of the kind, nothing is
held against a sentence.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.generation.clauses import THING, Clause, clauses, comparable, opposite, split
from services.generation.figures import Number, counted, kind
from services.generation.parties import Side, payers, without_parties
from services.generation.relevance import courteous, coverage, terms
from services.language import fold

NEAR = 0.5
"""A clause that has so much of another one says the same or the opposite."""

# Fewer words than so many may be another way to say what stands there.
_ADDED = 3

_FOR_ALL = re.compile(
    r"所有|全部|任何|一切|一律|凡是?|每个(?!订单|月)|每位|永远|始终|总是|每天|每日|终身|永久|无限(?:次|期|量)|不限|无论|不论"
    r"|\b(?:all|every|everyone|everybody|any|anyone|anything|always|forever|lifetime|unlimited"
    r"|as (?:often|many|much|long) as (?:you|they) (?:like|want|wish|please))\b"
)
_HOLDS_FOR_ALL = re.compile(
    rf"{_FOR_ALL.pattern}|每(?![单月年周次天日])|均|都|各|无论|不限|一直|随时|\b(?:each|whoever|no)\b"
)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of a source, ready for comparing."""

    terms: frozenset[str]
    """With those of the title: a sentence below a heading need not repeat it."""
    own: frozenset[str]
    """Without them."""
    clauses: tuple[Clause, ...]
    for_all: bool
    """Whether it says that something holds without exception."""
    payers: frozenset[Side]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, ready for comparing with each of several sources."""

    text: str
    comparable: str
    """Without its figures, which are compared as figures."""
    clauses: tuple[Clause, ...]
    for_all: bool
    """Whether it says that something holds for all."""
    payers: frozenset[Side]


def claim(sentence: str) -> Claim:
    """Prepare a sentence of an answer."""
    for_all = _FOR_ALL.search(fold(sentence)) is not None
    return Claim(sentence, comparable(sentence), clauses(sentence), for_all, payers(sentence))


def said(sentence: str, context: frozenset[str]) -> Said:
    """Prepare a sentence of a source whose title has the terms `context`."""
    own = terms(comparable(sentence))
    return Said(
        own | context,
        own,
        clauses(sentence),
        _HOLDS_FOR_ALL.search(fold(sentence)) is not None,
        payers(sentence),
    )


def adds(made: Claim, weights: Mapping[str, float], held: frozenset[str]) -> bool:
    """Whether a clause of a claim is about something of which no source has a word.

    Args:
        made: The claim.
        weights: Of its terms.
        held: Terms of all sources that it is compared with.
    """
    for part in made.clauses:
        own = [term for term in part.terms if term in weights and not courteous(term)]
        if len(own) >= _ADDED and not held & part.terms:
            return True
    return False


def contradicts(made: Claim, weights: Mapping[str, float], held: Sequence[Said]) -> bool:
    """Whether the sentences of one source say otherwise than a claim.

    Args:
        made: The claim.
        weights: Of its terms.
        held: All sentences of the source.
    """
    if not held:
        return False
    if made.for_all and not _nearest(weights, held).for_all:
        return True
    for part in made.clauses:
        wanted = {term: weights[term] for term in part.terms if term in weights}
        if not wanted:
            continue
        nearest = _nearest(wanted, held)
        if (
            _denied(part, wanted, held)
            or _happened(part, nearest)
            or _led_astray(part, nearest, held)
            or _counts_otherwise(part, wanted, held)
            or _needs_otherwise(part, wanted, held)
            or _takes_the_other_side(part, wanted, held)
        ):
            return True
    return _pays_otherwise(made, held)


def _nearest(weights: Mapping[str, float], held: Sequence[Said]) -> Said:
    return max(held, key=lambda each: coverage(weights, each.terms))


def _denied(part: Clause, wanted: Mapping[str, float], held: Sequence[Said]) -> bool:
    """Whether a clause affirms what the source denies, or denies what it affirms.

    Of clauses that say as much, one that agrees is taken; but where the one that does not has a
    word of it that the other lacks, it is the exception that the sentence is about, unless only
    the other is about the same thing.
    """
    if part.supposes:
        return False
    placed = [(each, _told_of(one, each)) for one in held for each in one.clauses]
    found = [(coverage(wanted, terms), part.agrees(each), terms) for each, terms in placed]
    against = max((each for each in found if not each[1]), default=None, key=lambda each: each[0])
    agreed = max((each for each in found if each[1]), default=None, key=lambda each: each[0])
    if against is None or against[0] < NEAR:
        return False
    if agreed is None or against[0] > agreed[0]:
        return True
    if part.leading in agreed[2] - against[2]:
        return False
    return bool((against[2] - agreed[2]) & wanted.keys())


def _told_of(sentence: Said, clause: Clause) -> frozenset[str]:
    """Return the terms of a clause with those of its subject; "it" is what the title names."""
    subject = sentence.terms - sentence.own if clause.refers else frozenset[str]()
    return clause.terms | clause.about | subject


def _happened(part: Clause, nearest: Said) -> bool:
    """Whether a clause affirms of used goods what the source says of unused ones."""
    not_yet = frozenset().union(*(each.not_yet for each in nearest.clauses))
    # "Unopened and opened ones": it is said of both.
    both = frozenset().union(*(each.terms - each.not_yet for each in nearest.clauses))
    return not part.denies and bool(part.terms & not_yet - both - part.lacking)


def _led_astray(part: Clause, nearest: Said, held: Sequence[Said]) -> bool:
    """Whether another sentence is about what a clause is about, and this one says the rest."""
    # "It is faulty" may be said of anything.
    if any(part.leading in each.terms or each.refers for each in nearest.clauses):
        return False
    # One Chinese character is a verb more often than a subject.
    if len(part.leading) < 2 or part.leading in nearest.terms:
        return False
    return any(part.leading == each.leading for one in held for each in one.clauses)


def _counts_otherwise(part: Clause, wanted: Mapping[str, float], held: Sequence[Said]) -> bool:
    """Whether a clause has a number that the source says of something else.

    The source's nearest clause says all of it that the number's own clause says, and more, with
    another number of that kind. Of another sentence all clauses count: its subject stands there
    once.
    """
    if not part.numbers:
        return False
    placed = [(one, each, each.terms & wanted.keys()) for one in held for each in one.clauses]
    at, nearest, shared = max(
        placed, key=lambda each: (coverage(wanted, each[1].terms), bool(each[1].numbers))
    )
    kinds = {kind(each.unit) for each in nearest.numbers}
    for number in part.numbers:
        if kind(number.unit) not in kinds or _holds(nearest, number):
            continue
        owners = [
            own if one is at else one.own & wanted.keys()
            for one, each, own in placed
            if _holds(each, number)
        ]
        if owners and all(own < shared for own in owners):
            return True
    return False


def _takes_the_other_side(part: Clause, wanted: Mapping[str, float], held: Sequence[Said]) -> bool:
    """Whether a clause says "at least" of what the source says "at most" of, and nothing else."""
    if not part.sides:
        return False
    told = frozenset[int]().union(
        *(
            each.sides
            for one in held
            for each in one.clauses
            if coverage(wanted, _told_of(one, each)) >= NEAR
        )
    )
    return any(opposite(side) in told and side not in told for side in part.sides)


def _holds(clause: Clause, number: Number) -> bool:
    """Whether a clause has a number; what it counts may stand elsewhere: "for 6 and 12 the fee"."""
    if number.unit.startswith(THING):
        return any(each.value == number.value for each in clause.numbers)
    return counted(number, clause.numbers)


def _needs_otherwise(part: Clause, wanted: Mapping[str, float], held: Sequence[Said]) -> bool:
    """Whether a clause asks for what the source does not need, or spares what it needs."""
    if part.needs is None:
        return False
    told = [
        (coverage(wanted, _told_of(one, each)), each.needs)
        for one in held
        for each in one.clauses
        if each.needs is not None and each.terms & wanted.keys()
    ]
    same = max((share for share, needs in told if needs is part.needs), default=0.0)
    other = max((share for share, needs in told if needs is not part.needs), default=0.0)
    return other >= NEAR and other > same


def _pays_otherwise(made: Claim, held: Sequence[Said]) -> bool:
    """Whether another side pays than in the case that the claim tells of."""
    if not made.payers:
        return False
    paying = [each for each in held if each.payers]
    if not paying:
        return False
    # Where another clause tells the case, such as "if it is faulty", it decides.
    told = [each for each in split(made.text) if not payers(each)]
    case_terms = _about(told) or _about([made.text])
    case = dict.fromkeys(case_terms, 1.0)
    worth = [coverage(case, each.own) for each in paying]
    nearest = [
        each for each, share in zip(paying, worth, strict=True) if share >= max(worth) - 1e-9
    ]
    return not made.payers & frozenset().union(*(each.payers for each in nearest))


def _about(texts: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(terms(comparable(without_parties(each))) for each in texts))
