"""Settings of the intent service."""

from pydantic import Field

from services.intent.model.decision import AMBIGUITY_MARGIN, UNKNOWN_THRESHOLD
from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the intent service needs beyond every service's settings."""

    database_url: str
    """PostgreSQL connection string; drafts, models and operations live there."""
    unknown_threshold: float = Field(default=UNKNOWN_THRESHOLD, ge=0, le=1)
    """Below this confidence the answer is UNKNOWN. Calibration already weighs "something else"
    against each intent; this catches what is spread over five or more. By cross-validation 0.35
    cost 0.7 % accuracy where nothing is out of scope and gained nothing where something is."""
    ambiguity_margin: float = Field(default=AMBIGUITY_MARGIN, ge=0, le=1)
    """Best two closer than this are ambiguous: at 0.15 the better one is wrong in about three
    of ten cases, often enough to ask the customer."""
    sure_confidence: float = Field(default=0.9, ge=0, le=1)
    """From this confidence on words alone decide; below it a vector is asked for, which costs the
    session some 10 ms of a core, and the utterance is worth labelling."""
    provider_below: float = Field(default=0, ge=0, le=1)
    """Below this confidence a model provider is asked to choose. 0: never; it is never needed, and
    costs money and a second."""
    provider_seconds: float = Field(default=1.0, gt=0)
    """Longest wait for the provider; then the local answer stands. A turn waits at most 1.5 s for
    the whole of its classification."""
    training_seconds: float = Field(default=1800, gt=0)
    """Longest training, from its turn (trainings of a process come one after the other) to the
    model. 15,000 utterances take some five minutes on two cores, embedding included."""
    training_memory_mebibytes: int = Field(default=4096, ge=1024)
    """Address space of the process that trains: 15,000 utterances of 150 intents with their vectors
    needed 975, of which 700 are libraries."""
    embedding_patience_seconds: float = Field(default=10, ge=0)
    """How long a training waits for a generation service that does not answer: it may restart."""
    stale_seconds: float = Field(default=15, gt=0)
    """A training whose process has not been heard of for so long is ended. Heartbeats come once a
    second; longer than a failover of the database hides them."""
