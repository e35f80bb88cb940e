"""`python -m tests.bench.savings`: model calls and tokens that a day's questions do not cost.

2,000 customers ask a throwaway mesh with the sample shop's knowledge what customers ask, the usual
questions often and the others seldom, in words of their own. The model is a stub that answers each
question with the sentence that answers it. Prints the figures, writes build/bench-savings.json, and
fails where less than 40 % of the calls are saved or anybody gets the answer to another question.
"""

# The first import of all: it limits grpc to TLS 1.3, which grpc reads once.
import services  # noqa: F401, I001

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import uvloop
from rich.console import Console

from services.generation.settings import Settings
from services.local.home import Home
from services.local.problem import Problem
from tests.bench import mesh
from tests.bench.connected import connected
from tests.bench.savings.figures import Figures, calls_over, figures
from tests.bench.savings.model import KnowingModel
from tests.bench.savings.questions import Asked, load, stream
from tests.bench.savings.replay import Given, Shop, Way, replay
from tests.stubs.model_server import model_server

ROOT = Path(__file__).parents[3]
OUTPUT = ROOT / "build" / "bench-savings.json"
"""Where a run is written."""

REST_SECONDS = 75.0
"""Longest wait for the new mesh to embed the sample's knowledge."""

RATES = (("an hour", 3600.0), ("eight hours", 28_800.0), ("a day", 86_400.0))
"""Over what times the same stream is also reckoned, at a steady rate."""


async def measure(directory: Path, console: Console) -> tuple[Figures, list[Given]]:
    """Replay the stream through a new mesh."""
    topics = load()
    asked = stream(topics)
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(model_server(kind=KnowingModel))
        assert isinstance(model, KnowingModel)
        model.topics = {text: topic for topic in topics for text in topic.wordings}
        console.print("starting a new mesh ...")
        home = Home.at(directory / "home")
        running = await stack.enter_async_context(mesh.running_mesh(home, model.base_url))
        bench = await stack.enter_async_context(connected(running, running.status.supervisor))
        await bench.wait_until_idle(REST_SECONDS)
        shop = await Shop.open(home, stack)
        console.print(f"asking {len(asked)} questions ...")
        given = await replay(shop, asked)
        calls = model.count
        console.print("sending what was not sent ...")
        return figures(given, calls, await costs(shop, given)), given


async def costs(shop: Shop, given: Sequence[Given]) -> dict[str, int]:
    """Return what each question's call costs in tokens: as it did, or as it would have done."""
    found = {each.asked.text: each.sent + each.written for each in given if each.sent}
    unsent: dict[str, Asked] = {
        each.asked.text: each.asked
        for each in given
        if each.way is not Way.NOTHING and each.asked.text not in found
    }
    for text, asked in unsent.items():
        sent = await shop.send(asked)
        found[text] = sent.sent + sent.written
    return found


def show(found: Figures, given: Sequence[Given], console: Console) -> None:
    """Print the figures."""
    ways = ", ".join(f"{way} {count}" for way, count in sorted(found.ways.items()))
    console.print(
        f"{len(given)} questions: {ways}; {found.unanswered} with no answer in what was found"
    )
    console.print(
        f"calls: {found.calls} of {found.requests}, {found.calls_saved:.1%} saved; of the "
        f"{found.reached} that no FAQ answered {found.gateway_calls_saved:.1%}"
    )
    console.print(f"tokens: {found.tokens} of {found.all_tokens}, {found.tokens_saved:.1%} saved")
    kept = Settings.model_fields["answer_cache_seconds"].default
    again = {each.asked.text for each in given if each.way is Way.SHARED}
    reached = [
        each.asked.text if each.asked.text in again else f"{place}"
        for place, each in enumerate(given)
        if each.way not in (Way.FAQ, Way.NOTHING)
    ]
    for name, seconds in RATES:
        calls = calls_over(reached, seconds, kept)
        console.print(
            f"reckoned over {name}: {calls} calls, {1 - calls / found.requests:.1%} saved; "
            f"of the gateway's {1 - calls / found.reached:.1%}"
        )
    for problem in found.problems:
        console.print(f"[bold red]{problem}[/]")


def main() -> None:
    """Measure, print, write."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    try:
        with tempfile.TemporaryDirectory(prefix="kefu-bench-", dir="/tmp") as directory:
            found, given = uvloop.run(measure(Path(directory), console))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("the bench was stopped; nothing of it runs any more")
    except Problem as problem:
        sys.exit(f"the bench failed: {problem}")
    show(found, given, console)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(asdict(found), indent=1, ensure_ascii=False) + "\n", "utf-8")
    console.print(f"written to {OUTPUT.relative_to(ROOT)}")
    sys.exit(1 if found.problems else 0)


if __name__ == "__main__":
    main()
