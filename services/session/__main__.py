"""The session process: `python -m services.session`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kefu.desk.v1.desk_pb2_grpc import DeskServiceStub
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.intent.v1.intent_pb2_grpc import IntentServiceStub
from kefu.knowledge.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from kefu.sentiment.v1.sentiment_pb2_grpc import SentimentServiceStub
from kefu.session.v1.session_pb2_grpc import add_SessionServiceServicer_to_server

from services.mesh.database import migrate, open_pool
from services.mesh.server import Registration
from services.mesh.service import Mesh, run
from services.session.action_peers import ActionPeers
from services.session.conversations import Conversations
from services.session.journal import Journal
from services.session.live_store import LiveStore, open_client
from services.session.peers import (
    DeskPeer,
    GenerationPeer,
    KnowledgePeer,
    ReaderPeers,
    TrialReaderPeers,
)
from services.session.rehearsal import rehearsal
from services.session.servicer import SessionServicer
from services.session.settings import Settings
from services.session.store import Store
from services.session.turn import TurnRunner
from services.session.turns import Turns


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Wire the service: stores, peers, the turn runner."""
    async with open_client(settings.redis_url) as client, open_pool(settings.database_url) as pool:
        await migrate(pool, Path(__file__).parent / "migrations")
        store, live = Store(pool), LiveStore(client)
        reading = (
            mesh.peer("intent", IntentServiceStub), mesh.peer("sentiment", SentimentServiceStub)
        )  # fmt: skip
        readers = ReaderPeers(*reading)
        knowledge = KnowledgePeer(mesh.peer("knowledge", KnowledgeServiceStub))
        generator = GenerationPeer(mesh.peer("generation", GenerationServiceStub))
        servers = ActionPeers(settings.tenants_dir, mesh.peer)
        desk = DeskPeer(mesh.peer("desk", DeskServiceStub))
        runner = TurnRunner(readers, knowledge, generator, servers, desk)
        turns = Turns(store, live, runner, Journal(mesh.spool.append))
        trial = rehearsal(TrialReaderPeers(*reading), knowledge, generator, servers)
        conversations = Conversations(store, live, trial, settings.session_ttl_seconds)
        try:
            yield [(add_SessionServiceServicer_to_server, SessionServicer(conversations, turns))]
        finally:
            await turns.drain(settings.drain_seconds)


if __name__ == "__main__":
    run("session", Settings, build)
