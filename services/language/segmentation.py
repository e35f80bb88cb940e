"""Words of Chinese, English and mixed text, with the codes of the business kept whole."""

import re
from collections.abc import Iterable
from functools import lru_cache

import rjieba

from services.language.folding import fold
from services.language.script import HAN

# Letters and digits joined by one of - _ . ' & + # stay one word when a letter or digit follows:
# ppr-9087, 3.5, don't. Commas and colons join digits only: 1,299.00, 12:30.
_WORD = rf"(?:[^\W_{HAN}]+(?:(?:[-_.'\u2019&+#]|(?<=\d)[,:](?=\d))(?=[^\W_{HAN}]))?)+"
_RUN = re.compile(rf"(?P<han>[{HAN}]+)|(?P<word>{_WORD})|(?P<other>.)", re.DOTALL)
_RUN_OF_WORDS = re.compile(rf"[{HAN}]+|{_WORD}")
_IS_HAN = re.compile(f"[{HAN}]")


def add_words(entries: Iterable[str]) -> None:
    """Teach the segmenter words of the business; call it once at start-up, before serving.

    The dictionary is one per process. A word that is already known stays as it is.

    Args:
        entries: Words such as 三码 or product names, in any form; each is folded first. Only
            the Chinese ones need it: Latin words and codes are whole anyway.
    """
    for entry in entries:
        word = fold(entry)
        if word and not rjieba.has_word(word):
            # No frequency: rjieba then picks one high enough to win over the parts.
            rjieba.add_word(word, None, None)


def segment(folded: str) -> list[str]:
    """Cut folded text into pieces that, joined, are the text again.

    Chinese runs are cut by dictionary alone. The model for unknown words is off: it glues what
    does not belong together (帮|我查) and cuts the same phrase differently from case to case,
    which a search index cannot bear.

    Args:
        folded: Text from `fold`.

    Returns:
        Words, and each other character (punctuation, blanks, emoji) on its own.
    """
    pieces: list[str] = []
    for match in _RUN.finditer(folded):
        if match.lastgroup == "han":
            pieces += rjieba.cut(match.group(), hmm=False)
        else:
            pieces.append(match.group())
    return pieces


@lru_cache(maxsize=100_000)
def part_of_speech(word: str) -> str:
    """Tell the class of a Chinese word, as the segmenter's dictionary has it.

    Args:
        word: A piece that `segment` returned.

    Returns:
        A tag of the ICTCLAS set such as "v" (verb), "ns" (place) or "nr" (name of a person);
        empty for a word of the business, whose class nobody stated.
    """
    tagged: list[tuple[str, str]] = rjieba.tag(word, hmm=False)
    return tagged[0][1]


def words(text: str) -> list[str]:
    """List the words of a text in order, for search, classification and lexicons.

    Args:
        text: Any text; it is folded first.

    Returns:
        Folded words without punctuation, blanks and emoji: Chinese words, Latin words, numbers,
        and codes such as ppr-9087 whole, with or without blanks around them.
    """
    return folded_words(fold(text))


def folded_words(folded: str) -> list[str]:
    """List the words of text from `fold`, as `words` does of any text."""
    runs: list[str] = _RUN_OF_WORDS.findall(folded)
    if folded.isascii():
        return runs
    found: list[str] = []
    for run in runs:
        if _IS_HAN.match(run):
            # Where Unicode has no character yet there is no word either.
            found += [piece for piece in rjieba.cut(run, hmm=False) if piece[0].isalnum()]
        else:
            found.append(run)
    return found
