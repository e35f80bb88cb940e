"""From the other services' messages into the dialogue's words, and from these to the caller's."""

from dataclasses import replace
from datetime import UTC, datetime

import protovalidate
import pytest
from kefu.action.v1 import action_pb2
from kefu.generation.v1 import generation_pb2
from kefu.intent.v1 import intent_pb2
from kefu.knowledge.v1 import knowledge_pb2
from kefu.sentiment.v1 import sentiment_pb2
from kefu.session.v1 import turn_pb2
from kefu.type.v1 import text_pb2, understanding_pb2

from services.session import messages
from services.session.actions import ActionOutcome, ActionResult, Localized
from services.session.conversation import State
from services.session.draft import Degradation, MatchType, TurnResult
from services.session.grounding import Grounding, SentenceSupport, Support
from services.session.grounding_messages import grounding
from services.session.store import SessionRow
from services.session.understanding import (
    NOT_RECOVERED,
    Answer,
    Candidate,
    Citation,
    Emotion,
    Entity,
    Evidence,
    IntentType,
    Mood,
    ReplyMode,
    Request,
    Understanding,
    Usage,
    Verdict,
)
from tests.unit.session.fakes import CALM, DOCUMENT, conversation, meant, request

NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)


def test_every_word_of_the_dialogue_has_its_number_in_the_contract() -> None:
    """A word that one side has and the other has not would fail a turn at its very end."""

    def words(names: list[str], prefix: str) -> set[str]:
        return {name.removeprefix(prefix) for name in names[1:]}

    assert words(turn_pb2.DialogueState.keys(), "DIALOGUE_STATE_") == {s.name for s in State}
    assert words(turn_pb2.ReplyMode.keys(), "REPLY_MODE_") == {each.name for each in ReplyMode}
    assert words(turn_pb2.Degradation.keys(), "DEGRADATION_") == {d.name for d in Degradation}
    assert words(turn_pb2.Match.Type.keys(), "TYPE_") == {each.name for each in MatchType}
    assert words(turn_pb2.ActionResult.Outcome.keys(), "OUTCOME_") == {
        each.name for each in ActionOutcome
    }
    assert words(understanding_pb2.IntentType.keys(), "INTENT_TYPE_") == {
        each.name for each in IntentType
    }
    assert words(understanding_pb2.Emotion.keys(), "EMOTION_") == {each.name for each in Emotion}
    assert words(understanding_pb2.SentenceSupport.Support.keys(), "SUPPORT_") == {
        each.name for each in Support
    }
    verdicts = words(understanding_pb2.Grounding.Verdict.keys(), "VERDICT_")
    assert verdicts == {each.name for each in Support} - {"NO_CLAIM"}
    assert understanding_pb2.Escalation.REASON_NOT_RECOVERED == NOT_RECOVERED


def test_a_whole_turn_obeys_the_contract() -> None:
    """Every field at work at once, held to the field rules that callers rely on."""
    citation = Citation(1, DOCUMENT, "a" * 64, "长" * 900, (0, 3), (0, 2), "snip")
    done = ActionResult(
        "cancel_order", ActionOutcome.SUCCEEDED, {"order_number": "SO1"}, "key",
        Localized("好"), {"refund": 12.5, "lines": [1, None, {"a": True}]},
    )  # fmt: skip
    result = TurnResult(
        request=request("取消订单"),
        index=3,
        text="好的",
        language="zh",
        understanding=Understanding(
            meant("cancel_order", IntentType.OPERATION).best,
            entities=[Entity("order_number", "so1", "SO1", 0, 3)],
        ),
        match=MatchType.CONFIRMATION,
        mode=ReplyMode.ACTION,
        mood=replace(CALM, emotion=Emotion.WORRY, urgency=0.4),
        citations=[citation],
        grounding=Grounding(
            Support.WEAK, (SentenceSupport(0, 2, Support.NO_CLAIM, 0.0),), "unsupported_figure"
        ),
        actions=[done],
        degraded=[Degradation.NO_TICKET],
        usage=Usage(input_tokens=0, model="m"),
        ticket="tenants/shop/tickets/T1",
        state=State.IDLE,
        interrupted=False,
        completed=NOW,
    )
    turn = messages.turn_to_proto(result)
    assert not protovalidate.Validator().collect_violations(turn)
    assert turn.complete_time.ToDatetime(UTC) == NOW
    assert len(turn.citations[0].title) == 500
    (sentence,) = turn.grounding.sentences
    assert turn.text[sentence.answer_span.start : sentence.answer_span.end] == "好的"
    assert turn.actions[0].payload["lines"][2]["a"] is True
    assert turn.usage.HasField("input_tokens")
    assert not turn.usage.HasField("output_tokens")
    assert turn.match.entities[0].value == "SO1"
    assert turn.sentiment.emotion == understanding_pb2.EMOTION_WORRY
    assert turn.sentiment.urgency == 0.4


def test_what_was_not_measured_is_absent_and_not_zero() -> None:
    """0 is a measured neutral; nothing is nothing."""
    assert messages.sentiment_to_proto(Mood()) is None
    plain = messages.sentiment_to_proto(Mood(0.0))
    assert plain is not None
    assert (plain.emotion, plain.HasField("urgency"), plain.HasField("confidence")) == (
        understanding_pb2.EMOTION_UNSPECIFIED, False, False,
    )  # fmt: skip
    unread = messages.match_to_proto(Understanding(), "NO_MATCH")
    assert not unread.HasField("intent")


