"""One tenant's classifier: known utterances first, the trained model where none fits."""

from datetime import datetime

import numpy as np
import numpy.typing as npt

from services.intent.entities import EntityExtractor
from services.intent.model.decision import Ranked, Thresholds, decide
from services.intent.near_exact import near_key
from services.intent.noise import Restorer
from services.intent.requests import split
from services.intent.trained_model import TrainedModel
from services.intent.training_data import key
from services.intent.values import Candidate, Classification, IntentType, Method, Request
from services.language import Language, detect, fold

Floats = npt.NDArray[np.float32]

MAX_ALTERNATIVES = 5
"""Most alternatives of an answer, as in the contract."""

# A part of a message is a request of its own from this confidence on.
_CONFIDENT_PART = 0.6

# The built-in type of what a wish can be about.
_CODE = "product_code"

# What several of them can be asked for in one message.
_WISHES = (IntentType.QUERY, IntentType.OPERATION, IntentType.HUMAN)


class Classifier:
    """The trained model of one tenant, ready to answer; safe to share between threads."""

    def __init__(self, trained: TrainedModel, thresholds: Thresholds, version: str) -> None:
        """Prepare to answer.

        Args:
            trained: What was learnt.
            thresholds: When to doubt.
            version: The model's id, which every answer names.
        """
        self.thresholds = thresholds
        self.version = version
        self.entities = EntityExtractor(trained.entity_types)
        self.embedding_model = trained.embedding_model
        self.dimensions = trained.dimensions
        self._trained = trained
        self._restorer = Restorer(trained.vocabulary)
        # What a wish is about, as opposed to when and how much.
        self._things = {_CODE, *(each.name for each in trained.entity_types)}

    def classify(
        self, text: str, vector: Floats | None = None, now: datetime | None = None
    ) -> Classification:
        """Say what an utterance asks for.

        Args:
            text: What the customer wrote, at most 4,000 code points.
            vector: Of the text, by `embedding_model`, L2-normalised, shape (`dimensions`,); without
                it the words alone are judged.
            now: From which "tomorrow" counts, in the customer's time zone; None: the clock.

        Returns:
            The best intent with its entities. An utterance of the training data is its own
            intent with confidence 1; any other is judged by the model.
        """
        language = detect(text)
        best, alternatives, method = self._find(text, language, vector)
        requests = () if method is Method.EXACT else self._requests(text)
        return Classification(
            best=best,
            alternatives=alternatives,
            ambiguous=not requests
            and best.type is not IntentType.UNKNOWN
            and bool(alternatives)
            and best.confidence - alternatives[0].confidence < self.thresholds.ambiguity,
            entities=self.entities.extract(text, now),
            language=language,
            method=method,
            model_version=self.version,
            requests=requests,
        )

    def _find(
        self, text: str, language: Language, vector: Floats | None
    ) -> tuple[Candidate, tuple[Candidate, ...], Method]:
        """Look the text up, then without its slips and courtesies, then judge it."""
        trained = self._trained
        place = trained.exact.get(key(text))
        if place is not None:
            return self._candidate(Ranked(place, 1.0)), (), Method.EXACT
        restored = self._restorer.restore(fold(text))
        place = trained.exact.get(key(restored), trained.near.get(near_key(restored)))
        if place is not None:
            return self._candidate(Ranked(place, 1.0)), (), Method.NEAR_EXACT
        shares = trained.probabilities(restored, language, vector)
        best, others = decide(shares, trained.unknown, self.thresholds.unknown, MAX_ALTERNATIVES)
        method = Method.MODEL if vector is None or not self.dimensions else Method.EMBEDDING
        return self._candidate(best), tuple(map(self._candidate, others)), method

    def _requests(self, text: str) -> tuple[Request, ...]:
        """Find the requests of a message that holds several different ones; else none.

        Of such a message the parts that nothing was recognised in are requests as well, so that
        none is lost; one known wish beside them is more often a wish and its story.

        Two of one intent are different where they are about different things: cancel SO1, and
        cancel SO2. Said again with the same number, or with none, it is the same wish; the part
        with the number stands for both. The parts are judged on words alone, also where the whole
        is judged with its vector: a part has none of its own.
        """
        spans = split(text)
        if len(spans) < 2:
            return ()
        found: dict[tuple[str, frozenset[str]], Request] = {}
        unknown: list[Request] = []
        for span in spans:
            part = span.of(text)
            candidate, _, _ = self._find(part, detect(part), None)
            if candidate.type is IntentType.UNKNOWN:
                unknown.append(Request(candidate, span))
            if candidate.type not in _WISHES or candidate.confidence < _CONFIDENT_PART:
                continue
            about = frozenset(
                each.value for each in self.entities.extract(part) if each.type in self._things
            )
            if not about and any(name == candidate.intent for name, _ in found):
                continue
            if about:
                found.pop((candidate.intent, frozenset()), None)
            found.setdefault((candidate.intent, about), Request(candidate, span))
        in_order = sorted([*found.values(), *unknown], key=lambda each: each.span.start)
        return tuple(in_order) if len(found) > 1 else ()

    def _candidate(self, ranked: Ranked) -> Candidate:
        intent = self._trained.classes[ranked.place]
        return Candidate(intent, self._trained.types[intent], min(ranked.confidence, 1.0))
