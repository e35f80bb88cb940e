"""What became of a file of an import."""

from dataclasses import dataclass
from enum import StrEnum

from services.knowledge.catalog import ImportResult

_MOST_NOTES = 20
_LONGEST_NOTE = 500
_LONGEST_PROBLEM = 1000


class Outcome(StrEnum):
    """What was done with a file."""

    PENDING = "pending"
    """Nothing yet; where the operation has ended, it ended before this file."""
    IMPORTED = "imported"
    """New or changed, and in the draft."""
    UNCHANGED = "unchanged"
    """The same content is already there."""
    FAILED = "failed"
    """Not in the draft."""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a file.

    Attributes:
        path: The file's path.
        outcome: What was done.
        document: Id of its document; empty where there is none.
        passage_count: Passages of the document.
        faq_count: FAQs of the document.
        problem: Why it failed; empty where it did not.
        notes: What its owner should know of how it was read.
    """

    path: str
    outcome: Outcome
    document: str = ""
    passage_count: int = 0
    faq_count: int = 0
    problem: str = ""
    notes: tuple[str, ...] = ()


def failed(path: str, problem: str) -> FileOutcome:
    """Return the outcome of a file that could not be imported."""
    return FileOutcome(path, Outcome.FAILED, problem=problem[:_LONGEST_PROBLEM])


def outcome_of(result: ImportResult) -> FileOutcome:
    """Return the outcome of an import, within the limits of the contract."""
    if result.document is None:
        return failed(result.path, result.problem)
    document = result.document
    return FileOutcome(
        result.path,
        Outcome.IMPORTED if result.changed else Outcome.UNCHANGED,
        document.name.document,
        document.passage_count,
        document.faq_count,
        notes=tuple(note[:_LONGEST_NOTE] for note in result.notes[:_MOST_NOTES]),
    )
