"""Lexical evidence as numbers: what the rules found in a text, each within about [-1, 1].

The same numbers describe a text and a single sentence, so that one model measures both.
"""

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.language.script import HAN
from services.sentiment.lexicon import Cue, Hit
from services.sentiment.reading import Sentence
from services.sentiment.vader import Scores, Vader

Floats = NDArray[np.float32]

# VADER's constant: about the largest sum of valences that a tweet reaches (Hutto & Gilbert 2014).
_ALPHA = 15.0

# What else went wrong with the same parcel makes a report longer rather than angrier.
_FURTHER_FACT = 0.25

# Cues of the same kind, and marks, beyond this many add nothing.
_MANY_CUES = 2
_MANY_MARKS = 3

_WORD = re.compile("[A-Za-z]{2,}")
_HAN_CHARACTER = re.compile(f"[{HAN}]")

# A Latin word counts for as much as two Chinese characters.
_CHARACTERS_PER_WORD = 2
_LONG_TEXT = 200

# What VADER hears in a text with Chinese is not to be trusted: 我不 happy, 好的🙂.
_SILENT = Scores(0.0, 0.0, 0.0, 1.0)

_CUES = tuple(Cue)
RATED = "rated"
"""The mood by rules alone: VADER's where it hears one, else our lexicons'."""
NAMES = (
    RATED,
    "total", "praise", "blame", "best", "worst", "last", "any", "both",
    "symbols_praise", "symbols_blame",
    *(f"cue_{cue.value}" for cue in _CUES),
    "vader", "vader_positive", "vader_negative", "vader_neutral", "vader_silent",
    "exclamations", "questions", "ends_asking", "ellipsis", "capitals", "length",
    "zh", "total_zh", "praise_zh", "blame_zh", "any_zh",
)  # fmt: skip
"""Names of the numbers, in order."""


def compound(total: float) -> float:
    """Map a sum of valences to (-1, 1) by s / sqrt(s² + 15), as VADER does; odd and monotonic."""
    return total / math.sqrt(total * total + _ALPHA)


class Features:
    """Turns what was read into numbers; immutable and safe to share between threads."""

    def __init__(self, vader: Vader) -> None:
        """Describe texts with the help of VADER."""
        self._vader = vader

    def of(self, text: str, sentences: Sequence[Sentence]) -> Floats:
        """Describe a text, or one sentence of it.

        Args:
            text: The whole text, or the sentence.
            sentences: All of the text's, or the one; may be empty.

        Returns:
            float32, shape (len(NAMES),).
        """
        sums = _sums(sentences)
        chinese = _share_of_chinese(text)
        vader = _SILENT if chinese else self._vader.scores(text)
        return np.array(
            [
                vader.compound or sums[0],
                *sums,
                *_cues(sentences),
                *vader,
                float(vader.compound == 0),
                *_marks(text),
                chinese,
                *(chinese * each for each in (sums[0], sums[1], sums[2], sums[6])),
            ],
            dtype=np.float32,
        )


def _sums(sentences: Sequence[Sentence]) -> tuple[float, ...]:
    """Add the valences up; the whole grows with repeated evidence, not with length alone."""
    opinions = [total for each in sentences if (total := _total(each.hits))]
    valences = [hit.valence for each in sentences for hit in each.hits]
    symbols = [hit.valence for each in sentences for hit in each.symbols]
    praise, blame = _split(valences)
    return (
        compound(sum(opinions) / math.sqrt(len(opinions))) if opinions else 0.0,
        compound(praise),
        compound(blame),
        max(valences, default=0.0) / 4,
        min(valences, default=0.0) / 4,
        compound(opinions[-1]) if opinions else 0.0,
        float(bool(opinions)),
        float(praise > 0 > blame),
        *map(compound, _split(symbols)),
    )


def _split(valences: Sequence[float]) -> tuple[float, float]:
    return sum(v for v in valences if v > 0), sum(v for v in valences if v < 0)


def _total(hits: Sequence[Hit]) -> float:
    """Add up the valences of a sentence, of facts about one failure the worst almost alone."""
    facts = [hit.valence for hit in hits if hit.valence < 0 and Cue.FAILURE in hit.cues]
    total = sum(hit.valence for hit in hits)
    return total + (1 - _FURTHER_FACT) * (min(facts) - sum(facts)) if facts else total


def _cues(sentences: Sequence[Sentence]) -> list[float]:
    counts = dict.fromkeys(_CUES, 0)
    for sentence in sentences:
        for hit in sentence.hits:
            for cue in hit.cues:
                counts[cue] += 1
    return [min(count, _MANY_CUES) / _MANY_CUES for count in counts.values()]


def _marks(text: str) -> tuple[float, ...]:
    words = _WORD.findall(text)
    loud = sum(1 for word in words if word.isupper())
    stripped = text.strip()
    return (
        min(text.count("!") + text.count("！"), _MANY_MARKS) / _MANY_MARKS,
        min(text.count("?") + text.count("？"), _MANY_MARKS) / _MANY_MARKS,
        float(stripped.endswith(("?", "？"))),
        float("..." in text or "…" in text or "。。" in text),
        loud / len(words) if len(words) > 2 else 0.0,
        min(math.log1p(len(stripped)) / math.log1p(_LONG_TEXT), 1.5),
    )


def _share_of_chinese(text: str) -> float:
    """Share of Chinese among the letters, 0 to 1."""
    han = len(_HAN_CHARACTER.findall(text))
    return han / (han + _CHARACTERS_PER_WORD * len(_WORD.findall(text))) if han else 0.0
