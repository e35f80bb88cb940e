"""Parts of a text as the model counts them: characters and words, alone and with neighbours."""

import re
from collections.abc import Iterator

from services.language import fold
from services.language.script import HAN

_PART = re.compile(rf"[{HAN}]+|[a-z]+(?:'[a-z]+)*|[0-9]+|[!?。…]+", re.IGNORECASE)
_HAN_RUN = re.compile(f"[{HAN}]")

_LONGEST = 3
"""Characters of a Chinese part; most Chinese words have two, a negated one three."""

_NUMBER = "0"
_NO_WORD = " "


def ngrams(text: str) -> Iterator[str]:
    """Yield the parts of a text, repeated ones repeatedly.

    Runs of Chinese characters are cut into all parts of one to three characters; English words come
    alone and in pairs. All numbers count as the same word: a model number says nothing of moods.
    """
    before = _NO_WORD
    for part in _PART.findall(fold(text)):
        if _HAN_RUN.match(part):
            for length in range(1, _LONGEST + 1):
                for start in range(len(part) - length + 1):
                    yield part[start : start + length]
            before = _NO_WORD
            continue
        word = _NUMBER if part.isdigit() else part if part[0].isalpha() else part[:2]
        yield word
        yield f"{before}_{word}"
        before = word
