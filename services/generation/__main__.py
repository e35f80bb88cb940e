"""The process of the generation service: `python -m services.generation`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from kefu.errors import KefuError
from kefu.generation.v1.generation_pb2_grpc import add_GenerationServiceServicer_to_server
from kefu.generation.v1.usage_pb2_grpc import add_GenerationUsageServiceServicer_to_server

from services.encoder.conversion import ConversionFailed
from services.generation.accounting import accounting
from services.generation.answer_cache import AnswerCache, personal_values
from services.generation.answering import Answerer
from services.generation.catalogue import Catalogue
from services.generation.choosing import Chooser
from services.generation.connections import Connections
from services.generation.conversation_store import ConversationStore
from services.generation.earlier import Earlier
from services.generation.embedding import Embedder, EmbeddingEngine
from services.generation.embedding_batches import BatchingEngine
from services.generation.gateway import Gateway
from services.generation.hiding import Hider
from services.generation.local_embedding import LocalEngine
from services.generation.prompt import Prompt
from services.generation.provider_table import Use
from services.generation.quota_store import open_client
from services.generation.remote_embedding import RemoteEngine
from services.generation.saving import SavingAnswerer
from services.generation.screening import BANNED_PHRASES, BannedPhrases, Checks
from services.generation.servicer import GenerationServicer
from services.generation.settings import Settings
from services.generation.summary import Summarizer
from services.generation.usage import estimate_tokens
from services.generation.usage_servicer import GenerationUsageServicer
from services.mesh.server import Registration
from services.mesh.service import Mesh, run
from services.pii import Finder


@asynccontextmanager
async def build(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
    """Wire the service: the chat model where one is set, the embedding engine, the prompts."""
    async with AsyncExitStack() as stack:
        table = settings.provider_table()
        quotas, ledger = await stack.enter_async_context(accounting(settings, table))
        finder = Finder(settings.order_number_patterns)
        connections = Connections(
            table,
            admission=quotas,
            conversations=await stack.enter_async_context(_conversations(settings)),
            hiding=Hider(finder),
            tracer=mesh.tracer,
        )
        stack.push_async_callback(connections.close)
        chat = connections.gateway(Use.CHAT)
        engine = await _engine(settings, connections.engine())
        stack.push_async_callback(engine.close)
        summarizer = _summarizer(settings, connections.gateway(Use.SUMMARY))
        servicer = GenerationServicer(
            _answerer(settings, chat, summarizer, finder, Prompt.load("answer/3")),
            summarizer,
            Chooser(connections.gateway(Use.JUDGE), Prompt.load("choose/1")),
            Embedder(engine, settings.embedding_cache_entries),
            Catalogue(chat, engine, [entry.name for entry in table.order(Use.EMBEDDING)]),
            quotas,
        )
        usage = GenerationUsageServicer(ledger, quotas)
        yield [
            (add_GenerationServiceServicer_to_server, servicer),
            (add_GenerationUsageServiceServicer_to_server, usage),
        ]


@asynccontextmanager
async def _conversations(settings: Settings) -> AsyncIterator[ConversationStore | None]:
    if not settings.redis_url:
        yield None
        return
    async with open_client(settings.redis_url) as client:
        yield ConversationStore(client)


def _answerer(
    settings: Settings,
    chat: Gateway | None,
    summarizer: Summarizer,
    finder: Finder,
    prompt: Prompt,
) -> Answerer | SavingAnswerer:
    answerer = Answerer(chat, prompt, _checks(settings, finder))
    if chat is None:
        return answerer

    def personal(text: str) -> list[str]:
        return [*personal_values(text), *(each.text for each in finder.find(text))]

    return SavingAnswerer(
        answerer,
        Earlier(summarizer),
        AnswerCache(settings.answer_cache_entries, settings.answer_cache_seconds, personal),
        _room(settings, chat, prompt),
    )


def _summarizer(settings: Settings, model: Gateway | None) -> Summarizer:
    prompt = Prompt.load("summary/2")
    tokens = _room(settings, model, prompt) if model else settings.prompt_tokens
    return Summarizer(model, prompt, tokens)


def _room(settings: Settings, model: Gateway, prompt: Prompt) -> int:
    """Tokens that a prompt's data may have, so that any of the models still has room to write."""
    rooms = [route.context_tokens - route.model.max_tokens for route in model.named]
    return min(settings.prompt_tokens, min(rooms) - estimate_tokens(prompt.text))


def _checks(settings: Settings, finder: Finder) -> Checks:
    banned = BannedPhrases.load(settings.banned_phrases_file or BANNED_PHRASES)
    return Checks(banned=banned, finder=finder, line=settings.grounding_line)


async def _engine(settings: Settings, remote: RemoteEngine | None) -> EmbeddingEngine:
    if remote is not None:
        return BatchingEngine(remote, settings.embedding_batch_milliseconds / 1000)
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
