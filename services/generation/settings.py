"""Settings of the generation service, from the environment (`KEFU_...`)."""

from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from services.encoder.conversion import DIRECTORY
from services.mesh.settings import ServiceSettings


class Settings(ServiceSettings):
    """The model gateway's settings. Without any of them it works with nothing outside."""

    chat_base_url: str = ""
    """Any OpenAI-compatible endpoint up to its version, such as `https://api.example.com/v1`.
    Empty: no model; answers are extractive."""
    chat_model: str = Field(default="", max_length=128)
    """The model's name at the endpoint; required where `chat_base_url` is set."""
    chat_api_key: SecretStr = SecretStr("")
    """The endpoint's key. Empty: it wants none."""
    chat_api_key_file: Path | None = None
    """File that holds the key, as secret stores mount it; in place of `chat_api_key`."""
    chat_temperature: float = Field(default=0.3, ge=0, le=2)
    """Low, since answers restate passages and invention is a defect."""
    chat_max_tokens: int = Field(default=500, ge=1, le=8000)
    """Longest answer. A customer reads four sentences; the rest is a margin for tables."""
    chat_connect_seconds: float = Field(default=2.0, gt=0)
    """Longest wait for a connection."""
    chat_first_token_seconds: float = Field(default=5.0, gt=0)
    """Longest wait for the first word; then the extractive answer is given instead."""
    chat_between_tokens_seconds: float = Field(default=5.0, gt=0)
    """Longest silence inside an answer; then it ends as interrupted."""
    chat_total_seconds: float = Field(default=30.0, gt=0)
    """Longest answer in time. A caller's deadline may make all four shorter."""
    chat_input_price: Decimal | None = Field(default=None, ge=0)
    """Price of a million input tokens. None: answers carry no price."""
    chat_output_price: Decimal | None = Field(default=None, ge=0)
    """Price of a million output tokens; set both or neither."""
    chat_currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    """ISO 4217 currency of the prices."""

    embedding_base_url: str = ""
    """OpenAI-compatible endpoint for vectors. Empty: the local model."""
    embedding_model: str = Field(default="", max_length=128)
    """The embedding model's name; required where `embedding_base_url` is set."""
    embedding_api_key: SecretStr = SecretStr("")
    """Key of that endpoint. Empty: it wants none."""
    embedding_api_key_file: Path | None = None
    """File that holds that key; in place of `embedding_api_key`."""
    embedding_seconds: float = Field(default=10.0, gt=0)
    """Longest wait for the endpoint's vectors."""
    embedding_threads: int = Field(default=1, ge=1, le=64)
    """Threads of the local model, each with a text of its own: a second one doubles what an import
    gets, at the other services' expense, and makes a lone question no quicker."""
    model_dir: Path = DIRECTORY
    """Folder of the local model's files, 90 MB, made at set-up or at the first start; needed to be
    writable for that only."""
    embedding_cache_entries: int = Field(default=10_000, ge=0)
    """Vectors kept in memory, at about 1.7 kB each."""

    @field_validator("chat_base_url", "embedding_base_url")
    @classmethod
    def _is_endpoint(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("must be an http or https URL")
        if parts.username or parts.password or parts.query:
            raise ValueError("must hold no credentials and no query; use the API key")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        problems = []
        for use in ("chat", "embedding"):
            if getattr(self, f"{use}_base_url") and not getattr(self, f"{use}_model"):
                problems.append(f"KEFU_{use.upper()}_MODEL is missing beside the base URL")
            problems += self._key_problems(use)
        if (self.chat_input_price is None) != (self.chat_output_price is None):
            problems.append("set both KEFU_CHAT_INPUT_PRICE and KEFU_CHAT_OUTPUT_PRICE or neither")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _key_problems(self, use: str) -> list[str]:
        file, name = getattr(self, f"{use}_api_key_file"), f"KEFU_{use.upper()}_API_KEY"
        if file and getattr(self, f"{use}_api_key").get_secret_value():
            return [f"set {name} or {name}_FILE, not both"]
        try:
            key = self.api_key(use).get_secret_value()
        except (OSError, UnicodeDecodeError):
            return [f"{name}_FILE cannot be read"]
        if file and not key:
            return [f"{name}_FILE is empty"]
        # Anything else breaks the HTTP header, with the key in the error's text.
        if not (key.isascii() and key.isprintable()) or " " in key:
            return [f"{name} must be printable ASCII without blanks"]
        return []

    def api_key(self, use: str) -> SecretStr:
        """Return the key of the `chat` or `embedding` endpoint, from its file where one is set.

        Raises:
            OSError: The file cannot be read.
        """
        file: Path | None = getattr(self, f"{use}_api_key_file")
        if file is not None:
            return SecretStr(file.read_text().strip())
        key: SecretStr = getattr(self, f"{use}_api_key")
        return key
