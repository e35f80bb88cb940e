"""Providers fail at random under load, and every turn still ends in an answer or a ticket.

The load runs once, for ten seconds, and the tests look at what came of it. The dice fall the same
way each time; which customer meets which fault is left to the machine.
"""

import asyncio
import itertools
import random
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from kefu.client import Client
from kefu.desk.v1 import desk_pb2
from kefu.desk.v1.desk_pb2_grpc import DeskServiceStub
from kefu.errors import KefuError
from kefu.generation.v1 import generation_pb2
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub
from kefu.session.v1 import session_pb2
from kefu.session.v1 import turn_pb2 as turns

from services.local.home import Home
from services.mesh.tls import KeyPair
from tests.chaos.providers import Provider, providers
from tests.support.running import TENANT, Running, running_mesh

SEED = 20261130
PROVIDERS = 3
CUSTOMERS = 6
LOAD_SECONDS = 10.0
DEADLINES = (4.0, 8.0)
"""What customers' systems allow a turn, in seconds."""

LONGEST_SECONDS = 40.0
"""The load and all that follows it end within this, or the test fails."""

RECOVERY_SECONDS = 15.0
"""So soon after the providers are well again a model writes again."""

QUESTIONS = (
    "{}: how many hours does the camp lantern last on low, and how long does it charge over USB-C?",
    "{}：露营灯低档能亮多少小时，用 USB-C 充电要几小时？",
    "{}: what does the two-person tent weigh, and to how many mm is the outer tent waterproof?",
    "{}：双人帐篷有多重，外帐防水多少毫米？",
)
"""Asked in the words of the documents, so that there is an answer with a model and without."""

COMPLAINT = "太差劲了！！包裹丢了也没人管，我非常生气，我要投诉！"
"""Calls for a person, who gets a summary that a model writes where there is one."""

ANSWERS = (turns.REPLY_MODE_MODEL, turns.REPLY_MODE_EXTRACTIVE, turns.REPLY_MODE_FAQ)


@dataclass(frozen=True, slots=True)
class Ended:
    """A turn as its customer saw it.

    Attributes:
        shown: the words that she was shown, joined.
        turn: None where she was told of an error.
    """

    session: str
    text: str
    seconds: float
    deadline: float
    shown: str = ""
    turn: turns.Turn | None = None
    error: str = ""


