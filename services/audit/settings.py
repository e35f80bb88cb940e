"""The audit service's settings, from the environment (`KEFU_...`)."""

from pathlib import Path

from pydantic import Field

from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """What the audit service needs beside what every service has."""

    database_url: str
    """libpq URL of the database that holds the record."""
    signing_key_file: Path
    """Ed25519 private key (PKCS#8 PEM) that signs heads and anchors; made with mode 0600 if it is
    missing. All replicas use the same. Losing it breaks the proof at that point, so back it up,
    and keep it where the database's administrators cannot read it."""
    retention_days: int = Field(default=180, ge=1, le=3650)
    """Whole UTC days that records are kept. 180: what the record is promised to cover."""
    upkeep_seconds: float = Field(default=3600, gt=0)
    """Time between two runs that make the next days' partitions and drop the expired ones. Hourly:
    partitions are made a week ahead, so many runs may fail before one is missed."""
