"""Yes, no and questions, as customers write them, without a classifier.

A yes carries an operation out, so only a short message that is nothing but assent is one. A no
costs a second try at most, so more is taken for it.
"""

import re
from collections.abc import Sequence

from services.language import fold, words

_YES = frozenset(
    {
        "是", "是的", "是吧", "对", "对的", "对啊", "好", "好的", "好吧", "好啊", "行", "行的",
        "可以", "可以的", "确认", "确定", "没错", "没问题", "嗯", "嗯嗯", "要", "要的", "同意",
        "yes", "y", "yeah", "yep", "yup", "sure", "ok", "okay", "confirm", "confirmed", "correct",
        "right", "please do", "do it", "go ahead", "that's right", "no problem",
    }
)  # fmt: skip
_NO = frozenset(
    {
        "不", "不是", "不要", "不用", "不用了", "不要了", "不了", "不对", "不行", "不需要",
        "算了", "取消", "取消吧", "别", "先不", "先不用", "没有", "no", "n", "nope", "nah",
        "cancel", "stop", "never mind", "nevermind", "forget it", "don't", "not now", "no thanks",
    }
)  # fmt: skip
_YES_STARTS = (
    "是的", "对的", "好的", "可以", "确认", "确定", "没错", "没问题", "同意", "是,", "行,", "对,",
    "好,", "嗯,",
)  # fmt: skip
_NO_STARTS = (
    "不,", "不用", "不要", "不是", "不对", "不行", "不必", "不需要", "不取消", "不退", "不改",
    "不办", "不想取消", "不想退", "不想改", "别", "先不", "先别", "算了", "还是算了", "还是不",
    "那算了", "那不",
)  # fmt: skip
# They begin like a no and are none.
_NOT_NO = (
    "不要紧", "不对劲", "别的", "别人", "not sure", "not certain", "no idea", "no problem",
    "no worries",
)  # fmt: skip
_YES_WORDS = frozenset({"yes", "yeah", "yep", "yup", "sure", "ok", "okay", "confirm", "correct"})
_NO_WORDS = frozenset({"no", "nope", "nah", "don't", "dont", "not", "never"})
# Behind an assent they take it back, or ask for something else.
_HEDGES = re.compile(
    "不|别|没|但|等|先|一下|如果|改|换|考虑|再|吗|呢"
    r"|\b(?:but|not|don't|no|wait|if|unless|however|change|instead|later|first|another)\b"
)
_MAX_YES_WORDS = 8

_EDGES = " \t\n。.!！,，~～、；;…"
_QUESTION_ENDS = ("?", "吗", "呢", "么")
_QUESTION_WORDS = re.compile(
    "怎么|怎样|如何|什么|多少|多久|多长|为什么|为何|哪些|哪个|哪里|几点|几天|能不能|可不可以|是不是|是否"
    r"|^(?:how|what|when|where|which|who|why|can|could|do|does|is|are)\b"
)

# A value with only these around it is just that value: "订单号是 SO20260001", "it is SO20260001".
_AROUND_VALUE = frozenset(
    {
        "是", "的", "我", "我的", "就是", "订单", "订单号", "号", "号码", "单号", "编号", "为",
        "那", "那个", "这个", "叫", "应该", "应该是", "不", "不是", "不对", "对", "哦", "嗯",
        "啊", "错", "错了", "了", "说", "改成", "改为", "换成", "手机", "手机号", "电话", "邮箱",
        "请", "it", "is", "it's", "its", "the", "my", "number", "order", "phone", "email", "no",
        "not", "sorry", "i", "mean", "meant", "that", "that's", "should", "be", "but", "this",
        "one", "here", "please", "wrong", "actually",
    }
)  # fmt: skip


def is_plain(text: str) -> bool:
    """Whether a message is nothing but one of the usual words for yes or no."""
    said = _said(text)
    return said in _YES or said in _NO


def yes_or_no(text: str) -> bool | None:
    """True for yes, False for no, None where the message says neither plainly."""
    said = _said(text)
    if said in _YES:
        return True
    if said in _NO:
        return False
    found = words(said)
    if not found or asks(text):
        return None
    refuses = said.startswith(_NO_STARTS) or found[0] in _NO_WORDS
    if refuses and not said.startswith(_NOT_NO):
        return False
    return True if _assents(said, found) else None


def asks(text: str) -> bool:
    """Whether a message is a question by its form."""
    said = _said(text)
    return said.endswith(_QUESTION_ENDS) or _QUESTION_WORDS.search(said) is not None


def is_bare(text: str, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether a message is little more than the values in it.

    Args:
        text: the message.
        spans: of the values, (start, end) in code points, in order.
    """
    for start, end in reversed(spans):
        text = f"{text[:start]} {text[end:]}"
    return bool(spans) and _AROUND_VALUE.issuperset(words(text))


def _said(text: str) -> str:
    return fold(text).strip(_EDGES)


def _assents(said: str, found: Sequence[str]) -> bool:
    """Words of assent, and behind them nothing that takes them back."""
    start = next((each for each in _YES_STARTS if said.startswith(each)), "")
    if not start and found[0] not in _YES_WORDS:
        return False
    rest = said.removeprefix(start or found[0])
    for harmless in ("没问题", "没错", "no problem"):
        rest = rest.replace(harmless, "")
    return len(found) <= _MAX_YES_WORDS and _HEDGES.search(rest) is None
