"""Releases: revisions of a knowledge base, and the questions that one has to answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.knowledge.document import document_id
from services.knowledge.ranking import Verdict

DEFAULT_WITHIN = 3
"""Among how many first passages an expected document has to be, where a question says nothing."""

DEFAULT_REQUIRED_SHARE = 0.9
"""Share of the test questions that has to pass, where the owner says nothing."""


@dataclass(frozen=True, slots=True)
class Revision:
    """What a knowledge base said at a time.

    Attributes:
        number: From 1; larger is newer.
        live: Whether searches find it.
        documents: Documents in it.
        entries: Passages and wordings in it.
        description: Why it was made.
        publisher: Who published it.
        passed_share: Share of the test questions that passed then; None: there were none.
        create_time: When it was published.
    """

    number: int
    live: bool
    documents: int
    entries: int
    description: str
    publisher: str
    passed_share: float | None
    create_time: datetime


@dataclass(frozen=True, slots=True)
class GoldenQuestion:
    """A question, and what has to be found for it.

    Attributes:
        text: The customer's words.
        documents: Paths of the documents that answer it; empty: nothing does.
        within: Among how many first passages one of them has to be.
    """

    text: str
    documents: tuple[str, ...]
    within: int = DEFAULT_WITHIN


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a revision found for a test question.

    Attributes:
        passed: Whether it found what it has to.
        rank: Of the first expected document, from 1; 0: not found.
        found: Id of the document that came first; empty: none.
        verdict: What the evidence was said to be worth.
        score: Of the first passage; 1 for an FAQ with the same question.
    """

    passed: bool
    rank: int
    found: str
    verdict: Verdict
    score: float


class Change(StrEnum):
    """How a revision does on a question against another one."""

    NONE = "none"
    """As the other, or there is no other."""
    BETTER = "better"
    """It passes, the other does not."""
    WORSE = "worse"
    """It does not pass, the other does."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A test question on two revisions."""

    question: GoldenQuestion
    outcome: Outcome
    change: Change


@dataclass(frozen=True, slots=True)
class Report:
    """What all test questions found.

    Attributes:
        revision: The revision that was asked.
        baseline: The one that it is compared with; 0: none.
        results: What got worse first, then what fails, what got better, the rest.
        required_share: Share that has to pass for publishing.
        lexical_only: True where no vectors took part.
    """

    revision: int
    baseline: int
    results: tuple[Compared, ...]
    required_share: float
    lexical_only: bool

    @property
    def passed(self) -> int:
        """How many questions passed."""
        return sum(each.outcome.passed for each in self.results)

    @property
    def share(self) -> float | None:
        """Share that passed, in [0, 1]; None without questions."""
        return self.passed / len(self.results) if self.results else None

    @property
    def enough(self) -> bool:
        """Whether it may be published."""
        return self.share is None or self.share >= self.required_share

    def count(self, change: Change) -> int:
        """How many questions changed so."""
        return sum(each.change is change for each in self.results)


def judge(
    question: GoldenQuestion, found: Sequence[str], faq: bool, verdict: Verdict, score: float
) -> Outcome:
    """Say whether what was found is what had to be.

    Args:
        question: The question.
        found: Ids of the documents that were found, best first; that of an FAQ with the same
            question before all.
        faq: Whether there was such an FAQ.
        verdict: What the evidence is worth.
        score: Of the first passage.
    """
    wanted = set(map(document_id, question.documents))
    ranks = [place for place, document in enumerate(found, 1) if document in wanted]
    rank = ranks[0] if ranks else 0
    if question.documents:
        passed = 0 < rank <= question.within
    else:
        passed = verdict is not Verdict.ANSWERABLE
    return Outcome(passed, rank, found[0] if found else "", verdict, 1.0 if faq else score)


def compare(
    questions: Sequence[GoldenQuestion],
    outcomes: Sequence[Outcome],
    before: Sequence[Outcome] | None,
) -> tuple[Compared, ...]:
    """Set two revisions' outcomes beside each other, what needs a look first.

    Args:
        questions: What was asked.
        outcomes: What the revision found, in their order.
        before: What the other found; None: there is no other.
    """
    results = [
        Compared(question, outcome, _change(outcome, before[place] if before else None))
        for place, (question, outcome) in enumerate(zip(questions, outcomes, strict=True))
    ]
    return tuple(sorted(results, key=_urgency))


def _change(outcome: Outcome, before: Outcome | None) -> Change:
    if before is None or outcome.passed == before.passed:
        return Change.NONE
    return Change.BETTER if outcome.passed else Change.WORSE


def _urgency(each: Compared) -> int:
    if each.change is Change.WORSE:
        return 0
    if not each.outcome.passed:
        return 1
    return 2 if each.change is Change.BETTER else 3
