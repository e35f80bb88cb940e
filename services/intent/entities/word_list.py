"""Lists of what customers may say: the products of a company, found also where they are misspelt.

A list may have thousands of names, so nothing here looks at every name. Exactly written names are
looked up in a table. A name with at most k slips holds one of its k + 1 parts untouched
(pigeonhole principle), so only names of which a part stands in the text are compared with it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from rapidfuzz.distance import OSA

from services.intent.alignment import fold_character
from services.intent.noise.pinyin import reading
from services.intent.patterns import Found, PatternRejected, begins_alone
from services.language import segment

MAX_WORDS = 20_000
"""Most words of one list; five thousand values with four words each."""

MAX_WORD_LENGTH = 200
"""Longest word of a list in code points, as in the contract."""

MAX_COMPARED = 2_000
"""Most comparisons of names with a place in one text. An ordinary message needs a few dozen; a
text made of nothing but a word that half the list shares must not keep the process busy."""

# Between the letters of a name these come and go: T-shirt, T shirt, tshirt.
_IGNORED = frozenset(" -_'’·")

# How much is left to know a name by: a Chinese character says as much as one and a half to two
# Latin letters. Three of them, or six letters, bear one slip, eight or twelve bear two.
_ONE_SLIP, _HAN_FOR_ONE = 6, 2.0
_TWO_SLIPS, _HAN_FOR_TWO = 12, 1.5

# With this weight (four Chinese characters) a character may be too many or missing, with this one
# (six) a wrong one need not sound like the right one.
_MAY_MISS = 6
_MAY_DIFFER = 9

# A longer name with a slip goes before a shorter one without where it covers more than this.
_SLIP_COST = 3

_HAN_DIGITS = frozenset("零一二两三四五六七八九十")

# Names as short as this stand inside too many words (锅 in 火锅), so the words decide.
_SHORT_HAN = 2


class _Name(NamedTuple):
    """One way to say a value."""

    text: str
    """Folded, without ignored characters."""
    value: str
    """What it means."""
    slips: int
    """Most slips with which it still counts."""


class _Squeezed(NamedTuple):
    """A text without ignored characters, and the way back."""

    text: str
    origins: list[int]
    """Offset of each character in the folded text."""
    opens: list[bool]
    """Whether a word may begin with the character."""
    closes: list[bool]
    """Whether a word may end with it."""


class _Match(NamedTuple):
    """A name at a place of the squeezed text."""

    start: int
    end: int
    slips: int
    value: str

    @property
    def worth(self) -> int:
        return self.end - self.start - _SLIP_COST * self.slips


class WordList:
    """Finds the words of a list in folded texts; immutable, safe to share between threads."""

    def __init__(self, values: Iterable[tuple[str, tuple[str, ...]]], fuzzy: bool = False) -> None:
        """Build the tables.

        Args:
            values: For each value the words that mean it.
            fuzzy: Whether blanks, hyphens and a slip or two in a longer word do not matter.

        Raises:
            PatternRejected: A word is too long or says nothing, or there are too many.
        """
        self._fuzzy = fuzzy
        self._meaning: dict[str, str] = {}
        for value, words in values:
            for word in words:
                if len(word) > MAX_WORD_LENGTH:
                    raise PatternRejected(f"has a word longer than {MAX_WORD_LENGTH} characters")
                folded = self._kept("".join(map(fold_character, word)).strip())
                if not folded:
                    raise PatternRejected(f"has the word {word!r}, of which nothing is left")
                self._meaning.setdefault(folded, value)
        if not 0 < len(self._meaning) <= MAX_WORDS:
            raise PatternRejected(f"has no words or more than {MAX_WORDS}")
        self._lengths: dict[str, list[int]] = defaultdict(list)
        for word in sorted(self._meaning, key=len, reverse=True):
            lengths = self._lengths[word[:2]]
            if len(word) not in lengths:
                lengths.append(len(word))
        self._parts: dict[str, list[tuple[_Name, int]]] = defaultdict(list)
        if fuzzy:
            for word, value in self._meaning.items():
                self._index(_Name(word, value, _slips(word)))
        self._part_lengths = sorted({len(part) for part in self._parts})

    def find(self, folded: str) -> Iterator[Found]:
        """Find the words of the list, disjoint, left to right.

        Args:
            folded: Text from `alignment.align`.

        Yields:
            With the list's own value, however it was written. Where two values are equally near
            to what was written it is neither.
        """
        squeezed = self._squeeze(folded)
        matches = list(self._exact(squeezed))
        if self._fuzzy:
            matches = [each for each in matches if self._is_word(squeezed.text, each)]
            matches += self._misspelt(squeezed)
        for match in _best(matches):
            if match.value:
                end = squeezed.origins[match.end - 1] + 1
                yield Found(squeezed.origins[match.start], end, match.value)

    def _kept(self, folded: str) -> str:
        """Drop what comes and goes; a strict list drops nothing."""
        return "".join([each for each in folded if not self._fuzzy or each not in _IGNORED])

    def _squeeze(self, folded: str) -> _Squeezed:
        origins = [
            place for place, each in enumerate(folded) if not self._fuzzy or each not in _IGNORED
        ]
        return _Squeezed(
            "".join([folded[place] for place in origins]),
            origins,
            [begins_alone(folded, place) for place in origins],
            [begins_alone(folded, place + 1) for place in origins],
        )

    def _exact(self, squeezed: _Squeezed) -> Iterator[_Match]:
        """Look up what stands in the text as it stands in the list, the longest at each place."""
        text, opens, closes = squeezed.text, squeezed.opens, squeezed.closes
        lengths = self._lengths
        for start in range(len(text)):
            if not opens[start]:
                continue
            for length in (
                *lengths.get(text[start : start + 2], ()),
                *lengths.get(text[start], ()),
            ):
                end = start + length
                value = self._meaning.get(text[start:end]) if end <= len(text) else None
                if value is None:
                    continue
                # A plural is the same thing.
                if self._fuzzy and not closes[end - 1] and text[end : end + 1] == "s":
                    end += 1
                if closes[end - 1]:
                    yield _Match(start, end, 0, value)
                    break

    def _is_word(self, text: str, match: _Match) -> bool:
        """Tell whether a short Chinese name is a word of its own: no 锅 in 火锅."""
        word = text[match.start : match.end]
        if len(word) > _SHORT_HAN or word.isascii():
            return True
        around = max(0, match.start - 6)
        position = around
        edges = {position}
        for piece in segment(text[around : match.end + 6]):
            position += len(piece)
            edges.add(position)
        return match.start in edges and match.end in edges

    def _index(self, name: _Name) -> None:
        """Enter the parts of a name by which it is found in spite of its slips."""
        if not name.slips:
            return
        count = name.slips + 1
        edges = [len(name.text) * each // count for each in range(count + 1)]
        for begin, end in pairwise(edges):
            self._parts[name.text[begin:end]].append((name, begin))
        for edge in edges[1:-1]:
            # Two characters swapped across an edge damage both parts, so they are entered swapped.
            swapped = name.text[edge - 2 : edge - 1] + name.text[edge] + name.text[edge - 1]
            part = swapped + name.text[edge + 1 : edge + 2]
            if len(part) == 4:
                self._parts[part].append((name, edge - 2))

    def _misspelt(self, squeezed: _Squeezed) -> Iterator[_Match]:
        """Compare the names of which a part stands in the text with the place where it stands."""
        seen: set[tuple[str, int]] = set()
        text = squeezed.text
        for length in self._part_lengths:
            for place in range(len(text) - length + 1):
                for name, offset in self._parts.get(text[place : place + length], ()):
                    start = place - offset
                    if (name.text, start) in seen:
                        continue
                    if len(seen) == MAX_COMPARED:
                        return
                    seen.add((name.text, start))
                    match = _compare(squeezed, name, start)
                    if match and _alike(text[match.start : match.end], name.text):
                        yield match


def _weight(word: str, han: float) -> float:
    """How much a word says, in Latin letters."""
    return sum(1 if each.isascii() else han for each in word)


def _slips(word: str) -> int:
    """Say how many slips a word bears and is still known."""
    one, two = _weight(word, _HAN_FOR_ONE), _weight(word, _HAN_FOR_TWO)
    return (one >= _ONE_SLIP) + (two >= _TWO_SLIPS)


def _compare(squeezed: _Squeezed, name: _Name, start: int) -> _Match | None:
    """Find the stretch near `start` that is nearest to the name, within its slips."""
    text, size, slips = squeezed.text, len(name.text), name.slips
    # A stretch within the slips lies at most so far from this one; most are much farther.
    far = 3 * slips
    if OSA.distance(name.text, text[max(0, start) : start + size], score_cutoff=far) > far:
        return None
    best: tuple[int, int, int, int] | None = None
    for first in range(max(0, start - slips), min(len(text), start + slips + 1)):
        if not squeezed.opens[first]:
            continue
        for last in range(first + size - slips, min(len(text), first + size + slips) + 1):
            if not squeezed.closes[last - 1]:
                continue
            distance = OSA.distance(name.text, text[first:last], score_cutoff=slips)
            if 0 < distance <= slips:
                key = (distance, abs(last - first - size), first, last)
                best = min(best, key) if best else key
    return _Match(best[2], best[3], best[0], name.value) if best else None


def _alike(stretch: str, name: str) -> bool:
    """Tell whether the difference can be a slip.

    Another number is another product. A wrong Chinese character mostly sounds like the right one
    (登山协 for 登山鞋); the last one, the thing itself, always does: 登山背心 is no 登山背包. In
    English a slip in the first letter is rare (jacket, packet).
    """
    if _digits(stretch) != _digits(name):
        return False
    if name[0].isascii() and stretch[0] != name[0]:
        return False
    weight = _weight(name, _HAN_FOR_TWO)
    if len(stretch) != len(name):
        return weight >= _MAY_MISS and _sound_alike(stretch[-1], name[-1])
    if sorted(stretch) == sorted(name):
        return True
    last = len(name) - 1
    return all(
        _sound_alike(one, other) or (weight >= _MAY_DIFFER and place != last)
        for place, (one, other) in enumerate(zip(stretch, name, strict=True))
        if one != other
    )


def _sound_alike(one: str, other: str) -> bool:
    """Tell whether one character may stand for the other; any letter may for any letter."""
    if one.isascii() and other.isascii():
        return True
    return one == other or reading(one) == reading(other)


def _digits(text: str) -> str:
    """The digits of both scripts, in order."""
    return "".join([each for each in text if each.isdigit() or each in _HAN_DIGITS])


def _best(matches: list[_Match]) -> list[_Match]:
    """Keep the best of those that overlap; a tie between two values at one place is neither."""
    values: dict[tuple[int, int, int], set[str]] = defaultdict(set)
    for each in matches:
        values[each.start, each.end, each.slips].add(each.value)
    kept: list[_Match] = []
    starts: list[int] = []
    for each in sorted(matches, key=lambda match: (-match.worth, match.start)):
        position = bisect_left(starts, each.start)
        free = position == len(kept) or kept[position].start >= each.end
        free = free and (position == 0 or kept[position - 1].end <= each.start)
        if free:
            alone = len(values[each.start, each.end, each.slips]) == 1
            kept.insert(position, each if alone else each._replace(value=""))
            starts.insert(position, each.start)
    return kept
