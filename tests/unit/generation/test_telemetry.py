"""What an answer leaves behind: facts on the span and in the audit record, never words."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.generation import telemetry
from services.generation.breaker import State
from services.generation.dialogue import Answer, Finish, Mode, Usage, Withheld
from services.generation.failure import Cause
from services.mesh import names
from services.mesh.calls import Call, enter

ROOT = Path(__file__).parents[3]
WORDS = "七天内可退货"
ANSWER = Answer(
    WORDS,
    Mode.MODEL,
    finish=Finish.INTERRUPTED,
    usage=Usage("telemetry-model", 120, 30),
    degraded_reason=Cause.TIMEOUT,
    prompt_version="answer/1@0123456789ab",
    provider="main",
)


def recorded(answer: Answer) -> tuple[dict[str, object], dict[str, str]]:
    """Record an answer inside a call; return its span attributes and audit labels."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    call = Call("kefu.generation.v1.GenerationService/Generate")
    enter(call)
    with provider.get_tracer("test").start_as_current_span("call"):
        telemetry.record_answer(answer)
    (span,) = exporter.get_finished_spans()
    return dict(span.attributes or {}), call.labels


def test_the_span_tells_model_tokens_and_degradation() -> None:
    """GenAI semantic conventions, so that any trace tool understands it."""
    attributes, _ = recorded(ANSWER)
    assert attributes == {
        names.REPLY_MODE: "model",
        names.DEGRADED: "timeout",
        names.GEN_AI_OPERATION: "chat",
        names.PROVIDER: "main",
        names.GEN_AI_MODEL: "telemetry-model",
        names.GEN_AI_INPUT_TOKENS: 120,
        names.GEN_AI_OUTPUT_TOKENS: 30,
        names.GEN_AI_FINISH: ("interrupted",),
    }


def test_the_audit_record_tells_how_it_was_made() -> None:
    """Mode, end, provider, prompt and reason can be looked up years later."""
    _, labels = recorded(ANSWER)
    assert labels == {
        "mode": "model",
        "finish": "interrupted",
        "degraded": "timeout",
        "provider": "main",
        "prompt": "answer/1@0123456789ab",
    }


def test_an_answer_without_a_model_has_no_model_on_its_span() -> None:
    """Nothing pretends to be one."""
    attributes, labels = recorded(Answer(WORDS, Mode.EXTRACTIVE))
    assert attributes == {names.REPLY_MODE: "extractive"}
    assert labels == {"mode": "extractive", "finish": "stop"}


def test_no_words_are_told() -> None:
    """Neither span nor audit record holds what was said."""
    attributes, labels = recorded(ANSWER)
    assert WORDS not in str(attributes) + str(labels)


@pytest.mark.parametrize(
    ("reason", "level", "words"),
    [
        ("quota_exceeded", "info", "limit used up"),
        (Cause.RATE_LIMITED, "info", "provider's limit used up"),
        (Cause.SATURATED, "info", "no place free at a provider"),
        (Cause.CIRCUIT_OPEN, "info", "provider left alone"),
        *((reason, "info", "words withheld") for reason in Withheld),
        (Cause.TIMEOUT, "warning", "model failed"),
        (Cause.REFUSED, "warning", "model failed"),
        (Cause.EMPTY_ANSWER, "warning", "model failed"),
    ],
)
def test_only_failures_are_warnings(reason: str, level: str, words: str) -> None:
    """What a limit or a check is set for is worth a line, and nobody has to look into it."""
    with capture_logs() as lines:
        recorded(replace(ANSWER, degraded_reason=str(reason)))
    (line,) = lines
    assert (line["log_level"], line["event"], line["degraded"]) == (level, words, reason)


def test_an_answer_as_it_should_be_is_not_logged() -> None:
    """Metrics, spans and audit records have it."""
    with capture_logs() as lines:
        recorded(replace(ANSWER, degraded_reason=""))
    assert not lines


def test_a_provider_s_turns_are_counted_by_what_came_of_them() -> None:
    """So that an operator sees which one fails, and how."""
    wanted = {"provider": "telemetry-provider", "outcome": "timeout"}
    name = names.ATTEMPTS + "_total"
    before = REGISTRY.get_sample_value(name, wanted) or 0
    telemetry.record_attempt("telemetry-provider", Cause.TIMEOUT)
    telemetry.record_attempt("telemetry-provider")
    assert REGISTRY.get_sample_value(name, wanted) == before + 1
    assert REGISTRY.get_sample_value(name, wanted | {"outcome": "answered"}) == 1


def test_a_breaker_is_in_one_state_and_its_changes_are_logged() -> None:
    """The gauge has a series for each state, one of which is 1."""
    telemetry.show_state("telemetry-provider", State.CLOSED)
    with capture_logs() as lines:
        telemetry.record_change("telemetry-provider", State.OPEN)
    (line,) = lines
    assert (line["event"], line["provider"], line["state"]) == (
        "breaker changed",
        "telemetry-provider",
        "open",
    )
    values = {
        state: REGISTRY.get_sample_value(
            names.PROVIDER_STATE, {"provider": "telemetry-provider", "state": state}
        )
        for state in State
    }
    assert values == {State.CLOSED: 0, State.OPEN: 1, State.HALF_OPEN: 0}


def test_the_documentation_names_every_cause_and_metric() -> None:
    """Whoever watches the service reads there what it says; the alert watches what is written."""
    text = (ROOT / "docs" / "providers.md").read_text()
    metrics = f"{names.ATTEMPTS}_total", names.PROVIDER_STATE, names.FIRST_TOKEN
    for word in (*Cause, *metrics, names.PROVIDER, names.GEN_AI_CONVERSATION):
        assert f"`{word}`" in text, word
    (group,) = yaml.safe_load((ROOT / "deploy" / "alerts.yaml").read_text())["groups"]
    (rule,) = [each for each in group["rules"] if each["alert"] == "KefuProviderOpen"]
    assert names.PROVIDER_STATE in rule["expr"]
    assert f"{names.ATTEMPTS}_total" in rule["annotations"]["description"]
