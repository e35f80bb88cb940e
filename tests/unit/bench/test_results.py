"""Repeats become cells, cells become JSON, and failures are never averaged away."""

import json

import pytest

from tests.bench import machine
from tests.bench.__main__ import judge
from tests.bench.counters import RedisCounts
from tests.bench.results import Results, mean_by_name, mesh_cpu, turn_cell, turn_statements
from tests.bench.turns import Asked, Repeat

CONVERSE = "kefu.session.v1.SessionService/Converse"
RECORD = "kefu.audit.v1.AuditService/Record"


def repeat(*asked: Asked, seconds: float = 1.0, cpu: float = 4.0) -> Repeat:
    """A repeat in which session used `cpu` ms a turn, the client 2 and the stub 1."""
    return Repeat(
        asked=list(asked),
        seconds=seconds,
        cpu_ms={"session": cpu, "client": 2.0, "stub": 1.0},
        calls={CONVERSE: 1.0, RECORD: 0.5},
        redis=RedisCounts({"get": 2.0, "evalsha": 1.0}, 2.5),
        other_cores=0.1,
    )


GOOD = Asked(0.010, first_delta_seconds=0.004, deltas=3, actions=1, held=True)
BAD = Asked(5.0, failure="TURN_IN_PROGRESS")


def test_a_cell_pools_times_and_spreads_rates() -> None:
    """Percentiles are of all turns; throughput and CPU are told with the extremes of repeats."""
    cell = turn_cell("faq", 8, [repeat(GOOD, GOOD, cpu=4.0), repeat(GOOD, seconds=0.25, cpu=6.0)])
    assert (cell.turns, cell.repeats, cell.p50_ms, cell.first_delta_p50_ms) == (3, 2, 10.0, 4.0)
    assert (cell.turns_per_second.low, cell.turns_per_second.high) == (2.0, 4.0)
    assert cell.cpu_ms["session"].median == 5.0
    assert cell.deltas == 3


def test_failed_turns_are_named_and_not_timed() -> None:
    """A quick refusal would make the percentiles look good."""
    cell = turn_cell("faq", 1, [repeat(GOOD, BAD)])
    assert cell.failed == {"TURN_IN_PROGRESS": 1}
    assert (cell.turns, cell.p99_ms, cell.turns_per_second.median) == (1, 10.0, 1.0)


def test_a_cell_without_a_finished_turn_is_an_error() -> None:
    """There is nothing to tell but why."""
    with pytest.raises(ValueError, match="TURN_IN_PROGRESS"):
        turn_cell("faq", 1, [repeat(BAD)])


def test_the_calls_of_a_turn_are_its_own() -> None:
    """The shop has no counters, so its calls are taken from the turns; batches are left out."""
    cell = turn_cell("operation", 1, [repeat(GOOD)])
    assert cell.calls == 1.0 + 1.0
    assert cell.calls_by_method == {CONVERSE: 1.0, RECORD: 0.5}


def test_redis_is_counted_by_commands_and_by_round_trips() -> None:
    """A script's commands cost Redis, and a round trip costs whoever waits for it."""
    cell = turn_cell("model", 1, [repeat(GOOD), repeat(GOOD)])
    assert (cell.commands, cell.round_trips) == (3.0, 2.5)
    assert cell.commands_by_name == {"get": 2.0, "evalsha": 1.0}


def test_client_and_stub_are_no_cost_of_the_mesh() -> None:
    """They are told beside it."""
    assert mesh_cpu({"session": 4.0, "client": 2.0, "stub": 1.0}) == 4.0


def test_a_counter_that_is_missing_in_a_repeat_stood_at_zero() -> None:
    """A lease is renewed in slow turns alone."""
    assert mean_by_name([{"get": 2.0}, {"get": 2.0, "pexpire": 1.0}]) == {
        "get": 2.0,
        "pexpire": 0.5,
    }


def test_statements_behind_the_turn_are_told_apart() -> None:
    """Audit and traces are written in batches, nobody waits for them."""
    found = {"kefu_session": {"SELECT": 1.0, "WITH": 1.0}, "kefu_audit": {"COPY": 2.0}}
    assert turn_statements(found) == (2.0, 2.0)


def test_what_makes_figures_worthless_is_said() -> None:
    """Failures, other ways, too few turns, a busy machine: each is a warning."""
    strayed = Asked(0.01)
    results = Results(machine={}, started="")
    results.turns = [turn_cell("faq", 1, [repeat(GOOD, strayed, BAD)])]
    judge(results)
    said = "\n".join(results.warnings)
    assert "TURN_IN_PROGRESS" in said
    assert "1 turns took another way" in said
    assert "too few for a p99" in said
    assert "others used" not in said
    assert "pace" not in said


def test_a_machine_whose_own_pace_changed_is_said() -> None:
    """Half of a core that somebody else uses is in no load average."""
    results = Results(machine={}, started="", pace_ms=[7.0, 9.0, 7.2])
    judge(results)
    assert not results.warnings
    results.pace_ms.append(14.1)
    judge(results)
    assert "took 7.0 to 14.1 ms" in results.warnings[0]
    assert machine.pace_ms() > 0


def test_the_document_is_json_with_short_numbers() -> None:
    """Four decimals of a millisecond are more than anybody measures."""
    results = Results(machine={"load_average": [1 / 3]}, started="now", seconds=2 / 3)
    document = json.loads(json.dumps(results.document()))
    assert document["format"] == 1
    assert document["seconds"] == 0.6667
    assert document["machine"] == {"load_average": [0.3333]}
