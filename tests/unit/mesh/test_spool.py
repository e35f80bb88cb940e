"""The spool on disk: what is confirmed is there, whole, whatever happened to the process."""

import contextlib
import os
from pathlib import Path

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from kefu.errors import StorageUnavailable

from services.mesh.spool import AuditSpool, read_events
from tests.support.spooler import event


def stored(directory: Path) -> list[str]:
    """Ids of all events in a spool, oldest file first."""
    files = [*sorted(directory.glob("*.full")), directory / "open.spool"]
    return [each.event_id for path in files for each in read_events(path)]


def test_an_appended_event_is_on_disk_at_once(tmp_path: Path) -> None:
    """Not in a buffer of the process: a kill -9 right after keeps it."""
    spool, appended = AuditSpool("test", tmp_path), event()
    spool.append(appended)
    assert [appended] == list(read_events(tmp_path / "open.spool"))
    spool.close()


def test_a_new_start_keeps_what_the_last_one_left(tmp_path: Path) -> None:
    """The events of several lives stand in their order."""
    ids = []
    for _ in range(3):
        spool, appended = AuditSpool("test", tmp_path), event()
        spool.append(appended)
        spool.close()
        ids.append(appended.event_id)
    assert stored(tmp_path) == ids


@pytest.mark.parametrize("torn", [1, 3, 4, 5, 30])
def test_half_an_event_at_the_end_hurts_no_other(tmp_path: Path, torn: int) -> None:
    """What a power cut left of an event is left out; events written after it are read."""
    spool, whole, broken, later = AuditSpool("test", tmp_path), event(), event(), event()
    spool.append(whole)
    spool.append(broken)
    spool.close()
    path = tmp_path / "open.spool"
    half = path.stat().st_size // 2
    path.write_bytes(path.read_bytes()[: half + torn])
    spool = AuditSpool("test", tmp_path)
    spool.append(later)
    spool.close()
    assert stored(tmp_path) == [whole.event_id, later.event_id]


def test_a_full_disk_refuses_the_call_and_damages_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that leaves no record must not succeed; what was half written is taken back."""
    spool, before, after = AuditSpool("test", tmp_path), event(), event()
    spool.append(before)
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, frame: write(file, frame[:10]))
        with pytest.raises(StorageUnavailable, match="audit spool cannot be written"):
            spool.append(event())
    spool.append(after)
    spool.close()
    assert stored(tmp_path) == [before.event_id, after.event_id]


def test_a_closed_disk_is_said_in_the_same_way(tmp_path: Path) -> None:
    """Any failure of the write is the caller's to retry, without its text."""
    spool = AuditSpool("test", tmp_path)
    spool.close()
    with pytest.raises(StorageUnavailable):
        spool.append(event())


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    """Reading ends: with events, without, or with the one error that says damaged."""
    path = tmp_path_factory.mktemp("spool") / "file"
    path.write_bytes(junk)
    with contextlib.suppress(DecodeError):
        list(read_events(path))
