"""The contract's messages to the domain's values and back."""

from collections.abc import Sequence

from kefu.generation.v1 import generation_pb2 as pb
from kefu.type.v1 import text_pb2, understanding_pb2

from services.generation.catalogue import Model, Use
from services.generation.choosing import Chosen
from services.generation.dialogue import (
    Answer,
    Attempt,
    Choice,
    Citation,
    Delta,
    Finish,
    Grounding,
    Mode,
    Passage,
    Question,
    Round,
    Support,
    Usage,
)
from services.generation.embedding import Purpose, Vectors
from services.generation.relevance import SNIPPET_LIMIT
from services.generation.summary import Summary
from services.language import Language, Span, detect

_LANGUAGES = {"zh": Language.ZH, "en": Language.EN}
_MODES = {
    Mode.MODEL: pb.ANSWER_MODE_MODEL,
    Mode.EXTRACTIVE: pb.ANSWER_MODE_EXTRACTIVE,
    Mode.NO_ANSWER: pb.ANSWER_MODE_NO_ANSWER,
}
_FINISHES = {
    Finish.STOP: pb.GenerationCompleted.FINISH_REASON_STOP,
    Finish.LENGTH: pb.GenerationCompleted.FINISH_REASON_LENGTH,
    Finish.INTERRUPTED: pb.GenerationCompleted.FINISH_REASON_INTERRUPTED,
    Finish.FILTERED: pb.GenerationCompleted.FINISH_REASON_FILTERED,
}
_VERDICTS = {
    Support.SUPPORTED: understanding_pb2.Grounding.VERDICT_SUPPORTED,
    Support.WEAK: understanding_pb2.Grounding.VERDICT_WEAK,
    Support.UNSUPPORTED: understanding_pb2.Grounding.VERDICT_UNSUPPORTED,
}
_SUPPORTS = {
    Support.SUPPORTED: understanding_pb2.SentenceSupport.SUPPORT_SUPPORTED,
    Support.WEAK: understanding_pb2.SentenceSupport.SUPPORT_WEAK,
    Support.UNSUPPORTED: understanding_pb2.SentenceSupport.SUPPORT_UNSUPPORTED,
    Support.NO_CLAIM: understanding_pb2.SentenceSupport.SUPPORT_NO_CLAIM,
}
_PURPOSES = {
    pb.EMBED_PURPOSE_QUERY: Purpose.QUERY,
    pb.EMBED_PURPOSE_PASSAGE: Purpose.PASSAGE,
}
_USES = {Use.CHAT: pb.Model.USE_CHAT, Use.EMBEDDING: pb.Model.USE_EMBEDDING}


def language_from(code: str, *texts: str) -> Language:
    """Return the language to answer in: the wanted one, else that of the first text that has one.

    Args:
        code: BCP 47 tag such as `zh`, `zh-TW` or `en`; empty, or another language: not wanted.
        texts: What was said, most telling first; a mixed text is a Chinese speaker's.
    """
    wanted = _LANGUAGES.get(code.lower().partition("-")[0])
    if wanted:
        return wanted
    for text in texts:
        match detect(text):
            case Language.EN:
                return Language.EN
            case Language.ZH | Language.MIXED:
                return Language.ZH
    return Language.ZH


def question_from(request: pb.GenerateRequest) -> Question:
    """Read what is asked."""
    history = rounds_from(request.history)
    passages = tuple(
        Passage(item.document, item.revision, item.title, item.text, item.span.start)
        for item in request.passages
    )
    said = [request.question, *(item.customer for item in reversed(history))]
    language = language_from(request.language_code, *said, *(item.text for item in passages[:1]))
    return Question(
        request.question,
        language,
        passages,
        history,
        model=request.model,
        conversation=request.conversation,
    )


def rounds_from(rounds: Sequence[pb.Round]) -> tuple[Round, ...]:
    """Read rounds of a conversation."""
    return tuple(Round(item.customer, item.reply) for item in rounds)


def choices_from(choices: Sequence[pb.Choice]) -> tuple[Choice, ...]:
    """Read what a text may mean."""
    return tuple(Choice(item.choice, item.description, tuple(item.examples)) for item in choices)


