"""The mesh on one machine, run by the `kefu` command as a newcomer runs it."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kefu.client import connect
from kefu.errors import TenantNotAllowed

START_SECONDS = 90
"""Longest wait for `kefu up` here: the suite's other workers keep the cores busy."""

REPLY = "kefu.session.v1.SessionService/Reply"


class Kefu:
    """The `kefu` command on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command; whether it succeeded is the caller's to judge."""
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments, "--home", str(self.home)],
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )

    def good(self, *arguments: str) -> str:
        """Run a command that must succeed; return what it printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        """Return what `kefu status --json` says."""
        found: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return found

    def ask(self, text: str, *more: str) -> dict[str, Any]:
        """Return the JSON of one turn."""
        found: dict[str, Any] = json.loads(self.good("ask", text, "--json", *more))
        return found

    def pids(self) -> list[int]:
        """Return the ids of all processes of the running mesh but the supervisor."""
        now = self.status()
        return [each["pid"] for kind in ("services", "stores") for each in now[kind].values()]


@pytest.fixture(scope="module")
def kefu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kefu]:
    """A running mesh with the sample company; stopped afterwards, whatever happened."""
    command = Kefu(tmp_path_factory.mktemp("e2e") / "home")
    command.good("up", "--sample", "--detach")
    yield command
    command.run("down")


def wait_for_end(pids: list[int], seconds: float) -> list[int]:
    """Wait until processes have ended; return those that have not."""
    left = []
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        if not select.select([descriptor], [], [], seconds)[0]:
            left.append(pid)
        os.close(descriptor)
    return left


def test_every_service_serves_at_an_address_that_scripts_can_read(kefu: Kefu) -> None:
    """The form of `kefu status --json` is an interface."""
    now = kefu.status()
    assert now["ready"]
    assert set(now["services"]) == {
        "session", "intent", "knowledge", "generation", "sentiment", "audit", "desk", "traces",
        "shop-orders",
    }  # fmt: skip
    for service in now["services"].values():
        assert service["state"] == "SERVING"
        assert service["address"].startswith("127.0.0.1:")


def test_a_second_up_on_the_same_home_is_refused(kefu: Kefu) -> None:
    """Two supervisors would fight over one database; the first is not disturbed."""
    for extra in ([], ["--detach"]):
        refused = kefu.run("up", *extra)
        assert refused.returncode == 3
        assert "already runs" in refused.stderr
        assert "kefu down" in refused.stderr
    assert kefu.status()["ready"]


@pytest.mark.parametrize(
    ("question", "language"),
    [("签收后几天内可以退货？", "zh"), ("How long is the warranty on a tent?", "en")],
)
def test_a_question_is_answered_with_its_source(kefu: Kefu, question: str, language: str) -> None:
    """In the language of the question, from the company's own words."""
    turn = kefu.ask(question)
    assert turn["text"]
    assert turn["language_code"] == language
    assert turn["citations"][0]["snippet"]


def test_a_trace_names_every_hop_and_no_word_of_the_customer(kefu: Kefu) -> None:
    """By trace id or by turn: services, methods and callers, never the text."""
    question = "帐篷的保修期是多长时间呢？"
    turn = kefu.ask(question)
    by_trace = kefu.good("trace", turn["trace_id"], "--json")
    spans = json.loads(by_trace)
    assert {"session", "intent", "sentiment", "knowledge"} <= {each["service"] for each in spans}
    root = spans[0]
    assert (root["method"], root["peer"]) == ("Reply", "spiffe://kefu.local/ns/kefu/sa/operator")
    assert json.loads(kefu.good("trace", turn["turn"], "--json")) == spans
    assert question not in by_trace
    assert "帐篷" not in by_trace


def test_what_was_done_is_in_the_audit_record_and_the_record_verifies(kefu: Kefu) -> None:
    """The turn's trace id leads to its event, and the chain is whole."""
    turn = kefu.ask("你好")
    events = events_of(kefu, "--trace", turn["trace_id"], method=REPLY)
    assert REPLY in {e["event"]["method"] for e in events}
    verdict = json.loads(kefu.good("audit", "verify", "--json"))
    assert verdict["shop"]["ok"]
    assert int(verdict["shop"]["verified"]) >= len(events)


def events_of(kefu: Kefu, *narrowed: str, method: str) -> list[dict[str, Any]]:
    """List events, again until the method's is there: services deliver theirs once a second."""
    events: list[dict[str, Any]] = []
    for _ in range(20):
        events = json.loads(kefu.good("audit", "list", *narrowed, "--json"))
        if any(each["event"]["method"] == method for each in events):
            break
    return events


async def test_an_issued_client_may_call_for_its_tenant_alone(kefu: Kefu) -> None:
    """Another system's first call, a second after its certificate was issued."""
    kefu.good("certs", "issue", "crm", "--role", "channel")
    files = kefu.home / "clients" / "crm"
    await_policy(kefu)
    async with connect(
        kefu.status()["services"]["session"]["address"],
        cert=files / "cert.pem", key=files / "key.pem", ca=files / "ca.pem",
    ) as client:  # fmt: skip
        session = await client.create_session("tenants/shop")
        assert (await client.reply(session.name, "怎样申请退货？")).text
        with pytest.raises(TenantNotAllowed):
            await client.create_session("tenants/bank")


def await_policy(kefu: Kefu) -> None:
    """Wait until the session service has said that it took the new policy over."""
    log = kefu.home / "logs" / "session.log"
    subprocess.run(
        ["timeout", "20", "sh", "-c", f"until grep -q 'policy reloaded' {log}; do sleep 0.1; done"],
        check=True,
    )


