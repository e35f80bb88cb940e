"""What a prompt may hold: the most useful passages and rounds that fit into so many tokens.

The customer's question always fits. Rounds get a small share, the newest first; passages get the
rest, the best first, and one that is too long is cut around what the question asks.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.generation.dialogue import Passage, Question, Round
from services.generation.relevance import coverage, terms, weights
from services.generation.usage import estimate_tokens
from services.language import Span, sentences

# An answer comes from the passages; rounds only tell what "it" and "there" mean.
_HISTORY_SHARE = 0.25

# A passage that is too long leaves this much to those behind it, if they need it.
_PASSAGE_SHARE = 0.5

# Names of fields, quotes, the marker.
_FRAME_TOKENS = 20

# Less of a passage is seldom an answer; so much of the best is kept beside the longest question.
_LEAST_TOKENS = 80


def fit(question: Question, tokens: int) -> Question:
    """Return the question with what is least useful left out until its texts fit.

    Args:
        question: With its passages best first and its rounds oldest first.
        tokens: Estimated tokens that question, rounds and passages may have together.

    Returns:
        The question with the newest of its rounds and the first of its passages, the last of them
        perhaps cut; the same object where everything fits.
    """
    rounds = [_round_tokens(item) for item in question.history]
    passages = [_passage_tokens(item) for item in question.passages]
    left = tokens - estimate_tokens(question.text) - estimate_tokens(question.summary)
    if sum(rounds) + sum(passages) <= left:
        return question
    left = max(left, _LEAST_TOKENS + _FRAME_TOKENS)
    share = max(left - sum(passages), int(left * _HISTORY_SHARE))
    history = question.history[len(rounds) - _newest(rounds, share) :]
    left -= sum(rounds[len(rounds) - len(history) :])
    kept = _first(question, passages, left)
    return replace(question, history=history, passages=tuple(kept))


def newest(rounds: Sequence[Round], tokens: int) -> tuple[Round, ...]:
    """Return the last rounds that fit, or what fits of the very last.

    Args:
        rounds: Oldest first.
        tokens: Estimated tokens that they may have.
    """
    count = _newest([_round_tokens(item) for item in rounds], tokens)
    if count or not rounds:
        return tuple(rounds[len(rounds) - count :])
    # At most one token a character.
    half = max(1, tokens // 2)
    return (Round(rounds[-1].customer[:half], rounds[-1].reply[:half]),)


def _newest(rounds: list[int], tokens: int) -> int:
    """How many of the last rounds fit."""
    count = 0
    for cost in reversed(rounds):
        tokens -= cost
        if tokens < 0:
            break
        count += 1
    return count


def _first(question: Question, costs: list[int], tokens: int) -> list[Passage]:
    kept: list[Passage] = []
    for place, passage in enumerate(question.passages):
        if costs[place] > tokens:
            others = sum(costs[place + 1 :])
            allowed = max(tokens - others, int(tokens * _PASSAGE_SHARE))
            room = allowed - _FRAME_TOKENS - estimate_tokens(passage.title)
            if room < _LEAST_TOKENS and kept:
                break
            passage = cut(passage, question.text, max(room, _LEAST_TOKENS))
        kept.append(passage)
        tokens -= _passage_tokens(passage)
    return kept


def cut(passage: Passage, question: str, tokens: int) -> Passage:
    """Return the stretch of whole sentences around what is asked that fits.

    It grows from the sentence with most of the question's words to the side that has more of
    them. A sentence that is too long by itself is cut where the room ends. The stretch stands
    where it stood in the document, so that citations still point to their words.

    Args:
        passage: Longer than it may be.
        question: The customer's words.
        tokens: Estimated tokens that its text may have.
    """
    spans = sentences(passage.text) or [Span(0, len(passage.text))]
    held = [terms(span.of(passage.text)) for span in spans]
    wanted = weights(question, held)
    scores = [coverage(wanted, each) for each in held]
    first = last = scores.index(max(scores))
    while first > 0 or last < len(spans) - 1:
        sides = [(first - 1, last)] if first > 0 else []
        sides += [(first, last + 1)] if last < len(spans) - 1 else []
        # Between equals what follows: a heading's words stand before what they announce.
        sides.sort(key=lambda side: (scores[side[0] if side[0] < first else side[1]], side[1]))
        fitting = [side for side in sides if _tokens(passage, spans, *side) <= tokens]
        if not fitting:
            break
        first, last = fitting[-1]
    start, end = spans[first].start, spans[last].end
    if _tokens(passage, spans, first, last) > tokens:
        # At most one token a character.
        end = start + tokens
    return replace(passage, text=passage.text[start:end], start=passage.start + start)


def _tokens(passage: Passage, spans: list[Span], first: int, last: int) -> int:
    return estimate_tokens(passage.text[spans[first].start : spans[last].end])


def _passage_tokens(passage: Passage) -> int:
    return _FRAME_TOKENS + estimate_tokens(passage.title) + estimate_tokens(passage.text)


def _round_tokens(item: Round) -> int:
    return _FRAME_TOKENS + estimate_tokens(item.customer) + estimate_tokens(item.reply)
