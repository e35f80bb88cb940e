"""The mood of texts: by the bilingual model, or by VADER alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.language import Language, Span, detect, sentences
from services.sentiment.features import Features, Floats
from services.sentiment.model import EMOTIONS, Model, Opinion
from services.sentiment.reading import Reader, Reading, Sentence
from services.sentiment.scale import Emotion, Label, compound, label, tempered
from services.sentiment.vader import Vader

LANGUAGES = ("zh", "en")
"""BCP 47 codes of the languages that are measured, also mixed in one sentence."""

MAX_SENTENCES = 200
"""Sentences that are reported one by one; the rest counts in the whole alone."""

# Who praises is not angry, who blames not grateful; what is neither may still be worried.
_POSSIBLE = {
    Label.NEGATIVE: (Emotion.NONE, Emotion.ANGER, Emotion.DISAPPOINTMENT, Emotion.WORRY),
    Label.NEUTRAL: (Emotion.NONE, Emotion.WORRY),
    Label.POSITIVE: (Emotion.NONE, Emotion.GRATITUDE),
}


class Method(StrEnum):
    """How to measure."""

    BILINGUAL = "bilingual"
    """The trained model."""
    VADER = "vader"
    """Published VADER, whole text and sentences."""


NAMES = {Method.BILINGUAL: "bilingual/2", Method.VADER: "vader/3"}
"""Name and version of each method; it grows whenever the same text may score otherwise."""


@dataclass(frozen=True, slots=True)
class Sentiment:
    """The mood of a text or a sentence."""

    compound: float
    """In [-1, 1]: beyond ±0.05 an opinion, beyond ±0.5 a strong, beyond ±0.8 an extreme one."""
    label: Label
    """The name of the mood."""
    confidence: float | None
    """Probability that the label is right, in [0, 1]; None where the method gives none."""
    emotion: Emotion | None
    """What moves the customer; None where the method does not tell."""
    urgency: float | None
    """How soon an answer is needed, in [0, 1]; None where the method does not tell."""
    method: str
    """Name and version of what measured."""


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


@dataclass(frozen=True, slots=True)
class Question:
    """A text to be measured."""

    text: str
    """Of any length, whatever it holds."""
    vector: Floats | None = None
    """Its embedding by the model that the weights are for, L2-normalised; None if there is none."""
    method: Method = Method.BILINGUAL
    """How to measure."""


class Analyzer:
    """Measures texts; immutable after construction and safe to share between threads."""

    def __init__(self, model: Model, neutral_band: float) -> None:
        """Load the lexicons, about 30 ms.

        Args:
            model: The trained weights.
            neutral_band: Half width of the neutral band around 0, in (0, 1).

        Raises:
            ValueError: If a table of the package is broken.
        """
        self._model = model
        self._neutral_band = neutral_band
        self._vader = Vader()
        self._features = Features(self._vader)
        self._reader = Reader()

    def analyze_all(self, questions: Sequence[Question]) -> list[Analysis]:
        """Measure texts, in their order."""
        return [self.analyze(each) for each in questions]

    def analyze(self, question: Question) -> Analysis:
        """Measure one text; never raises, whatever it holds.

        The sentences of a longer text are measured by their words alone: its vector says nothing
        about the parts. The one sentence of a short text is the text.
        """
        if question.method is Method.VADER:
            return self._by_vader(question.text)
        reading = self._reader.read(question.text)
        whole = self._judged(question.text, reading.sentences, question.vector, reading)
        if len(reading.sentences) == 1:
            only = SentenceSentiment(reading.sentences[0].span, whole)
            return Analysis(whole, (only,), reading.language)
        parts = tuple(
            SentenceSentiment(each.span, self._judged(each.text, (each,), None, reading))
            for each in reading.sentences[:MAX_SENTENCES]
        )
        return Analysis(whole, parts, reading.language)

    def _judged(
        self, text: str, found: Sequence[Sentence], vector: Floats | None, reading: Reading
    ) -> Sentiment:
        if reading.language is Language.UNKNOWN and not any(each.hits for each in found):
            # Numbers, signs, another language: nothing that the model was trained on.
            return Sentiment(0.0, Label.NEUTRAL, 0.0, Emotion.NONE, 0.0, NAMES[Method.BILINGUAL])
        opinion = self._model.opinion(text, self._features.of(text, found), vector)
        value = compound(opinion.probabilities, opinion.blame, opinion.praise)
        emotion = _emotion(opinion, label(value, self._neutral_band))
        value = tempered(value, emotion, _in_heat(found), _blames(found))
        name = label(value, self._neutral_band)
        return Sentiment(
            value,
            name,
            round(opinion.probabilities[tuple(Label).index(name)], 4),
            emotion,
            round(opinion.urgency, 4),
            NAMES[Method.BILINGUAL],
        )

    def _by_vader(self, text: str) -> Analysis:
        parts = tuple(
            SentenceSentiment(span, self._scored(span.of(text)))
            for span in sentences(text)[:MAX_SENTENCES]
        )
        return Analysis(self._scored(text), parts, detect(text))

    def _scored(self, text: str) -> Sentiment:
        value = self._vader.scores(text).compound
        name = label(value, self._neutral_band)
        return Sentiment(value, name, None, None, None, NAMES[Method.VADER])


def _emotion(opinion: Opinion, name: Label) -> Emotion:
    likelihood = dict(zip(EMOTIONS, opinion.emotions, strict=True))
    return max(_POSSIBLE[name], key=lambda each: likelihood[each])


def _blames(found: Sequence[Sentence]) -> bool:
    """Tell whether words of blame were found, and not negated."""
    return any(hit.valence < 0 for each in found for hit in each.words)


def _in_heat(found: Sequence[Sentence]) -> bool:
    """Tell whether words of anger, insult, accusation or threat were found, and not negated."""
    return any(hit.heated for each in found for hit in each.hits)
