"""What a content owner reads when an import has ended."""

import io
from pathlib import Path

from kefu.knowledge.v1 import import_pb2 as pb
from kefu.type.v1.operation_pb2 import Operation
from rich.console import Console

from services.cli.knowledge.report import SHOWN_FILES, Line, counts, lines_of, show
from services.cli.knowledge.watching import Watching
from services.local.folder import Fate, Found

FILE = Path("file")


def shown(*lines: Line) -> str:
    """What is printed of these."""
    console = Console(file=io.StringIO(), width=160)
    show(console, lines)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_both_sides_of_an_import_are_joined() -> None:
    """What was judged here, what the service did, and what needed no sending."""
    found = [
        Found("new.md", FILE),
        Found("known.md", FILE),
        Found("movie.mp4", FILE, Fate.SKIPPED, "unknown kind of file: .mp4"),
        Found("large.pdf", FILE, Fate.FAILED, "too large"),
        Found("bad.pdf", FILE),
        Found("late.md", FILE),
    ]
    outcome = pb.ImportedFile
    done = [
        outcome(path="new.md", outcome=outcome.OUTCOME_IMPORTED, passage_count=3, notes=["a note"]),
        outcome(path="bad.pdf", outcome=outcome.OUTCOME_FAILED, problem="encrypted: ..."),
        outcome(path="late.md", outcome=outcome.OUTCOME_PENDING),
    ]
    lines = lines_of(found, done)
    assert lines == [
        Line("new.md", "imported", notes=("a note",), passages=3),
        Line("known.md", "unchanged"),
        Line("movie.mp4", "skipped", "unknown kind of file: .mp4"),
        Line("large.pdf", "failed", "too large"),
        Line("bad.pdf", "failed", "encrypted: ..."),
        Line("late.md", "pending"),
    ]
    assert counts(lines) == {
        "imported": 1, "unchanged": 1, "skipped": 1, "failed": 2, "pending": 1,
    }  # fmt: skip


def test_what_needs_somebody_stands_last() -> None:
    """With reason and notes; what is unchanged is only counted."""
    text = shown(
        Line("z.pdf", "failed", "encrypted: take the password off"),
        Line("a.md", "imported", notes=("guessed",), passages=2, faqs=1),
        Line("b.md", "unchanged"),
        Line("c.md", "pending"),
    )
    lines = text.splitlines()
    assert lines[-1] == "1 imported, 1 unchanged, 1 pending, 1 failed"
    assert "encrypted: take the password off" in lines[-2]
    assert "not reached; the same command goes on" in text
    assert "2 passages, 1 FAQs" in text
    assert "guessed" in text
    assert "b.md" not in text


def test_a_thousand_files_do_not_hide_one() -> None:
    """Imported ones are cut; those with notes, and failed ones, are all shown."""
    many = [Line(f"{number:04}.md", "imported", passages=1) for number in range(1000)]
    text = shown(*many, Line("noted.md", "imported", notes=("look",)), Line("x", "failed", "why"))
    assert f"... and {1000 - SHOWN_FILES} more imported; --json lists all" in text
    assert "look" in text
    assert "why" in text
    assert text.splitlines()[-1] == "1001 imported, 1 failed"


def test_nothing_new_is_one_line() -> None:
    """No empty table."""
    assert shown(Line("a.md", "unchanged")) == "1 unchanged\n"


def test_bars_follow_bytes_files_and_vectors() -> None:
    """Half of the operation's progress is files, the other half their vectors."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    files = [Found(f"{number}.md", FILE, size=50) for number in range(4)]
    operation = Operation(name="tenants/shop/operations/x", state=Operation.STATE_RUNNING)
    with Watching(console, files) as watching:
        watching.listener.sent(100)
        watching.listener.sent(-100)
        watching.listener.sent(200)
        watching.begins(operation)
        [bar] = watching._working.tasks
        for stage, progress, done in (
            ("", 0.0, 0),
            ("importing", 0.25, 2),
            ("embedding", 0.5, 0),
            ("embedding", 0.75, 2),
            ("embedding", 1.0, 4),
        ):
            watching.listener.looked(Operation(name=operation.name, stage=stage, progress=progress))
            assert (bar.completed, bar.description) == (done, stage or "waiting")
        [sent] = watching._sending.tasks
        assert sent.finished
        watching.listener.waits()
    assert isinstance(console.file, io.StringIO)
    assert "does not answer; asking again" in console.file.getvalue()


def test_a_pipe_gets_a_line_instead_of_bars() -> None:
    """The operation's name, for whoever reads the log of a job."""
    console = Console(file=io.StringIO(), width=100)
    with Watching(console, [Found("a.md", FILE, size=5)]) as watching:
        watching.listener.sent(5)
        watching.begins(Operation(name="tenants/shop/operations/x"))
        watching.listener.looked(Operation(stage="importing", progress=0.5))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "importing: tenants/shop/operations/x\n"
