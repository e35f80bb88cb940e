"""Text tools for Chinese and English that every service shares: fold, detect, words, sentences.

All functions are pure, take text of any length and never raise on valid Unicode. Offsets count
Unicode code points of the text that was passed in, as everywhere in the contract.
"""

from services.language.folding import fold
from services.language.script import Language, detect
from services.language.segmentation import (
    add_words,
    folded_words,
    part_of_speech,
    segment,
    words,
)
from services.language.sentence_split import Span, holds_end, sentences

__all__ = [
    "Language",
    "Span",
    "add_words",
    "detect",
    "fold",
    "folded_words",
    "holds_end",
    "part_of_speech",
    "segment",
    "sentences",
    "words",
]
