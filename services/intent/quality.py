"""How good a model is, measured on utterances that it had not seen when it judged them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from services.intent.values import UNKNOWN, Candidate, IntentType
from services.mesh.measures import calibration_error, macro_f1

_MOST_CONFUSIONS = 100
_MOST_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """An utterance of the training data and what a model that never saw it said."""

    text: str
    """The utterance."""
    intent: str
    """Where it stands in the training data, or `UNKNOWN`."""
    language: str
    """As its author filed it."""
    predicted: Candidate
    """The model's best."""

    @property
    def right(self) -> bool:
        """Whether the model said what the training data says."""
        return self.predicted.intent == self.intent


@dataclass(frozen=True, slots=True)
class Figures:
    """What a set of judged utterances amounts to."""

    utterances: int
    """How many were judged."""
    accuracy: float
    """Share judged rightly, "unknown" being one of the classes."""
    macro_f1: float
    """Mean over the intents that were meant, "unknown" among them, of each one's F1."""
    unknown_recall: float | None
    """Share of the examples of "unknown" that were called so; None without examples."""
    unknown_precision: float | None
    """Share of what was called unknown that is an example of it; None where nothing was."""
    calibration_error: float
    """Mean distance of confidence and accuracy over bins of confidence, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Utterances of one intent that were taken for another."""

    intent: str
    """What was meant."""
    predicted: str
    """What the model gave; `UNKNOWN` where it gave none."""
    count: int
    """How often."""
    language: str
    """The language in which it happened most."""
    examples: tuple[str, ...]
    """Some of the utterances, the surest mistakes first."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The measured quality of one model."""

    lexical: Figures
    """From the words alone."""
    with_embedding: Figures | None
    """From words and vectors; None for a model that knows no vectors."""
    languages: Mapping[str, Figures]
    """By language, on the better equipped path, as is all that follows."""
    confusions: tuple[Confusion, ...]
    """Most frequent first."""
    judged: tuple[Judged, ...] = field(default=(), repr=False)
    """What was said of each utterance."""

    @property
    def best(self) -> Figures:
        """Figures of the better equipped path."""
        return self.with_embedding or self.lexical

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what was said of single utterances stands under `judged`."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Quality":
        """Rebuild from plain values; `judged` may be missing."""
        return cls(
            lexical=Figures(**content["lexical"]),
            with_embedding=content["with_embedding"] and Figures(**content["with_embedding"]),
            languages={key: Figures(**each) for key, each in content["languages"].items()},
            confusions=tuple(
                Confusion(**each | {"examples": tuple(each["examples"])})
                for each in content["confusions"]
            ),
            judged=tuple(
                Judged(**each | {"predicted": _candidate(each["predicted"])})
                for each in content.get("judged", ())
            ),
        )


def assess(lexical: Sequence[Judged], with_embedding: Sequence[Judged] | None = None) -> Quality:
    """Sum up held-out verdicts.

    Args:
        lexical: Verdicts from the words alone, at least one.
        with_embedding: Verdicts on the same utterances from words and vectors, if there are any.
    """
    best = with_embedding or lexical
    by_language: dict[str, list[Judged]] = defaultdict(list)
    for each in best:
        by_language[each.language].append(each)
    return Quality(
        lexical=figures(lexical),
        with_embedding=figures(with_embedding) if with_embedding else None,
        languages={language: figures(each) for language, each in sorted(by_language.items())},
        confusions=_confusions(best),
        judged=tuple(best),
    )


def figures(judged: Sequence[Judged]) -> Figures:
    """Compute the figures of a set of verdicts, at least one."""
    unknown = [each.right for each in judged if each.intent == UNKNOWN]
    called = [each.right for each in judged if each.predicted.intent == UNKNOWN]
    return Figures(
        utterances=len(judged),
        accuracy=_share(each.right for each in judged),
        macro_f1=macro_f1(
            [each.intent for each in judged], [each.predicted.intent for each in judged]
        ),
        unknown_recall=_share(unknown) if unknown else None,
        unknown_precision=_share(called) if called else None,
        calibration_error=calibration_error(
            [each.right for each in judged], [each.predicted.confidence for each in judged]
        ),
    )


def _share(verdicts: Iterable[bool]) -> float:
    return float(np.mean([*verdicts]))


def _confusions(judged: Sequence[Judged]) -> tuple[Confusion, ...]:
    pairs: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for each in judged:
        if not each.right:
            pairs[each.intent, each.predicted.intent].append(each)
    ordered = sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        Confusion(
            intent,
            predicted,
            len(mistakes),
            Counter(each.language for each in mistakes).most_common(1)[0][0],
            tuple(
                each.text for each in sorted(mistakes, key=lambda each: -each.predicted.confidence)
            )[:_MOST_EXAMPLES],
        )
        for (intent, predicted), mistakes in ordered[:_MOST_CONFUSIONS]
    )


def _candidate(content: Mapping[str, Any]) -> Candidate:
    return Candidate(content["intent"], IntentType(content["type"]), content["confidence"])
