"""Settings of the knowledge service, from the environment (`KEFU_...`)."""

from pydantic import Field

from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """Where knowledge is kept; `peers` has to name `generation`."""

    database_url: str
    """libpq connection string of a PostgreSQL with pgvector 0.8 or newer."""
    redis_url: str
    """`redis://`, `rediss://` or `unix://` URL of the answer cache. It may be down."""
    embedding_retry_seconds: float = Field(default=5.0, gt=0)
    """Wait before texts are sent to the generation service again after it failed: as long as a
    restart of it takes."""
