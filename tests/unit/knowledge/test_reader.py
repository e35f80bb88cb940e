"""Files of all kinds become documents, or get reasons that their owners can act on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from services.knowledge.conversion.limits import Limits, UnreadableFile
from services.knowledge.conversion.reader import FileReader
from tests.unit.knowledge.made_files import chinese, excel, heading, pdf, word

OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512


@pytest.fixture
async def reader() -> AsyncIterator[FileReader]:
    """A reader, for files of 100,000 bytes at the most."""
    reader = FileReader(Limits(max_bytes=100_000))
    yield reader
    await reader.close()


async def test_spans_lead_into_the_converted_text(reader: FileReader) -> None:
    """It is what is stored, shown and cited."""
    content = pdf(heading("Returns"), chinese("十五天内可以退货。"))
    document = await reader.read("zh/manual.pdf", content)
    [passage] = document.passages
    assert (document.title, document.language, passage.headings) == ("Returns", "zh", ("Returns",))
    assert passage.span.of(document.text) == passage.text == "十五天内可以退货。"


async def test_text_files_are_read_too(reader: FileReader) -> None:
    """By the same call."""
    assert (await reader.read("a.md", b"# A\n\ntext")).title == "A"


async def test_a_workbook_has_the_name_of_its_file(reader: FileReader) -> None:
    """Sheet1 is no title."""
    document = await reader.read("prices.xlsx", excel(("Sheet1", [["a", "b"], ["c", "d"]])))
    assert (document.title, document.passages[0].headings) == ("prices", ("Sheet1",))


async def test_an_faq_workbook_has_faqs(reader: FileReader) -> None:
    """As an FAQ file in CSV."""
    rows = [
        ["question", "answer", "variants", "valid_from"],
        ["怎么退货？", "申请。", "如何退货", datetime(2026, 1, 31)],
    ]
    document = await reader.read("faq.xlsx", excel(("FAQ", rows)))
    [faq] = document.faqs
    assert (faq.questions, faq.valid_from) == (
        ("怎么退货？", "如何退货"),
        datetime(2026, 1, 31, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("a.pdf", b"", "empty: the file has no content"),
        ("a.pdf", b"%PDF-" + b"x" * 100_000, "too large: 100005 bytes, at most 100000 are taken"),
        ("a.pdf", b"text", "wrongly named: the file is no .pdf file; its content is"),
        ("a.docx", b"%PDF-1.7", "wrongly named: the file is no .docx file; it is a PDF"),
        ("a.html", b"%PDF-1.7", "wrongly named: the file is no .html file; it is a PDF"),
        ("a.docx", OLD_OFFICE, "wrongly named: the file is no .docx file; it is a file in the old"),
        ("a.xlsx", OLD_OFFICE + "EncryptedPackage".encode("utf-16-le"), "encrypted: take the"),
        ("a.doc", OLD_OFFICE, "unknown kind of file: .doc is not read; save it as .docx"),
        ("a.zip", b"PK\x03\x04", "unknown kind of file: the name has to end in one of .md,"),
        ("a.txt", b"PK\x03\x04\0", "wrongly named: the file is no .txt file; it is a packed file"),
        ("a.xlsx", word(id), "wrongly named: the file is no .xlsx file; name it .docx"),
        ("a.docx", word(id), "no text: the file holds only headings, comments or blanks"),
        ("a.xlsx", excel(("S", [["question", "answer"], [], ["", "A"]])), "malformed: row 3: no"),
        ("a.xlsx", excel(("S", [["question", "answer"]])), "no entries: the file has no question"),
    ],
)  # fmt: skip
async def test_a_bad_file_gets_its_reason(
    reader: FileReader, path: str, content: bytes, reason: str
) -> None:
    """Each kind of damage has words of its own."""
    with pytest.raises(UnreadableFile) as caught:
        await reader.read(path, content)
    assert str(caught.value).startswith(reason)
