"""Settings of the generation service, from the environment (`KEFU_...`)."""

import re
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from services.encoder.conversion import DIRECTORY
from services.generation.provider_entry import (
    Kind,
    MaxTokensParameter,
    ProviderEntry,
    Timeouts,
    endpoint_url,
    key_problem,
)
from services.generation.provider_table import ProviderTable, TableInvalid, load, of_settings
from services.mesh.settings import ServiceSettings
from services.pii import Finder

# What describes the one provider of the shorthand.
_SHORTHAND = re.compile(
    "chat_.*|embedding_(base_url|model|api_key|api_key_file|seconds|price|currency)"
)


class TenantLimit(BaseModel):
    """What one tenant may use in place of what all may; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    tokens_per_minute: int | None = Field(default=None, ge=0)
    """0: no limit."""
    money_per_day: Decimal | None = Field(default=None, ge=0)
    """In units of `money_currency`."""


class Settings(ServiceSettings):
    """The model gateway's settings. Without any of them it works with nothing outside."""

    providers_file: Path | None = None
    """The provider table, see `deploy/providers.yaml`; in place of every `chat_` setting and of
    those of `embedding_` that name an endpoint, which are the shorthand for one provider."""

    chat_base_url: str = ""
    """Any OpenAI-compatible endpoint up to its version, such as `https://api.example.com/v1`.
    Empty: no model; answers are extractive."""
    chat_model: str = Field(default="", max_length=128)
    """The model's name at the endpoint; required where `chat_base_url` is set."""
    chat_api_key: SecretStr = SecretStr("")
    """The endpoint's key. Empty: it wants none."""
    chat_api_key_file: Path | None = None
    """File that holds the key, as secret stores mount it; in place of `chat_api_key`."""
    chat_temperature: float | None = Field(default=0.3, ge=0, le=2)
    """Low, since answers restate passages and invention is a defect. Empty: not sent, for models
    that take only their own."""
    chat_max_tokens: int = Field(default=500, ge=1, le=8000)
    """Longest answer. A customer reads four sentences; the rest is a margin for tables."""
    chat_max_tokens_parameter: MaxTokensParameter = "max_tokens"
    """How that is sent; OpenAI's newer models take only `max_completion_tokens`."""
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
    chat_requests_per_second: float = Field(default=50, gt=0)
    """To the endpoint, from all replicas together."""
    chat_internal: bool = False
    """Whether it runs inside the company and may get texts with what identifies people in them."""
    order_number_patterns: tuple[str, ...] = ()
    """What order numbers look like, as JSON: `["SO[0-9]{8}"]`. They are hidden from outside
    providers like the personal data that is known without being told. RE2 syntax."""

    prompt_tokens: int = Field(default=4000, ge=500)
    """Most tokens of question, rounds and passages together, as they are estimated; less where a
    model's window is smaller. What is sent is most of what an answer costs."""
    answer_cache_seconds: float = Field(default=3600.0, ge=0)
    """How long an answer is given again to the identical question with the identical passages. New
    revisions of the passages are answered anew at once, so that no answer is out of date."""
    answer_cache_entries: int = Field(default=1000, ge=0)
    """Answers kept in memory, at about 2 kB each. 0: none."""

    grounding_line: float = Field(default=0.5, ge=0, le=1)
    """Share of a sentence's content words that a source must have for a customer to see it; see
    docs/decisions.md for the figures. 0: figures, names and the other checks decide alone."""
    banned_phrases_file: Path | None = None
    """Phrases that no answer of a model may hold, one a line, in place of those that Kefu brings
    along (`services/generation/banned_phrases.txt`)."""

    redis_url: str = Field(default="", pattern="^((redis|rediss|unix)://.+)?$", repr=False)
    """`redis://`, `rediss://` or `unix://` URL, where all replicas count limits and usage; it may
    hold a password. It may be down. Empty: this process counts for itself, and its usage is
    forgotten with it."""
    replicas: int = Field(default=4, ge=1)
    """Replicas of this service at the most. While Redis is down, each of them uses its part of
    every limit."""
    caller_requests_per_second: float = Field(default=200, gt=0)
    """Of each identity at all replicas together, for answers, summaries and choices: four times
    what a provider takes, so that only a runaway caller meets it."""
    tenant_tokens_per_minute: int = Field(default=2_000_000, ge=0)
    """Of each tenant, in and out, at all replicas together: a third of what one provider takes at
    50 requests a second, so that no tenant keeps the others from it. 0: no limit."""
    tenant_money_per_day: Decimal | None = Field(default=None, ge=0)
    """Of each tenant and UTC day, in units of `money_currency`. None: no limit."""
    money_currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    """ISO 4217 currency of the limits; where money is limited, providers' prices must be in it."""
    tenant_limits: dict[str, TenantLimit] = Field(default_factory=dict)
    """Those of tenants that differ, as JSON: `{"shop": {"tokens_per_minute": 50000,
    "money_per_day": "20.00"}}`."""

    embedding_base_url: str = ""
    """OpenAI-compatible endpoint for vectors. Empty: the local model."""
    embedding_model: str = Field(default="", max_length=128)
    """The embedding model's name; required where `embedding_base_url` is set."""
    embedding_api_key: SecretStr = SecretStr("")
    """Key of that endpoint. Empty: it wants none."""
    embedding_api_key_file: Path | None = None
    """File that holds that key; in place of `embedding_api_key`."""
    embedding_price: Decimal | None = Field(default=None, ge=0)
    """Price of a million tokens there. None: vectors carry no price."""
    embedding_currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    """ISO 4217 currency of that price."""
    embedding_seconds: float = Field(default=10.0, gt=0)
    """Longest wait for the endpoint's vectors."""
    embedding_batch_milliseconds: float = Field(default=5.0, ge=0, le=1000)
    """How long texts of several callers are gathered while the endpoint is busy with others."""
    embedding_threads: int = Field(default=1, ge=1, le=64)
    """Threads of the local model, each with a text of its own: a second one doubles what an import
    gets, at the other services' expense, and makes a lone question no quicker."""
    model_dir: Path = DIRECTORY
    """Folder of the local model's files, 90 MB, made at set-up or at the first start; needed to be
    writable for that only."""
    embedding_cache_entries: int = Field(default=10_000, ge=0)
    """Vectors kept in memory, at about 1.7 kB each."""

    @field_validator("banned_phrases_file")
    @classmethod
    def _is_phrases(cls, value: Path | None) -> Path | None:
        try:
            if value is not None:
                value.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ValueError("must be a readable UTF-8 file") from None
        return value

    @field_validator("order_number_patterns")
    @classmethod
    def _are_patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Finder(value)
        return value

    @field_validator("chat_temperature", mode="before")
    @classmethod
    def _may_be_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("chat_base_url", "embedding_base_url")
    @classmethod
    def _is_endpoint(cls, value: str) -> str:
        return endpoint_url(value)

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        problems = []
        for use in ("chat", "embedding"):
            if getattr(self, f"{use}_base_url") and not getattr(self, f"{use}_model"):
                problems.append(f"KEFU_{use.upper()}_MODEL is missing beside the base URL")
            problems += self._key_problems(use)
        problems += self._table_problems()
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
        problem = key_problem(key)
        return [f"{name} {problem}"] if problem else []

    def _table_problems(self) -> list[str]:
        if self.providers_file is None:
            return []
        beside = [name for name in sorted(self.model_fields_set) if _SHORTHAND.fullmatch(name)]
        if beside:
            named = ", ".join(f"KEFU_{name.upper()}" for name in beside)
            return [f"{named} cannot stand beside KEFU_PROVIDERS_FILE; write it into that file"]
        try:
            load(self.providers_file)
        except TableInvalid as error:
            return list(error.problems)
        return []

    def provider_table(self) -> ProviderTable:
        """Return who is asked for what: as the file says, or the shorthand's providers.

        Raises:
            TableInvalid: The file has changed since it was checked, and is wrong now.
        """
        if self.providers_file is not None:
            return load(self.providers_file)
        chat = self._chat_entry() if self.chat_base_url else None
        vectors = self._embedding_entry() if self.embedding_base_url else None
        return of_settings(chat, vectors)

    def _chat_entry(self) -> ProviderEntry:
        return ProviderEntry(
            name="default",
            kind=Kind.OPENAI,
            base_url=self.chat_base_url,
            model=self.chat_model,
            temperature=self.chat_temperature,
            max_tokens=self.chat_max_tokens,
            max_tokens_parameter=self.chat_max_tokens_parameter,
            input_price=self.chat_input_price,
            output_price=self.chat_output_price,
            currency=self.chat_currency,
            timeouts=Timeouts(
                connect=self.chat_connect_seconds,
                first_token=self.chat_first_token_seconds,
                between_tokens=self.chat_between_tokens_seconds,
                total=self.chat_total_seconds,
            ),
            requests_per_second=self.chat_requests_per_second,
            internal=self.chat_internal,
        ).with_key(self.api_key("chat"))

    def _embedding_entry(self) -> ProviderEntry:
        seconds = self.embedding_seconds
        return ProviderEntry(
            name="default-embedding",
            kind=Kind.OPENAI,
            base_url=self.embedding_base_url,
            model=self.embedding_model,
            input_price=self.embedding_price,
            output_price=None if self.embedding_price is None else Decimal(0),
            currency=self.embedding_currency,
            timeouts=Timeouts(connect=seconds, total=seconds),
        ).with_key(self.api_key("embedding"))

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
