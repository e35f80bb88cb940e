"""Sentences of retrieved text that speak to a model, not to a reader.

They are no source of an answer and are never quoted. Patterns cannot find all of them and need
not: what follows from one that was missed still has to pass every check on the model's words.
"""

import re
from pathlib import Path

from services.language import fold

_PATTERN = re.compile(
    "|".join(
        line
        for line in (Path(__file__).parent / "instructions.txt").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
)


def addresses_model(sentence: str) -> bool:
    """Whether a sentence tells a model what to do, in Chinese or English."""
    return _PATTERN.search(fold(sentence)) is not None
