"""A file becomes a document, or a reason that its owner can act on."""

import pytest

from services.knowledge.conversion.limits import MOST_TEXT
from services.knowledge.source_file import UnreadableFile, check_path, read


def refusal(path: str, content: bytes) -> str:
    with pytest.raises(UnreadableFile) as caught:
        read(path, content)
    return str(caught.value)


def test_markdown_is_read() -> None:
    """Title, language, revision and passages come out of the bytes."""
    document = read("zh/returns.md", "# 退货\n\n十五天内可以退货。\n".encode())
    assert (document.title, document.language, len(document.passages)) == ("退货", "zh", 1)
    assert len(document.revision) == 64
    assert document.faqs == ()


def test_without_a_heading_the_name_is_the_title() -> None:
    """A document always has a title."""
    assert read("a/notes.txt", b"just text").title == "notes"


def test_text_is_stored_composed_with_plain_line_ends() -> None:
    """Spans count NFC code points, however the file was saved."""
    document = read("a.md", b"\xef\xbb\xbf# A\r\n\r\ncafe\xcc\x81\r")
    assert document.text == "# A\n\ncafé\n"
    [passage] = document.passages
    assert passage.span.of(document.text) == "café"


@pytest.mark.parametrize("path", ["a.MD", "a.markdown", "a.TXT"])
def test_endings_are_read_in_any_case(path: str) -> None:
    """Windows likes capitals."""
    assert read(path, b"text").passages


def test_an_faq_file_has_faqs_and_no_passages() -> None:
    """Its text shows the entries."""
    document = read("faq.jsonl", '{"id":"1","question":"问","answer":"答"}'.encode())
    assert (document.title, document.text, len(document.faqs)) == ("faq", "问\n答", 1)


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("a.md", b"", "empty"),
        ("a.md", b" \n\t", "empty"),
        ("a.md", b"# Only a heading\n", "no text"),
        ("a.md", b"x" * (MOST_TEXT + 1), "too large"),
        ("a.md", b"a\0b", "binary"),
        ("a.md", b"fine\nwrong \x07", "binary: a control character in line 2"),
        ("a.md", "fine\n退货".encode("gb18030"), "not UTF-8: line 2"),
        ("a.md", "退货".encode("utf-16"), "not UTF-8"),
        ("a.odt", b"text", "unknown kind of file: .odt is not read; save it as .docx"),
        ("a.md", b"%PDF-1.7", "wrongly named: the file is no .md file; it is a PDF"),
        ("README", b"text", "unknown kind of file"),
        ("a.jsonl", b"{}", "malformed: line 1: no question"),
        ("a.csv", b"id,question,answer\n", "no entries"),
    ],
)
def test_a_bad_file_gets_its_reason(path: str, content: bytes, reason: str) -> None:
    """Each kind of damage has words of its own, with the place where there is one."""
    assert refusal(path, content).startswith(reason)


def test_a_reason_never_quotes_the_file() -> None:
    """Documents may be confidential, and reasons are shown and logged."""
    assert "secret" not in refusal("a.jsonl", b'{"secret": 1')


@pytest.mark.parametrize("path", ["a\0.md", "a\n.md", "  ", "a\u202e.md"])
def test_a_path_that_cannot_be_shown_is_refused(path: str) -> None:
    """Control characters and direction marks hide what a list shows."""
    with pytest.raises(UnreadableFile):
        check_path(path)


def test_chinese_paths_and_blanks_are_fine() -> None:
    """People name files in their language."""
    check_path("知识库/退货 说明.md")


CHINESE = "本店支持七天无理由退货，请您在收到商品后联系客服。\n运费由买家承担。\n"


def test_certain_chinese_is_read_with_a_note() -> None:
    """Old editors save GBK; such a file is not sent back, its owner hears of it."""
    document = read("a.txt", CHINESE.encode("gb18030"))
    assert (document.text, document.notes) == (
        CHINESE,
        ("the file is not UTF-8; it was read as GB18030 (GBK)",),
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größe und Länge, schöne Grüße aus Köln und Düsseldorf", "latin-1"),
        ("고객님께서 주문하신 상품은 내일 배송될 예정입니다. 감사합니다.", "euc-kr"),
        ("ご注文ありがとうございます。商品は明日お届けします。", "shift_jis"),
        ("ご注文ありがとうございます。商品は明日お届けします。", "euc_jp"),
        ("本店支援七天無理由退貨，請您在收到商品後聯絡客服。", "big5"),
        ("退货", "gb18030"),
    ],
)
def test_what_is_not_certain_is_sent_back(text: str, encoding: str) -> None:
    """Any bytes are some characters in GB18030; garbage must not be answered from."""
    assert refusal("a.txt", text.encode(encoding)).startswith("not UTF-8: line 1")


def test_csv_without_the_columns_of_an_faq_is_a_table() -> None:
    """A price list is found row by row, under the names of its columns."""
    document = read("prices.csv", "商品;价格\n耳机;199,00\n".encode())
    assert document.text == "| 商品 | 价格 |\n|---|---|\n| 耳机 | 199,00 |\n"
    assert (document.title, document.faqs, len(document.passages)) == ("prices", (), 1)


def test_a_long_table_is_cut_under_its_header() -> None:
    """No row is read without the names of its columns."""
    rows = "".join(f"耳机{number},一百九十九元,黑色白色银色\n" for number in range(200))
    document = read("prices.csv", f"商品,价格,颜色\n{rows}".encode())
    assert len(document.passages) > 5
    assert all(p.text.startswith("| 商品 | 价格 | 颜色 |") for p in document.passages)
    assert sum(p.text.count("耳机") for p in document.passages) == 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'a,b\n"open,1\n', "malformed: not CSV"),
        (b"a,b\n" + b"1,2\n" * 50_000, "too many rows: 50001"),
        (b",,\n,,\n", "no text"),
    ],
)
def test_a_bad_table_gets_its_reason(content: bytes, reason: str) -> None:
    """As every file."""
    assert refusal("a.csv", content).startswith(reason)
