"""A document on its way from the converting process to the service, as JSON values.

The service takes nothing on trust: a file may have taken over the process that answers.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.knowledge.document import Faq, ParsedDocument, Passage, Scope, revision_of
from services.language import Language, Span


def written(document: ParsedDocument) -> dict[str, Any]:
    """Write a document; texts of passages are left to their spans."""
    return {
        "title": document.title,
        "text": document.text,
        "language": document.language,
        "passages": [
            [passage.headings, *_span_to(passage.span), passage.language]
            for passage in document.passages
        ],
        "faqs": [_faq_to(faq) for faq in document.faqs],
        "notes": document.notes,
        "scope": [
            dict(document.scope.metadata),
            _moment_to(document.scope.valid_from),
            _moment_to(document.scope.valid_until),
        ],
    }


def read(path: str, content: bytes, answer: Mapping[str, Any]) -> ParsedDocument:
    """Read a document.

    Args:
        path: The file's path.
        content: The file.
        answer: What `written` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is no document.
    """
    text = str(answer["text"])
    metadata, start, end = answer["scope"]
    return ParsedDocument(
        path,
        str(answer["title"]),
        text,
        Language(answer["language"]),
        revision_of(content),
        tuple(_passage_from(text, *each) for each in answer["passages"]),
        tuple(_faq_from(text, each) for each in answer["faqs"]),
        _texts(answer["notes"]),
        Scope({str(key): str(value) for key, value in metadata.items()},
              _moment_from(start), _moment_from(end)),
    )  # fmt: skip


def _faq_to(faq: Faq) -> dict[str, Any]:
    return {
        "faq_id": faq.faq_id, "language": faq.language, "question": faq.question,
        "variants": faq.variants, "answer": faq.answer, "tags": faq.tags,
        "span": _span_to(faq.span), "valid_from": _moment_to(faq.valid_from),
        "valid_until": _moment_to(faq.valid_until),
    }  # fmt: skip


def _faq_from(text: str, said: Mapping[str, Any]) -> Faq:
    return Faq(
        str(said["faq_id"]), Language(said["language"]), str(said["question"]),
        _texts(said["variants"]), str(said["answer"]), _texts(said["tags"]),
        _span_from(text, *said["span"]),
        _moment_from(said["valid_from"]), _moment_from(said["valid_until"]),
    )  # fmt: skip


def _passage_from(text: str, headings: Any, start: Any, end: Any, language: Any) -> Passage:
    span = _span_from(text, start, end)
    return Passage(_texts(headings), span.of(text), span, Language(language))


def _span_to(span: Span) -> tuple[int, int]:
    return span.start, span.end


def _span_from(text: str, start: Any, end: Any) -> Span:
    if not 0 <= int(start) <= int(end) <= len(text):
        raise ValueError("a span outside of the text")
    return Span(int(start), int(end))


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(map(str, values))


def _moment_to(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _moment_from(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
