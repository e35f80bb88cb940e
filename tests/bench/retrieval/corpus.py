"""Passages, vectors and questions that are made up, the same ones each time.

Half are Chinese, half English. Words follow Zipf's law, as words do: a few are everywhere, most are
rare. Each passage is about a topic: it has the topic's words, and a vector near the topic's. All
vectors share a direction, so that cosines lie between 0.7 and 0.95, as those of the real model do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from services.knowledge.document import ParsedDocument, Passage
from services.language import Language, Span

PASSAGES_PER_DOCUMENT = 200
"""A manual of fifty pages."""

PASSAGES_PER_TOPIC = 100
"""Passages that say something about the same thing."""

DIMENSIONS = 384

_VOCABULARY = 50_000
_ZIPF = 1.07
_TOPIC_WORDS = 12
_HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 2500)]
_SYLLABLES = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er")]
_COMMON, _TOPICAL, _OWN = 1.5, 0.75, 0.6
"""How much of a vector is everybody's, its topic's, its own."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Query:
    """A question with its vector."""

    text: str
    vector: Floats


class Corpus:
    """Passages by number, each made when it is asked for."""

    def __init__(self, size: int, seed: int = 7) -> None:
        """Plan so many passages."""
        self.size = size
        self.documents = -(-size // PASSAGES_PER_DOCUMENT)
        self.topics = max(size // PASSAGES_PER_TOPIC, 1)
        self._seed = seed
        generator = np.random.default_rng(seed)
        self._common = _unit(generator, 1)[0]
        ranks = np.arange(1, _VOCABULARY + 1, dtype=np.float64) ** -_ZIPF
        self._frequencies = np.cumsum(ranks / ranks.sum())

    def document(self, number: int) -> ParsedDocument:
        """Return a document with its passages."""
        language = (Language.ZH, Language.EN)[number % 2]
        count = min(PASSAGES_PER_DOCUMENT, self.size - number * PASSAGES_PER_DOCUMENT)
        generator = np.random.default_rng((self._seed, 1, number))
        texts = [self._text(generator, language, number, place) for place in range(count)]
        passages, start = [], 0
        for text in texts:
            passages.append(Passage((), text, Span(start, start + len(text)), language))
            start += len(text) + 2
        content = "\n\n".join(texts)
        path = f"{number:06}.md"
        return ParsedDocument(path, path, content, language, f"{number:064x}", tuple(passages))

    def vectors(self, number: int) -> Floats:
        """Return the vectors of a document's passages, float32, shape (n, 384), unit rows."""
        count = min(PASSAGES_PER_DOCUMENT, self.size - number * PASSAGES_PER_DOCUMENT)
        topics = [self._topic(number, place) for place in range(count)]
        return self._near(np.random.default_rng((self._seed, 2, number)), topics)

    def queries(self, count: int) -> Iterator[Query]:
        """Make questions about topics of the corpus, half of them Chinese."""
        for number in range(count):
            generator = np.random.default_rng((self._seed, 3, number))
            topic = int(generator.integers(self.topics))
            language = (Language.ZH, Language.EN)[number % 2]
            own = _topic_words(self._seed, topic, language)
            words = [own[place] for place in generator.integers(len(own), size=4)]
            words += self._words(generator, language, 4)
            text = "".join(words) if language is Language.ZH else " ".join(words)
            yield Query(text, self._near(generator, [topic])[0])

    def _text(
        self, generator: np.random.Generator, language: Language, number: int, place: int
    ) -> str:
        words = self._words(generator, language, 28)
        own = _topic_words(self._seed, self._topic(number, place), language)
        words += [own[place] for place in generator.integers(len(own), size=6)]
        order = generator.permutation(len(words))
        joiner = "" if language is Language.ZH else " "
        return joiner.join(words[index] for index in order) + ("。" if not joiner else ".")

    def _topic(self, number: int, place: int) -> int:
        # Passages about one thing stand in several documents.
        return (number * 13 + place // 4) % self.topics

    def _words(self, generator: np.random.Generator, language: Language, count: int) -> list[str]:
        ranks = np.searchsorted(self._frequencies, generator.random(count))
        return [_word(int(rank), language) for rank in ranks]

    def _near(self, generator: np.random.Generator, topics: list[int]) -> Floats:
        centres = np.stack(
            [_unit(np.random.default_rng((self._seed, 5, topic)), 1)[0] for topic in topics]
        )
        made = _COMMON * self._common + _TOPICAL * centres + _OWN * _unit(generator, len(topics))
        return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def _unit(generator: np.random.Generator, count: int) -> Floats:
    made = generator.standard_normal((count, DIMENSIONS), dtype=np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


@lru_cache(maxsize=10_000)
def _topic_words(seed: int, topic: int, language: Language) -> tuple[str, ...]:
    generator = np.random.default_rng((seed, 4, topic))
    ranks = generator.integers(500, _VOCABULARY, _TOPIC_WORDS)
    return tuple(_word(int(rank), language) for rank in ranks)


@cache
def _word(rank: int, language: Language) -> str:
    """Return the word of a rank: two characters, or two or three syllables."""
    if language is Language.ZH:
        return _HAN[rank % len(_HAN)] + _HAN[(rank // len(_HAN) * 97 + rank * 31) % len(_HAN)]
    syllables, count = [], 2 + rank % 2
    for _ in range(count):
        syllables.append(_SYLLABLES[rank % len(_SYLLABLES)])
        rank = rank // len(_SYLLABLES) + rank * 7 % 11
    return "".join(syllables)
