"""Audit events on this machine's disk until the audit service has them.

A call appends its event to a file before it answers; a task ships the file in batches and deletes
it when the audit service has acknowledged every event. A process that is killed leaves the file,
and its next start ships it. Events carry ids, so that shipping twice appends once.

An append is one `write` without `fsync`: it survives `kill -9` of the process, not a power cut in
the seconds before it is shipped. `docs/decisions.md` says why.
"""

import asyncio
import errno
import os
import string
import struct
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import structlog
from google.protobuf.message import DecodeError
from kefu.audit.v1.audit_pb2 import AuditEvent, RecordRequest
from kefu.errors import Code, KefuError, StorageUnavailable
from prometheus_client import Counter, Gauge

from services.mesh import names
from services.mesh.calls import Call
from services.mesh.client import Peer

_SPOOLED = Counter(names.AUDIT_SPOOLED, "Audit events written to the local spool.")
_BACKLOG = Gauge(names.AUDIT_BACKLOG, "Audit events not yet shipped, in bytes.")

_LENGTH = struct.Struct(">I")
# The audit service takes 500 events and 4 MiB in one request.
_BATCH_EVENTS = 500
_BATCH_BYTES = 1024 * 1024
_MAX_LABELS = 20
_MAX_LABEL_NAME = 64
_MAX_LABEL = 256
# Long enough that a batch is worth its transaction, short enough for a look right after.
_SHIP_SECONDS = 1.0
_MAX_RESOURCE = 256
_NAME_CHARACTERS = frozenset(string.ascii_letters + string.digits + "-_./")


class AuditSpool:
    """The spool of one process.

    Args:
        service: short name of the service, written into each event.
        directory: its own folder; created where missing. One process at a time.
    """

    def __init__(self, service: str, directory: Path) -> None:
        self._service = service
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._log = structlog.get_logger("audit")
        self._open = directory / "open.spool"
        if self._open.exists():
            self._put_away()  # a killed process may have left half an event at its end
        self._file = self._create()
        self._size = 0

    def record_call(self, call: Call, code: str, reason: str) -> None:
        """Keep the event of a call that ends.

        Raises:
            StorageUnavailable: the disk refuses; a call that leaves no record must not succeed.
        """
        event = AuditEvent(
            event_id=str(uuid.uuid4()),
            service=self._service,
            method=call.method[:256],
            identity=call.identity,
            end_user=_storable(call.caller.end_user) if call.caller else "",
            tenant=call.tenant,
            resource=_resource(call.resource),
            outcome=code,
            reason=reason,
            trace_id=call.trace_id,
            labels=_labels(call.labels),
        )
        event.time.FromNanoseconds(time.time_ns())
        event.latency.FromNanoseconds(int(call.elapsed_seconds * 1e9))
        self.append(event)

    def append(self, event: AuditEvent) -> None:
        """Write one event behind those before it.

        Raises:
            StorageUnavailable: the disk refuses.
        """
        body = event.SerializeToString()
        frame = _LENGTH.pack(len(body)) + body
        try:
            written = os.write(self._file, frame)
            if written < len(frame):  # the disk is full: what follows must not be glued to it
                os.ftruncate(self._file, self._size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._log.error("spool", exc_info=error)
            raise StorageUnavailable("the audit spool cannot be written, retry") from None
        self._size += len(frame)
        _SPOOLED.inc()

    async def ship(self, audit: Peer) -> None:
        """Send what is spooled, again and again, until cancelled."""
        while True:
            await self.ship_once(audit)
            await asyncio.sleep(_SHIP_SECONDS)

    async def ship_once(self, audit: Peer) -> bool:
        """Send all that is spooled now; False where the audit service was not there to take it."""
        # The open file is closed only when those before it are gone: while the audit service is
        # away one file grows, in place of one more a second.
        if not await self._ship_full(audit):
            return False
        self._rotate()
        return await self._ship_full(audit)

    async def _ship_full(self, audit: Peer) -> bool:
        for path in sorted(self._directory.glob("*.full")):
            try:
                taken = [await self._send(audit, batch) for batch in _batches(path)]
            except DecodeError:
                taken = [False]
            except KefuError:
                self._report_backlog()
                return False
            if all(taken):
                path.unlink()
            else:
                # It would be refused for ever and hold up the rest: set aside, never deleted.
                self._log.error("events set aside", file=path.name)
                path.rename(path.with_suffix(".refused"))
        self._report_backlog()
        return True

    async def _send(self, audit: Peer, events: Sequence[AuditEvent]) -> bool:
        """Send a batch; one that is refused is halved, so that an odd event is refused alone.

        Returns:
            False where an event was refused for what it is.

        Raises:
            KefuError: the audit service did not take it, and may later.
        """
        request = RecordRequest(events=events, request_id=str(uuid.uuid4()))
        try:
            await audit.unary("Record", request, timeout_seconds=10)
        except KefuError as error:
            if error.code is not Code.INVALID_ARGUMENT:
                raise
            if len(events) == 1:
                self._log.error(
                    "event refused", event_id=events[0].event_id, violations=error.violations
                )
                return False
            middle = len(events) // 2
            halves = events[:middle], events[middle:]
            return all([await self._send(audit, half) for half in halves])
        return True

    def close(self) -> None:
        """Close the file; what was not shipped stays for the next start."""
        os.close(self._file)

    def _rotate(self) -> None:
        """Close the open file for good and start another, so that a shipped file never grows."""
        if not self._size:
            return
        os.close(self._file)
        self._put_away()
        self._file = self._create()
        self._size = 0

    def _put_away(self) -> None:
        self._open.rename(self._directory / f"{time.time_ns():020d}.full")

    def _create(self) -> int:
        return os.open(self._open, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _report_backlog(self) -> None:
        _BACKLOG.set(self._size + sum(p.stat().st_size for p in self._directory.glob("*.full")))


def read_events(path: Path) -> Iterator[AuditEvent]:
    """The events of a spool file, without a last one that a crash cut off: its call never ended.

    Raises:
        DecodeError: the file is damaged.
    """
    content = path.read_bytes()
    start = 0
    while start + _LENGTH.size <= len(content):
        (length,) = _LENGTH.unpack_from(content, start)
        end = start + _LENGTH.size + length
        if end > len(content):
            return
        yield AuditEvent.FromString(content[start + _LENGTH.size : end])
        start = end


def _batches(path: Path) -> Iterator[list[AuditEvent]]:
    batch: list[AuditEvent] = []
    size = 0
    for event in read_events(path):
        size += event.ByteSize()
        if batch and (len(batch) == _BATCH_EVENTS or size > _BATCH_BYTES):
            yield batch
            batch, size = [], event.ByteSize()
        batch.append(event)
    if batch:
        yield batch


def _resource(name: str) -> str:
    """A resource name as it was sent; `?` for one of another form, which may hold anything."""
    return name[:_MAX_RESOURCE] if _NAME_CHARACTERS.issuperset(name) else "?"


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    """What fits into an event: its call must not fail for want of room."""
    kept = list(labels.items())[:_MAX_LABELS]
    return {name[:_MAX_LABEL_NAME]: _storable(value[:_MAX_LABEL]) for name, value in kept}


def _storable(text: str) -> str:
    """The text without U+0000, which the audit service refuses as every service does."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
