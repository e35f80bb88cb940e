"""English as customers type it: slips, dropped apostrophes, joined words, chat shorthand."""

import math
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from symspellpy import SymSpell, Verbosity

# A word of four letters is one slip away from too many others (there, three): it is put right only
# towards a word that the tenant's customers use often.
_SHORTEST_MISSPELT = 4
_OFTEN = 5

# From this many letters on two slips still leave the word recognisable.
_SHORTEST_TWICE_MISSPELT = 8

# Longer runs of letters are no words; this bounds the work.
_LONGEST_WORD = 40

# Words that everybody uses (the commonest of the list) are what a slip may have been meant to be.
_COMMON = 3_000
_EVERYDAY = 400

# A word as frequent as this is English wherever it stands (women, can); the others may be pinyin
# where the words around are (dan, bang).
_EVERYWHERE = 100_000_000
_SELDOM = 0.25
_RARE = 3_000_000

# Two joined words have this many letters, and one of them this many: iwant.
_SHORTEST_JOINED = 5
_SHORTEST_CONTENT = 4
_LONGEST_PART = 16

# Letters a part on average: shorter ones can be found in anything (when on a).
_LEAST_LETTERS = 2.5

# Endings that any word may take.
_CLITIC = re.compile("(?<=[a-z])['\u2019](?:s|d|m|t|re|ve|ll)$")

_REPEATED = re.compile(r"(.)\1{2,}")


@cache
def english() -> Mapping[str, int]:
    """Load the general list of English words with their counts, once per process (50 ms).

    82,765 words: the intersection of SCOWL with Google's book n-grams, as symspellpy ships it.
    """
    package = find_spec("symspellpy")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).with_name("frequency_dictionary_en_82_765.txt")
    pairs = (line.rsplit(" ", 1) for line in path.read_text(encoding="utf-8-sig").splitlines())
    return {word: int(count) for word, count in pairs}


@cache
def _ranked() -> tuple[str, ...]:
    words = english()
    return tuple(sorted(words, key=lambda word: -words[word])[:_COMMON])


class Speller:
    """Puts English words right, towards those that a tenant's customers use."""

    def __init__(self, words: Mapping[str, int], short: Mapping[str, str]) -> None:
        """Build the index of words that may have been meant.

        Args:
            words: The tenant's English words, lower case, with counts.
            short: Shorthand and what it stands for.
        """
        self._own = words
        self._short = {each: long for each, long in short.items() if each not in words}
        # Utterances are written as customers write: a word of theirs that no list has and that
        # is rare is known, but nothing is corrected towards it.
        targets = {
            word: count for word, count in words.items() if word in english() or count >= _OFTEN
        }
        # The library measures distances in buffers of its own, one set an index.
        self._looking_up = Lock()
        self._index = SymSpell(max_dictionary_edit_distance=2)
        for word in (*targets, *_ranked()):
            if len(word) >= _SHORTEST_MISSPELT - 1:
                # What customers say weighs more than anything that they do not say.
                self._index.create_dictionary_entry(word, 1 + targets.get(word, 0) * _COMMON)
        everyday = dict.fromkeys(_ranked()[:_EVERYDAY], 1)
        self._parts = {
            word: count
            for word, count in (everyday | targets).items()
            if word.isalpha()
            and (len(word) > 1 or word in "ai")
            and (word in everyday or len(word) >= _SHORTEST_CONTENT or count >= _OFTEN)
        }
        self._total = sum(self._parts.values())

    def knows(self, word: str) -> bool:
        """Tell whether a word is one: the tenant's, common English, or no more than a letter."""
        if word in self._own or word in english() or len(word) == 1:
            return True
        bare = _CLITIC.sub("", word)
        return bare != word and self.knows(bare)

    def doubts(self, word: str) -> bool:
        """Tell whether `correct` may change a word; cheap."""
        return word in self._short or not self.knows(word)

    def weight(self, word: str) -> float:
        """Say how surely a word is English, in [0, 1]; a rare word may be pinyin as well (tui)."""
        count = english().get(word, 0)
        if word in self._own or count >= _EVERYWHERE:
            return 1.0
        return _SELDOM if count >= _RARE else 0.0

    def uses(self, word: str) -> bool:
        """Tell whether the tenant's own customers use this English word."""
        return word in self._own

    def is_english(self, word: str) -> bool:
        """Tell whether the general list of English words has it."""
        return word in english()

    def common(self, word: str) -> bool:
        """Tell a word that is English in any company from one that only a dictionary knows."""
        return word in self._own or english().get(word, 0) >= _RARE

    def correct(self, word: str) -> str:
        """Put one word right.

        Args:
            word: Lower case letters and apostrophes.

        Returns:
            What it stands for, perhaps several words; the word itself where it is known, too
            short to judge or like nothing known.
        """
        if word in self._short:
            return self._short[word]
        bare = _CLITIC.sub("", word)
        if self.knows(word) or not _SHORTEST_MISSPELT <= len(bare) <= _LONGEST_WORD:
            return word
        ending = word[len(bare) :]
        return (
            self._unrepeated(bare)
            or self._nearest(bare, 1)
            or self._parted(bare)
            or (self._nearest(bare, 2) if len(bare) >= _SHORTEST_TWICE_MISSPELT else None)
            or bare
        ) + ending

    def _unrepeated(self, word: str) -> str | None:
        """Take letters out that were held down: refuuund, pleaseee."""
        for times in (r"\1\1", r"\1"):
            shorter = _REPEATED.sub(times, word)
            if shorter != word and (self.knows(shorter) or shorter in self._short):
                return self._short.get(shorter, shorter)
        return None

    def _nearest(self, word: str, slips: int) -> str | None:
        """Find the word that is that many letters dropped, added, changed or swapped away."""
        said = _COMMON * (_OFTEN if len(word) == _SHORTEST_MISSPELT else slips - 1)
        with self._looking_up:
            found = self._index.lookup(word, Verbosity.CLOSEST, slips)
        # The first letter is rarely wrong; a word that differs there is another word.
        alike = [each for each in found if each.count > said and each.term[0] == word[0]]
        return max(alike, key=lambda each: each.count).term if alike else None

    def _parted(self, word: str) -> str | None:
        """Part words that were typed without a blank; each part must be one that is in use."""
        if len(word) < _SHORTEST_JOINED:
            return None
        best: list[tuple[float, tuple[str, ...]] | None] = [(0.0, ())]
        for end in range(1, len(word) + 1):
            ways = []
            for start in range(max(0, end - _LONGEST_PART), end):
                before, part = best[start], word[start:end]
                count = self._parts.get(part) or int(len(part) > 2 and part in self._short)
                if before is not None and count:
                    cost = before[0] + math.log(self._total / count)
                    ways.append((cost, (*before[1], self._short.get(part, part))))
            best.append(min(ways, default=None))
        last = best[-1]
        if last is None or max(map(len, last[1])) < _SHORTEST_CONTENT:
            return None
        if len(last[1]) * _LEAST_LETTERS > len(word):
            return None
        return " ".join(last[1])
