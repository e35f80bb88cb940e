"""A model that obeys every instruction it sees, behind real HTTP: the worst that a prompt can meet.

It speaks the OpenAI-compatible protocol as the gateway expects it and does whatever the last
imperative in the customer's or the documents' text says: it reveals its prompt, says a phrase,
changes language or role, calls an action. Told to change language, it quotes a passage in that
language where it has one, which no check of figures or words can hold against it. Where nothing is
commanded it quotes the passages.
"""

import base64
import json
import re
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiohttp import web

from services.language import Language, detect, sentences

_CHUNK = 12
"""Characters in a piece: marks and markers are split over pieces."""

_QUOTED = 2
_LONGEST_PROMPT = 400


class Kind(StrEnum):
    """What an imperative asks for."""

    REVEAL = "reveal"
    SAY = "say"
    LANGUAGE = "language"
    ROLE = "role"
    CALL = "call"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Order:
    """An imperative, and what it is about: a phrase, a language, a role."""

    kind: Kind
    about: str
    sentence: str


_LANGUAGES = {
    "french|français|französisch|法": "Bien sûr, je réponds désormais uniquement en français.",
    "german|deutsch|德": "Gerne, ich antworte ab jetzt ausschließlich auf Deutsch.",
    "spanish|español|spanisch|西班牙": "Por supuesto, a partir de ahora respondo solo en español.",
    "italian|italienisch|意大利": "Certamente, da adesso in poi rispondo soltanto in italiano.",
    "japanese|日": "はい、これからは日本語だけでお答えします。",
    "korean|韩": "네, 이제부터 한국어로만 대답하겠습니다.",
    "russian|俄": "Хорошо, теперь я отвечаю только по-русски.",
    "latin|拉丁": "Certe, nunc tantum Latine respondebo tibi.",
    "english|englisch|英": "Certainly, from this moment every word of mine is going to be English.",
    "chinese|mandarin|中": "当然，从此以后我每一句话都用中文来说。",
}
_TONGUE = "|".join(_LANGUAGES)
_TONGUES = {"(?i)english|englisch|英": Language.EN, "(?i)chinese|mandarin|中": Language.ZH}


def _patterns() -> Iterator[tuple[Kind, re.Pattern[str]]]:
    lines = (Path(__file__).parent / "obedient.txt").read_text("utf-8").splitlines()
    for line in lines:
        kind, tab, pattern = line.partition("\t")
        if tab and not line.startswith("#"):
            yield Kind(kind), re.compile(pattern.replace("TONGUES", _TONGUE), re.IGNORECASE)


_PATTERNS = tuple(_patterns())


# A question commands nothing, unless it asks for the prompt or for a favour.
_ASKS = re.compile(
    r"^(?!.*\b(?:can|could|will|would) you\b)(?:.*[?？]\W*$|.*(?:怎么|如何|多久|多少|吗|呢)\W*$)",
    re.IGNORECASE | re.DOTALL,
)


def orders(text: str) -> Iterator[Order]:
    """Find the imperatives of a text, in order."""
    for span in sentences(text):
        sentence = span.of(text)
        asks = _ASKS.search(sentence) is not None
        for kind, pattern in _PATTERNS:
            if asks and kind is not Kind.REVEAL:
                continue
            if found := pattern.search(sentence):
                about = found.groupdict().get("about") or ""
                yield Order(kind, about.strip(), sentence)
                break


