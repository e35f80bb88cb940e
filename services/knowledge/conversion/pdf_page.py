"""What stands on a page of a PDF: lines of text and tables, with their places and type sizes."""

import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from services.knowledge.conversion.pdf_tables import Box, Grid, grids

SOFT_HYPHEN = "\u00ad"
_HYPHENS = {"\x02": SOFT_HYPHEN, "\ufffe": SOFT_HYPHEN}
"""What PDFium writes for the hyphen at which a word is cut at the end of a line."""

_NO_CHARACTER = re.compile("[\0-\x08\x0b-\x1f\x7f\ufffd\ufffe\uffff\ud800-\udfff\ue000-\uf8ff]")
"""What stands for glyphs that a file does not say the characters of."""

_BOLD_WEIGHT = 600
_BOLD_NAMES = re.compile(rb"bold|black|heavy|simhei|-hei", re.IGNORECASE)
_FONT_NAME_BYTES = 128
_WIDE_GAP = 1.2
"""In ems: what is blank between columns at least, and between words at most."""

_SHORTEST_RULE = 5.0
_SLANT = 1.0
"""Points that a rule of a table is long at least, and off the straight at most."""

_OUTLINE = 0.5
"""Points; any width does."""

_MOST_SEGMENTS = 20_000
"""Strokes looked at on a page; a page with a drawing has more, and is read without tables."""


