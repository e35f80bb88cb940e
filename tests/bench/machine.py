"""What the bench ran on, and whether somebody else was using it."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("grpcio", "protobuf", "uvloop", "psycopg", "redis", "onnxruntime", "openai", "aiohttp")
"""Packages whose release changes the figures."""

BUSY_LOAD = 0.25
"""Load average per core above which somebody else is at work: an idle machine shows under 0.1."""

BUSY_CORES = 0.15
"""Cores used by others during a cell above which its figures are not to be quoted."""


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


def _first(path: str, name: str) -> str:
    """Return the value of the first line of a /proc file that begins with a name."""
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "0"
