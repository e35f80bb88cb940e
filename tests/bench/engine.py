"""The embedding engine alone: CPU of a question, and how many passages all cores make."""

import itertools
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from services.encoder import conversion
from services.encoder.encoder import MOST_TOKENS, Encoder
from services.encoder.tokenizer import Tokenizer
from tests.bench.plan import Plan
from tests.bench.stats import percentile
from tests.bench.workloads import QUESTIONS_EN, QUESTIONS_ZH

QUESTION_TOKENS = 10
"""Tokens of a usual question, begin and end included."""

PASSAGE_TOKENS = 60
"""Tokens of a usual passage."""

QUESTIONS = 200
PASSAGES = 120
"""How many texts are embedded of either kind."""

_WARM = 10


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """What a vector takes.

    Attributes:
        question_tokens: tokens of each question.
        question_cpu_p50_ms, question_cpu_p99_ms: CPU of one vector, one at a time.
        passage_tokens: tokens of each passage.
        passage_cpu_p50_ms: CPU of one vector.
        threads: passages that are computed at once.
        passages_per_second: of all threads together.
    """

    question_tokens: int
    question_cpu_p50_ms: float
    question_cpu_p99_ms: float
    passage_tokens: int
    passage_cpu_p50_ms: float
    threads: int
    passages_per_second: float


def measure(plan: Plan, cores: int) -> EngineFigures:
    """Measure questions one at a time, and passages on every core; a few seconds.

    Args:
        plan: a trial embeds a tenth.
        cores: threads for the passages.
    """
    encoder = Encoder.load(conversion.DIRECTORY)
    tokenizer = Tokenizer.load(conversion.ensure(conversion.DIRECTORY) / "vocabulary.json")
    share = 1.0 if plan.repeats > 1 else 0.1
    questions = texts_of(tokenizer, QUESTION_TOKENS, round(QUESTIONS * share))
    passages = texts_of(tokenizer, PASSAGE_TOKENS, round(PASSAGES * share))
    for text in questions[:_WARM]:
        encoder.encode(text, query=True)
    asked = [_cpu_ms(encoder, text, query=True) for text in questions]
    with ThreadPoolExecutor(cores) as threads:
        began = time.perf_counter()
        found = list(threads.map(lambda text: _cpu_ms(encoder, text, query=False), passages))
        seconds = time.perf_counter() - began
    return EngineFigures(
        question_tokens=QUESTION_TOKENS,
        question_cpu_p50_ms=percentile(asked, 0.5),
        question_cpu_p99_ms=percentile(asked, 0.99),
        passage_tokens=PASSAGE_TOKENS,
        passage_cpu_p50_ms=percentile(found, 0.5),
        threads=cores,
        passages_per_second=len(passages) / seconds,
    )


def texts_of(tokenizer: Tokenizer, tokens: int, count: int) -> Sequence[str]:
    """So many texts of just so many tokens in both languages, no two of them the same."""
    found: list[str] = []
    for words in _words():
        text = words[0]
        for further in words[1:]:
            longer = text + further
            if len(tokenizer.tokens(longer, MOST_TOKENS)) > tokens:
                break
            text = longer
        if len(tokenizer.tokens(text, MOST_TOKENS)) == tokens:
            found.append(text)
        if len(found) == count:
            return found
    raise AssertionError("the words never end")


def _words() -> Iterator[list[str]]:
    """Pieces of endless texts: questions of the bench, one behind the other from another start."""
    chinese = list("".join(QUESTIONS_ZH) * 3)
    english = [f"{word} " for word in " ".join(QUESTIONS_EN * 3).split()]
    for number in itertools.count():
        for pieces in (chinese, english):
            start = number % (len(pieces) // 3)
            yield [f"{number} ", *pieces[start:]]


def _cpu_ms(encoder: Encoder, text: str, *, query: bool) -> float:
    """CPU of the calling thread, in which the engine computes."""
    began = time.thread_time()
    encoder.encode(text, query=query)
    return (time.thread_time() - began) * 1000
