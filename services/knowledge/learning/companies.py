"""The invented companies: their FAQs, what customers ask them, and what nothing answers."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

from services.language import Language

_TABLES = {Language.ZH: "faqs_zh.tsv", Language.EN: "faqs_en.tsv"}


@dataclass(slots=True)
class Faq:
    """An FAQ of a company.

    Attributes:
        wordings: The company's own wordings, its question first.
        answer: Its answer.
        queries: What customers type who want to know this.
    """

    wordings: list[str] = field(default_factory=list)
    answer: str = ""
    queries: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Company:
    """A company with its FAQs.

    Attributes:
        name: Its name in the tables.
        language: The language of all its texts.
        faqs: By id.
        unanswered: What customers type that no FAQ answers.
    """

    name: str
    language: Language
    faqs: dict[str, Faq] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)


def companies() -> list[Company]:
    """Read the tables beside this file; the README there says what their columns mean."""
    found: dict[str, Company] = {}
    for language, name in _TABLES.items():
        with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                company = found.setdefault(row["base"], Company(row["base"], language))
                _add(company, row["faq"], row["kind"], row["text"])
    return list(found.values())


def _add(company: Company, faq: str, kind: str, text: str) -> None:
    if kind == "none":
        company.unanswered.append(text)
        return
    entry = company.faqs.setdefault(faq, Faq())
    if kind == "answer":
        entry.answer = text
    else:
        (entry.queries if kind == "query" else entry.wordings).append(text)
