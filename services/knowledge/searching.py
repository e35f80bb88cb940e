"""Searching: the FAQ with the same question, and the passages that may answer it."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from kefu.errors import EmbeddingMismatch, InvalidRequest

from services.knowledge.catalog import BaseName, Facts, FaqHit, SearchResult, Wanted, Which
from services.knowledge.classifiers import Classifiers
from services.knowledge.embedding import DIMENSIONS
from services.knowledge.indexing import QuestionHashes, question_hashes
from services.knowledge.lexical import Dictionary, query_terms
from services.knowledge.ranking import FaqPlace, Mode, Question, Verdict, rank, verdict
from services.language import Language, detect

if TYPE_CHECKING:
    from services.knowledge.answer_store import AnswerStore
    from services.knowledge.release_store import ReleaseStore
    from services.knowledge.revision_store import RevisionStore
    from services.knowledge.search_store import SearchStore

DEFAULT_PASSAGES, MOST_PASSAGES = 5, 20
"""Passages that a search returns where the caller says nothing, and at the most."""

_FACTS_SECONDS = 30.0
"""How long facts are kept whose change no version tells: that an index was made."""

_TRIES = 3
"""How often a search is done again because something was published while it ran."""


@dataclass(frozen=True, slots=True)
class QueryVector:
    """The vector of a question."""

    model: str
    """What made it."""
    values: Sequence[float]
    """float, L2-normalised."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search."""

    faq_only: bool = False
    """True looks only for an FAQ with the same question: the cheapest look."""
    language_code: str = ""
    """Preferred language, `zh` or `en`; empty: the question's."""
    vector: QueryVector | None = None
    """Of the question; None searches by words alone."""
    mode: Mode = Mode.HYBRID
    """On what evidence passages are ranked."""
    size: int = 0
    """Most passages; 0 means `DEFAULT_PASSAGES`, more than `MOST_PASSAGES` means that."""
    which: Which = "live"
    """Revision to search."""
    labels: tuple[tuple[str, ...], ...] = ()
    """Lists of labels; what is found has one of each list."""
    time: datetime | None = None
    """When what is found has to be valid; None: now."""

    @property
    def usual(self) -> bool:
        """Whether answers may come out of the cache: what customers' searches have in common."""
        return self.which == "live" and not self.labels and self.time is None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a search looks, and the words that are found whole there."""

    facts: Facts
    revision: int | None
    dictionary: Dictionary | None
    expires: float


class Searching:
    """Searches in the knowledge of all tenants."""

    def __init__(
        self,
        revisions: "RevisionStore",
        searches: "SearchStore",
        releases: "ReleaseStore",
        answers: "AnswerStore",
    ) -> None:
        """Work on the given stores."""
        self._revisions = revisions
        self._searches = searches
        self._releases = releases
        self._answers = answers
        self._classifiers = Classifiers(revisions)
        self._live: dict[BaseName, _Place] = {}

    async def search(self, base: BaseName, text: str, options: SearchOptions) -> SearchResult:
        """Find the FAQ with the same question, and the passages that may answer it.

        Args:
            base: Where to search.
            text: The question.
            options: How to search.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound: there is none of this name or number.
            EmbeddingMismatch: the vector is of another model than those of the knowledge base.
            InvalidRequest: the vector has no direction: zero, infinite or not a number.
        """
        language = _preferred(options.language_code, text)
        hashes = question_hashes(text)
        if options.faq_only and options.usual:
            cached = await self._answers.get(base, hashes, language)
            if cached is not None:
                return _only_faq(*cached)
        for _ in range(_TRIES):
            place = await self._place(base, options.which)
            if place.revision is None:
                return SearchResult(None, (), Verdict.NONE, place.facts.version, lexical_only=True)
            result = await self._search(base, text, options, language, hashes, place)
            if result.version == place.facts.version:
                break
            # Something was published, or removed for good, since the facts were read.
            self._live.pop(base, None)
        return result

    async def _search(
        self,
        base: BaseName,
        text: str,
        options: SearchOptions,
        language: Language,
        hashes: QuestionHashes,
        place: _Place,
    ) -> SearchResult:
        assert place.revision is not None
        facts = place.facts
        wanted = Wanted(
            base, facts.number, place.revision, facts.dense_index, options.labels, options.time
        )
        if options.faq_only:
            return await self._find_faq(wanted, hashes, language, options.usual)
        vector = None if options.mode is Mode.LEXICAL else options.vector
        if vector is None and options.mode is Mode.DENSE:
            raise InvalidRequest(violations=[("embedding", "is needed for MODE_DENSE")])
        question = Question(text, query_terms(text, place.dictionary), language)
        found = await self._searches.search(
            wanted, question, hashes, _checked(vector) if vector else None
        )
        if vector and found.embedding_model not in (None, vector.model):
            raise EmbeddingMismatch(expected=str(found.embedding_model), got=vector.model)
        meant = await self._meant(wanted, facts, text, vector)
        most = min(options.size or DEFAULT_PASSAGES, MOST_PASSAGES)
        ranked = rank(question, found.frequencies, found.candidates, options.mode, meant, most)
        worth = verdict(question, found.frequencies, ranked)
        return SearchResult(
            found.hit,
            tuple(ranked),
            Verdict.ANSWERABLE if found.hit else worth,
            found.version,
            lexical_only=vector is None or found.embedding_model is None,
            revision=place.revision,
        )

    async def _meant(
        self, wanted: Wanted, facts: Facts, text: str, vector: QueryVector | None
    ) -> Mapping[FaqPlace, float]:
        """Say how probable each FAQ is by the company's own wordings; empty: they do not tell."""
        if vector is None:
            return {}
        classifier = await self._classifiers.of(wanted, facts)
        return classifier.probabilities(text, vector.values) if classifier else {}

    async def _find_faq(
        self, wanted: Wanted, hashes: QuestionHashes, language: Language, keep: bool
    ) -> SearchResult:
        """Look up the FAQ with the same question in the database, and keep it in the cache."""
        version, hit = await self._searches.find_faq(wanted, hashes, language)
        if hit is not None and keep:
            await self._answers.put(wanted, hashes, language, version, hit)
        return _only_faq(version, hit, wanted.revision)

    async def _place(self, base: BaseName, which: Which) -> _Place:
        """Return where to look; what is live is remembered until something is published."""
        if which == "live" and (known := self._live.get(base)) and known.expires > time.monotonic():
            return known
        if which == "draft":
            await self._releases.count(base)
        facts, revision = await self._revisions.facts(base, which)
        dictionary = Dictionary(facts.words) if facts.words else None
        place = _Place(facts, revision, dictionary, time.monotonic() + _FACTS_SECONDS)
        # Where nothing is live no search would tell that something was published.
        if which == "live" and revision is not None:
            self._live[base] = place
        return place


def _preferred(language_code: str, text: str) -> Language:
    return Language(language_code) if language_code in set(Language) else detect(text)


def _only_faq(version: int, hit: FaqHit | None, revision: int) -> SearchResult:
    found = Verdict.ANSWERABLE if hit else Verdict.NONE
    return SearchResult(hit, (), found, version, lexical_only=False, revision=revision)


def _checked(vector: QueryVector) -> Sequence[float]:
    if len(vector.values) != DIMENSIONS:
        raise EmbeddingMismatch(expected=f"{DIMENSIONS} values", got=f"{len(vector.values)} values")
    if not all(map(math.isfinite, vector.values)) or not any(vector.values):
        raise InvalidRequest(violations=[("embedding.vector", "must be finite and not zero")])
    return vector.values
