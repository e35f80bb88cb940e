"""The tables of a run, for a terminal and for docs/benchmarks.md, from the JSON alone."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.results import turn_statements

BEGIN = "<!-- figures: written by `python -m tests.bench --markdown`, do not edit -->"
"""In docs/benchmarks.md, the line above the figures."""

END = "<!-- end of the figures -->"
"""The line below them."""

_LEAST_CPU_MS = 0.05


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, before anybody decides how it is drawn.

    Attributes:
        title: what it shows, with the units.
        header: names of the columns; the first is the name of a row.
        rows: cells as text.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def grids(found: Mapping[str, Any]) -> list[Grid]:
    """Return the tables of a run; one that has no rows is left out.

    Args:
        found: the JSON of a run.
    """
    makers = (
        _echo,
        _engine,
        _understanding,
        _gateway,
        _gateway_added,
        _turns,
        _costs,
        _cpu,
        _startup,
    )
    tables = [make(found) for make in makers]
    return [table for table in tables if table.rows]


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print a run's tables and its warnings."""
    console.print(f"\n[bold]{machine_line(found)}[/]")
    for grid in grids(found):
        table = Table(title=grid.title, title_justify="left", header_style="bold")
        for number, name in enumerate(grid.header):
            table.add_column(name, justify="right" if number else "left", no_wrap=True)
        for row in grid.rows:
            table.add_row(*row)
        console.print()
        console.print(table)
    for warning in found["warnings"]:
        console.print(f"[bold yellow]warning:[/] {warning}")


def markdown(found: Mapping[str, Any]) -> str:
    """Return the figures as Markdown."""
    parts = [f"{machine_line(found)}."]
    parts += [f"**Warning:** {warning}." for warning in found["warnings"]]
    for grid in grids(found):
        lines = [f"### {grid.title}", "", _row(grid.header)]
        lines += [_row(["---", *["---:"] * (len(grid.header) - 1)])]
        parts.append("\n".join([*lines, *map(_row, grid.rows)]))
    return "\n\n".join(parts)


def write_into(document: Path, found: Mapping[str, Any]) -> None:
    """Replace what stands between the marks in a Markdown file by the figures of a run.

    Raises:
        ValueError: a mark is missing, or the run was a trial.
    """
    if found["quick"]:
        raise ValueError("the last run was a trial (--quick), its figures mean nothing")
    before, begin, rest = document.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} has no place for the figures: {BEGIN} ... {END}")
    document.write_text(f"{before}{BEGIN}\n\n{markdown(found)}\n\n{END}{after}", "utf-8")


def machine_line(found: Mapping[str, Any]) -> str:
    """Return the machine, the versions and the load in one line."""
    machine = found["machine"]
    loads = ", ".join(f"{each:.2f}" for each in machine["load_average"])
    paces = found["pace_ms"]
    pace = f"{statistics.median(paces):.1f} ms ({min(paces):.1f}-{max(paces):.1f})"
    return (
        f"{found['started']}, {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['memory_mib'] / 1024:.0f} GiB, Python {machine['python']}, "
        f"grpcio {machine['packages']['grpcio']}, load average at the start {loads}; "
        f"a fixed piece of Python took {pace}; "
        f"the bench took {found['seconds']:.0f} s"
    )


def _echo(found: Mapping[str, Any]) -> Grid:
    names = {"plain": "grpc.aio, mTLS", "chain": "with the chain"}
    return Grid(
        "The floor: a unary call of 300 bytes each way",
        (
            *("server", "at once", "calls", "calls/s", "p50 ms", "p99 ms"),
            *("server CPU ms", "client CPU ms"),
        ),
        [
            (
                names[each["kind"]],
                str(each["concurrency"]),
                str(each["calls"]),
                _spread(each["calls_per_second"], 0),
                _number(each["p50_ms"]),
                _number(each["p99_ms"]),
                _spread(each["server_cpu_ms"]),
                _spread(each["client_cpu_ms"]),
            )
            for each in found["echo"]
        ],
    )


def _engine(found: Mapping[str, Any]) -> Grid:
    measured = [each for each in [found.get("engine")] if each]
    return Grid(
        "The embedding engine: CPU of a question, passages by all threads",
        (
            *("tokens", "CPU p50 ms", "CPU p99 ms"),
            *("tokens a passage", "CPU a passage", "threads", "passages/s"),
        ),
        [
            (
                str(each["question_tokens"]),
                _number(each["question_cpu_p50_ms"]),
                _number(each["question_cpu_p99_ms"]),
                str(each["passage_tokens"]),
                _number(each["passage_cpu_p50_ms"]),
                str(each["threads"]),
                _number(each["passages_per_second"]),
            )
            for each in measured
        ],
    )


def _understanding(found: Mapping[str, Any]) -> Grid:
    return Grid(
        "Understanding: calls to intent and sentiment, as their caller sees them",
        ("call", "at once", "calls", "calls/s", "p50 ms", "p99 ms", "server CPU ms"),
        [
            (
                each["kind"],
                str(each["concurrency"]),
                str(each["calls"]),
                _spread(each["calls_per_second"], 0),
                _number(each["p50_ms"]),
                _number(each["p99_ms"]),
                _spread(each["server_cpu_ms"]),
            )
            for each in found.get("understanding", [])
        ],
    )


