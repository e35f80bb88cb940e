"""A model that knows what each question of the bench asks, and tells it from the passages."""

import json
import re
from dataclasses import replace
from typing import Any

from aiohttp import web

from services.language import sentences
from tests.bench.savings.questions import Topic
from tests.stubs.behaviour import Behaviour
from tests.stubs.model_server import ModelServer, Seen

# The gateway may have hidden the number.
_ORDER = re.compile(r"SO\d{8}|⟦\w+⟧")

UNKNOWN = {"zh": "抱歉，资料里没有提到。", "en": "Sorry, I do not know."}
"""What it says where the passages do not hold the answer."""


class KnowingModel(ModelServer):
    """A provider that answers each question with the sentence that holds its fact, cited.

    So a customer who is given the answer to another question can be told from one who is not.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(behaviour)
        self.topics: dict[str, Topic] = {}
        """What may be asked, by the wording of the question."""

    async def begin(self, request: web.Request) -> tuple[Seen, Behaviour]:
        """Note a request and answer what it asks."""
        seen, behaviour = await super().begin(request)
        data = json.loads(seen.body["messages"][-1]["content"])
        topic = self.topics[_ORDER.sub("{order}", data["customer_question"])]
        return seen, replace(behaviour, answer=written(topic, data["passages"]))


def written(topic: Topic, passages: list[dict[str, Any]]) -> str:
    """Return the sentence of the passages that holds the fact, with its marker."""
    for passage in passages:
        for span in sentences(passage["text"]):
            if topic.fact in (sentence := span.of(passage["text"])):
                return sentence + passage["marker"]
    return UNKNOWN[topic.language]
