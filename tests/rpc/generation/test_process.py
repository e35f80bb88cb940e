"""What an operator meets: the process, its log, its audit records, its end."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from services.local.ca import Authority
from services.mesh.tls import KeyPair
from tests.rpc.generation.samples import KEY, SECONDS, question, read, with_model
from tests.stubs.behaviour import Behaviour
from tests.stubs.model_server import ModelServer
from tests.support.mesh import ROOT, Served, write_leaf, write_policy

SECRET_WORDS = "我的银行卡丢了"


@asynccontextmanager
async def process(settings: dict[str, Any]) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m services.generation` with these settings in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KEFU_")}
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.generation"),
        cwd=ROOT,
        env=clean
        | {"PYTHONPATH": f"{ROOT}:{ROOT}/gen:{ROOT}/services/sdk"}
        | {f"KEFU_{name.upper()}": str(value) for name, value in settings.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


def identities(folder: Path) -> tuple[dict[str, Any], KeyPair]:
    """A CA, a policy and the settings that name them; and a certificate that may call."""
    authority = Authority.create()
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    keys = write_leaf(folder, "generation", authority.issue("generation"))
    write_policy(folder / "policy.yaml")
    settings = {
        "cert_file": keys.cert_file,
        "key_file": keys.key_file,
        "ca_file": keys.ca_file,
        "policy_file": folder / "policy.yaml",
        "spool_dir": folder / "spool",
    }
    return settings, write_leaf(folder, "client", authority.issue("test-session"))


async def line_with(stream: asyncio.StreamReader, event: str) -> dict[str, Any]:
    """Read the log until the line of an event comes."""
    async for raw in stream:
        line: dict[str, Any] = json.loads(raw)
        if line["event"] == event:
            return line
    raise AssertionError(f"the process ended without {event!r}")


async def test_the_process_serves_drains_and_writes_neither_words_nor_keys(
    model: ModelServer, tmp_path: Path
) -> None:
    """Good and failed answers leave ids and causes in log and spool, no text and no key."""
    model.next.extend([Behaviour(), Behaviour(status=401), Behaviour(status=500)])
    settings, client = identities(tmp_path)
    key_file = tmp_path / "model-key"
    key_file.write_text(KEY)
    chosen = with_model(model, chat_api_key_file=key_file) | settings
    del chosen["chat_api_key"]
    async with process(chosen) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        address = (await line_with(running.stdout, "serving"))["address"]
        async with grpc.aio.secure_channel(address, client.channel_credentials()) as channel:
            stub = GenerationServiceStub(channel)
            for number in range(3):
                await read(stub.Generate(question(f"{SECRET_WORDS}{number}"), timeout=SECONDS))
        running.terminate()
        written = await running.stdout.read() + await running.stderr.read()
        assert await running.wait() == 0
    spooled = b"".join(file.read_bytes() for file in (tmp_path / "spool").iterdir())
    assert model.seen[0].headers["Authorization"] == f"Bearer {KEY}"
    assert b'"degraded": "refused"' in written
    assert b"GenerationService/Generate" in spooled
    assert KEY.encode() not in written + spooled
    assert SECRET_WORDS.encode() not in written + spooled


async def test_the_log_tells_how_long_the_embedding_model_took(tmp_path: Path) -> None:
    """Loading is measured, since it decides how soon a new replica can serve."""
    settings, _ = identities(tmp_path)
    async with process(settings) as running:
        assert running.stdout is not None
        line = await line_with(running.stdout, "model loaded")
    assert line["model"] == "multilingual-e5-small-int8"
    assert line["milliseconds"] > 0


async def test_a_model_that_cannot_be_made_stops_the_start_with_what_to_do(
    tmp_path: Path,
) -> None:
    """Exit status 2 and one line, no traceback."""
    settings, _ = identities(tmp_path)
    (tmp_path / "file").touch()
    async with process(settings | {"model_dir": tmp_path / "file"}) as running:
        _, errors = await running.communicate()
    assert running.returncode == 2
    assert errors.startswith(b"generation cannot start: the embedding model cannot be kept in ")
    assert b"KEFU_MODEL_DIR" in errors
    assert errors.count(b"\n") == 1


async def test_a_provider_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    """By its path, as one line that is about no single setting."""
    settings, _ = identities(tmp_path)
    path = tmp_path / "absent.yaml"
    async with process(settings | {"providers_file": path}) as running:
        _, errors = await running.communicate()
    assert running.returncode == 2
    said = f"generation cannot start: {path}: the file cannot be read: No such file or directory\n"
    assert errors.decode() == said


async def test_wrong_settings_stop_the_start_with_all_reasons() -> None:
    """Exit status 2, one line a problem, and no secret among them."""
    async with process({"chat_base_url": "no-url", "chat_api_key": KEY}) as running:
        _, errors = await running.communicate()
    assert running.returncode == 2
    assert b"generation cannot start: KEFU_CHAT_BASE_URL: " in errors
    assert b"KEFU_CERT_FILE" in errors
    assert KEY.encode() not in errors


@pytest.mark.parametrize(
    ("behaviour", "labels"),
    [
        (
            Behaviour(),
            {
                "mode": "model",
                "finish": "stop",
                "provider": "default",
                "grounding": "supported",
            },
        ),
        (
            Behaviour(status=503),
            {
                "mode": "extractive",
                "finish": "stop",
                "degraded": "provider_error",
                "grounding": "supported",
            },
        ),
    ],
)
async def test_the_audit_record_tells_how_the_answer_was_made(
    server: Served, model: ModelServer, behaviour: Behaviour, labels: dict[str, str]
) -> None:
    """One record a call, with mode, end, provider, prompt, grounding and reason."""
    model.default = behaviour
    stub = server.stub(GenerationServiceStub, role="session")
    streamed = await read(stub.Generate(question(), timeout=SECONDS))
    (event,) = server.spooled()
    assert event.method == "kefu.generation.v1.GenerationService/Generate"
    assert dict(event.labels) == labels | {"prompt": streamed.end.prompt_version}
