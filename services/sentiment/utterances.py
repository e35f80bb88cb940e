"""The utterances that the model is trained on, all written for this project.

Each table has a header and the columns text, level (-3 furious to 3 delighted), emotion and urgency
(0 any time to 2 at once); "-" stands for what was not rated.
"""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.language import Language, detect
from services.sentiment.scale import Emotion

_FOLDER = Path(__file__).parent

TABLES = ("utterances_zh.tsv", "utterances_en.tsv", "utterances_plain.tsv")
"""Chosen utterances, Chinese and English, many of them difficult; and plain ones as they come,
short turns, reviews and posts."""

# Whatever the features depend on: a model trained with other lexicons does not fit any more.
_EVIDENCE = ("lexicon_zh.tsv", "lexicon_en.tsv", "modifiers_zh.tsv", "emoji.tsv")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One rated text."""

    text: str
    """As a customer would write it."""
    level: int
    """From -3 to 3, 0 neutral."""
    emotion: Emotion | None
    """None where it was not rated."""
    urgency: int | None
    """From 0 to 2; None where it was not rated."""
    kind: str
    """`zh`, `en`, `plain_zh` or `plain_en`: what counts alike in training and in the figures."""


def load(folder: Path = _FOLDER, tables: Sequence[str] = TABLES) -> list[Utterance]:
    """Read the tables in order; of a text that stands twice the first row counts.

    Raises:
        ValueError: A row has a wrong number of columns or a value out of range; it names table
            and line.
    """
    found: dict[str, Utterance] = {}
    for table in tables:
        with (folder / table).open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            next(rows)
            for number, row in enumerate(rows, 2):
                try:
                    utterance = _utterance(row, plain="plain" in table)
                except ValueError as problem:
                    raise ValueError(f"{table}:{number}: {problem}") from problem
                found.setdefault(utterance.text, utterance)
    return list(found.values())


def _utterance(row: list[str], plain: bool) -> Utterance:
    if len(row) != 4:
        raise ValueError(f"expected 4 columns, found {len(row)}")
    text, level, emotion, urgency = row
    if not text.strip() or not -3 <= int(level) <= 3:
        raise ValueError("empty text or level out of range")
    language = "en" if detect(text) in (Language.EN, Language.UNKNOWN) else "zh"
    return Utterance(
        text,
        int(level),
        None if emotion == "-" else Emotion(emotion),
        None if urgency == "-" else (0, 1, 2)[int(urgency)],
        f"plain_{language}" if plain else language,
    )


def data_hash(folder: Path = _FOLDER) -> str:
    """Fingerprint the utterances and the tables of evidence: SHA-256, hexadecimal."""
    digest = hashlib.sha256()
    for name in (*TABLES, *_EVIDENCE):
        content = (folder / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
