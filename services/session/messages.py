"""Protobuf in, domain out, and back: the converters of the session service."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.timestamp_pb2 import Timestamp
from kefu.action.v1 import action_pb2
from kefu.generation.v1 import generation_pb2
from kefu.intent.v1 import intent_pb2
from kefu.knowledge.v1 import knowledge_pb2
from kefu.sentiment.v1 import sentiment_pb2
from kefu.session.v1 import session_pb2, turn_pb2
from kefu.type.v1 import text_pb2, understanding_pb2

from services.session.actions import Action, ActionOutcome, ActionResult, Localized, Slot
from services.session.conversation import State
from services.session.draft import TurnResult
from services.session.grounding_messages import grounding, grounding_to_proto
from services.session.store import SessionRow
from services.session.understanding import (
    Answer,
    Candidate,
    Citation,
    Emotion,
    Entity,
    Evidence,
    Faq,
    IntentType,
    Mood,
    Passage,
    ReplyMode,
    Request,
    Understanding,
    Usage,
    Verdict,
)

_DEFAULT_ACTION_SECONDS = 10.0
_INTENT_TYPES = {
    number: IntentType(name.removeprefix("INTENT_TYPE_").lower())
    for name, number in understanding_pb2.IntentType.items()
    if number
}
_INTENT_NUMBERS = {each: number for number, each in _INTENT_TYPES.items()}
_EMOTIONS = {
    number: Emotion(name.removeprefix("EMOTION_").lower())
    for name, number in understanding_pb2.Emotion.items()
    if number
}
_EMOTION_NUMBERS: dict[Emotion | None, understanding_pb2.Emotion.ValueType] = {
    each: number for number, each in _EMOTIONS.items()
}
_ANSWER_MODES = {
    generation_pb2.ANSWER_MODE_MODEL: ReplyMode.MODEL,
    generation_pb2.ANSWER_MODE_EXTRACTIVE: ReplyMode.EXTRACTIVE,
    generation_pb2.ANSWER_MODE_NO_ANSWER: ReplyMode.NO_ANSWER,
}
_VERDICTS = {
    knowledge_pb2.SearchResponse.VERDICT_ANSWERABLE: Verdict.ANSWERABLE,
    knowledge_pb2.SearchResponse.VERDICT_WEAK: Verdict.WEAK,
}


def understanding(found: intent_pb2.Classification) -> Understanding:
    """A classification."""
    entities = [
        Entity(each.type, each.text, each.value, each.span.start, each.span.end)
        for each in found.entities
    ]
    others = [_candidate(each) for each in found.alternatives]
    requests = [
        Request(_candidate(each.candidate), each.span.start, each.span.end)
        for each in found.requests
    ]
    return Understanding(
        _candidate(found.best), others, found.ambiguous, entities, requests, found.wants_embedding
    )


def mood(found: sentiment_pb2.AnalyzeResponse) -> Mood:
    """An analysis, with what it means for the conversation."""
    whole, escalation = found.analysis.sentiment, found.escalation
    return Mood(
        compound=whole.compound, label=whole.label,
        confidence=whole.confidence if whole.HasField("confidence") else None,
        method=whole.method, escalate=escalation.escalate, reason=escalation.reason,
        trend=escalation.trend, emotion=_EMOTIONS.get(whole.emotion),
        urgency=whole.urgency if whole.HasField("urgency") else None,
    )  # fmt: skip


def evidence(found: knowledge_pb2.SearchResponse) -> Evidence:
    """What a search found."""
    faq = None
    if found.HasField("faq"):
        hit = found.faq
        faq = Faq(hit.document, hit.revision, hit.question, hit.answer)
    passages = [
        Passage(p.document, p.revision, p.title, p.text, p.span.start, p.span.end)
        for p in found.passages
    ]
    return Evidence(faq, passages, _VERDICTS.get(found.verdict, Verdict.NONE), found.lexical_only)


def passage_to_proto(passage: Passage) -> generation_pb2.Passage:
    """A passage for the model gateway."""
    return generation_pb2.Passage(
        document=passage.document, revision=passage.revision, title=passage.title,
        text=passage.text, span=_span(passage.start, passage.end),
    )  # fmt: skip


def generation_parts(found: generation_pb2.GenerateResponse) -> list[str | Citation | Answer]:
    """Words and what supports them, or the end; nothing for an event of a newer release."""
    kind = found.WhichOneof("event")
    if kind == "delta":
        return [found.delta.text, *map(_citation, found.delta.citations)]
    return [_answer(found.completed)] if kind == "completed" else []


def _answer(done: generation_pb2.GenerationCompleted) -> Answer:
    usage = {
        name: getattr(done.usage, name)
        for name in ("input_tokens", "output_tokens", "cached_tokens", "price_micros")
        if done.usage.HasField(name)
    }
    return Answer(
        text=done.text,
        citations=[_citation(each) for each in done.citations],
        mode=_ANSWER_MODES.get(done.mode, ReplyMode.EXTRACTIVE),
        usage=Usage(
            **usage, currency_code=done.usage.currency_code, estimated=done.usage.estimated,
            model=done.usage.model,
        ),
        complete=done.finish_reason != done.FINISH_REASON_INTERRUPTED,
        degraded=bool(done.degraded_reason),
        grounding=grounding(done.grounding) if done.HasField("grounding") else None,
    )  # fmt: skip


def action(found: action_pb2.Action, server: str) -> Action:
    """An action that a company's system offers."""
    seconds = found.timeout.ToTimedelta().total_seconds() if found.HasField("timeout") else 0
    return Action(
        action=found.action,
        intent=found.intent,
        name=_localized(found.display_name),
        slots=[
            Slot(each.slot, each.entity_type, _localized(each.prompt), each.optional)
            for each in found.slots
        ],
        confirmation=_localized(found.confirmation) if found.HasField("confirmation") else None,
        timeout_seconds=seconds or _DEFAULT_ACTION_SECONDS,
        server=server,
    )


