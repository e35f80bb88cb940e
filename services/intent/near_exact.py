"""When two utterances say the same though they are not written the same: 请问能退货吗, 退货能吗."""

import re
from collections.abc import Iterable

from services.language import fold, segment
from services.language.script import HAN

# Below these an utterance is too short for its order not to matter, or courtesies to be all of it.
_LEAST_HAN = 4
_LEAST_WORDS = 3

_HAN_WORD = re.compile(f"[{HAN}]+")

# Words that change nothing about what is wanted. Not among them: 吗 吧 了 的 不 没, which make a
# question, a wish or a report of the same words, and sorry, which may be the whole message.
_COURTEOUS = """
请问 请 麻烦 麻烦您 麻烦你 您好 你好 亲 亲亲 谢谢 谢谢您 多谢
啊 呀 哦 呢 哈 啦 嘛 呗 噢 喔 诶 哎 嗯 那个
please pls plz kindly hi hey hello thanks thank thx um uh well so just
"""
_COURTESIES = frozenset(_COURTEOUS.split())

# With these it matters what stands where: 不要退款要换货, 从北京到上海, 红的换成蓝的, 先付款.
_ORDER_WORDS = frozenset("不没别未勿非无从由比先成给被")

# So it does with two different ones of a kind: who calls whom, 满三百减五十.
_KINDS = (frozenset("我你他她它"), frozenset("一二两三四五六七八九十百千万"))


def near_key(text: str) -> str:
    """Bring an utterance into the form in which those that say the same are equal.

    Courtesies are left out, and the characters of Chinese words stand in an order of their own,
    since 能退货吗 and 退货能吗 are one question, unless one of them tells what belongs to what: a
    negation that moves turns the wish round. English words keep their order. Every other word
    counts, negations, numbers and codes above all.

    Args:
        text: Any utterance.

    Returns:
        The form; empty where too little is left to rely on.
    """
    characters: list[str] = []
    words: list[str] = []
    for piece in segment(fold(text)):
        if piece in _COURTESIES or not piece[0].isalnum():
            continue
        if _HAN_WORD.match(piece):
            characters += piece.replace("您", "你")
        else:
            words.append(piece)
    if len(characters) < _LEAST_HAN and len(words) < _LEAST_WORDS:
        return ""
    if not _order_matters(frozenset(characters)):
        characters.sort()
    return " ".join(["".join(characters), *words])


def _order_matters(characters: frozenset[str]) -> bool:
    return bool(characters & _ORDER_WORDS) or any(len(characters & kind) > 1 for kind in _KINDS)


def near_table(labelled: Iterable[tuple[str, int]]) -> dict[str, int]:
    """List the forms that belong to one class alone.

    Args:
        labelled: Utterances with the numbers of their classes.
    """
    found: dict[str, int] = {}
    clashing: set[str] = set()
    for text, label in labelled:
        form = near_key(text)
        if form and found.setdefault(form, label) != label:
            clashing.add(form)
    return {form: label for form, label in found.items() if form not in clashing}
