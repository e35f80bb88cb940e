"""What stands on the wire between the processes of a running mesh."""

import asyncio
import json
import subprocess
import sys
import urllib.request
import uuid
from pathlib import Path

import grpc
import pytest
from kefu.audit.v1 import audit_pb2
from kefu.audit.v1.audit_pb2_grpc import AuditServiceStub

from tests.support.running import ROOT, TENANT, Running

BUF = Path(sys.executable).parent / "buf"
MESH_SERVICES = (
    "session", "intent", "knowledge", "generation", "sentiment", "audit", "desk", "traces",
    "shop-orders",
)  # fmt: skip
MARKER = "紫色长颈鹿QXZ77"


def openssl(mesh: Running, service: str, *options: str) -> str:
    """Dial a service with OpenSSL's own client and return what it says of the handshake."""
    keys = mesh.keys()
    done = subprocess.run(
        ["openssl", "s_client", "-connect", mesh.address(service), "-CAfile", keys.ca_file,
         "-alpn", "h2", *options],
        input=b"", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False,
    )  # fmt: skip
    # HTTP/2 frames follow the handshake, and they are not text.
    return done.stdout.decode(errors="replace")


@pytest.mark.parametrize("service", MESH_SERVICES)
def test_every_service_refuses_tls_12_and_takes_13(mesh: Running, service: str) -> None:
    """TLS 1.2 finds no cipher; 1.3 with a client certificate completes and verifies."""
    keys = mesh.keys()
    pair = ("-cert", str(keys.cert_file), "-key", str(keys.key_file))
    old = openssl(mesh, service, "-tls1_2", *pair)
    new = openssl(mesh, service, "-tls1_3", *pair)
    assert "Cipher is (NONE)" in old
    assert "TLSv1.3, Cipher is TLS_" in new
    assert "Verify return code: 0 (ok)" in new


def test_buf_curl_calls_reply_with_reflection(mesh: Running) -> None:
    """A tool that knows nothing of Kefu reads the contract by reflection and holds a turn."""
    keys = mesh.keys()
    base = f"https://{mesh.address('session')}/kefu.session.v1.SessionService"

    def call(method: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
        done = subprocess.run(
            [BUF, "curl", "--protocol", "grpc", "--reflect", "--reflect-protocol", "grpc-v1alpha",
             "--cert", keys.cert_file, "--key", keys.key_file, "--cacert", keys.ca_file,
             "-d", json.dumps(body), f"{base}/{method}"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        parsed: dict[str, dict[str, str]] = json.loads(done.stdout)
        return parsed

    made = call("CreateSession", {"parent": TENANT, "requestId": str(uuid.uuid4())})
    answer = call(
        "Reply",
        {
            "session": made["session"]["name"],
            "requestId": str(uuid.uuid4()),
            "input": {"text": "退货运费谁出？"},
        },
    )
    assert answer["turn"]["text"]


async def _trace(mesh: Running, trace_id: str, wanted: set[str]) -> list[dict[str, object]]:
    """The spans of a trace once they are exported; a process sends them twice a second."""
    for _ in range(40):
        done = mesh.kefu("trace", trace_id, "--json", check=False)
        spans: list[dict[str, object]] = []
        if done.strip():
            found = json.loads(done)
            spans = found["spans"] if isinstance(found, dict) else found
        if wanted <= {str(each["service"]) for each in spans}:
            return spans
        await asyncio.sleep(0.25)
    raise AssertionError(f"no spans of {wanted}: {done}")


async def test_one_trace_runs_through_all_hops_of_a_turn(mesh: Running) -> None:
    """Session, intent, sentiment, knowledge and generation stand in the turn's one trace."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        turn = await kefu.reply(session, f"请问{MARKER}怎么保养才不会生锈？")
    hops = {"session", "intent", "sentiment", "knowledge", "generation"}
    spans = await _trace(mesh, turn.trace_id, hops)
    assert MARKER not in json.dumps(spans, ensure_ascii=False)


async def test_every_hop_of_a_turn_leaves_an_audit_record(mesh: Running) -> None:
    """The record of a turn's trace names each service that was called, and the turn itself."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        turn = await kefu.reply(session, "会员积分什么时候过期？")
    wanted = {"session", "intent", "sentiment", "knowledge"}
    async with mesh.stub("audit", AuditServiceStub) as audit:
        request = audit_pb2.ListEventsRequest(
            parent=TENANT, page_size=100, filter=audit_pb2.EventFilter(trace_id=turn.trace_id)
        )
        for _ in range(40):
            events = [e.event for e in (await audit.ListEvents(request, timeout=5)).events]
            if wanted <= {e.service for e in events}:
                break
            await asyncio.sleep(0.25)
    assert wanted <= {e.service for e in events}
    assert "turn.completed" in {e.method for e in events}
    assert all(e.identity for e in events)


async def test_a_customers_words_are_in_no_log_span_or_audit_record(mesh: Running) -> None:
    """A word that only this customer would write is found nowhere but in the turn itself."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        await kefu.reply(session, f"{MARKER}坏了，能保修吗？")
        turn = await kefu.reply(session, f"{MARKER} is broken, I am so angry! Terrible!")
    await _trace(mesh, turn.trace_id, {"session"})
    for log in (mesh.home / "logs").glob("*.log"):
        assert MARKER not in log.read_text(errors="replace"), log.name
    events = mesh.kefu("audit", "list", "--json")
    assert MARKER not in events


async def test_an_unknown_method_is_unimplemented(mesh: Running) -> None:
    """Calling what no proto declares is a clear status."""
    credentials = mesh.keys().channel_credentials()
    async with grpc.aio.secure_channel(mesh.address("session"), credentials) as channel:
        call = channel.unary_unary("/kefu.session.v1.SessionService/Nothing")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(b"", timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_every_service_serves_its_metrics(mesh: Running) -> None:
    """Calls by method and code, on each service's own metrics port."""
    for name, service in mesh.services().items():
        if not service["metrics_address"]:
            continue
        url = f"http://{service['metrics_address']}/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            assert b"kefu_rpc_server_calls_total" in response.read(), name


@pytest.mark.parametrize("client", ["python", "node"])
def test_the_example_clients_hold_a_conversation(mesh: Running, client: str) -> None:
    """The clients that other teams copy work against the real mesh."""
    keys = mesh.keys()
    script = {
        "python": [sys.executable, "examples/python/ask.py"],
        "node": ["node", "examples/node/ask.mjs"],
    }
    if client == "node" and not (ROOT / "examples/node/node_modules").is_dir():
        pytest.skip("run `npm ci --prefix examples/node` for the Node client (2026-11-22)")
    done = subprocess.run(
        [*script[client], mesh.address("session"), keys.ca_file, keys.cert_file, keys.key_file,
         "shop", "退货运费谁出？", "SO20260001到哪了"],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "退" in done.stdout
    assert "SO20260001" in done.stdout
