"""Words of customer service that mean the same, across synonyms and both languages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml

_FILE = Path(__file__).parents[1] / "concepts.yaml"

# Longer Chinese words and English phrases than these are not in the file.
_LONGEST_HAN = 6
_LONGEST_PHRASE = 5

# Shorter words are too often one slip away from another word (there, three).
_SHORTEST_MISSPELT = 5

_SUFFIXES = ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "y", "e")


def stem(word: str) -> str:
    """Cut the commonest endings of an English word, so that its forms compare equal.

    Args:
        word: Lower case, such as `deliveries`.

    Returns:
        The rest, such as `deliver`; at least three letters of it. Not always a word.
    """
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word.removesuffix(suffix)
    return word


class Concepts:
    """A thesaurus that finds its concepts in the words of an utterance."""

    def __init__(self, definitions: Mapping[str, Sequence[str]]) -> None:
        """Build the look-up tables.

        Args:
            definitions: For each concept the words that mean it, folded; Chinese ones are found
                anywhere in a run of characters, English ones as whole words in order.
        """
        self._han: dict[str, set[str]] = {}
        self._phrases: dict[tuple[str, ...], set[str]] = {}
        self._misspelt: dict[str, set[str]] = {}
        for concept, words in definitions.items():
            for word in words:
                if word.isascii():
                    self._add_phrase(tuple(map(stem, word.split())), concept)
                else:
                    self._han.setdefault(word, set()).add(concept)

    def find(self, runs: Iterable[str], words: Sequence[str]) -> set[str]:
        """Find the concepts of an utterance.

        Args:
            runs: Its runs of Chinese characters, simplified.
            words: Its English words in order, lower case.

        Returns:
            The concepts that it mentions, however often.
        """
        found: set[str] = set()
        for run in runs:
            for start in range(len(run)):
                for end in range(start + 1, min(start + _LONGEST_HAN, len(run)) + 1):
                    found |= self._han.get(run[start:end], set())
        stems = [stem(word) for word in words]
        for start in range(len(stems)):
            for end in range(start + 1, min(start + _LONGEST_PHRASE, len(stems)) + 1):
                found |= self._phrases.get(tuple(stems[start:end]), set())
        for word in stems:
            if len(word) >= _SHORTEST_MISSPELT and (word,) not in self._phrases:
                for variant in _shortened(word):
                    found |= self._misspelt.get(variant, set())
        return found

    def _add_phrase(self, stems: tuple[str, ...], concept: str) -> None:
        self._phrases.setdefault(stems, set()).add(concept)
        if len(stems) == 1 and len(stems[0]) >= _SHORTEST_MISSPELT:
            for variant in _shortened(stems[0]):
                self._misspelt.setdefault(variant, set()).add(concept)


def _shortened(word: str) -> Iterator[str]:
    """List the word and all that is left of it without one letter.

    Two words that share an entry are at most one letter dropped, added, changed or swapped with
    its neighbour apart (symmetric delete, W. Garbe). The first letter is kept: it is rarely wrong.
    """
    yield word
    for at in range(1, len(word)):
        yield word[:at] + word[at + 1 :]


@cache
def base_concepts() -> Concepts:
    """Load the thesaurus that ships with the service, once per process."""
    return Concepts(yaml.safe_load(_FILE.read_text(encoding="utf-8")))
