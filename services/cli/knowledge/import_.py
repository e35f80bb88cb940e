"""`kefu knowledge import`: a folder of files into the draft of a knowledge base."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import grpc
import typer
from kefu.type.v1.operation_pb2 import Operation
from rich.console import Console

from services.cli.knowledge.options import KbOption
from services.cli.knowledge.report import Line, counts, lines_of, show
from services.cli.knowledge.watching import Watching
from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    JsonOption,
    TenantOption,
    terminal,
)
from services.cli.words import word
from services.local import operator
from services.local.folder import LARGEST_BYTES, Fate, Found, look_through
from services.local.home import Home
from services.local.knowledge_files import ENDINGS, ensure_base
from services.local.knowledge_upload import cancel, follow, known_revisions, results, upload
from services.local.problem import Problem
from services.local.publishing import publish

CANCEL_SECONDS = 15.0
"""Longest time to tell the service that the import is not wanted any more."""


def register(knowledge: typer.Typer) -> None:
    """Add the command of this module."""
    knowledge.command("import")(import_)


def import_(
    path: Annotated[Path, typer.Argument(exists=True, help="A file, or a folder of files.")],
    kb: KbOption,
    again: Annotated[
        bool, typer.Option("--all", help="Send unchanged files too; this release may read more.")
    ] = False,
    publish_: Annotated[
        bool, typer.Option("--publish", help="Put the draft live where no file failed.")
    ] = False,
    max_bytes: Annotated[
        int,
        typer.Option(min=1, envvar="KEFU_IMPORT_MAX_BYTES", help="Largest file, as the service."),
    ] = LARGEST_BYTES,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Import documents and FAQ files into the draft; unchanged ones are not sent again.

    Documents are Markdown, text, HTML, PDF, Word (.docx), Excel (.xlsx) and CSV. FAQ files are
    JSON Lines, CSV and Excel with the columns question and answer, or 问题 and 答案.

    The knowledge base is made if there is none. Ctrl-C cancels the import: what is done stays in
    the draft, and the same command goes on. Exit status 1 if a file failed or the import did.
    """
    found = look_through(path, max_bytes)
    if not any(each.fate is not Fate.SKIPPED for each in found):
        raise Problem(
            f"{path} holds nothing to import",
            f"give a file or a folder with {', '.join(sorted(ENDINGS))} files",
        )
    command = _Import(Home.at(home), tenant, kb, again)
    lines = asyncio.run(command.run(found))
    if as_json:
        print(_json(command.operation, lines))
    else:
        show(terminal(), lines)
    failed = command.failed or bool(counts(lines)["failed"])
    if publish_ and not failed:
        asyncio.run(command.publish())
    elif counts(lines)["imported"] and not as_json:
        terminal().print(f"in the draft; put it live: kefu knowledge publish --kb {kb}")
    raise typer.Exit(1 if failed else 0)


class _Import:
    """One run of the command.

    Attributes:
        operation: The import as it was seen last; None where nothing had to be sent.
    """

    def __init__(self, home: Home, tenant: str, kb: str, again: bool) -> None:
        self.operation: Operation | None = None
        self._home = home
        self._tenant = tenant
        self._kb = kb
        self._again = again
        self._said = Console(stderr=True, highlight=False)

    async def run(self, found: Sequence[Found]) -> list[Line]:
        """Import what was found; return what became of each file."""
        async with operator.channel(self._home, "knowledge") as channel:
            base = await ensure_base(channel, self._tenant, self._kb)
            known = {} if self._again else await known_revisions(channel, base)
            ready = [each for each in found if each.fate is Fate.READY]
            sent = [each for each in ready if known.get(each.path) != each.sha256]
            if sent:
                await self._bring(channel, base, sent)
            done = await results(channel, self.operation.name) if self.operation else []
            return lines_of(found, done)

    @property
    def failed(self) -> bool:
        """Whether there was an import and it did not succeed."""
        return self.operation is not None and self.operation.state != Operation.STATE_SUCCEEDED

    async def publish(self) -> None:
        """Put the draft live."""
        name = f"tenants/{self._tenant}/knowledgeBases/{self._kb}"
        async with operator.channel(self._home, "knowledge") as channel:
            revision = (await publish(channel, name)).revision
        self._said.print(f"live: revision {revision.number}")

    async def _bring(self, channel: grpc.aio.Channel, base: str, files: Sequence[Found]) -> None:
        """Send files and follow their import to its end."""
        try:
            with Watching(self._said, files) as watching:
                self.operation = await upload(channel, base, files, watching.listener)
                watching.begins(self.operation)
                self.operation = await follow(channel, self.operation, watching.listener)
        except asyncio.CancelledError:
            await self._give_up(channel)
            raise
        if self.failed:
            state, why = _state(self.operation), self.operation.problem or self.operation.name
            self._said.print(f"the import is {state}: {why}", style="red", markup=False)

    async def _give_up(self, channel: grpc.aio.Channel) -> None:
        """Somebody pressed Ctrl-C: end the import, and say what is done and how to go on."""
        if self.operation is None:
            self._said.print(
                "ended while the files were sent; the same command begins again (if the last byte "
                "had arrived, kefu knowledge imports shows an import that goes on)"
            )
            return
        name = self.operation.name
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                ended = await cancel(channel, name)
        except (grpc.RpcError, TimeoutError):
            self._said.print(f"the import goes on, nobody answers: kefu knowledge cancel {name}")
            return
        self._said.print(
            f"the import is {_state(ended)}; what is done stays in the draft, the same command "
            "goes on"
        )


def _state(operation: Operation) -> str:
    return word(Operation.State, operation.state).lower()


def _json(operation: Operation | None, lines: Sequence[Line]) -> str:
    """Return the result for programs."""
    return json.dumps(
        {
            "operation": operation.name if operation else "",
            "state": _state(operation) if operation else "",
            "problem": operation.problem if operation else "",
            "counts": dict(counts(lines)),
            "files": [each.to_json() for each in lines],
        },
        ensure_ascii=False,
        indent=2,
    )