def test_a_conversation_is_held_in_a_terminal(kefu: Kefu) -> None:
    """`kefu chat` streams the replies, shows what they rest on, and ends with the input."""
    chat = subprocess.run(
        [sys.executable, "-m", "services.cli", "chat", "--home", str(kefu.home)],
        input="签收后几天内可以退货？\n再见\n", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert chat.returncode == 0, chat.stderr
    assert "15 天" in chat.stdout
    assert "[1]" in chat.stdout
    assert chat.stdout.count("  trace ") == 2
    assert "mood" in chat.stdout


def test_a_reply_for_people_is_followed_by_its_basis(kefu: Kefu) -> None:
    """Text first, then source, match and trace; an action's outcome where there was one."""
    shown = kefu.good("ask", "How do I start a return?")
    text, _, basis = shown.partition("\n")
    assert "Return" in text
    assert "[1]" in basis
    assert "trace " in basis


def test_a_refused_call_names_reason_and_trace(kefu: Kefu) -> None:
    """One clear line, the way to the whole story, and status 4."""
    refused = kefu.run("ask", "你好", "--session", "tenants/shop/sessions/never-was")
    assert refused.returncode == 4
    assert "SESSION_NOT_FOUND" in refused.stderr
    trace_id = refused.stderr.split("kefu trace ")[1].strip()
    (span,) = json.loads(kefu.good("trace", trace_id, "--json"))
    assert span["status"] == "SESSION_NOT_FOUND"


def test_events_are_listed_by_what_they_were(kefu: Kefu) -> None:
    """An auditor narrows the list down by caller, method and outcome."""
    kefu.run("ask", "你好", "--session", "tenants/shop/sessions/never-was")
    method = "kefu.session.v1.SessionService/Converse"
    narrowed = ["--method", method, "--outcome", "NOT_FOUND", "--count", "1"]
    events = events_of(kefu, *narrowed, method=method)
    assert events[0]["event"]["reason"] == "SESSION_NOT_FOUND"
    assert events[0]["event"]["identity"] == "spiffe://kefu.local/ns/kefu/sa/operator"


def test_an_altered_record_is_named(kefu: Kefu) -> None:
    """Somebody with the database's password changes one record: verify says which."""
    socket = kefu.status()["stores"]["postgres"]["socket"]
    with psycopg.connect(f"postgresql://kefu@/kefu_audit?host={socket}") as database:
        # What a superuser can do: triggers that refuse changes do not fire.
        database.execute("SET session_replication_role = replica")
        record = "chain LIKE '%%shop' AND sequence = 2"
        change = f"UPDATE audit_events SET latency_us = latency_us %s 1 WHERE {record}"
        database.execute(change % "+")
        database.commit()
        broken = kefu.run("audit", "verify")
        database.execute(change % "-")
    assert broken.returncode == 1
    assert "BROKEN tenants/shop: record 2 altered" in broken.stdout
    assert "verified" in kefu.good("audit", "verify", "--tenant", "shop")


def test_knowledge_goes_in_and_comes_out_ranked(kefu: Kefu, tmp_path: Path) -> None:
    """What a content owner imports and publishes is found; unchanged, it is not sent again."""
    (tmp_path / "parking.md").write_text("# 停车\n\n绍兴门店的地下停车场前两小时免费。\n")
    bring = ("knowledge", "import", str(tmp_path), "--kb", "visit")
    assert "1 imported" in kefu.good(*bring, "--publish")
    assert "1 unchanged" in kefu.good(*bring)
    (tmp_path / "broken.pdf").write_text("no PDF")
    broken = kefu.run(*bring)
    assert broken.returncode == 1
    assert "wrongly named" in broken.stdout
    assert "succeeded" in kefu.good("knowledge", "imports")
    found = json.loads(kefu.good("knowledge", "search", "停车要钱吗", "--kb", "visit", "--json"))
    assert "两小时免费" in found["passages"][0]["text"]


def test_data_and_addresses_survive_down_and_up(kefu: Kefu) -> None:
    """A conversation goes on after the mesh was stopped; nothing of the old one still runs."""
    kefu.ask("我想取消订单", "--session", "survivor")
    before, pids = kefu.status(), kefu.pids()
    kefu.good("down")
    assert wait_for_end([*pids, before["supervisor"]], seconds=1) == []
    stopped = kefu.status()
    assert not stopped["ready"]
    kefu.good("up", "--sample", "--detach")
    after = kefu.status()
    for name, service in before["services"].items():
        assert after["services"][name]["address"] == service["address"]
    turn = kefu.ask("SO20260009", "--session", "survivor")
    assert "SO20260009" in turn["text"]
    assert turn["dialogue_state"] == "CONFIRMING"


def test_nothing_outlives_a_killed_supervisor(kefu: Kefu) -> None:
    """`kill -9` leaves no orphan behind, and the next `kefu up` finds all data in order."""
    supervisor, pids = kefu.status()["supervisor"], kefu.pids()
    os.kill(supervisor, signal.SIGKILL)
    assert wait_for_end(pids, seconds=30) == []
    assert {s["state"] for s in kefu.status()["services"].values()} == {"STOPPED"}
    kefu.good("up", "--sample", "--detach")
    assert kefu.ask("签收后几天内可以退货？")["citations"]
    assert json.loads(kefu.good("audit", "verify", "--json"))["shop"]["ok"]
