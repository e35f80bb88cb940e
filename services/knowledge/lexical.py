"""Terms for search by words: what a text is indexed under, and what a question asks for.

The database's own text parser takes no part: it knows no Chinese, splits `PPR-9087` and drops
English words that it holds to be unimportant.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from services.language import fold, words

TERM_LENGTH = 100
"""Longer terms are cut: no word is that long, and PostgreSQL takes 2,046 bytes at most."""

MOST_TERMS = 64
"""Most terms of a question that are searched for; a longer one says the same more than once."""

_HAN_RUN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]+")
_JOINER = re.compile(r"[-_.'\u2019&+#]")
_DIGIT = re.compile(r"\d")

FUNCTION_WORDS = frozenset(
    Path(__file__).with_name("function_words.txt").read_text("utf-8").split()
)
"""Words that carry the grammar of a question, not its subject. They are indexed like all others,
and searched for where a question has nothing else."""


class Kind(StrEnum):
    """What a term of a question is worth as evidence."""

    WORD = "word"
    """A content word."""
    CODE = "code"
    """A number, or a word with a digit in it: what has to be in the passage if it is anywhere."""
    FUNCTION = "function"
    """A function word of a question that has nothing else."""
    PAIR = "pair"
    """Two neighbouring Chinese characters: finds what the segmenter cut differently."""


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a question."""

    text: str
    """As it is in the index."""
    kind: Kind
    """What it is worth."""


def index_terms(texts: Iterable[str]) -> frozenset[str]:
    """Return what a passage is found under: words, parts of codes, Chinese characters and pairs.

    Args:
        texts: The passage with its title and headings.
    """
    terms: set[str] = set()
    for text in texts:
        for word in words(text):
            terms.add(_key(word))
            if _HAN_RUN.fullmatch(word) is None:
                terms.update(_key(part) for part in _JOINER.split(word) if part)
        for run in _han_runs(text):
            terms.update(run)
            terms.update(_pairs(run))
    return frozenset(terms)


def query_terms(question: str) -> tuple[Term, ...]:
    """Return what a question asks for, each term once, content words first.

    Args:
        question: The customer's words.

    Returns:
        At most `MOST_TERMS` terms; empty where the question has no letter and no digit.
    """
    kinds: dict[str, Kind] = {}
    found = words(question)
    content = [word for word in found if word not in FUNCTION_WORDS]
    for word in content:
        kinds.setdefault(_key(word), Kind.CODE if _DIGIT.search(word) else Kind.WORD)
    for word in found if not content else ():
        kinds.setdefault(_key(word), Kind.FUNCTION)
    for run in _han_runs(question):
        for pair in _pairs(run):
            kinds.setdefault(pair, Kind.PAIR)
    return tuple(Term(text, kind) for text, kind in kinds.items())[:MOST_TERMS]


def _key(word: str) -> str:
    """Bring forms of a word together: PPR-9087 and PPR9087, returns and return.

    The plural's s goes by the S-stemmer (Harman 1991, "How effective is suffixing?"): it never
    joins words of different meaning the way longer suffix lists do.
    """
    if word.isascii():
        # A hyphen between digits is a range (3-5) or a subtraction, never a spelling.
        if not _JOINER.sub("", word).isdigit():
            word = _JOINER.sub("", word)
        if word.isalpha() and len(word) > 3:
            word = _singular(word)
    return word[:TERM_LENGTH]


def _singular(word: str) -> str:
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word[:-1] if word.endswith("s") and not word.endswith(("us", "ss")) else word


def _han_runs(text: str) -> list[str]:
    return _HAN_RUN.findall(fold(text))


def _pairs(run: str) -> Iterator[str]:
    return (run[start : start + 2] for start in range(len(run) - 1))
