"""From candidates to an order, a score and a verdict, on evidence that can be named.

Two kinds of evidence are joined: by words (which share of the question's terms, weighted by how
rare each is, the passage has) and by meaning (the cosine of the vectors). Then what vectors are
blind to is checked: codes and numbers, negation, the question's language.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from services.knowledge.calibration import calibration
from services.knowledge.equivalence import negated
from services.knowledge.lexical import Kind, Term
from services.language import Language, Span

TERM_FACTORS = {Kind.WORD: 1.0, Kind.CODE: 1.5, Kind.FUNCTION: 0.3, Kind.PAIR: 0.5}
"""How much a term counts, beside its rarity: a code names exactly one thing; a pair of characters
is mostly part of a word that was counted already."""

LEXICAL_SHARE = 0.4
"""Weight of the words where there are vectors too; the rest is the meaning's."""

COSINE_FLOOR, COSINE_RANGE = 0.80, 0.15
"""Cosines of multilingual-e5-small lie close together: unrelated texts at 0.75-0.85, paraphrases
at 0.90-0.95. They are stretched to [0, 1] before they are joined with the words."""

MISSING_CODE = 0.6
"""What is left of the score of a passage that lacks a code of the question which others have."""

OPPOSITE = 0.7
"""What is left of the score of an FAQ whose question is negated where the customer's is not, or
the other way round."""

OTHER_LANGUAGE = 0.9
"""What is left of the score of a passage in another language: less than a same-language passage
that says the same, more than one that says something else."""


FaqPlace = tuple[str, int | None]
"""An FAQ: id of its document, and its place in the file; None for a passage."""

_NOTHING: Mapping[FaqPlace, float] = {}


class Mode(StrEnum):
    """On what evidence passages are ranked."""

    HYBRID = "hybrid"
    """Words, and meaning where there are vectors."""
    LEXICAL = "lexical"
    """Words alone."""
    DENSE = "dense"
    """Meaning alone: words count nothing."""


class Verdict(StrEnum):
    """What the evidence is worth."""

    ANSWERABLE = "answerable"
    """A passage or FAQ answers the question."""
    WEAK = "weak"
    """Related passages, perhaps not the answer."""
    NONE = "none"
    """Nothing answers it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as retrieval sees it.

    Attributes:
        text: The customer's words.
        terms: What is searched for.
        language: In which language an answer is preferred.
    """

    text: str
    terms: tuple[Term, ...]
    language: Language


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that the store holds possible.

    Attributes:
        document: Id of its document.
        revision: Content hash of the document.
        title: Title and headings, joined by ` > `.
        text: Its words; for an FAQ its question and answer.
        span: Their place in the document.
        language: Their language.
        faq: The FAQ's place in its file; None for a passage.
        asked: The wording of an FAQ's question that was found; None for a passage.
        matched: Places in the question's terms that were found in it.
        cosine: With the question's vector, in [-1, 1]; None without vectors.
    """

    document: str
    revision: str
    title: str
    text: str
    span: Span
    language: Language
    faq: int | None
    asked: str | None
    matched: tuple[int, ...]
    cosine: float | None


@dataclass(frozen=True, slots=True)
class Scored:
    """A ranked passage with its evidence.

    Attributes:
        candidate: The passage.
        score: Relevance in [0, 1].
        lexical_rank: 1-based rank by words; 0 where no term was found in it.
        dense_rank: 1-based rank by meaning; 0 without vectors.
        cosine: The passage's own, for an FAQ that of its closest wording; None without vectors.
        parts: What the score is made of, by name, see `_Unit.contributions`.
    """

    candidate: Candidate
    score: float
    lexical_rank: int
    dense_rank: int
    cosine: float | None
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How rare the question's terms are in the knowledge base.

    Attributes:
        counts: Number of entries with the term, in the order of the question's terms.
        total: Number of all entries.
    """

    counts: Sequence[int]
    total: int

    def rarity(self, place: int) -> float:
        """Inverse document frequency as BM25 has it (Robertson and Zaragoza 2009), above 0."""
        count = min(self.counts[place], self.total)
        return math.log(1 + (self.total - count + 0.5) / (count + 0.5))


