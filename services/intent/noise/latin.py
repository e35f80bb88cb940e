"""Latin letters in an utterance: English, misspelt English, or Chinese typed as pinyin."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.intent.noise.pinyin import Reader
from services.intent.noise.spelling import Speller
from services.language.script import HAN

# Words of letters alone; whatever holds a digit, a hyphen or the like is a code and stays.
_TOKEN = re.compile(
    rf"(?P<han>[{HAN}]+)|(?P<word>[a-z]++(?:['\u2019][a-z]++)*+(?![0-9_&+#]|[-.@/][^\W{HAN}]))"
    rf"|(?P<code>[^\W{HAN}]+(?:[-_.'\u2019&+#,:@/]+[^\W{HAN}]+)*)|(?P<other>.)",
    re.DOTALL,
)
_LETTER = re.compile("[a-z]")

# Letters typed onto a number: order1001, 1001daonale. Fewer are units and parts of codes.
_GLUED = re.compile(r"(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]+")
_RUNS = re.compile(r"[a-z]+|\d+")
_SHORTEST_GLUED = 4

# A word with blanks between its letters: r e f u n d.
_SPELT_OUT = re.compile(r"(?<![^\W_])[a-z](?: [a-z]){3,}(?![^\W_])")

# A word broken in two must be this long when it is joined again: re fund.
_SHORTEST_BROKEN = 5


@dataclass(slots=True)
class _Token:
    """A piece of the text."""

    kind: str
    """`han`, `word` (Latin letters), `code` or `other`."""
    text: str
    """The characters."""


class LatinRepair:
    """Decides what Latin letters mean and writes it out."""

    def __init__(self, speller: Speller, reader: Reader, initials: Mapping[str, str]) -> None:
        """Keep the parts.

        Args:
            speller: Knows and repairs English.
            reader: Reads pinyin.
            initials: First letters of syllables with the word that they stand for (zfb).
        """
        self._speller = speller
        self._reader = reader
        self._initials = {each: word for each, word in initials.items() if not speller.uses(each)}

    def repair(self, text: str) -> str:
        """Repair the Latin letters of a folded text.

        Args:
            text: Folded text.

        Returns:
            The text with pinyin as Chinese and English in known words; the text itself where
            all Latin letters are known.
        """
        if not _LETTER.search(text):
            return text
        text = _SPELT_OUT.sub(self._join, text)
        tokens = [_Token(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(text)]
        self._unbroken(tokens)
        if not any(self._odd(tokens, at) for at in range(len(tokens))):
            return "".join(token.text for token in tokens)
        tokens = [part for token in tokens for part in self._parted(token)]
        for at, token in enumerate(tokens):
            if token.kind == "word":
                self._beside_chinese(tokens, at)
        for start, end in list(self._stretches(tokens)):
            self._read(tokens, start, end)
        for token in tokens:
            if token.kind == "word":
                token.text = self._speller.correct(token.text)
        return "".join(token.text for token in tokens)

    def _odd(self, tokens: list[_Token], at: int) -> bool:
        """Tell whether a token may need repair; cheap, for this is asked of every word."""
        token = tokens[at]
        if token.kind == "code":
            return _GLUED.fullmatch(token.text) is not None
        return token.kind == "word" and (
            self._speller.doubts(token.text)
            or (any(_neighbours(tokens, at)) and not self._speller.uses(token.text))
        )

    def _parted(self, token: _Token) -> list[_Token]:
        """Part a word from the number that it was typed onto, if it is a word."""
        if token.kind != "code" or not _GLUED.fullmatch(token.text):
            return [token]
        parts: list[_Token] = []
        for run in _RUNS.findall(token.text):
            word = len(run) >= _SHORTEST_GLUED and run.isalpha() and self._is_word(run)
            if parts and not word and parts[-1].kind == "code":
                parts[-1].text += run
            else:
                parts += [_Token("other", " ")] * bool(parts) + [
                    _Token("word" if word else "code", run)
                ]
        return parts

    def _join(self, spelt: re.Match[str]) -> str:
        word = spelt.group().replace(" ", "")
        known = self._speller.knows(word) or self._speller.correct(word) != word
        return word if known else spelt.group()

    def _unbroken(self, tokens: list[_Token]) -> None:
        """Join two neighbours that only together are words of the tenant's."""
        for at in range(len(tokens) - 2):
            left, gap, right = tokens[at : at + 3]
            joined = left.text + right.text
            if (
                (left.kind, gap.text, right.kind) == ("word", " ", "word")
                and len(joined) >= _SHORTEST_BROKEN
                and self._speller.uses(joined)
                and not (self._speller.uses(left.text) and self._speller.uses(right.text))
            ):
                gap.text = left.text = ""
                left.kind = gap.kind = "other"
                right.text = joined

    def _is_word(self, letters: str) -> bool:
        return self._speller.is_english(letters) or self._reader.read(letters) is not None

    def _beside_chinese(self, tokens: list[_Token], at: int) -> None:
        """Read a word that was typed onto Chinese as the rest of a Chinese word: 退huo, tui货."""
        token = tokens[at]
        left, right = _neighbours(tokens, at)
        if self._speller.uses(token.text) or not (left or right):
            return
        meant = self._initials.get(token.text) or self._reader.complete(left, token.text, right)
        if meant:
            tokens[at] = _Token("han", meant)

    def _stretches(self, tokens: list[_Token]) -> Iterator[tuple[int, int]]:
        """Find the stretches that can be read as Chinese and hold a word that is no English."""
        start = 0
        for at, token in enumerate([*tokens, _Token("other", "")]):
            blank = token.text == " " and at + 1 < len(tokens) and tokens[at + 1].kind != "other"
            if (
                blank
                or token.kind == "han"
                or (token.kind == "word" and self._reader.can_read(token.text))
            ):
                continue
            if any(each.kind == "word" for each in tokens[start:at]):
                yield start, at
            start = at + 1

    def _read(self, tokens: list[_Token], start: int, end: int) -> None:
        """Read a stretch as Chinese if it is more likely that than English."""
        stretch = tokens[start:end]
        places = [at for at in range(start, end) if tokens[at].kind == "word"]
        foreign = [at for at in places if not self._speller.knows(tokens[at].text)]
        if not foreign:
            return
        against = sum(len(tokens[at].text) * self._speller.weight(tokens[at].text) for at in places)
        if len(places) == 1 == len(stretch) and self._is_slip(tokens, start):
            return
        if sum(len(tokens[at].text) for at in foreign) > against:
            typed = "".join(each.text for each in stretch if each.text != " ")
            meant = self._reader.read(typed)
            if meant is not None:
                # Blanks at the ends part the Chinese from English words on either side.
                before, behind = (" " * (each.text == " ") for each in (stretch[0], stretch[-1]))
                tokens[start] = _Token("han", before + meant + behind)
                tokens[start + 1 : end] = [_Token("other", "")] * (end - start - 1)
                return
        for at in foreign:
            meant = self._reader.read(tokens[at].text)
            if meant is not None:
                tokens[at] = _Token("han", meant)

    def _is_slip(self, tokens: list[_Token], at: int) -> bool:
        """Tell a slip in an English sentence (retun) from a Chinese word in it (fapiao)."""
        english = any(each.kind == "word" and self._speller.common(each.text) for each in tokens)
        return english and self._speller.correct(tokens[at].text) != tokens[at].text


def _neighbours(tokens: list[_Token], at: int) -> tuple[str, str]:
    """Return the Chinese characters that a token touches, on its left and on its right."""
    left = tokens[at - 1] if at else None
    right = tokens[at + 1] if at + 1 < len(tokens) else None
    return (
        left.text if left is not None and left.kind == "han" else "",
        right.text if right is not None and right.kind == "han" else "",
    )
