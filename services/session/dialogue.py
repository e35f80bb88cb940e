"""The state machine of a dialogue: what the next turn does, and where it may lead.

A message is first read as a signal, given what was asked before; the table then says which effect
the signal has in the state. `python -m services.session.dialogue > docs/state-machine.md` draws the
table, and a test holds the two together: the picture is this code.
"""

from enum import StrEnum

from services.session.actions import Action, Catalogue
from services.session.conversation import Conversation, Operation, State
from services.session.plain_answers import asks, is_bare, is_plain, yes_or_no
from services.session.slots import adds, said_values
from services.session.understanding import IntentType, Understanding

# A free answer to "which address?" is the address unless the classifier is this sure of another
# wish: addresses and reasons look like nothing that it was trained on.
_SURE = 0.8


class Signal(StrEnum):
    """What a message is, given what was asked before."""

    QUESTION = "question"
    OPERATION = "operation"
    CHIT_CHAT = "chit-chat"
    HUMAN = "asks for a person"
    END = "ends"
    UNCLEAR = "unclear"
    SLOT = "fills the slot"
    YES = "yes"
    NO = "no"


class Effect(StrEnum):
    """What a turn does."""

    ANSWER = "answer from knowledge"
    OPERATE = "fill slots, confirm, or carry out"
    EXECUTE = "carry out the action"
    ABANDON = "drop the operation"
    ASK_AGAIN = "ask once more"
    CHAT = "small talk"
    CLARIFY = "ask what is meant"
    HAND_OVER = "ticket, and a person takes over"
    HOLD = "say that a person will answer"
    CLOSE = "say goodbye"


_OPERATING = (State.FILLING, State.CONFIRMING, State.IDLE)

TRANSITIONS: dict[State, dict[Signal, tuple[Effect, tuple[State, ...]]]] = {
    State.IDLE: {
        Signal.QUESTION: (Effect.ANSWER, (State.IDLE,)),
        Signal.OPERATION: (Effect.OPERATE, _OPERATING),
        Signal.CHIT_CHAT: (Effect.CHAT, (State.IDLE,)),
        Signal.HUMAN: (Effect.HAND_OVER, (State.HANDED_OVER,)),
        Signal.END: (Effect.CLOSE, (State.CLOSED,)),
        Signal.UNCLEAR: (Effect.CLARIFY, (State.CLARIFYING, State.IDLE)),
    },
    State.FILLING: {
        Signal.SLOT: (Effect.OPERATE, _OPERATING),
        Signal.OPERATION: (Effect.OPERATE, _OPERATING),
        Signal.QUESTION: (Effect.ANSWER, (State.FILLING,)),
        Signal.CHIT_CHAT: (Effect.CHAT, (State.FILLING,)),
        Signal.NO: (Effect.ABANDON, (State.IDLE,)),
        Signal.HUMAN: (Effect.HAND_OVER, (State.HANDED_OVER,)),
        Signal.END: (Effect.CLOSE, (State.CLOSED,)),
        Signal.UNCLEAR: (Effect.ASK_AGAIN, (State.FILLING, State.HANDED_OVER)),
    },
    State.CONFIRMING: {
        Signal.YES: (Effect.EXECUTE, (State.IDLE,)),
        Signal.NO: (Effect.ABANDON, (State.IDLE,)),
        Signal.SLOT: (Effect.OPERATE, _OPERATING),
        Signal.OPERATION: (Effect.OPERATE, _OPERATING),
        Signal.QUESTION: (Effect.ANSWER, (State.CONFIRMING,)),
        Signal.CHIT_CHAT: (Effect.CHAT, (State.CONFIRMING,)),
        Signal.HUMAN: (Effect.HAND_OVER, (State.HANDED_OVER,)),
        Signal.END: (Effect.CLOSE, (State.CLOSED,)),
        Signal.UNCLEAR: (Effect.ASK_AGAIN, (State.CONFIRMING, State.HANDED_OVER)),
    },
    State.CLARIFYING: {
        Signal.QUESTION: (Effect.ANSWER, (State.IDLE,)),
        Signal.OPERATION: (Effect.OPERATE, _OPERATING),
        Signal.CHIT_CHAT: (Effect.CHAT, (State.IDLE,)),
        Signal.HUMAN: (Effect.HAND_OVER, (State.HANDED_OVER,)),
        Signal.END: (Effect.CLOSE, (State.CLOSED,)),
        Signal.UNCLEAR: (Effect.CLARIFY, (State.IDLE, State.HANDED_OVER)),
    },
    State.HANDED_OVER: {
        Signal.END: (Effect.CLOSE, (State.CLOSED,)),
        Signal.UNCLEAR: (Effect.HOLD, (State.HANDED_OVER,)),
    },
}
"""Effect of each signal in each state, and the states that may follow."""


def read_signal(
    conversation: Conversation, text: str, understanding: Understanding, catalogue: Catalogue
) -> Signal:
    """What the message is, given what was asked before."""
    if conversation.state is State.HANDED_OVER:
        return Signal.END if is_sure(understanding, IntentType.END) else Signal.UNCLEAR
    operation = conversation.operation
    if operation and conversation.state in (State.FILLING, State.CONFIRMING):
        action = catalogue.get(operation.intent)
        if action is not None:
            wish = _wish(operation, action, text, understanding, catalogue)
            confirming = conversation.state is State.CONFIRMING
            return _answer(operation, action, text, understanding, wish, confirming) or wish
    return _by_intent(understanding, catalogue)


