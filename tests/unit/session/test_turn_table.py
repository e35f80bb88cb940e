"""Turns honour the state machine: every cell of the table is reached, and nothing beside it."""

import itertools
from dataclasses import dataclass, field, replace

import pytest

from services.session.conversation import Conversation, Operation, State
from services.session.dialogue import TRANSITIONS, Signal, read_signal
from services.session.understanding import Evidence, Faq, IntentType, Understanding, Verdict
from tests.unit.session.fakes import (
    BYE,
    CANCELLING,
    CATALOGUE,
    DOCUMENT,
    FURIOUS,
    HUMAN,
    PASSAGE,
    QUERY,
    THANKS,
    UNKNOWN,
    World,
    conversation,
    meant,
    say,
)

FOUND = Evidence(passages=[PASSAGE], verdict=Verdict.ANSWERABLE)
FAQ = Evidence(faq=Faq(DOCUMENT, "r1", "几天内可以退货？", "15 天。"))
LOOKUP = meant("order_lookup", IntentType.OPERATION)
CANCEL_SO1 = meant("cancel_order", IntentType.OPERATION, order="SO1", text="取消SO1")
LOOKUP_SO1 = meant("order_lookup", IntentType.OPERATION, order="SO1", text="查SO1")
SO1 = meant(order="SO1", text="SO1")
SO2 = meant(order="SO2", text="SO2")

CANCEL = Operation("cancel_order", "cancel_order", {}, "order_number")
CANCEL_FILLED = Operation("cancel_order", "cancel_order", {"order_number": "SO9"})
LOOKING = Operation("order_lookup", "order_lookup", {}, "order_number")
ADDRESS = Operation("change_address", "change_address", {}, "order_number")


@dataclass(frozen=True)
class Case:
    """One message in one state.

    Attributes:
        found: what it is classified as.
        operation: what is open.
        misunderstood: messages before it that were not.
        evidence: what the knowledge has.
    """

    state: State
    text: str
    found: Understanding
    after: State
    operation: Operation | None = None
    misunderstood: int = 0
    evidence: Evidence = field(default_factory=Evidence)

    def conversation(self) -> Conversation:
        """The conversation before the message."""
        operation = self.operation and Operation(**vars_of(self.operation))
        return conversation(state=self.state, operation=operation, misunderstood=self.misunderstood)


def vars_of(operation: Operation) -> dict[str, object]:
    """A copy of an operation's values, for turns change it."""
    return {
        "action": operation.action,
        "intent": operation.intent,
        "filled": dict(operation.filled),
        "asked": operation.asked,
    }


def nothing_open(state: State) -> list[Case]:
    """The cases that idle and clarifying share."""
    asked_back = 1 if state is State.CLARIFYING else 0
    return [
        Case(state, "退货", QUERY, State.IDLE),
        Case(state, "谢谢", THANKS, State.IDLE),
        Case(state, "转人工", HUMAN, State.HANDED_OVER),
        Case(state, "再见", BYE, State.CLOSED),
        Case(state, "取消", CANCELLING, State.FILLING),
        Case(state, "取消SO1", CANCEL_SO1, State.CONFIRMING),
        Case(state, "查SO1", LOOKUP_SO1, State.IDLE),
        Case(state, "嗯哼", UNKNOWN, State.IDLE, None, asked_back, FOUND),
    ]


def operation_open(state: State, operation: Operation) -> list[Case]:
    """The cases that filling and confirming share."""
    return [
        Case(state, "退货", QUERY, state, operation),
        Case(state, "谢谢", THANKS, state, operation),
        Case(state, "不用了", UNKNOWN, State.IDLE, operation),
        Case(state, "转人工", HUMAN, State.HANDED_OVER, operation),
        Case(state, "再见", BYE, State.CLOSED, operation),
        Case(state, "嗯哼", UNKNOWN, state, operation),
        Case(state, "嗯哼", UNKNOWN, State.HANDED_OVER, operation, misunderstood=1),
        Case(state, "查", LOOKUP, State.FILLING, operation),
        Case(state, "帮我查查SO1", meant_lookup("帮我查查SO1"), State.IDLE, operation),
    ]


def meant_lookup(text: str) -> Understanding:
    """The wish to look an order up, with its number."""
    return meant("order_lookup", IntentType.OPERATION, order="SO1", text=text)


