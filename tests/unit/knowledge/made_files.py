"""Real files for the tests, made by the libraries that make them elsewhere."""

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence

import docx
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    PageTemplate,
    Paragraph,
    Table,
)

CHINESE_FONT = "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(CHINESE_FONT))

_STYLES = getSampleStyleSheet()
_CHINESE = ParagraphStyle("zh", fontName=CHINESE_FONT, fontSize=10, leading=14, wordWrap="CJK")


def heading(text: str, level: int = 1) -> Flowable:
    """A heading in large bold type."""
    return Paragraph(text, _STYLES[f"Heading{level}"])


def paragraph(text: str) -> Flowable:
    """Lines of 10 points; `<b>` marks bold."""
    return Paragraph(text, _STYLES["BodyText"])


def chinese(text: str, size: float = 10) -> Flowable:
    """Chinese lines."""
    return Paragraph(text, ParagraphStyle("", _CHINESE, fontSize=size, leading=1.4 * size))


def bullets(*items: str) -> Flowable:
    """A list."""
    return ListFlowable([paragraph(item) for item in items], bulletType="bullet", start="•")


def ruled(rows: Sequence[Sequence[str]]) -> Flowable:
    """A table with all its rules."""
    style = [("GRID", (0, 0), (-1, -1), 0.5, "black"), ("FONTNAME", (0, 0), (-1, -1), CHINESE_FONT)]
    return Table(rows, style=style)


def pdf(
    *story: Flowable,
    columns: int = 1,
    furniture: Callable[[Canvas, int], None] = lambda canvas, page: None,
) -> bytes:
    """A PDF; `furniture` draws what stands on each page, given its number."""
    out = io.BytesIO()
    width, height = A4
    frames = [
        Frame(60 + n * (width - 100) / columns, 80, (width - 120) / columns, height - 180)
        for n in range(columns)
    ]
    document = BaseDocTemplate(out, pagesize=A4)
    draw = PageTemplate("all", frames, onPage=lambda canvas, doc: furniture(canvas, doc.page))
    document.addPageTemplates([draw])
    document.build(list(story))
    return out.getvalue()


def drawn_pdf(draw: Callable[[Canvas], None], pages: int = 1, password: str = "") -> bytes:
    """A PDF, each page of which `draw` draws."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, encrypt=password or None)
    for _ in range(pages):
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def word(write: Callable[[docx.document.Document], object]) -> bytes:
    """A .docx file that `write` fills."""
    document = docx.Document()
    write(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def excel(
    *sheets: tuple[str, Iterable[Sequence[object]]], change: Callable[[Worksheet], object] = id
) -> bytes:
    """An .xlsx file of sheets, each a name with its rows; `change` works on the first."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets:
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    change(workbook.worksheets[0])
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def repacked(content: bytes, changes: dict[str, Callable[[bytes], bytes]]) -> bytes:
    """A packed file with other parts."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, changes.get(name, bytes)(source.read(name)))
    return out.getvalue()
