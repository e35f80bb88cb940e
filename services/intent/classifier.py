"""One tenant's classifier: exact utterances first, the trained model where none fits."""

from dataclasses import dataclass
from datetime import UTC, datetime

from services.intent.entities import EntityExtractor
from services.intent.linear_model import LinearModel
from services.intent.training import train
from services.intent.training_data import TrainingData, key
from services.intent.values import UNKNOWN, Candidate, Classification, IntentType, Method
from services.language import detect, fold

MAX_ALTERNATIVES = 5
"""Most alternatives of an answer, as in the contract."""

# An alternative below this would be a mere name in a list.
_LEAST_CONFIDENCE = 0.01


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where confidence is too little to act on."""

    unknown: float
    """Below this confidence of the best intent the answer is `UNKNOWN`, in [0, 1]."""
    ambiguity: float
    """The best two are ambiguous where their confidences lie closer than this, in [0, 1]."""


class Classifier:
    """The trained model of one tenant; immutable, safe to share between threads."""

    def __init__(self, data: TrainingData, thresholds: Thresholds) -> None:
        """Train on the tenant's data, which takes about half a second for 1,000 utterances.

        Args:
            data: Checked training data.
            thresholds: When to doubt.
        """
        self.data = data
        self.thresholds = thresholds
        self.version = data.version()
        self.train_time = datetime.now(UTC)
        self.entities = EntityExtractor(data.entity_types)
        labelled = data.labelled()
        self._model: LinearModel = train(
            [utterance.text for utterance, _ in labelled], [label for _, label in labelled]
        )
        self._types = {intent.name: intent.type for intent in data.intents}
        self._types[UNKNOWN] = IntentType.UNKNOWN
        self._exact = {key(utterance.text): label for utterance, label in labelled}

    def classify(self, text: str) -> Classification:
        """Say what an utterance asks for.

        Args:
            text: What the customer wrote, at most 4,000 code points.

        Returns:
            The best intent with its entities. An utterance of the training data is its own
            intent with confidence 1; any other is judged by the model.
        """
        exact = self._exact.get(key(text))
        best, alternatives = self._judge(text) if exact is None else (self._sure(exact), ())
        return Classification(
            best=best,
            alternatives=alternatives,
            ambiguous=best.type is not IntentType.UNKNOWN
            and bool(alternatives)
            and best.confidence - alternatives[0].confidence < self.thresholds.ambiguity,
            entities=self.entities.extract(text),
            language=detect(text),
            method=Method.MODEL if exact is None else Method.EXACT,
            model_version=self.version,
        )

    def _judge(self, text: str) -> tuple[Candidate, tuple[Candidate, ...]]:
        """Let the model rank the intents, and let it say that it does not know."""
        shares = dict(zip(self._model.classes, self._model.probabilities(fold(text)), strict=True))
        unknown = shares.pop(UNKNOWN)
        ranked = [
            self._candidate(intent, share)
            for intent, share in sorted(shares.items(), key=lambda item: -item[1])
            if share >= _LEAST_CONFIDENCE
        ]
        surest = ranked[0].confidence if ranked else 0.0
        if unknown > surest or surest < self.thresholds.unknown:
            # Doubt about every intent is the belief that it is none or cannot be told.
            doubt = self._candidate(UNKNOWN, max(unknown, 1 - surest))
            return doubt, tuple(ranked[:MAX_ALTERNATIVES])
        return ranked[0], tuple(ranked[1 : 1 + MAX_ALTERNATIVES])

    def _sure(self, intent: str) -> Candidate:
        return self._candidate(intent, 1.0)

    def _candidate(self, intent: str, confidence: float) -> Candidate:
        return Candidate(intent, self._types[intent], min(confidence, 1.0))