def rank(
    question: Question,
    frequencies: Frequencies,
    candidates: Iterable[Candidate],
    mode: Mode = Mode.HYBRID,
    meant: Mapping[FaqPlace, float] = _NOTHING,
    most: int | None = None,
) -> list[Scored]:
    """Order passages by relevance, best first; of an FAQ's wordings only the best stays.

    What has no evidence at all is left out. The score of the first is the probability that the
    question is answered, where half of all are; those of the others are on the same scale.

    Args:
        question: What is asked.
        frequencies: How rare its terms are.
        candidates: In any order. Those without a cosine are judged by their words alone.
        mode: On what evidence.
        meant: How probable each FAQ is, given that one answers; empty: nothing is known of that.
        most: How many of them to return; None: all.
    """
    if mode is Mode.DENSE:
        question = replace(question, terms=())
        candidates = [replace(each, matched=()) for each in candidates]
    units = _weighed(question, frequencies, candidates, meant if mode is not Mode.LEXICAL else {})
    worth = calibration().probability
    scores = [(worth(unit.score, unit.cosine is not None), unit) for unit in units]
    scores.sort(key=lambda each: _order(each[0], each[1].best))
    return [unit.scored(score, meant) for score, unit in scores[:most]]


def evidence(
    question: Question,
    frequencies: Frequencies,
    candidates: Iterable[Candidate],
    meant: Mapping[FaqPlace, float],
) -> list[Scored]:
    """Order passages as `rank` does; scores are evidence in [0, 1], not yet probabilities."""
    units = _weighed(question, frequencies, candidates, meant)
    units.sort(key=lambda unit: _order(unit.score, unit.best))
    return [unit.scored(unit.score, meant) for unit in units]


def _weighed(
    question: Question,
    frequencies: Frequencies,
    candidates: Iterable[Candidate],
    meant: Mapping[FaqPlace, float],
) -> "list[_Unit]":
    """Weigh the evidence for each passage and FAQ; those without any are left out."""
    weights = [
        TERM_FACTORS[term.kind] * frequencies.rarity(place)
        for place, term in enumerate(question.terms)
    ]
    codes = {
        place
        for place, term in enumerate(question.terms)
        if term.kind is Kind.CODE and frequencies.counts[place]
    }
    asked = _Asked(question, weights, sum(weights) or 1.0, codes)
    units = [_Unit(asked, rows) for rows in _units(candidates)]
    for rank_, unit in _ordered(units, lambda unit: unit.lexical):
        unit.lexical_rank = rank_
    for rank_, unit in _ordered(units, lambda unit: unit.stretched):
        unit.dense_rank = rank_
    found = [unit for unit in units if unit.score > 0]
    if meant:
        _reorder(found, meant)
    return found


def _order(score: float, of: Candidate) -> tuple[float, str, int]:
    return -score, of.document, of.span.start


def _reorder(units: "list[_Unit]", meant: Mapping[FaqPlace, float]) -> None:
    """Give the FAQs' scores to them in the order of both: their evidence and what was meant."""
    faqs = [each for each in units if each.place in meant]
    scores = sorted((each.score for each in faqs), reverse=True)
    faqs.sort(key=lambda each: (-each.score * meant[each.place], each.place))
    for each, score in zip(faqs, scores, strict=True):
        each.score = score


def verdict(question: Question, frequencies: Frequencies, ranked: Sequence[Scored]) -> Verdict:
    """Say what the best passage is worth.

    A code that stands nowhere in the knowledge base, such as a product number that the company
    does not have, leaves no certain answer. A plain number does: it may be the customer's own.

    Args:
        question: What is asked.
        frequencies: How rare its terms are.
        ranked: Result of `rank`.
    """
    if not ranked:
        return Verdict.NONE
    unknown_code = any(
        term.kind is Kind.CODE and not term.text.isdigit() and not frequencies.counts[place]
        for place, term in enumerate(question.terms)
    )
    bounds = calibration()
    if ranked[0].score >= bounds.answerable:
        return Verdict.WEAK if unknown_code else Verdict.ANSWERABLE
    return Verdict.WEAK if ranked[0].score >= bounds.weak else Verdict.NONE


