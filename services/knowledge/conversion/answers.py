"""A document on its way from the converting process to the service, as JSON values.

The service takes nothing on trust: a file may have taken over the process that answers.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.knowledge.document import (
    Faq,
    FoundUnder,
    ParsedDocument,
    Passage,
    Scope,
    revision_of,
)
from services.language import Language, Span

HASH_BYTES = 32
"""Of SHA-256."""


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
        "found_under": [_under_to(under) for under in document.found_under],
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
    document = ParsedDocument(
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
        tuple(_under_from(*each) for each in answer["found_under"]),
    )  # fmt: skip
    if len(document.found_under) != document.text_count:
        raise ValueError("terms of other texts")
    return document


def _under_to(under: FoundUnder) -> tuple[str, str, str]:
    return under.terms, (under.question_hash or b"").hex(), (under.signature_hash or b"").hex()


def _under_from(terms: Any, question: Any, signature: Any) -> FoundUnder:
    hashes = [bytes.fromhex(each) or None for each in (question, signature)]
    if any(each and len(each) != HASH_BYTES for each in hashes):
        raise ValueError("no hash")
    return FoundUnder(str(terms), *hashes)


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
