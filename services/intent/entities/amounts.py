"""Amounts of money as customers write them, in figures, Chinese words and English words."""

import re
from collections.abc import Iterator
from decimal import Decimal

from services.intent.entities.numbers import (
    ENGLISH_NUMBER,
    FIGURES,
    HAN_DIGIT,
    HAN_NUMBER,
    MIXED,
    chinese_number,
    read_number,
)
from services.intent.patterns import Found, Pattern

# The yen sign stands for the yuan: the customers are Chinese, and a yen shop prices in 円 or JPY.
_SIGNS = {
    "CNY": ("¥", "rmb", "cny", "cn¥", "人民币"),
    "USD": ("$", "us$", "usd", "美元", "美金"),
    "EUR": ("€", "eur", "欧元"),
    "GBP": ("£", "gbp", "英镑"),
    "HKD": ("hk$", "hkd", "港币", "港元"),
    "TWD": ("nt$", "twd", "新台币", "台币"),
    "AUD": ("a$", "au$", "aud"),
    "CAD": ("c$", "ca$", "cad"),
    "SGD": ("s$", "sgd"),
    "JPY": ("jpy",),
}
"""What may stand before the number."""

_UNITS = {
    "CNY": ("元", "块", "块钱", "圆", "rmb", "cny", "yuan", "人民币", "元钱", "元人民币", "元整"),
    "USD": ("usd", "dollar", "dollars", "us dollars", "buck", "bucks", "美元", "美金", "刀"),
    "EUR": ("€", "eur", "euro", "euros", "欧元", "欧"),
    "GBP": ("£", "gbp", "pound", "pounds", "英镑", "镑"),
    "HKD": ("hkd", "hk dollars", "hong kong dollars", "港币", "港元", "港纸"),
    "TWD": ("twd", "新台币", "台币"),
    "AUD": ("aud", "澳元", "澳币"),
    "CAD": ("cad", "加元", "加币"),
    "SGD": ("sgd", "新币", "新加坡元"),
    "JPY": ("jpy", "yen", "日元", "日币", "円"),
}
"""What may stand behind it."""

_SIGN_OF = {word: code for code, words in _SIGNS.items() for word in words}
_UNIT_OF = {word: code for code, words in _UNITS.items() for word in words}


def _any_of(words: dict[str, str]) -> str:
    """A pattern of any of the words, the longest first: RE2 takes the first that fits."""
    return "|".join(word.replace("$", r"\$") for word in sorted(words, key=len, reverse=True))


_SIGN = _any_of(_SIGN_OF)
_UNIT = _any_of(_UNIT_OF)
_TENTHS = "[一二三四五六七八九]"
_ENGLISH_UNIT = r"(?:us\s|hk\s|hong\skong\s)?(?:dollars?|bucks?|euros?|pounds?|yuan|yen)\b"

_PATTERN = Pattern(
    rf"(?P<sign>{_SIGN})\s?{FIGURES}(?:\s?[万亿]|k\b)?(?:\s?(?:元|块钱?|yuan))?"
    rf"|(?:{MIXED}|{HAN_NUMBER})\s?(?:{_UNIT})"
    rf"|{ENGLISH_NUMBER}\s(?:{_ENGLISH_UNIT})"
    rf"|(?:{FIGURES}|{HAN_DIGIT}|半)\s?(?:[毛角]钱?|分钱)"
    rf"|{FIGURES}\s?cents?\b"
)

# What makes a digit behind 块 no change but a number of its own: 三块一个, 五块二十个, 50元20张.
_COUNTS = (
    r"[a-z]|\.\d|,\d{3}|\s?[-~—–]\s?\d"
    r"|\s?[个件双瓶条盒包斤只套张本支袋箱份杯十百千万亿\d块元点天年月米次]"
)
# 三块五, 三块五毛, 12元5角, 3块2毛5.
_CHANGE = (
    rf"(?:{_TENTHS}|\d)[角毛](?:(?:{_TENTHS}|\d)(?:分|(?!{_COUNTS})))?"
    rf"|(?:{_TENTHS}|\d)(?!{_COUNTS})"
)
_BEHIND_UNIT = re.compile(rf"(?<=[元块圆])(?:{_CHANGE})|(?<=[毛角]){_TENTHS}(?!{_COUNTS})")

_WITH_SIGN = re.compile(rf"(?P<sign>{_SIGN})\s?(?P<number>{FIGURES}(?:\s?[万亿k])?).*")
_WITH_UNIT = re.compile(
    rf"(?P<number>{MIXED}|{HAN_NUMBER}|[a-z][a-z -]+?)\s?(?P<unit>{_UNIT})"
    rf"(?P<change>{_CHANGE})?"
)
_SMALL = re.compile(
    rf"(?P<number>{FIGURES}|{HAN_DIGIT}|半)\s?(?P<unit>[毛角]钱?|分钱|cents?)(?P<more>{_TENTHS})?"
)
_CHANGE_PARTS = re.compile(r"(?P<tenths>.)[角毛]?(?P<hundredths>[^分])?分?")

_SMALL_UNITS = {"角": ("CNY", 10), "毛": ("CNY", 10), "分": ("CNY", 100), "c": ("USD", 100)}

# 第三百块, 几十块, 上百块: no amount or none in particular. Behind 2万 or "12," it would be the
# rest of a number that was not understood, a wrong sum.
_VAGUE_BEFORE = re.compile(r"(?:[第几数多每余.百千万亿]|(?<!\d)\d{1,3},)$")

# 300-500元 and "$20-30" are no single sum. What does not rise is no range: 满300-50元 takes 50 off.
_RANGE = r"(?:\s?(?:[-~—–]|到|至|或)\s?|\s(?:to|or|and)\s)"
_LOW = re.compile(rf"(?P<bound>{MIXED}|{HAN_NUMBER}|{ENGLISH_NUMBER}){_RANGE}$")
_HIGH = re.compile(rf"{_RANGE}(?P<bound>{FIGURES})")
_LOOK_BACK = 60

