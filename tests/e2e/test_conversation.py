"""Conversations through every service, as a customer of the sample shop has them."""

import asyncio
import uuid

import pytest
from kefu.client import Client
from kefu.desk.v1 import desk_pb2
from kefu.desk.v1.desk_pb2_grpc import DeskServiceStub
from kefu.errors import MethodNotAllowed, TenantNotAllowed, TurnInProgress
from kefu.session.v1 import turn_pb2 as turns
from kefu.type.v1.understanding_pb2 import Grounding

from tests.support.running import TENANT, Running


@pytest.mark.parametrize(
    ("question", "language", "fact"),
    [
        ("签收后几天内可以退货？", "zh", "15"),
        ("簽收後幾天內可以退貨？", "zh", "15"),
        ("签收后几天之内可以return？", "zh", "15"),
        ("Within how many days can I return an item?", "en", "15"),
    ],
)
async def test_a_question_is_answered_from_knowledge_with_its_citation(
    mesh: Running, question: str, language: str, fact: str
) -> None:
    """Chinese in both scripts, mixed and English: the fact, its source, and the right span."""
    async with mesh.client() as kefu:
        session = await kefu.create_session(TENANT)
        turn = await kefu.reply(session.name, question)
    assert turn.language_code == language
    assert fact in turn.text
    assert turn.citations, turn
    for citation in turn.citations:
        span = turn.text[citation.answer_span.start : citation.answer_span.end]
        assert span.strip(), citation
        assert citation.document.startswith(f"{TENANT}/knowledgeBases/shop/documents/")


async def test_a_reply_says_how_far_it_is_supported(mesh: Running) -> None:
    """Sentence by sentence where passages are quoted; an FAQ's answer is the company's own."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        faq = await kefu.reply(session, "签收后几天内可以退货？")
        quoted = await kefu.reply(session, "发票怎么开？")
    assert (faq.mode, faq.HasField("grounding")) == (turns.REPLY_MODE_FAQ, False)
    assert quoted.mode == turns.REPLY_MODE_EXTRACTIVE
    assert quoted.grounding.verdict == Grounding.VERDICT_SUPPORTED
    spans = [each.answer_span for each in quoted.grounding.sentences]
    told = "".join(quoted.text[each.start : each.end] for each in spans)
    assert "".join(told.split()) == "".join(quoted.text.split())


async def test_an_operation_asks_for_its_slot_confirms_and_acts_once(mesh: Running) -> None:
    """The missing order number is asked for, nothing is done before the yes, one action after."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        asked = await kefu.reply(session, "帮我取消订单")
        assert asked.dialogue_state == turns.DIALOGUE_STATE_FILLING
        confirming = await kefu.reply(session, "SO20260003")
        assert confirming.dialogue_state == turns.DIALOGUE_STATE_CONFIRMING
        assert "SO20260003" in confirming.text
        assert not confirming.actions
        request_id = str(uuid.uuid4())
        done = await kefu.reply(session, "确认", request_id)
        again = await kefu.reply(session, "确认", request_id)
    assert [(a.action, a.outcome) for a in done.actions] == [
        ("cancel_order", turns.ActionResult.OUTCOME_SUCCEEDED)
    ]
    assert again == done, "the same request_id is the same turn"


async def test_a_question_in_the_middle_of_an_operation_is_answered_and_it_goes_on(
    mesh: Running,
) -> None:
    """A digression: the answer, then the open question again."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        await kefu.reply(session, "I want to cancel my order")
        aside = await kefu.reply(session, "How long does standard delivery take?")
        assert aside.citations
        assert aside.dialogue_state == turns.DIALOGUE_STATE_FILLING
        confirming = await kefu.reply(session, "SO20260004")
    assert confirming.dialogue_state == turns.DIALOGUE_STATE_CONFIRMING


async def test_an_angry_customer_gets_exactly_one_ticket(mesh: Running) -> None:
    """Anger over several turns opens one ticket, with summary and trend for the person."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        first = await kefu.reply(session, "太差劲了！！包裹丢了也没人管，我非常生气，我要投诉！")
        second = await kefu.reply(session, "气死我了，你们就是一群骗子，垃圾！")
    assert first.ticket
    async with mesh.stub("desk", DeskServiceStub) as desk:
        request = desk_pb2.ListTicketsRequest(parent=TENANT, session=session)
        tickets = (await desk.ListTickets(request, timeout=5)).tickets
    anger = [t for t in tickets if t.reason == desk_pb2.Ticket.REASON_ANGER]
    assert [t.name for t in anger] == [first.ticket]
    assert anger[0].summary
    assert second.ticket in ("", first.ticket) or second.ticket in {t.name for t in tickets}


async def test_events_arrive_in_order_and_end_with_one_completion(mesh: Running) -> None:
    """TurnStarted, numbered deltas without gaps, and one TurnCompleted that holds their sum."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        events = [each async for each in kefu.converse(session, "How do I get an invoice?")]
    kinds = [each.WhichOneof("event") for each in events]
    assert [each.sequence for each in events] == list(range(1, len(events) + 1))
    assert kinds[0] == "started"
    assert kinds.count("completed") == 1
    assert kinds[-1] == "completed"
    assert "".join(each.delta.text for each in events) == events[-1].completed.turn.text


async def test_two_messages_at_once_are_one_turn_and_one_refusal(mesh: Running) -> None:
    """A session has one turn at a time; the second message is told when to come again."""
    async with mesh.client() as kefu:
        session = (await kefu.create_session(TENANT)).name
        results = await asyncio.gather(
            *(kefu.reply(session, f"快递要几天能到？第{n}次问") for n in range(4)),
            return_exceptions=True,
        )
    refused = [each for each in results if isinstance(each, TurnInProgress)]
    answered = [each for each in results if isinstance(each, turns.Turn)]
    assert len(refused) + len(answered) == 4, results
    assert answered
    assert all(each.retry_after_seconds for each in refused)


async def _known(kefu: Client) -> None:
    """Wait until the services have read the new binding, which they look for twice a second."""
    async with asyncio.timeout(10):
        while True:
            try:
                await kefu.create_session(TENANT)
                return
            except MethodNotAllowed:
                await asyncio.sleep(0.1)


async def test_a_client_of_one_tenant_sees_no_other(mesh: Running) -> None:
    """A certificate bound to the shop cannot open a session for somebody else."""
    mesh.kefu("certs", "issue", "shop-app", "--role", "channel", "--tenant", "shop")
    async with mesh.client("shop-app") as kefu:
        await _known(kefu)
        with pytest.raises(TenantNotAllowed) as refused:
            await kefu.create_session("tenants/other")
    assert refused.value.trace_id
