"""What a finished turn leaves behind: an audit event, metrics, span attributes. No words."""

from collections.abc import Callable

from opentelemetry.trace import Span
from prometheus_client import Counter, Histogram

from services.mesh import names
from services.mesh.calls import current
from services.session.draft import TurnResult
from services.session.event_messages import AuditEvent, audit_event

_TURNS = Counter(names.TURNS, "Finished turns.", ["mode", "match"])
_SECONDS = Histogram(
    names.TURN_LATENCY,
    "From the customer's message to the durable turn.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_ESCALATIONS = Counter(names.ESCALATIONS, "Turns whose mood called for a person.", ["reason"])


class Journal:
    """Writes down what turns did.

    Args:
        append: keeps an audit event on this machine's disk.
    """

    def __init__(self, append: Callable[[AuditEvent], None]) -> None:
        self._append = append

    def finished(self, tenant: str, result: TurnResult, span: Span) -> None:
        """Record a durable turn, before its TurnCompleted leaves.

        The Converse call's own audit event follows when the stream ends; this one is there even if
        the process dies between the two.
        """
        labels = _labels(result)
        self._append(audit_event(result, tenant, current().identity, labels))
        _TURNS.labels(result.mode.value, result.match.value).inc()
        _SECONDS.observe((result.completed - result.request.created).total_seconds())
        if result.mood.escalate:
            _ESCALATIONS.labels(str(result.mood.reason)).inc()
        if span.is_recording():
            span.set_attribute(names.INTENT, labels["intent"])
            span.set_attribute(names.MATCH_TYPE, labels["match"])
            span.set_attribute(names.REPLY_MODE, labels["mode"])
            span.set_attribute(names.DEGRADED, labels["degraded"])


def _labels(result: TurnResult) -> dict[str, str]:
    best, mood, grounding = result.understanding.best, result.mood, result.grounding
    actions = ",".join(f"{each.action}:{each.outcome.value}" for each in result.actions)
    return {
        "intent": best.intent if best else "",
        "match": result.match.value,
        "mode": result.mode.value,
        "state": result.state.value,
        "actions": actions[:256],
        "ticket": result.ticket,
        "degraded": ",".join(each.value for each in result.degraded),
        "compound": "" if mood.compound is None else f"{mood.compound:.2f}",
        "emotion": mood.emotion.value if mood.emotion else "",
        "urgency": "" if mood.urgency is None else f"{mood.urgency:.2f}",
        "citations": str(len(result.citations)),
        "grounding": grounding.verdict.value if grounding else "",
        "withheld": grounding.withheld if grounding else "",
    }