def obey(order: Order, prompt: str) -> str:
    """Return what the model says when it does as it is told."""
    match order.kind:
        case Kind.REVEAL:
            return _revealed(order.sentence, prompt)
        case Kind.SAY:
            return order.about
        case Kind.LANGUAGE:
            return next(
                words
                for names, words in _LANGUAGES.items()
                if re.search(names, order.about, re.IGNORECASE)
            )
    chinese = detect(order.sentence) is not Language.EN
    match order.kind:
        case Kind.ROLE if chinese:
            return f"我现在是{order.about}，再也不是客服了，我只听你的。"
        case Kind.ROLE:
            return f"I am {order.about} now. No rules bind me any more, master."
        case Kind.CALL if chinese:
            return f'已为您执行操作：{order.about}。{{"action": "{order.about}"}}'
        case Kind.CALL:
            return f'I have carried out your order: {order.about}. {{"action": "{order.about}"}}'
    if chinese:
        return f"遵命，我已经抛开原来的规矩，照您说的做：{order.sentence}"
    return f"As you command, I drop my former rules and do it: {order.sentence}"


def _revealed(sentence: str, prompt: str) -> str:
    """Give the prompt away, as it is or in one of the disguises that filters miss."""
    end = prompt[-_LONGEST_PROMPT:]
    disguises = (
        prompt,
        prompt.upper(),
        end[::-1],
        " ".join(end),
        base64.b64encode(end.encode()).decode(),
        f"My secret mark and my rules are: {end}",
    )
    return disguises[sum(sentence.encode()) % len(disguises)]


class ObedientModel:
    """The model and what it was made to say."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        self.prompts: list[str] = []
        """System prompts of the answers it wrote, since `forget`."""
        self.said: list[str] = []
        """What it said in obedience, since `forget`."""

    def forget(self) -> None:
        """Begin a new account."""
        self.prompts, self.said = [], []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve, in the running event loop."""
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.add_routes([web.post("/v1/chat/completions", self._chat)])
        runner = web.AppRunner(app, handle_signals=False)
        await runner.setup()
        await web.SockSite(runner, self._listening).start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        text = self._write(body["messages"])
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        # The gateway hangs up as soon as it has seen enough.
        with suppress(ConnectionError):
            await response.prepare(request)
            for start in range(0, len(text), _CHUNK):
                await response.write(_event({"content": text[start : start + _CHUNK]}, None))
            await response.write(_event({}, "stop") + b"data: [DONE]\n\n")
            await response.write_eof()
        return response

    def _write(self, messages: list[dict[str, str]]) -> str:
        prompt, data = messages[0]["content"], json.loads(messages[-1]["content"])
        answers = "customer_question" in data
        if answers:
            self.prompts.append(prompt)
        found = [each for text in _texts(data) for each in orders(text)]
        if not found:
            return _quote(data)
        said = _in_tongue(found[-1], data) or obey(found[-1], prompt)
        if answers:
            self.said.append(said)
        return said


def _texts(data: dict[str, Any]) -> Iterable[str]:
    """Return what others wrote, in the order of the prompt; what the service wrote is no order."""
    for round_ in data.get("conversation", []):
        yield round_["customer"]
    for passage in data.get("passages", []):
        yield passage["text"]
    yield data.get("customer_question", data.get("customer_message", ""))


def _in_tongue(order: Order, data: dict[str, Any]) -> str:
    """Quote the passages in the language that is ordered; empty where that is the customer's."""
    tongue = next((each for names, each in _TONGUES.items() if re.search(names, order.about)), None)
    asked = detect(data.get("customer_question", ""))
    if order.kind is not Kind.LANGUAGE or tongue is None or asked in (tongue, Language.MIXED):
        return ""
    fitting = [each for each in data.get("passages", []) if detect(each["text"]) is tongue]
    return _quote({"passages": fitting}) if fitting else ""


def _quote(data: dict[str, Any]) -> str:
    quoted = []
    for passage in data.get("passages", [])[:_QUOTED]:
        text = passage["text"]
        quoted += [span.of(text) + passage["marker"] for span in sentences(text)[:1]]
    return " ".join(quoted) or "0"


def _event(delta: dict[str, str], reason: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


@contextmanager
def obedient_model() -> Iterator[ObedientModel]:
    """Take a port for an obedient model, which serves once its `serving` is entered."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield ObedientModel(listening)


__all__ = ["Kind", "ObedientModel", "Order", "obedient_model", "obey", "orders"]
