"""Settings of the intent service."""

from pathlib import Path

from pydantic import Field

from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the intent service needs beyond every service's settings."""

    intents_dir: Path
    """Directory with each tenant's training data, `{tenant}.yaml`; read once, at start."""
    unknown_threshold: float = Field(default=0.35, ge=0, le=1)
    """Below this confidence the answer is UNKNOWN. Calibration already weighs "something else"
    against each intent; this catches what is spread over three or more."""
    ambiguity_margin: float = Field(default=0.15, ge=0, le=1)
    """Best two closer than this are ambiguous: at 0.15 the better one is wrong in about three
    of ten cases, often enough to ask the customer."""
