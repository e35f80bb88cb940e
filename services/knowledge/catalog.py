"""What the service keeps and gives back: knowledge bases, documents, answers, by their names."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from services.knowledge.document import ANYTIME, Scope
from services.knowledge.ranking import Scored, Verdict
from services.language import Language, Span

FIRST_VERSION = 1
"""Version of an empty knowledge base."""

Which = int | Literal["live", "draft"]
"""A revision: its number, the one that searches find, or the draft."""


@dataclass(frozen=True, slots=True)
class BaseName:
    """The name of a knowledge base: `tenants/{tenant}/knowledgeBases/{base}`."""

    tenant: str
    base: str

    @classmethod
    def parse(cls, name: str) -> "BaseName":
        """Read a name whose form the contract has checked; further parts are ignored."""
        _, tenant, _, base, *_ = name.split("/")
        return cls(tenant, base)

    def __str__(self) -> str:
        return f"tenants/{self.tenant}/knowledgeBases/{self.base}"


@dataclass(frozen=True, slots=True)
class DocumentName:
    """The name of a document: `{knowledge base}/documents/{document}`."""

    base: BaseName
    document: str

    @classmethod
    def parse(cls, name: str) -> "DocumentName":
        """Read a name whose form the contract has checked."""
        return cls(BaseName.parse(name), name.rpartition("/")[2])

    def __str__(self) -> str:
        return f"{self.base}/documents/{self.document}"


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """A set of documents that is searched together.

    Attributes:
        name: Its name.
        display_name: For people; may be empty.
        version: Grows with every change of what is served.
        create_time: When it was made.
        draft: Revision that the draft becomes.
        live: Revision that searches find; None: nothing was published.
        draft_changed: Whether the draft differs from the newest revision.
        waiting: Texts without a vector.
    """

    name: BaseName
    display_name: str
    version: int
    create_time: datetime
    draft: int = 1
    live: int | None = None
    draft_changed: bool = False
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class BasePage:
    """Knowledge bases by id, and where the next page starts (empty at the end)."""

    bases: tuple[KnowledgeBase, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Document:
    """An imported file.

    Attributes:
        name: Its name.
        path: As imported.
        title: First heading, else the file's name.
        revision: SHA-256 of the content, hex.
        language: Detected.
        passage_count: Passages it was cut into.
        faq_count: FAQs it holds.
        embedded: True where all its vectors are there.
        import_time: When this content was imported.
        scope: What its owner says of it.
    """

    name: DocumentName
    path: str
    title: str
    revision: str
    language: Language
    passage_count: int
    faq_count: int
    embedded: bool
    import_time: datetime
    scope: Scope = ANYTIME


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file.

    Attributes:
        path: The file's path.
        document: The stored document; None where it failed.
        changed: False where the same content was there already.
        problem: Why it failed; empty where it did not.
        notes: What its owner should know of how it was read.
    """

    path: str
    document: Document | None
    changed: bool
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexedPassage:
    """What is searched: a stretch of a document, or a wording of an FAQ's question.

    Attributes:
        heading: Title and headings; empty for a wording.
        text: Its words.
        span: Where they stand in the document.
        language: Detected.
        faq_id: Of the FAQ that it is a wording of; empty for a stretch.
        embedded: Whether its vector is there.
    """

    heading: str
    text: str
    span: Span
    language: Language
    faq_id: str
    embedded: bool


@dataclass(frozen=True, slots=True)
class PassagePage:
    """What a document was cut into, and where the next page starts (empty at the end)."""

    passages: tuple[IndexedPassage, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a search has to know of a knowledge base before it asks.

    Attributes:
        number: Its number.
        version: Its version.
        live: Revision that is live; None: none is.
        dense_index: Whether its vectors have an index.
        words: Its own words in the revision that was asked for.
        edits: Grows with every edit of the draft; 0 where another revision was asked for.
    """

    number: int
    version: int
    live: int | None
    dense_index: bool
    words: tuple[str, ...]
    edits: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a search looks.

    Attributes:
        base: Name of the knowledge base.
        number: Its number.
        revision: Which revision.
        dense_index: Whether its vectors have an index.
        labels: Lists of labels; an entry must have one of each list.
        time: When what is found has to be valid; None: now.
    """

    base: BaseName
    number: int
    revision: int
    dense_index: bool = False
    labels: tuple[tuple[str, ...], ...] = ()
    time: datetime | None = None


class HitReason(StrEnum):
    """Why an FAQ answers a question."""

    EXACT = "exact"
    """The question is one of the FAQ's, letter for letter after folding."""
    EQUIVALENT = "equivalent"
    """The same content words, numbers, codes and negation as one of the FAQ's questions."""


@dataclass(frozen=True, slots=True)
class FaqHit:
    """An FAQ that answers.

    Attributes:
        document: Id of its document.
        revision: Content hash of the document.
        faq_id: Its id in the file.
        question: The FAQ's own question.
        answer: Its answer.
        reason: Why it hit.
        cached: True where it came out of the answer cache.
        valid_until: When it stops being true; None: never.
    """

    document: str
    revision: str
    faq_id: str
    question: str
    answer: str
    reason: HitReason
    cached: bool = False
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found.

    Attributes:
        faq: The FAQ with the same question, if any.
        passages: Best first.
        verdict: What the evidence is worth.
        version: The version that was searched.
        lexical_only: True where no vector took part, though passages were wanted.
        revision: The revision that was searched; 0: nothing is published.
    """

    faq: FaqHit | None
    passages: tuple[Scored, ...]
    verdict: Verdict
    version: int
    lexical_only: bool
    revision: int = 0


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Documents by path, and where the next page starts (empty at the end)."""

    documents: tuple[Document, ...]
    next_page_token: str
