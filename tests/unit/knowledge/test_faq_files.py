"""FAQ files are read whole or refused with the lines that are wrong."""

import json

import pytest

from services.knowledge.faq_files import MalformedLines, read_csv, read_jsonl
from services.language import Language

GOOD = {
    "id": "returns",
    "language": "zh",
    "question": "怎么退货？",
    "variants": ["如何退货"],
    "answer": "在订单页申请。",
    "tags": ["returns"],
}


def line(**changes: object) -> str:
    return json.dumps({**GOOD, **changes})


def problem_of(text: str) -> str:
    with pytest.raises(MalformedLines) as caught:
        read_jsonl(text)
    return str(caught.value)


def test_a_jsonl_entry_is_read() -> None:
    """All six columns arrive, in their types."""
    [faq] = read_jsonl(line()).faqs
    assert (faq.faq_id, faq.language, faq.question, faq.variants, faq.answer, faq.tags) == (
        "returns",
        Language.ZH,
        "怎么退货？",
        ("如何退货",),
        "在订单页申请。",
        ("returns",),
    )


def test_csv_has_the_same_columns() -> None:
    """In CSV lists are divided by |, and a quoted answer may have line breaks and commas."""
    text = 'id,language,question,variants,answer,tags\n1,en,How?,How so|How then,"a, b\nc",x|y\n'
    [faq] = read_csv(text).faqs
    assert (faq.variants, faq.answer, faq.tags) == (("How so", "How then"), "a, b\nc", ("x", "y"))


def test_only_three_columns_are_needed() -> None:
    """Language is then detected, and lists are empty."""
    [faq] = read_csv("id,question,answer\n1,Where is it?,Here.\n").faqs
    assert (faq.language, faq.variants, faq.tags) == (Language.EN, (), ())


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("zh", "zh"),
        ("zh-TW", "zh"),
        ("ZH_cn", "zh"),
        ("en-US", "en"),
        ("", "zh"),
        ("fr", "zh"),
    ],
)
def test_the_declared_language_counts_where_it_is_one_of_ours(declared: str, expected: str) -> None:
    """Regions are ignored; an unknown language is replaced by what the question is written in."""
    [faq] = read_jsonl(line(language=declared)).faqs
    assert faq.language == expected


def test_spans_lead_to_question_and_answer() -> None:
    """The document's text shows each entry, and its span finds it."""
    file = read_jsonl("\n".join([line(), "", line(id="b", question="Q", answer="A")]))
    assert [faq.span.of(file.text) for faq in file.faqs] == ["怎么退货？\n在订单页申请。", "Q\nA"]


def test_the_same_id_may_be_there_once_in_each_language() -> None:
    """Translations share an id."""
    assert len(read_jsonl(line() + "\n" + line(language="en")).faqs) == 2


def test_wordings_are_listed_once() -> None:
    """A variant that repeats the question is no second wording."""
    [faq] = read_jsonl(line(variants=["怎么退货？", "如何退货", "如何退货"])).faqs
    assert faq.questions == ("怎么退货？", "如何退货")


def test_texts_are_nfc() -> None:
    """An escaped decomposed character is composed, as all stored text is."""
    [faq] = read_jsonl(line(answer="cafe\u0301")).faqs
    assert faq.answer == "café"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"id": ' + "1" * 5000 + "}", "not JSON"),
        ("[1]", "not a JSON object"),
        (line(id=""), "no id"),
        (line(answer=None), "no answer"),
        (line(question=["x"]), "question is not a text"),
        (line(question="   "), "question has to have"),
        (line(question="长" * 1001), "question has to have 1 to 1000"),
        (line(variants="如何退货"), "variants is not a list"),
        (line(tags=[1]), "tags is not a list"),
        (line(variants=["x"] * 65), "variants has more than 64"),
        (line(answr="typo"), "unknown column"),
        (line(answer="\0"), "answer is not a text"),
        (line(answer="\ud800"), "answer is not a text"),
        (line(variants=["\0"]), "variants is not a list"),
    ],
)
def test_a_wrong_line_is_named_with_its_reason(text: str, problem: str) -> None:
    """The owner of the file reads where and what, and never a part of the text itself."""
    said = problem_of(f"{line(id='first')}\n{text}")
    assert said.startswith(f"line 2: {problem}")
    assert "退货" not in said


def test_a_repeated_id_is_refused() -> None:
    """Nobody could say which of the two answers counts."""
    assert "line 2: the id is there twice" in problem_of(f"{line()}\n{line()}")


def test_ten_lines_are_named_and_the_rest_counted() -> None:
    """A file of garbage gives a readable message."""
    said = problem_of("x\n" * 25)
    assert said.count("line ") == 10
    assert said.endswith("and 15 more")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("id,question\n1,2\n", "line 1: the header lacks answer"),
        ("id,question,answer,colour\n", "line 1: a column that is unknown"),
        ("id,question,answer,id\n", "line 1: a column that is unknown or there twice"),
        ("id,question,answer\n1,2\n", "line 2: another number of values"),
        ("id,question,answer\n1,2,3,4\n", "line 2: another number of values"),
        ('id,question,answer\n1,2,"open\n', "not CSV"),
        ('id,question,answer\n1,2,"a"b\n', "line 2: not CSV"),
    ],
)
def test_a_wrong_csv_is_named_with_its_reason(text: str, problem: str) -> None:
    """A header is checked once, rows each."""
    with pytest.raises(MalformedLines, match=problem):
        read_csv(text)


def test_an_empty_file_has_no_entries() -> None:
    """No entry is no mistake of a line; the caller decides what it means."""
    assert read_jsonl("\n\n").faqs == ()
    assert read_csv("id,question,answer\n").faqs == ()
