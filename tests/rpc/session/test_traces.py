"""What a turn leaves behind, and what it costs: audit, spans, logs, statements, calls."""

from collections import Counter
from typing import Any

import psycopg
import pytest
import redis.asyncio
from kefu.audit.v1.audit_pb2 import AuditEvent
from kefu.errors import StorageUnavailable
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import Turn

from services.mesh import names
from services.session.store import Store
from tests.rpc.session.company import Company
from tests.rpc.session.front import (
    SECONDS,
    Front,
    events_of,
    message,
    open_session,
    reply,
    streamed,
)
from tests.support.mesh import error_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


def records(front: Front, turn: Turn) -> list[AuditEvent]:
    """The audit events of a turn, oldest first."""
    return [each for each in front.served.spooled() if each.trace_id == turn.trace_id]


async def test_a_turn_leaves_a_record_before_the_call_does(
    front: Front, channel: SessionServiceStub
) -> None:
    """Who, which turn, what it was taken for and came to; then the call itself."""
    session = await open_session(channel)
    await reply(channel, session, "取消订单", "SO20260001")
    turn = await reply(channel, session, "确认")
    done, call = records(front, turn)
    assert (done.method, call.method) == ("turn.completed", "kefu.session.v1.SessionService/Reply")
    assert (done.service, done.tenant, done.resource) == ("session", "shop", turn.name)
    assert done.identity == call.identity == "spiffe://kefu.local/ns/kefu/sa/test-channel"
    assert call.labels["turn"] == turn.name.rpartition("/")[2]
    assert 0 < done.latency.ToNanoseconds() < SECONDS * 1e9
    assert dict(done.labels) == {
        "intent": "unknown",
        "match": "confirmation",
        "mode": "action",
        "state": "idle",
        "actions": "cancel_order:succeeded",
        "ticket": "",
        "degraded": "",
        "compound": "0.20",
        "emotion": "none",
        "urgency": "0.30",
        "citations": "0",
        "grounding": "",
        "withheld": "",
    }


async def test_a_repeat_is_a_call_and_no_second_turn(
    front: Front, channel: SessionServiceStub
) -> None:
    """One turn.completed for each turn, however often it was asked for."""
    request = message(await open_session(channel), "谢谢")
    turn = (await channel.Reply(request, timeout=SECONDS)).turn
    await channel.Reply(request, timeout=SECONDS)
    await events_of(channel.Converse(streamed(request), timeout=SECONDS))
    methods = Counter(
        each.method
        for each in front.served.spooled()
        if each.labels.get("turn", turn.name.rpartition("/")[2]) in turn.name
        and (each.resource == turn.name or each.labels.get("turn"))
    )
    assert methods["turn.completed"] == 1
    assert methods["kefu.session.v1.SessionService/Reply"] == 2
    assert methods["kefu.session.v1.SessionService/Converse"] == 1


async def test_the_span_of_a_turn_says_what_it_was(
    front: Front, channel: SessionServiceStub
) -> None:
    """By its trace id an inspector finds turn, intent, match and mode."""
    turn = await reply(channel, await open_session(channel), "我想退货")
    (span,) = [
        each
        for each in front.spans.get_finished_spans()
        if each.name == "kefu.session.v1.SessionService/Reply"
    ]
    assert f"{span.context.trace_id:032x}" == turn.trace_id
    assert span.attributes is not None
    assert span.attributes[names.TURN] == turn.name
    assert span.attributes[names.INTENT] == "returns"
    assert span.attributes[names.MATCH_TYPE] == "knowledge"
    assert span.attributes[names.REPLY_MODE] == "model"


SECRETS = ("我家在月亮街9号", "月亮街的邮差今天休息", "MOON-PAYLOAD", "月亮")


