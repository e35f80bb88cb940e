"""The services behind a turn fail or hang: the customer gets a reply all the same."""

import pytest
from kefu.errors import QuotaExceeded, ServiceUnavailable
from kefu.session.v1.session_pb2_grpc import SessionServiceStub
from kefu.session.v1.turn_pb2 import (
    DEGRADATION_APOLOGY,
    DEGRADATION_FAQ_ONLY,
    DEGRADATION_LEXICAL_ONLY,
    DEGRADATION_NO_INTENT,
    DEGRADATION_NO_SENTIMENT,
    DEGRADATION_NO_TICKET,
    Turn,
)

from tests.rpc.session.company import Company
from tests.rpc.session.front import (
    message,
    open_session,
    reply,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("methods", "degraded"),
    [
        (["Classify"], [DEGRADATION_NO_INTENT]),
        (["Analyze"], [DEGRADATION_NO_SENTIMENT]),
        (["Search/faq"], []),
        (["Embed"], [DEGRADATION_LEXICAL_ONLY]),
        (["Search", "Search/faq"], [DEGRADATION_APOLOGY]),
        (
            ["Classify", "Analyze", "Search", "Search/faq", "Embed", "Generate", "Summarize",
             "CreateTicket"],
            [DEGRADATION_NO_INTENT, DEGRADATION_NO_SENTIMENT, DEGRADATION_APOLOGY,
             DEGRADATION_NO_TICKET],
        ),
    ],
    ids=lambda value: "+".join(map(str, value)),
)  # fmt: skip
async def test_whatever_fails_the_customer_gets_a_reply(
    channel: SessionServiceStub, company: Company, methods: list[str], degraded: list[int]
) -> None:
    """One service after the other and all together; the turn names what was left out."""
    company.fails = dict.fromkeys(methods, ServiceUnavailable())
    turn = await reply(channel, await open_session(channel), "我想退货")
    assert turn.text
    assert list(turn.degraded) == degraded


async def test_a_used_up_limit_leaves_the_words(
    channel: SessionServiceStub, company: Company
) -> None:
    """A tenant without money for vectors is searched for by words alone, and answered."""
    company.fails = {"Embed": QuotaExceeded(retry_after_seconds=3600.0)}
    turn = await reply(channel, await open_session(channel), "我想退货")
    assert turn.text
    assert list(turn.degraded) == [DEGRADATION_LEXICAL_ONLY]
    assert not company.asked["Search"][-1].HasField("embedding")


async def test_an_answer_that_breaks_off_is_kept(
    channel: SessionServiceStub, company: Company
) -> None:
    """What the customer has read stays, and the turn says that it was interrupted."""
    company.fails = {"Generate": ServiceUnavailable()}
    turn = await reply(channel, await open_session(channel), "我想退货")
    assert (turn.text, turn.status) == ("签收后 15 天内", Turn.STATUS_INTERRUPTED)
    assert DEGRADATION_FAQ_ONLY not in turn.degraded


async def test_long_words_of_the_company_do_not_break_the_next_turns(
    channel: SessionServiceStub, company: Company
) -> None:
    """A reply longer than the gateway takes in a history is cut there and nowhere else."""
    company.words = ["长" * 8000, "文" * 4000]
    session = await open_session(channel)
    first = await reply(channel, session, "我想退货")
    assert len(first.text) == 12000
    company.words = ["好"]
    assert (await reply(channel, session, "我想退货")).text == "好"
    assert len(company.asked["Generate"][-1].history[0].reply) == 8000


@pytest.mark.parametrize(
    ("method", "degraded"),
    [
        ("Classify", [DEGRADATION_NO_INTENT]),
        ("Analyze", [DEGRADATION_NO_SENTIMENT]),
        ("Search/faq", []),
        ("Embed", [DEGRADATION_LEXICAL_ONLY]),
        ("Search", [DEGRADATION_APOLOGY]),
        ("Generate", []),
    ],
)
async def test_what_hangs_leaves_time_for_the_rest(
    channel: SessionServiceStub, company: Company, method: str, degraded: list[int]
) -> None:
    """The caller gets her reply before her deadline, whichever service it is that hangs."""
    session = await open_session(channel)
    company.hold(method)
    turn = (await channel.Reply(message(session, "我想退货"), timeout=1.5)).turn
    assert turn.text
    assert set(degraded) <= set(turn.degraded)
    assert bool(turn.status == Turn.STATUS_INTERRUPTED) == (method == "Generate")
