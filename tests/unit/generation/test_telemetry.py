"""What an answer leaves behind: facts on the span and in the audit record, never words."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from services.generation import telemetry
from services.generation.dialogue import Answer, Finish, Mode, Usage
from services.generation.failure import Cause
from services.mesh import names
from services.mesh.calls import Call, enter

WORDS = "七天内可退货"
ANSWER = Answer(
    WORDS,
    Mode.MODEL,
    finish=Finish.INTERRUPTED,
    usage=Usage("telemetry-model", 120, 30),
    degraded_reason=Cause.TIMEOUT,
    prompt_version="answer/1@0123456789ab",
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
        names.GEN_AI_PROVIDER: "openai",
        names.GEN_AI_MODEL: "telemetry-model",
        names.GEN_AI_INPUT_TOKENS: 120,
        names.GEN_AI_OUTPUT_TOKENS: 30,
        names.GEN_AI_FINISH: ("interrupted",),
    }


def test_the_audit_record_tells_how_it_was_made() -> None:
    """Mode, end, prompt and reason can be looked up years later."""
    _, labels = recorded(ANSWER)
    assert labels == {
        "mode": "model",
        "finish": "interrupted",
        "degraded": "timeout",
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


def test_tokens_are_counted_by_model_and_direction() -> None:
    """What is paid for can be summed up from the metrics alone."""
    wanted = {"model": "telemetry-model", "direction": "output"}
    before = REGISTRY.get_sample_value(names.TOKENS + "_total", wanted) or 0
    recorded(ANSWER)
    assert REGISTRY.get_sample_value(names.TOKENS + "_total", wanted) == before + 30
