"""The rated words of both languages, read from the tables beside this file.

Every rating is a valence in [-4, 4], the scale on which VADER's raters judged English words, so
that Chinese words, English words and emoji can be added up.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from services.language import fold

MAX_VALENCE = 4.0
"""Largest absolute valence of a single word."""


class Cue(StrEnum):
    """What a word says beyond good or bad."""

    ANGER = "anger"
    INSULT = "insult"
    ACCUSE = "accuse"
    """Charges the company with deceit or neglect."""
    THREAT = "threat"
    """Announces a complaint, a lawsuit, publicity or leaving for good."""
    IRONY = "irony"
    """Turns praise in the same sentence into its opposite."""
    FAILURE = "failure"
    """States as a fact that something did not happen or work."""
    WORRY = "worry"
    JOY = "joy"
    COURTESY = "courtesy"
    """A plain thank-you: an opinion only where nothing is asked or criticised."""


HEATED = frozenset({Cue.ANGER, Cue.INSULT, Cue.ACCUSE, Cue.THREAT})
"""Cues of a customer who is angry rather than merely unlucky."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A piece of evidence: a rated word, alone or as modified by the words around it."""

    valence: float
    """In [-4, 4] for a word of the tables; its context may push it beyond."""
    cues: frozenset[Cue] = frozenset()
    """What else the word says."""

    def scaled(self, factor: float) -> "Hit":
        """Return the hit with its valence multiplied and the same cues."""
        return replace(self, valence=self.valence * factor)

    @property
    def heated(self) -> bool:
        """True where the word shows anger and was not negated away."""
        return self.valence < 0 and not HEATED.isdisjoint(self.cues)


_IRONIC_PRAISE = -0.6


def ironic(hits: list[Hit]) -> list[Hit]:
    """Turn praise round in a sentence that carries a sign of irony: 呵呵,服务真好 or 🙄."""
    if not any(Cue.IRONY in hit.cues for hit in hits):
        return hits
    return [Hit(hit.valence * _IRONIC_PRAISE) if hit.valence > 0 else hit for hit in hits]


_ASKED_PRAISE = 0.05
_ASKED_BLAME = 0.2
_ASKED_FACT = 0.4


def asked(hits: list[Hit], closed: bool) -> list[Hit]:
    """Weaken what a customer asks and does not say: 质量好吗, what if it is broken.

    Anger and irony are said in the form of a question and stay as they are: 难道, how dare you. An
    accusation or a threat stays bad, but who asks is not heated yet: 是骗子吗, how do I sue.

    Args:
        hits: The evidence of the question.
        closed: Whether it asks for yes or no. An open question (why is it so slow) weakens praise
            and facts, but presupposes its blame.
    """
    if any(Cue.IRONY in hit.cues for hit in hits):
        return hits
    return [_asked(hit, closed) for hit in hits]


def _asked(hit: Hit, closed: bool) -> Hit:
    if hit.valence > 0:
        return hit.scaled(_ASKED_PRAISE)
    if hit.heated:
        charges = not hit.cues.isdisjoint({Cue.ACCUSE, Cue.THREAT})
        return replace(hit, cues=hit.cues - HEATED) if charges else hit
    if closed:
        return hit.scaled(_ASKED_BLAME)
    return hit.scaled(_ASKED_FACT) if Cue.FAILURE in hit.cues else hit


def table_rows(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the three tab-separated columns of a table of this package, without its comments.

    Raises:
        ValueError: If a row has another number of columns; it names the file and the line.
    """
    path = Path(__file__).with_name(name)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != 3:
            raise ValueError(f"{name}:{number}: expected 3 columns, found {len(columns)}")
        yield columns[0], columns[1], columns[2]


def load_ratings(name: str, separator: str) -> dict[str, Hit]:
    """Read a table of rated terms; keys are folded.

    Args:
        name: File name of the table.
        separator: What stands between the terms of a row.

    Raises:
        ValueError: If a rating is not a number in [-4, 4], a cue is unknown or a term is rated
            twice: a contradiction in the table would otherwise be decided by its order.
    """
    ratings: dict[str, Hit] = {}
    for rating, cue_names, terms in table_rows(name):
        valence = float(rating)
        if not -MAX_VALENCE <= valence <= MAX_VALENCE:
            raise ValueError(f"{name}: valence {rating} is outside [-4, 4]")
        cues = frozenset() if cue_names == "-" else frozenset(map(Cue, cue_names.split(",")))
        for term in terms.split(separator):
            key = fold(term)
            if key in ratings:
                raise ValueError(f"{name}: {term!r} is rated twice")
            ratings[key] = Hit(valence, cues)
    return ratings


def longest_terms(
    pieces: list[str], known: Container[str], longest: int, joint: str
) -> Iterator[tuple[int, int, str]]:
    """Cut a list of words into the longest known terms, from left to right.

    A term starts and ends where a word does: 不错 is not found in 不|错过.

    Args:
        pieces: Words in order.
        known: All terms.
        longest: Most words in a term.
        joint: What stands between words: a blank in English, nothing in Chinese.

    Yields:
        First word, the word behind the last, and the term; a word that is in no known term comes
        alone.
    """
    start = 0
    while start < len(pieces):
        end = min(start + longest, len(pieces))
        while end > start + 1:
            term = joint.join(pieces[start:end])
            if term in known:
                break
            end -= 1
        yield start, end, joint.join(pieces[start:end])
        start = end
