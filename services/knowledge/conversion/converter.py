"""The service's side of reading files: keeps the process, replaces it when a file kills it."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from services.knowledge.conversion import answers
from services.knowledge.conversion.frames import ANSWER, MOST_ANSWER, REQUEST
from services.knowledge.conversion.limits import Limits, UnreadableFile
from services.knowledge.document import ParsedDocument

_START_SECONDS = 30.0
"""For the process to load its libraries: 1 second, many times that on a machine under load."""

_BROKE_DOWN = (
    "damaged: reading broke down; the file is faulty or needs too much memory; save it again"
)
_NOT_STARTED = "not read: the process that converts files does not start; import the file again"


class Converter:
    """Reads files one after the other in a process of its own.

    The process starts with the first file, ends after a while without one, and is replaced when
    a file took its life, too much time or too much memory: such a file fails alone.
    """

    def __init__(self, limits: Limits) -> None:
        """Read within the given limits."""
        self._limits = limits
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._idle: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process; None while there is none."""
        return self._process.pid if self._process else None

    async def read(self, path: str, content: bytes) -> ParsedDocument:
        """Read a file; others wait for their turn meanwhile.

        Args:
            path: Its ending says how.
            content: The file.

        Raises:
            UnreadableFile: it cannot be read, and why.
        """
        async with self._turn:
            self._stay()
            try:
                process = await self._running()
                async with asyncio.timeout(self._limits.seconds):
                    answer = await _asked(process, path, content)
            except TimeoutError:
                await self._stop()
                raise UnreadableFile(self._limits.out_of_time) from None
            except (asyncio.IncompleteReadError, ConnectionError):
                late = await self._stop() == -signal.SIGXCPU
                raise UnreadableFile(self._limits.out_of_time if late else _BROKE_DOWN) from None
            except BaseException:
                # Its answer would be taken for that to the next file.
                await self._stop()
                raise
            if "last" in answer:
                await self._stop()
            self._idle = asyncio.create_task(self._end_when_idle())
        return await asyncio.to_thread(_document, path, content, answer)

    async def close(self) -> None:
        """End the process, after the file that is in it."""
        async with self._turn:
            self._stay()
            await self._stop()

    def _stay(self) -> None:
        """End the wait that would end the process."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._limits.idle_seconds)
        async with self._turn:
            await self._stop()

    async def _running(self) -> Process:
        """Return the process, ready for a file.

        Raises:
            UnreadableFile: it does not start.
        """
        if self._process is not None and _is_alive(self._process):
            return self._process
        await self._stop()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.knowledge.conversion.process",
            json.dumps(asdict(self._limits)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # Libraries quote files there.
            # Nothing of the service's own environment, which holds passwords. Numpy, which the
            # reader of spreadsheets loads, would reserve memory for each of its threads.
            env={"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
            # Ctrl-C in a terminal is for the service, which finishes its calls.
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                await _answer(self._process)
        except (TimeoutError, asyncio.IncompleteReadError):
            await self._stop()
            raise UnreadableFile(_NOT_STARTED) from None
        return self._process

    async def _stop(self) -> int | None:
        """End the process at once and return its status; None where there is none."""
        process, self._process = self._process, None
        if process is None:
            return None
        with suppress(ProcessLookupError):
            process.kill()
        assert process.stdin is not None
        process.stdin.close()
        await process.communicate()
        return process.returncode


def _is_alive(process: Process) -> bool:
    """Say whether a process runs, also where the event loop has not heard of its end."""
    if process.returncode is not None:
        return False
    try:
        seen = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return seen is None


async def _asked(process: Process, path: str, content: bytes) -> dict[str, Any]:
    """Send a file and return the answer."""
    assert process.stdin is not None
    name = path.encode()
    process.stdin.write(REQUEST.pack(len(name), len(content)) + name)
    process.stdin.write(content)
    await process.stdin.drain()
    return await _answer(process)


async def _answer(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    [length] = ANSWER.unpack(await process.stdout.readexactly(ANSWER.size))
    if length > MOST_ANSWER:
        raise ConnectionError("an answer without end")
    answer: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
    return answer


def _document(path: str, content: bytes, answer: dict[str, Any]) -> ParsedDocument:
    if problem := answer.get("problem"):
        raise UnreadableFile(str(problem))
    try:
        return answers.read(path, content, answer)
    except (KeyError, TypeError, ValueError):
        raise UnreadableFile(_BROKE_DOWN) from None
