"""Settings of the sentiment service."""

from pydantic import Field

from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the sentiment service needs beyond every service's settings."""

    neutral_band: float = Field(default=0.05, gt=0, lt=1)
    """Half width of the neutral band around 0 on the compound scale; 0.05 is VADER's."""
    escalation_line: float = Field(default=-0.5, ge=-1, le=0)
    """Compound below which an utterance counts for escalation. At -0.5 one plainly angry word is
    enough (生气, furious) and one fact about a late parcel is not."""
