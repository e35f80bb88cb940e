"""Noise: brings what was typed in haste back to words that the classifier knows.

Customers write 退huo, tui kuan, 退贷, "wheresmyorder", "plz cancle", ❌📦. What the tenant's own
customers say decides: a text made of known words is left alone, and nothing is put right towards
a word that nobody uses. Every pass is linear in the text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import yaml

from services.intent.noise.homophones import Mender
from services.intent.noise.latin import LatinRepair
from services.intent.noise.pictures import Pictures
from services.intent.noise.pinyin import Reader
from services.intent.noise.spelling import Speller
from services.language import fold, segment
from services.language.script import HAN

MAX_VOCABULARY = 40_000
"""Most entries of a vocabulary; the rarest are left out first."""

_FILE = Path(__file__).with_name("noise.yaml")
_THESAURUS = Path(__file__).parents[1] / "concepts.yaml"

# Phrases up to this many words and characters tell which words stand together (到|哪|了).
_LONGEST_PHRASE = 3
_LONGEST_PHRASE_CHARACTERS = 5

_HAN_RUN = re.compile(f"[{HAN}]+")
_ENGLISH = re.compile(r"[a-z]+(?:['\u2019][a-z]+)*")

# They come with text copied from web pages; a joiner or a variation selector is part of an emoji.
_INVISIBLE = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad\ufe0e\ufe0f]")

# Signs that some put between the characters of a word, to be seen or not to be found.
_BROKEN = re.compile(rf"(?<=[{HAN}])[ .·•~*_|/\\-]{{1,3}}(?=[{HAN}])")


def vocabulary(texts: Iterable[str]) -> dict[str, int]:
    """Count what `Restorer` needs to know of a tenant's utterances.

    Args:
        texts: Utterances, folded or not.

    Returns:
        English words, Chinese words, and Chinese phrases of two or three neighbouring words,
        each with its count; at most `MAX_VOCABULARY`, in a fixed order.
    """
    counted: Counter[str] = Counter()
    for text in texts:
        run: list[str] = []
        for piece in [*segment(fold(text)), " "]:
            if _HAN_RUN.match(piece):
                run.append(piece)
                continue
            counted.update(_phrases(run))
            run = []
            if _ENGLISH.fullmatch(piece):
                counted[piece] += 1
    kept = sorted(counted.items(), key=lambda item: (-item[1], len(item[0]), item[0]))
    return dict(kept[:MAX_VOCABULARY])


def _phrases(run: Sequence[str]) -> Iterator[str]:
    for start in range(len(run)):
        phrase = ""
        for word in run[start : start + _LONGEST_PHRASE]:
            phrase += word
            if phrase == word or len(phrase) <= _LONGEST_PHRASE_CHARACTERS:
                yield phrase


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return data


@cache
def _thesaurus() -> tuple[str, ...]:
    """List the words of the thesaurus: of use to every tenant, however few its utterances."""
    concepts = yaml.safe_load(_THESAURUS.read_text(encoding="utf-8"))
    return tuple(word for words in concepts.values() for word in words)


class Restorer:
    """Repairs the utterances of one tenant's customers; immutable, safe between threads."""

    def __init__(self, words: Mapping[str, int] | Sequence[str]) -> None:
        """Build the tables, which takes some tenths of a second.

        Args:
            words: The tenant's vocabulary from `vocabulary`, with or without counts.
        """
        counts = dict(words) if isinstance(words, Mapping) else dict.fromkeys(words, 1)
        data = _data()
        terms = [word for word in _thesaurus() if word in counts]
        for phrase in (*_thesaurus(), *data["everyday"]):
            for word in phrase.split():
                counts.setdefault(word, 1)
        chinese = {word: count for word, count in counts.items() if not word.isascii()}
        english = {word: count for word, count in counts.items() if word.isascii()}
        self._words = chinese
        self._said = {each: usual for each, usual in data["said"].items() if each not in chinese}
        self._saying = re.compile("|".join(sorted(self._said, key=len, reverse=True)))
        self._pictures = Pictures(data)
        self._mender = Mender(chinese, terms, data["alike"])
        speller = Speller(english, data["short"])
        self._latin = LatinRepair(speller, Reader(chinese), data["initials"])

    def restore(self, folded: str) -> str:
        """Repair a text.

        Args:
            folded: Text from `services.language.fold`.

        Returns:
            The text in known words, folded; the same text where there was nothing to repair.
        """
        text = folded
        if not text.isascii():
            text = self._pictures.name(_INVISIBLE.sub("", text))
            text = _BROKEN.sub(self._join, text)
        text = self._latin.repair(text)
        if not text.isascii():
            text = _HAN_RUN.sub(self._mend, text)
        return folded if text == folded else " ".join(text.split())

    def _join(self, gap: re.Match[str]) -> str:
        """Close a gap between characters that make a word across it: 退 货."""
        text, at, end = gap.string, gap.start(), gap.end()
        single = not (_HAN_RUN.match(text[at - 2 : at - 1]) or _HAN_RUN.match(text, end + 1))
        return "" if single or text[at - 1] + text[end] in self._words else gap.group()

    def _mend(self, run: re.Match[str]) -> str:
        """Put the usual words for a dialect's or the net's, and right characters for slipped."""
        pieces = segment(run.group())
        if self._saying.search(run.group()):
            borders = set(accumulate(map(len, pieces), initial=0))
            said = self._saying.sub(
                lambda each: (
                    # 木有 is 没有, but not in 积木有货.
                    self._said[each.group()] if each.start() in borders else each.group()
                ),
                run.group(),
            )
            pieces = segment(said)
        return self._mender.mend(pieces)
