"""One provider as the settings describe it: where it is, what it costs, how long to wait for it."""

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)

from services.generation.usage import Price

MaxTokensParameter = Literal["max_tokens", "max_completion_tokens"]
"""What an endpoint calls the longest answer."""

_NAME = "^[a-z][a-z0-9-]{0,62}$"

_OF_DIFY = {"app", "instructions_variable", "keep_conversations"}


class Kind(StrEnum):
    """What a provider speaks."""

    OPENAI = "openai"
    """The protocol of OpenAI, as nearly all providers and model servers do."""
    DIFY = "dify"
    """The protocol of a Dify app."""
    EXTRACTIVE = "extractive"
    """Nothing: who stands behind it in an order is not asked, and the answer is extractive."""


class App(StrEnum):
    """What kind of app a Dify provider is."""

    CHAT = "chat"
    """Chatbot or chatflow: `/v1/chat-messages`."""
    AGENT = "agent"
    """The same path; it serves streams only."""
    COMPLETION = "completion"
    """Text generator: `/v1/completion-messages`."""


def endpoint_url(value: str) -> str:
    """Accept the address of an endpoint.

    Raises:
        ValueError: It is no URL, or it holds what belongs elsewhere.
    """
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("must be an http or https URL")
    if parts.username or parts.password or parts.query:
        raise ValueError("must hold no credentials and no query; use the API key")
    return value


def key_problem(key: str) -> str:
    """Return why a key cannot be sent, without it; empty where it can."""
    # Anything else breaks the HTTP header, with the key in the error's text.
    if not (key.isascii() and key.isprintable()) or " " in key:
        return "must be printable ASCII without blanks"
    return ""


class Part(BaseModel):
    """A part of the table; what it does not know is refused, and no error shows what was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Timeouts(Part):
    """How long a provider is waited for, in seconds. A caller's deadline may make all shorter."""

    connect: float = Field(default=2.0, gt=0)
    """For a connection."""
    first_token: float = Field(default=5.0, gt=0)
    """From the request to the first word; then the next provider is asked."""
    between_tokens: float = Field(default=5.0, gt=0)
    """Longest silence inside an answer; then it ends as interrupted."""
    total: float = Field(default=30.0, gt=0)
    """From the request to the end."""


class ProviderEntry(Part):
    """One provider: an endpoint and a model there."""

    name: str = Field(pattern=_NAME)
    """What results, logs, metrics and the orders below call it."""
    kind: Kind
    base_url: Annotated[str, AfterValidator(endpoint_url)] = ""
    """Up to and with the version, such as `https://api.example.com/v1`."""
    model: str = Field(default="", max_length=128)
    """The model's name at the endpoint; of a Dify app, which has its model inside, any name."""
    app: App | None = None
    """Kind of a Dify app; `chat` where nothing is said."""
    instructions_variable: str = Field(default="", max_length=64)
    """Variable of a Dify app that takes the instructions, so that they stand apart from what a
    customer wrote. Empty: they lead the query."""
    keep_conversations: bool = True
    """Whether a Dify app goes on with the conversation that it began for a session. False for one
    that remembers what was said and cannot be told not to: each request has it already."""
    api_key_file: Path | None = None
    """File that holds the key, as secret stores mount it."""
    api_key_env: str = Field(default="", max_length=128)
    """Variable of the environment that holds the key; in place of the file."""
    temperature: float | None = Field(default=0.3, ge=0, le=2)
    """Low, since answers restate passages and invention is a defect. A Dify app has its own. None:
    not sent, for models that take only their own."""
    max_tokens: int = Field(default=500, ge=1, le=8000)
    """Longest answer. A customer reads four sentences; the rest is a margin for tables."""
    max_tokens_parameter: MaxTokensParameter = "max_tokens"
    """How `max_tokens` is sent. OpenAI's newer models take only `max_completion_tokens`, which is
    for what they think and write together."""
    input_price: Decimal | None = Field(default=None, ge=0)
    """Price of a million input tokens. None: answers carry no price but the provider's own."""
    output_price: Decimal | None = Field(default=None, ge=0)
    """Price of a million output tokens; set both or neither."""
    cached_input_price: Decimal | None = Field(default=None, ge=0)
    """Price of a million input tokens from the provider's cache. None: that of other input."""
    currency: str = Field(default="CNY", pattern="^[A-Z]{3}$")
    """ISO 4217 currency of the prices."""
    timeouts: Timeouts = Timeouts()
    concurrency: int = Field(default=64, ge=1)
    """Requests in flight from one replica. Above it a request waits as long as for a first word,
    then the next provider is asked."""
    requests_per_second: float = Field(default=50, gt=0)
    """From all replicas together."""
    context_tokens: int = Field(default=8192, ge=512)
    """Tokens of the model's window, prompt and answer together; every model in use has so many."""
    internal: bool = False
    """Whether it runs inside the company and may get texts with what identifies people in them."""
    priority: int = 100
    """Who is asked first where `use` names no order: the lowest number, then the file's order."""

    _api_key: SecretStr = PrivateAttr(SecretStr(""))

    @property
    def api_key(self) -> SecretStr:
        """The key; empty where the endpoint wants none."""
        return self._api_key

    def with_key(self, key: SecretStr) -> "ProviderEntry":
        """Return the same provider with its key."""
        keyed = self.model_copy()
        keyed._api_key = key
        return keyed

    def price(self) -> Price | None:
        """Return what tokens cost; None where the table does not say."""
        if self.input_price is None or self.output_price is None:
            return None
        return Price(self.input_price, self.output_price, self.currency, self.cached_input_price)

    @model_validator(mode="after")
    def _fits_together(self) -> "ProviderEntry":
        problems = []
        given = self.model_fields_set - {"name", "kind", "priority"}
        if self.kind is Kind.EXTRACTIVE and given:
            problems.append(f"an extractive provider has no {', '.join(sorted(given))}")
        if self.kind is not Kind.EXTRACTIVE:
            problems += [
                f"{name} is missing" for name in ("base_url", "model") if name not in given
            ]
        if self.kind is not Kind.DIFY and given & _OF_DIFY:
            problems.append(f"{', '.join(sorted(_OF_DIFY))} are for kind dify")
        if self.kind is Kind.DIFY and "max_tokens_parameter" in given:
            problems.append("max_tokens_parameter is for kind openai")
        if (self.input_price is None) != (self.output_price is None):
            problems.append("set both input_price and output_price or neither")
        if self.api_key_file and self.api_key_env:
            problems.append("set api_key_file or api_key_env, not both")
        if problems:
            raise ValueError("; ".join(problems))
        return self
