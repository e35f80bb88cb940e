"""Which processes run, where, and what their environment tells them."""

import json
import socket
from pathlib import Path

import pytest

from services.local import programs
from services.local.home import Home
from services.local.ports import Ports
from services.local.problem import Problem
from services.local.programs import Program
from services.local.status import MeshStatus, ServiceStatus


def test_every_service_of_the_design_runs() -> None:
    """One process per service, and the trace sink; the sample adds its action server."""
    names = [program.name for program in programs.programs(sample=False)]
    assert names == [
        "session",
        "intent",
        "knowledge",
        "generation",
        "sentiment",
        "audit",
        "desk",
        "traces",
    ]
    assert [p.name for p in programs.programs(sample=True)] == [*names, "shop-orders"]


def test_callers_drain_before_those_they_call() -> None:
    """Session goes first; audit and traces hear of everybody's last calls."""
    stage = {program.name: program.drain_stage for program in programs.programs(sample=True)}
    assert stage["session"] < min(s for n, s in stage.items() if n != "session")
    assert max(s for n, s in stage.items() if n not in {"audit", "traces"}) < stage["audit"]
    assert stage["audit"] < stage["traces"]


def test_no_two_programs_share_a_logical_valkey_database() -> None:
    """A FLUSHDB of one service's cache never touches another's leases."""
    numbers = [p.redis_database for p in programs.PROGRAMS if p.redis_database is not None]
    assert len(numbers) == len(set(numbers))


def test_addresses_are_all_different_and_of_this_machine_only() -> None:
    """Nobody else in the network reaches the local default."""
    with Ports() as ports:
        assigned = programs.assign_addresses(programs.PROGRAMS, MeshStatus(), ports)
    addresses = [a for s in assigned.values() for a in (s.address, s.metrics_address)]
    assert len(set(addresses)) == 2 * len(programs.PROGRAMS)
    assert all(address.startswith("127.0.0.1:") for address in addresses)


def test_a_program_that_joins_later_gets_a_new_address_and_the_others_keep_theirs() -> None:
    """`kefu up --sample` after `kefu up` moves nothing."""
    with Ports() as ports:
        first = programs.assign_addresses(programs.programs(False), MeshStatus(), ports)
    with Ports() as ports:
        second = programs.assign_addresses(
            programs.programs(True), MeshStatus(services=first), ports
        )
    assert {n: second[n].address for n in first} == {n: s.address for n, s in first.items()}
    assert second["shop-orders"].address not in {s.address for s in first.values()}


def test_a_taken_port_is_named_with_its_service_and_the_way_out() -> None:
    """One line: which address, whose, and what to do."""
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        before = {"desk": ServiceStatus(address=f"127.0.0.1:{port}", metrics_address="127.0.0.1:1")}
        with (
            Ports() as ports,
            pytest.raises(Problem, match=rf"127.0.0.1:{port}, the address of desk.*mesh.json"),
        ):
            programs.assign_addresses(
                (Program("desk", "services.desk", 0),), MeshStatus(services=before), ports
            )


def environment_of(
    name: str, tmp_path: Path, database: str = "", redis: str = ""
) -> dict[str, str]:
    """Return the environment of a program of the mesh."""
    program = next(p for p in programs.PROGRAMS if p.name == name)
    with Ports() as ports:
        services = programs.assign_addresses(programs.PROGRAMS, MeshStatus(), ports)
    return programs.environment(program, Home.at(tmp_path), services, database, redis)


def test_a_service_learns_all_addresses(tmp_path: Path) -> None:
    """Peers come as one JSON object, name to address."""
    settings = environment_of("session", tmp_path)
    peers = json.loads(settings["KEFU_PEERS"])
    assert set(peers) == {program.name for program in programs.PROGRAMS}
    assert settings["KEFU_LISTEN"] == peers["session"]
    assert settings["KEFU_OTLP_ENDPOINT"] == peers["traces"]


def test_a_service_gets_its_own_files_only(tmp_path: Path) -> None:
    """Certificate, key and spool are named after the service."""
    settings = environment_of("session", tmp_path)
    for key in ("KEFU_CERT_FILE", "KEFU_KEY_FILE", "KEFU_SPOOL_DIR"):
        assert Path(settings[key]).stem == "session"
        assert settings[key].startswith(str(tmp_path))


def test_the_trace_sink_does_not_trace_itself(tmp_path: Path) -> None:
    """Every batch would otherwise make the next one."""
    assert environment_of("traces", tmp_path)["KEFU_OTLP_ENDPOINT"] == ""


def test_a_service_without_a_store_gets_no_url(tmp_path: Path) -> None:
    """Sentiment keeps nothing, so it cannot reach anything."""
    settings = environment_of("sentiment", tmp_path)
    assert "KEFU_DATABASE_URL" not in settings
    assert "KEFU_REDIS_URL" not in settings
    settings = environment_of("session", tmp_path, "postgresql://x", "unix://y")
    assert settings["KEFU_DATABASE_URL"] == "postgresql://x"
    assert settings["KEFU_REDIS_URL"] == "unix://y"


def test_a_users_own_settings_reach_the_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model endpoint is set once, in the shell that runs `kefu up`."""
    monkeypatch.setenv("KEFU_MODEL_BASE_URL", "http://127.0.0.1:8080/v1")
    assert environment_of("generation", tmp_path)["KEFU_MODEL_BASE_URL"].endswith("/v1")
