"""The state machine of a dialogue: what the next turn does, and where it may lead.

A message is first read as a signal, given what was asked before; the table then says which effect
the signal has in the state. `python -m services.session.dialogue` draws the table for the docs, so
the picture there is this code.
"""

from enum import StrEnum

from services.language import fold
from services.session.actions import Action, Catalogue
from services.session.conversation import Conversation, State
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

_YES = frozenset(
    {
        "是", "是的", "对", "对的", "好", "好的", "好吧", "行", "行的", "可以", "确认", "确定",
        "没错", "嗯", "嗯嗯", "要", "要的", "同意", "yes", "y", "yeah", "yep", "sure", "ok",
        "okay", "confirm", "correct", "right", "please do", "go ahead", "that's right",
    }
)  # fmt: skip
_NO = frozenset(
    {
        "不", "不是", "不要", "不用", "不用了", "不了", "不对", "算了", "取消", "别", "先不",
        "先不用", "没有", "不需要", "no", "n", "nope", "cancel", "stop", "never mind",
        "nevermind", "forget it", "don't", "no thanks",
    }
)  # fmt: skip
_YES_STARTS = ("是的", "对的", "好的", "确认", "确定", "可以", "没错", "yes", "sure", "please go")
_NO_STARTS = (
    "不用", "不要", "算了", "不是", "不对", "别", "先不", "no ", "no,", "don't", "never mind",
)  # fmt: skip
_EDGES = " \t\n。.!！?？,，~～、；;"
_QUESTION_MARKS = ("?", "？", "吗", "呢")


def read_signal(
    conversation: Conversation, text: str, understanding: Understanding, catalogue: Catalogue
) -> Signal:
    """What the message is, given what was asked before."""
    if conversation.state is State.HANDED_OVER:
        return Signal.END if _is(understanding, IntentType.END, _SURE) else Signal.UNCLEAR
    if conversation.operation and conversation.state in (State.FILLING, State.CONFIRMING):
        action = catalogue.get(conversation.operation.intent)
        if action is not None:
            return _read_in_operation(conversation, text, understanding, action)
    return _by_intent(understanding, catalogue)


def _read_in_operation(
    conversation: Conversation, text: str, understanding: Understanding, action: Action
) -> Signal:
    """A message while an operation is open: its slots and yes or no come before its intent."""
    best = understanding.best
    for wish, signal in ((IntentType.HUMAN, Signal.HUMAN), (IntentType.END, Signal.END)):
        if _is(understanding, wish, _SURE):
            return signal
    switched = _is(understanding, IntentType.OPERATION, _SURE) and best is not None
    if switched and best is not None and best.intent != action.intent:
        return Signal.OPERATION
    if any(slot.entity_type and understanding.entity(slot.entity_type) for slot in action.slots):
        return Signal.SLOT
    answer = yes_or_no(text)
    if answer is not None and (conversation.state is State.CONFIRMING or answer is Signal.NO):
        return answer
    if _is(understanding, IntentType.QUERY, _SURE) or fold(text).strip().endswith(_QUESTION_MARKS):
        return Signal.QUESTION
    asked = action.slot(conversation.operation.asked) if conversation.operation else None
    if conversation.state is State.FILLING and asked is not None and not asked.entity_type:
        return Signal.SLOT
    if _is(understanding, IntentType.CHIT_CHAT, _SURE):
        return Signal.CHIT_CHAT
    return Signal.UNCLEAR


def _by_intent(understanding: Understanding, catalogue: Catalogue) -> Signal:
    best = understanding.best
    if best is None:
        # Nobody could say what is wanted; knowledge may still hold the answer.
        return Signal.QUESTION
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


def yes_or_no(text: str) -> Signal | None:
    """YES or NO where the message says so plainly; None otherwise.

    不 wins over a later word of assent (不用了，好的), and a question is neither.
    """
    said = fold(text).strip(_EDGES)
    if said.endswith(_QUESTION_MARKS) or text.rstrip().endswith(_QUESTION_MARKS):
        return None
    if said in _NO or said.startswith(_NO_STARTS):
        return Signal.NO
    if said in _YES or said.startswith(_YES_STARTS):
        return Signal.YES
    return None


def effect_of(state: State, signal: Signal) -> Effect:
    """What a signal does in a state; a signal that the state does not know is unclear in it."""
    signals = TRANSITIONS[state]
    return signals.get(signal, signals[Signal.UNCLEAR])[0]


def _is(understanding: Understanding, kind: IntentType, confidence: float) -> bool:
    best = understanding.best
    return best is not None and best.type is kind and best.confidence >= confidence


def draw() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.IDLE}"]
    for state, signals in TRANSITIONS.items():
        for signal, (effect, following) in signals.items():
            lines += [f"    {state} --> {after}: {signal} / {effect}" for after in following]
    lines.append(f"    {State.CLOSED} --> [*]")
    return "\n".join(lines)


if __name__ == "__main__":
    print(draw())  # noqa: T201 (this is the program's output)
