"""What a file becomes when it is imported: its text, passages and FAQs, with their places."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.language import Language, Span

DOCUMENT_ID_LENGTH = 64
"""Longest document id in characters; the contract's limit."""

_READING = "3"
"""Changes when files are read or cut differently, so that unchanged files are read again."""

_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Scope:
    """What its owner says of a document beside its text.

    Attributes:
        metadata: What searches can be narrowed by.
        valid_from: From when it is found; None: always was.
        valid_until: Until when, exclusive; None: for ever.
    """

    metadata: Mapping[str, str] = field(default_factory=dict)
    valid_from: datetime | None = None
    valid_until: datetime | None = None


ANYTIME = Scope()
"""Of a document of which its owner says nothing."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that is found, ranked and cited as one.

    Attributes:
        headings: The headings it stands under, outermost first.
        text: Exactly the document's text at `span`.
        span: Its place in the document's NFC text, in code points.
        language: The language of `text`.
    """

    headings: tuple[str, ...]
    text: str
    span: Span
    language: Language


@dataclass(frozen=True, slots=True)
class Faq:
    """A question that the company has answered.

    Attributes:
        faq_id: Its id in the file; the same id in another language is its translation.
        language: The language of question and answer.
        question: As the company words it.
        variants: Other ways to ask the same.
        answer: The answer, as it is shown to customers.
        tags: The company's own labels.
        span: Place of question and answer in the document's text.
        valid_from: First moment at which the answer holds, UTC; None: always did.
        valid_until: Until when, exclusive, UTC; None: without end.
    """

    faq_id: str
    language: Language
    question: str
    variants: tuple[str, ...]
    answer: str
    tags: tuple[str, ...]
    span: Span
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def questions(self) -> tuple[str, ...]:
        """All ways to ask it, the company's own first, each once."""
        return tuple(dict.fromkeys((self.question, *self.variants)))


@dataclass(frozen=True, slots=True)
class FoundUnder:
    """What a text is found under.

    Attributes:
        terms: For search by words, each once, separated by blanks.
        question_hash: Of the folded question; None where the text is no question.
        signature_hash: Of the question's content; None where there is none.
    """

    terms: str
    question_hash: bytes | None = None
    signature_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A file that was read.

    Attributes:
        path: As the caller named it.
        title: First heading, else the file's name.
        text: NFC, lines end with a line feed; every span refers to it. Of a PDF, Word, Excel or
            HTML file, and of a table, it is the Markdown that the file was converted to.
        language: The language of `text`.
        revision: SHA-256 of the file's bytes, hex.
        passages: In order; empty for an FAQ file.
        faqs: In order; empty for a text.
        notes: What its owner should know of how it was read, such as a guessed encoding.
        scope: What the file says of itself, in the `---` block at its top.
        found_under: What its texts are found under: each passage; of each FAQ every wording of its
            question, then question and answer together. Empty before it is indexed.
    """

    path: str
    title: str
    text: str
    language: Language
    revision: str
    passages: tuple[Passage, ...] = ()
    faqs: tuple[Faq, ...] = ()
    notes: tuple[str, ...] = ()
    scope: Scope = ANYTIME
    found_under: tuple[FoundUnder, ...] = ()

    @property
    def text_count(self) -> int:
        """Number of texts that it is found by."""
        return len(self.passages) + sum(len(faq.questions) + 1 for faq in self.faqs)


def joined(file: Scope, given: Scope) -> Scope:
    """Return what a file says of itself and what its owner says of it, who has the last word."""
    return Scope(
        {**file.metadata, **given.metadata},
        given.valid_from or file.valid_from,
        given.valid_until or file.valid_until,
    )


def normalise(text: str) -> str:
    """Return the text as it is stored: NFC (AIP-210), lines end with a line feed."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def revision_of(content: bytes) -> str:
    """Return the hash that names a file's content, hex; equal hashes need no new import."""
    return hashlib.sha256(content).hexdigest()


def reading_of(revision: str, scope: Scope) -> str:
    """Return what has to be equal for an import to be skipped: content, scope, way of reading."""
    said = repr((sorted(scope.metadata.items()), scope.valid_from, scope.valid_until))
    return f"{_READING}:{revision}:{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def document_id(path: str) -> str:
    """Make the last part of a document's name from its path.

    A path that is a valid id stays; any other keeps its readable part and gets a hash of the
    whole, so that two paths never share an id.

    Args:
        path: 1 to 500 code points, any characters.

    Returns:
        1 to 64 characters of `A-Za-z0-9_.-`.
    """
    path = unicodedata.normalize("NFC", path)
    readable = _NOT_IN_AN_ID.sub("-", path.replace("/", "."))
    if readable == path and len(path) <= DOCUMENT_ID_LENGTH:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:10]
    return f"{readable[: DOCUMENT_ID_LENGTH - 11]}-{digest}"
