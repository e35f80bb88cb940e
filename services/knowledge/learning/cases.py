"""What the ranking makes of the companies' questions, as the service would."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.knowledge.faq_files import rendered
from services.knowledge.learning.companies import Company, Faq
from services.knowledge.lexical import index_terms, query_terms
from services.knowledge.own_wordings import OwnWordings, Wording, enough
from services.knowledge.ranking import Candidate, Frequencies, Question, evidence
from services.language import Language, Span, detect

LEFT_OUT = 0.25
"""Share of the FAQs that is left out in the second round, so that questions stay without an answer
that are about the same things as the others: the hardest there are."""

Encode = Callable[[str, bool], NDArray[np.float32]]
"""Makes the vector of a text; the second argument is whether it is a question."""


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and what was found.

    Attributes:
        score: Of the best, before it is calibrated, with vectors; `lexical_score` without.
        answered: Whether an FAQ answers it.
    """

    score: float
    lexical_score: float
    answered: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    faq: str
    asked: str | None
    text: str
    terms: frozenset[str]
    vector: NDArray[np.float32]


def cases(company: Company, encode: Encode) -> Iterator[Case]:
    """Ask a company all its questions: of all its FAQs, then of three quarters of them."""
    everything = [(query, faq) for faq, each in company.faqs.items() for query in each.queries]
    none = [(query, "") for query in company.unanswered]
    yield from _round(company.faqs, everything + none, company.language, encode)
    order = np.random.default_rng(0).permutation(list(company.faqs)).tolist()
    kept = set(order[int(LEFT_OUT * len(order)) :])
    rest = {faq: each for faq, each in company.faqs.items() if faq in kept}
    asked = [(query, faq if faq in kept else "") for query, faq in everything]
    yield from _round(rest, asked, company.language, encode)


def _round(
    faqs: dict[str, Faq], asked: Sequence[tuple[str, str]], language: Language, encode: Encode
) -> Iterator[Case]:
    entries = [each for faq, entry in faqs.items() for each in _entries(faq, entry, encode)]
    counts = Counter(term for each in entries for term in each.terms)
    wordings = [Wording((each.faq, 0), each.asked, each.vector) for each in entries if each.asked]
    own = OwnWordings(wordings) if enough(wordings) else None
    vectors = np.stack([each.vector for each in entries])
    for text, faq in asked:
        terms = query_terms(text)
        question = Question(text, terms, detect(text))
        frequencies = Frequencies([counts[term.text] for term in terms], len(entries))
        vector = encode(text, True)
        meant = own.probabilities(text, vector.tolist()) if own else {}
        matched = [
            tuple(place for place, term in enumerate(terms) if term.text in each.terms)
            for each in entries
        ]
        scores = []
        for cosines in (list(vectors @ vector), [None] * len(entries)):
            candidates = [
                _candidate(entry, language, found, None if cosine is None else float(cosine))
                for entry, found, cosine in zip(entries, matched, cosines, strict=True)
            ]
            ranked = evidence(question, frequencies, candidates, meant)
            scores.append(ranked[0].score if ranked else 0.0)
        yield Case(scores[0], scores[1], bool(faq))


def _entries(faq: str, entry: Faq, encode: Encode) -> Iterator[_Entry]:
    for text in entry.wordings:
        yield _Entry(faq, text, text, index_terms((text,)), encode(text, True))
    whole = rendered(entry.wordings[0], entry.answer)
    terms = index_terms((entry.wordings[0], entry.answer))
    yield _Entry(faq, None, whole, terms, encode(whole, False))


def _candidate(
    entry: _Entry, language: Language, matched: tuple[int, ...], cosine: float | None
) -> Candidate:
    return Candidate(
        entry.faq, "", "", entry.text, Span(0, 1), language, 0, entry.asked, matched, cosine
    )