@pytest.mark.parametrize(
    ("closed", "expired", "state", "dialogue"),
    [
        (False, False, "STATE_ACTIVE", "FILLING"),
        (False, True, "STATE_EXPIRED", "FILLING"),
        (True, False, "STATE_CLOSED", "CLOSED"),
        (True, True, "STATE_CLOSED", "CLOSED"),
    ],
)
def test_a_session_shows_whether_it_goes_on(
    closed: bool, expired: bool, state: str, dialogue: str
) -> None:
    """Closed counts before expired; where the dialogue stood is kept but for the closed."""
    talk = conversation(state=State.FILLING)
    row = SessionRow(talk, b"", closed, expired, {"level": "gold"}, NOW, NOW)
    session = messages.session_to_proto(row)
    assert session.State.Name(session.state) == state
    assert turn_pb2.DialogueState.Name(session.dialogue_state) == f"DIALOGUE_STATE_{dialogue}"
    assert session.expire_time.seconds - session.update_time.seconds == 1800
    assert not protovalidate.Validator().collect_violations(session)


def test_answers_of_newer_releases_are_read_as_the_nearest_known() -> None:
    """An unknown verdict proves nothing, an unknown outcome counts as failed, and so on."""
    search = knowledge_pb2.SearchResponse(verdict=99)  # type: ignore[arg-type]
    assert messages.evidence(search) == Evidence(passages=[], verdict=Verdict.NONE)
    executed = action_pb2.ExecuteResponse(outcome=99)  # type: ignore[arg-type]
    assert messages.action_result("a", {}, "key", executed).outcome is ActionOutcome.FAILED
    candidate = understanding_pb2.IntentCandidate(intent="new", type=99)  # type: ignore[arg-type]
    found = messages.understanding(intent_pb2.Classification(best=candidate))
    assert found.best is not None
    assert found.best.type is IntentType.UNKNOWN
    assert messages.generation_parts(generation_pb2.GenerateResponse()) == []
    odd = understanding_pb2.SentenceSupport(support=99)  # type: ignore[arg-type]
    unread = understanding_pb2.Grounding(verdict=99, sentences=[odd])  # type: ignore[arg-type]
    assert grounding(unread).verdict is grounding(unread).sentences[0].support is Support.WEAK


def test_the_end_of_an_answer_says_what_it_cost_and_whether_it_is_whole() -> None:
    """Absent numbers stay absent: a missing price is not a free answer."""
    done = generation_pb2.GenerationCompleted(
        mode=generation_pb2.ANSWER_MODE_MODEL,
        usage=understanding_pb2.Usage(input_tokens=7, output_tokens=0, model="m"),
        finish_reason=generation_pb2.GenerationCompleted.FINISH_REASON_INTERRUPTED,
        degraded_reason="timeout",
    )
    (answer,) = messages.generation_parts(generation_pb2.GenerateResponse(completed=done))
    assert isinstance(answer, Answer)
    assert (answer.mode, answer.complete, answer.degraded) == (ReplyMode.MODEL, False, True)
    assert answer.usage == Usage(input_tokens=7, output_tokens=0, model="m")
    assert answer.grounding is None


def test_a_mood_keeps_its_escalation() -> None:
    """The conversation's escalation comes with the message's mood."""
    found = sentiment_pb2.AnalyzeResponse(
        analysis=sentiment_pb2.Analysis(sentiment=understanding_pb2.Sentiment(compound=-0.8)),
        escalation=understanding_pb2.Escalation(escalate=True, reason=2, trend=-0.6),  # type: ignore[arg-type]
    )
    mood = messages.mood(found)
    assert (mood.compound, mood.escalate, mood.reason, mood.trend) == (-0.8, True, 2, -0.6)


def test_a_mood_keeps_what_moves_the_customer_and_how_soon() -> None:
    """Both may be absent, which is not "none" and "any time"; a newer emotion is not told."""
    pb = understanding_pb2
    read = [
        messages.mood(
            sentiment_pb2.AnalyzeResponse(analysis=sentiment_pb2.Analysis(sentiment=each))
        )
        for each in (
            pb.Sentiment(compound=-0.8, emotion=pb.EMOTION_ANGER, urgency=0.0, confidence=0.0),
            pb.Sentiment(compound=0.0),
            pb.Sentiment(compound=0.0, emotion=99),  # type: ignore[arg-type]
        )
    ]
    assert [(each.emotion, each.urgency, each.confidence) for each in read] == [
        (Emotion.ANGER, 0.0, 0.0), (None, None, None), (None, None, None),
    ]  # fmt: skip


def test_a_classification_keeps_its_requests_and_its_doubt() -> None:
    """Each request with its place; whether a vector would help."""
    candidate = understanding_pb2.IntentCandidate(
        intent="returns", type=understanding_pb2.INTENT_TYPE_QUERY, confidence=0.9
    )
    part = intent_pb2.IntentRequest(candidate=candidate, span=text_pb2.TextSpan(start=3, end=8))
    found = messages.understanding(
        intent_pb2.Classification(best=candidate, requests=[part], wants_embedding=True)
    )
    assert found.requests == [Request(Candidate("returns", IntentType.QUERY, 0.9), 3, 8)]
    assert found.wants_embedding


def test_an_action_without_a_timeout_gets_the_default() -> None:
    """And one without a confirmation is carried out at once."""
    action = messages.action(action_pb2.Action(action="a", intent="i"), "127.0.0.1:1")
    assert (action.timeout_seconds, action.confirmation) == (10.0, None)
    limited = action_pb2.Action(action="a", intent="i")
    limited.timeout.FromMilliseconds(2500)
    limited.confirmation.en = "Sure?"
    action = messages.action(limited, "127.0.0.1:1")
    assert (action.timeout_seconds, action.confirmation) == (2.5, Localized(en="Sure?"))
