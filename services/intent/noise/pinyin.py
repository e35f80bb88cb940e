"""Sounds of Chinese words, and Chinese words read out of Latin letters (tuihuo, 退huo)."""

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import product

import re2

# Its 47,000 phrases tell polyphones apart at the price of 43 MB a process; `_POLYPHONES` will do.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")

from pypinyin import Style, pinyin

# Every character in daily use fits; the cache must not grow for ever.
_REMEMBERED_CHARACTERS = 20_000

# Words in which a character is not read as it mostly is.
_POLYPHONES = {
    word: tuple(syllables.split())
    for word, syllables in {
        "不了": "bu liao", "便宜": "pian yi", "曝光": "bao guang", "泄露": "xie lou",
        "西藏": "xi zang", "还款": "huan kuan", "还钱": "huan qian", "还给": "huan gei",
        "退还": "tui huan", "归还": "gui huan", "重复": "chong fu", "重新": "chong xin",
        "重置": "chong zhi", "重开": "chong kai", "重发": "chong fa", "银行": "yin hang",
        "音乐": "yin yue", "首都": "shou du", "调换": "diao huan", "调货": "diao huo",
        "着急": "zhao ji", "为何": "wei he", "增长": "zeng zhang", "会长": "hui zhang",
    }.items()
}  # fmt: skip

# Words up to this length may be half typed (退huo, 优惠quan); phrases are typed in one way.
_LONGEST_MIXED = 3

# A word of one character stands for many others of its sound; two together say what is meant.
_LEAST_MEANT = 0.5

# What southern speakers and hasty typists confuse: zh and z, ch and c, sh and s, -ng and -n.
_RETROFLEX = re.compile("(?<=[zcs])h")
_NASAL = re.compile("(?<=[aeiou]n)g")


@lru_cache(_REMEMBERED_CHARACTERS)
def reading(character: str) -> str:
    """Return the commonest reading of a character, without its tone.

    Args:
        character: One Chinese character.

    Returns:
        Such as `hai` for 还; the character itself where it has no reading.
    """
    [found] = pinyin(character, style=Style.NORMAL)
    return str(found[0])


def syllables(word: str) -> tuple[str, ...]:
    """Return the syllables of a word, without tones.

    Args:
        word: Chinese characters.

    Returns:
        One for each character, such as `("tui", "huan")` for 退还.
    """
    spoken = [*map(reading, word)]
    for part, special in _POLYPHONES.items():
        at = word.find(part)
        if at >= 0:
            spoken[at : at + len(part)] = special
    return tuple(spoken)


def sound(spoken: Iterable[str]) -> str:
    """Bring syllables into a form for comparing what was heard or typed.

    Args:
        spoken: Syllables without tones.

    Returns:
        The syllables separated by blanks, without the differences that many speakers do not
        make: `z` for `zh`, `n` for `ng` and so on.
    """
    return _NASAL.sub("", _RETROFLEX.sub("", " ".join(spoken)))


class Reader:
    """Reads pinyin as the words that a tenant's customers use."""

    def __init__(self, words: Mapping[str, int]) -> None:
        """Build the table of readings.

        Args:
            words: Chinese words and phrases with their counts.
        """
        total = sum(words.values()) or 1
        self._exact: dict[str, tuple[str, float]] = {}
        self._soft: dict[str, tuple[str, float]] = {}
        heard: set[str] = set()
        for word, count in words.items():
            cost = math.log(total / count)
            spoken = syllables(word)
            heard.update(spoken)
            for spelling in _spellings(word, spoken):
                _keep(self._exact, "".join(spelling), word, cost)
                _keep(self._soft, sound(spelling).replace(" ", ""), word, cost)
        heard |= {_softened(each) for each in heard}
        letters = sorted(filter(str.isascii, heard), key=len, reverse=True)
        # RE2 knows no backtracking: a long run of letters costs no more than its length.
        self._syllables = re2.compile(f"(?:{'|'.join(letters)})+")
        self._longest = max(map(len, self._exact), default=0)

    def read(self, typed: str) -> str | None:
        """Read letters, among them perhaps Chinese characters, as Chinese words.

        Args:
            typed: Lower case letters and Chinese characters, without blanks.

        Returns:
            The likeliest characters; None where the letters cannot be read, or where most of
            them could only be read one character at a time, which says nothing.
        """
        return self._search(typed, self._exact, _LEAST_MEANT) or self._search(
            _softened(typed), self._soft, _LEAST_MEANT
        )

    def can_read(self, typed: str) -> bool:
        """Tell whether letters are syllables of words that are known, whatever they mean."""
        return self._syllables.fullmatch(typed) is not None

    def complete(self, left: str, typed: str, right: str) -> str | None:
        """Read letters as the part of a Chinese word whose other part stands beside them.

        Args:
            left: The Chinese characters before the letters, perhaps none.
            typed: The letters.
            right: The Chinese characters behind them, perhaps none.

        Returns:
            The characters in place of the letters; None where no such word is known.
        """
        for size in (2, 1):
            for before, after in ((left[-size:], ""), ("", right[:size])):
                if len(before + after) == size and before + typed + after in self._exact:
                    word, _ = self._exact[before + typed + after]
                    return word[len(before) : len(word) - len(after)]
        return None

    def _search(
        self, typed: str, table: Mapping[str, tuple[str, float]], least: float
    ) -> str | None:
        """Find the cheapest way through the letters (Viterbi over words)."""
        # For each position: cost so far, where the last word began, the word, letters meant.
        best: list[tuple[float, int, str, int] | None] = [(0.0, 0, "", 0)]
        for end in range(1, len(typed) + 1):
            ways: list[tuple[float, int, str, int]] = []
            for start in range(max(0, end - self._longest), end):
                before = best[start]
                piece = typed[start:end]
                if before is None:
                    continue
                if not piece.isascii() and len(piece) == 1:
                    ways.append((before[0], start, piece, before[3]))
                elif piece in table:
                    word, cost = table[piece]
                    meant = before[3] + (_letters(piece) if len(word) > 1 else 0)
                    ways.append((before[0] + cost, start, word, meant))
            best.append(min(ways, default=None))
        last = best[-1]
        if last is None or last[3] < least * _letters(typed):
            return None
        return _walk_back(best)


def _spellings(word: str, spoken: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """List the ways to type a word: in letters, short ones also partly in characters."""
    yield spoken
    if 1 < len(word) <= _LONGEST_MIXED:
        for way in product(*zip(spoken, word, strict=True)):
            if way != spoken and "".join(way) != word:
                yield way


def _keep(table: dict[str, tuple[str, float]], key: str, word: str, cost: float) -> None:
    if key not in table or cost < table[key][1]:
        table[key] = (word, cost)


def _letters(piece: str) -> int:
    return sum(1 for each in piece if each.isascii())


def _softened(typed: str) -> str:
    """Soften letters whose syllables are not told apart: -ng only where no vowel follows."""
    return re.sub("(?<=[aeiou]n)g(?![aeiou])", "", _RETROFLEX.sub("", typed))


def _walk_back(best: list[tuple[float, int, str, int] | None]) -> str:
    words: list[str] = []
    at = len(best) - 1
    while at > 0:
        step = best[at]
        if step is None:
            break
        words.append(step[2])
        at = step[1]
    return "".join(reversed(words))
