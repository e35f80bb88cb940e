"""A model version as it is kept: what was trained, on which data, how good it is."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, zip_longest

from services.intent.quality import Quality
from services.intent.training_data import Intent, Utterance
from services.intent.values import IntentType

LIVE = "live"
"""In place of an id: the version that is in service."""

_EXAMPLES = 5
_EXAMPLE_LENGTH = 500


@dataclass(frozen=True, slots=True)
class IntentSummary:
    """What is known of an intent without its training data at hand."""

    name: str
    """Such as `cancel_order`."""
    type: IntentType
    """Its type."""
    description: str
    """What it means, in the tenant's words."""
    language_counts: Mapping[str, int]
    """Utterances by language."""
    examples: tuple[str, ...]
    """Up to five utterances of up to 500 code points, of all languages in turn."""

    @property
    def utterance_count(self) -> int:
        """Utterances in all languages."""
        return sum(self.language_counts.values())


@dataclass(frozen=True, slots=True)
class Product:
    """What a training made."""

    data_hash: str
    """SHA-256 of the training data, 64 hex digits."""
    embedding_model: str
    """Whose vectors it looks at; empty: none."""
    intents: tuple[IntentSummary, ...]
    """By name."""
    utterance_count: int
    """Utterances that it was trained on, examples of "unknown" among them."""
    quality: Quality
    """Of its cross-validation."""
    artefact: bytes
    """`TrainedModel.to_bytes`."""
    train_seconds: float
    """From its turn to the model, embedding included."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A stored model; immutable but for `live` and `size_bytes`."""

    tenant: str
    """The tenant's id."""
    id: str
    """Its own id; ids sort by time."""
    data_hash: str
    """As in `Product`."""
    embedding_model: str
    """As in `Product`."""
    intents: tuple[IntentSummary, ...]
    """As in `Product`."""
    utterance_count: int
    """As in `Product`."""
    quality: Quality
    """The figures; what was said of single utterances is kept apart."""
    train_seconds: float
    """As in `Product`."""
    create_time: datetime
    """When it was trained."""
    live: bool
    """Whether it answers the tenant's calls."""
    size_bytes: int
    """Size of the stored model; 0 where only this record is kept."""

    @property
    def name(self) -> str:
        """`tenants/{tenant}/models/{model}`."""
        return f"tenants/{self.tenant}/models/{self.id}"


def summary(intent: Intent) -> IntentSummary:
    """Sum an intent up."""
    by_language: dict[str, list[Utterance]] = {}
    for utterance in intent.utterances:
        by_language.setdefault(utterance.language, []).append(utterance)
    # In turn, so that a model that is asked about the intent sees every language.
    turns: Iterable[Utterance | None] = chain.from_iterable(zip_longest(*by_language.values()))
    texts = [each.text for each in turns if each and len(each.text) <= _EXAMPLE_LENGTH]
    counts = Counter(each.language for each in intent.utterances)
    return IntentSummary(
        intent.name, intent.type, intent.description, dict(counts), tuple(texts[:_EXAMPLES])
    )
