"""Questions that differ in one word, number, sign or order only: none is taken for another."""

import csv
from pathlib import Path

import pytest

from services.knowledge.equivalence import question_key, signature
from services.knowledge.indexing import question_hashes

with Path(__file__).with_name("near_duplicates.tsv").open(encoding="utf-8") as file:
    PAIRS = [(row["first"], row["second"]) for row in csv.DictReader(file, delimiter="\t")]

GREETINGS = ["{}", "请问{}？", "你好，{}呢", "Hi, {} please"]


def test_there_are_enough_of_them() -> None:
    """Two hundred pairs in both languages, each written once."""
    assert len(PAIRS) >= 200
    assert len(set(PAIRS)) == len(PAIRS)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_near_duplicate_never_hits(first: str, second: str) -> None:
    """Neither form of the one equals a form of the other, however politely it is asked."""
    for frame in GREETINGS:
        known, asked = question_hashes(first), question_hashes(frame.format(second))
        assert known.exact != asked.exact
        assert known.equivalent is None or known.equivalent != asked.equivalent


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_each_still_hits_itself(first: str, second: str) -> None:
    """The gate is not simply shut: the same question in capitals, spaced and asked twice passes."""
    for question in (first, second):
        assert question_key(f"  {question.upper()} ？") == question_key(question) != ""
        assert signature(f"请问{question}") == signature(question)
