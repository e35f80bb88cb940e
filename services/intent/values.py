"""What the intent service says about an utterance, as plain values."""

from dataclasses import dataclass
from enum import StrEnum

from services.language import Language, Span

UNKNOWN = "unknown"
"""The label of everything that is none of the tenant's intents; no intent may be called so."""


class IntentType(StrEnum):
    """The kind of thing that a customer wants; the values stand in the training data."""

    QUERY = "query"
    """A question that the company's knowledge answers."""
    OPERATION = "operation"
    """Something to be done on the company's systems."""
    CHIT_CHAT = "chit_chat"
    """Greetings, thanks, small talk."""
    HUMAN = "human"
    """The wish for a person."""
    END = "end"
    """The customer ends the conversation."""
    UNKNOWN = "unknown"
    """None of the known intents. Only ever an answer, never the type of an intent."""


class Method(StrEnum):
    """How a classification was found."""

    EXACT = "exact"
    """The utterance equals a training utterance, punctuation and emoji aside."""
    NEAR_EXACT = "near_exact"
    """It equals one when slips, courtesies and the order of Chinese words are put aside."""
    MODEL = "model"
    """The trained model, from the words alone."""
    EMBEDDING = "embedding"
    """The trained model, from the words and the text's vector."""
    PROVIDER = "provider"
    """A model provider chose among the candidates."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One intent with the belief in it."""

    intent: str
    """The intent's name, or `UNKNOWN`."""
    type: IntentType
    """Its type."""
    confidence: float
    """Calibrated probability in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Request:
    """One of several requests in a message."""

    candidate: Candidate
    """What is wanted."""
    span: Span
    """Its place in the message, in code points."""


@dataclass(frozen=True, slots=True)
class Entity:
    """Something recognised inside a text."""

    type: str
    """Such as `order_number`; a built-in type or one of the tenant's."""
    text: str
    """As the customer wrote it."""
    value: str
    """Normalised for programs, see `entities`."""
    span: Span
    """Its place in the text that was given, in code points."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What one utterance asks for."""

    best: Candidate
    """The most likely intent; `UNKNOWN` where the model does not know."""
    alternatives: tuple[Candidate, ...]
    """Up to five other intents, most likely first; none after an exact or near-exact match."""
    ambiguous: bool
    """True where the best two are too close to choose between them."""
    entities: tuple[Entity, ...]
    """In order of their place, disjoint."""
    language: Language
    """The language of the utterance, by its script."""
    method: Method
    """How the best intent was found."""
    model_version: str
    """Id of the model that answered."""
    requests: tuple[Request, ...] = ()
    """Where the message holds several requests, each with its place, in order; else none."""
