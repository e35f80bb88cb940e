"""Vectors of providers that hang, refuse or fail for a moment: who is asked then, and how often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from kefu.client.channel import open_channel
from kefu.errors import Code, KefuError, ModelRefused, ModelUnavailable
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from services.generation import retrying
from tests.rpc.generation.limited import generation, replicas, until_under_way
from tests.rpc.generation.samples import SECONDS, TENANT
from tests.rpc.generation.tables import entry, serving_table
from tests.stubs.behaviour import Behaviour
from tests.stubs.model_server import ModelServer, model_server
from tests.support.mesh import Served, error_of

HUNG = Behaviour(headers_seconds=60)
USUAL: dict[str, Any] = {"timeouts": {}}
"""As the table has them where nothing is said: a silent second is the provider's fault."""
QUICK: dict[str, Any] = {"timeouts": {"first_token": 0.4, "total": 5}}
"""It needs less than 80 milliseconds when it is well."""
FAILURES = 5
"""After so many a provider is left alone."""


@asynccontextmanager
async def serving(folder: Path, *models: ModelServer, **settings: Any) -> AsyncIterator[Served]:
    """The service with these providers of one model: a, b and so on."""
    table = [
        entry(model, name, model="m", **settings)
        for name, model in zip("abc", models, strict=False)
    ]
    use = {"chat": [], "embedding": [each["name"] for each in table]}
    async with serving_table(folder, *table, use=use) as server:
        yield server


async def connected(server: Served, model: ModelServer) -> None:
    """Make the first call, which has to connect to the service and load the models' SDK.

    The provider hangs from then on.
    """
    assert (await embed(server, "the first call")).provider == "a"
    model.default, model.count = HUNG, 0


def embed(server: Served, *texts: str, seconds: float = SECONDS, tenant: str = TENANT) -> "Any":
    """The vectors of questions."""
    request = pb.EmbedRequest(tenant=tenant, texts=texts, purpose=pb.EMBED_PURPOSE_QUERY)
    return generation(server).Embed(request, timeout=seconds)


async def embed_by_sdk(server: Served, *texts: str) -> KefuError:
    """The error of a caller whose channel repeats what is safe to repeat, as the SDK's does."""
    channel = open_channel(server.address, server.keys("test-session").channel_credentials())
    request = pb.EmbedRequest(tenant=TENANT, texts=texts, purpose=pb.EMBED_PURPOSE_QUERY)
    try:
        return await error_of(GenerationServiceStub(channel).Embed(request, timeout=SECONDS))
    finally:
        await channel.close()


async def test_a_hung_provider_is_given_up_while_there_is_time_for_the_next(
    first: ModelServer, second: ModelServer, tmp_path: Path
) -> None:
    """Its own limit is thirty seconds; the caller has one."""
    async with serving(tmp_path, first, second, **USUAL) as server:
        await connected(server, first)
        assert (await embed(server, "怎么退货", seconds=1.0)).provider == "b"
    assert (first.count, second.count) == (1, 1)


async def test_impatient_callers_do_not_switch_a_provider_off(
    first: ModelServer, second: ModelServer, tmp_path: Path
) -> None:
    """It may be well, and a fifth of a second too little: the next caller asks it again."""
    async with serving(tmp_path, first, second, **USUAL) as server:
        await connected(server, first)
        for number in range(FAILURES + 3):
            assert (await embed(server, f"问题{number}", seconds=0.5)).provider == "b"
    assert first.count == FAILURES + 3


async def test_a_hung_provider_is_left_alone_whatever_time_callers_have(
    first: ModelServer, second: ModelServer, tmp_path: Path
) -> None:
    """They waited longer than it needs, though not as long as it may take."""
    async with serving(tmp_path, first, second, **QUICK) as server:
        await connected(server, first)
        for number in range(FAILURES + 3):
            assert (await embed(server, f"问题{number}", seconds=0.5)).provider == "b"
    assert (first.count, second.count) == (FAILURES, FAILURES + 3)


