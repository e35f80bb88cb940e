"""Answers as models write them, about the sample shop's knowledge: true ones and invented ones.

Project-written: half of `answers.tsv` by who made the rules of grounding, the rest by who knew the
shop alone. The rules were made with the former; of `answers_held_back.tsv` only figures in other
units were looked at. Each answer is about one passage, a section of a file of
`examples/shop/knowledge`, by its place: `zh/returns/0`.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.generation.dialogue import Passage, Question
from services.language import Language

_HERE = Path(__file__).parent
_KNOWLEDGE = Path(__file__).parents[3] / "examples" / "shop" / "knowledge"
_SECTION = re.compile(r"^## (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Written:
    """An answer to a question about one passage."""

    true: bool
    question: Question
    answer: str


def written(name: str) -> Iterator[Written]:
    """Read one of the files."""
    with (_HERE / name).open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            passage = _passage(row["passage"])
            language = Language.ZH if row["passage"].startswith("zh") else Language.EN
            question = Question(row["question"], language, (passage,))
            yield Written(row["kind"] == "true", question, row["answer"].replace("\\n", "\n"))


def _passage(key: str) -> Passage:
    language, name, place = key.split("/")
    text = (_KNOWLEDGE / language / f"{name}.md").read_text(encoding="utf-8")
    _, *parts = _SECTION.split(text)
    title, body = parts[2 * int(place) : 2 * int(place) + 2]
    document = f"tenants/shop/knowledgeBases/help/documents/{name}"
    return Passage(document, "r1", title, body.strip())
