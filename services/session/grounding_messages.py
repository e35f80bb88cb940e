"""How far a reply is supported: from the gateway's message into the dialogue's words, and back."""

from kefu.type.v1 import text_pb2, understanding_pb2

from services.session.grounding import Grounding, SentenceSupport, Support

_VERDICTS = {
    number: Support(name.removeprefix("VERDICT_").lower())
    for name, number in understanding_pb2.Grounding.Verdict.items()
    if number
}
_SUPPORTS = {
    number: Support(name.removeprefix("SUPPORT_").lower())
    for name, number in understanding_pb2.SentenceSupport.Support.items()
    if number
}
_VERDICT_NUMBERS = {each: number for number, each in _VERDICTS.items()}
_SUPPORT_NUMBERS = {each: number for number, each in _SUPPORTS.items()}


def grounding(found: understanding_pb2.Grounding) -> Grounding:
    """A grounding; what a newer release says of a sentence or the whole is taken for weak."""
    sentences = tuple(
        SentenceSupport(
            each.answer_span.start, each.answer_span.end,
            _SUPPORTS.get(each.support, Support.WEAK), each.overlap,
        )
        for each in found.sentences
    )  # fmt: skip
    verdict = _VERDICTS.get(found.verdict, Support.WEAK)
    return Grounding(verdict, sentences, found.withheld_reason)


def grounding_to_proto(found: Grounding) -> understanding_pb2.Grounding:
    """A grounding as callers see it."""
    return understanding_pb2.Grounding(
        verdict=_VERDICT_NUMBERS[found.verdict],
        sentences=[
            understanding_pb2.SentenceSupport(
                answer_span=text_pb2.TextSpan(start=each.start, end=each.end),
                support=_SUPPORT_NUMBERS[each.support],
                overlap=each.overlap,
            )
            for each in found.sentences
        ],
        withheld_reason=found.withheld,
    )
