"""Settings that every service has, from the environment (`KEFU_...`)."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.mesh.tls import KeyPair


class ServiceSettings(BaseSettings):
    """One process's settings; a wrong or missing one stops the start with all reasons at once."""

    model_config = SettingsConfigDict(env_prefix="KEFU_", use_attribute_docstrings=True)

    listen: str = "127.0.0.1:0"
    """`host:port` to serve on; port 0 takes a free one."""
    metrics_listen: str = "127.0.0.1:0"
    """`host:port` for Prometheus, plain HTTP: metrics hold no customer data."""
    cert_file: Path
    """PEM certificate of this service, ECDSA, with its SPIFFE URI."""
    key_file: Path
    """PEM private key of the certificate."""
    ca_file: Path
    """PEM certificates of the CA that callers and callees must chain to."""
    policy_file: Path
    """Who may call what; reloaded when it changes."""
    spool_dir: Path
    """Folder for audit events on their way to the audit service; must survive a restart."""
    trust_domain: str = "kefu.local"
    """SPIFFE trust domain of callers."""
    end_user_key_file: Path | None = None
    """PEM public key that signs end-user tokens. None: calls that bring one are refused."""
    otlp_endpoint: str = ""
    """`host:port` of an OTLP/gRPC collector, over the same mTLS. Empty: spans are dropped."""
    peers: dict[str, str] = Field(default_factory=dict)
    """gRPC target of each service that this one calls, as JSON: `{"intent": "dns:///intent:8443"}`."""

    max_message_bytes: int = Field(default=4 * 1024 * 1024, gt=0)
    """Largest request message: 4 MiB, gRPC's own default, so that clients agree."""
    max_concurrent_calls: int = Field(default=256, gt=0)
    """Calls served at once. Above it callers wait less by trying another replica."""
    calls_per_second: float = Field(default=2000, gt=0)
    """Of each identity, on average. Above what one process serves on a core, so that only a
    runaway caller meets it; lower it for outside callers."""
    burst: int = Field(default=4000, gt=0)
    """Calls that an identity may make at once: two seconds' worth."""
    max_call_seconds: float = Field(default=60, gt=0)
    """Longest time for a call; callers without a deadline get this one."""
    drain_seconds: float = Field(default=10, ge=0)
    """How long running calls may take to finish after SIGTERM."""
    max_connection_age_seconds: float = Field(default=1800, gt=0)
    """Connections are renewed so often, so that load spreads to new replicas and a rotated
    certificate takes effect."""

    @field_validator("listen", "metrics_listen")
    @classmethod
    def _has_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("must be host:port")
        return value

    def keys(self) -> KeyPair:
        """The certificate that this service shows, as a server and as a client."""
        return KeyPair(self.cert_file, self.key_file, self.ca_file)

    def end_user_key(self) -> str | None:
        """The PEM public key of end-user tokens; None where there is none."""
        return self.end_user_key_file.read_text() if self.end_user_key_file else None