def _units(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """Group the wordings of each FAQ."""
    units: dict[tuple[str, int, int], list[Candidate]] = {}
    for candidate in candidates:
        faq = -1 if candidate.faq is None else candidate.faq
        units.setdefault((candidate.document, faq, candidate.span.start), []).append(candidate)
    return list(units.values())


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, what each of its terms weighs, and which of them a passage must have."""

    question: Question
    weights: Sequence[float]
    all_weight: float
    codes: set[int]

    def share(self, row: Candidate) -> float:
        """Share of the question's weight that a row's terms have, in [0, 1]."""
        weights = self.weights
        return sum([weights[place] for place in row.matched]) / self.all_weight


class _Unit:
    """The evidence for one passage, or for one FAQ over all its wordings.

    Attributes:
        lexical: Share of the question's weight, in [0, 1]; `lexical_rank` as in `Scored`.
        cosine: As in `Scored`; `stretched` the same in [0, 1], `dense_rank` as in `Scored`.
        score: Evidence in [0, 1]: `fused`, times a factor for each check that bites.
    """

    __slots__ = (
        "best", "checks", "cosine", "dense_rank", "fused", "lexical", "lexical_rank", "score",
        "stretched",
    )  # fmt: skip

    def __init__(self, asked: _Asked, rows: list[Candidate]) -> None:
        self.lexical_rank = self.dense_rank = 0
        shares = [asked.share(row) for row in rows]
        cosines = [row.cosine for row in rows if row.cosine is not None]
        self.lexical = max(shares)
        self.cosine = max(cosines, default=None)
        self.stretched = _stretched(self.cosine)
        # Evidence of different wordings adds up: words of one, meaning of another.
        self.fused = _fused(self.lexical, self.stretched if cosines else None)
        self.best, opposed = rows[0], False
        if len(rows) > 1 or rows[0].asked:
            self.best, opposed = _best(asked.question, rows, shares, dense=bool(cosines))
        self.checks: dict[str, float] = {}
        if asked.codes and asked.codes.difference(*(row.matched for row in rows)):
            self.checks["missing_code"] = MISSING_CODE
        if _foreign(asked.question.language, self.best.language):
            self.checks["other_language"] = OTHER_LANGUAGE
        if opposed:
            self.checks["opposite"] = OPPOSITE
        self.score = self.fused * math.prod(self.checks.values())

    @property
    def place(self) -> FaqPlace:
        """Which document it is of, and which FAQ in there."""
        return self.best.document, self.best.faq

    def scored(self, score: float, meant: Mapping[FaqPlace, float]) -> Scored:
        """Return it as a result, with this score."""
        return Scored(
            self.best, score, self.lexical_rank, self.dense_rank, self.cosine,
            self.contributions(meant),
        )  # fmt: skip

    def contributions(self, meant: Mapping[FaqPlace, float]) -> dict[str, float]:
        """Return what the score is made of.

        `words` and `meaning` add up to the evidence, each check that bites takes off what is told
        with a minus, and `meant` is how probable the FAQ is by the company's own wordings.
        """
        share = LEXICAL_SHARE if self.cosine is not None else 1.0
        parts = {"words": share * self.lexical, "meaning": self.fused - share * self.lexical}
        left = self.fused
        for name, factor in self.checks.items():
            parts[name] = left * (factor - 1.0)
            left *= factor
        if meant and self.place in meant:
            parts["meant"] = meant[self.place]
        return parts


def _best(
    question: Question, rows: list[Candidate], shares: Sequence[float], *, dense: bool
) -> tuple[Candidate, bool]:
    """Return the wording with the most evidence, and whether it asks for the opposite.

    Of wordings that say it equally well, one that does not; and always the same one, in whatever
    order the rows came.
    """
    fused = [
        _fused(share, _stretched(row.cosine) if dense else None)
        for share, row in zip(shares, rows, strict=True)
    ]
    most = max(fused)
    negative = negated(question.text)
    opposed, _, best = min(
        (bool(row.asked) and negated(row.asked or "") != negative, row.asked or "", place)
        for place, (row, worth) in enumerate(zip(rows, fused, strict=True))
        if worth == most
    )
    return rows[best], opposed


def _stretched(cosine: float | None) -> float:
    if cosine is None:
        return 0.0
    return min(max((cosine - COSINE_FLOOR) / COSINE_RANGE, 0.0), 1.0)


def _fused(lexical: float, dense: float | None) -> float:
    return lexical if dense is None else LEXICAL_SHARE * lexical + (1 - LEXICAL_SHARE) * dense


def _foreign(wanted: Language, found: Language) -> bool:
    known = (Language.ZH, Language.EN)
    return wanted in known and found in known and wanted is not found


def _ordered(units: list[_Unit], worth: Callable[[_Unit], float]) -> Iterator[tuple[int, _Unit]]:
    """Return the units that are worth something, numbered from 1, the best first."""
    some = [unit for unit in units if worth(unit) > 0]
    return enumerate(sorted(some, key=worth, reverse=True), start=1)
