"""`python -m services.sentiment`: wiring."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kefu.sentiment.v1.sentiment_pb2_grpc import add_SentimentServiceServicer_to_server

from services.mesh.batching import Batcher
from services.mesh.server import Registration
from services.mesh.service import Mesh, run
from services.sentiment import model
from services.sentiment.analyzer import Analyzer
from services.sentiment.servicer import SentimentServicer
from services.sentiment.settings import Settings


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Load the model and the lexicons, then serve."""
    trained = model.load()
    analyzer = Analyzer(trained, settings.neutral_band)
    utterances, batches = (
        Batcher(analyzer.analyze_all, settings.batch_limit, name)
        for name in ("utterances", "batches")
    )
    servicer = SentimentServicer(
        utterances, batches, settings, trained.record.embedding_model, trained.dimensions
    )
    try:
        yield [(add_SentimentServiceServicer_to_server, servicer)]
    finally:
        await utterances.aclose()
        await batches.aclose()


if __name__ == "__main__":
    run("sentiment", Settings, build)
