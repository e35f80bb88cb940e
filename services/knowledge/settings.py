"""Settings of the knowledge service, from the environment (`KEFU_...`)."""

from pydantic import Field

from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """Where knowledge is kept; `peers` has to name `generation`."""

    database_url: str
    """libpq connection string of a PostgreSQL with pgvector 0.8 or newer."""
    read_database_url: str = ""
    """The same database on read replicas, which searches then use. What is published is found as
    soon as it is replicated. Empty: `database_url`."""
    index_memory_mebibytes: int = Field(default=512, ge=64)
    """Memory of the database server that building an index of vectors may take: 512 MiB hold some
    300,000 passages. Larger knowledge bases build without it too, several times slower."""
    redis_url: str
    """`redis://`, `rediss://` or `unix://` URL of the answer cache. It may be down."""
    embedding_retry_seconds: float = Field(default=5.0, gt=0)
    """Wait before texts are sent to the generation service again after it failed: as long as a
    restart of it takes."""
    import_max_bytes: int = Field(default=20 * 1024 * 1024, gt=0)
    """Largest PDF, Word, Excel or HTML file: what a mail server lets through. Text files end at
    3 MiB; so does a message of the contract."""
    upload_max_bytes: int = Field(default=512 * 1024 * 1024, gt=0)
    """All files of one upload: a company's manuals. They lie in the folder for temporary files
    (TMPDIR) until they are imported, four uploads at a time."""
    upload_max_files: int = Field(default=10_000, gt=0)
    """Files of one upload: importing so many takes an hour."""
    upload_seconds: float = Field(default=900, gt=0)
    """Longest upload: 512 MiB over a line of 5 Mbit/s. Half of `max_connection_age_seconds`, behind
    which the connection would be cut."""
    uploads_at_once: int = Field(default=4, gt=0)
    """Uploads that a process takes or imports: what the disk has to have room for."""
    vectors_patience_seconds: float = Field(default=30, ge=0)
    """How long an import waits for the next vector before it ends without: longer than a restart of
    the generation service, so that an import that has ended can be searched by meaning."""
    stale_seconds: float = Field(default=15, gt=0)
    """An import whose process has not been heard of for so long is ended. Heartbeats come once a
    second; longer than a failover of the database hides them."""
    conversion_seconds: float = Field(default=30.0, gt=0)
    """Longest time to convert a file: half of `max_call_seconds`, so that a hopeless file leaves
    time for the others of its import."""
    conversion_memory_bytes: int = Field(default=1024 * 1024 * 1024, ge=512 * 1024 * 1024)
    """Address space of the process that converts files, one for each replica. Its libraries take
    a quarter of the default; a workbook of 20 MiB may take the rest."""