# 块 counts pieces too. What it counts stands right behind it or a word or two further on.
_PIECES = (
    "电池|手?表|屏|布|毛巾|浴巾|蛋糕|[香肥]?皂|巧克力|地[毯垫砖板]|板|石|砖|玻璃|糖|饼|肉|牛排|豆腐|面包"
    "|披萨|硬盘|内存|显卡|主板|芯片|充电宝|移动电源|拼图|积木|滤[芯网]|垫|镜|木|冰|骨|皮|棉|抹布|海绵|纱"
    "|金|铁|钢|磁|奶酪|黄油|画|贴|瓷|挡|盖板|雪板|桌布|窗帘|帆布|地$"
)
_PIECE = re.compile(rf"[^，。,.!?！？\s的了是\d一二两三四五六七八九十块]{{0,4}}?(?:{_PIECES})")

# 2026元旦, 三元素, 一圆桌.
_OTHER_WORDS = re.compile(
    r"元[旦宵素件器月帅首老]|圆[形桌领圈珠柱筒满]|角[形度落色]|刀[片具刃叉]|欧[洲式美]"
)


def find(folded: str) -> Iterator[Found]:
    """Find amounts of money.

    A bare 块 behind a number is money unless a thing that is counted in pieces follows (两块电池);
    一块 alone means "together" or "a piece" and is none, 一块钱 is. Vague ones (两三块, 几百块,
    300多块) and ranges (300-500元) are none: a wrong sum would be refunded.

    Args:
        folded: Text from `alignment.align`.

    Yields:
        With values of two decimals and an ISO 4217 code, such as `1299.00 CNY`.
    """
    taken = 0
    for start, end in _PATTERN.find(folded):
        if start < taken or _VAGUE_BEFORE.search(folded[max(0, start - 4) : start]):
            continue
        change = _BEHIND_UNIT.match(folded, end)
        end = change.end() if change else end
        if _is_other(folded, start, end):
            continue
        value = normalise(folded[start:end])
        if value and not _is_range(folded, start, end, value):
            yield Found(start, end, value)
            taken = end


def normalise(amount: str) -> str | None:
    """Bring an amount into one form.

    Args:
        amount: Folded text, such as `1,299.00 元`, `hk$ 20` or `三块五`.

    Returns:
        Two decimals and an ISO 4217 code, such as `1299.00 CNY`; None where it is no amount.
    """
    small = _SMALL.fullmatch(amount)
    if small:
        return _small_change(small)
    signed = _WITH_SIGN.fullmatch(amount)
    if signed:
        return _written(read_number(signed["number"]), _SIGN_OF[signed["sign"]])
    found = _WITH_UNIT.fullmatch(amount)
    if found is None:
        return None
    number = read_number(found["number"])
    change = found["change"]
    if number is None or (_is_slang(found["unit"], found["number"]) and not change):
        return None
    if change and found["unit"] not in ("元", "块", "圆"):
        return None
    return _written(number + _change(change or ""), _UNIT_OF[found["unit"]])


def _written(value: Decimal | None, currency: str) -> str | None:
    """Write it as `300.00 CNY`; half a cent is rounded to even."""
    return None if value is None else f"{value:.2f} {currency}"


def _is_slang(unit: str, number: str) -> bool:
    """Tell whether the word is mostly something else behind a small Chinese number."""
    return (unit in ("块", "欧", "镑") and number == "一") or (
        unit == "刀" and len(number) == 1 and not number.isdigit()
    )


def _small_change(found: re.Match[str]) -> str | None:
    """Read 5毛, 五毛钱, 五分钱, 50 cents; 三角 is a triangle and 一毛 a hair more often."""
    unit = found["unit"]
    if found["number"] in ("一", *(HAN_DIGIT if unit == "角" else "")):
        return None
    currency, parts = _SMALL_UNITS[unit[0]]
    number = Decimal("0.5") if found["number"] == "半" else read_number(found["number"])
    if number is None:
        return None
    more = chinese_number(found["more"]) if found["more"] else 0
    return _written(number / parts + Decimal(more or 0) / 100, currency)


def _change(words: str) -> Decimal:
    """Read what stands behind 块: 五 or 5毛 is 0.50, 五毛五 0.55."""
    parts = _CHANGE_PARTS.fullmatch(words)
    if parts is None:
        return Decimal(0)
    tenths = read_number(parts["tenths"]) or Decimal(0)
    return tenths / 10 + (read_number(parts["hundredths"] or "零") or Decimal(0)) / 100


def _is_range(folded: str, start: int, end: int, value: str) -> bool:
    """Tell whether the amount is one bound of several that are possible."""
    if _WITH_SIGN.fullmatch(folded, start, end):
        bound = _HIGH.match(folded, end)
    else:
        bound = _LOW.search(folded[max(0, start - _LOOK_BACK) : start])
    if bound is None:
        return False
    amount, other = Decimal(value.partition(" ")[0]), read_number(bound["bound"])
    return other is None or (other > amount if bound.re is _HIGH else other < amount)


def _is_other(folded: str, start: int, end: int) -> bool:
    """Tell whether what follows makes it no money: 两块电池, 2026元旦."""
    if _OTHER_WORDS.match(folded, end - 1):
        return True
    return folded[end - 1] == "块" and counts_pieces(folded, end)


def counts_pieces(folded: str, end: int) -> bool:
    """Tell whether the 块 that ends at `end` counts things: 两块电池, 三块备用电池."""
    return _PIECE.match(folded[end : end + 10]) is not None
