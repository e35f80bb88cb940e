"""What the mesh counted is read from its own pages and logs."""

import redis

from tests.bench.counters import merged, parse_calls, parse_statements, redis_counts
from tests.support.valkey import own_redis_url

__all__ = ["own_redis_url"]

PAGE = """\
# HELP kefu_rpc_server_calls_total Calls served, by outcome.
# TYPE kefu_rpc_server_calls_total counter
kefu_rpc_server_calls_total{code="OK",method="kefu.session.v1.SessionService/Converse"} 5.0
kefu_rpc_server_calls_total{code="ABORTED",method="kefu.session.v1.SessionService/Converse"} 2.0
kefu_rpc_server_calls_total{code="OK",method="grpc.health.v1.Health/Watch"} 1.0
kefu_rpc_server_calls_created{code="OK",method="grpc.health.v1.Health/Watch"} 1.79e+09
kefu_session_turns_total{match="faq",mode="faq"} 1.0
"""

LOG = f"""\
2026-11-22 16:00:00 UTC [7] LOG:  statement: SELECT 1
kefu-bench db=kefu_session LOG:  execute <unnamed>: SELECT closed FROM sessions
kefu-bench db=kefu_session LOG:  execute _pg3_1: WITH moved AS (UPDATE sessions SET
\tSELECT this is a line of the statement above
kefu-bench db=kefu_knowledge LOG:  execute _pg3_2:{" "}
\tWITH base AS (
kefu-bench db=kefu_audit LOG:  statement: BEGIN
kefu-bench db=kefu_audit LOG:  statement: COPY audit_events (chain) FROM STDIN
kefu-bench db=kefu_audit LOG:  statement: COMMIT
kefu-bench db=postgres LOG:  statement: SELECT pg_reload_conf()
"""


def test_calls_are_counted_by_method_with_all_outcomes() -> None:
    """A refused call costs too; times of creation and other counters are no calls."""
    assert parse_calls(PAGE) == {
        "kefu.session.v1.SessionService/Converse": 7.0,
        "grpc.health.v1.Health/Watch": 1.0,
    }


def test_the_same_method_of_two_pages_is_added() -> None:
    """Health is served by every service."""
    assert merged([{"a": 1.0}, {"a": 2.0, "b": 1.0}]) == {"a": 3.0, "b": 1.0}


def test_statements_are_counted_by_database_and_verb() -> None:
    """One that begins on the next line counts, its further lines and other databases do not."""
    assert parse_statements(LOG) == {
        "kefu_session": {"SELECT": 1, "WITH": 1},
        "kefu_knowledge": {"WITH": 1},
        "kefu_audit": {"TRANSACTION": 2, "COPY": 1},
    }


def test_a_script_is_one_round_trip_and_all_its_commands(own_redis_url: str) -> None:
    """As are a pipeline and a transaction; looking at the counters is none."""
    with redis.Redis.from_url(own_redis_url) as client:
        client.ping()
        before = redis_counts(client)
        for _ in range(10):
            client.eval("redis.call('GET', 'a') return redis.call('GET', 'b')", 0)
            with client.pipeline(transaction=False) as pipeline:
                pipeline.get("a").get("b").execute()
        found = redis_counts(client).per_turn(before, 10)
    assert found.commands == {"eval": 1.0, "get": 4.0}
    assert found.round_trips == 2.0
