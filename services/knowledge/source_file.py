"""From the bytes of a file to a document, or to a reason that its owner can act on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from services.knowledge import csv_table, faq_files, markdown
from services.knowledge.chunking import passages
from services.knowledge.conversion.kinds import (
    CONVERTED,
    check_content,
    check_size,
    ending_of,
    unknown,
)
from services.knowledge.conversion.limits import MOST_TEXT, Converted, UnreadableFile
from services.knowledge.document import ParsedDocument, revision_of
from services.knowledge.front_matter import front_matter
from services.knowledge.text_encoding import decoded
from services.language import detect

__all__ = ["UnreadableFile", "check_path", "document_of", "read"]

TITLE_LENGTH = 300
"""Longest title in code points; with headings it still fits the contract's 500."""

_SAMPLE = 4096
"""Code points searched for the language of a whole document."""

_STRUCTURES: dict[str, Callable[[str], list[markdown.Section]]] = {
    ".md": markdown.sections,
    ".markdown": markdown.sections,
    ".txt": markdown.plain_sections,
}
_MARKDOWN = (".md", ".markdown")
_TEXT = (*_STRUCTURES, ".csv", ".jsonl")
_NAMED_BY_FILE = (".csv", ".xlsx")
"""Kinds whose headings are names of sheets, if any: no titles."""


def check_path(path: str) -> None:
    """Refuse a path that cannot be shown.

    Raises:
        UnreadableFile: it holds control characters.
    """
    if not path.isprintable() or not path.strip():
        raise UnreadableFile("the path holds control characters, or nothing else than blanks")


def read(path: str, content: bytes) -> ParsedDocument:
    """Read a text file; its path's ending says how.

    Args:
        path: Relative path, such as `zh/returns.md`.
        content: The file's bytes: UTF-8, with or without a byte order mark, or Chinese GB18030.

    Raises:
        UnreadableFile: it is empty, too large, binary, of another encoding or kind, malformed
            or without text.
    """
    ending = ending_of(path)
    if ending not in _TEXT:
        raise UnreadableFile(unknown(ending, (*_TEXT, *CONVERTED)))
    check_size(content, MOST_TEXT)
    check_content(ending, content)
    text, notes = decoded(content)
    if ending == ".jsonl":
        return _faq_document(path, content, lambda: faq_files.read_jsonl(text), notes)
    if ending == ".csv":
        if csv_table.is_faq(text):
            return _faq_document(path, content, lambda: faq_files.read_csv(text), notes)
        return document_of(path, content, Converted(csv_table.converted(text), notes))
    if ending in _MARKDOWN:
        return _authored(path, content, Converted(text, notes))
    return _document(path, content, Converted(text, notes), _STRUCTURES[ending])


def document_of(path: str, content: bytes, converted: Converted) -> ParsedDocument:
    """Make a document of a file that was converted.

    Args:
        path: As for `read`.
        content: The file's bytes.
        converted: Its text, or the rows of its FAQ sheet.

    Raises:
        UnreadableFile: it has no text, or a row is no FAQ.
    """
    rows = converted.faq_rows
    if rows is not None:
        return _faq_document(path, content, lambda: faq_files.read_rows(rows), converted.notes)
    return _document(path, content, converted, markdown.sections)


def _faq_document(
    path: str, content: bytes, read_file: Callable[[], faq_files.FaqFile], notes: tuple[str, ...]
) -> ParsedDocument:
    try:
        faq_file = read_file()
    except faq_files.MalformedLines as error:
        raise UnreadableFile(f"malformed: {error}") from None
    if not faq_file.faqs:
        raise UnreadableFile("no entries: the file has no question")
    return ParsedDocument(
        path,
        PurePosixPath(path).stem[:TITLE_LENGTH],
        faq_file.text,
        detect(faq_file.text[:_SAMPLE]),
        revision_of(content),
        faqs=faq_file.faqs,
        notes=notes,
    )


def _authored(path: str, content: bytes, converted: Converted) -> ParsedDocument:
    """Make a document of a Markdown file, whose author may have said more than its text."""
    front = front_matter(converted.text)
    body = Converted(converted.text[front.length :], (*converted.notes, *front.notes))
    document = _document(path, content, body, markdown.sections)
    title = front.title[:TITLE_LENGTH] or document.title
    return replace(document, title=title, scope=front.scope)


def _document(
    path: str,
    content: bytes,
    converted: Converted,
    sections: Callable[[str], list[markdown.Section]],
) -> ParsedDocument:
    text = converted.text
    structure = sections(text)
    found = tuple(passages(text, structure))
    if not found:
        raise UnreadableFile("no text: the file holds only headings, comments or blanks")
    title = PurePosixPath(path).stem
    if ending_of(path) not in _NAMED_BY_FILE:
        title = next((section.headings[0] for section in structure if section.headings), title)
    return ParsedDocument(
        path,
        title[:TITLE_LENGTH],
        text,
        detect(text[:_SAMPLE]),
        revision_of(content),
        passages=found,
        notes=converted.notes,
    )
