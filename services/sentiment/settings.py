"""Settings of the sentiment service."""

from pydantic import Field

from services.mesh.settings import ServiceSettings
from services.sentiment.scale import BAND, DISSATISFIED


class Settings(ServiceSettings):
    """What the sentiment service needs beyond every service's settings."""

    neutral_band: float = Field(default=BAND, gt=0, lt=1)
    """Half width of the neutral band around 0 on the compound scale; the scale is made so that at
    0.05, VADER's, the label is the likeliest of the three."""
    escalation_line: float = Field(default=-DISSATISFIED, ge=-1, le=0)
    """Compound below which an utterance counts for escalation. At -0.5 the scale passes from mild
    to plain dissatisfaction: two such utterances call a person, one fact about a late parcel does
    not. Above -0.5 worry counts too, which the scale never places lower. What calls a person at
    once does not move with the line: rage, below both it and -0.8."""
    recovery_line: float = Field(default=-0.2, ge=-1, le=1)
    """Trend above which an escalated conversation is calm again. At -0.2 one neutral utterance
    after rage is not enough, and four are."""
    batch_limit: int = Field(default=16, ge=1, le=256)
    """Most texts that are computed together: of usual length about 5 ms of work, so that one which
    arrives meanwhile waits no longer. Single utterances and batches are computed apart."""
