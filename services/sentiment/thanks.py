"""Whether a thank-you is meant, or is a form of words behind a request or a complaint."""

import re

from services.sentiment.lexicon import Cue, Hit

# Something is asked or asked for, so that thanks are a form of words. What a thank-you that comes
# first thanks for may well be a help, a check or a change; behind a message about orders and
# numbers it means "please".
_ASKING = (
    r"[?？请想要吗呢求哪]|麻烦|如何|怎么|什么|可否|能否|多少"
    r"|\b(?:please|pls|plz|can|could|would|how|what|where|when|which|need|want|in advance|i'd|"
    r"is there|do you|let me know|look forward|looking)\b"
)
_QUESTION = re.compile(_ASKING, re.IGNORECASE)
_REQUEST = re.compile(
    _ASKING + r"|[帮查几退换改\d]|取消|\b(?:help|cancel|change|check|send|track|order)\b",
    re.IGNORECASE,
)
_THANKS_FIRST = re.compile(
    r"\W{0,9}(?:好的?|嗯+|哦+|行|可以|ok|okay|great|hi|hello|你好|您好)?\W{0,9}"
    r"(?:thank|thx|thnx|tks|ty\b|many thanks|cheers|谢|謝|感谢|感謝|多谢|多謝|非常感)",
    re.IGNORECASE,
)


def sincere(text: str, hits: list[Hit]) -> bool:
    """Tell thanks that count as praise from thanks that do not.

    Args:
        text: The whole text.
        hits: All its evidence, thanks included.

    Returns:
        True beside other praise, or where nothing is asked for; false beside any blame.
    """
    others = [hit.valence for hit in hits if Cue.COURTESY not in hit.cues and hit.valence]
    if others:
        return min(others) > 0
    asking = _QUESTION if _THANKS_FIRST.match(text) else _REQUEST
    return not asking.search(text)