def action_result(
    name: str, slots: Mapping[str, str], request_id: str, found: action_pb2.ExecuteResponse
) -> ActionResult:
    """What an execution came to; an outcome of a newer release counts as failed."""
    outcomes = {
        found.OUTCOME_SUCCEEDED: ActionOutcome.SUCCEEDED,
        found.OUTCOME_REJECTED: ActionOutcome.REJECTED,
    }
    payload = MessageToDict(found.payload) if found.HasField("payload") else None
    outcome = outcomes.get(found.outcome, ActionOutcome.FAILED)
    return ActionResult(name, outcome, dict(slots), request_id, _localized(found.message), payload)


def turn_to_proto(result: TurnResult) -> turn_pb2.Turn:
    """A finished turn."""
    request = result.request
    status = "STATUS_INTERRUPTED" if result.interrupted else "STATUS_COMPLETED"
    return turn_pb2.Turn(
        name=request.turn,
        request_id=request.request_id,
        turn_index=result.index,
        input_text=request.text,
        text=result.text,
        language_code=result.language,
        match=match_to_proto(result.understanding, result.match.name),
        mode=turn_pb2.ReplyMode.Value(f"REPLY_MODE_{result.mode.name}"),
        citations=[citation_to_proto(each) for each in result.citations],
        grounding=grounding_to_proto(result.grounding) if result.grounding else None,
        sentiment=sentiment_to_proto(result.mood),
        escalation=understanding_pb2.Escalation(
            escalate=result.mood.escalate,
            reason=result.mood.reason,  # type: ignore[arg-type]
            trend=result.mood.trend,
        ),
        actions=[action_to_proto(each) for each in result.actions],
        ticket=result.ticket,
        dialogue_state=state_to_proto(result.state),
        degraded=[
            turn_pb2.Degradation.Value(f"DEGRADATION_{each.name}") for each in result.degraded
        ],
        usage=_usage_to_proto(result.usage),
        status=turn_pb2.Turn.Status.Value(status),
        trace_id=request.trace_id,
        create_time=_time(request.created),
        complete_time=_time(result.completed),
    )


def match_to_proto(found: Understanding, kind: str) -> turn_pb2.Match:
    """What a message was taken for; `kind` is the name of a MatchType."""
    return turn_pb2.Match(
        type=turn_pb2.Match.Type.Value(f"TYPE_{kind}"),
        intent=_candidate_to_proto(found.best) if found.best else None,
        alternatives=[_candidate_to_proto(each) for each in found.alternatives],
        entities=[
            text_pb2.Entity(
                type=each.type, text=each.text, value=each.value, span=_span(each.start, each.end)
            )
            for each in found.entities
        ],
    )


