"""A file may cost its own place in an import, and nothing else."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.knowledge.conversion import answers, process
from services.knowledge.conversion.converter import Converter
from services.knowledge.conversion.limits import MEBIBYTE, Limits, UnreadableFile
from services.knowledge.document import revision_of
from services.knowledge.indexing import indexed
from tests.unit.knowledge.made_files import excel, repacked, word

PAGE = b"<h1>Returns</h1><p>Fifteen days.</p>"
TEXT = "# Returns\n\nFifteen days.\n"


@asynccontextmanager
async def converting(**limits: float) -> AsyncIterator[Converter]:
    converter = Converter(Limits(**limits))
    try:
        yield converter
    finally:
        await converter.close()


async def refusal(converter: Converter, path: str, content: bytes) -> str:
    with pytest.raises(UnreadableFile) as caught:
        await converter.read(path, content)
    return str(caught.value)


async def ended(pid: int) -> None:
    """Wait until a process has ended."""
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.pidfd_open(pid)
    loop.add_reader(descriptor, gone.set)
    await gone.wait()
    loop.remove_reader(descriptor)
    os.close(descriptor)


def environment(converter: Converter) -> bytes:
    """The variables of the process, each with a NUL after it."""
    return Path(f"/proc/{converter.pid}/environ").read_bytes()


def slow_sheet() -> bytes:
    """A workbook of some kilobytes with merged cells for hours of work."""
    ranges = (
        b'<mergeCells><mergeCell ref="A1:B1048576"/>' + b'<mergeCell ref="A1:B1048576"/>' * 9999
    )
    part = "xl/worksheets/sheet1.xml"
    return repacked(
        excel(("S", [["a", "b"], ["c", "d"]])),
        {
            part: lambda xml: xml.replace(
                b"</sheetData>", b"</sheetData>" + ranges + b"</mergeCells>"
            )
        },
    )


async def test_one_process_converts_file_after_file() -> None:
    """It starts with the first."""
    async with converting() as converter:
        assert converter.pid is None
        assert (await converter.read("a.html", PAGE)).text == TEXT
        pid = converter.pid
        results = await asyncio.gather(*(converter.read("a.htm", PAGE) for _ in range(5)))
        assert [result.text for result in results] == [TEXT] * 5
        assert converter.pid == pid
    assert converter.pid is None


async def test_whatever_a_document_holds_arrives() -> None:
    """As it is read in one process."""
    rows = [["编号", "问题", "答案", "相似问", "标签", "生效", "失效"],
            ["a", "怎么退货？", "申请。", "退货流程|如何退货", "退货", "2026/1/31", "2026-12-31"],
            ["b", "无公式", "=1+1", "", "", "", ""]]  # fmt: skip
    table = excel(("FAQ", rows[:2]), ("S", [["a"]]))
    said = "---\ntitle: T\nmetadata: {region: cn}\nvalid_from: 2026-01-31\n---\n"
    page = f"{said}# A\n\none\n\n## B\n\n二"
    async with converting() as converter:
        for path, content in (("a.xlsx", table), ("a.md", page.encode()), ("a.html", PAGE)):
            arrived = await converter.read(path, content)
            assert arrived == indexed(process._read(path, content))
            assert arrived.revision == revision_of(content)
        assert "no answer" in await refusal(converter, "a.xlsx", excel(("FAQ", rows)))


@pytest.mark.parametrize(
    "change",
    [
        {"text": "short"},
        {"language": "klingon"},
        {"passages": [[["A"], -1, 5, "zh"]]},
        {"passages": [["A"]]},
        {"scope": None},
        {"faqs": [{}]},
        {"found_under": []},
        {"found_under": [["terms", "00", ""]]},
    ],
)
def test_what_is_no_document_is_not_believed(change: dict[str, object]) -> None:
    """A file may have taken over the process that answers."""
    answer = answers.written(indexed(process._read("a.html", PAGE)))
    assert answers.read("a.html", PAGE, answer).text == TEXT
    with pytest.raises((KeyError, TypeError, ValueError)):
        answers.read("a.html", PAGE, answer | change)


async def test_a_file_that_takes_too_long_fails_alone() -> None:
    """The process ends, another reads the next file."""
    async with converting(seconds=1) as converter:
        await converter.read("a.html", PAGE)
        pid = converter.pid
        assert (await refusal(converter, "a.xlsx", slow_sheet())) == (
            "took too long: not read in 1 seconds; split the file"
        )
        assert (await converter.read("a.html", PAGE)).text == TEXT
        assert converter.pid != pid


async def test_a_file_that_takes_too_much_memory_fails_alone() -> None:
    """A million empty paragraphs are hundreds of megabytes of objects."""
    bomb = repacked(
        word(id),
        {
            "word/document.xml": lambda part: part.replace(
                b"<w:sectPr", b"<w:p/>" * 1_000_000 + b"<w:sectPr"
            )
        },
    )
    assert len(bomb) < MEBIBYTE
    async with converting(memory_bytes=300 * MEBIBYTE) as converter:
        said = await refusal(converter, "a.docx", bomb)
        assert said == "too much memory: reading takes more than 300 MiB; split the file"
        assert (await converter.read("a.html", PAGE)).text == TEXT


async def test_a_file_that_takes_the_process_down_fails_alone() -> None:
    """As a fault in a library does."""
    async with converting() as converter:
        await converter.read("a.html", PAGE)
        assert converter.pid is not None
        reading = asyncio.create_task(refusal(converter, "a.xlsx", slow_sheet()))
        # The file is on its way when the task first waits.
        await asyncio.sleep(0)
        os.kill(converter.pid, signal.SIGSEGV)
        assert (await reading).startswith("damaged: reading broke down")
        assert (await converter.read("a.html", PAGE)).text == TEXT


async def test_a_process_that_ended_meanwhile_costs_no_file() -> None:
    """The kernel takes whom it likes when memory is short."""
    async with converting() as converter:
        await converter.read("a.html", PAGE)
        assert converter.pid is not None
        gone = asyncio.create_task(ended(converter.pid))
        await asyncio.sleep(0)
        os.kill(converter.pid, signal.SIGKILL)
        await gone
        assert (await converter.read("a.html", PAGE)).text == TEXT


async def test_a_cancelled_file_does_not_answer_for_the_next() -> None:
    """The caller is gone; its file is not read to the end."""
    async with converting() as converter:
        await converter.read("a.html", PAGE)
        reading = asyncio.create_task(converter.read("a.xlsx", slow_sheet()))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert (await converter.read("a.html", PAGE)).text == TEXT


async def test_an_idle_process_ends() -> None:
    """A quarter of a gigabyte is not kept for the next import."""
    async with converting(idle_seconds=0.01) as converter:
        await converter.read("a.html", PAGE)
        if (pid := converter.pid) is not None:
            await ended(pid)


async def test_the_process_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that takes it over finds neither passwords nor keys."""
    monkeypatch.setenv("KEFU_DATABASE_URL", "secret")
    async with converting() as converter:
        await converter.read("a.html", PAGE)
        variables = environment(converter).split(b"\0")
    assert {each.partition(b"=")[0] for each in variables if each} == {
        b"PYTHONPATH",
        b"OPENBLAS_NUM_THREADS",
    }


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("a.html", b"<div>" * 100_000 + b"a", "damaged: its parts are nested too deeply"),
        (
            "a.docx",
            repacked(word(id), {"word/document.xml": lambda part: b"<"}),
            "damaged: the file",
        ),
        (
            "a.xlsx",
            repacked(excel(("S", [["a"]])), {"xl/workbook.xml": lambda part: b"<"}),
            "damaged",
        ),
        ("a.html", b"a " * 2 * MEBIBYTE, "too much text: more than"),
    ],
)
async def test_a_bad_file_gets_its_reason(path: str, content: bytes, reason: str) -> None:
    """Whatever a library raises, and never its words."""
    async with converting() as converter:
        assert (await refusal(converter, path, content)).startswith(reason)
