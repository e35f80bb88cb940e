"""A text as the rules read it: its sentences, and in each the words and signs of opinion.

This is the evidence that the model weighs. English is read by VADER with the vocabulary of customer
service, Chinese by rules of our own, and a sentence that mixes the two part by part.
"""

import re
import unicodedata
from dataclasses import dataclass

from services.language import Language, Span, detect, sentences
from services.language.script import HAN
from services.sentiment.chinese import Chinese
from services.sentiment.english import English
from services.sentiment.lexicon import Cue, Hit, ironic
from services.sentiment.symbols import Symbols
from services.sentiment.thanks import sincere

_HAN = re.compile(f"[{HAN}]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with what was found in it."""

    span: Span
    """Where it stands in the text, in code points."""
    text: str
    """The sentence as the customer wrote it."""
    words: tuple[Hit, ...]
    """Rated words as negation, degree, contrast, question and irony around them leave them."""
    symbols: tuple[Hit, ...]
    """Rated emoji and kaomoji."""

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All the evidence, words first."""
        return self.words + self.symbols


@dataclass(frozen=True, slots=True)
class Reading:
    """A text after it was read."""

    text: str
    """As the customer wrote it."""
    language: Language
    """Of the whole."""
    sentences: tuple[Sentence, ...]
    """In order; empty for blank text."""


class Reader:
    """Reads texts; immutable after construction and safe to share between threads."""

    def __init__(self) -> None:
        """Load the lexicons, about 20 ms.

        Raises:
            ValueError: If a table of the package is broken.
        """
        self._symbols = Symbols()
        self._english = English()
        self._chinese = Chinese(self._english)

    def read(self, text: str) -> Reading:
        """Read a text of any length; never raises, whatever it holds."""
        found = [self._sentence(text, span) for span in sentences(text)]
        if not sincere(text, [hit for each in found for hit in each.hits]):
            found = [_without_courtesy(each) for each in found]
        return Reading(text, detect(text), tuple(found))

    def _sentence(self, text: str, span: Span) -> Sentence:
        written = span.of(text)
        plain = unicodedata.normalize("NFKC", written).replace("’", "'")
        chinese = bool(_HAN.search(plain))
        if not chinese:
            # Cold between Chinese adults, as the table has it; simply friendly in English.
            plain = plain.replace("🙂", "😊")
        plain, symbols = self._symbols.extract(plain)
        words = self._chinese.hits(plain) if chinese else self._english.hits(plain)
        # A sign of irony turns words and symbols alike.
        hits = ironic(words + symbols)
        return Sentence(span, written, tuple(hits[: len(words)]), tuple(hits[len(words) :]))


def _without_courtesy(sentence: Sentence) -> Sentence:
    """Drop thanks that are a form of words behind a request or a complaint."""
    return Sentence(
        sentence.span,
        sentence.text,
        tuple(hit for hit in sentence.words if Cue.COURTESY not in hit.cues),
        tuple(hit for hit in sentence.symbols if Cue.COURTESY not in hit.cues),
    )
