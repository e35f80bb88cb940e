"""Provider tables of the tests, and the service with one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from services.generation.__main__ import build
from services.generation.settings import Settings
from services.mesh.server import Registration
from services.mesh.service import Mesh
from tests.stubs.model_server import ModelServer
from tests.support.mesh import Served, serve

FIRST_TOKEN_SECONDS = 0.4
"""Short, so that a test can wait for it."""


def entry(server: ModelServer, name: str, **settings: Any) -> dict[str, Any]:
    """A provider of the table that is a stub; its model is named after it."""
    timeouts = {"first_token": FIRST_TOKEN_SECONDS, "between_tokens": FIRST_TOKEN_SECONDS}
    usual = {"name": name, "kind": "openai", "base_url": server.base_url, "model": f"{name}-model"}
    return usual | {"timeouts": timeouts} | settings


def write_table(
    folder: Path, *entries: dict[str, Any], use: dict[str, list[str]] | None = None
) -> Path:
    """Write a provider table and return where it is.

    Vectors come from the first provider's server unless `use` says otherwise: the local model
    takes a second to load.
    """
    orders = {"embedding": ["vectors"]} | (use or {})
    vectors = {"name": "vectors", "kind": "openai", "model": "stub-embedding"}
    vectors["base_url"] = entries[0]["base_url"]
    named = [each["name"] for each in entries]
    providers = list(entries) if set(orders["embedding"]) <= {*named} else [*entries, vectors]
    path = folder / "providers.yaml"
    path.write_text(yaml.safe_dump({"providers": providers, "use": orders}))
    return path


@asynccontextmanager
async def serving_table(
    folder: Path,
    *entries: dict[str, Any],
    use: dict[str, list[str]] | None = None,
    spans: SpanExporter | None = None,
) -> AsyncIterator[Served]:
    """The service with these providers, in this order; its spans go to `spans` as they end."""

    @asynccontextmanager
    async def wired(settings: Settings, mesh: Mesh) -> AsyncIterator[list[Registration]]:
        if spans is not None:
            mesh.tracer.span_processor.add_span_processor(SimpleSpanProcessor(spans))  # type: ignore[attr-defined]
        async with build(settings, mesh) as registrations:
            yield registrations

    path = write_table(folder, *entries, use=use)
    async with serve("generation", wired, Settings, providers_file=path) as served:
        yield served
