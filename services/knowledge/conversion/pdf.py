"""PDF files as Markdown."""

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from services.knowledge.conversion.limits import MOST_PAGES, Converted, UnreadableFile
from services.knowledge.conversion.pdf_layout import markdown_of
from services.knowledge.conversion.pdf_page import Line, Page, read_page

_MOST_UNKNOWN = 0.2
"""Share of glyphs without a character from which on a page is not readable."""

_LEAST_TEXT = 8
"""Characters that a page with text has at least; less is a number or a stamp on a scan."""


def convert(content: bytes) -> Converted:
    """Read a PDF: its text with headings, lists and tables; no pictures.

    Raises:
        UnreadableFile: it is encrypted, damaged, too long, or without text.
    """
    document = _opened(content)
    count = len(document)
    if count > MOST_PAGES:
        raise UnreadableFile(f"too many pages: {count}, at most {MOST_PAGES} are taken; split it")
    pages: list[Page] = []
    unreadable: list[str] = []
    for number in range(count):
        try:
            source = document[number]
        except pdfium.PdfiumError:
            unreadable.append(str(number + 1))
            continue
        page = read_page(source)
        # PDFium keeps what it read of a page until it is closed.
        source.close()
        if page.unknown > _MOST_UNKNOWN or not _has_text(page):
            unreadable.append(str(number + 1))
        if page.unknown <= _MOST_UNKNOWN:
            pages.append(page)
    text = markdown_of(pages)
    if len(unreadable) == count or not text.strip():
        raise UnreadableFile(
            f"no text: none on {count} page{'s' * (count > 1)}; if they are scanned pictures,"
            " run OCR first"
        )
    notes = (_missing(unreadable),) if unreadable else ()
    return Converted(text, notes)


def _opened(content: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
            raise UnreadableFile(
                "encrypted: take the password off and import the file again"
            ) from None
        raise UnreadableFile("damaged: the PDF cannot be opened; export or send it again") from None


def _has_text(page: Page) -> bool:
    """Say whether more than a number or a stamp stands on a page."""
    words = sum(len(item.text) if isinstance(item, Line) else _LEAST_TEXT for item in page.items)
    return words >= _LEAST_TEXT


def _missing(pages: list[str]) -> str:
    """Say which pages gave no text."""
    most = 20
    more = f" and {len(pages) - most} more" if len(pages) > most else ""
    return f"pages without readable text: {', '.join(pages[:most])}{more}; pictures need OCR"
