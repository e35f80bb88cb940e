"""The gateway and its neighbours: who lets requests pass, who hides names, who gets the bill."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from services.generation import retrying
from services.generation.chat import Caller, Patience, Writing
from services.generation.connections import Connections
from services.generation.dialogue import Attempt, Finish, Usage
from services.generation.failure import Cause, ModelFailure
from services.generation.gateway import Gateway
from services.generation.prompt import Message
from services.generation.provider_table import Use, load
from tests.stubs.behaviour import Behaviour, Fault
from tests.stubs.model_server import ModelServer, model_server

CALLER = Caller("shop", "spiffe://kefu.local/ns/kefu/sa/session")
PHONE, PLACEHOLDER = "13912345678", "<phone-1>"


class LimitUsedUp(Exception):
    """Stands for the refusal of a tenant that has used up a limit."""


@dataclass
class Gate:
    """Lets requests pass, or not, and remembers what it was told."""

    refusals: dict[str, Exception] = field(default_factory=dict)
    admitted: list[tuple[str, int]] = field(default_factory=list)
    settled: list[tuple[Caller, str, Usage]] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)
    seconds: float = 0.0

    async def admit(self, caller: Caller, provider: str, tokens: int) -> None:
        await asyncio.sleep(self.seconds)
        if provider in self.refusals:
            raise self.refusals[provider]
        self.admitted.append((provider, tokens))

    def spent(self, caller: Caller, provider: str, usage: Usage | None) -> None:
        if usage is None:
            self.given_back.append(provider)
        else:
            self.settled.append((caller, provider, usage))


class Placeholders:
    """Hides one phone number, and gives words back only when no placeholder can begin in them."""

    def __init__(self) -> None:
        self._held = ""

    def hide(self, messages: list[Message]) -> tuple[list[Message], "Placeholders"]:
        hidden = [
            message | {"content": message["content"].replace(PHONE, PLACEHOLDER)}
            for message in messages
        ]
        return hidden, Placeholders()

    def conceal(self, text: str) -> str:
        return text.replace(PHONE, PLACEHOLDER)

    def feed(self, piece: str) -> str:
        text = (self._held + piece).replace(PLACEHOLDER, PHONE)
        begun = text.rfind("<")
        self._held = text[begun:] if begun >= 0 else ""
        return text.removesuffix(self._held) if self._held else text

    def close(self) -> str:
        return self._held


@dataclass
class Models:
    """Two providers and the gateway before them."""

    outside: ModelServer
    inside: ModelServer
    gate: Gate
    gateway: Gateway

    async def write(self, text: str = "Hello", patience: Patience | None = None) -> Writing:
        """Have an answer written, and read it to its end."""
        writing = Writing([{"role": "user", "content": text}], CALLER)
        written = self.gateway.write(writing, patience or self.gateway.patience)
        async with aclosing(written) as pieces:
            read = "".join([piece async for piece in pieces])
        assert read == writing.text
        return writing


async def shown(models: Models) -> Writing:
    """Have an answer written that breaks off when a customer has seen its beginning."""
    writing = Writing([{"role": "user", "content": "Hello"}], CALLER)

    async def show() -> None:
        async for _ in models.gateway.write(writing, models.gateway.patience):
            writing.shown = True

    with pytest.raises(ModelFailure):
        await show()
    return writing


@pytest.fixture
async def models(tmp_path: Path) -> AsyncIterator[Models]:
    """A provider outside the company, and one inside it."""
    async with model_server() as outside, model_server() as inside:
        providers = [
            {"name": name, "kind": "openai", "base_url": server.base_url, "model": f"{name}-model"}
            for name, server in (("outside", outside), ("inside", inside))
        ]
        providers[0] |= {"input_price": 1, "output_price": 1}
        timeouts = {"timeouts": {"first_token": 0.4, "between_tokens": 0.4}}
        table = [each | timeouts for each in providers]
        table[1] |= {"internal": True}
        path = tmp_path / "providers.yaml"
        path.write_text(yaml.safe_dump({"providers": table}))
        gate = Gate()
        connections = Connections(load(path), admission=gate, hiding=Placeholders())
        gateway = connections.gateway(Use.CHAT)
        assert gateway is not None
        yield Models(outside, inside, gate, gateway)
        await connections.close()


async def test_each_request_is_let_pass_with_the_most_it_may_use_and_settled(
    models: Models,
) -> None:
    """The prompt as estimated and the longest answer before; what it was after."""
    models.outside.default = Behaviour(answer="Hi.", chunk_characters=1)
    writing = await models.write("Hello")
    ((provider, tokens),) = models.gate.admitted
    assert (provider, tokens) == ("outside", 505)
    assert models.gate.settled == [(CALLER, "outside", models.gateway.usage(writing))]
    assert models.gateway.usage(writing).output_tokens == 3
    assert not models.gateway.usage(writing).estimated


async def test_whoever_has_used_up_a_limit_spends_nothing(models: Models) -> None:
    """No provider is asked, not even another one."""
    models.gate.refusals = {"outside": LimitUsedUp()}
    with pytest.raises(LimitUsedUp):
        await models.write()
    assert models.outside.count == models.inside.count == 0
    assert models.gate.settled == []


async def test_a_provider_with_too_many_requests_is_passed_over(models: Models) -> None:
    """Its own limit is no reason to give no answer."""
    models.gate.refusals = {"outside": ModelFailure(Cause.RATE_LIMITED, 1.0)}
    writing = await models.write()
    assert writing.provider == "inside"
    assert writing.attempts == [
        Attempt("outside", "outside-model", Cause.RATE_LIMITED),
        Attempt("inside", "inside-model"),
    ]
    assert [provider for _, provider, _ in models.gate.settled] == ["inside"]
    models.gate.refusals = {}
    assert (await models.write()).provider == "outside"


@pytest.mark.parametrize(
    ("behaviour", "paid"),
    [
        (Behaviour(status=500), False),
        (Behaviour(fault=Fault.CLOSE, fault_after=0), False),
        (Behaviour(first_token_seconds=5), True),
        (Behaviour(answer=""), True),
    ],
)
async def test_failed_requests_are_settled_with_what_they_may_have_cost(
    models: Models, behaviour: Behaviour, paid: bool
) -> None:
    """A provider that began to think charges for it; one that refused does not."""
    models.outside.default = behaviour
    await models.write()
    (_, first, usage), (_, second, _) = models.gate.settled
    assert (first, second) == ("outside", "inside")
    assert (usage.input_tokens > 0) is paid


async def test_an_interrupted_answer_is_settled_too(models: Models) -> None:
    """Its tokens are estimated, since the provider said nothing of them."""
    models.outside.default = Behaviour(answer="A few words.", fault=Fault.CLOSE)
    writing = await shown(models)
    assert writing.text == "A few wo"
    assert writing.finish is Finish.INTERRUPTED
    assert writing.provider == "outside"
    ((_, provider, usage),) = models.gate.settled
    assert provider == "outside"
    assert usage.estimated
    assert usage.output_tokens > 0
    assert models.inside.count == 0


@pytest.mark.parametrize("fault", [Fault.CLOSE, Fault.BROKEN_JSON, Fault.ERROR, Fault.STALL])
async def test_what_nobody_has_seen_is_written_again_by_the_next(
    models: Models, fault: Fault
) -> None:
    """The beginning is forgotten, its attempt has the cause, and both are paid for."""
    models.outside.default = Behaviour(answer="A few words.", fault=fault)
    models.inside.default = Behaviour(answer="Other words.")
    writing = Writing([{"role": "user", "content": "Hello"}], CALLER)
    async with aclosing(models.gateway.write(writing, models.gateway.patience)) as pieces:
        begun = [piece async for piece in pieces if writing.text == piece]
    assert [each[0] for each in begun] == ["A", "O"]
    assert (writing.text, writing.provider, writing.model) == (
        "Other words.",
        "inside",
        "inside-model",
    )
    assert [(each.provider, bool(each.cause)) for each in writing.attempts] == [
        ("outside", True),
        ("inside", False),
    ]
    (_, _, failed), (_, _, wrote) = models.gate.settled
    usage = models.gateway.usage(writing)
    assert usage.model == "inside-model"
    assert usage.input_tokens == failed.input_tokens + wrote.input_tokens
    assert usage.output_tokens == failed.output_tokens + wrote.output_tokens > wrote.output_tokens
    assert usage.estimated
    assert not wrote.estimated


async def test_when_all_have_failed_nothing_is_left_of_what_they_began(models: Models) -> None:
    """The failure is the last one's, and every beginning is paid for."""
    models.outside.default = Behaviour(fault=Fault.BROKEN_JSON)
    models.inside.default = Behaviour(fault=Fault.BROKEN_JSON)
    writing = Writing([{"role": "user", "content": "Hello"}], CALLER)
    with pytest.raises(ModelFailure):
        _ = [piece async for piece in models.gateway.write(writing, models.gateway.patience)]
    assert (writing.text, writing.provider) == ("", "")
    assert [each.cause for each in writing.attempts] == [Cause.BROKEN_RESPONSE] * 2
    assert [usage for _, _, usage in models.gate.settled] == writing.spent


