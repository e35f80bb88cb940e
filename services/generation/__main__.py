"""The process of the generation service: `python -m services.generation`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from kefu.errors import KefuError
from kefu.generation.v1.generation_pb2_grpc import add_GenerationServiceServicer_to_server

from services.encoder.conversion import ConversionFailed
from services.generation.answering import Answerer
from services.generation.catalogue import Catalogue
from services.generation.chat import ChatModel, ChatSettings, Patience
from services.generation.choosing import Chooser
from services.generation.embedding import Embedder, EmbeddingEngine
from services.generation.local_embedding import LocalEngine
from services.generation.prompt import Prompt
from services.generation.remote_embedding import RemoteEngine
from services.generation.servicer import GenerationServicer
from services.generation.settings import Settings
from services.generation.summary import Summarizer
from services.generation.usage import Price
from services.mesh.server import Registration
from services.mesh.service import Mesh, run


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Wire the service: the chat model where one is set, the embedding engine, the prompts."""
    async with AsyncExitStack() as stack:
        chat = _chat_model(settings, stack)
        engine = await _engine(settings)
        stack.push_async_callback(engine.close)
        servicer = GenerationServicer(
            Answerer(chat, Prompt.load("answer/1")),
            Summarizer(chat, Prompt.load("summary/1")),
            Chooser(chat, Prompt.load("choose/1")),
            Embedder(engine, settings.embedding_cache_entries),
            Catalogue(chat, engine),
        )
        yield [(add_GenerationServiceServicer_to_server, servicer)]


def _chat_model(settings: Settings, stack: AsyncExitStack) -> ChatModel | None:
    if not settings.chat_base_url:
        return None
    # The SDK is half of this process's start, and many a mesh has no provider.
    from services.generation.provider import Endpoint, Provider

    key = settings.api_key("chat")
    provider = Provider(Endpoint(settings.chat_base_url, key, settings.chat_connect_seconds))
    stack.push_async_callback(provider.close)
    price = None
    if settings.chat_input_price is not None and settings.chat_output_price is not None:
        price = Price(settings.chat_input_price, settings.chat_output_price, settings.chat_currency)
    patience = Patience(
        settings.chat_first_token_seconds,
        settings.chat_between_tokens_seconds,
        settings.chat_total_seconds,
    )
    return ChatModel(
        provider,
        ChatSettings(
            settings.chat_model,
            settings.chat_temperature,
            settings.chat_max_tokens,
            patience,
            price,
        ),
    )


async def _engine(settings: Settings) -> EmbeddingEngine:
    if settings.embedding_base_url:
        from services.generation.provider import Endpoint, Provider

        key = settings.api_key("embedding")
        endpoint = Endpoint(settings.embedding_base_url, key, settings.embedding_seconds)
        return RemoteEngine(
            Provider(endpoint), settings.embedding_model, settings.embedding_seconds
        )
    try:
        engine = await LocalEngine.load(settings.model_dir, settings.embedding_threads)
    except ConversionFailed as error:
        raise KefuError(str(error)) from error
    structlog.get_logger("embedding").info(
        "model loaded", model=engine.name, milliseconds=round(engine.load_seconds * 1000)
    )
    return engine


if __name__ == "__main__":
    run("generation", Settings, build)
