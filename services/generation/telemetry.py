"""What is told about answers and vectors: metrics, span attributes, audit labels; never words."""

import time

import structlog
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from prometheus_client import Counter, Gauge, Histogram

from services.generation.breaker import State
from services.generation.chat import Writing
from services.generation.dialogue import Answer, Finish, Grounding, Usage, Withheld
from services.generation.failure import Cause, ModelFailure
from services.generation.quota import QuotaExhausted
from services.generation.route import Writer
from services.mesh import names
from services.mesh.calls import annotate
from services.mesh.telemetry import current_span

_ANSWERS = Counter(names.ANSWERS, "Answers given, by how they were made.", ["mode", "degraded"])
_SHARED = Counter(
    names.SHARED_ANSWERS,
    "Answers that another request had paid for, by where they were.",
    ["place"],
)
_EMBEDDINGS = Counter(names.EMBEDDINGS, "Texts embedded, by purpose.", ["purpose"])
_ATTEMPTS = Counter(
    names.ATTEMPTS, "Providers' turns to answer, by what came of them.", ["provider", "outcome"]
)
_FIRST_TOKEN = Histogram(
    names.FIRST_TOKEN, "Seconds from a request to its first token.", ["provider"]
)
_FIRST_SENTENCE = Histogram(
    names.FIRST_SENTENCE, "Seconds from a question for a model to its first released sentence."
)
_WITHHELD = Counter(
    names.WITHHELD, "Answers of which words of the model were not released, by why.", ["reason"]
)
_GROUNDINGS = Counter(
    names.GROUNDINGS, "Answers, by how far their sources support them.", ["verdict"]
)
_STATES = Gauge(
    names.PROVIDER_STATE, "1 for the state that a provider's breaker is in.", ["provider", "state"]
)


# Limits do what they are set for, and a breaker has said itself that it opened.
_EXPECTED = {
    QuotaExhausted.cause: "limit used up",
    Cause.RATE_LIMITED: "provider's limit used up",
    Cause.SATURATED: "no place free at a provider",
    Cause.CIRCUIT_OPEN: "provider left alone",
}


def record_answer(answer: Answer) -> None:
    """Count an answer and put its facts on the call's span and audit record."""
    _ANSWERS.labels(answer.mode, answer.degraded_reason).inc()
    facts = {"mode": str(answer.mode), "finish": str(answer.finish)}
    span = current_span()
    span.set_attribute(names.REPLY_MODE, answer.mode)
    if answer.degraded_reason:
        facts["degraded"] = str(answer.degraded_reason)
        span.set_attribute(names.DEGRADED, answer.degraded_reason)
        _log_degraded(answer.degraded_reason, facts)
    if answer.grounding is not None:
        _record_grounding(answer.grounding, facts)
    if answer.provider:
        facts["provider"] = answer.provider
        span.set_attribute(names.PROVIDER, answer.provider)
    if answer.prompt_version:
        facts["prompt"] = answer.prompt_version
    if answer.shared:
        facts["shared"] = "true"
    annotate(**facts)
    if answer.usage is not None:
        record_usage(answer.usage, answer.finish)


def _log_degraded(reason: str, facts: dict[str, str]) -> None:
    log = structlog.get_logger("generation")
    if reason in frozenset(Withheld):
        log.info("words withheld", **facts)
    elif reason in _EXPECTED:
        log.info(_EXPECTED[reason], **facts)
    else:
        log.warning("model failed", **facts)


def _record_grounding(grounding: Grounding, facts: dict[str, str]) -> None:
    _GROUNDINGS.labels(grounding.verdict).inc()
    facts["grounding"] = str(grounding.verdict)
    current_span().set_attribute(names.GROUNDING, grounding.verdict)
    if grounding.withheld is not None:
        _WITHHELD.labels(grounding.withheld).inc()
        facts["withheld"] = str(grounding.withheld)
        current_span().set_attribute(names.WITHHELD_REASON, grounding.withheld)


class FirstSentence:
    """Times how long a customer waits until something can be read."""

    def __init__(self) -> None:
        self._begun: float | None = time.monotonic()

    def stop(self) -> None:
        """Note that something was released; only the first time counts."""
        if self._begun is not None:
            seconds = time.monotonic() - self._begun
            self._begun = None
            _FIRST_SENTENCE.observe(seconds)
            current_span().set_attribute(names.FIRST_SENTENCE_SECONDS, seconds)


def record_shared(place: str) -> None:
    """Count an answer that cost nothing: from `memory`, or of a call in `flight`."""
    _SHARED.labels(place).inc()


def record_usage(usage: Usage, finish: Finish) -> None:
    """Describe what models wrote on the call's span (GenAI semantic conventions).

    What protocol a provider speaks stands on the request's own span, and what each request used
    is counted by the ledger.
    """
    current_span().set_attributes(
        {
            names.GEN_AI_OPERATION: "chat",
            names.GEN_AI_MODEL: usage.model,
            names.GEN_AI_INPUT_TOKENS: usage.input_tokens,
            names.GEN_AI_OUTPUT_TOKENS: usage.output_tokens,
            names.GEN_AI_FINISH: (str(finish),),
        }
    )


def record_embedding(purpose: str, texts: int) -> None:
    """Count embedded texts, cached ones too."""
    _EMBEDDINGS.labels(purpose).inc(texts)


def record_attempt(provider: str, outcome: str = "answered") -> None:
    """Count a provider's turn to answer: a cause of failure, or that it wrote to the end."""
    _ATTEMPTS.labels(provider, outcome).inc()


def record_change(provider: str, state: State) -> None:
    """Tell, and log, what state a provider's breaker has come to."""
    show_state(provider, state)
    structlog.get_logger("generation").warning("breaker changed", provider=provider, state=state)


def show_state(provider: str, state: State) -> None:
    """Tell what state a provider's breaker is in."""
    for each in State:
        _STATES.labels(provider, each).set(each is state)


class AttemptSpan:
    """The client span of one request to a provider (GenAI semantic conventions)."""

    def __init__(self, tracer: Tracer, provider: str, model: Writer) -> None:
        self._provider = provider
        self._begun: float | None = time.monotonic()
        # Not made the current one: between two pieces of a generator others run.
        self._span = tracer.start_span(
            f"chat {model.name}",
            kind=SpanKind.CLIENT,
            attributes={
                names.GEN_AI_OPERATION: "chat",
                names.GEN_AI_PROVIDER: model.system,
                names.GEN_AI_MODEL: model.name,
                names.PROVIDER: provider,
            },
        )

    def written(self) -> None:
        """Note a piece of text; the first one is timed."""
        if self._begun is not None:
            seconds = time.monotonic() - self._begun
            self._begun = None
            _FIRST_TOKEN.labels(self._provider).observe(seconds)
            self._span.set_attribute(names.GEN_AI_FIRST_TOKEN, seconds)

    def end(self, asked: Writing, usage: Usage, failure: ModelFailure | None) -> None:
        """End the span with what the request cost and why it failed, if it did."""
        self._span.set_attributes(
            {
                names.GEN_AI_INPUT_TOKENS: usage.input_tokens,
                names.GEN_AI_OUTPUT_TOKENS: usage.output_tokens,
                names.GEN_AI_FINISH: (str(asked.finish),),
            }
        )
        if asked.conversation_id:
            self._span.set_attribute(names.GEN_AI_CONVERSATION, asked.conversation_id)
        if failure is not None:
            self._span.set_attribute(names.ERROR_TYPE, failure.cause)
            self._span.set_status(Status(StatusCode.ERROR, failure.cause))
        self._span.end()
