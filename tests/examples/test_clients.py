"""The example clients in Python and Node, run as a reader would run them.

The session service here is a script that breaks streams at will: what a client does then is its
own business. The conversation with the real mesh is held by the end-to-end tests.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from kefu.session.v1 import session_pb2, session_pb2_grpc, turn_pb2

from services.local.ca import Authority
from tests.examples.conftest import ROOT, Files, environment, write

SESSION = "tenants/shop/sessions/one"
ANSWER = ("签收次日起 ", "15 天内", "可以退货。")
NODE = ROOT / "examples/node"
RUN_SECONDS = 30


class Script(session_pb2_grpc.SessionServiceServicer):
    """Answers every message with `ANSWER`, after breaking the stream as told.

    Args:
        broken_after: how many events each of the first streams carries before it breaks.
    """

    def __init__(self, *broken_after: int) -> None:
        self._broken_after = list(broken_after)
        self.requests: list[session_pb2.ConverseRequest] = []
        self.resumes: list[session_pb2.ResumeTurnRequest] = []

    async def CreateSession(self, request, context):
        """Start the one session, for the tenant `shop`."""
        assert request.parent == "tenants/shop"
        return session_pb2.CreateSessionResponse(session=session_pb2.Session(name=SESSION))

    async def Converse(self, request, context):
        """Stream the turn from its beginning."""
        self.requests.append(request)
        async for event in self._stream(0, context):
            yield session_pb2.ConverseResponse(event=event)

    async def ResumeTurn(self, request, context):
        """Stream the rest of the turn."""
        self.resumes.append(request)
        async for event in self._stream(request.after_sequence, context):
            yield session_pb2.ResumeTurnResponse(event=event)

    async def _stream(self, after, context):
        turn = f"{SESSION}/turns/1"
        events = [turn_pb2.TurnEvent(started=turn_pb2.TurnStarted(turn=turn))]
        events += [turn_pb2.TurnEvent(delta=turn_pb2.TextDelta(text=text)) for text in ANSWER]
        completed = turn_pb2.TurnCompleted(turn=turn_pb2.Turn(name=turn, trace_id="ab" * 16))
        events.append(turn_pb2.TurnEvent(completed=completed))
        for number, event in enumerate(events, start=1):
            event.sequence = number
        limit = self._broken_after.pop(0) if self._broken_after else len(events)
        for event in events[after : after + limit]:
            yield event
        if after + limit < len(events):
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the script breaks the stream")


@asynccontextmanager
async def serving(script: Script, folder: Path) -> AsyncIterator[tuple[str, Files]]:
    """The script over mutual TLS: its address, and a client's files."""
    authority = Authority.create()
    leaf = authority.issue("session")
    server = grpc.aio.server()
    session_pb2_grpc.add_SessionServiceServicer_to_server(script, server)
    tls = grpc.ssl_server_credentials(
        [(leaf.key, leaf.certificate)], authority.certificate_pem, require_client_auth=True
    )
    port = server.add_secure_port("127.0.0.1:0", tls)
    await server.start()
    try:
        yield f"127.0.0.1:{port}", write(folder, authority.issue("shop"), authority)
    finally:
        await server.stop(None)


@pytest.fixture(params=["python", "node"])
def client(request: pytest.FixtureRequest) -> list[str]:
    """The command line of each client, without its arguments."""
    if request.param == "python":
        return [sys.executable, str(ROOT / "examples/python/ask.py")]
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    if not (NODE / "node_modules").is_dir():
        pytest.skip("the packages of the Node client are not installed: `make setup` does it")
    return ["node", str(NODE / "ask.mjs")]


async def run(command: list[str], address: str, files: Files, *texts: str) -> tuple[int, str, str]:
    """Run a client to its end: exit status, standard output, standard error."""
    paths = (files.authority, files.certificate, files.key)
    process = await asyncio.create_subprocess_exec(
        *(*command, address, *map(str, paths), "shop", *texts),
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), RUN_SECONDS)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_prints_each_answer_of_a_conversation(client, tmp_path):
    """Two messages are two turns of one session, each with a request_id of its own."""
    script = Script()
    async with serving(script, tmp_path / "shop") as (address, files):
        status, out, err = await run(client, address, files, "能退货吗", "几天")
    assert (status, out.splitlines()) == (0, ["".join(ANSWER)] * 2), err
    assert [request.input.text for request in script.requests] == ["能退货吗", "几天"]
    assert {request.session for request in script.requests} == {SESSION}
    assert len({request.request_id for request in script.requests}) == 2


async def test_goes_on_where_a_stream_broke(client, tmp_path):
    """A stream that breaks twice in its middle is continued: no word twice, none missing."""
    script = Script(2, 1)
    async with serving(script, tmp_path / "shop") as (address, files):
        status, out, err = await run(client, address, files, "能退货吗")
    assert (status, out) == (0, "".join(ANSWER) + "\n"), err
    assert len(script.requests) == 1
    assert [resume.after_sequence for resume in script.resumes] == [2, 3]


async def test_repeats_a_message_that_never_began_with_the_same_request_id(client, tmp_path):
    """A stream that broke before its first event is asked for again, as the same message."""
    script = Script(0)
    async with serving(script, tmp_path / "shop") as (address, files):
        status, out, err = await run(client, address, files, "能退货吗")
    assert (status, out) == (0, "".join(ANSWER) + "\n"), err
    assert len(script.requests) == 2
    assert len({request.request_id for request in script.requests}) == 1


async def test_fails_for_a_server_of_another_authority(client, tmp_path):
    """A server that the client's authority did not sign is not talked to."""
    script = Script()
    other = Authority.create()
    strange = write(tmp_path / "other", other.issue("shop"), other)
    async with serving(script, tmp_path / "shop") as (address, _):
        status, _, _ = await run(client, address, strange, "能退货吗")
    assert status != 0
    assert not script.requests


def test_the_python_client_has_ten_lines():
    """What the integration guide promises: ten lines between the imports and the end."""
    source = (ROOT / "examples/python/ask.py").read_text("utf-8")
    body = source.partition("from kefu.client import connect")[2].splitlines()
    assert len([line for line in body if line.strip()]) <= 10


def test_the_node_packages_are_pinned_without_a_registry():
    """Exact versions, and a lock file that works with any registry."""
    lock = (NODE / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
    assert "^" not in (NODE / "package.json").read_text("utf-8")
