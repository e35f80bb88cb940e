"""Settings of the session service."""

from pathlib import Path

from pydantic import Field

from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the session service needs beside the common settings."""

    database_url: str
    """PostgreSQL, libpq connection string: sessions and turns."""
    redis_url: str
    """Redis or Valkey, `redis://`, `rediss://` or `unix://`: live context and leases."""
    tenants_dir: Path
    """Folder with `<tenant>/actions.yaml`: a tenant's action servers. No file: none."""
    session_ttl_seconds: int = Field(default=1800, ge=60, le=86400)
    """Life of a session without a turn, where its creator names none."""
