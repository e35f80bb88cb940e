"""What is told about answers and vectors: metrics, span attributes, audit labels; never words."""

import structlog
from prometheus_client import Counter

from services.generation.dialogue import Answer, Finish, Usage
from services.mesh import names
from services.mesh.calls import annotate
from services.mesh.telemetry import current_span

_ANSWERS = Counter(names.ANSWERS, "Answers given, by how they were made.", ["mode", "degraded"])
_TOKENS = Counter(names.TOKENS, "Tokens of the chat model.", ["model", "direction"])
_EMBEDDINGS = Counter(names.EMBEDDINGS, "Texts embedded, by purpose.", ["purpose"])


def record_answer(answer: Answer) -> None:
    """Count an answer and put its facts on the call's span and audit record."""
    _ANSWERS.labels(answer.mode, answer.degraded_reason).inc()
    facts = {"mode": str(answer.mode), "finish": str(answer.finish)}
    span = current_span()
    span.set_attribute(names.REPLY_MODE, answer.mode)
    if answer.degraded_reason:
        facts["degraded"] = str(answer.degraded_reason)
        span.set_attribute(names.DEGRADED, answer.degraded_reason)
        structlog.get_logger("generation").warning("model failed", **facts)
    if answer.prompt_version:
        facts["prompt"] = answer.prompt_version
    annotate(**facts)
    if answer.usage is not None:
        record_usage(answer.usage, answer.finish)


def record_usage(usage: Usage, finish: Finish) -> None:
    """Count a model call's tokens and describe it on the span (GenAI semantic conventions)."""
    _TOKENS.labels(usage.model, "input").inc(usage.input_tokens)
    _TOKENS.labels(usage.model, "output").inc(usage.output_tokens)
    current_span().set_attributes(
        {
            names.GEN_AI_OPERATION: "chat",
            names.GEN_AI_PROVIDER: "openai",
            names.GEN_AI_MODEL: usage.model,
            names.GEN_AI_INPUT_TOKENS: usage.input_tokens,
            names.GEN_AI_OUTPUT_TOKENS: usage.output_tokens,
            names.GEN_AI_FINISH: (str(finish),),
        }
    )


def record_embedding(purpose: str, texts: int) -> None:
    """Count embedded texts, cached ones too."""
    _EMBEDDINGS.labels(purpose).inc(texts)
