"""A real language model answers through the whole mesh, and nothing that it makes up gets through.

The model has 135 million parameters: it writes sense and nonsense with the same ease, and not the
same on every processor. So nothing is asserted of its words but what must hold of any model's: they
come in pieces, are accounted for, and stand in the shop's own texts, or those are given instead.
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from kefu.client import Client
from kefu.session.v1 import turn_pb2 as turns

from services.language import Language, detect
from tests.support import local_model
from tests.support.running import ROOT, TENANT, Running, running_mesh

pytestmark = [
    pytest.mark.local_model,
    pytest.mark.skipif(
        not local_model.installed(),
        reason="the extra local-model is not installed, `make test-model` does it (2026-11-30)",
    ),
]

PROVIDERS = """
providers:
  - name: local
    kind: openai
    base_url: {base_url}
    model: {model}
    internal: true
    temperature: 0
    max_tokens: 70
    context_tokens: 660
    timeouts: {{first_token: 20, between_tokens: 15, total: 25}}
"""
"""The likeliest answer, short, of one passage or two: more of them confuse so small a model."""

FIRST_QUESTION = "Do you sell gift cards?"
"""The model reads its instructions with it, which takes longest; nothing is asserted of it."""

QUESTIONS = (
    "What about the showroom?",
    "Please tell me about the showroom.",
    "Can I get my knife sharpened?",
    "Do you deliver to other countries?",
    "Is the two-person tent waterproof?",
)
"""What the shop's documents answer and no FAQ asks. The last two bring out nonsense."""

TURN_SECONDS = 40.0
"""Longest turn: patience for a machine that other tests keep busy."""

_FIGURE = re.compile(r"\d+(?:[.,:–-]\d+)*")


@dataclass(frozen=True, slots=True)
class Told:
    """A turn as its customer saw it.

    Attributes:
        pieces: the words as they came.
    """

    question: str
    pieces: list[str]
    turn: turns.Turn

    @property
    def by_model(self) -> bool:
        """Whether the model wrote all of it."""
        return self.turn.mode == turns.REPLY_MODE_MODEL and not self.turn.degraded


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    """Every question's turn, from one model and one mesh."""
    folder = tmp_path_factory.mktemp("local-model")
    with _model(folder / "model.log") as base_url:
        table = folder / "providers.yaml"
        table.write_text(PROVIDERS.format(base_url=base_url, model=local_model.MODEL))
        with running_mesh(KEFU_PROVIDERS_FILE=str(table)) as mesh:
            found = asyncio.run(_ask_all(mesh))
    for each in found:
        print(f"\n{each.question} -> {turns.ReplyMode.Name(each.turn.mode)}: {each.turn.text}")
    return found


@contextmanager
def _model(log: Path) -> Iterator[str]:
    """The model's server as a process; gives its base URL."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.local_model"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        assert base_url, log.read_text()
        yield base_url
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(20) == 0


async def _ask_all(mesh: Running) -> list[Told]:
    async with mesh.client() as opened:
        kefu = Client(opened.channel, timeout_seconds=TURN_SECONDS)
        await _ask(kefu, FIRST_QUESTION)
        return [await _ask(kefu, question) for question in QUESTIONS]


async def _ask(kefu: Client, question: str) -> Told:
    """One turn in a session of its own."""
    session = (await kefu.create_session(TENANT)).name
    pieces = []
    async for event in kefu.converse(session, question):
        if event.HasField("delta"):
            pieces.append(event.delta.text)
    return Told(question, pieces, event.completed.turn)


def documents() -> str:
    """All that the shop's English documents and FAQs say."""
    shop = ROOT / "examples" / "shop"
    files = [*sorted((shop / "knowledge" / "en").glob("*.md")), shop / "faqs.jsonl"]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_a_grounded_english_answer_streams_from_the_model(told: list[Told]) -> None:
    """At least one answer is the model's own: whole, in pieces, with the passages that say so."""
    own = [each for each in told if each.by_model and each.turn.citations]
    assert own, [each.turn.text for each in told]
    assert any(len(each.pieces) > 1 for each in own)
    for each in own:
        assert each.turn.status == turns.Turn.STATUS_COMPLETED
        assert each.turn.language_code == "en"
        assert detect(each.turn.text) is Language.EN


def test_the_provider_accounts_for_what_it_wrote(told: list[Told]) -> None:
    """Tokens of the model itself, none of them guessed."""
    for each in told:
        if each.by_model and each.turn.status == turns.Turn.STATUS_COMPLETED:
            usage = each.turn.usage
            assert usage.model == local_model.MODEL
            assert usage.input_tokens > 100
            assert usage.output_tokens > 1
            assert not usage.estimated


def test_no_figure_reaches_a_customer_that_the_shop_did_not_write(told: list[Told]) -> None:
    """Prices, days and codes: the model invents them freely, and none of those is let out."""
    written = documents()
    for each in told:
        invented = [
            figure
            for figure in _FIGURE.findall(each.turn.text)
            if figure not in written and figure not in each.question
        ]
        assert invented == [], each.turn.text


def test_each_citation_is_a_text_of_the_shop(told: list[Told]) -> None:
    """A citation that points nowhere would be worse than none."""
    written = " ".join(documents().split())
    for each in told:
        for citation in each.turn.citations:
            assert " ".join(citation.snippet.split()) in written
            assert each.turn.text[citation.answer_span.start : citation.answer_span.end].strip()


def test_what_was_shown_is_what_is_kept(told: list[Told]) -> None:
    """Every turn ended in words, whatever the model wrote, and none was taken back."""
    for each in told:
        assert each.turn.text == "".join(each.pieces)
        assert each.turn.text.strip()
        assert "[" not in each.turn.text
