"""Word files and HTML pages become Markdown: what their authors wrote, and nothing around it."""

import docx
import pytest

from services.knowledge import markdown
from services.knowledge.conversion import html, office
from services.knowledge.conversion.limits import UnreadableFile
from tests.unit.knowledge.made_files import excel, repacked, word

TABLE = "| 地区 | 运费 |\n|---|---|\n| 北京 | 十二元 |"


def page(body: str, head: str = "") -> str:
    return html.markdown_of(f"<html><head>{head}</head><body>{body}</body></html>")


def add_table(document: docx.document.Document, *rows: tuple[str, ...]) -> None:
    table = document.add_table(len(rows), len(rows[0]))
    for line, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(line, column).text = text


def test_word_keeps_headings_lists_and_tables() -> None:
    """By their styles, as Word's own outline does."""

    def write(document: docx.document.Document) -> None:
        document.add_heading("售后手册", 0)
        document.add_heading("退货", 1)
        document.add_paragraph("十五天内可退。")
        document.add_paragraph("第一步", style="List Number")
        document.add_paragraph("第二步", style="List Number")
        document.add_paragraph("cash", style="List Bullet")
        document.add_heading("Fees", 2)
        document.add_paragraph("运费表", style="Caption")
        add_table(document, ("地区", "运费"), ("北京", "十二元"))

    text = office.convert(word(write)).text
    assert text == (
        "# 售后手册\n\n# 退货\n\n十五天内可退。\n\n1. 第一步\n2. 第二步\n\n- cash\n\n"
        f"## Fees\n\n运费表\n{TABLE}\n"
    )
    last = markdown.sections(text)[-1]
    assert [block.span.of(text) for block in last.blocks] == [f"运费表\n{TABLE}"]


def test_bold_lines_are_headings_where_there_are_no_others() -> None:
    """Many authors know no styles."""

    def write(document: docx.document.Document) -> None:
        document.add_paragraph().add_run("退货").bold = True
        document.add_paragraph("十五天内可退。")

    assert office.convert(word(write)).text == "## 退货\n\n十五天内可退。\n"


def test_merged_cells_say_their_words_in_each_row() -> None:
    """A row that is read alone is understood."""

    def write(document: docx.document.Document) -> None:
        add_table(document, ("地区", "运费"), ("北京", "十二元"), ("", "十元"))
        table = document.tables[0]
        table.cell(1, 0).merge(table.cell(2, 0))

    assert office.convert(word(write)).text.endswith("| 北京 | 十二元 |\n| 北京 | 十元 |\n")


def test_a_bomb_is_not_unpacked() -> None:
    """A file of 200 kilobytes may say it holds 200 megabytes."""
    content = repacked(word(id), {"word/document.xml": lambda part: b" " * (201 * 1024 * 1024)})
    assert len(content) < 1024 * 1024
    with pytest.raises(UnreadableFile, match=r"^too large unpacked: 201 MiB"):
        office.convert(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (excel(("a", [["b"]])), "wrongly named: the file is no .docx file; name it .xlsx"),
        (repacked(word(id), {})[:-100], "damaged: the file is cut off"),
    ],
)
def test_what_is_no_word_file_is_refused(content: bytes, reason: str) -> None:
    """With what it is instead."""
    with pytest.raises(UnreadableFile) as caught:
        office.convert(content)
    assert str(caught.value).startswith(reason)


def test_a_page_is_its_main_content() -> None:
    """Menus, scripts, forms and footers are found on every page and answer nothing."""
    text = page(
        "<header>ACME</header><nav><a href='/'>Home</a></nav><main>"
        "<header><h1>Returns</h1></header>"
        "<p>Fifteen days.</p><script>track()</script><aside>See also</aside>"
        "<div role='search'>find</div><p hidden>draft</p><form>mail</form></main>"
        "<footer>© ACME</footer>"
    )
    assert text == "# Returns\n\nFifteen days.\n"


def test_without_a_main_part_the_article_is_taken() -> None:
    """Where there is only one."""
    assert page("<div>menu</div><article><h2>A</h2>text</article>") == "## A\n\ntext\n"
    assert page("<article>one</article><article>two</article>") == "one\n\ntwo\n"


def test_a_page_without_headings_has_its_title() -> None:
    """It is what the page is found under."""
    assert page("<p>Fifteen days.</p>", "<title>Returns\n| ACME</title>") == (
        "# Returns | ACME\n\nFifteen days.\n"
    )


def test_lists_links_and_code() -> None:
    """Addresses stay where they lead out of the page; pictures do not."""
    text = page(
        "<ul><li>one<li>two<ul><li>in it</ul></ul><p>See <a href='https://a.example/b'>the form</a>"
        " or <a href='/c'>here</a>.<img src='d.png' alt='e'></p><pre>a  *b*</pre>"
    )
    assert text == (
        "- one\n- two\n  - in it\n\nSee [the form](https://a.example/b) or here.\n\n"
        "```\na  *b*\n```\n"
    )


def test_tables_of_a_page() -> None:
    """With caption, merged cells, and words that are marked in part."""
    text = page(
        "<p>Fees:</p><table><caption>运费 <b>表</b></caption>"
        "<tr><th rowspan=2>Area<th colspan=2>Fee</tr>"
        "<tr><td>a|b<td>c</tr><tr><td>北<b>京</b><td>1<br>2<td>3</tr></table>"
    )
    assert text == (
        "Fees:\n\n运费 表\n| Area | Fee | Fee |\n|---|---|---|\n| Area | a\\|b | c |\n"
        "| 北京 | 1 2 | 3 |\n"
    )


def test_tables_that_lay_out_a_page_are_none() -> None:
    """Old pages and mails are made of them."""
    text = page(
        "<table><tr><td><h2>A</h2><table><tr><td>b<td>c</tr><tr><td>d</table></td></tr></table>"
    )
    assert text == "## A\n\n| b | c |\n|---|---|\n| d |  |\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "big5"])
def test_a_page_names_its_encoding(encoding: str) -> None:
    """What the page says counts where it is not UTF-8."""
    name = encoding.removesuffix("-sig")
    content = f'<meta charset="{name}"><p>中文</p>'.encode(encoding)
    converted = html.convert(content)
    assert converted.text == "中文\n"
    assert bool(converted.notes) == (name != "utf-8")


def test_a_page_of_an_unknown_encoding_is_refused() -> None:
    """Names are checked as bytes are."""
    with pytest.raises(UnreadableFile, match=r"^not UTF-8"):
        html.convert(b'<meta charset="no-such"><p>caf\xe9 </p>')
