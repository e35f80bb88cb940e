"""CPU time of processes that we only watch, from /proc (proc(5)).

The kernel counts in ticks of 10 ms, so a cell must run for seconds before its figures mean much.
"""

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
"""The kernel's unit of CPU time."""

_BUSY = (0, 1, 2, 5, 6)
"""Columns of /proc/stat that are work of this machine: user, nice, system, irq, softirq."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One process's counters.

    Attributes:
        parent: process id of its parent.
        ticks: CPU time of the process and of the children that it has reaped.
    """

    parent: int
    ticks: int


def parse_stat(line: str) -> Usage:
    """Read a line of /proc/<pid>/stat; the name in it may hold blanks and brackets."""
    fields = line.rpartition(")")[2].split()
    # After the name: state, ppid, ..., utime, stime, cutime, cstime as fields 14 to 17.
    return Usage(parent=int(fields[1]), ticks=sum(map(int, fields[11:15])))


def cpu_seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds that each process and its descendants used so far.

    A backend of PostgreSQL that ended is counted by its parent, which has reaped it. A root
    that descends from another one is counted once, by its own name. One that does not run
    counts 0.

    Args:
        roots: process ids by name.
    """
    table = usages()
    own = set(roots.values())
    return {
        name: TICK_SECONDS
        * sum(table[each].ticks for each in family(table, pid, own) if each in table)
        for name, pid in roots.items()
    }


def family(table: Mapping[int, Usage], root: int, others: Collection[int]) -> list[int]:
    """Return a process and its descendants, without those in `others` and what is theirs.

    Args:
        table: every process.
        root: the process.
        others: process ids that stand for themselves; `root` may be among them.
    """
    children: dict[int, list[int]] = {}
    for pid, usage in table.items():
        if pid not in others:
            children.setdefault(usage.parent, []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def machine_busy_seconds() -> float:
    """Return the CPU seconds that everything on this machine used since it started."""
    first = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(first[column]) for column in _BUSY) * TICK_SECONDS


def usages() -> dict[int, Usage]:
    """Return the counters of every process there is, by process id."""
    found = {}
    for pid in _pids():
        try:
            found[pid] = parse_stat(Path(f"/proc/{pid}/stat").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended between the listing and now
    return found


def _pids() -> Iterable[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())
