"""Turns as people and scripts read them."""

import io
import json

import pytest
from kefu.session.v1 import turn_pb2 as pb
from kefu.type.v1 import understanding_pb2
from kefu.type.v1.understanding_pb2 import Grounding, SentenceSupport
from rich.console import Console

from services.cli.conversation import show_basis
from services.cli.trace import show
from services.cli.words import message_json, turn_dict, turn_json, word
from services.local.traces.span import Kind, Span, tree


def a_turn() -> pb.Turn:
    """Return a turn that has everything."""
    turn = pb.Turn(
        name="tenants/shop/sessions/s/turns/t",
        text="已取消",
        trace_id="ab" * 16,
        mode=pb.REPLY_MODE_ACTION,
        status=pb.Turn.STATUS_COMPLETED,
        dialogue_state=pb.DIALOGUE_STATE_IDLE,
        degraded=[pb.DEGRADATION_NO_SENTIMENT],
        ticket="tenants/shop/tickets/1",
    )
    turn.match.type = pb.Match.TYPE_INTENT
    turn.match.intent.intent, turn.match.intent.confidence = "cancel_order", 0.9
    turn.match.alternatives.add(intent="order_lookup", confidence=0.1)
    turn.sentiment.compound = 0.0
    turn.sentiment.label = understanding_pb2.SENTIMENT_LABEL_NEUTRAL
    citation = turn.citations.add(index=1, title="Returns", document="tenants/shop/x")
    citation.document_span.end = 7
    done = pb.ActionResult.OUTCOME_SUCCEEDED
    turn.actions.add(action="cancel_order", outcome=done, slots={"order_number": "SO1"})
    turn.usage.input_tokens = 12
    turn.grounding.verdict = Grounding.VERDICT_WEAK
    turn.grounding.withheld_reason = "unsupported_figure"
    sentence = turn.grounding.sentences.add(support=SentenceSupport.SUPPORT_WEAK, overlap=0.5)
    sentence.answer_span.end = 3
    return turn


def test_an_enum_value_loses_the_name_of_its_enum() -> None:
    """`TYPE_NO_MATCH` of Match.Type reads NO_MATCH, as REPLY_MODE_FAQ reads FAQ."""
    assert word(pb.Match.Type, pb.Match.TYPE_NO_MATCH) == "NO_MATCH"
    assert word(pb.ReplyMode, pb.REPLY_MODE_FAQ) == "FAQ"
    assert word(pb.DialogueState, pb.DIALOGUE_STATE_HANDED_OVER) == "HANDED_OVER"


def test_a_value_of_a_newer_release_is_its_number() -> None:
    """An old command reads a new server's answer."""
    assert word(pb.ReplyMode, 99) == "99"


def test_the_json_of_a_turn_has_every_key_that_scripts_read() -> None:
    """The interface of `kefu ask --json`."""
    plain = json.loads(turn_json(a_turn()))
    assert plain["text"] == "已取消"
    assert plain["match"] == {
        "type": "INTENT",
        "intent": "cancel_order",
        "confidence": 0.9,
        "alternatives": [{"intent": "order_lookup", "confidence": 0.1}],
    }
    assert plain["sentiment"] == {"compound": 0.0, "label": "NEUTRAL"}
    assert plain["citations"][0]["document_span"] == [0, 7]
    assert plain["grounding"] == {
        "verdict": "WEAK",
        "sentences": [{"answer_span": [0, 3], "support": "WEAK", "overlap": 0.5}],
        "withheld_reason": "unsupported_figure",
    }
    assert plain["actions"][0]["outcome"] == "SUCCEEDED"
    assert plain["degraded"] == ["NO_SENTIMENT"]
    assert plain["usage"] == {"input_tokens": 12}
    assert (plain["turn"], plain["trace_id"]) == ("tenants/shop/sessions/s/turns/t", "ab" * 16)


