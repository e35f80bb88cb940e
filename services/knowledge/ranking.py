"""From candidates to an order, a score and a verdict, on evidence that can be named.

Two kinds of evidence are joined: by words (which share of the question's terms, weighted by how
rare each is, the passage has) and by meaning (the cosine of the vectors). Then what vectors are
blind to is checked: codes and numbers, negation, the question's language.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
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
    """
    if mode is Mode.DENSE:
        question = replace(question, terms=())
        candidates = [replace(each, matched=()) for each in candidates]
    found = evidence(question, frequencies, candidates, meant if mode is not Mode.LEXICAL else {})
    worth = calibration().probability
    scored = [replace(each, score=worth(each.score, each.cosine is not None)) for each in found]
    return sorted(scored, key=_order)


def evidence(
    question: Question,
    frequencies: Frequencies,
    candidates: Iterable[Candidate],
    meant: Mapping[FaqPlace, float],
) -> list[Scored]:
    """Order passages as `rank` does; scores are evidence in [0, 1], not yet probabilities."""
    weights = [
        TERM_FACTORS[term.kind] * frequencies.rarity(place)
        for place, term in enumerate(question.terms)
    ]
    codes = {
        place
        for place, term in enumerate(question.terms)
        if term.kind is Kind.CODE and frequencies.counts[place]
    }
    units = [_Unit(question, weights, codes, rows) for rows in _units(candidates)]
    lexical = _ranks([unit.lexical for unit in units])
    dense = _ranks([unit.stretched for unit in units])
    scored = [
        Scored(
            unit.best, unit.score, lexical_rank, dense_rank, unit.cosine, unit.contributions(meant)
        )
        for unit, lexical_rank, dense_rank in zip(units, lexical, dense, strict=True)
        if unit.score > 0
    ]
    return sorted(_reordered(scored, meant), key=_order)


def _order(each: Scored) -> tuple[float, str, int]:
    return -each.score, each.candidate.document, each.candidate.span.start


def _reordered(scored: list[Scored], meant: Mapping[FaqPlace, float]) -> list[Scored]:
    """Give the FAQs' scores to them in the order of both: their evidence and what was meant."""
    faqs = [each for each in scored if _place(each) in meant]
    order = sorted(faqs, key=lambda each: -each.score * meant[_place(each)])
    scores = sorted((each.score for each in faqs), reverse=True)
    others = [each for each in scored if _place(each) not in meant]
    ordered = zip(order, scores, strict=True)
    return others + [replace(each, score=score) for each, score in ordered]


def _place(scored: Scored) -> FaqPlace:
    return scored.candidate.document, scored.candidate.faq


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


class _Unit:
    """The evidence for one passage, or for one FAQ over all its wordings."""

    def __init__(
        self, question: Question, weights: Sequence[float], codes: set[int], rows: list[Candidate]
    ) -> None:
        all_weight = sum(weights) or 1.0
        shares = [sum(weights[place] for place in row.matched) / all_weight for row in rows]
        cosines = [row.cosine for row in rows if row.cosine is not None]
        self.lexical = max(shares)
        self.cosine = max(cosines, default=None)
        self.stretched = _stretched(self.cosine)
        fused = [
            _fused(share, _stretched(row.cosine) if cosines else None)
            for share, row in zip(shares, rows, strict=True)
        ]
        # Of wordings that say it equally well, one that does not say the opposite; and always the
        # same one, in whatever order the rows came.
        most = max(fused)
        best = [row for row, worth in zip(rows, fused, strict=True) if worth == most]
        opposed = {id(row): _opposed(row, question) for row in best}
        self.best = min(best, key=lambda row: (opposed[id(row)], row.asked or ""))
        found = {place for row in rows for place in row.matched}
        foreign = _foreign(question.language, self.best.language)
        self.checks = {
            "missing_code": MISSING_CODE if codes - found else 1.0,
            "other_language": OTHER_LANGUAGE if foreign else 1.0,
            "opposite": OPPOSITE if opposed[id(self.best)] else 1.0,
        }
        # Evidence of different wordings adds up: words of one, meaning of another.
        self.fused = _fused(self.lexical, self.stretched if cosines else None)
        self.score = self.fused * math.prod(self.checks.values())

    def contributions(self, meant: Mapping[FaqPlace, float]) -> dict[str, float]:
        """Return what the score is made of.

        `words` and `meaning` add up to the evidence, each check that bites takes off what is told
        with a minus, and `meant` is how probable the FAQ is by the company's own wordings.
        """
        share = LEXICAL_SHARE if self.cosine is not None else 1.0
        parts = {"words": share * self.lexical, "meaning": self.fused - share * self.lexical}
        left = self.fused
        for name, factor in self.checks.items():
            if factor < 1.0:
                parts[name] = left * (factor - 1.0)
                left *= factor
        place = (self.best.document, self.best.faq)
        return parts | ({"meant": meant[place]} if place in meant else {})


def _opposed(row: Candidate, question: Question) -> bool:
    return bool(row.asked) and negated(row.asked or "") != negated(question.text)


def _stretched(cosine: float | None) -> float:
    if cosine is None:
        return 0.0
    return min(max((cosine - COSINE_FLOOR) / COSINE_RANGE, 0.0), 1.0)


def _fused(lexical: float, dense: float | None) -> float:
    return lexical if dense is None else LEXICAL_SHARE * lexical + (1 - LEXICAL_SHARE) * dense


def _foreign(wanted: Language, found: Language) -> bool:
    known = (Language.ZH, Language.EN)
    return wanted in known and found in known and wanted is not found


def _ranks(values: Sequence[float]) -> list[int]:
    """Return each value's 1-based rank, the highest first; 0 for values that are 0."""
    order = sorted(range(len(values)), key=lambda index: -values[index])
    ranks = [0] * len(values)
    for place, index in enumerate(order, start=1):
        ranks[index] = place if values[index] > 0 else 0
    return ranks