def _answer(
    operation: Operation,
    action: Action,
    text: str,
    understanding: Understanding,
    wish: Signal,
    confirming: bool,
) -> Signal | None:
    """The message as the answer to what was asked: a value, yes or no. None: it is something else.

    The plainest answers come before the wish, since a classifier that sees one message takes an
    order number for the wish to look it up, and 不用了 for a goodbye.
    """
    values = said_values(action, operation, understanding)
    if adds(values, operation):
        return Signal.SLOT if is_bare(text, understanding.spans) else None
    said = yes_or_no(text)
    if said is None or (said and not confirming):
        return None
    asked = action.slot(operation.asked)
    # "No 5, Main Street" is an address: a free answer is a no only where it is nothing else.
    free = not confirming and asked is not None and not asked.entity_type
    best = understanding.best
    other = wish is Signal.OPERATION and best is not None and best.intent != action.intent
    if (free or other or wish in (Signal.HUMAN, Signal.END)) and not is_plain(text):
        return None
    return Signal.YES if said else Signal.NO


def _wish(
    operation: Operation,
    action: Action,
    text: str,
    understanding: Understanding,
    catalogue: Catalogue,
) -> Signal:
    """The message by its intent and its values, while an operation is open."""
    best = understanding.best
    sure = best is not None and best.confidence >= _SURE
    kind = best.type if best is not None and sure else IntentType.UNKNOWN
    if kind in (IntentType.HUMAN, IntentType.END):
        return Signal.HUMAN if kind is IntentType.HUMAN else Signal.END
    wanted = catalogue.get(best.intent) if best and kind is IntentType.OPERATION else None
    if wanted is not None and wanted.intent != action.intent:
        return Signal.OPERATION
    if said_values(action, operation, understanding):
        return Signal.SLOT
    if kind is IntentType.QUERY or asks(text):
        return Signal.QUESTION
    if kind is IntentType.CHIT_CHAT:
        return Signal.CHIT_CHAT
    asked = action.slot(operation.asked)
    if asked is not None and not asked.entity_type:
        return Signal.SLOT
    return Signal.OPERATION if wanted is not None else Signal.UNCLEAR


def _by_intent(understanding: Understanding, catalogue: Catalogue) -> Signal:
    best = understanding.best
    if best is None:
        # Nobody could say what is wanted; knowledge may still hold the answer.
        return Signal.QUESTION
    if any(each.candidate.type is IntentType.HUMAN for each in understanding.requests):
        return Signal.HUMAN
    kinds = {best.type, *(each.type for each in understanding.alternatives[:1])}
    if understanding.ambiguous and kinds != {IntentType.QUERY}:
        return Signal.UNCLEAR
    if best.type is IntentType.OPERATION and best.intent not in catalogue:
        return Signal.QUESTION
    return {
        IntentType.QUERY: Signal.QUESTION,
        IntentType.OPERATION: Signal.OPERATION,
        IntentType.CHIT_CHAT: Signal.CHIT_CHAT,
        IntentType.HUMAN: Signal.HUMAN,
        IntentType.END: Signal.END,
        IntentType.UNKNOWN: Signal.UNCLEAR,
    }[best.type]


def asks_faq(signal: Signal, text: str) -> bool:
    """Whether a message that stands in the FAQs is to be answered from there.

    A wish is carried out though an FAQ tells how: 我要取消订单 is no question, 怎么取消订单 is.
    """
    return signal not in (Signal.OPERATION, Signal.HUMAN, Signal.END) or asks(text)


def effect_of(state: State, signal: Signal) -> Effect:
    """What a signal does in a state; a signal that the state does not know is unclear in it."""
    signals = TRANSITIONS[state]
    return signals.get(signal, signals[Signal.UNCLEAR])[0]


def is_sure(understanding: Understanding, kind: IntentType) -> bool:
    """Whether the message is surely of a kind, also while something else is open."""
    best = understanding.best
    return best is not None and best.type is kind and best.confidence >= _SURE


def draw() -> str:
    """The table as a page of the docs: a Mermaid diagram of the states, and every cell."""
    arrows: dict[tuple[State, State], list[str]] = {}
    rows = []
    for state, signals in TRANSITIONS.items():
        for signal, (effect, following) in signals.items():
            rows.append(f"| {state} | {signal} | {effect} | {' or '.join(following)} |")
            for after in following:
                arrows.setdefault((state, after), []).append(signal)
    edges = [f"    {a} --> {b}: {', '.join(signals)}" for (a, b), signals in arrows.items()]
    ends = f"    {State.CLOSED} --> [*]"
    diagram = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.IDLE}", *edges, ends, "```"]
    head = ["| state | the message | what the turn does | state after |", "|---|---|---|---|"]
    return "\n".join([_PREFACE, *diagram, "", *head, *rows])


_PREFACE = """\
# The state machine of a dialogue

What a message is taken for, what its turn does, and where the dialogue stands after it. Written by
`python -m services.session.dialogue` from the table in that module. A message that a state does not
name counts as `unclear` there.
"""

if __name__ == "__main__":
    print(draw())  # noqa: T201 (this is the program's output)
