"""FAQ files are read whole or refused with the lines that are wrong."""

import json
from datetime import UTC, datetime, time

import pytest

from services.knowledge.faq_files import (
    CHINESE_COLUMNS,
    MalformedLines,
    is_faq_header,
    read_csv,
    read_jsonl,
    read_rows,
)
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
        (line(valid_from="31.1.2026"), "valid_from or valid_until is no date such as 2026-01-31"),
        (line(valid_until=20260131), "valid_until is not a text"),
        (line(valid_until="0001-01-01T00:00+14:00"), "valid_from or valid_until is no date"),
        (
            line(valid_from="2026-02-01", valid_until="2026-01-31"),
            "valid_until is before valid_from",
        ),
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


def test_days_are_whole_days_of_utc() -> None:
    """From the first moment of the one to the last of the other."""
    [faq] = read_jsonl(line(valid_from="2026-01-31", valid_until="2026-01-31")).faqs
    assert faq.valid_from == datetime(2026, 1, 31, tzinfo=UTC)
    assert faq.valid_until == datetime.combine(faq.valid_from, time.max, UTC)


@pytest.mark.parametrize(
    "moment", ["2026-01-31T18:00+08:00", "2026-01-31T10:00Z", "2026-01-31 10:00"]
)
def test_moments_are_utc_unless_they_name_a_zone(moment: str) -> None:
    """As ISO 8601 writes them."""
    [faq] = read_jsonl(line(valid_until=moment)).faqs
    assert (faq.valid_from, faq.valid_until) == (None, datetime(2026, 1, 31, 10, tzinfo=UTC))


def test_the_end_of_time_is_a_date() -> None:
    """Spreadsheets say "for ever" with it."""
    [faq] = read_jsonl(line(valid_until="9999-12-31", valid_from="")).faqs
    assert faq.valid_until is not None


def test_without_ids_questions_make_them() -> None:
    """The same question keeps its id, whatever stands before it."""
    [first] = read_csv("question,answer\nWhere?,Here.\n").faqs
    [_, second] = read_csv(" Question ,ANSWER\nWhen?,Now.\nWhere?,There.\n").faqs
    assert first.faq_id == second.faq_id
    assert len(first.faq_id) == 16


def test_a_question_twice_is_refused_where_it_is_the_id() -> None:
    """Nobody could say which of the two answers counts."""
    with pytest.raises(MalformedLines, match="line 3: the question is there twice"):
        read_csv("question,answer\nWhere?,Here.\nWhere?,There.\n")


def test_rows_of_a_sheet_are_read_as_csv_is() -> None:
    """Lists are divided by | or by line ends in the cell."""
    [faq] = read_rows([(2, {"question": "Q", "answer": "A", "variants": "B|C\nD"})]).faqs
    assert faq.variants == ("B", "C", "D")


def test_rows_of_a_sheet_are_named_by_their_numbers() -> None:
    """As the spreadsheet shows them."""
    rows = [(2, {"question": "Q", "answer": "A"}), (7, {"question": "", "answer": "A"})]
    with pytest.raises(MalformedLines, match=r"^row 7: no question$"):
        read_rows(rows)


def test_an_unknown_column_of_a_sheet_is_named_once() -> None:
    """Not for each row."""
    with pytest.raises(MalformedLines, match=r"^a column that is unknown"):
        read_rows([(number, {"question": "Q", "answer": "A", "owner": ""}) for number in (2, 3)])


def test_chinese_tables_are_read_by_their_own_names() -> None:
    """As the people who keep them write them; case and blanks do not matter."""
    text = (
        "编号,问题,答案,相似问,标签,生效,失效\n"
        "r1,怎么退货？,申请。,退货流程｜如何退货|我要退,退货,2026/1/31,2026年3月1日\n"
    )
    [faq] = read_csv(text).faqs
    assert (faq.faq_id, faq.answer, faq.tags) == ("r1", "申请。", ("退货",))
    assert faq.variants == ("退货流程", "如何退货", "我要退")
    assert (faq.valid_from, faq.valid_until) == (
        datetime(2026, 1, 31, tzinfo=UTC),
        datetime(2026, 3, 1, 23, 59, 59, 999_999, UTC),
    )


@pytest.mark.parametrize("name", CHINESE_COLUMNS)
def test_two_names_of_one_column_are_that_column_twice(name: str) -> None:
    """Whatever the table calls it."""
    columns = dict.fromkeys((CHINESE_COLUMNS[name], "question", "answer"))
    with pytest.raises(MalformedLines, match=r"there twice; known are id.*编号"):
        read_csv(f"{','.join(columns)},{name}\n")


@pytest.mark.parametrize("question", ["问题", "标准问", "标准问题"])
@pytest.mark.parametrize("answer", ["答案", "回答"])
def test_a_table_of_questions_and_answers_is_an_faq_file(question: str, answer: str) -> None:
    """In Chinese too."""
    assert is_faq_header([f" {question} ", answer])
    assert not is_faq_header([question, "说明"])