@dataclass(frozen=True, slots=True)
class Words:
    """A part of a line that stands apart from the others.

    Attributes:
        text: Its characters.
        left, right: Where it begins and ends.
    """

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text.

    Attributes:
        text: Its characters; a hyphen that cuts a word is U+00AD. PDFium joins the lines of such
            a word, so that this may be more than one.
        box: Its place.
        first, last: Height of the first and of the last character's baseline.
        end: Where its last character ends.
        size: Type size in points.
        bold: True where it begins and ends in bold type.
        words: Its parts, where wide gaps divide it; else it is its only one.
    """

    text: str
    box: Box
    first: float
    last: float
    end: float
    size: float
    bold: bool
    words: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        rows: For each cell the lines of its words.
    """

    rows: list[list[list[str]]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        height: In points.
        items: In the order of the file, which is that of reading but for furniture.
        unknown: Share of the glyphs whose character the file does not tell, in [0, 1].
    """

    height: float
    items: list[Line | Table]
    unknown: float = 0.0


@dataclass(slots=True)
class _Run:
    """Characters of a line that stand in one cell, or in none."""

    text: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


def read_page(page: pdfium.PdfPage) -> Page:
    """Read a page."""
    _widen(page)
    source = page.get_textpage()
    found = grids(list(_rules(page)))
    tables: dict[int, Table] = {}
    items: list[Line | Table] = []
    glyphs = unknown = 0
    for (table, cell), run in _runs(source, found):
        text = "".join(run.text)
        glyphs += len(text)
        unknown += len(_NO_CHARACTER.findall(text))
        run.text = [_NO_CHARACTER.sub("", character) for character in run.text]
        text = "".join(run.text).strip()
        if not text:
            continue
        if table is None:
            items.append(_line(source, text, run))
            continue
        if table not in tables:
            size = len(found[table].rows) - 1, len(found[table].columns) - 1
            tables[table] = Table([[[] for _ in range(size[1])] for _ in range(size[0])])
            items.append(tables[table])
        tables[table].rows[cell[0]][cell[1]].append(text)
    return Page(page.get_height(), items, unknown / glyphs if glyphs else 0.0)


def _widen(page: pdfium.PdfPage) -> None:
    """Give single characters a width, where their font is not in the file.

    PDFium leaves out text without a width, and knows none of a character whose shape it does not
    have: the 是 in a table's cell, set in a Chinese font of the system. An outline has a width; it
    counts when the text is placed anew.
    """
    for item in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_TEXT]):
        left, _, right, _ = item.get_bounds()
        if left == right:
            pdfium_c.FPDFTextObj_SetTextRenderMode(item, pdfium_c.FPDF_TEXTRENDERMODE_STROKE)
            pdfium_c.FPDFPageObj_SetStrokeWidth(item, _OUTLINE)
            pdfium_c.FPDFPageObj_TransformF(item, pdfium_c.FS_MATRIX(1, 0, 0, 1, 0, 0))


_Place = tuple[int | None, tuple[int, int]]
"""A table, or None outside of any, with the row and the column of a cell."""

_OUTSIDE: _Place = None, (0, 0)


def _runs(source: pdfium.PdfTextPage, found: list[Grid]) -> Iterator[tuple[_Place, _Run]]:
    """Cut the characters of a page at line ends, and in tables at the edges of cells."""
    run, at = _Run(), _OUTSIDE
    for place in range(pdfium_c.FPDFText_CountChars(source)):
        character = chr(pdfium_c.FPDFText_GetUnicode(source, place))
        character = _HYPHENS.get(character, character)
        if character in "\r\n":
            yield at, run
            run = _Run()
            continue
        box = _box(source, place)
        inside = _place(found, box)
        if inside != at and not character.isspace():
            yield at, run
            run, at = _Run(), inside
        run.text.append(character)
        run.boxes.append(box)
        run.places.append(place)
    yield at, run


def _place(found: list[Grid], box: Box) -> _Place:
    for number, grid in enumerate(found):
        if (cell := grid.cell(box)) is not None:
            return number, cell
    return _OUTSIDE


def _box(source: pdfium.PdfTextPage, place: int) -> Box:
    """Return the room that a character takes up in its line."""
    rectangle = pdfium_c.FS_RECTF()
    pdfium_c.FPDFText_GetLooseCharBox(source, place, rectangle)
    return Box(rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)


def _line(source: pdfium.PdfTextPage, text: str, run: _Run) -> Line:
    solid = [place for place, word in zip(run.places, run.text, strict=True) if not word.isspace()]
    samples = sorted({solid[0], solid[len(solid) // 2], solid[-1]})
    sizes = sorted(_size(source, place) for place in samples)
    box = Box(
        min(box.left for box in run.boxes),
        min(box.bottom for box in run.boxes),
        max(box.right for box in run.boxes),
        max(box.top for box in run.boxes),
    )
    bold = all(_is_bold(source, place) for place in samples)
    first, last = _baseline(source, solid[0]), _baseline(source, solid[-1])
    size = sizes[len(sizes) // 2]
    words = tuple(_words(run, _WIDE_GAP * size))
    return Line(text, box, first, last, run.boxes[-1].right, size, bold, words)


def _words(run: _Run, gap: float) -> Iterator[Words]:
    """Cut a line where more than `gap` points are blank."""
    text, left, right = "", 0.0, 0.0
    for character, box in zip(run.text, run.boxes, strict=True):
        if character.isspace():
            text += " "
            continue
        if text.strip() and box.left - right > gap:
            yield Words(text.strip(), left, right)
            text = ""
        if not text.strip():
            left = box.left
        text += character
        right = box.right
    yield Words(text.strip(), left, right)


def _baseline(source: pdfium.PdfTextPage, place: int) -> float:
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium_c.FPDFText_GetCharOrigin(source, place, x, y)
    return y.value


def _size(source: pdfium.PdfTextPage, place: int) -> float:
    """Return the type size of a character as it is shown."""
    matrix = pdfium_c.FS_MATRIX()
    pdfium_c.FPDFText_GetMatrix(source, place, matrix)
    return float(pdfium_c.FPDFText_GetFontSize(source, place) * math.hypot(matrix.c, matrix.d))


def _is_bold(source: pdfium.PdfTextPage, place: int) -> bool:
    """Say whether a character is bold: by its font, or drawn with an outline to look so."""
    if pdfium_c.FPDFText_GetFontWeight(source, place) >= _BOLD_WEIGHT:
        return True
    name, flags = ctypes.create_string_buffer(_FONT_NAME_BYTES), ctypes.c_int()
    pdfium_c.FPDFText_GetFontInfo(source, place, name, _FONT_NAME_BYTES, flags)
    if _BOLD_NAMES.search(name.value):
        return True
    mode = pdfium_c.FPDFTextObj_GetTextRenderMode(pdfium_c.FPDFText_GetTextObject(source, place))
    return bool(mode == pdfium_c.FPDF_TEXTRENDERMODE_FILL_STROKE)


def _rules(page: pdfium.PdfPage) -> Iterator[Box]:
    """Yield the straight strokes of a page, and the edges of its filled rectangles."""
    left = _MOST_SEGMENTS
    for shape in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_PATH], max_depth=1):
        matrix = shape.get_matrix()
        count = pdfium_c.FPDFPath_CountSegments(shape)
        left -= count
        if left < 0:
            return
        start = before = (0.0, 0.0)
        for number in range(count):
            segment = pdfium_c.FPDFPath_GetPathSegment(shape, number)
            x, y = ctypes.c_float(), ctypes.c_float()
            pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
            point = matrix.on_point(x.value, y.value)
            kind = pdfium_c.FPDFPathSegment_GetType(segment)
            if kind == pdfium_c.FPDF_SEGMENT_MOVETO:
                start = point
            elif kind == pdfium_c.FPDF_SEGMENT_LINETO:
                yield from _straight(before, point)
            if pdfium_c.FPDFPathSegment_GetClose(segment):
                yield from _straight(point, start)
            before = point


def _straight(one: tuple[float, float], other: tuple[float, float]) -> Iterator[Box]:
    """Yield a stroke where it may be a rule of a table."""
    (left, right), (bottom, top) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    width, height = right - left, top - bottom
    if width <= _SLANT and height >= _SHORTEST_RULE:
        yield Box(left, bottom, left, top)
    elif height <= _SLANT and width >= _SHORTEST_RULE:
        yield Box(left, top, right, top)
