"""A file becomes a document, or a reason that its owner can act on."""

import pytest

from services.knowledge.source_file import MAX_BYTES, UnreadableFile, check_path, read


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
        ("a.md", b"x" * (MAX_BYTES + 1), "too large"),
        ("a.md", b"a\0b", "binary"),
        ("a.md", b"fine\nwrong \x07", "binary: a control character in line 2"),
        ("a.md", "fine\n退货".encode("gb18030"), "not UTF-8: line 2"),
        ("a.md", "退货".encode("utf-16"), "not UTF-8"),
        ("a.pdf", b"%PDF-1.7", "unknown kind of file"),
        ("README", b"text", "unknown kind of file"),
        ("a.jsonl", b"{}", "malformed: line 1: no id"),
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
