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
    import_max_bytes: int = Field(default=20 * 1024 * 1024, gt=0)
    """Largest PDF, Word, Excel or HTML file: what a mail server lets through. Text files end at
    3 MiB; so does a message of the contract."""
    conversion_seconds: float = Field(default=30.0, gt=0)
    """Longest time to convert a file: half of `max_call_seconds`, so that a hopeless file leaves
    time for the others of its import."""
    conversion_memory_bytes: int = Field(default=1024 * 1024 * 1024, ge=512 * 1024 * 1024)
    """Address space of the process that converts files, one for each replica. Its libraries take
    a quarter of the default; a workbook of 20 MiB may take the rest."""
