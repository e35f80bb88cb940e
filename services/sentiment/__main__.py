"""`python -m services.sentiment`: wiring."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kefu.sentiment.v1.sentiment_pb2_grpc import add_SentimentServiceServicer_to_server

from services.mesh.server import Registration
from services.mesh.service import Mesh, run
from services.sentiment.analyzer import Analyzer
from services.sentiment.servicer import SentimentServicer
from services.sentiment.settings import Settings


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Load the lexicons, then serve."""
    servicer = SentimentServicer(
        Analyzer(settings.neutral_band), settings.neutral_band, settings.escalation_line
    )
    yield [(add_SentimentServiceServicer_to_server, servicer)]


if __name__ == "__main__":
    run("sentiment", Settings, build)
