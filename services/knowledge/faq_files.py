"""FAQ files: JSON Lines, or CSV and Excel with the same columns."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.knowledge.document import Faq, normalise
from services.knowledge.moments import EXAMPLES, moment_of
from services.language import Language, Span, detect

COLUMNS = (
    "id", "language", "question", "variants", "answer", "tags", "valid_from", "valid_until",
)  # fmt: skip
"""What an entry may say; `question` and `answer` it has to. A file without the column `id` gets
ids that are made of the questions."""

CHINESE_COLUMNS = {
    "编号": "id", "语言": "language",
    "问题": "question", "标准问": "question", "标准问题": "question",
    "相似问": "variants", "相似问法": "variants", "相似问题": "variants", "变体": "variants",
    "答案": "answer", "回答": "answer",
    "标签": "tags",
    "生效": "valid_from", "生效日期": "valid_from", "生效时间": "valid_from",
    "有效期起": "valid_from",
    "失效": "valid_until", "失效日期": "valid_until", "失效时间": "valid_until",
    "有效期止": "valid_until",
}  # fmt: skip
"""What Chinese tables call the columns."""

_KNOWN = f"known are {', '.join(COLUMNS)} and {'、'.join(CHINESE_COLUMNS)}"

LIMITS = {
    "id": 128,
    "language": 16,
    "question": 1000,
    "answer": 6000,
    "valid_from": 40,
    "valid_until": 40,
}
"""Longest values in code points. With its question an answer still fits a passage (8,000)."""

MOST_LISTED = 64
"""Most variants or tags of one entry: more is a mistake in the file."""

_REQUIRED = ("id", "question", "answer")
_REQUIRED_COLUMNS = ("question", "answer")
_LISTS = ("variants", "tags")
_MOMENTS = ("valid_from", "valid_until")
_LIST_SEPARATOR = re.compile(r"[|｜\n]")
_MADE_ID_LENGTH = 16
_MOST_REPORTED = 10

# What a JSON escape can smuggle in: control characters and halves of surrogate pairs.
_NOT_TEXT = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class MalformedLines(Exception):
    """Lines that are no FAQ entry. `str()` names each with what is wrong, ten at most."""


@dataclass(frozen=True, slots=True)
class FaqFile:
    """A read FAQ file.

    Attributes:
        text: Questions and answers one after the other, to show and to cite from.
        faqs: The entries; their spans refer to `text`.
    """

    text: str
    faqs: tuple[Faq, ...]


def is_faq_header(names: Sequence[str]) -> bool:
    """Say whether the header of a table is that of an FAQ file."""
    return set(_REQUIRED_COLUMNS) <= {column_of(name) for name in names}


def read_jsonl(text: str) -> FaqFile:
    """Read one JSON object a line; blank lines are skipped.

    Raises:
        MalformedLines: at least one line is no entry; nothing of the file is used.
    """
    return _read(_json_rows(text))


def read_csv(text: str) -> FaqFile:
    """Read comma-separated values (RFC 4180) with a header; lists are separated by `|`.

    Raises:
        MalformedLines: at least one row is no entry; nothing of the file is used.
    """
    return _read(_csv_rows(text))


def read_rows(rows: Sequence[tuple[int, dict[str, str]]]) -> FaqFile:
    """Read the rows of a spreadsheet, each with its number; lists are as in CSV.

    Raises:
        MalformedLines: at least one row is no entry; nothing of the file is used.
    """
    if rows and (problem := _header_problem(tuple(rows[0][1]))):
        raise MalformedLines(problem)
    return _read(((number, _with_lists(row)) for number, row in rows), "row")


_Row = tuple[int, dict[str, Any] | str]
"""A line's number with its entry, or with what is wrong with it."""


