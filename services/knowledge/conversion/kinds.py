"""Which kinds of files there are, and whether a file is what its name says."""

import io
import zipfile
from pathlib import PurePosixPath

from services.knowledge.conversion.limits import MEBIBYTE, MOST_INFLATED, UnreadableFile

CONVERTED = (".pdf", ".docx", ".xlsx", ".html", ".htm")
"""Endings of the names of files that are converted."""

_OUTDATED = {
    ".doc": ".docx",
    ".dot": ".docx",
    ".rtf": ".docx",
    ".odt": ".docx",
    ".wps": ".docx",
    ".xls": ".xlsx",
    ".ods": ".xlsx",
    ".et": ".xlsx",
    ".ppt": ".pdf",
    ".pptx": ".pdf",
    ".xhtml": ".html",
    ".mhtml": ".html",
}
"""Kinds that are not read, with what the programs that write them can save instead."""

_SIGNATURES = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a packed file, as those of Word and Excel are",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "a file in the old format of Office",
}
_PDF, _PACKED, _OLD_OFFICE = _SIGNATURES.values()
_EXPECTED = {".pdf": _PDF, ".docx": _PACKED, ".xlsx": _PACKED}

_PDF_WITHIN = 1024
"""Readers find the beginning of a PDF behind so many bytes of anything else."""

_ENCRYPTED_PART = "EncryptedPackage".encode("utf-16-le")
_MAIN_PARTS = {".docx": "word/document.xml", ".xlsx": "xl/workbook.xml"}


def ending_of(path: str) -> str:
    """Return the ending that says what kind of file it is, in small letters, with its dot."""
    return PurePosixPath(path).suffix.lower()


def unknown(ending: str, known: tuple[str, ...]) -> str:
    """Say of an ending that is not read what to do."""
    if better := _OUTDATED.get(ending):
        return f"unknown kind of file: {ending} is not read; save it as {better}"
    return f"unknown kind of file: the name has to end in one of {', '.join(known)}"


def check_size(content: bytes, most: int) -> None:
    """Refuse a file that has nothing in it, or too much.

    Raises:
        UnreadableFile: it is empty or has more than `most` bytes.
    """
    if not content.strip():
        raise UnreadableFile("empty: the file has no content")
    if len(content) > most:
        raise UnreadableFile(
            f"too large: {len(content)} bytes, at most {most} are taken; split the file"
        )


def check_content(ending: str, content: bytes) -> None:
    """Refuse a file whose first bytes are those of another kind than its name's.

    Raises:
        UnreadableFile: it is of another kind, of an old one, or encrypted.
    """
    expected = _EXPECTED.get(ending)
    found = next((kind for start, kind in _SIGNATURES.items() if content.startswith(start)), None)
    if expected == _PDF and b"%PDF-" in content[:_PDF_WITHIN]:
        found = _PDF
    if found == expected:
        return
    if found == _OLD_OFFICE and expected == _PACKED and _ENCRYPTED_PART in content:
        raise UnreadableFile("encrypted: take the password off and import the file again")
    what = f"it is {found}" if found else "its content is something else, or its beginning is lost"
    raise UnreadableFile(f"wrongly named: the file is no {ending} file; {what}")


def check_package(ending: str, content: bytes) -> None:
    """Refuse a Word or Excel file that is another kind inside, or grows when it is unpacked.

    What an archive declares is what can be unpacked: `zipfile` stops at the declared size.

    Raises:
        UnreadableFile: it is damaged, of another kind, encrypted or too large unpacked.
    """
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise UnreadableFile("damaged: the file is cut off; export or send it again") from None
    inflated = sum(part.file_size for part in parts)
    if inflated > MOST_INFLATED:
        raise UnreadableFile(
            f"too large unpacked: {inflated // MEBIBYTE} MiB,"
            f" at most {MOST_INFLATED // MEBIBYTE} MiB are taken; split the file"
        )
    names = {part.filename for part in parts}
    if _MAIN_PARTS[ending] not in names:
        real = next((kind for kind, part in _MAIN_PARTS.items() if part in names), "")
        what = f"name it {real}" if real else "it is another packed file"
        raise UnreadableFile(f"wrongly named: the file is no {ending} file; {what}")
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableFile("encrypted: take the password off and import the file again")