def meant_cancel(text: str) -> Understanding:
    """The wish to cancel an order, with its number."""
    return meant("cancel_order", IntentType.OPERATION, order="SO1", text=text)


CASES = [
    *nothing_open(State.IDLE),
    Case(State.IDLE, "嗯哼", UNKNOWN, State.CLARIFYING),
    *nothing_open(State.CLARIFYING),
    Case(State.CLARIFYING, "嗯哼", UNKNOWN, State.HANDED_OVER, misunderstood=1),
    *operation_open(State.FILLING, CANCEL),
    Case(State.FILLING, "SO1", SO1, State.CONFIRMING, CANCEL),
    Case(State.FILLING, "SO1", SO1, State.FILLING, ADDRESS),
    Case(State.FILLING, "SO1", SO1, State.IDLE, LOOKING),
    Case(State.FILLING, "帮我取消SO1", meant_cancel("帮我取消SO1"), State.CONFIRMING, LOOKING),
    *operation_open(State.CONFIRMING, CANCEL_FILLED),
    Case(State.CONFIRMING, "是的", UNKNOWN, State.IDLE, CANCEL_FILLED),
    Case(State.CONFIRMING, "SO2", SO2, State.CONFIRMING, CANCEL_FILLED),
    Case(State.CONFIRMING, "取消订单", CANCELLING, State.CONFIRMING, CANCEL_FILLED),
    # The company added a slot, or dropped the confirmation, since the customer was asked.
    Case(State.CONFIRMING, "SO2", SO2, State.FILLING, ADDRESS),
    Case(State.CONFIRMING, "SO2", SO2, State.IDLE, LOOKING),
    Case(State.HANDED_OVER, "在吗", QUERY, State.HANDED_OVER),
    Case(State.HANDED_OVER, "再见", BYE, State.CLOSED),
]


def signal_of(case: Case) -> Signal:
    """What the message is taken for."""
    return read_signal(case.conversation(), case.text, case.found, CATALOGUE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.state}-{case.text}-{case.after}")
async def test_a_turn_ends_where_the_table_says(case: Case) -> None:
    """The state after the turn is the one expected, and stands in the table's cell."""
    world = World(understood={case.text: case.found}, evidence=case.evidence)
    talk = case.conversation()
    result = await say(world, talk, case.text)
    assert talk.state is result.state is case.after
    assert result.state in TRANSITIONS[case.state][signal_of(case)][1]
    assert result.text


def test_the_cases_reach_every_cell_and_every_state_that_may_follow() -> None:
    """Whoever adds a cell adds its case here."""
    reached = {(case.state, signal_of(case), case.after) for case in CASES}
    table = {
        (state, signal, after)
        for state, row in TRANSITIONS.items()
        for signal, (_, following) in row.items()
        for after in following
    }
    assert reached == table


FAILURES = [
    set[str](),
    {"classify"}, {"mood"}, {"faq"}, {"search"}, {"embed"}, {"answer"}, {"execute"},
    {"open_ticket"}, {"summarise"}, {"classify again"}, {"mood again"},
    {"classify", "mood", "faq", "search", "embed", "answer", "execute", "open_ticket", "summarise"},
]  # fmt: skip


@pytest.mark.parametrize("broken", FAILURES, ids=lambda broken: "+".join(sorted(broken)) or "none")
@pytest.mark.parametrize("angry", [False, True])
async def test_whatever_fails_the_table_holds_and_the_customer_gets_a_reply(
    broken: set[str], angry: bool
) -> None:
    """Also while she is angry, with an FAQ, and on words in doubt: no state beside the table's."""
    for case, with_faq, doubt in itertools.product(CASES, (False, True), (False, True)):
        world = World(
            understood={case.text: replace(case.found, wants_embedding=doubt)},
            evidence=case.evidence,
            faqs={case.text: FAQ} if with_faq else {},
            moods={case.text: FURIOUS} if angry else {},
            broken=set(broken),
        )
        result = await say(world, case.conversation(), case.text)
        row = TRANSITIONS[case.state].values()
        assert any(result.state in following for _, following in row)
        assert result.text
        if not broken and not with_faq:
            assert result.state in TRANSITIONS[case.state][signal_of(case)][1]