def citation_to_proto(citation: Citation) -> understanding_pb2.Citation:
    """A citation with its spans."""
    return understanding_pb2.Citation(
        index=citation.index, document=citation.document, revision=citation.revision,
        title=citation.title[:500], document_span=_span(*citation.document_span),
        answer_span=_span(*citation.answer_span), snippet=citation.snippet,
    )  # fmt: skip


def action_to_proto(result: ActionResult) -> turn_pb2.ActionResult:
    """What an action did."""
    message = turn_pb2.ActionResult(
        action=result.action,
        outcome=turn_pb2.ActionResult.Outcome.Value(f"OUTCOME_{result.outcome.name}"),
        slots=result.slots,
        request_id=result.request_id,
    )
    if result.payload is not None:
        ParseDict(dict(result.payload), message.payload)
    return message


def sentiment_to_proto(found: Mood) -> understanding_pb2.Sentiment | None:
    """The mood; None where it was not measured."""
    if found.compound is None:
        return None
    return understanding_pb2.Sentiment(
        compound=found.compound, label=found.label, confidence=found.confidence,  # type: ignore[arg-type]
        method=found.method, urgency=found.urgency,
        emotion=_EMOTION_NUMBERS.get(found.emotion, understanding_pb2.EMOTION_UNSPECIFIED),
    )  # fmt: skip


def state_to_proto(state: State) -> turn_pb2.DialogueState.ValueType:
    """Where the dialogue stands."""
    return turn_pb2.DialogueState.Value(f"DIALOGUE_STATE_{state.name}")


def session_to_proto(row: SessionRow) -> session_pb2.Session:
    """A session as its callers see it."""
    conversation = row.conversation
    expires = row.updated + timedelta(seconds=conversation.ttl_seconds)
    state = session_pb2.Session.STATE_ACTIVE
    if row.closed:
        state = session_pb2.Session.STATE_CLOSED
    elif row.expired:
        state = session_pb2.Session.STATE_EXPIRED
    human = conversation.state is State.HANDED_OVER
    message = session_pb2.Session(
        name=conversation.name,
        state=state,
        owner=session_pb2.Session.OWNER_HUMAN if human else session_pb2.Session.OWNER_BOT,
        dialogue_state=state_to_proto(State.CLOSED if row.closed else conversation.state),
        knowledge_base=f"tenants/{conversation.tenant}/knowledgeBases/{conversation.knowledge_base}",
        profile=row.profile,
        slots=conversation.slots,
        turn_count=conversation.turn_count,
        create_time=_time(row.created),
        update_time=_time(row.updated),
        expire_time=_time(expires),
    )
    message.ttl.FromSeconds(conversation.ttl_seconds)
    return message


def _candidate(found: understanding_pb2.IntentCandidate) -> Candidate:
    kind = _INTENT_TYPES.get(found.type, IntentType.UNKNOWN)
    return Candidate(found.intent, kind, found.confidence)


def _candidate_to_proto(candidate: Candidate) -> understanding_pb2.IntentCandidate:
    return understanding_pb2.IntentCandidate(
        intent=candidate.intent, type=_INTENT_NUMBERS[candidate.type],
        confidence=candidate.confidence,
    )  # fmt: skip


def _citation(found: understanding_pb2.Citation) -> Citation:
    return Citation(
        found.index, found.document, found.revision, found.title,
        (found.document_span.start, found.document_span.end),
        (found.answer_span.start, found.answer_span.end), found.snippet,
    )  # fmt: skip


def _usage_to_proto(usage: Usage) -> understanding_pb2.Usage:
    return understanding_pb2.Usage(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens, price_micros=usage.price_micros,
        currency_code=usage.currency_code, estimated=usage.estimated, model=usage.model,
    )  # fmt: skip


def _localized(found: text_pb2.LocalizedText) -> Localized:
    return Localized(found.zh, found.en)


def _span(start: int, end: int) -> text_pb2.TextSpan:
    return text_pb2.TextSpan(start=start, end=end)


def _time(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
