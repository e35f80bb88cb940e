"""What a run found, in the shape in which it is written to `build/bench.json`.

docs/benchmarks.md explains every field. `FORMAT` grows when a field changes its meaning.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from tests.bench.counters import BACKGROUND_DATABASES, BACKGROUND_METHODS
from tests.bench.echo import EchoCell
from tests.bench.engine import EngineFigures
from tests.bench.gateway import GatewayCell
from tests.bench.mesh import Startup
from tests.bench.stats import Spread, percentile, spread
from tests.bench.turns import Repeat, failures
from tests.bench.understanding import UnderstandingCell

FORMAT = 1
"""Version of the JSON."""


@dataclass(frozen=True, slots=True)
class TurnCell:
    """One workload at one concurrency, over all repeats.

    Attributes:
        workload: its name.
        concurrency: customers at once, each in a session of her own.
        repeats: how often it was measured.
        turns: finished turns of all repeats.
        failed: turns that ended with an error, by its reason.
        strayed: turns that completed but took another way than the workload is about.
        turns_per_second: finished turns, over the repeats.
        p50_ms, p99_ms: time of a turn, of all turns.
        first_delta_p50_ms, first_delta_p99_ms: time to the first words; None where none came.
        deltas: pieces of text per turn.
        cpu_ms: CPU per turn by process, idle use taken off, over the repeats.
        cpu_total_ms: the same for all but `client` and `stub`.
        calls: calls per turn that belong to it, the customer's own and the shop's included.
        calls_by_method: calls served per turn, the batched ones too.
        commands: Redis commands per turn, those inside scripts and transactions too.
        commands_by_name: the same by name.
        round_trips: to Redis per turn.
        other_cores: cores that somebody else kept busy, the worst repeat.
    """

    workload: str
    concurrency: int
    repeats: int
    turns: int
    failed: dict[str, int]
    strayed: int
    turns_per_second: Spread
    p50_ms: float
    p99_ms: float
    first_delta_p50_ms: float | None
    first_delta_p99_ms: float | None
    deltas: float
    cpu_ms: dict[str, Spread]
    cpu_total_ms: Spread
    calls: float
    calls_by_method: dict[str, float]
    commands: float
    commands_by_name: dict[str, float]
    round_trips: float
    other_cores: float


@dataclass(slots=True)
class Results:
    """A whole run.

    Attributes:
        machine: what it ran on.
        started: UTC, ISO 8601.
        seconds: how long the bench took.
        quick: whether it was a trial whose figures mean nothing.
        warnings: why the figures may be off, for people.
        startup: `first` start of a new home, `again` of the same one.
        embedded_seconds: how long the new mesh, once ready, went on embedding its knowledge.
        idle_cpu_ms_per_second: what each process uses while nobody asks.
        echo: the floor.
        understanding: calls to intent and sentiment alone.
        engine: the embedding engine; None where the run was cut short before it.
        gateway: answers through the model gateway, and directly of the provider.
        turns: full turns.
        statements: SQL statements per turn by workload, database and verb.
        caching: which caches can help each workload.
        pace_ms: what a fixed piece of Python took, before each part and each repeat.
    """

    machine: dict[str, Any]
    started: str
    seconds: float = 0.0
    quick: bool = False
    warnings: list[str] = field(default_factory=list)
    startup: dict[str, Startup] = field(default_factory=dict)
    embedded_seconds: float = 0.0
    idle_cpu_ms_per_second: dict[str, float] = field(default_factory=dict)
    echo: list[EchoCell] = field(default_factory=list)
    understanding: list[UnderstandingCell] = field(default_factory=list)
    engine: EngineFigures | None = None
    gateway: list[GatewayCell] = field(default_factory=list)
    turns: list[TurnCell] = field(default_factory=list)
    statements: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    caching: dict[str, str] = field(default_factory=dict)
    pace_ms: list[float] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return it as JSON-like values, numbers rounded to what they can mean."""
        document: dict[str, Any] = _rounded({"format": FORMAT, **asdict(self)})
        return document


def turn_cell(workload: str, concurrency: int, repeats: list[Repeat]) -> TurnCell:
    """Put the repeats of a cell together; at least one of them has a finished turn.

    Raises:
        ValueError: no turn finished in any repeat.
    """
    asked = [each for repeat in repeats for each in repeat.asked]
    finished = [each for each in asked if not each.failure]
    if not finished:
        raise ValueError(f"no turn finished: {failures(asked)}")
    times = [each.seconds * 1000 for each in finished]
    firsts = [e.first_delta_seconds * 1000 for e in finished if e.first_delta_seconds is not None]
    methods = mean_by_name([repeat.calls for repeat in repeats])
    commands = mean_by_name([repeat.redis.commands for repeat in repeats])
    own = sum(count for name, count in methods.items() if name not in BACKGROUND_METHODS)
    return TurnCell(
        workload=workload,
        concurrency=concurrency,
        repeats=len(repeats),
        turns=len(finished),
        failed=failures(asked),
        strayed=sum(not each.held for each in finished),
        turns_per_second=spread([_finished(each) / each.seconds for each in repeats]),
        p50_ms=percentile(times, 0.5),
        p99_ms=percentile(times, 0.99),
        first_delta_p50_ms=percentile(firsts, 0.5) if firsts else None,
        first_delta_p99_ms=percentile(firsts, 0.99) if firsts else None,
        deltas=sum(each.deltas for each in finished) / len(finished),
        cpu_ms={name: spread([e.cpu_ms[name] for e in repeats]) for name in repeats[0].cpu_ms},
        cpu_total_ms=spread([mesh_cpu(each.cpu_ms) for each in repeats]),
        calls=own + sum(each.actions for each in finished) / len(finished),
        calls_by_method=methods,
        commands=sum(commands.values()),
        commands_by_name=commands,
        round_trips=sum(repeat.redis.round_trips for repeat in repeats) / len(repeats),
        other_cores=max(each.other_cores for each in repeats),
    )


def mesh_cpu(by_process: dict[str, float]) -> float:
    """Return the CPU of the mesh: of everything but those who stand outside it."""
    return sum(each for name, each in by_process.items() if name not in ("client", "stub"))


def mean_by_name(several: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each counter over the repeats; one that is missing there stood at 0."""
    names = sorted({name for each in several for name in each})
    return {name: sum(each.get(name, 0.0) for each in several) / len(several) for name in names}


def turn_statements(by_database: dict[str, dict[str, float]]) -> tuple[float, float]:
    """Return the SQL statements of a turn itself, and those written in batches behind it.

    Opening and closing transactions is counted with the others: each is a round trip.
    """
    totals = {database: sum(verbs.values()) for database, verbs in by_database.items()}
    behind = sum(count for name, count in totals.items() if name in BACKGROUND_DATABASES)
    return sum(totals.values()) - behind, behind


def _finished(repeat: Repeat) -> int:
    return sum(not each.failure for each in repeat.asked)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