@dataclass
class Outcome:
    """What the load left behind.

    Attributes:
        ended: turns as the customers saw them, in order within each session.
        listed: what the mesh has stored, by session.
        cancelled: answers whose caller left in the middle.
        left_open: requests at providers that outlived their callers.
        seen: requests at each provider.
        recovered: the first answer after the providers were well again.
        tickets: those of the tenant, of all sessions.
        usage: what the tenant's account says, by provider.
    """

    ended: list[Ended] = field(default_factory=list)
    listed: dict[str, list[turns.Turn]] = field(default_factory=dict)
    cancelled: int = 0
    left_open: int = 0
    seen: list[int] = field(default_factory=list)
    recovered: turns.Turn | None = None
    tickets: list[desk_pb2.Ticket] = field(default_factory=list)
    usage: list[dict[str, Any]] = field(default_factory=list)

    @property
    def completed(self) -> list[turns.Turn]:
        """The turns that ended without an error."""
        return [each.turn for each in self.ended if each.turn is not None]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The load, run once."""
    found = Outcome()
    asyncio.run(_chaos(found, tmp_path_factory.mktemp("providers")))
    modes = Counter(turns.ReplyMode.Name(each.mode) for each in found.completed)
    broken = sum(each.status == turns.Turn.STATUS_INTERRUPTED for each in found.completed)
    print(f"\n{len(found.ended)} turns, {broken} interrupted: {dict(modes)}; asked: {found.seen}")
    return found


async def _chaos(found: Outcome, folder: Path) -> None:
    """Start everything, let it fail, and write down what came of it."""
    async with (
        providers(PROVIDERS, SEED) as several,
        _mesh(several, folder) as mesh,
        asyncio.timeout(LONGEST_SECONDS),
        mesh.client() as kefu,
    ):
        until = time.monotonic() + LOAD_SECONDS
        async with asyncio.TaskGroup() as group:
            for number in range(CUSTOMERS):
                group.create_task(_customer(kefu, number, until, found))
            group.create_task(_leavers(mesh, until, found))
            group.create_task(_outages(several, until))
        found.left_open = await _left_open(several)
        found.seen = [each.stub.count for each in several]
        for session in dict.fromkeys(each.session for each in found.ended):
            found.listed[session] = await _listed(kefu, session)
        for each in several:
            each.heal()
        found.recovered = await _recovered(kefu)
        async with mesh.stub("desk", DeskServiceStub) as desk:
            request = desk_pb2.ListTicketsRequest(parent=TENANT, page_size=100)
            found.tickets = list((await desk.ListTickets(request, timeout=10)).tickets)
        found.usage = (await asyncio.to_thread(mesh.json, "usage", "--by", "provider"))["rows"]


@asynccontextmanager
async def _mesh(several: list[Provider], folder: Path) -> AsyncIterator[Running]:
    """A mesh with these providers, started beside the loop in which they serve."""
    started = running_mesh(**_settings(several, folder))
    mesh = await asyncio.to_thread(started.__enter__)
    try:
        yield mesh
    finally:
        await asyncio.to_thread(started.__exit__, None, None, None)


def _settings(several: list[Provider], folder: Path) -> dict[str, str]:
    """The settings that name the providers, with limits that a test can wait for."""
    table = folder / "providers.yaml"
    entries = [
        {
            "name": f"provider-{number}",
            "kind": "openai",
            "base_url": each.base_url,
            "model": "stub",
            "timeouts": {"connect": 0.5, "first_token": 1, "between_tokens": 1, "total": 3},
        }
        for number, each in enumerate(several, start=1)
    ]
    table.write_text(yaml.safe_dump({"providers": entries}))
    return {"KEFU_PROVIDERS_FILE": str(table)}


async def _outages(several: list[Provider], until: float) -> None:
    """Take one provider after the other down for a moment, and every third time all of them."""
    dice = random.Random(SEED)
    for number in itertools.count(1):
        if time.monotonic() >= until:
            break
        await asyncio.sleep(dice.uniform(0.5, 1.5))
        victims = several if number % 3 == 0 else [dice.choice(several)]
        for victim in victims:
            await victim.down()
        # With one down the others answer; with none left, the knowledge alone.
        await asyncio.sleep(dice.uniform(0.1, 0.4) * len(victims))
        for victim in victims:
            await victim.up()


async def _customer(kefu: Client, number: int, until: float, found: Outcome) -> None:
    """One customer, who asks the next question as soon as she has her answer."""
    dice = random.Random(SEED + number)
    session = (await kefu.create_session(TENANT)).name
    for text in _questions(number):
        if time.monotonic() > until:
            return
        deadline = dice.choice(DEADLINES)
        own = Client(kefu.channel, timeout_seconds=deadline)
        leaves = dice.random() < 0.25
        found.ended.append(await _turn(own, session, text, deadline, leaves))
        if dice.random() < 0.1:
            other = (await kefu.create_session(TENANT)).name
            found.ended.append(await _turn(own, other, COMPLAINT, deadline, False))


def _questions(number: int) -> Iterator[str]:
    """What no FAQ answers and the documents do, never twice the same."""
    for count in itertools.count():
        text = QUESTIONS[(number + count) % len(QUESTIONS)]
        yield text.format(f"{number}.{count}")


async def _turn(kefu: Client, session: str, text: str, deadline: float, leaves: bool) -> Ended:
    """One turn; a customer who leaves comes back at once and asks the same again."""
    request_id, began, shown = str(uuid.uuid4()), time.monotonic(), ""
    turn, error = None, ""
    try:
        if leaves:
            await _leave(kefu, session, text, request_id, deadline)
        async for event in kefu.converse(session, text, request_id):
            shown += event.delta.text
        turn = event.completed.turn
    except KefuError as failure:
        error = f"{failure.reason}: {failure}"
    return Ended(session, text, time.monotonic() - began, deadline, shown, turn, error)


async def _leave(kefu: Client, session: str, text: str, request_id: str, deadline: float) -> None:
    """Begin a turn and hang up once it has begun."""
    request = session_pb2.ConverseRequest(session=session, request_id=request_id)
    request.input.text = text
    call = kefu.stub.Converse(request, timeout=deadline)
    await call.read()
    call.cancel()


async def _leavers(mesh: Running, until: float, found: Outcome) -> None:
    """Ask the gateway itself, as the session service does, and hang up in the middle."""
    home, dice = Home.at(mesh.home), random.Random(SEED)
    keys = KeyPair(home.cert_file("session"), home.key_file("session"), home.ca_file)
    async with grpc.aio.secure_channel(
        mesh.address("generation"), keys.channel_credentials()
    ) as channel:
        stub = GenerationServiceStub(channel)
        while time.monotonic() < until:
            request = generation_pb2.GenerateRequest(
                tenant=TENANT, question=f"Is the tent waterproof, {found.cancelled}?"
            )
            request.passages.add(document="tents", text="The tent is waterproof up to 3,000 mm.")
            call = stub.Generate(request, timeout=max(DEADLINES))
            reading = asyncio.ensure_future(call.read())
            await asyncio.wait({reading}, timeout=dice.uniform(0.0, 0.3))
            call.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            found.cancelled += 1
            await asyncio.sleep(dice.uniform(0.0, 0.3))  # a load of some calls a second


async def _left_open(several: list[Provider]) -> int:
    """Requests that are still open two seconds after the last caller left."""
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            await asyncio.gather(*(each.idle.wait() for each in several))
    return sum(each.open for each in several)


async def _listed(kefu: Client, session: str) -> list[turns.Turn]:
    """All turns of a session, as they are stored."""
    stored: list[turns.Turn] = []
    token = ""
    while True:
        request = session_pb2.ListTurnsRequest(parent=session, page_size=100, page_token=token)
        page = await kefu.stub.ListTurns(request, timeout=10)
        stored += page.turns
        token = page.next_page_token
        if not token:
            return stored


async def _recovered(kefu: Client) -> turns.Turn:
    """The first turn that a model answers again; the last one where none does."""
    session = (await kefu.create_session(TENANT)).name
    until = time.monotonic() + RECOVERY_SECONDS
    for text in _questions(CUSTOMERS):
        turn = await kefu.reply(session, text)
        if _by_model(turn) or time.monotonic() > until:
            break
        await asyncio.sleep(0.1)  # a customer who asks again
    return turn


def _by_model(turn: turns.Turn) -> bool:
    return turn.mode == turns.REPLY_MODE_MODEL and not turn.degraded


def test_every_turn_ends_in_an_answer_or_a_ticket(outcome: Outcome) -> None:
    """No customer is told of an error, none is left with nothing."""
    assert outcome.ended
    assert [each for each in outcome.ended if each.error] == []
    for turn in outcome.completed:
        assert turn.text
        assert turn.mode in ANSWERS or turn.ticket, turn


def test_whoever_complains_gets_one_ticket_with_its_matter(outcome: Outcome) -> None:
    """The summary is a model's or an extract, and never missing."""
    complaints = [each for each in outcome.ended if each.text == COMPLAINT]
    assert complaints
    for each in complaints:
        assert each.turn is not None
        (ticket,) = [ticket for ticket in outcome.tickets if ticket.session == each.session]
        assert ticket.name == each.turn.ticket
        assert len(ticket.summary) > 5