async def test_the_words_of_customers_stay_out_of_everything_that_is_observed(
    front: Front,
    channel: SessionServiceStub,
    company: Company,
    logs: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither log nor span nor audit event nor error holds a word, also where things fail."""
    session = await open_session(channel)
    company.told = SECRETS[1]
    await reply(channel, session, SECRETS[0], "取消订单", "SO20260001", "确认", "我想退货")
    company.fails = {"Generate": StorageUnavailable("MOON-PAYLOAD")}
    company.furious = {SECRETS[0]}
    await reply(channel, session, "我想退货", SECRETS[0])

    async def defect(*_: Any) -> None:
        raise ValueError(SECRETS[0])

    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", defect)
        error = await error_of(channel.Reply(message(session, SECRETS[0]), timeout=SECONDS))
    assert error.reason == "INTERNAL"
    assert error.metadata["error_id"]
    shown = [{k: v for k, v in each.items() if k != "exc_info"} for each in logs]
    observed = [
        repr(shown),
        *(span.to_json() for span in front.spans.get_finished_spans()),
        *(repr(event) + str(event) for event in front.served.spooled()),
        str(error) + repr(error.metadata),
    ]
    for secret in SECRETS:
        for text in (secret, secret.encode("unicode_escape").decode()):
            assert not any(text in each for each in observed), secret
    assert any(each["event"] == "turn" for each in logs)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """SQL statements and Redis commands of this process while the test runs."""
    counted: Counter[str] = Counter()
    execute, command = psycopg.AsyncConnection.execute, redis.asyncio.Redis.execute_command

    async def counted_execute(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        counted["sql"] += 1
        return await execute(self, query, *args, **options)

    async def counted_command(self: Any, *args: Any, **options: Any) -> Any:
        counted["redis"] += 1
        return await command(self, *args, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counted_execute)
    monkeypatch.setattr(redis.asyncio.Redis, "execute_command", counted_command)
    return counted


READING = {"Classify", "Analyze", "Search/faq"}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("营业时间", READING),
        ("我想退货", READING | {"Embed", "Search", "Generate"}),
        ("取消订单", READING),
        ("谢谢", READING),
    ],
)
async def test_a_turn_costs_two_statements_and_two_commands(
    channel: SessionServiceStub,
    company: Company,
    statements: Counter[str],
    text: str,
    calls: set[str],
) -> None:
    """One look, one commit; claim and settle; and each service that has a part in it once.

    (Other products need 47 statements for a turn: this is the cost that must not creep.)
    """
    company.faqs["营业时间"] = "九点到十八点。"
    session = await open_session(channel)
    await reply(channel, session, "谢谢")
    company.asked.clear()
    statements.clear()
    await reply(channel, session, text)
    assert statements == {"sql": 2, "redis": 2}
    assert {method: len(found) for method, found in company.asked.items()} == dict.fromkeys(
        calls, 1
    )


async def test_doubt_and_several_requests_cost_calls_but_no_statement(
    channel: SessionServiceStub, company: Company, statements: Counter[str]
) -> None:
    """The second reading and the further answers happen between the one look and the one commit."""
    company.doubtful = {"这个能退不": "returns"}
    text = "退货要几天？运费多少？"
    company.several[text] = [("退货要几天", "returns"), ("运费多少", "returns")]
    company.known = {"这个能退不", "退货要几天", "运费多少"}
    session = await open_session(channel)
    await reply(channel, session, "谢谢")
    for said, calls in (
        ("这个能退不", {"Classify": 2, "Analyze": 2, "Embed": 1, "Search": 1, "Generate": 1}),
        (text, {"Classify": 1, "Analyze": 1, "Embed": 2, "Search": 2, "Generate": 2}),
    ):
        company.asked.clear()
        statements.clear()
        await reply(channel, session, said)
        assert statements == {"sql": 2, "redis": 2}
        counts = {method: len(found) for method, found in company.asked.items()}
        assert counts == calls | {"Search/faq": 1}


async def test_an_operation_costs_no_search(
    channel: SessionServiceStub, company: Company, statements: Counter[str]
) -> None:
    """A running slot needs neither FAQ nor vector; the action is one call."""
    session = await open_session(channel)
    await reply(channel, session, "取消订单")
    company.asked.clear()
    statements.clear()
    await reply(channel, session, "SO20260001", "确认")
    assert statements == {"sql": 4, "redis": 4}
    counts = {method: len(found) for method, found in company.asked.items()}
    assert counts == {"Classify": 2, "Analyze": 2, "Execute": 1}


async def test_the_first_turn_and_a_repeat(
    channel: SessionServiceStub, statements: Counter[str]
) -> None:
    """The first reads the context once more; a repeat is one look and no lease."""
    session = await open_session(channel)
    request = message(session, "谢谢")
    statements.clear()
    await channel.Reply(request, timeout=SECONDS)
    assert statements == {"sql": 3, "redis": 2}
    statements.clear()
    await channel.Reply(request, timeout=SECONDS)
    assert statements == {"sql": 1}
