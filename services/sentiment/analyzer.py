"""The mood of a text: its sentences by the method of their language, together on one scale."""

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from services.language import Language, Span, detect, sentences
from services.language.script import HAN
from services.sentiment.chinese import Chinese
from services.sentiment.english import English
from services.sentiment.lexicon import Cue, Hit, ironic
from services.sentiment.scale import Label, compound, confidence, emphasis, label
from services.sentiment.symbols import Symbols
from services.sentiment.thanks import sincere

METHOD = "vader+lexicon-zh/1"
"""Name and version of the method; the version grows whenever the same text may score otherwise."""

LANGUAGES = ("zh", "en")
"""BCP 47 codes of the languages that are measured, also mixed in one sentence."""

MAX_SENTENCES = 200
"""Sentences that are reported one by one; the rest counts in the whole alone."""

_HAN = re.compile(f"[{HAN}]")

# What else went wrong with the same parcel makes a report longer rather than angrier.
_FURTHER_FACT = 0.25

# Who praises the courier and complains about the lamp has come about the lamp.
_BLAME_AMONG_PRAISE = 1.5


@dataclass(frozen=True, slots=True)
class Sentiment:
    """The mood of a text or a sentence."""

    compound: float
    """In [-1, 1]; see `scale.compound`."""
    label: Label
    """The name of the mood."""
    confidence: float
    """How much evidence there was and how far it agrees, in [0, 1]."""
    cues: frozenset[Cue]
    """What the negative and ironic words say beyond good or bad."""


@dataclass(frozen=True, slots=True)
class SentenceSentiment:
    """The mood of one sentence."""

    span: Span
    """Where it stands in the text, in code points."""
    sentiment: Sentiment
    """Its mood."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """The mood of a text and of its sentences."""

    sentiment: Sentiment
    """The whole text."""
    sentences: tuple[SentenceSentiment, ...]
    """Each sentence in order, at most `MAX_SENTENCES`."""
    language: Language
    """The language of the whole text."""


class Analyzer:
    """Measures texts; immutable after construction and safe to share between calls."""

    def __init__(self, neutral_band: float) -> None:
        """Load the lexicons, about 20 ms.

        Args:
            neutral_band: Half width of the neutral band around 0, in (0, 1).

        Raises:
            ValueError: If a table of the package is broken.
        """
        self._neutral_band = neutral_band
        self._symbols = Symbols()
        self._english = English()
        self._chinese = Chinese(self._english)

    def analyze(self, text: str) -> Analysis:
        """Measure a text of any length; never raises, whatever the text holds.

        The whole is the sum over the sentences divided by the root of the number of those with
        an opinion: it grows with repeated evidence, but a long letter does not end at ±1 by its
        length alone.
        """
        spans = sentences(text)
        language = detect(text)
        readable = language is not Language.UNKNOWN
        evidence = [self._evidence(span.of(text)) for span in spans]
        hits = [hit for found, _ in evidence for hit in found]
        keep_thanks = sincere(text, hits)
        totals = [_total(found, marks, keep_thanks) for found, marks in evidence]
        opinions = sum(1 for total in totals if total)
        whole = sum(_weighed(totals)) / math.sqrt(opinions) if opinions else 0.0
        return Analysis(
            self._sentiment(whole, hits, keep_thanks, readable),
            tuple(
                SentenceSentiment(span, self._sentiment(total, found, keep_thanks, readable))
                for span, total, (found, _) in zip(spans, totals, evidence, strict=True)
            )[:MAX_SENTENCES],
            language,
        )

    def _evidence(self, sentence: str) -> tuple[list[Hit], float]:
        """Find the evidence of a sentence and the emphasis of its punctuation."""
        plain = unicodedata.normalize("NFKC", sentence).replace("’", "'")
        chinese = bool(_HAN.search(plain))
        if not chinese:
            # Cold between Chinese adults, as the table has it; simply friendly in English.
            plain = plain.replace("🙂", "😊")
        plain, symbols = self._symbols.extract(plain)
        words = self._chinese.hits(plain) if chinese else self._english.hits(plain)
        return ironic(words + symbols), emphasis(plain)

    def _sentiment(
        self, total: float, hits: list[Hit], keep_thanks: bool, readable: bool
    ) -> Sentiment:
        value = compound(total)
        counted = list(_counted(hits, keep_thanks))
        return Sentiment(
            value,
            label(value, self._neutral_band),
            confidence(counted, readable),
            frozenset(cue for hit in counted if hit.valence < 0 for cue in hit.cues),
        )


def _weighed(totals: list[float]) -> list[float]:
    """Let blame weigh more than praise in a text that holds both."""
    if min(totals) >= 0 or max(totals) <= 0:
        return totals
    return [total * _BLAME_AMONG_PRAISE if total < 0 else total for total in totals]


def _counted(hits: Iterable[Hit], keep_thanks: bool) -> Iterable[Hit]:
    return (hit for hit in hits if keep_thanks or Cue.COURTESY not in hit.cues)


def _total(hits: list[Hit], marks: float, keep_thanks: bool) -> float:
    """Add up the valences of a sentence; exclamation strengthens what is there, never nothing."""
    counted = list(_counted(hits, keep_thanks))
    facts = [hit.valence for hit in counted if hit.valence < 0 and Cue.FAILURE in hit.cues]
    total = sum(hit.valence for hit in counted)
    if facts:
        total += (1 - _FURTHER_FACT) * (min(facts) - sum(facts))
    return total + math.copysign(marks, total) if total else 0.0
