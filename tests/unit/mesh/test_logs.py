"""Log lines are JSON, and say what failed without saying what anybody said."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import structlog

from services.mesh import logs

WORDS = "我的电话是13800138000"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Everything that was written so far."""
    output = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    monkeypatch.setattr("sys.stdout", output)
    logs.configure("intent")
    monkeypatch.undo()
    yield lambda: [json.loads(line) for line in output.getvalue().splitlines()]
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers, root.level = before


def failing(words: str) -> None:
    """Fail with a customer's words in the exception and in a local variable."""
    try:
        raise psycopg.errors.UniqueViolation(f"Key (text)=({words}) already exists")
    except psycopg.Error as error:
        raise ValueError(words) from error


def test_every_line_says_who_and_when(lines: Lines) -> None:
    """Service, level, time; debug is not written."""
    structlog.get_logger("test").info("serving", address="127.0.0.1:1")
    structlog.get_logger("test").debug("chatter")
    [line] = lines()
    assert (line["service"], line["level"], line["event"]) == ("intent", "info", "serving")
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_types_and_places(lines: Lines) -> None:
    """The whole chain with SQLSTATEs, without texts and without variables."""
    try:
        failing(WORDS)
    except ValueError as error:
        structlog.get_logger("test").error("unexpected", exc_info=error)
    [line] = lines()
    assert [each["type"] for each in line["exception"]] == ["ValueError", "UniqueViolation"]
    assert line["exception"][1]["sqlstate"] == "23505"
    assert line["exception"][0]["frames"][-1].endswith(" failing")
    assert "13800138000" not in json.dumps(line, ensure_ascii=False)


def test_an_exception_that_is_its_own_cause_ends(lines: Lines) -> None:
    """A circle in the chain is walked once."""
    first, second = ValueError("1"), KeyError("2")
    first.__context__, second.__context__ = second, first
    structlog.get_logger("test").error("unexpected", exc_info=first)
    [line] = lines()
    assert [each["type"] for each in line["exception"]] == ["ValueError", "KeyError"]


def test_libraries_log_lines_of_ours(lines: Lines) -> None:
    """What they would have filled in stays out, and so does an exception's text."""
    library = logging.getLogger("some.library")
    library.info("not so important")
    library.warning("slow query: %s", WORDS)
    try:
        failing(WORDS)
    except ValueError:
        library.exception("Task exception was never retrieved\nfuture: <%s>", WORDS)
    warning, error = lines()
    assert (warning["event"], warning["level"]) == ("slow query: %s", "warning")
    assert error["event"] == "Task exception was never retrieved"
    assert error["exception"][0]["type"] == "ValueError"
    assert "13800138000" not in str([warning, error])