@pytest.mark.parametrize(("settings", "left_alone"), [(QUICK, True), (USUAL, False)])
async def test_callers_who_left_tell_of_a_provider_too(
    first: ModelServer, tmp_path: Path, settings: dict[str, Any], left_alone: bool
) -> None:
    """If it had had its time when they left."""
    async with serving(tmp_path, first, **settings) as server:
        await connected(server, first)
        for number in range(FAILURES):
            arrival = first.arrival()
            call = embed(server, f"问题{number}")
            leaving = asyncio.ensure_future(call)
            seen = await arrival
            await asyncio.sleep(0.15)
            call.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            await seen.disconnected.wait()
        first.default = Behaviour()
        call = embed(server, "怎么退货")
        if left_alone:
            error = await error_of(call)
            assert error.metadata["cause"] == "circuit_open"
            assert error.retry_after_seconds
        else:
            assert (await call).provider == "a"


async def test_the_failure_comes_before_the_deadline(first: ModelServer, tmp_path: Path) -> None:
    """Who has nobody else to ask is told why, and not that his time is over."""
    async with serving(tmp_path, first, **USUAL) as server:
        await connected(server, first)
        error = await error_of(embed(server, "怎么退货", seconds=1.0))
    assert isinstance(error, ModelUnavailable)
    assert error.metadata["cause"] == "timeout"


class Picky(ModelServer):
    """A provider that refuses a request with a text that is too long for its model."""

    async def _embeddings(self, request: web.Request) -> web.StreamResponse:
        if all(len(text) <= 50 for text in (await request.json())["input"]):
            return await super()._embeddings(request)
        self.count += 1
        return web.json_response({"error": {"message": "too long"}}, status=400)


@asynccontextmanager
async def gathered(model: ModelServer, texts: dict[str, str]) -> AsyncIterator[dict[str, Any]]:
    """What became of texts, by tenant, that went out together behind a request under way."""
    model.next.append(Behaviour())
    model.answering.clear()
    async with replicas(model, embedding_batch_milliseconds=1000) as (server,):
        arrival = model.arrival()
        before = asyncio.ensure_future(embed(server, "the first one"))
        await arrival
        calls = [embed(server, text, tenant=f"tenants/{name}") for name, text in texts.items()]
        await until_under_way(1 + len(calls))
        model.answering.set()
        outcomes = await asyncio.gather(*map(_outcome, calls))
        await before
        yield dict(zip(texts, outcomes, strict=True))


async def _outcome(call: Any) -> KefuError | None:
    """The error of a call, or None where it was served."""
    answered = asyncio.ensure_future(call)
    await asyncio.wait([answered])
    return await error_of(answered) if answered.exception() else None


async def test_a_text_that_is_refused_is_nobody_else_s_failure() -> None:
    """It is found out by halves: 1 + 2 + 2 requests of four callers."""
    texts = {"shop": "怎么退货", "bank": "长" * 60, "inn": "早餐几点", "gym": "几点开门"}
    async with model_server(kind=Picky) as model, gathered(model, texts) as outcomes:
        refused = outcomes.pop("bank")
        assert outcomes == {"shop": None, "inn": None, "gym": None}
        assert isinstance(refused, ModelRefused)
        assert refused.metadata["cause"] == "refused"
        assert "shorten" in refused.message
        assert model.count == 1 + 5


async def test_many_refused_texts_make_a_bounded_number_of_requests() -> None:
    """And hide no good one: where it is their length, they stand together."""
    # As many as are under way at once within the second that they are gathered for.
    texts = {f"long{n}": "长" * (60 + n) for n in range(40)}
    texts |= {f"short{n}": f"{n}" for n in range(40)}
    async with model_server(kind=Picky) as model, gathered(model, texts) as outcomes:
        assert model.count <= 1 + 32
        for tenant, outcome in outcomes.items():
            assert (outcome is None) is tenant.startswith("short"), tenant
        # Who was found out is told so; whose text was asked for with others only may try again.
        kinds = {type(outcome) for outcome in outcomes.values() if outcome}
        assert kinds <= {ModelRefused, ModelUnavailable}


@pytest.mark.parametrize(
    ("status", "cause", "advice"),
    [
        (400, "refused", "shorten"),
        (413, "refused", "shorten"),
        (401, "not_configured", "operator"),
        (403, "not_configured", "operator"),
        (404, "not_configured", "operator"),
    ],
)
async def test_a_refusal_is_not_repeated_and_says_what_to_do(
    first: ModelServer, tmp_path: Path, status: int, cause: str, advice: str
) -> None:
    """Neither by the service nor by the caller's channel."""
    first.default = Behaviour(status=status)
    async with serving(tmp_path, first) as server:
        error = await embed_by_sdk(server, "怎么退货")
    assert isinstance(error, ModelRefused)
    assert error.code is Code.FAILED_PRECONDITION
    assert not error.retryable
    assert (error.metadata["cause"], error.metadata["provider"]) == (cause, "a")
    assert advice in error.message
    assert "scripted by the stub" not in error.message
    assert first.count == 1