def _gateway(found: Mapping[str, Any]) -> Grid:
    return Grid(
        "The model gateway: an answer through it, and of the provider itself (p50 / p99 ms)",
        (
            *("at once", "answers", "strayed", "direct, first", "direct, end"),
            *("gateway, first", "gateway, end"),
        ),
        [
            (
                _at_once(each),
                str(each["answers"]),
                str(each["strayed"]),
                *(_times(each[name]) for name in ("direct_first", "direct_end", "first", "end")),
            )
            for each in found.get("gateway", [])
        ],
    )


def _gateway_added(found: Mapping[str, Any]) -> Grid:
    return Grid(
        "The model gateway: what it adds (p50 / p99 ms), and its CPU per answer",
        ("at once", "to the first words", "to the end", "answers/s", "CPU ms", "deltas"),
        [
            (
                _at_once(each),
                _times(each["added_first"]),
                _times(each["added_end"]),
                _spread(each["answers_per_second"], 0),
                _spread(each["server_cpu_ms"]),
                _number(each["deltas"]),
            )
            for each in found.get("gateway", [])
        ],
    )


def _at_once(cell: Mapping[str, Any]) -> str:
    return f"{cell['concurrency']}{cell['way'] and ', '}{cell['way']}"


def _turns(found: Mapping[str, Any]) -> Grid:
    return Grid(
        "Full turns: throughput and time",
        (
            *("workload", "at once", "turns", "turns/s", "p50 ms", "p99 ms"),
            *("first delta p50", "p99", "failed", "strayed"),
        ),
        [
            (
                each["workload"],
                str(each["concurrency"]),
                str(each["turns"]),
                _spread(each["turns_per_second"], 1),
                _number(each["p50_ms"]),
                _number(each["p99_ms"]),
                _number(each["first_delta_p50_ms"]),
                _number(each["first_delta_p99_ms"]),
                str(sum(each["failed"].values())),
                str(each["strayed"]),
            )
            for each in found["turns"]
        ],
    )


def _costs(found: Mapping[str, Any]) -> Grid:
    rows = []
    for each in found["turns"]:
        within, behind = turn_statements(found["statements"].get(each["workload"], {}))
        counted = each["workload"] in found["statements"]
        rows.append(
            (
                each["workload"],
                str(each["concurrency"]),
                _spread(each["cpu_total_ms"], 1),
                _number(each["calls"]),
                _number(each["round_trips"]),
                _number(each["commands"]),
                _number(within) if counted else "-",
                _number(behind) if counted else "-",
                _number(each["deltas"]),
                _number(each["other_cores"]),
            )
        )
    return Grid(
        "Full turns: what one costs",
        (
            *("workload", "at once", "CPU ms", "calls", "Redis round trips", "Redis commands"),
            *("SQL statements", "SQL behind it", "deltas", "cores of others"),
        ),
        rows,
    )


def _cpu(found: Mapping[str, Any]) -> Grid:
    """Processes as rows: a terminal is too narrow for a column each."""
    cells = found["turns"]
    names = list(dict.fromkeys(name for each in cells for name in each["cpu_ms"]))
    medians = {name: [each["cpu_ms"][name]["median"] for each in cells] for name in names}
    return Grid(
        "CPU milliseconds per turn by process (median of the repeats)",
        ("process", *(f"{each['workload']}\n{each['concurrency']}" for each in cells)),
        [(name, *map(_number, row)) for name, row in medians.items() if max(row) >= _LEAST_CPU_MS],
    )


def _startup(found: Mapping[str, Any]) -> Grid:
    titles = {"first": "a new home", "again": "the same home again"}
    starts = found["startup"]
    processes = list(dict.fromkeys(name for e in starts.values() for name in e["by_process"]))
    rows = [
        (name, *(_number(each["by_process"].get(name)) for each in starts.values()))
        for name in processes
    ]
    if starts:
        embedded = {"first": starts["first"]["ready"] + found["embedded_seconds"]}
        rows.append(("ready", *(_number(each["ready"]) for each in starts.values())))
        rows.append(("knowledge embedded", *(_number(embedded.get(kind)) for kind in starts)))
    return Grid(
        "Start-up with the sample company: seconds until each process served",
        ("process", *(titles[kind] for kind in starts)),
        rows,
    )


def _spread(value: Mapping[str, float], places: int = 2) -> str:
    """The median, and the extremes where there is more than one repeat."""
    median, low, high = (f"{value[key]:.{places}f}" for key in ("median", "low", "high"))
    return median if low == high else f"{median} ({low}-{high})"


def _times(value: Mapping[str, float]) -> str:
    return f"{_number(value['p50_ms'])} / {_number(value['p99_ms'])}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _row(cells: Sequence[str]) -> str:
    line = " | ".join(cells).replace("\n", " ")
    return f"| {line} |"
