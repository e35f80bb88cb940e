"""Quantities with a unit, such as 两双, 十二瓶, "3 pcs" or "a dozen"."""

import re
from collections.abc import Iterator
from decimal import Decimal

from services.intent.entities.amounts import counts_pieces
from services.intent.entities.numbers import ENGLISH_NUMBER, FIGURES, HAN_NUMBER, read_number
from services.intent.patterns import Found, Pattern

# A program that orders or takes back things needs to tell pairs and sets from pieces; which of its
# thirty words for a piece Chinese takes depends on the shape of the thing only.
_MEASURES = {
    "piece": "个件只条张台部把支枝根块本顶册款辆架颗粒枚床扇盏幅",
    "pair": "双对副",
    "bottle": "瓶",
    "box": "盒",
    "case": "箱",
    "pack": "包",
    "bag": "袋",
    "set": "套组",
    "can": "罐听",
    "bucket": "桶",
    "cup": "杯",
    "portion": "份",
    "roll": "卷",
    "dozen": "打",
    "jin": "斤",
    "g": "克",
    "m": "米",
    "l": "升",
}
_ENGLISH = {
    "piece": "pieces? pcs? items? units? copies",
    "pair": "pairs?",
    "bottle": "bottles?",
    "box": "box(?:es)?",
    "case": "cases",
    "pack": "packs packets? pack",
    "bag": "bags?",
    "set": "sets",
    "can": "cans",
    "cup": "cups?",
    "roll": "rolls?",
    "dozen": "dozen dozens",
    "kg": "kgs? kilos? kilograms?",
    "g": "grams?",
}
_WORDS = {character: unit for unit, characters in _MEASURES.items() for character in characters}
_WORDS |= {"公斤": "kg", "千克": "kg", "毫升": "ml", "厘米": "cm", "件套": "piece set", "kg": "kg"}
_ENGLISH_UNITS = [
    (re.compile(word), unit) for unit, words in _ENGLISH.items() for word in words.split()
]

# What is counted otherwise than it is sold: a dozen has 12 pieces, a jin half a kilogram.
_CONVERTED = {"dozen": (Decimal(12), "piece"), "jin": (Decimal("0.5"), "kg")}

_ZH_UNIT = "|".join(sorted(set(_WORDS) - {"kg", "件套"}, key=len, reverse=True))
_EN_UNIT = "|".join(word for words in _ENGLISH.values() for word in words.split())

_PATTERN = Pattern(
    rf"(?:{FIGURES}|{HAN_NUMBER})\s?(?:{_ZH_UNIT})"
    rf"|半(?:打|斤|公斤)"
    rf"|(?:{FIGURES}|{ENGLISH_NUMBER})[\s-]?(?:{_EN_UNIT})\b"
    rf"|\b(?:half\sa\s|a\s)(?:pair|dozen)\b"
    rf"|[x×]\s?\d{{1,3}}"
)
_PARTS = re.compile(
    rf"(?P<number>{FIGURES}|{HAN_NUMBER}|半|half a|a|{ENGLISH_NUMBER})[\s-]?(?P<unit>\D+)"
)

# 第三个, 几个, 每个, 这个.
_NO_COUNT_BEFORE = re.compile(r"[第几每多数上.:/]$")

# What makes a word of number and measure something else: 一个月 and 三个小时 are durations, 一个人
# and 一个问题 nothing that is sold, 一支付就失败 and 一打开 are verbs.
_OTHER_WORDS = re.compile(
    r"[个][月半多星礼小钟工人问订单字方办意建客朋事电地原号价优疗角性时错劲儿亿账]|[件]套|对一|对[不比方于面付应]"
    r"|包[邮装裹括含换修退容里政服庭办月年]|支[付持撑援出配]|打[开电折扣包印听算错断]|部[分门]|条龙|本正"
    r"|份子|台阶|组[织成合]|升级|米白|张嘴|根本|把年|款[式项]|双十|架子|粒度|听[说到起来]|套路|只[是有能要会好]"
    r"|杯子|盒子|箱子|袋子|桶子|瓶子|件事|克[服隆拉]|辆车"
)
# The three guarantees of the trade, unless something is there that comes in packs.
_GUARANTEE = re.compile(r"三包(?:$|[吗么的呢期责凭规，。,.?？!！\s])")
# 4 x 4 is a size or a sum.
_PRODUCT = re.compile(r"\d\s?$")
_UNITED = re.compile("[统唯之万单同]$")


def find(folded: str) -> Iterator[Found]:
    """Find quantities.

    Args:
        folded: Text from `alignment.align`.

    Yields:
        With values of a number and an English unit in the singular, whatever the language:
        `2 pair`, `12 bottle`, `3 piece` (个, 件, 只, pcs and the like), `1.5 kg`.
    """
    for start, end in _PATTERN.find(folded):
        words = folded[start:end]
        if _NO_COUNT_BEFORE.search(folded[max(0, start - 1) : start]):
            continue
        if _OTHER_WORDS.match(folded, end - 1) or _GUARANTEE.match(folded, start):
            continue
        if words[0] in "x×" and _PRODUCT.search(folded[max(0, start - 2) : start]):
            continue
        if words[0] == "一" and _UNITED.search(folded[max(0, start - 1) : start]):
            continue
        if words[-1] == "块" and not counts_pieces(folded, end):
            continue
        value = normalise(words)
        if value:
            yield Found(start, end, value)


def normalise(quantity: str) -> str | None:
    """Bring a quantity into one form.

    Args:
        quantity: Folded text, such as `两双`, `3 pcs`, `half a dozen` or `x2`.

    Returns:
        Such as `2 pair`; None where the number is none or nothing.
    """
    if quantity[0] in "x×":
        return _written(read_number(quantity[1:]), "piece")
    parts = _PARTS.fullmatch(quantity)
    if parts is None:
        return None
    unit = _WORDS.get(parts["unit"]) or next(
        (unit for pattern, unit in _ENGLISH_UNITS if pattern.fullmatch(parts["unit"])), None
    )
    if unit is None:
        return None
    halved = parts["number"] in ("半", "half a")
    number = Decimal("0.5") if halved else Decimal(1)
    if not halved and parts["number"] != "a":
        read = read_number(parts["number"])
        if read is None:
            return None
        number = read
    factor, unit = _CONVERTED.get(unit, (Decimal(1), unit))
    return _written(number * factor, unit)


def _written(number: Decimal | None, unit: str) -> str | None:
    """Write it as `2 pair` or `0.25 kg`; nothing of something is no quantity."""
    if not number:
        return None
    return f"{number.normalize():f} {unit}"
