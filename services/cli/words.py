"""Messages of the contract as people and scripts read them."""

import json
import re
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from kefu.session.v1 import turn_pb2 as pb
from kefu.type.v1 import text_pb2, understanding_pb2
from kefu.type.v1.understanding_pb2 import Grounding, SentenceSupport

_DOUBTS = {
    Grounding.VERDICT_WEAK: {
        "zh": "请留意：这条回复的部分内容在资料里没有明确的依据。",
        "en": "Please note: parts of this reply have no clear basis in the company's documents.",
    },
    Grounding.VERDICT_UNSUPPORTED: {
        "zh": "请注意：这条回复里有资料并不支持的内容，请先核实。",
        "en": "Caution: the company's documents do not support all of this reply; check it first.",
    },
}


def word(enum: Any, value: int) -> str:
    """Return an enum value's name without the enum's own, such as `FAQ` for `TYPE_FAQ`.

    Args:
        enum: the generated enum, such as `turn_pb2.Match.Type`.
        value: its number; one that this release does not know becomes the number.
    """
    if value not in enum.values():
        return str(value)
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.DESCRIPTOR.name).upper()
    name: str = enum.Name(value)
    return name.removeprefix(f"{prefix}_")


def message_json(message: Message) -> str:
    """Return a message as JSON with the field names of its proto."""
    plain = MessageToDict(message, preserving_proto_field_name=True)
    return json.dumps(plain, ensure_ascii=False, indent=2)


def turn_json(turn: pb.Turn) -> str:
    """Return a turn as the JSON of `kefu ask --json`, which scripts read."""
    return json.dumps(turn_dict(turn), ensure_ascii=False, indent=2)


def turn_dict(turn: pb.Turn) -> dict[str, Any]:
    """Return a turn as plain values; what the turn does not have is null or an empty list."""
    return {
        "text": turn.text,
        "citations": [_citation(each) for each in turn.citations],
        "grounding": _grounding(turn.grounding) if turn.HasField("grounding") else None,
        "match": _match(turn.match),
        "sentiment": _sentiment(turn.sentiment),
        "actions": [_action(each) for each in turn.actions],
        "degraded": [word(pb.Degradation, each) for each in turn.degraded],
        "usage": MessageToDict(turn.usage, preserving_proto_field_name=True),
        "turn": turn.name,
        "trace_id": turn.trace_id,
        "mode": word(pb.ReplyMode, turn.mode),
        "status": word(pb.Turn.Status, turn.status),
        "dialogue_state": word(pb.DialogueState, turn.dialogue_state),
        "escalated": turn.escalation.escalate,
        "ticket": turn.ticket or None,
        "language_code": turn.language_code,
    }


def _citation(each: understanding_pb2.Citation) -> dict[str, Any]:
    return {
        "index": each.index,
        "document": each.document,
        "revision": each.revision,
        "title": each.title,
        "document_span": _span(each.document_span),
        "answer_span": _span(each.answer_span),
        "snippet": each.snippet,
    }


def doubt(turn: pb.Turn) -> str:
    """Return a sentence, in the reply's language, where knowledge does not fully support it."""
    language = "zh" if turn.language_code == "zh" else "en"
    return _DOUBTS.get(turn.grounding.verdict, {}).get(language, "")


def _grounding(found: Grounding) -> dict[str, Any]:
    return {
        "verdict": word(Grounding.Verdict, found.verdict),
        "sentences": [
            {
                "answer_span": _span(each.answer_span),
                "support": word(SentenceSupport.Support, each.support),
                "overlap": each.overlap,
            }
            for each in found.sentences
        ],
        "withheld_reason": found.withheld_reason or None,
    }


def _span(span: text_pb2.TextSpan) -> list[int]:
    return [span.start, span.end]


def _match(match: pb.Match) -> dict[str, Any]:
    known = match.HasField("intent")
    return {
        "type": word(pb.Match.Type, match.type),
        "intent": match.intent.intent if known else None,
        "confidence": match.intent.confidence if known else None,
        "alternatives": [
            {"intent": each.intent, "confidence": each.confidence} for each in match.alternatives
        ],
    }


def _sentiment(mood: understanding_pb2.Sentiment) -> dict[str, Any] | None:
    if not mood.HasField("compound"):
        return None
    return {
        "compound": mood.compound,
        "label": word(understanding_pb2.SentimentLabel, mood.label),
    }


def _action(each: pb.ActionResult) -> dict[str, Any]:
    return {
        "action": each.action,
        "outcome": word(pb.ActionResult.Outcome, each.outcome),
        "slots": dict(each.slots),
        "request_id": each.request_id,
    }
