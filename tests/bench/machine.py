"""What the bench ran on, and whether somebody else was using it."""

import os
import platform
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("grpcio", "protobuf", "uvloop", "psycopg", "redis", "onnxruntime", "openai", "aiohttp")
"""Packages whose release changes the figures."""

BUSY_LOAD = 0.25
"""Load average per core above which somebody else is at work: an idle machine shows under 0.1."""

BUSY_CORES = 0.15
"""Cores used by others during a cell above which its figures are not to be quoted."""

STEADY = 1.3
"""How much slower at one time than at another a machine may be whose figures are to be quoted."""


def pace_ms() -> float:
    """Return the milliseconds that a fixed piece of Python takes now.

    Where virtual machines share their cores with others, it takes twice as long while the other
    half of the core is busy, which no load average shows. The best of three, so that a process
    that is scheduled in between does not count.
    """
    return min(_piece() for _ in range(3))


def unsteady(paces: Sequence[float]) -> str:
    """Return a warning where the machine's own pace changed during the run, else nothing."""
    if not paces or max(paces) <= STEADY * min(paces):
        return ""
    return (
        f"the machine's own pace changed: a fixed piece of Python took {min(paces):.1f} to "
        f"{max(paces):.1f} ms; compare only what was measured in turn"
    )


def describe() -> dict[str, Any]:
    """Return the machine's facts: cores, model, memory, versions, load average of 1, 5, 15 min."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _first("/proc/cpuinfo", "model name"),
        "memory_mib": int(_first("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "load_average": list(os.getloadavg()),
    }


def busy_at_start(facts: dict[str, Any]) -> str:
    """Return a warning where the machine was not idle when the bench began, else nothing."""
    load, cores = facts["load_average"][0], facts["cores"]
    if load <= BUSY_LOAD * cores:
        return ""
    return (
        f"the machine was busy when the bench began: load average {load:.2f} on {cores} cores; "
        "wait for an idle one before you quote a figure"
    )


def _piece() -> float:
    began = time.perf_counter()
    counts: dict[int, int] = {}
    for number in range(40_000):
        counts[number % 1000] = counts.get(number % 1000, 0) + len(str(number))
    return (time.perf_counter() - began) * 1000


def _first(path: str, name: str) -> str:
    """Return the value of the first line of a /proc file that begins with a name."""
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "0"