@pytest.mark.parametrize("fault_after", [0, 2])
async def test_an_answer_that_nobody_waits_for_is_settled_too(
    models: Models, fault_after: int
) -> None:
    """Cancelled before the first word or after it, the provider has charged for the prompt."""
    models.outside.default = Behaviour(fault=Fault.STALL, fault_after=fault_after)
    arrival = models.outside.arrival()
    writing = asyncio.ensure_future(models.write())
    seen = await arrival
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    async with asyncio.timeout(1):
        await seen.disconnected.wait()
    ((_, provider, usage),) = models.gate.settled
    assert provider == "outside"
    assert usage.input_tokens > 0


async def test_names_do_not_leave_and_come_back_in_the_answer(models: Models) -> None:
    """However the provider cuts the placeholder."""
    models.outside.default = Behaviour(answer=f"We call {PLACEHOLDER} soon.", chunk_characters=3)
    writing = await models.write(f"Call {PHONE}")
    (message,) = models.outside.seen[0].body["messages"]
    assert message["content"] == f"Call {PLACEHOLDER}"
    assert writing.text == f"We call {PHONE} soon."


async def test_an_answer_that_ends_inside_a_placeholder_loses_nothing(models: Models) -> None:
    """What was held back comes at the end, also when that end is a failure."""
    models.outside.default = Behaviour(answer="1 < 2", chunk_characters=1)
    assert (await models.write()).text == "1 < 2"
    models.outside.default = Behaviour(
        answer="1 < 2", chunk_characters=1, fault=Fault.CLOSE, fault_after=4
    )
    assert (await shown(models)).text == "1 < "


