"""What a message is taken for, given what was asked before: the rows of the state machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.session.actions import Catalogue
from services.session.conversation import Conversation, Operation, State
from services.session.dialogue import (
    TRANSITIONS,
    Effect,
    Signal,
    asks_faq,
    draw,
    effect_of,
    read_signal,
)
from services.session.understanding import Candidate, IntentType, Understanding
from tests.unit.session.fakes import (
    BYE,
    CANCELLING,
    CATALOGUE,
    HUMAN,
    QUERY,
    THANKS,
    UNKNOWN,
    conversation,
    meant,
)

DOCS = Path(__file__).resolve().parents[3] / "docs" / "state-machine.md"
CONFIRMING = Operation("cancel_order", "cancel_order", {"order_number": "SO20260001"})
ASKED_ORDER = Operation("cancel_order", "cancel_order", {}, "order_number")
ASKED_ADDRESS = Operation(
    "change_address", "change_address", {"order_number": "SO20260001"}, "new_address"
)


def read(
    text: str,
    found: Understanding = UNKNOWN,
    state: State = State.IDLE,
    operation: Operation | None = None,
    catalogue: Catalogue = CATALOGUE,
) -> Signal:
    """What a text is taken for in a state."""
    return read_signal(at(state, operation), text, found, catalogue)


def at(state: State, operation: Operation | None = None) -> Conversation:
    """A conversation in a state."""
    return conversation(state=state, operation=operation)


def filling(text: str, found: Understanding = UNKNOWN) -> Signal:
    """A message after "which order?"."""
    return read(text, found, State.FILLING, ASKED_ORDER)


def confirming(text: str, found: Understanding = UNKNOWN) -> Signal:
    """A message after "shall I cancel SO20260001?"."""
    return read(text, found, State.CONFIRMING, CONFIRMING)


def addressing(text: str, found: Understanding = UNKNOWN) -> Signal:
    """A message after "which address?"."""
    return read(text, found, State.FILLING, ASKED_ADDRESS)


# --- the table --------------------------------------------------------------------------------


def test_every_state_but_the_last_has_a_row_and_knows_the_unclear() -> None:
    """A message in any state has an effect; a closed conversation takes none."""
    assert set(TRANSITIONS) == set(State) - {State.CLOSED}
    assert all(Signal.UNCLEAR in row for row in TRANSITIONS.values())


def test_every_signal_and_effect_is_used() -> None:
    """No word in the code that the dialogue never says."""
    cells = [(signal, cell) for row in TRANSITIONS.values() for signal, cell in row.items()]
    assert {signal for signal, _ in cells} == set(Signal)
    assert {effect for _, (effect, _) in cells} == set(Effect)


@pytest.mark.parametrize("state", list(TRANSITIONS))
@pytest.mark.parametrize("signal", list(Signal))
def test_a_signal_without_a_cell_is_unclear(state: State, signal: Signal) -> None:
    """No combination is left without an effect."""
    row = TRANSITIONS[state]
    assert effect_of(state, signal) is row.get(signal, row[Signal.UNCLEAR])[0]


def test_the_end_can_be_reached_from_everywhere() -> None:
    """No state traps the customer: each has a way to the end, and all are reached from the start.

    (The table itself; that turns honour it is shown in test_turn_table.py.)
    """
    reached = {State.IDLE}
    for _ in State:
        reached |= {
            after
            for state in reached & set(TRANSITIONS)
            for _, following in TRANSITIONS[state].values()
            for after in following
        }
    assert reached == set(State)
    assert all(row[Signal.END][1] == (State.CLOSED,) for row in TRANSITIONS.values())


def test_the_docs_show_this_table() -> None:
    """docs/state-machine.md is what the module prints; else run the command that it names."""
    program = [sys.executable, "-m", "services.session.dialogue"]
    printed = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert DOCS.read_text(encoding="utf-8") == printed == draw() + "\n"


# --- nothing is open --------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.IDLE, State.CLARIFYING])
@pytest.mark.parametrize(
    ("found", "signal"),
    [
        (QUERY, Signal.QUESTION),
        (CANCELLING, Signal.OPERATION),
        (THANKS, Signal.CHIT_CHAT),
        (HUMAN, Signal.HUMAN),
        (BYE, Signal.END),
        (UNKNOWN, Signal.UNCLEAR),
    ],
)
def test_without_an_operation_the_intent_decides(
    state: State, found: Understanding, signal: Signal
) -> None:
    """One signal for each type of intent."""
    assert read("anything", found, state) is signal


def test_without_a_classification_the_message_is_a_question() -> None:
    """Nobody can say what is wanted, but the knowledge may hold the answer."""
    assert read("退货政策", Understanding()) is Signal.QUESTION


def test_an_operation_that_no_system_offers_is_a_question() -> None:
    """The action server is down: the knowledge may tell how it is done by hand."""
    assert read("取消订单", CANCELLING, catalogue={}) is Signal.QUESTION


def test_an_ambiguous_message_is_unclear_unless_both_readings_are_questions() -> None:
    """Two questions lead to the same search; a question and an operation do not."""
    best = Candidate("cancel_order", IntentType.OPERATION, 0.5)
    other = Candidate("returns", IntentType.QUERY, 0.48)
    assert read("订单", Understanding(best, [other], True)) is Signal.UNCLEAR
    both = Understanding(other, [Candidate("delivery", IntentType.QUERY, 0.47)], True)
    assert read("订单", both) is Signal.QUESTION


def test_yes_means_nothing_where_nothing_was_asked() -> None:
    """是的 out of the blue is whatever its intent says."""
    assert read("是的", UNKNOWN) is Signal.UNCLEAR


# --- a slot is asked for ----------------------------------------------------------------------

LOOKUP_WITH = meant("order_lookup", IntentType.OPERATION, order="SO20260002", text="SO20260002")


@pytest.mark.parametrize("text", ["SO20260002", "订单号是SO20260002", "it is SO20260002"])
def test_a_bare_value_fills_the_slot_whatever_its_intent(text: str) -> None:
    """A classifier sees a lone order number as the wish to look it up."""
    found = meant("order_lookup", IntentType.OPERATION, order="SO20260002", text=text)
    assert filling(text, found) is Signal.SLOT


@pytest.mark.parametrize(
    ("text", "intent"),
    [("帮我查一下SO20260002", "order_lookup"), ("查询订单SO20260002的状态", "order_lookup")],
)
def test_another_wish_switches_though_it_holds_the_value(text: str, intent: str) -> None:
    """A context switch: the customer is sure of something else now."""
    found = meant(intent, IntentType.OPERATION, order="SO20260002", text=text)
    assert filling(text, found) is Signal.OPERATION


def test_an_unsure_other_wish_with_the_value_fills_the_slot() -> None:
    """Below the line of certainty what was asked for counts more."""
    text = "就那个SO20260002吧谢谢你"
    found = meant("order_lookup", IntentType.OPERATION, 0.6, order="SO20260002", text=text)
    assert filling(text, found) is Signal.SLOT


def test_a_wish_that_no_system_offers_does_not_switch() -> None:
    """There is nothing to switch to."""
    found = meant("book_flight", IntentType.OPERATION)
    assert filling("订机票", found) is Signal.UNCLEAR


def test_the_same_wish_again_asks_again_without_blame() -> None:
    """我要取消订单 as the answer to "which order?" is no misunderstanding."""
    assert filling("我要取消订单", CANCELLING) is Signal.OPERATION


@pytest.mark.parametrize("text", ["不用了", "算了", "取消", "never mind", "不用了，谢谢"])
def test_a_no_drops_the_operation(text: str) -> None:
    """Also where the classifier takes it for thanks."""
    assert filling(text, THANKS) is Signal.NO


@pytest.mark.parametrize("text", ["不用了", "算了", "no"])
def test_a_plain_no_is_no_goodbye(text: str) -> None:
    """不用了 looks like an end to a classifier that does not know what was asked."""
    assert filling(text, BYE) is Signal.NO


def test_a_goodbye_behind_a_no_ends() -> None:
    """不用了，再见 says both, and the stronger one counts."""
    assert filling("不用了，再见", BYE) is Signal.END


def test_a_yes_fills_nothing() -> None:
    """好的 as the answer to "which order?" leaves the question open."""
    assert filling("好的") is Signal.UNCLEAR


@pytest.mark.parametrize(
    ("text", "found", "signal"),
    [
        ("退货要多久", QUERY, Signal.QUESTION),
        ("要运费吗", UNKNOWN, Signal.QUESTION),
        ("谢谢", THANKS, Signal.CHIT_CHAT),
        ("转人工", HUMAN, Signal.HUMAN),
        ("再见", BYE, Signal.END),
        ("嗯哼", UNKNOWN, Signal.UNCLEAR),
    ],
)
def test_a_digression_keeps_its_meaning(text: str, found: Understanding, signal: Signal) -> None:
    """Questions, thanks, the wish for a person and the end are heard in mid-operation."""
    assert filling(text, found) is signal


# --- a free text is asked for -----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["中关村大街1号", "No 5, Main Street", "别墅区 3 栋", "不用送上门，放在门卫处", "行知路 8 号"],
)
def test_a_free_answer_is_the_value(text: str) -> None:
    """Also one that begins like a no; addresses look like nothing a classifier knows."""
    assert addressing(text) is Signal.SLOT


def test_the_same_wish_in_a_free_answer_is_the_value() -> None:
    """地址改成… is classified as the wish to change the address, and holds it."""
    found = meant("change_address", IntentType.OPERATION)
    assert addressing("地址改成中关村大街1号", found) is Signal.SLOT


@pytest.mark.parametrize(
    ("text", "found", "signal"),
    [
        ("不用了", UNKNOWN, Signal.NO),
        ("改地址要收费吗", UNKNOWN, Signal.QUESTION),
        ("改地址要加钱不", QUERY, Signal.QUESTION),
        ("谢谢", THANKS, Signal.CHIT_CHAT),
        ("转人工", HUMAN, Signal.HUMAN),
        ("算了，取消订单", CANCELLING, Signal.OPERATION),
    ],
)
def test_a_free_answer_is_not_everything(text: str, found: Understanding, signal: Signal) -> None:
    """A question, a refusal and another sure wish are not stored as an address."""
    assert addressing(text, found) is signal


# --- a yes is asked for -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["是的", "确认", "好的", "yes", "ok", "好的，取消吧"])
def test_a_yes_carries_out(text: str) -> None:
    """Whatever the classifier thinks of it."""
    assert confirming(text, THANKS) is Signal.YES


@pytest.mark.parametrize("text", ["不用了", "算了", "取消", "先不取消了", "no", "cancel"])
def test_when_a_cancellation_is_confirmed_cancel_means_no(text: str) -> None:
    """取消 in answer to "shall I cancel?" is ambiguous, and the harmless reading wins."""
    assert confirming(text, CANCELLING) is Signal.NO


@pytest.mark.parametrize("text", ["可以吗？", "可以吗", "确定要取消吗？", "yes?"])
def test_a_question_is_no_yes(text: str) -> None:
    """可以吗 asks; 可以 agrees."""
    assert confirming(text) is Signal.QUESTION


@pytest.mark.parametrize(
    "text",
    ["不是，是SO20260002", "不是SO20260001，是SO20260002", "不对，订单号应该是SO20260002",
     "SO20260002", "是的，不过订单号是SO20260002", "No, it's SO20260002"],
)  # fmt: skip
def test_another_value_is_a_correction_and_no_answer(text: str) -> None:
    """Neither the no nor the yes in it counts: what would be done is not what was confirmed."""
    orders = " ".join(each for each in ("SO20260001", "SO20260002") if each in text)
    assert confirming(text, meant(order=orders, text=text)) is Signal.SLOT


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("确认取消SO20260001", Signal.YES),
        ("不要取消SO20260001了", Signal.NO),
        ("SO20260001", Signal.SLOT),
    ],
)
def test_the_same_value_again_lets_yes_and_no_count(text: str, signal: Signal) -> None:
    """A customer who repeats the number still answers."""
    assert confirming(text, meant(order="SO20260001", text=text)) is signal


def test_a_no_with_another_wish_is_the_wish() -> None:
    """不，帮我查物流: the lookup must not get lost behind the no."""
    found = meant("order_lookup", IntentType.OPERATION)
    assert confirming("不，帮我查一下物流", found) is Signal.OPERATION


def test_the_same_wish_again_is_confirmed_again() -> None:
    """取消订单 in answer to "shall I cancel?" is asked once more rather than guessed."""
    assert confirming("取消订单", CANCELLING) is Signal.OPERATION


# --- the rest ---------------------------------------------------------------------------------


def test_an_operation_that_is_no_longer_offered_is_not_answered() -> None:
    """Its questions make no sense any more; the message speaks for itself."""
    assert read("是的", UNKNOWN, State.CONFIRMING, CONFIRMING, {}) is Signal.UNCLEAR
    assert read("退货", QUERY, State.CONFIRMING, CONFIRMING, {}) is Signal.QUESTION


@pytest.mark.parametrize("found", [QUERY, CANCELLING, THANKS, HUMAN, UNKNOWN, Understanding()])
def test_what_a_person_owns_is_left_alone(found: Understanding) -> None:
    """After a hand-over nothing is read but a goodbye."""
    assert read("anything", found, State.HANDED_OVER) is Signal.UNCLEAR
    assert read("再见", BYE, State.HANDED_OVER) is Signal.END


def test_an_unsure_goodbye_does_not_end_what_a_person_owns() -> None:
    """The person would be left talking to nobody."""
    unsure = meant("goodbye", IntentType.END, 0.6)
    assert read("那就这样", unsure, State.HANDED_OVER) is Signal.UNCLEAR


@pytest.mark.parametrize(
    ("signal", "text", "answered"),
    [
        (Signal.QUESTION, "退货期限", True),
        (Signal.UNCLEAR, "退货期限", True),
        (Signal.CHIT_CHAT, "谢谢", True),
        (Signal.OPERATION, "我要取消订单", False),
        (Signal.OPERATION, "怎么取消订单", True),
        (Signal.HUMAN, "人工客服", False),
        (Signal.HUMAN, "人工客服几点上班？", True),
        (Signal.END, "再见", False),
    ],
)
def test_an_faq_answers_questions_and_not_wishes(signal: Signal, text: str, answered: bool) -> None:
    """取消订单 and 怎么取消订单 have the same content words; only the second is a question."""
    assert asks_faq(signal, text) is answered
