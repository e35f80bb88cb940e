"""Which of the two first-class languages a text is written in, judged by its script alone."""

import re
from enum import StrEnum

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
"""Ranges of Chinese characters, for use inside a regular expression's brackets."""

# A Chinese word has about 1.5 characters in running text; it makes the two sides comparable.
_CHARACTERS_PER_WORD = 1.5

# Below this share of the words the other script is a product name or a loan word: 这个APP打不开.
_MINOR_SHARE = 0.25

_HAN_CHARACTER = re.compile(f"[{HAN}]")
_KANA_OR_HANGUL = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uac00-\ud7af]")
# Full-width letters are letters too. A run that holds a digit is a code, not an English word,
# hence the hyphens: PPR-9087.
_LETTER = "0-9A-Za-z\u00c0-\u024f\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_RUN = re.compile(f"[{_LETTER}]+(?:[-_][{_LETTER}]+)*")
_DIGIT = re.compile("[0-9\uff10-\uff19]")


class Language(StrEnum):
    """The language of a text; values are BCP 47 tags where such a tag exists."""

    ZH = "zh"
    """Chinese, traditional or simplified."""
    EN = "en"
    """English: text in Latin script is taken to be English."""
    MIXED = "mixed"
    """Both, each with at least a quarter of the words."""
    UNKNOWN = "und"
    """Neither: empty, only digits, codes, punctuation or emoji, or another script."""


def detect(text: str) -> Language:
    """Tell the language of a text by counting words per script; codes and numbers do not count.

    Args:
        text: Any text, folded or not.

    Returns:
        ZH or EN when the other holds at most a quarter of the words, MIXED when both matter.
    """
    han = len(_HAN_CHARACTER.findall(text))
    if han and len(_KANA_OR_HANGUL.findall(text)) > han / 2:
        return Language.UNKNOWN
    chinese = han / _CHARACTERS_PER_WORD
    english = sum(1 for run in _RUN.findall(text) if not _DIGIT.search(run))
    if not chinese and not english:
        return Language.UNKNOWN
    share = english / (chinese + english)
    if share <= _MINOR_SHARE:
        return Language.ZH
    return Language.EN if share >= 1 - _MINOR_SHARE else Language.MIXED
