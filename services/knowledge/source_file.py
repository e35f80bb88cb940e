"""From the bytes of a file to a document, or to a reason that its owner can act on."""

import codecs
import re
from collections.abc import Callable
from pathlib import PurePosixPath

from services.knowledge import faq_files, markdown
from services.knowledge.chunking import passages
from services.knowledge.document import ParsedDocument, normalise, revision_of
from services.language import detect

MAX_BYTES = 3 * 1024 * 1024
"""Largest file; the contract's limit for one message of an import."""

TITLE_LENGTH = 300
"""Longest title in code points; with headings it still fits the contract's 500."""

# Control characters other than tab, line feed, form feed and carriage return do not occur in text.
_BINARY = re.compile("[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")

_SAMPLE = 4096
"""Code points searched for the language of a whole document."""

_STRUCTURES: dict[str, Callable[[str], list[markdown.Section]]] = {
    ".md": markdown.sections,
    ".markdown": markdown.sections,
    ".txt": markdown.plain_sections,
}
_FAQ_READERS: dict[str, Callable[[str], faq_files.FaqFile]] = {
    ".jsonl": faq_files.read_jsonl,
    ".csv": faq_files.read_csv,
}


class UnreadableFile(Exception):
    """A file that cannot be imported. `str()` says why and where, without quoting the file."""


def check_path(path: str) -> None:
    """Refuse a path that cannot be shown.

    Raises:
        UnreadableFile: it holds control characters.
    """
    if not path.isprintable() or not path.strip():
        raise UnreadableFile("the path holds control characters, or nothing else than blanks")


def read(path: str, content: bytes) -> ParsedDocument:
    """Read a file; its path's ending says how.

    Args:
        path: Relative path, such as `zh/returns.md`.
        content: The file's bytes: UTF-8, with or without a byte order mark.

    Raises:
        UnreadableFile: it is empty, too large, binary, not UTF-8, of an unknown kind, malformed
            or without text.
    """
    name = PurePosixPath(path)
    ending = name.suffix.lower()
    if ending not in _STRUCTURES and ending not in _FAQ_READERS:
        known = ", ".join((*_STRUCTURES, *_FAQ_READERS))
        raise UnreadableFile(f"unknown kind of file: the name has to end in one of {known}")
    text = _decoded(content)
    if ending in _FAQ_READERS:
        try:
            faq_file = _FAQ_READERS[ending](text)
        except faq_files.MalformedLines as error:
            raise UnreadableFile(f"malformed: {error}") from None
        if not faq_file.faqs:
            raise UnreadableFile("no entries: the file has no question")
        return ParsedDocument(
            path,
            name.stem[:TITLE_LENGTH],
            faq_file.text,
            detect(faq_file.text[:_SAMPLE]),
            revision_of(content),
            faqs=faq_file.faqs,
        )
    structure = _STRUCTURES[ending](text)
    found = tuple(passages(text, structure))
    if not found:
        raise UnreadableFile("no text: the file holds only headings, comments or blanks")
    title = next((section.headings[0] for section in structure if section.headings), name.stem)
    return ParsedDocument(
        path,
        title[:TITLE_LENGTH],
        text,
        detect(text[:_SAMPLE]),
        revision_of(content),
        passages=found,
    )


def _decoded(content: bytes) -> str:
    """Return the text of a file, normalised."""
    if not content.strip():
        raise UnreadableFile("empty: the file has no content")
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"too large: {len(content)} bytes, at most {MAX_BYTES} are taken")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableFile("not UTF-8: the file is UTF-16; save it as UTF-8")
    if b"\0" in content:
        raise UnreadableFile("binary: the file is not text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(
            f"not UTF-8: line {line}, byte {error.start}; save the file as UTF-8"
        ) from None
    if found := _BINARY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UnreadableFile(f"binary: a control character in line {line}; the file is not text")
    return normalise(text)
