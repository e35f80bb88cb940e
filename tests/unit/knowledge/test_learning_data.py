"""The questions that the ranking is fitted on are what their description says."""

import csv
from collections import Counter
from pathlib import Path

import pytest

import services.knowledge

FILES = sorted((Path(services.knowledge.__file__).parent / "learning").glob("faqs_*.tsv"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_faq_has_a_question_an_answer_and_queries(path: Path) -> None:
    """Six companies, no text twice in one of them, and questions that nothing answers."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len({row["base"] for row in rows}) == 6
    assert max(Counter((row["base"], row["text"]) for row in rows).values()) == 1
    counts = Counter((row["base"], row["faq"], row["kind"]) for row in rows)
    for base, faq in {(row["base"], row["faq"]) for row in rows if row["faq"]}:
        assert (counts[base, faq, "question"], counts[base, faq, "answer"]) == (1, 1)
        assert counts[base, faq, "query"] >= 3
    for base in {row["base"] for row in rows}:
        assert counts[base, "", "none"] >= 50
