"""What the linear model looks at: words and characters of a folded text."""

import re
import unicodedata
from collections import Counter
from itertools import combinations, pairwise

from services.intent.model.concepts import base_concepts
from services.language import part_of_speech, segment

# Long enough to tell 'refund' from 'fund', short enough that 'retrun' still shares some.
_LETTER_GRAMS = (3, 4, 5)

# Most Chinese words have one to three characters; these see past a wrong segmentation (三码).
_HAN_GRAMS = (1, 2, 3)

# How many words on the second of a distant pair stands, at least and at most. Neighbours are
# counted anyway; words further apart are seldom of one phrase.
_DISTANT = (2, 5)

# A long number is any number; short ones mean something (88, 42码).
_LONG_NUMBER = re.compile(r"\d{3,}")

_BORDERS = ("^", "$")

# In the place of a part of speech; capital, so that they are none.
_LATIN, _NUMBER = "L", "D"

CONCEPT = "k"
"""The first word of features that stand for a concept or a pair of concepts."""

_Tagged = tuple[str, str]  # a word and its part of speech


def features(folded: str, distant_pairs: bool = True) -> Counter[str]:
    """Count the features of a text.

    Words, pairs of neighbouring words (with marks for the beginning and the end), letter n-grams
    inside Latin words, character n-grams over Chinese runs across word borders, the parts of speech
    of Chinese words with their neighbours, pairs of words that stand apart, and the concepts
    (`concepts`) that these mean, alone and in pairs. Digits of longer numbers become "#", so that
    one order number is as good as another. Emoji are words; punctuation is left out.

    Args:
        folded: Text from `services.language.fold`.
        distant_pairs: Whether words that stand apart are paired; False for a model that was trained
            without, to which every such pair would be a feature that it has never seen.

    Returns:
        Each feature with its count; empty for blank text or bare punctuation.
    """
    words, runs = _split(folded)
    latin = [word for word in words if word[0].isascii()]
    counted = Counter(f"w {word}" for word in words)
    if words:
        bordered = ["^", *words, "$"]
        counted.update(f"p {left} {right}" for left, right in pairwise(bordered))
        tagged = [(word, _tag(word)) for word in bordered]
        _count_parts_of_speech(tagged, counted)
        if distant_pairs:
            _count_distant_pairs(tagged[1:-1], counted)
    for word in latin:
        _count_grams(f"<{word}>", _LETTER_GRAMS, counted)
    for run in runs:
        _count_grams(run, _HAN_GRAMS, counted)
    concepts = sorted(base_concepts().find(runs, _parts(latin)))
    counted.update(f"{CONCEPT} {concept}" for concept in concepts)
    counted.update(f"{CONCEPT} {one} {other}" for one, other in combinations(concepts, 2))
    return counted


def _split(folded: str) -> tuple[list[str], list[str]]:
    """List the words and the unbroken runs of other than ASCII characters."""
    words: list[str] = []
    runs = [""]
    for piece in segment(folded):
        if not _counts(piece[0]):
            runs.append("")
            continue
        words.append(_LONG_NUMBER.sub("#", piece))
        if piece[0].isascii():
            runs.append("")
        else:
            runs[-1] += piece
    return words, [run for run in runs if run]


def _parts(latin: list[str]) -> list[str]:
    """Split words at apostrophes and hyphens, as the phrases of the concepts are."""
    return [part for word in latin for part in re.split(r"['\u2019-]", word)]


def _count_parts_of_speech(tagged: list[_Tagged], counted: Counter[str]) -> None:
    """Count what carries over to names that no utterance has: 播放 + a title, a surname + 的电话.

    Only at Chinese words: English has its letters, and its classes would cost a second tagger.
    """
    for (left, left_tag), (right, right_tag) in pairwise(tagged):
        if not (left.isascii() and right.isascii()):
            counted.update(
                [f"t {left_tag} {right_tag}", f"m {left} {right_tag}", f"m {left_tag} {right}"]
            )
    counted.update(f"t {tag}" for word, tag in tagged if not word.isascii())


def _count_distant_pairs(tagged: list[_Tagged], counted: Counter[str]) -> None:
    """Count words, and words and parts of speech, that other words come between: 把 ... 取消.

    Chinese puts what a wish is about between the words that tell the wish. Pairs of two Latin words
    gained nothing by cross-validation, so English has none.
    """
    nearest, furthest = _DISTANT
    for place, (left, left_tag) in enumerate(tagged):
        for right, right_tag in tagged[place + nearest : place + furthest + 1]:
            if not (left.isascii() and right.isascii()):
                counted.update(
                    [f"d {left} {right}", f"e {left} {right_tag}", f"e {left_tag} {right}"]
                )


def _tag(word: str) -> str:
    """Return the part of speech of a Chinese word; letters, numbers and borders are one each."""
    if word in _BORDERS:
        return word
    if word.isascii():
        return _NUMBER if word[0].isdigit() or word == "#" else _LATIN
    return part_of_speech(word)


def _counts(character: str) -> bool:
    """Tell the beginning of a word and emoji from punctuation and blanks."""
    return character.isalnum() or unicodedata.category(character) == "So"


def _count_grams(run: str, sizes: tuple[int, ...], counted: Counter[str]) -> None:
    for size in sizes:
        counted.update(f"c {run[at : at + size]}" for at in range(len(run) - size + 1))
