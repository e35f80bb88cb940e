"""Taking an upload: the order of its parts, its limits, its bytes onto the disk."""

import asyncio
import errno
from collections.abc import AsyncIterator
from dataclasses import dataclass

from kefu.errors import (
    DeadlineExceeded,
    ImportOutOfOrder,
    InvalidRequest,
    ServerBusy,
    UploadTooLarge,
)

from services.knowledge.catalog import BaseName
from services.knowledge.imports.spool import Arriving, Described, Spool, SpoolLimits

_FULL = (errno.ENOSPC, errno.EDQUOT)

BUSY_RETRY_SECONDS = 5.0
"""When to try again where this process holds as many uploads as it may: one is imported by then."""


@dataclass(frozen=True, slots=True)
class UploadStart:
    """The first part of an upload: where the files go."""

    base: BaseName
    request_id: str


UploadPart = UploadStart | Described | bytes
"""A part of an upload: the start, then each file's description with its bytes behind it."""


class Uploads:
    """Takes uploads, as many at once as the disk has room for."""

    def __init__(self, limits: SpoolLimits) -> None:
        """Take uploads within the given limits."""
        self._limits = limits
        self._held = 0

    async def receive(self, parts: AsyncIterator[UploadPart]) -> Spool:
        """Take the files behind the start; whoever calls gives the spool to `release`.

        Raises:
            ImportOutOfOrder: the parts come in the wrong order, or bytes are missing or too many.
            InvalidRequest: a path is there twice.
            UploadTooLarge: there are too many files or bytes.
            ServerBusy: this process holds as many uploads as it may, or its disk is full.
            DeadlineExceeded: it takes too long.
        """
        if self._held >= self._limits.at_once:
            raise ServerBusy(
                retry_after_seconds=BUSY_RETRY_SECONDS, limit=f"{self._limits.at_once} uploads"
            )
        self._held += 1
        spool = Spool(self._limits)
        try:
            async with asyncio.timeout(self._limits.seconds) as timer:
                await self._fill(spool, parts)
        except BaseException as error:
            await self.release(spool)
            if isinstance(error, TimeoutError) and timer.expired():
                raise DeadlineExceeded(
                    f"the upload was ended after {self._limits.seconds:g} seconds; upload fewer "
                    "files at a time"
                ) from None
            if isinstance(error, OSError) and error.errno in _FULL:
                raise ServerBusy(
                    "the service has no room for the upload on its disk; upload fewer files at a "
                    "time, or try again later",
                    retry_after_seconds=BUSY_RETRY_SECONDS,
                    limit="disk space",
                ) from None
            raise
        return spool

    async def release(self, spool: Spool) -> None:
        """Remove the files of an upload."""
        self._held -= 1
        await spool.close()

    async def _fill(self, spool: Spool, parts: AsyncIterator[UploadPart]) -> None:
        paths: set[str] = set()
        size = 0
        arriving: Arriving | None = None
        async for part in parts:
            if isinstance(part, UploadStart):
                raise ImportOutOfOrder(problem="a second header")
            if isinstance(part, bytes):
                await _write(arriving, part)
                continue
            if arriving is not None:
                _finish(spool, arriving)
            size += part.size
            self._check(part, paths, size)
            paths.add(part.path)
            arriving = spool.open(part)
        if arriving is None:
            raise ImportOutOfOrder(problem="no file")
        _finish(spool, arriving)

    def _check(self, file: Described, paths: set[str], size: int) -> None:
        """Refuse what is too much, and a file that cannot be what is meant."""
        if len(paths) == self._limits.upload_files:
            raise UploadTooLarge(limit=f"{self._limits.upload_files} files")
        if size > self._limits.upload_bytes:
            raise UploadTooLarge(limit=f"{self._limits.upload_bytes} bytes")
        if file.path in paths:
            raise InvalidRequest(violations=[("file.path", "must be there once")])


async def _write(arriving: Arriving | None, chunk: bytes) -> None:
    if arriving is None:
        raise ImportOutOfOrder(problem="a chunk before its file")
    if len(chunk) > arriving.left:
        raise ImportOutOfOrder(problem="more bytes than size_bytes says")
    # Hashing and writing a MiB would hold other calls up for some milliseconds.
    await asyncio.to_thread(arriving.write, chunk)


def _finish(spool: Spool, arriving: Arriving) -> None:
    if arriving.left:
        raise ImportOutOfOrder(problem="fewer bytes than size_bytes says")
    spool.keep(arriving)
