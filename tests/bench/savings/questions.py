"""The customers' questions of this bench, and the stream in which they are asked."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

FILE = Path(__file__).parent / "questions.tsv"
"""The questions; its first lines say how it is written."""

REQUESTS = 2000
"""Questions of a stream."""

SEED = 20_261_130
"""Of the stream, so that every run asks the same in the same order."""

_ORDER = "{order}"
_FIRST_ORDER = 20_260_001
_ORDERS = 400


@dataclass(frozen=True, slots=True)
class Topic:
    """An answer, and how customers ask for it.

    Attributes:
        id: of the answer.
        fact: words that stand in it.
        wordings: of the question, the usual one first.
        language: `zh` or `en`.
    """

    id: str
    fact: str
    wordings: tuple[str, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as one customer asks it.

    Attributes:
        text: the words.
        answer: id of the answer that she must get; with the order's number where one is named.
        fact: words that stand in it.
        language: `zh` or `en`.
    """

    text: str
    answer: str
    fact: str
    language: str


def load(path: Path = FILE) -> list[Topic]:
    """Read the questions."""
    topics = []
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            name, fact, wordings = line.split("\t")
            topics.append(Topic(name, fact, tuple(wordings.split(" | ")), name[-2:]))
    return topics


def stream(topics: Sequence[Topic], requests: int = REQUESTS, seed: int = SEED) -> list[Asked]:
    """Return what customers ask, one after the other.

    Answers are wanted as often as Zipf's law says, the n-th of them 1/n times as often as the
    first, in an order of their own. Of an answer's wordings the first is the most usual, by the
    same law. Whoever asks about an order has one of many.
    """
    chance = random.Random(seed)
    ranked = chance.sample(list(topics), len(topics))
    weights = list(accumulate(1 / rank for rank in range(1, len(ranked) + 1)))
    return [
        _asked(chance, topic) for topic in chance.choices(ranked, cum_weights=weights, k=requests)
    ]


def _asked(chance: random.Random, topic: Topic) -> Asked:
    usual = [1 / rank for rank in range(1, len(topic.wordings) + 1)]
    (text,) = chance.choices(topic.wordings, usual)
    answer = topic.id
    if _ORDER in text:
        order = f"SO{_FIRST_ORDER + chance.randrange(_ORDERS)}"
        text, answer = text.replace(_ORDER, order), f"{answer}/{order}"
    return Asked(text, answer, topic.fact, topic.language)
