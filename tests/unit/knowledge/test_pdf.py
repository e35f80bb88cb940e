"""A PDF becomes headings, paragraphs, lists and tables, without what is printed on every page."""

import pytest
from reportlab.pdfgen.canvas import Canvas

from services.knowledge.conversion import pdf_layout, pdf_tables
from services.knowledge.conversion.limits import MOST_PAGES, UnreadableFile
from services.knowledge.conversion.pdf import convert
from services.knowledge.conversion.pdf_page import SOFT_HYPHEN
from services.knowledge.conversion.pdf_tables import Box
from tests.unit.knowledge.made_files import (
    CHINESE_FONT,
    bullets,
    chinese,
    drawn_pdf,
    heading,
    paragraph,
    pdf,
    ruled,
)

PROSE = "Goods may be returned within fifteen days of receipt, unused and in their packing. "
TEXT = "您可以在签收后十五天内申请退货，商品必须未经使用，包装完好，并且附上购物小票。"


def blocks(content: bytes) -> list[str]:
    return convert(content).text.strip().split("\n\n")


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableFile) as caught:
        convert(content)
    return str(caught.value)


def test_headings_are_told_by_their_size() -> None:
    """The largest is the first level; lines of a paragraph are one again."""
    content = pdf(
        heading("Returns"),
        paragraph(PROSE * 4),
        heading("Exceptions", 2),
        paragraph("Gift cards are not taken back."),
    )
    assert blocks(content) == [
        "# Returns",
        (PROSE * 4).strip(),
        "## Exceptions",
        "Gift cards are not taken back.",
    ]


def test_bold_lines_are_headings_where_the_text_is_not_bold() -> None:
    """Below those of larger type; a bold sentence is none."""
    content = pdf(
        heading("Returns"),
        paragraph(PROSE * 4),
        paragraph("<b>Exceptions</b>"),
        paragraph(PROSE),
        paragraph("<b>This is important.</b>"),
    )
    assert blocks(content)[2] == "## Exceptions"
    assert blocks(content)[4] == "This is important."


def test_chinese_lines_are_joined_without_blanks() -> None:
    """A blank in the middle of a word would hide it from the search."""
    content = pdf(chinese("退货说明", 18), chinese(TEXT * 4), chinese("运费由买家承担。"))
    assert blocks(content) == ["# 退货说明", TEXT * 4, "运费由买家承担。"]


def test_indented_paragraphs_without_gaps_are_told_apart() -> None:
    """So are Chinese books set."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont(CHINESE_FONT, 10)
        for place, (left, line) in enumerate(
            [
                (80, "第一段的首行" * 6),
                (60, "第一段的次行到此为止。"),
                (80, "第二段的首行" * 6),
                (60, "完"),
            ]
        ):
            canvas.drawString(left, 700 - 15 * place, line)

    assert blocks(drawn_pdf(draw)) == [
        "第一段的首行" * 6 + "第一段的次行到此为止。",
        "第二段的首行" * 6 + "完",
    ]


def test_running_headers_footers_and_page_numbers_are_dropped() -> None:
    """They would stand in the middle of sentences, and be found by any search for the company."""

    def furniture(canvas: Canvas, page: int) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(60, 800, f"ACME manual, edition {page}")
        canvas.drawString(280, 40, f"- {page} -")

    content = pdf(*[paragraph(PROSE * 9)] * 8, furniture=furniture)
    text = convert(content).text
    assert text.count("Goods may") == 72
    assert "ACME" not in text
    assert "- 1 -" not in text


def test_lines_with_the_page_number_are_dropped() -> None:
    """Running headers that change with the chapter repeat too seldom to be told otherwise."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 10)
        number = canvas.getPageNumber()
        canvas.drawString(60, 800, f"{'Returns' if number < 3 else 'Fees'} {number + 6}")
        canvas.drawString(60, 700, f"Rule {number} has an exception 7")

    text = convert(drawn_pdf(draw, pages=4)).text
    assert "Returns" not in text
    assert "Fees" not in text
    assert text.count("Rule") == 4


def test_headings_at_the_top_of_pages_stay() -> None:
    """They look alike but for their number, as headers do."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica-Bold", 18)
        canvas.drawString(60, 790, f"Part {canvas.getPageNumber()}")
        canvas.setFont("Helvetica", 10)
        canvas.drawString(60, 700, f"{PROSE}")

    found = blocks(drawn_pdf(draw, pages=4))
    assert [block for block in found if block.startswith("#")] == [
        f"# Part {n}" for n in (1, 2, 3, 4)
    ]


def test_a_paragraph_goes_on_over_columns_and_pages() -> None:
    """Where the last line before ends no sentence."""
    content = pdf(paragraph(PROSE * 120), columns=2)
    assert blocks(content) == [(PROSE * 120).strip()]


def test_ruled_tables_are_tables() -> None:
    """With the words of each cell, also over several lines."""
    content = pdf(
        paragraph("Table 1: sizes"),
        ruled(
            [["尺码", "脚长", "Note"], ["三码", "24.5", "a | b"], ["四码", "25.5", "two\nlines"]]
        ),
        paragraph(PROSE),
    )
    assert blocks(content)[1] == (
        "| 尺码 | 脚长 | Note |\n|---|---|---|\n| 三码 | 24.5 | a \\| b |\n"
        "| 四码 | 25.5 | two lines |"
    )


def test_single_characters_are_read() -> None:
    """Also where their font is not in the file, so that nobody knows how wide they are."""
    [table] = blocks(pdf(ruled([["商品", "支持"], ["耳机", "是"]])))
    assert table.endswith("| 耳机 | 是 |")


def lines_of(rows: list[list[tuple[float, str]]]) -> bytes:
    """A page of lines, each of texts at their places from the left."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont(CHINESE_FONT, 10)
        for place, row in enumerate(rows):
            for left, text in row:
                canvas.drawString(left, 700 - 14 * place, text)

    return drawn_pdf(draw)