def _json_rows(text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            yield number, f"not JSON ({error.msg} at column {error.colno})"
        except (ValueError, RecursionError):
            yield number, "not JSON (a number too long, or too deeply nested)"
        else:
            yield number, value if isinstance(value, dict) else "not a JSON object"


def _csv_rows(text: str) -> Iterator[_Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        reader.fieldnames = [column_of(name) for name in reader.fieldnames or ()]
        if problem := _header_problem(reader.fieldnames):
            yield 1, problem
            return
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, "another number of values than the header"
                continue
            yield reader.line_num, _with_lists(row)
    except csv.Error as error:
        # The reader has counted the lines before the broken one.
        number = min(reader.line_num + 1, text.rstrip().count("\n") + 1)
        yield number, f"not CSV ({error})"


def column_of(name: str) -> str:
    """Return a column's name as this module has it, whatever a table calls it."""
    name = name.strip().lower()
    return CHINESE_COLUMNS.get(name, name)


def _with_lists(row: dict[str, str]) -> dict[str, Any]:
    """Cut the values that are lists, at `|` and at line ends."""
    return {
        key: _LIST_SEPARATOR.split(value) if key in _LISTS else value for key, value in row.items()
    }


def _header_problem(columns: Sequence[str]) -> str:
    """Say what is wrong with a header; empty where nothing is."""
    if missing := [column for column in _REQUIRED_COLUMNS if column not in columns]:
        return f"the header lacks {', '.join(missing)}"
    if len(set(columns)) < len(columns) or not set(columns) <= set(COLUMNS):
        return f"a column that is unknown or there twice; {_KNOWN}"
    return ""


def _read(rows: Iterator[_Row], unit: str = "line") -> FaqFile:
    faqs: list[Faq] = []
    problems: list[str] = []
    seen: set[tuple[str, str]] = set()
    offset = 0
    for number, row in rows:
        problem = row if isinstance(row, str) else _problem(row)
        if isinstance(row, str) or problem:
            problems.append(f"{unit} {number}: {problem}")
            continue
        faq = _faq(row, offset)
        if (faq.faq_id, faq.language) in seen:
            what = "id" if "id" in row else "question"
            problems.append(f"{unit} {number}: the {what} is there twice in this language")
        seen.add((faq.faq_id, faq.language))
        faqs.append(faq)
        offset = faq.span.end + 2
    if problems:
        more = len(problems) - _MOST_REPORTED
        raise MalformedLines(
            "; ".join(problems[:_MOST_REPORTED]) + (f"; and {more} more" if more > 0 else "")
        )
    return FaqFile("\n\n".join(rendered(faq.question, faq.answer) for faq in faqs), tuple(faqs))


def rendered(question: str, answer: str) -> str:
    """Return a question and its answer as they stand in the document's text."""
    return f"{question}\n{answer}"


def _problem(row: dict[str, Any]) -> str:
    """Say what is wrong with an entry, never quoting it; empty where nothing is."""
    for key in row:
        if key not in COLUMNS:
            return f"unknown column; {_KNOWN}"
    for key in _REQUIRED:
        if not row.get(key) and (key in row or key in _REQUIRED_COLUMNS):
            return f"no {key}"
    for key, limit in LIMITS.items():
        value = row.get(key, "")
        if not isinstance(value, str) or _NOT_TEXT.search(value):
            return f"{key} is not a text"
        if len(value) > limit or (key in row and key in _REQUIRED and not value.strip()):
            return f"{key} has to have 1 to {limit} characters"
    try:
        start, end = (_moment(row, key) for key in _MOMENTS)
    except (ValueError, OverflowError):
        return f"valid_from or valid_until is no date such as {EXAMPLES}"
    if start and end and end < start:
        return "valid_until is before valid_from"
    for key in _LISTS:
        values = row.get(key, [])
        if not isinstance(values, list) or not all(
            isinstance(value, str) and not _NOT_TEXT.search(value) for value in values
        ):
            return f"{key} is not a list of texts"
        if len(values) > MOST_LISTED or any(len(value) > LIMITS["question"] for value in values):
            return f"{key} has more than {MOST_LISTED} entries, or one that is too long"
    return ""


def _faq(row: dict[str, Any], offset: int) -> Faq:
    question, answer = _clean(row["question"]), _clean(row["answer"])
    variants = tuple(filter(None, map(_clean, row.get("variants", []))))
    tags = tuple(filter(None, map(_clean, row.get("tags", []))))
    end = offset + len(rendered(question, answer))
    return Faq(
        _clean(row["id"]) if "id" in row else _made_id(question),
        _language(row.get("language", ""), question),
        question,
        variants,
        answer,
        tags,
        Span(offset, end),
        _moment(row, "valid_from"),
        _moment(row, "valid_until"),
    )


def _made_id(question: str) -> str:
    """Return the id of an entry that has none: the same as long as its question is."""
    return hashlib.sha256(question.encode()).hexdigest()[:_MADE_ID_LENGTH]


def _moment(row: dict[str, Any], key: str) -> datetime | None:
    """Read from when or until when an entry holds; `moments` says how."""
    return moment_of(row.get(key, ""), last=key == "valid_until")


def _clean(value: str) -> str:
    return normalise(value).strip()


def _language(declared: str, question: str) -> Language:
    """Return the declared language (`zh-TW` is `zh`), else the one the question is written in."""
    primary = declared.strip().lower().replace("_", "-").split("-")[0]
    return Language(primary) if primary in set(Language) else detect(question)