async def test_inside_the_company_nothing_is_hidden(models: Models) -> None:
    """Each provider gets what it may get, also when it takes over from another."""
    models.outside.default = Behaviour(status=500)
    await models.write(f"Call {PHONE}")
    (message,) = models.inside.seen[0].body["messages"]
    assert message["content"] == f"Call {PHONE}"


async def test_blanks_are_no_words(models: Models) -> None:
    """A provider that sends only those has written nothing, and another one can."""
    models.outside.default = Behaviour(answer="  \n", chunk_characters=1)
    models.inside.default = Behaviour(answer=" \n Yes.", chunk_characters=1)
    assert (await models.write()).text == "Yes."


async def test_a_failure_gives_the_provider_s_place_back(models: Models) -> None:
    """There are more of them here than places."""
    models.outside.default = Behaviour(status=400)
    for _ in range(70):
        await models.write()
    assert models.outside.count == 70


async def test_without_time_nobody_is_asked(models: Models) -> None:
    """A request would be broken off at once, and paid for."""
    for seconds in (-0.1, 0.0, 0.04):
        with pytest.raises(ModelFailure) as failed:
            await models.write(patience=Patience(seconds, seconds, seconds))
        assert failed.value.cause is Cause.TIMEOUT
    assert models.gate.admitted == []
    assert models.outside.count == models.inside.count == 0


async def test_with_time_for_one_only_one_is_asked(models: Models) -> None:
    """Half of too little would be too little for both."""
    models.outside.default = models.inside.default = Behaviour(first_token_seconds=0.2)
    with pytest.raises(ModelFailure):
        await models.write(patience=Patience(0.08, 0.08, 0.08))
    assert [provider for provider, _ in models.gate.admitted] == ["outside"]


async def test_who_is_let_pass_too_late_is_not_asked(models: Models) -> None:
    """What was claimed is given back, and it is no use of the provider."""
    models.gate.seconds = 0.2
    with pytest.raises(ModelFailure) as failed:
        await models.write(patience=Patience(0.2, 0.2, 0.2))
    assert failed.value.cause is Cause.TIMEOUT
    assert models.gate.given_back == [provider for provider, _ in models.gate.admitted]
    assert models.gate.settled == []
    assert models.outside.count == models.inside.count == 0


def retries(models: Models) -> list[int]:
    """How many retries each provider has left; takes them all."""
    routes = models.gateway.routes
    return [sum(route.guard.retries.take() for _ in range(20)) for route in routes]


async def test_only_who_is_asked_again_uses_up_a_retry(models: Models) -> None:
    """Both have failed, and the first one answers at the second try."""
    for server in (models.outside, models.inside):
        server.next.append(Behaviour(status=503))
    assert (await models.write()).provider == "outside"
    assert (models.outside.count, models.inside.count) == (2, 1)
    assert retries(models) == [9, 10]


async def test_requests_that_were_not_sent_earn_no_retries(models: Models) -> None:
    """A provider that nobody may ask would otherwise be asked for nothing but retries."""
    assert retries(models) == [10, 10]
    models.gate.refusals = {"outside": ModelFailure(Cause.RATE_LIMITED)}
    for _ in range(12):
        await models.write()
    assert retries(models) == [0, 1]


async def test_who_has_no_retry_left_is_not_asked_again(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they were there when it failed, and others took them in the meantime."""
    planned = asyncio.Event()

    def jitter_seconds(_retry: int) -> float:
        planned.set()
        return 0.05

    monkeypatch.setattr(retrying, "jitter_seconds", jitter_seconds)
    for server in (models.outside, models.inside):
        server.default = Behaviour(status=503)
    writing = asyncio.ensure_future(models.write())
    await planned.wait()
    assert retries(models) == [10, 10]
    with pytest.raises(ModelFailure) as failed:
        await writing
    assert failed.value.cause is Cause.PROVIDER_ERROR
    assert (models.outside.count, models.inside.count) == (1, 1)