def test_tables_without_rules_are_told_by_their_columns() -> None:
    """Numbers stand at the right of a column, words at its left."""
    rows = [
        [(60, "商品"), (200, "Price"), (300, "Note")],
        [(60, "耳机 黑色"), (210, "199"), (300, "new")],
        [(60, "音箱"), (205, "1299"), (300, "last one")],
    ]
    assert blocks(lines_of([*rows, [(60, "含税。")]])) == [
        "| 商品 | Price | Note |\n|---|---|---|\n"
        "| 耳机 黑色 | 199 | new |\n| 音箱 | 1299 | last one |",
        "含税。",
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [[(60, "商品"), (200, "Price")], [(60, "耳机"), (200, "199")]],
        [[(60, PROSE[:40]), (330, PROSE[40:78])] for _ in range(5)],
        [[(60, f"{number}."), (90, "open it")] for number in (1, 2, 3)],
        [[(60, "a b"), (120 + 60 * number, "c d")] for number in (1, 2, 3)],
    ],
    ids=["two lines", "prose in columns", "a list", "words apart"],
)
def test_what_only_stands_apart_is_no_table(rows: list[list[tuple[float, str]]]) -> None:
    """Two lines, prose in columns, a list, words here and there."""
    assert "|---|" not in convert(lines_of(rows)).text


def test_a_table_goes_on_over_pages() -> None:
    """Its header is there once, however often it is printed."""
    rows = [["Code", "Price"], *[[f"PPR-{n}", f"{n}.00"] for n in range(100)]]
    [table] = blocks(pdf(ruled(rows)))
    assert table.count("\n") == 101


def test_list_items_stand_alone() -> None:
    """Bullets become Markdown's; numbers stay."""
    content = pdf(
        paragraph(PROSE), bullets("cash", "card"), paragraph("1. open"), paragraph("（2）关")
    )
    assert blocks(content)[1:4] == ["- cash", "- card", "1. open"]


def test_words_cut_at_line_ends_are_whole() -> None:
    """Also where the hyphen is a plain one."""
    assert (
        pdf_layout.joined([f"pack{SOFT_HYPHEN}", "ing is custom-", "ary"]) == "packing is customary"
    )
    assert pdf_layout.joined(["PPR-", "9087 退", "货", "a"]) == "PPR- 9087 退货 a"


def test_what_looks_like_markup_is_text() -> None:
    """A # in a PDF is just a sign."""
    content = pdf(paragraph(PROSE * 2), paragraph("# 5 is the way."))
    assert blocks(content)[1] == "\\# 5 is the way."


def test_tables_of_contents_are_left_out() -> None:
    """They lead to pages that are none any more."""
    content = pdf(paragraph("Returns ........................ 12"), paragraph(PROSE))
    assert blocks(content) == [PROSE.strip()]


def test_a_frame_or_an_underline_is_no_table() -> None:
    """Two rows and two columns are the least."""
    frame = [Box(0, 0, 100, 0), Box(0, 50, 100, 50), Box(0, 0, 0, 50), Box(100, 0, 100, 50)]
    assert pdf_tables.grids(frame) == []
    assert pdf_tables.grids([Box(0, 0, 100, 0)]) == []


def test_two_tables_on_a_page_are_two() -> None:
    """Rules that do not meet belong to different tables."""

    def table(bottom: float) -> list[Box]:
        flat = [Box(0, bottom + y, 90, bottom + y) for y in (0, 20, 40)]
        return flat + [Box(x, bottom, x, bottom + 40) for x in (0, 30, 90)]

    found = pdf_tables.grids([*table(0), *table(100)])
    assert sorted(grid.rows[0] for grid in found) == [0, 100]
    assert {grid.columns for grid in found} == {(0, 30, 90)}


def test_scanned_pages_need_ocr() -> None:
    """Their owner hears what to do; a page number is no text."""

    def draw(canvas: Canvas) -> None:
        canvas.rect(100, 100, 300, 300, fill=1)
        canvas.drawString(280, 40, str(canvas.getPageNumber()))

    said = refusal(drawn_pdf(draw, pages=3))
    assert said == "no text: none on 3 pages; if they are scanned pictures, run OCR first"


def test_single_pages_without_text_are_noted() -> None:
    """The rest is read, and nobody thinks it is all."""

    def draw(canvas: Canvas) -> None:
        if canvas.getPageNumber() != 2:
            canvas.drawString(60, 700, PROSE)

    assert convert(drawn_pdf(draw, pages=3)).notes == (
        "pages without readable text: 2; pictures need OCR",
    )


def test_an_encrypted_pdf_is_refused() -> None:
    """Nobody guesses the password."""
    content = drawn_pdf(lambda canvas: canvas.drawString(60, 700, PROSE), password="secret")
    assert refusal(content).startswith("encrypted: take the password off")


@pytest.mark.parametrize("content", [b"%PDF-1.7\n", b"%PDF-1.7\n" + b"[" * 100_000])
def test_a_damaged_pdf_is_refused(content: bytes) -> None:
    """Whatever is wrong inside."""
    assert refusal(content).startswith("damaged:")


def test_too_many_pages_are_refused() -> None:
    """Before any is read."""
    content = drawn_pdf(lambda canvas: None, pages=MOST_PAGES + 1)
    assert refusal(content).startswith(f"too many pages: {MOST_PAGES + 1}")