def purpose_from(purpose: pb.EmbedPurpose.ValueType) -> Purpose:
    """Read what texts are embedded for."""
    return _PURPOSES[purpose]


def citation_to(citation: Citation) -> understanding_pb2.Citation:
    """Write a citation; the span inside the passage becomes one inside the document."""
    passage, span = citation.passage, citation.passage_span
    return understanding_pb2.Citation(
        index=citation.index,
        document=passage.document,
        revision=passage.revision,
        title=passage.title,
        document_span=_span_to(Span(passage.start + span.start, passage.start + span.end)),
        answer_span=_span_to(citation.answer_span),
        snippet=span.of(passage.text)[:SNIPPET_LIMIT],
    )


def _span_to(span: Span) -> text_pb2.TextSpan:
    return text_pb2.TextSpan(start=span.start, end=span.end)


def delta_to(delta: Delta, sequence: int) -> pb.GenerationDelta:
    """Write words of an answer, which are its `sequence`-th."""
    citations = [citation_to(each) for each in delta.citations]
    return pb.GenerationDelta(sequence=sequence, text=delta.text, citations=citations)


def completed_to(answer: Answer) -> pb.GenerationCompleted:
    """Write the end of an answer."""
    return pb.GenerationCompleted(
        text=answer.text,
        citations=[citation_to(citation) for citation in answer.citations],
        mode=_MODES[answer.mode],
        usage=usage_to(answer.usage),
        finish_reason=_FINISHES[answer.finish],
        degraded_reason=answer.degraded_reason,
        prompt_version=answer.prompt_version,
        provider=answer.provider,
        attempts=_attempts_to(answer.attempts),
        shared=answer.shared,
        grounding=grounding_to(answer.grounding) if answer.grounding else None,
    )


def grounding_to(grounding: Grounding) -> understanding_pb2.Grounding:
    """Write how far sources support an answer."""
    return understanding_pb2.Grounding(
        verdict=_VERDICTS[grounding.verdict],
        sentences=[
            understanding_pb2.SentenceSupport(
                answer_span=_span_to(each.span),
                support=_SUPPORTS[each.support],
                overlap=each.overlap,
            )
            for each in grounding.sentences
        ],
        withheld_reason=grounding.withheld or "",
    )


def summary_to(summary: Summary) -> pb.SummarizeResponse:
    """Write a summary and how it was made."""
    return pb.SummarizeResponse(
        summary=summary.text,
        mode=_MODES[summary.mode],
        usage=usage_to(summary.usage),
        provider=summary.provider,
        attempts=_attempts_to(summary.attempts),
        degraded_reason=summary.degraded_reason,
        prompt_version=summary.prompt_version,
    )


def chosen_to(chosen: Chosen) -> pb.ChooseResponse:
    """Write what a model chose."""
    return pb.ChooseResponse(
        choice=chosen.choice,
        usage=usage_to(chosen.usage),
        provider=chosen.provider,
        attempts=_attempts_to(chosen.attempts),
        prompt_version=chosen.prompt_version,
    )


def vectors_to(model: str, vectors: Vectors) -> pb.EmbedResponse:
    """Write vectors of a model."""
    return pb.EmbedResponse(
        embeddings=[text_pb2.Embedding(model=model, vector=value) for value in vectors.values],
        usage=usage_to(vectors.usage),
        provider=vectors.provider,
    )


def _attempts_to(attempts: Sequence[Attempt]) -> list[pb.Attempt]:
    return [
        pb.Attempt(provider=each.provider, model=each.model, cause=each.cause) for each in attempts
    ]


def usage_to(usage: Usage | None) -> understanding_pb2.Usage:
    """Write what a model call cost; absent numbers where no model was asked."""
    if usage is None:
        return understanding_pb2.Usage()
    return understanding_pb2.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        price_micros=usage.price_micros,
        currency_code=usage.currency,
        estimated=usage.estimated,
        model=usage.model,
    )


def model_to(model: Model) -> pb.Model:
    """Write a configured model."""
    return pb.Model(
        model=model.name,
        use=_USES[model.use],
        local=model.local,
        dimensions=model.dimensions,
        provider=model.provider,
    )
