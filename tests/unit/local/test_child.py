"""Children end with their parent, and their sockets fit into the kernel's limit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.local import child
from services.local.problem import Problem


def spawn_sleeper(log: Path) -> subprocess.Popen[bytes]:
    """Start a child that would live for a minute."""
    return child.spawn(["sleep", "60"], log=log, death_signal=signal.SIGTERM)


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """`kill -9` of the supervisor leaves nothing running: the kernel tells the children."""
    program = (
        "import os, signal, pathlib, sys\n"
        "from services.local import child\n"
        "p = child.spawn(['sleep', '60'], log=pathlib.Path(sys.argv[1]),\n"
        "                death_signal=signal.SIGTERM)\n"
        "print(p.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "log")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        descriptor = os.pidfd_open(pid)
        parent.kill()
    assert wait_readable(descriptor, seconds=10), "the child outlived its parent"


def wait_readable(descriptor: int, seconds: float) -> bool:
    """Wait until the process behind a process file descriptor has ended."""
    import select

    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def test_stopping_reaps_the_child_and_tells_how_it_ended(tmp_path: Path) -> None:
    """No zombie stays behind a stopped child."""
    process = spawn_sleeper(tmp_path / "log")
    assert child.stop(process, signal.SIGTERM, grace_seconds=5) == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_child_that_ignores_the_request_is_killed_after_the_grace(tmp_path: Path) -> None:
    """A drain that hangs does not hang `kefu down`: the child would sleep for a minute."""
    log = tmp_path / "log"
    process = child.spawn(
        [
            sys.executable,
            "-uc",
            "import signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf')\ntime.sleep(60)",
        ],
        log=log,
        death_signal=signal.SIGKILL,
    )
    # The child sleeps so that only being killed ends it; the loop below looks for its word.
    subprocess.run(
        ["timeout", "20", "sh", "-c", f"until grep -q deaf {log}; do sleep 0.02; done"], check=True
    )
    assert child.stop(process, signal.SIGTERM, grace_seconds=0.1) == -signal.SIGKILL


def test_output_is_appended_to_a_private_log(tmp_path: Path) -> None:
    """Both streams of several runs are in one log that only this user reads."""
    log = tmp_path / "log"
    for word in ("first", "second"):
        child.spawn(["sh", "-c", f"echo {word} >&2"], log=log, death_signal=signal.SIGTERM).wait()
    assert log.read_text() == "first\nsecond\n"
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop root")
def test_root_is_dropped_but_private_directories_can_be_passed(tmp_path: Path) -> None:
    """PostgreSQL refuses root, and a virtual environment under /root must still be found."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "file").write_text("inside")
    log = tmp_path / "log"
    process = child.spawn(
        ["sh", "-c", f"id -u && test -r {private}/file && cat {private}/file"],
        log=log,
        death_signal=signal.SIGTERM,
        drop_root=True,
    )
    assert process.wait() == 0
    assert log.read_text() == f"{child.NOBODY}\ninside"


def test_a_missing_setpriv_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root without util-linux learns what to install."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Problem, match=r"setpriv.*install the package util-linux"):
        child.spawn(["true"], log=tmp_path / "log", death_signal=signal.SIGTERM, drop_root=True)


def test_a_socket_lies_in_the_home_where_its_path_is_short() -> None:
    """Somebody who looks for the socket finds it beside the data."""
    directory = Path("/tmp") / f"kefu-test-{os.getpid()}"
    try:
        assert child.socket_directory(directory, "s.sock") == directory / "run"
        assert (directory / "run").stat().st_mode & 0o777 == 0o700
    finally:
        (directory / "run").rmdir()
        directory.rmdir()


def test_a_deep_home_gets_a_short_private_directory(tmp_path: Path) -> None:
    """Each deep directory has a short one of its own, the same every time."""
    deep = tmp_path / ("d" * 80)
    first, again = (child.socket_directory(deep, "s.sock") for _ in range(2))
    other = child.socket_directory(deep / "other", "s.sock")
    try:
        assert first == again != other
        assert len(str(first / "s.sock")) <= child.SOCKET_PATH_LIMIT
        assert first.stat().st_mode & 0o777 == 0o700
    finally:
        first.rmdir()
        other.rmdir()


def test_a_short_directory_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    """Nobody can prepare a directory in /tmp and then sit on our sockets."""
    deep = tmp_path / ("d" * 80)
    trap = child.socket_directory(deep, "s.sock")
    trap.chmod(0o777)
    try:
        with pytest.raises(Problem, match="not a private directory"):
            child.socket_directory(deep, "s.sock")
    finally:
        trap.rmdir()


@pytest.mark.parametrize(
    ("content", "containing", "expected"),
    [("a\nFATAL: b\nc\n\n", "", "c"), ("a\nFATAL: b\nc\n", "FATAL", "FATAL: b"), ("", "", "")],
)
def test_the_last_line_that_says_why(
    tmp_path: Path, content: str, containing: str, expected: str
) -> None:
    """The reason for a failed start is looked for from the end of the log."""
    (tmp_path / "log").write_text(content)
    assert child.last_line(tmp_path / "log", containing=containing) == expected


def test_an_earlier_runs_last_words_are_not_this_runs(tmp_path: Path) -> None:
    """Logs are appended to; the reason of a failed start is looked for after its begin."""
    log = tmp_path / "log"
    log.write_text("cannot start: the port is taken\n")
    begin = child.size(log)
    assert child.last_line(log, start=begin) == ""
    log.write_text("cannot start: the port is taken\nKilled\n")
    assert child.last_line(log, start=begin) == "Killed"


def test_a_log_that_has_grown_large_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mesh that is started every day for a year does not fill the disk."""
    monkeypatch.setattr(child, "LOG_LIMIT", 10)
    log = tmp_path / "session.log"
    for content in ("small", "a first large log", "small again", "a second large log"):
        log.write_text(content)
        child.rotate(log)
    assert not log.exists()
    assert (tmp_path / "session.log.1").read_text() == "a second large log"
    child.rotate(log)


def test_a_log_that_was_never_written_has_no_last_line(tmp_path: Path) -> None:
    """A process that could not even start leaves no log, which is no second error."""
    assert child.last_line(tmp_path / "absent") == ""
