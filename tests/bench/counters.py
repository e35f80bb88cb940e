"""What the mesh counted: calls, Redis commands, SQL statements."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import redis

from tests.bench.stats import per_turn

BACKGROUND_METHODS = frozenset(
    {
        "kefu.audit.v1.AuditService/Record",
        "opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/Watch",
        "kefu.action.v1.ActionService/ListActions",
    }
)
"""Calls that come by the clock, in batches, and not with a turn."""

BACKGROUND_DATABASES = frozenset({"kefu_audit", "kefu_traces"})
"""Databases that are written in batches, behind the turns."""

_CALL = re.compile(r'^kefu_rpc_server_calls_total\{code="[^"]*",method="([^"]+)"\} (\S+)', re.M)
_STATEMENT = re.compile(r"^kefu-bench db=(\S*) LOG:  (?:statement|execute [^:]*):[\s(]*(\w+)", re.M)
_OWN_COMMANDS = frozenset({"info", "hello", "client", "select", "auth"})
"""Redis commands of connecting, and of this module."""

_CONTROL = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"})


@dataclass(frozen=True, slots=True)
class RedisCounts:
    """What a server has done so far.

    Attributes:
        commands: carried out, by name; a command inside a script or a transaction counts beside
            the script or the EXEC.
        round_trips: requests that it has read, of as many commands as came together.
    """

    commands: dict[str, float] = field(default_factory=dict)
    round_trips: float = 0.0

    def per_turn(self, before: "RedisCounts", turns: int) -> "RedisCounts":
        """Return what each of so many turns added, without the reading of these counts."""
        trips = self.round_trips - before.round_trips - 1
        return RedisCounts(per_turn(self.commands, before.commands, turns), trips / turns)


async def rpc_calls(http: aiohttp.ClientSession, metrics: Iterable[str]) -> dict[str, float]:
    """Return the calls that all services have served, by full method name.

    Args:
        http: an open client.
        metrics: `host:port` of each service's Prometheus page.
    """

    async def page(address: str) -> str:
        async with http.get(f"http://{address}/metrics") as response:
            return await response.text()

    pages = await asyncio.gather(*map(page, metrics))
    return merged(map(parse_calls, pages))


def parse_calls(page: str) -> dict[str, float]:
    """Return the calls on one Prometheus page by method, all outcomes together."""
    return merged({method: float(value)} for method, value in _CALL.findall(page))


def merged(several: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the sum of counters of the same name."""
    total: dict[str, float] = {}
    for each in several:
        for name, value in each.items():
            total[name] = total.get(name, 0.0) + value
    return total


def redis_counts(server: "redis.Redis") -> RedisCounts:
    """Return what the server has done, without this bench's own commands, in one round trip."""
    found: Mapping[str, Any] = server.info("stats", "commandstats")
    calls = {
        name.removeprefix("cmdstat_"): float(each["calls"])
        for name, each in found.items()
        if name.startswith("cmdstat_")
    }
    commands = {
        name: count for name, count in calls.items() if name.partition("|")[0] not in _OWN_COMMANDS
    }
    return RedisCounts(commands, float(found["total_reads_processed"]))


@contextmanager
def statements_logged(url: str) -> Iterator[None]:
    """Let PostgreSQL log every statement while the block runs; without its values.

    The server's own counters are no use here: a backend publishes them up to 10 s late, and the
    embedded build has no pg_stat_statements. Logging costs CPU, so nothing is timed meanwhile.

    Args:
        url: the superuser's connection.
    """
    settings = {
        "log_line_prefix": "kefu-bench db=%d ",
        "log_parameter_max_length": "0",
        "log_statement": "all",
    }
    with psycopg.connect(url, autocommit=True) as admin:
        try:
            for name, value in settings.items():
                admin.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            admin.execute("SELECT pg_reload_conf()")
            yield
        finally:
            for name in settings:
                admin.execute(f"ALTER SYSTEM RESET {name}")
            admin.execute("SELECT pg_reload_conf()")


def logged_statements(log: Path, start: int) -> dict[str, dict[str, int]]:
    """Return the statements in a server's log: how many of each verb, by database.

    Args:
        log: the file.
        start: where to begin reading, in bytes.
    """
    with open(log, "rb") as file:
        file.seek(start)
        return parse_statements(file.read().decode(errors="replace"))


def parse_statements(text: str) -> dict[str, dict[str, int]]:
    """Return how many statements of each verb a log holds, by database of a service.

    What opens and closes transactions is counted together under `TRANSACTION`.
    """
    found: dict[str, Counter[str]] = {}
    for database, verb in _STATEMENT.findall(text):
        if database.startswith("kefu_"):
            name = "TRANSACTION" if verb.upper() in _CONTROL else verb.upper()
            found.setdefault(database, Counter())[name] += 1
    return {database: dict(verbs) for database, verbs in found.items()}
