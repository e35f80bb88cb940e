"""Child processes that never outlive their parent, and short paths for their sockets."""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.local.problem import Problem

SOCKET_PATH_LIMIT = 100
"""Longest Unix socket path in bytes; Linux has 107, and 7 are left for suffixes."""

LOG_LIMIT = 20 * 1024 * 1024
"""Bytes of a log that the next start goes on with; some 80,000 calls of a service."""

NOBODY = 65534
"""User and group id of `nobody`, which every Linux distribution has."""


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    death_signal: signal.Signals,
    environment: Mapping[str, str] | None = None,
    drop_root: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a process in its own group that gets `death_signal` when this thread's process dies.

    util-linux's `setpriv` sets the parent death signal (prctl(2), PR_SET_PDEATHSIG) after the
    fork: code of ours between fork and exec would be unsafe once grpc has started its threads.

    Args:
        command: program and arguments.
        log: file that standard output and standard error are appended to, mode 0600.
        death_signal: what the child gets when its parent dies without stopping it.
        environment: the child's whole environment; this process's own when None.
        drop_root: run as `nobody` if this process is root. The child keeps the right to pass
            directories that only root may search (a virtual environment under /root).

    Raises:
        Problem: root must be dropped and `setpriv` is missing.
    """
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", signal.Signals(death_signal).name[3:]] if setpriv else []
    if drop_root and os.geteuid() == 0:
        if not setpriv:
            raise Problem(
                "PostgreSQL does not run as root and `setpriv` is not installed",
                "install the package util-linux, or run kefu as another user",
            )
        prefix += [
            f"--reuid={NOBODY}",
            f"--regid={NOBODY}",
            "--clear-groups",
            "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override",
            # Without this bit access(2) forgets the capability, and PostgreSQL asks access(2)
            # whether it may run its own programs.
            "--securebits=+no_setuid_fixup",
        ]
    if setpriv:
        # A parent that died before setpriv came to its call sends no signal any more.
        prefix += ["sh", "-c", f'[ "$PPID" = {os.getpid()} ] && exec "$@"', "kefu"]
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            env=environment,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def stop(process: subprocess.Popen[bytes], first: signal.Signals, grace_seconds: float) -> int:
    """Ask a child to end with the signal `first`, kill it after the grace, and reap it.

    Returns:
        The exit status as `subprocess` gives it: negative when a signal ended the child.
    """
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def socket_directory(directory: Path, socket_name: str) -> Path:
    """Return a directory only this user can enter, where `socket_name` makes a legal path.

    It is `directory`/run, or a directory in /tmp named after it where that would be too long
    for a Unix socket. Created with mode 0700 if missing.

    Raises:
        Problem: the directory in /tmp belongs to somebody else.
    """
    near = directory.resolve() / "run"
    if len(os.fsencode(near / socket_name)) <= SOCKET_PATH_LIMIT:
        near.mkdir(mode=0o700, parents=True, exist_ok=True)
        return near
    digest = hashlib.sha256(os.fsencode(near)).hexdigest()[:16]
    far = Path("/tmp") / f"kefu-{os.getuid()}-{digest}"
    far.mkdir(mode=0o700, exist_ok=True)
    status = far.lstat()
    private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if not private or status.st_uid != os.getuid():
        raise Problem(
            f"{far} is not a private directory of this user",
            "remove it, or choose a shorter --home",
        )
    return far


def rotate(log: Path) -> None:
    """Set a log aside that has grown beyond `LOG_LIMIT`, in place of the one set aside before."""
    if size(log) > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def size(log: Path) -> int:
    """Return how long a log is, in bytes; 0 where there is none yet."""
    return log.stat().st_size if log.exists() else 0


def last_line(log: Path, *, start: int = 0, containing: str = "") -> str:
    """Return the last non-empty line of a log that holds `containing`, or an empty string.

    Args:
        log: the file; it may not be there.
        start: byte to begin at: the log's size before a start, so that an earlier run's last
            words are not taken for this one's.
        containing: what the line must hold.
    """
    try:
        written = log.read_bytes()[start:]
    except FileNotFoundError:
        return ""
    lines = written.decode("utf-8", errors="replace").splitlines()
    return next((line for line in reversed(lines) if line.strip() and containing in line), "")
