"""Settings of the trace sink."""

from pydantic import Field

from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the sink needs beyond every service's settings."""

    database_url: str
    """libpq URL of the database for the spans."""
    trace_days: float = Field(default=7, gt=0)
    """Days that spans are kept: long enough to look into last week's complaint."""
