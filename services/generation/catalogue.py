"""The models that this service can be asked for, and the pages they are listed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kefu.errors import ModelNotFound

from services.generation.embedding import EmbeddingEngine
from services.generation.gateway import Gateway
from services.mesh.paging import decode, encode, page_size


class Use(StrEnum):
    """What a model is used for."""

    CHAT = "chat"
    """Answers and summaries."""
    EMBEDDING = "embedding"
    """Vectors."""


@dataclass(frozen=True, slots=True)
class Model:
    """A configured model."""

    name: str
    use: Use
    local: bool
    """Whether it runs inside the mesh, so that nothing leaves it."""
    dimensions: int
    """Values of a vector; 0 for chat models."""
    provider: str
    """Who offers it, as it is named in the settings; empty for the local model."""


class Catalogue:
    """All configured models. The extractive answer is none: nothing pretends to be a model."""

    def __init__(
        self, chat: Gateway | None, engine: EmbeddingEngine, vendors: Sequence[str] = ()
    ) -> None:
        """Keep what is configured.

        Args:
            chat: Who is asked for answers; None: nobody.
            engine: What makes vectors.
            vendors: Providers behind `engine`; none where it runs in this process.
        """
        self._routes = chat.named if chat else ()
        self._engine = engine
        self._vendors = vendors or ("",)

    def require_chat(self, name: str) -> None:
        """Accept the name of a configured chat model, or none at all.

        Raises:
            ModelNotFound: There is no chat model of that name.
        """
        if name and name not in [route.model.name for route in self._routes]:
            raise ModelNotFound(model=name)

    def page(self, size: int, token: str) -> tuple[Sequence[Model], str]:
        """Return a page of the models, by name, use and provider, and the token of the next page.

        Args:
            size: Most models; 0 means 20, more than 100 means 100.
            token: What the page before returned; empty for the first page.

        Raises:
            PageTokenInvalid: The token was not returned by this list.
        """
        models = [
            Model(route.model.name, Use.CHAT, route.internal, 0, route.provider)
            for route in self._routes
        ]
        engine = self._engine
        models += [
            Model(engine.name, Use.EMBEDDING, engine.local, engine.dimensions, provider)
            for provider in self._vendors
        ]
        models.sort(key=_place)
        behind = decode(token, (str, str, str))
        rest = [model for model in models if behind is None or _place(model) > behind]
        page = rest[: page_size(size)]
        return page, encode(_place(page[-1])) if len(page) < len(rest) else ""


def _place(model: Model) -> list[str | int]:
    return [model.name, model.use.value, model.provider]
