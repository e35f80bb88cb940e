"""How far a reply is supported by the knowledge that it was made from."""

from dataclasses import dataclass, replace
from enum import StrEnum

MAX_SENTENCES = 200
"""What a grounding of the contract holds."""


class Support(StrEnum):
    """What a sentence is worth, or all of them (kefu.type.v1.SentenceSupport.Support)."""

    SUPPORTED = "supported"
    WEAK = "weak"
    UNSUPPORTED = "unsupported"
    NO_CLAIM = "no_claim"


_FROM_BEST = (Support.NO_CLAIM, Support.SUPPORTED, Support.WEAK, Support.UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class SentenceSupport:
    """How far a sentence is supported; its place, `start` and `end`, in code points.

    Attributes:
        overlap: share of its words that its sources have, in [0, 1].
    """

    start: int
    end: int
    support: Support
    overlap: float


@dataclass(frozen=True, slots=True)
class Grounding:
    """How far an answer, or all answers of a reply, are supported.

    Attributes:
        verdict: never NO_CLAIM.
        sentences: in order; those of which nobody judged are not among them.
        withheld: why words of a model were not released; empty: all were.
    """

    verdict: Support
    sentences: tuple[SentenceSupport, ...] = ()
    withheld: str = ""

    def moved(self, by: int) -> "Grounding":
        """The same of an answer that begins so many code points later."""
        moved = (replace(each, start=each.start + by, end=each.end + by) for each in self.sentences)
        return replace(self, sentences=tuple(moved))

    def plus(self, other: "Grounding") -> "Grounding":
        """That of both answers together, `other` behind this one: the worse verdict counts."""
        return Grounding(
            max(self.verdict, other.verdict, key=_FROM_BEST.index),
            (*self.sentences, *other.sentences)[:MAX_SENTENCES],
            self.withheld or other.withheld,
        )