def test_every_turn_ends_within_its_deadline(outcome: Outcome) -> None:
    """Whatever a provider does with its time."""
    assert [each for each in outcome.ended if each.seconds > each.deadline] == []


def test_no_turn_is_lost_and_none_is_doubled(outcome: Outcome) -> None:
    """What is stored is what the customers said, once each, those who left included."""
    for session, stored in outcome.listed.items():
        asked = [each for each in outcome.ended if each.session == session]
        assert [turn.input_text for turn in stored] == [each.text for each in asked]
        assert stored == [each.turn for each in asked]
        assert [turn.turn_index for turn in stored] == [*range(1, len(stored) + 1)]


def test_what_a_customer_was_shown_is_what_is_stored(outcome: Outcome) -> None:
    """Nothing that was shown is taken back, whatever happened behind it."""
    for each in outcome.ended:
        assert each.turn is None or each.shown == each.turn.text


def test_no_request_stays_open_at_a_provider(outcome: Outcome) -> None:
    """Whose caller left, or whose time was up, is hung up on."""
    assert outcome.cancelled > 10
    assert outcome.left_open == 0


def test_the_providers_were_asked_and_failed(outcome: Outcome) -> None:
    """Models answered some turns, and others had to do without."""
    modes = Counter(turn.mode for turn in outcome.completed)
    assert modes[turns.REPLY_MODE_MODEL]
    assert modes[turns.REPLY_MODE_EXTRACTIVE]
    assert all(outcome.seen), outcome.seen


def test_what_the_turns_cost_stands_in_the_account(outcome: Outcome) -> None:
    """And what was paid for in vain as well, so the account has more than the turns tell."""
    told = sum(turn.usage.output_tokens for turn in outcome.completed)
    assert told > 0
    assert {row["provider"] for row in outcome.usage} <= {"provider-1", "provider-2", "provider-3"}
    assert sum(row["output_tokens"] for row in outcome.usage) >= told
    written = sum(turn.mode == turns.REPLY_MODE_MODEL for turn in outcome.completed)
    assert sum(row["calls"] for row in outcome.usage) >= written


def test_when_the_providers_are_well_a_model_writes_again(outcome: Outcome) -> None:
    """Without a restart and without anybody's hand."""
    assert outcome.recovered is not None
    assert _by_model(outcome.recovered), outcome.recovered
    assert outcome.recovered.citations
