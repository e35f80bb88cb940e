"""Terms for search by words: what a text is indexed under, and what a question asks for.

The database's own text parser takes no part: it knows no Chinese, splits `PPR-9087` and drops
English words that it holds to be unimportant.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import re2

from services.language import fold, folded_words, words

TERM_LENGTH = 100
"""Longer terms are cut: no word is that long, and PostgreSQL takes 2,046 bytes at most."""

MOST_TERMS = 64
"""Most terms of a question that are searched for; a longer one says the same more than once."""

_PATTERN_BYTES = 256 * 1024 * 1024
"""What the pattern of a dictionary may take at the most: 5,000 long words take a tenth."""

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
    """A term of a question.

    Attributes:
        text: As it is in the index; of several parts as it was said.
        kind: What it is worth.
        parts: Terms of the index that a text must all have to say it; empty: `text` alone. A word
            of the company's dictionary is found by its pairs of characters, so that a new word
            needs no new index.
    """

    text: str
    kind: Kind
    parts: tuple[str, ...] = ()

    @property
    def indexed(self) -> tuple[str, ...]:
        """Terms of the index that stand for it together."""
        return self.parts or (self.text,)


class Dictionary:
    """The company's own words, folded, to be found in a question."""

    def __init__(self, own_words: Iterable[str]) -> None:
        """Take the words as their owner wrote them."""
        folded = sorted({fold(word).strip() for word in own_words} - {""}, key=len, reverse=True)
        # Letters must not go on beside a Latin word: "cat" is none of "category".
        options = re2.Options()
        options.max_mem = _PATTERN_BYTES
        self._pattern = re2.compile("|".join(map(_whole, folded)) or r"\x00", options)

    def taken_from(self, question: str) -> tuple[tuple[str, ...], str]:
        """Return the own words of a question, the longer of two that overlap, and the rest."""
        folded = fold(question)
        found = tuple(dict.fromkeys(match.group() for match in self._pattern.finditer(folded)))
        return found, self._pattern.sub(" ", folded)


def _whole(word: str) -> str:
    before = r"\b" if word[0].isascii() and word[0].isalnum() else ""
    after = r"\b" if word[-1].isascii() and word[-1].isalnum() else ""
    return f"{before}{re2.escape(word)}{after}"


def index_terms(texts: Iterable[str]) -> frozenset[str]:
    """Return what a passage is found under: words, parts of codes, Chinese characters and pairs.

    Args:
        texts: The passage with its title and headings.
    """
    terms: set[str] = set()
    for text in texts:
        folded = fold(text)
        for word in folded_words(folded):
            terms.add(_key(word))
            if not word.isalnum():
                terms.update(_key(part) for part in _JOINER.split(word) if part)
        for run in _HAN_RUN.findall(folded):
            terms.update(run)
            terms.update(_pairs(run))
    return frozenset(terms)


def query_terms(question: str, dictionary: Dictionary | None = None) -> tuple[Term, ...]:
    """Return what a question asks for, each term once, content words first.

    Args:
        question: The customer's words.
        dictionary: The company's own words, which are one term each, however they would be cut.

    Returns:
        At most `MOST_TERMS` terms; empty where the question has no letter and no digit.
    """
    kinds: dict[str, Kind] = {}
    own, rest = dictionary.taken_from(question) if dictionary else ((), question)
    parts: dict[str, tuple[str, ...]] = {}
    for word in own:
        kinds[word], parts[word] = Kind.WORD, _parts(word)
    found = words(rest)
    content = [word for word in found if word not in FUNCTION_WORDS]
    for word in content:
        kinds.setdefault(_key(word), Kind.CODE if _DIGIT.search(word) else Kind.WORD)
    for word in found if not content and not own else ():
        kinds.setdefault(_key(word), Kind.FUNCTION)
    for run in _han_runs(question):
        for pair in _pairs(run):
            kinds.setdefault(pair, Kind.PAIR)
    terms = (Term(text, kind, parts.get(text, ())) for text, kind in kinds.items())
    return tuple(terms)[:MOST_TERMS]


def _parts(word: str) -> tuple[str, ...]:
    """Return the terms of the index under which a text with this folded word stands."""
    found = [pair for run in _han_runs(word) for pair in (_pairs(run) if run[1:] else run)]
    latin = _HAN_RUN.sub(" ", word)
    return tuple(dict.fromkeys([*found, *map(_key, words(latin))]))


@lru_cache(maxsize=100_000)
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
    return map(str.__add__, run, run[1:])
