"""How much two texts say the same, judged by their content words; Chinese and English alike."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from services.language import Span, sentences, words

SNIPPET_LIMIT = 500
"""Longest stretch of a passage that is cited, in code points; the contract's limit."""


def word_list(name: str) -> frozenset[str]:
    """Read a word list of this package: folded words between blanks, lines with # are comments."""
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


_STOPWORDS = word_list("stopwords.txt")

COURTESY = word_list("courtesy.txt")
"""Words that a sentence without any claim is made of."""
_SUFFIX = re.compile(r"(?:ies|ing|ed|es|s|e|y)$")
_CODE = re.compile(r"\d")

# A number, an order or a product code that both texts hold says more than a common word.
_CODE_WEIGHT = 2.0

# Such a term is as often a word of the customer's own as a sign that nothing is known.
_ABSENT = 0.7


def terms(text: str) -> frozenset[str]:
    """Return the content words of a text in a form that survives inflection and segmentation.

    English words lose their ending. Chinese words also count as the pairs of their characters,
    across neighbouring words too, since the dictionary cuts the same phrase differently in
    another text: 开|发票 and 开发|票.
    """
    found, pairs = _content(text)
    return found | pairs


def content_words(text: str) -> frozenset[str]:
    """Return the content words of a text alone, English ones without their ending."""
    return _content(text)[0]


@lru_cache(maxsize=4096)
def _content(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the content words, and the pairs of characters of neighbouring Chinese ones.

    Cached, since a sentence is compared with several, and passages come again and again.
    """
    found: set[str] = set()
    runs = [""]
    for word in words(text):
        if word in _STOPWORDS:
            runs.append("")
        elif word.isascii():
            runs.append("")
            found.add(stem(word))
        else:
            runs[-1] += word
            found.add(word)
    pairs = {run[start : start + 2] for run in runs for start in range(len(run) - 1)}
    return frozenset(found), frozenset(pairs - _STOPWORDS)


_IRREGULAR = {
    "paid": "pay", "sent": "send", "bought": "buy", "kept": "keep", "given": "give", "gave": "give",
    "taken": "take", "took": "take", "left": "leave", "lost": "lose", "held": "hold",
    "sold": "sell", "chosen": "choose", "chose": "choose", "broken": "break", "written": "write",
    "worn": "wear", "driven": "drive", "began": "begin", "begun": "begin", "brought": "bring",
    "went": "go", "gone": "go", "came": "come", "spent": "spend", "won": "win", "meant": "mean",
    "used": "use", "uses": "use",
}  # fmt: skip


def stem(word: str) -> str:
    """Return an English word without its ending, so that its forms are one."""
    word = _IRREGULAR.get(word, word)
    if _CODE.search(word) or len(word) < 4:
        return word
    short = _SUFFIX.sub("", word.removesuffix("'s"))
    return short if len(short) > 2 else word


def weights(
    question: str, texts: Iterable[frozenset[str]], absent: float = _ABSENT
) -> dict[str, float]:
    """Weigh the question's terms: what few of the texts hold tells them apart.

    Args:
        question: The text whose terms are weighed.
        texts: Terms of the texts that it is compared with.
        absent: Weight of a word that none of the texts holds.

    Returns:
        For each term a weight: nearly 1 where one of many texts holds it, 0.5 where all do,
        `absent` where none does; a number or code weighs twice as much. Pairs of characters that
        no text holds are left out: they may be no word at all.
    """
    listed = list(texts)
    own, pairs = _content(question)
    found: dict[str, float] = {}
    for term in own | pairs:
        holding = sum(term in text for text in listed)
        if holding or term in own:
            weight = 1 - holding / len(listed) / 2 if holding else absent
            found[term] = weight * (_CODE_WEIGHT if _CODE.search(term) else 1.0)
    return found


def coverage(wanted: Mapping[str, float], held: frozenset[str]) -> float:
    """Return the weighted share of the wanted terms that a text holds, in [0, 1]."""
    total = sum(wanted.values())
    shared = sum([weight for term, weight in wanted.items() if term in held])
    return shared / total if total else 0.0


def supporting_span(passage: str, claim: str) -> Span:
    """Find the sentence of a passage that a claim was taken from.

    Args:
        passage: The text that is cited.
        claim: The part of the answer that it supports, in any language.

    Returns:
        The sentence with the most words of the claim; the passage's beginning where no sentence
        holds any, as when the languages differ. At most `SNIPPET_LIMIT` code points.
    """
    wanted = terms(claim)
    best, most = Span(0, len(passage)), 0
    for span, held in _sentences(passage):
        shared = len(wanted & held)
        if shared > most:
            best, most = span, shared
    return Span(best.start, min(best.end, best.start + SNIPPET_LIMIT))


@lru_cache(maxsize=128)
def _sentences(passage: str) -> tuple[tuple[Span, frozenset[str]], ...]:
    """Return the sentences of a passage and their terms. Passages come again and again."""
    return tuple((span, terms(span.of(passage))) for span in sentences(passage))


def courteous(term: str) -> bool:
    """Whether a content word, or its stem, belongs to courtesy."""
    return term in COURTESY or term in _COURTEOUS_STEMS


_COURTEOUS_STEMS = frozenset(map(stem, COURTESY))
