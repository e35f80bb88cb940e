"""What a document is found under: one entry for each passage and each wording of an FAQ."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from services.knowledge.document import (
    ANYTIME,
    Faq,
    FoundUnder,
    ParsedDocument,
    Passage,
    Scope,
)
from services.knowledge.equivalence import question_key, signature
from services.knowledge.faq_files import rendered
from services.knowledge.lexical import index_terms
from services.language import Language, Span

HEADING_LENGTH = 500
"""Longest title with headings in code points; the contract's limit."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A text that is searched.

    Attributes:
        heading: Title and headings, joined by ` > `; empty for FAQs, whose question says more.
        text: A passage, a wording of an FAQ's question, or an FAQ's question and answer.
        span: The passage or the FAQ in its document.
        language: Of the text.
        faq: The FAQ's place in its file; None for a passage.
        under: What it is found under.
        labels: The document's metadata as `key=value`, an FAQ's tags as `tag=...`.
        valid_from: From when it is found; None: always was.
        valid_until: Until when, exclusive; None: for ever.
    """

    heading: str
    text: str
    span: Span
    language: Language
    faq: int | None
    under: FoundUnder
    labels: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def text_hash(self) -> bytes:
        """Key of its vector: what is embedded, and as what."""
        purpose = "query" if self.under.question_hash else "passage"
        return hashlib.sha256(
            f"{purpose}:{embedded_text(self.heading, self.text)}".encode()
        ).digest()


@dataclass(frozen=True, slots=True)
class QuestionHashes:
    """The two forms in which a question is compared with the FAQs', hashed; None: no such form."""

    exact: bytes | None
    equivalent: bytes | None


def question_hashes(question: str) -> QuestionHashes:
    """Hash a question, so that equal ones meet in an index and no text is kept for it."""
    return QuestionHashes(_hash(question_key(question)), _hash(signature(question)))


def indexed(document: ParsedDocument) -> ParsedDocument:
    """Return the document with what it is found under: a second of work for a large one."""
    return replace(document, found_under=tuple(_found_under(document)))


def entries(document: ParsedDocument, scope: Scope = ANYTIME) -> list[Entry]:
    """List what is searched of a document, in the order of its text.

    Args:
        document: The document, indexed.
        scope: What its owner says of it.
    """
    under = iter(document.found_under)
    found = [
        _passage_entry(document.title, passage, scope, next(under)) for passage in document.passages
    ]
    for place, faq in enumerate(document.faqs):
        found += _faq_entries(place, faq, scope, under)
    return found


def label(key: str, value: str) -> str:
    """Return a pair of metadata, or a tag, as entries carry it."""
    return f"{key}={value}"


def embedded_text(heading: str, text: str) -> str:
    """Return what a vector is made of: a passage means little without its headings."""
    return f"{heading}\n{text}" if heading else text


def _found_under(document: ParsedDocument) -> Iterator[FoundUnder]:
    for passage in document.passages:
        yield _under((_heading(document.title, passage), passage.text))
    for faq in document.faqs:
        for question in faq.questions:
            hashes = question_hashes(question)
            yield _under((question,), hashes.exact, hashes.equivalent)
        # Words that only the answer has find the FAQ too.
        yield _under((faq.question, faq.answer, *faq.tags))


def _under(
    texts: tuple[str, ...], question: bytes | None = None, signature_: bytes | None = None
) -> FoundUnder:
    return FoundUnder(" ".join(sorted(index_terms(texts))), question, signature_)


def _heading(title: str, passage: Passage) -> str:
    headings = passage.headings
    labels = headings if headings[:1] == (title,) else (title, *headings)
    return " > ".join(labels)[:HEADING_LENGTH]


def _passage_entry(title: str, passage: Passage, scope: Scope, under: FoundUnder) -> Entry:
    return Entry(
        _heading(title, passage),
        passage.text,
        passage.span,
        passage.language,
        None,
        under,
        labels=_labels(scope),
        valid_from=scope.valid_from,
        valid_until=scope.valid_until,
    )


def _faq_entries(
    place: int, faq: Faq, scope: Scope, under: Iterator[FoundUnder]
) -> Iterator[Entry]:
    labels = (*_labels(scope), *(label("tag", tag) for tag in faq.tags))
    start = max(filter(None, (scope.valid_from, faq.valid_from)), default=None)
    end = min(filter(None, (scope.valid_until, faq.valid_until)), default=None)
    for text in (*faq.questions, rendered(faq.question, faq.answer)):
        yield Entry("", text, faq.span, faq.language, place, next(under), labels, start, end)


def _labels(scope: Scope) -> tuple[str, ...]:
    return tuple(label(key, value) for key, value in sorted(scope.metadata.items()))


def _hash(form: str) -> bytes | None:
    return hashlib.sha256(form.encode()).digest() if form else None
