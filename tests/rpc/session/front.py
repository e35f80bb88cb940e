"""How the tests reach the session service: a running front, and the requests they send."""

import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import psycopg
import yaml
from kefu.session.v1 import session_pb2 as pb
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import Turn, TurnEvent
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.mesh.server import Registration
from services.mesh.service import Mesh
from services.session.__main__ import build
from services.session.settings import Settings
from tests.rpc.session.company import Company
from tests.support.mesh import Served, serve, wired

PEERS = ("intent", "sentiment", "knowledge", "generation", "desk")
SECONDS = 8
"""Deadline of the calls here; far above what one takes."""


@dataclass
class Front:
    """A running session service.

    Attributes:
        company: the services behind it.
        spans: those that it ended.
        channel: a stub of a system that holds conversations.
    """

    served: Served
    company: Company
    behind: Served
    spans: InMemorySpanExporter
    channel: SessionServiceStub
    settings: dict[str, Any]


@asynccontextmanager
async def open_front(database_url: str, redis_url: str) -> AsyncIterator[Front]:
    """The service on loopback with the production chain, and the company behind it."""
    company = Company()
    with tempfile.TemporaryDirectory(prefix="kefu-tenants-") as folder:
        async with serve("company", wired(*company.registrations())) as behind:
            actions = Path(folder) / "shop" / "actions.yaml"
            actions.parent.mkdir()
            server = {"name": "shop-orders", "target": behind.address}
            actions.write_text(yaml.safe_dump({"servers": [server]}))
            settings = {
                "database_url": database_url,
                "redis_url": redis_url,
                "tenants_dir": folder,
                "peers": dict.fromkeys(PEERS, behind.address),
            }
            async with replica(behind, settings) as (served, spans):
                channel = served.stub(SessionServiceStub, role="channel")
                yield Front(served, company, behind, spans, channel, settings)


@asynccontextmanager
async def replica(
    behind: Served, settings: dict[str, Any]
) -> AsyncIterator[tuple[Served, InMemorySpanExporter]]:
    """One more session service on the same stores, and its spans."""
    spans = InMemorySpanExporter()

    @asynccontextmanager
    async def watched(values: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
        mesh.tracer.span_processor.add_span_processor(SimpleSpanProcessor(spans))  # type: ignore[attr-defined]
        async with build(values, mesh) as registrations:
            yield registrations

    async with serve("session", watched, Settings, beside=behind, **settings) as served:
        yield served, spans


def new_id() -> str:
    """A request_id that nobody used."""
    return str(uuid.uuid4())


async def open_session(channel: SessionServiceStub, **values: Any) -> str:
    """A fresh conversation of the shop; its name."""
    request = pb.CreateSessionRequest(parent="tenants/shop", request_id=new_id(), **values)
    response = await channel.CreateSession(request, timeout=SECONDS)
    name: str = response.session.name
    return name


def message(session: str, text: str, request_id: str = "", language: str = "") -> pb.ReplyRequest:
    """One message of the customer."""
    return pb.ReplyRequest(
        session=session,
        request_id=request_id or new_id(),
        input=pb.TurnInput(text=text),
        language_code=language,
    )


def streamed(request: pb.ReplyRequest) -> pb.ConverseRequest:
    """The same message for Converse."""
    return pb.ConverseRequest.FromString(request.SerializeToString())


async def reply(channel: SessionServiceStub, session: str, *texts: str) -> Turn:
    """Send messages one after the other; the turn of the last."""
    for text in texts:
        response = await channel.Reply(message(session, text), timeout=SECONDS)
    return response.turn


async def events_of(call: Any) -> list[TurnEvent]:
    """The events that are left of a stream, which must end well."""
    events = []
    while (response := await call.read()) is not grpc.aio.EOF:
        events.append(response.event)
    assert await call.code() is grpc.StatusCode.OK
    return events


def stored_turns(database: psycopg.Connection, session: str) -> list[Turn]:
    """The turns of a session as PostgreSQL has them."""
    query = "SELECT result FROM turns WHERE session = %s ORDER BY turn_index"
    rows = database.execute(query, (session.rpartition("/")[2],)).fetchall()
    return [Turn.FromString(row[0]) for row in rows]
