"""Releases: publishing a draft that answers its test questions, and going back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kefu.errors import KefuError, PublishRefused

from services.knowledge.catalog import BaseName, Which
from services.knowledge.embedding import Embed
from services.knowledge.release import GoldenQuestion, Outcome, Report, Revision, compare, judge
from services.knowledge.searching import QueryVector, Searching, SearchOptions
from services.language import fold
from services.mesh import paging

if TYPE_CHECKING:
    from services.knowledge.answer_store import AnswerStore
    from services.knowledge.question_store import DictionaryStore, QuestionStore
    from services.knowledge.release_store import ReleaseStore

MOST_QUESTIONS = 500
"""Most test questions of a knowledge base; the contract's limit."""

_EMBEDDED_TOGETHER = 32
"""Questions in a call of the embedding service: a fraction of a second of a core, so that those of
customers are not kept waiting."""

_ASKED_TOGETHER = 4
"""Searches at once: half of the pool's connections, so that customers' searches get the others."""

_TRIES = 3
"""How often a draft is tested again because it was edited meanwhile."""

_NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What publishing was asked for."""

    request_id: str
    description: str
    publisher: str
    """Who: the caller's identity."""


class Releases:
    """The revisions of all tenants' knowledge."""

    def __init__(
        self,
        releases: "ReleaseStore",
        questions: "QuestionStore",
        dictionary: "DictionaryStore",
        searching: Searching,
        answers: "AnswerStore",
        embed: Embed,
    ) -> None:
        """Work on the given stores; `embed` makes the vectors of test questions."""
        self._releases = releases
        self._questions = questions
        self._dictionary = dictionary
        self._searching = searching
        self._answers = answers
        self._embed = embed

    async def publish(self, base: BaseName, wish: Wish) -> tuple[Revision, Report | None]:
        """Make the draft a revision and put it live, if its test questions allow it.

        Returns:
            The revision, and what the questions found; None where there are none, or where the
            request was done before.

        Raises:
            KnowledgeBaseNotFound, PublishRefused, RequestIdReused: as the contract says.
        """
        if done := await self._releases.published(base, wish.request_id):
            return done[0], None
        for _ in range(_TRIES):
            edits = await self._releases.edits(base)
            report = await self.validate(base)
            if report is not None and not report.enough:
                raise PublishRefused(
                    passed=str(report.passed),
                    total=str(len(report.results)),
                    required_share=f"{report.required_share:g}",
                )
            share = report.share if report else None
            done = await self._releases.publish(
                base, wish.request_id, edits, wish.description, wish.publisher, share
            )
            if done is not None:
                revision, version = done
                await asyncio.shield(self._answers.kill(base, version))
                return revision, report
        raise PublishRefused(
            "the draft is being edited all the time; publish when that has ended",
            retry_after_seconds=5,
        )

    async def validate(self, base: BaseName) -> Report | None:
        """Ask the draft its test questions; None where there are none.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
        """
        questions, _ = await self._questions.get(base)
        return await self.test(base, "draft", None, questions) if questions else None

    async def test(
        self,
        base: BaseName,
        which: Which,
        baseline: Which | None,
        questions: Sequence[GoldenQuestion],
    ) -> Report:
        """Ask a revision questions, and compare with another one.

        Args:
            base: Which knowledge base.
            which: The revision.
            baseline: The other; None: the one before it.
            questions: What to ask; empty: the knowledge base's own test questions.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound: there is none of this name or number.
        """
        own, required_share = await self._questions.get(base)
        questions = questions or own
        number = await self._releases.resolve(base, which)
        if baseline is None:
            other = await self._releases.before(base, number or 0)
        else:
            other = await self._releases.resolve(base, baseline)
        vectors = await self._vectors(base, [each.text for each in questions])
        outcomes = await self._ask(base, which, questions, vectors)
        before = await self._ask(base, other, questions, vectors) if other else None
        results = compare(questions, outcomes, before)
        return Report(number or 0, other or 0, results, required_share, not any(vectors))

    async def roll_back(self, base: BaseName, number: int | None, request_id: str) -> Revision:
        """Put a revision live, the one before what is live where none is named.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound, RequestIdReused: as the contract says.
        """
        revision, version = await self._releases.roll_back(base, number, request_id)
        await asyncio.shield(self._answers.kill(base, version))
        return revision

    async def reset_draft(self, base: BaseName, request_id: str) -> None:
        """Undo all edits of the draft.

        Raises:
            KnowledgeBaseNotFound, RequestIdReused: as the contract says.
        """
        await self._releases.reset_draft(base, request_id)

    async def revisions(self, base: BaseName, size: int, token: str) -> tuple[list[Revision], str]:
        """Return a page of revisions, the newest first, and where the next page starts.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            PageTokenInvalid: the token is not of this list.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (int,), "revisions", str(base)) or [_NEWEST]
        found = await self._releases.list(base, int(key[0]), size + 1)
        more = len(found) > size
        token = paging.encode([found[size - 1].number], "revisions", str(base)) if more else ""
        return found[:size], token

    async def replace_questions(
        self,
        base: BaseName,
        questions: Sequence[GoldenQuestion],
        required_share: float,
        request_id: str,
    ) -> None:
        """Replace what publishing asks, and the share that has to pass.

        Raises:
            KnowledgeBaseNotFound, RequestIdReused: as the contract says.
        """
        await self._questions.replace(base, questions, required_share, request_id)

    async def questions(
        self, base: BaseName, size: int, token: str
    ) -> tuple[list[GoldenQuestion], float, str]:
        """Return a page of test questions, the share that has to pass, and the next page.

        Raises:
            KnowledgeBaseNotFound: there is none of this name.
            PageTokenInvalid: the token is not of this list.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (int,), "questions", str(base)) or [-1]
        after = int(key[0])
        found, share = await self._questions.get(base, after, size + 1)
        more = len(found) > size
        token = paging.encode([after + size], "questions", str(base)) if more else ""
        return found[:size], share, token

    async def replace_dictionary(
        self, base: BaseName, words: Sequence[str], request_id: str
    ) -> int:
        """Replace the draft's own words; return how many there are.

        Raises:
            KnowledgeBaseNotFound, RequestIdReused: as the contract says.
        """
        once = {fold(word).strip(): word.strip() for word in words if fold(word).strip()}
        await self._dictionary.replace(base, sorted(once.values()), request_id)
        return len(once)

    async def dictionary(
        self, base: BaseName, which: Which, size: int, token: str
    ) -> tuple[list[str], str]:
        """Return a page of a revision's own words, and where the next page starts.

        Raises:
            KnowledgeBaseNotFound, RevisionNotFound: there is none of this name or number.
            PageTokenInvalid: the token is not of this list.
        """
        size = paging.page_size(size)
        key = paging.decode(token, (str,), "words", str(base), which) or [""]
        found = await self._dictionary.list(base, which, str(key[0]), size + 1)
        more = len(found) > size
        token = paging.encode([found[size - 1]], "words", str(base), which) if more else ""
        return found[:size], token

    async def _vectors(self, base: BaseName, texts: Sequence[str]) -> list[QueryVector | None]:
        """Embed test questions; without an embedding service they are asked by words alone."""
        made: list[QueryVector | None] = []
        try:
            for start in range(0, len(texts), _EMBEDDED_TOGETHER):
                batch = texts[start : start + _EMBEDDED_TOGETHER]
                vectors = await self._embed(base.tenant, batch, True)
                made += [QueryVector(vectors.model, values) for values in vectors.values]
        except KefuError:
            return [None] * len(texts)
        return made

    async def _ask(
        self,
        base: BaseName,
        which: Which,
        questions: Sequence[GoldenQuestion],
        vectors: Sequence[QueryVector | None],
    ) -> list[Outcome]:
        """Ask a revision all questions, a few at a time."""
        places = asyncio.Semaphore(_ASKED_TOGETHER)

        async def ask(question: GoldenQuestion, vector: QueryVector | None) -> Outcome:
            options = SearchOptions(which=which, vector=vector, size=question.within)
            async with places:
                found = await self._searching.search(base, question.text, options)
            documents = [each.candidate.document for each in found.passages]
            if found.faq:
                documents.insert(0, found.faq.document)
            score = found.passages[0].score if found.passages else 0.0
            return judge(question, documents, found.faq is not None, found.verdict, score)

        pairs = zip(questions, vectors, strict=True)
        return list(await asyncio.gather(*(ask(question, vector) for question, vector in pairs)))
