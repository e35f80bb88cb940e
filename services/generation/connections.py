"""The providers of the table, connected: one guard and one set of connections each."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from opentelemetry.trace import Tracer

from services.generation import telemetry
from services.generation.breaker import State
from services.generation.chat import ChatModel, ChatSettings, Patience
from services.generation.dify import DifyApp, DifyModel
from services.generation.embedding_shares import Vendor
from services.generation.gateway import Gateway, Hiding
from services.generation.kept_conversations import Conversations, LocalConversations
from services.generation.provider_entry import App, Kind, ProviderEntry
from services.generation.provider_table import ProviderTable, Use
from services.generation.quota import Quotas
from services.generation.remote_embedding import RemoteEngine
from services.generation.route import Guard, Route, Writer

if TYPE_CHECKING:
    from services.generation.provider import Provider

# A first token may take five seconds by default, and the vector of a question takes a tenth of one:
# a provider that is silent for a second is not well. A turn has three for its vectors, and half of
# them for the first provider.
_FAULT_SHARE = 0.2

_WRITING = (Use.CHAT, Use.SUMMARY, Use.JUDGE)


class Connections:
    """All providers that somebody may be asked at, and the gateways that ask them.

    Args:
        table: Who they are.
        admission: Lets requests pass and settles them; None: all pass.
        conversations: Where ids of providers' conversations are kept; None: in this process.
        hiding: Hides what identifies people from providers that are not internal.
        tracer: Makes a span of each request.
    """

    def __init__(
        self,
        table: ProviderTable,
        *,
        admission: Quotas | None = None,
        conversations: Conversations | None = None,
        hiding: Hiding | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._table = table
        self._conversations = conversations or LocalConversations()
        self._providers = _connected(table.entries)
        self._guards = {entry.name: _guard(entry) for entry in table.entries}
        self._routes = {
            entry.name: self._route(entry)
            for entry in table.entries
            if any(entry in table.order(use) for use in _WRITING)
        }
        self._admission = admission
        self._hiding = hiding
        self._tracer = tracer

    def gateway(self, use: Use) -> Gateway | None:
        """Return what asks the providers of a use; None where it has none."""
        order = [self._routes[entry.name] for entry in self._table.order(use)]
        if not order:
            return None
        return Gateway(
            order,
            named=list(self._routes.values()),
            admission=self._admission,
            hiding=self._hiding,
            tracer=self._tracer,
        )

    def engine(self) -> RemoteEngine | None:
        """Return what asks the providers of vectors; None where there are none."""
        order = self._table.order(Use.EMBEDDING)
        if not order:
            return None
        vendors = [self._vendor(entry) for entry in order]
        local = all(entry.internal for entry in order)
        conceal = None if local or not self._hiding else self._hiding.conceal
        return RemoteEngine(
            order[0].model, vendors, quotas=self._admission, local=local, conceal=conceal
        )

    async def close(self) -> None:
        """Close all connections."""
        for provider in self._providers.values():
            await provider.close()

    def _vendor(self, entry: ProviderEntry) -> Vendor:
        provider, guard = self._providers[entry.name], self._guards[entry.name]
        times = entry.timeouts
        return Vendor(
            entry.name,
            provider,
            guard,
            seconds=times.total,
            retry_seconds=times.first_token,
            fault_seconds=min(times.first_token * _FAULT_SHARE, times.total / 2),
            price=entry.price(),
        )

    def _route(self, entry: ProviderEntry) -> Route:
        model = self._model(entry)
        guard = self._guards[entry.name]
        return Route(entry.name, model, guard, entry.internal, entry.context_tokens)

    def _model(self, entry: ProviderEntry) -> Writer:
        times = entry.timeouts
        settings = ChatSettings(
            entry.model,
            entry.temperature,
            entry.max_tokens,
            Patience(times.first_token, times.between_tokens, times.total),
            entry.price(),
            entry.max_tokens_parameter,
        )
        provider = self._providers[entry.name]
        if entry.kind is Kind.DIFY:
            app = DifyApp(
                entry.name,
                entry.app or App.CHAT,
                entry.instructions_variable,
                entry.keep_conversations,
            )
            return DifyModel(provider, settings, app, self._conversations)
        return ChatModel(provider, settings)


def _guard(entry: ProviderEntry) -> Guard:
    telemetry.show_state(entry.name, State.CLOSED)
    return Guard(entry.concurrency, partial(telemetry.record_change, entry.name))


def _connected(entries: Sequence[ProviderEntry]) -> dict[str, "Provider"]:
    if not entries:
        return {}
    # The SDK is half of this process's start, and many a mesh has no provider.
    from services.generation.provider import Endpoint, Provider

    return {
        entry.name: Provider(Endpoint(entry.base_url, entry.api_key, entry.timeouts.connect))
        for entry in entries
    }
