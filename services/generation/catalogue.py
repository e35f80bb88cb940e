"""The models that this service can be asked for, and the pages they are listed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kefu.errors import ModelNotFound

from services.generation.chat import ChatModel
from services.generation.embedding import EmbeddingEngine
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


class Catalogue:
    """All configured models. The extractive answer is none: nothing pretends to be a model."""

    def __init__(self, chat: ChatModel | None, engine: EmbeddingEngine) -> None:
        self._chat = chat
        self._engine = engine

    def require_chat(self, name: str) -> None:
        """Accept the name of the configured chat model, or none at all.

        Raises:
            ModelNotFound: There is no chat model of that name.
        """
        if name and (self._chat is None or self._chat.name != name):
            raise ModelNotFound(model=name)

    def page(self, size: int, token: str) -> tuple[Sequence[Model], str]:
        """Return a page of the models, by name and use, and the token of the next page.

        Args:
            size: Most models; 0 means 20, more than 100 means 100.
            token: What the page before returned; empty for the first page.

        Raises:
            PageTokenInvalid: The token was not returned by this list.
        """
        models = [
            Model(self._engine.name, Use.EMBEDDING, self._engine.local, self._engine.dimensions)
        ]
        if self._chat is not None:
            models.append(Model(self._chat.name, Use.CHAT, local=False, dimensions=0))
        models.sort(key=_place)
        behind = decode(token, (str, str))
        rest = [model for model in models if behind is None or _place(model) > behind]
        page = rest[: page_size(size)]
        return page, encode(_place(page[-1])) if len(page) < len(rest) else ""


def _place(model: Model) -> list[str | int]:
    return [model.name, model.use.value]
