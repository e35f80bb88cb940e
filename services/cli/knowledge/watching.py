"""Bars that show how far an upload and its import are."""

from collections.abc import Sequence
from types import TracebackType

from kefu.type.v1.operation_pb2 import Operation
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from services.local.folder import Found
from services.local.knowledge_upload import Listener

IMPORTING_SHARE = 0.5
"""Of the operation's progress that stands for files; the rest stands for vectors, see the
contract."""


class Watching:
    """Shows one bar for bytes on their way, then one for files and vectors."""

    def __init__(self, console: Console, files: Sequence[Found]) -> None:
        """Show on `console`, where that is a terminal, how `files` get on."""
        self._console = console
        self._files = len(files)
        self._sending = self._bars(DownloadColumn(), TransferSpeedColumn())
        self._working = self._bars(MofNCompleteColumn())
        self._sent = self._sending.add_task("uploading", total=sum(each.size for each in files))
        self._done: TaskID | None = None
        self.listener = Listener(self._send, self._look, self._wait)

    def __enter__(self) -> "Watching":
        self._sending.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sending.stop()
        self._working.stop()

    def begins(self, operation: Operation) -> None:
        """Go over to the second bar: the import has begun."""
        self._sending.stop()
        if not self._console.is_terminal:
            self._console.print(f"importing: {operation.name}")
        self._working.start()
        self._done = self._working.add_task("waiting", total=self._files)

    def _bars(self, *more: ProgressColumn) -> Progress:
        text = TextColumn("{task.description:10}")
        return Progress(
            text, BarColumn(), *more, console=self._console, disable=not self._console.is_terminal
        )

    def _send(self, count: int) -> None:
        self._sending.advance(self._sent, count)

    def _look(self, operation: Operation) -> None:
        if self._done is None:
            return
        share = operation.progress / IMPORTING_SHARE
        if operation.stage == "embedding":
            # As many steps as files: how many texts there are, only the service knows.
            share -= 1
        self._working.update(
            self._done,
            description=operation.stage or "waiting",
            completed=round(min(share, 1.0) * self._files),
        )

    def _wait(self) -> None:
        self._console.print("the knowledge service does not answer; asking again ...")