async def test_what_a_wrong_key_costs_a_batch_is_one_request(model: ModelServer) -> None:
    """It would be refused in halves as well."""
    model.default = Behaviour(status=401)
    texts = {f"tenant{n}": f"问题{n}" for n in range(4)}
    async with gathered(model, texts) as outcomes:
        assert {type(each) for each in outcomes.values()} == {ModelRefused}
    assert model.count == 2


@pytest.mark.parametrize("status", [400, 401])
async def test_another_provider_may_take_what_one_refuses(
    first: ModelServer, second: ModelServer, tmp_path: Path, status: int
) -> None:
    """Only where all have refused is it of no use to come back."""
    first.default = Behaviour(status=status)
    async with serving(tmp_path, first, second) as server:
        assert (await embed(server, "怎么退货")).provider == "b"
        second.default = Behaviour(status=503, retry_after_seconds=30)
        error = await error_of(embed(server, "运费"))
        assert isinstance(error, ModelUnavailable)
        assert error.metadata["cause"] == "provider_error"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_may_pass_is_tried_again(
    first: ModelServer, tmp_path: Path, status: int
) -> None:
    """The caller hears nothing of it."""
    first.next.append(Behaviour(status=status))
    async with serving(tmp_path, first) as server:
        assert len((await embed(server, "怎么退货")).embeddings) == 1
    assert first.count == 2


@pytest.mark.parametrize("status", [429, 500])
async def test_retries_come_to_an_end_and_are_not_multiplied_by_the_channel_s(
    first: ModelServer, tmp_path: Path, status: int
) -> None:
    """A provider in trouble gets three requests for one call, and not three times three."""
    first.default = Behaviour(status=status)
    async with serving(tmp_path, first) as server:
        error = await embed_by_sdk(server, "怎么退货")
    assert isinstance(error, ModelUnavailable)
    assert first.count == retrying.RETRIES + 1


async def test_retry_after_is_waited_for(first: ModelServer, tmp_path: Path) -> None:
    """Not a moment less: who comes back early is limited again."""
    now = asyncio.get_running_loop().time
    first.next.append(Behaviour(status=429, retry_after_seconds=0.3))
    async with serving(tmp_path, first, **USUAL) as server:
        begun = now()
        assert len((await embed(server, "怎么退货")).embeddings) == 1
        assert now() - begun >= 0.3
    assert first.count == 2


async def test_nobody_waits_for_a_retry_past_the_caller_s_deadline(
    first: ModelServer, tmp_path: Path
) -> None:
    """The caller hears when to come back while there is somebody to hear it."""
    first.default = Behaviour(status=503, retry_after_seconds=2)
    async with serving(tmp_path, first, **USUAL) as server:
        error = await error_of(embed(server, "怎么退货", seconds=1.5))
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after_seconds == 2
    assert first.count == 1


async def test_retries_have_the_provider_s_budget(first: ModelServer, tmp_path: Path) -> None:
    """A provider in trouble does not get three times its load from us."""
    first.default = Behaviour(status=429)
    counts = []
    async with serving(tmp_path, first) as server:
        for number in range(8):
            before = first.count
            await error_of(embed(server, f"问题{number}"))
            counts.append(first.count - before)
    assert counts[:4] == [3, 3, 3, 3]
    assert counts[-2:] == [1, 1]


class Boastful(ModelServer):
    """A provider whose count of tokens is none."""

    async def _embeddings(self, request: web.Request) -> web.StreamResponse:
        response = await super()._embeddings(request)
        assert isinstance(response, web.Response)
        assert response.text
        text = response.text.replace('"prompt_tokens": 2', '"prompt_tokens": true')
        assert "true" in text
        return web.Response(text=text, content_type="application/json")


async def test_a_count_that_is_no_number_is_estimated(tmp_path: Path) -> None:
    """JSON's true is not one token."""
    async with model_server(kind=Boastful) as model, serving(tmp_path, model) as server:
        usage = (await embed(server, "怎么退货退款")).usage
    assert usage.estimated
    assert usage.input_tokens >= len("怎么退货退款")
