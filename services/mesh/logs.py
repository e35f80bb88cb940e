"""Structured logs: one JSON object a line on standard output."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

_MAX_FRAMES = 20


def configure(service: str) -> None:
    """Send this process's logs to standard output as JSON, with the service's name on each line."""
    logging.basicConfig(level=logging.WARNING, handlers=[Libraries()], force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            describe_exception,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


class Libraries(logging.Handler):
    """What libraries log, as lines of ours.

    The first line of the text as it stands in the library's code, without the values that it would
    be filled with, for the reason that `describe_exception` gives.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        text = record.msg if isinstance(record.msg, str) else type(record.msg).__qualname__
        error = record.exc_info[1] if record.exc_info else None
        log = structlog.get_logger(record.name)
        log.log(record.levelno, text.partition("\n")[0], exc_info=error)


def describe_exception(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace `exc_info` by what is safe to keep: types, SQLSTATEs and places in the code.

    The text of an exception and the values of variables may hold a customer's words (a database
    names the offending row), so neither is logged.
    """
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception"] = [_describe(each) for each in _chain(error)]
    return event


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    return chain


def _describe(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_MAX_FRAMES:]
    described: dict[str, Any] = {
        "type": type(error).__qualname__,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if sqlstate := getattr(error, "sqlstate", None):
        described["sqlstate"] = sqlstate
    return described