def test_what_was_not_measured_is_null_and_not_zero() -> None:
    """A neutral mood is 0.0; no mood is null. The same holds for an intent."""
    plain = turn_dict(pb.Turn())
    assert plain["sentiment"] is None
    assert plain["match"]["intent"] is None
    assert plain["match"]["confidence"] is None
    assert plain["ticket"] is None
    assert plain["grounding"] is None
    assert (plain["citations"], plain["actions"], plain["degraded"]) == ([], [], [])


def test_a_message_as_json_has_the_protos_field_names() -> None:
    """Scripts and the contract speak of the same fields."""
    assert json.loads(message_json(a_turn()))["dialogue_state"] == "DIALOGUE_STATE_IDLE"


def printed(show_it: object) -> str:
    """Return what a function prints on a console that is 120 columns wide."""
    out = io.StringIO()
    show_it(Console(file=out, width=120, highlight=False))  # type: ignore[operator]
    return out.getvalue()


def test_under_a_reply_stands_what_it_rests_on() -> None:
    """Source, action, ticket, intent, mood, what was left out, trace: each in a word or two."""
    text = printed(lambda console: show_basis(a_turn(), console))
    for expected in (
        "[1] Returns", "action cancel_order: succeeded", "ticket tenants/shop/tickets/1",
        "cancel_order 0.90", "mood +0.00", "degraded: no_sentiment", f"trace {'ab' * 16}",
    ):  # fmt: skip
        assert expected in text


@pytest.mark.parametrize(
    ("verdict", "language", "told"),
    [
        (Grounding.VERDICT_WEAK, "zh", "请留意：这条回复的部分内容在资料里没有明确的依据。"),
        (Grounding.VERDICT_WEAK, "en", "parts of this reply have no clear basis"),
        (Grounding.VERDICT_UNSUPPORTED, "zh", "请注意：这条回复里有资料并不支持的内容"),
        (Grounding.VERDICT_UNSUPPORTED, "en", "do not support all of this reply"),
    ],
)
def test_a_doubtful_reply_is_said_to_be_one(
    verdict: Grounding.Verdict.ValueType, language: str, told: str
) -> None:
    """In the reply's language, on one line, before its sources."""
    turn = a_turn()
    turn.language_code, turn.grounding.verdict = language, verdict
    first, second, *_ = printed(lambda console: show_basis(turn, console)).splitlines()
    assert told in first
    assert "[1] Returns" in second


def test_a_supported_reply_needs_no_such_sentence() -> None:
    """Nor does one that is no answer from passages."""
    supported, fixed = a_turn(), a_turn()
    supported.grounding.verdict = Grounding.VERDICT_SUPPORTED
    fixed.ClearField("grounding")
    for turn in (supported, fixed):
        assert printed(lambda console, turn=turn: show_basis(turn, console)).startswith("  [1]")


def test_a_trace_is_shown_with_service_method_caller_status_and_times() -> None:
    """One line a hop, a failure by its reason."""
    root = Span(
        b"t" * 16, b"r" * 8, None, "session", "x/Reply", Kind.SERVER, 1_000_000, 9_500_000, False,
        {"rpc.method": "Reply", "kefu.peer.identity": "spiffe://kefu.local/ns/kefu/sa/operator"},
    )  # fmt: skip
    failed = Span(
        b"t" * 16, b"f" * 8, b"r" * 8, "desk", "x/CreateTicket", Kind.SERVER, 3_000_000, 4_000_000,
        True, {"rpc.method": "CreateTicket", "kefu.error.reason": "STORAGE_UNAVAILABLE"},
    )  # fmt: skip
    lines = printed(lambda console: show(tree([root, failed]), console)).splitlines()
    assert lines[0] == f"trace {'74' * 16}"
    assert lines[2].split() == ["session", "Reply", "operator", "OK", "0.0", "8.5"]
    assert lines[3].split() == ["desk", "CreateTicket", "STORAGE_UNAVAILABLE", "2.0", "1.0"]
