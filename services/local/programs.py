"""Which processes make up the mesh of one machine, and what each is told by its environment."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.local import ca
from services.local.home import Home
from services.local.ports import HOST, Ports
from services.local.problem import Problem
from services.local.status import MeshStatus, ServiceStatus

ROOT = Path(__file__).parents[2]
"""Root of the project: `services`, `gen` and `examples` lie in it."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process of the mesh.

    Attributes:
        name: service name; also that of its log, its certificate and its SPIFFE id.
        module: what `python -m` runs.
        drain_stage: programs of a lower stage are stopped, and have ended, before the next.
        database: whether it has a PostgreSQL database, `kefu_<name>`.
        extensions: PostgreSQL extensions of that database.
        tenant_role: role that row-level security of that database binds; empty: it has none.
        redis_database: number of its logical Valkey database, or None.
        foreign: another system's program: it takes addresses and files as arguments, has no
            metrics and no health service.
    """

    name: str
    module: str
    drain_stage: int
    database: bool = False
    extensions: tuple[str, ...] = ()
    tenant_role: str = ""
    redis_database: int | None = None
    foreign: bool = False


# Callers drain before those they call; audit and traces hear of everybody's last calls.
PROGRAMS = (
    Program("session", "services.session", 0, database=True, redis_database=0),
    Program("intent", "services.intent", 1, database=True),
    Program(
        "knowledge",
        "services.knowledge",
        1,
        database=True,
        extensions=("vector",),
        tenant_role="kefu_knowledge_tenant",
        redis_database=1,
    ),
    Program("generation", "services.generation", 2, redis_database=2),
    Program("sentiment", "services.sentiment", 1),
    Program("audit", "services.audit", 3, database=True),
    Program("desk", "services.desk", 1, database=True),
    Program("traces", "services.local.traces", 4, database=True),
)
"""The mesh, in the order in which people are shown it."""

SAMPLE = Program("shop-orders", "examples.shop.orders", 1, foreign=True)
"""The action server of the sample company."""


def programs(sample: bool) -> tuple[Program, ...]:
    """Return the processes to run, with or without the sample company's."""
    return (*PROGRAMS, SAMPLE) if sample else PROGRAMS


def assign_addresses(
    wanted: tuple[Program, ...], before: MeshStatus, ports: Ports
) -> dict[str, ServiceStatus]:
    """Give each program the addresses it had before, or free ones.

    Args:
        wanted: the programs to run.
        before: what the last run of this home left.
        ports: holds the ports of all from now on.

    Raises:
        Problem: somebody else listens on an address of before.
    """
    kept = {_port(a) for s in before.services.values() for a in (s.address, s.metrics_address) if a}
    assigned = {}
    for program in wanted:
        known = before.services.get(program.name)
        if known is None:
            metrics = "" if program.foreign else f"{HOST}:{ports.choose(kept)}"
            address = f"{HOST}:{ports.choose(kept)}"
            assigned[program.name] = ServiceStatus(address=address, metrics_address=metrics)
            continue
        for address in filter(None, (known.address, known.metrics_address)):
            if not ports.take(_port(address)):
                raise Problem(
                    f"{address}, the address of {program.name}, is taken by another process",
                    "stop that process, or remove mesh.json in the home to get new addresses",
                )
        assigned[program.name] = ServiceStatus(
            address=known.address, metrics_address=known.metrics_address
        )
    return assigned


def command(program: Program, home: Home, own: ServiceStatus) -> list[str]:
    """Return the command line of a program."""
    line = [sys.executable, "-m", program.module]
    if program.foreign:
        line += [
            "--listen",
            own.address,
            "--cert",
            str(home.cert_file(program.name)),
            "--key",
            str(home.key_file(program.name)),
            "--ca",
            str(home.ca_file),
        ]
    return line


def environment(
    program: Program,
    home: Home,
    services: Mapping[str, ServiceStatus],
    database_url: str,
    redis_url: str,
) -> dict[str, str]:
    """Return a program's whole environment: this process's own, and the mesh's settings on top.

    Args:
        program: whose environment.
        home: where its files lie.
        services: the addresses of all.
        database_url: its PostgreSQL database; empty where it has none.
        redis_url: its Valkey database; empty where it has none.
    """
    own = services[program.name]
    paths = [str(ROOT), str(ROOT / "gen"), str(ROOT / "services" / "sdk")]
    settings = {
        "KEFU_LISTEN": own.address,
        "KEFU_METRICS_LISTEN": own.metrics_address,
        "KEFU_CERT_FILE": str(home.cert_file(program.name)),
        "KEFU_KEY_FILE": str(home.key_file(program.name)),
        "KEFU_CA_FILE": str(home.ca_file),
        "KEFU_POLICY_FILE": str(home.policy_file),
        "KEFU_SPOOL_DIR": str(home.spool(program.name)),
        "KEFU_TENANTS_DIR": str(home.tenants),
        "KEFU_TRUST_DOMAIN": ca.TRUST_DOMAIN,
        # The sink would send itself a span for every batch of spans it takes.
        "KEFU_OTLP_ENDPOINT": "" if program.name == "traces" else services["traces"].address,
        "KEFU_PEERS": json.dumps({name: each.address for name, each in services.items()}),
        "GRPC_ENABLE_FORK_SUPPORT": "0",
        # Idle OpenMP threads spin: a second one slows the whole machine down.
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONUNBUFFERED": "1",
    }
    if program.name == "audit":
        settings["KEFU_SIGNING_KEY_FILE"] = str(home.signing_key_file)
    if database_url:
        settings["KEFU_DATABASE_URL"] = database_url
    if redis_url:
        settings["KEFU_REDIS_URL"] = redis_url
    return {**os.environ, **settings}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])
