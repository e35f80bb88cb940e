"""A service as a process: starts with all reasons or serves, drains on SIGTERM, exits 0."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import grpc
from kefu.intent.v1.intent_pb2 import ClassifyRequest
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub

from services.local.ca import Authority
from tests.support.mesh import ROOT, write_leaf, write_policy

REQUEST = ClassifyRequest(tenant="tenants/shop", text="我的电话是13800138000")


def environment(folder: Path, authority: Authority) -> dict[str, str]:
    """The settings of a process, as its supervisor gives them."""
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    keys = write_leaf(folder, "intent", authority.issue("intent"))
    write_policy(folder / "policy.yaml")
    return {
        "KEFU_CERT_FILE": str(keys.cert_file),
        "KEFU_KEY_FILE": str(keys.key_file),
        "KEFU_CA_FILE": str(keys.ca_file),
        "KEFU_POLICY_FILE": str(folder / "policy.yaml"),
        "KEFU_SPOOL_DIR": str(folder / "spool"),
    }


async def start(folder: Path, settings: dict[str, str]) -> Process:
    """The process, its output in pipes."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("KEFU_", "GRPC_"))}
    more = {"PYTHONPATH": ":".join(sys.path), "WAITING_IN": str(folder)}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.waiting_service",
        cwd=ROOT, env=clean | more | settings, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip


async def line(process: Process, event: str) -> dict[str, Any]:
    """The next log line of a kind."""
    assert process.stdout is not None
    async with asyncio.timeout(20):
        async for each in process.stdout:
            found: dict[str, Any] = json.loads(each)
            if found["event"] == event:
                return found
    assert process.stderr is not None
    raise AssertionError((await process.stderr.read()).decode())


async def metrics(port: int) -> str:
    """What Prometheus would read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return text


async def exists(path: Path) -> None:
    """Return once a file is there."""
    async with asyncio.timeout(10):
        while not path.exists():  # noqa: ASYNC110, ASYNC240 (another process)
            await asyncio.sleep(0.01)


async def test_sigterm_finishes_what_runs(tmp_path: Path) -> None:
    """The running call gets its answer, then the process exits 0."""
    authority = Authority.create()
    process = await start(tmp_path, environment(tmp_path, authority))
    serving = await line(process, "serving")
    keys = write_leaf(tmp_path, "client", authority.issue("test-session"))
    credentials = keys.channel_credentials()
    async with grpc.aio.secure_channel(serving["address"], credentials) as channel:
        stub = IntentServiceStub(channel)
        running = asyncio.ensure_future(stub.Classify(REQUEST, timeout=20))
        await exists(tmp_path / "started")
        during = await metrics(serving["metrics_port"])
        process.send_signal(signal.SIGTERM)
        await line(process, "draining")
        (tmp_path / "finish").touch()
        answer = await running
    output, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, errors.decode()
    assert answer.classification.language_code == "zh"
    method = "kefu.intent.v1.IntentService/Classify"
    assert f'kefu_rpc_server_in_flight{{method="{method}"}} 1.0' in during
    assert "kefu_audit_spooled_events_total" in during
    assert b'"event": "stopped"' in output
    assert b"13800138000" not in output + errors


async def test_a_process_says_every_wrong_setting_at_once(tmp_path: Path) -> None:
    """One line each, by the name of the variable, and status 2."""
    process = await start(
        tmp_path, {"KEFU_LISTEN": "nowhere", "KEFU_BURST": "-1", "KEFU_CERT_FILE": "c.pem"}
    )
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    said = errors.decode()
    assert process.returncode == 2
    for name in ("LISTEN", "BURST", "KEY_FILE", "CA_FILE", "POLICY_FILE", "SPOOL_DIR"):
        assert f"intent cannot start: KEFU_{name}: " in said
    assert "Traceback" not in said


async def test_a_process_does_not_serve_a_broken_policy(tmp_path: Path) -> None:
    """Every problem of the file, and status 2; nobody gets in meanwhile."""
    settings = environment(tmp_path, Authority.create())
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text().replace("SessionService/Reply", "SessionService/Replay"))
    process = await start(tmp_path, settings)
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert "names the unknown method kefu.session.v1.SessionService/Replay" in errors.decode()


async def test_a_process_says_that_peers_are_no_json(tmp_path: Path) -> None:
    """One line, no traceback."""
    settings = environment(tmp_path, Authority.create()) | {"KEFU_PEERS": "intent"}
    process = await start(tmp_path, settings)
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 2
    assert 'intent cannot start: error parsing value for field "peers"' in errors.decode()
    assert "Traceback" not in errors.decode()
