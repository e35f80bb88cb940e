"""Amounts of money as customers write them, in figures and in Chinese words."""

from decimal import Decimal, InvalidOperation

_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
}
_SMALL_UNITS = {"十": 10, "百": 100, "千": 1_000}
_LARGE_UNITS = {"万": 10_000, "亿": 100_000_000}

# The yen sign stands for the yuan: the customers are Chinese, and a yen shop prices in 円.
_CURRENCIES = {
    "CNY": ("元", "块", "块钱", "圆", "rmb", "cny", "yuan", "人民币", "¥", "元钱", "元人民币"),
    "USD": ("$", "us$", "usd", "dollar", "dollars", "buck", "bucks", "美元", "美金", "刀"),
    "EUR": ("€", "eur", "euro", "euros", "欧元", "欧"),
    "GBP": ("£", "gbp", "pound", "pounds", "英镑", "镑"),
    "HKD": ("hk$", "hkd", "港币", "港元"),
}
_CURRENCY_OF = {word: code for code, words in _CURRENCIES.items() for word in words}


def _any_of(words: list[str]) -> str:
    return "|".join(word.replace("$", r"\$") for word in sorted(words, key=len, reverse=True))


_FIGURES = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_HAN_FIGURES = "[零〇一二两三四五六七八九十百千万亿]"
_SIGNS = _any_of([word for word in _CURRENCY_OF if word[-1] in "$€£¥" or word in ("rmb", "cny")])
_UNITS = _any_of([word for word in _CURRENCY_OF if word[-1] not in "$€£¥"])
_SMALL_CHANGE = "[角毛]"

PATTERN = (
    rf"(?:{_SIGNS})\s?{_FIGURES}(?:\s?[万亿])?"
    rf"|(?:{_FIGURES}(?:\s?[百千万亿])?|{_HAN_FIGURES}+)\s?(?:{_UNITS})(?:[一二两三四五六七八九][角毛]?)?"
    rf"|(?:{_FIGURES}|[一二两三四五六七八九半])\s?{_SMALL_CHANGE}钱?"
)
"""RE2 pattern over folded text: 300元, 三百块, 三块五, $20, 1,299.00 元, rmb 50, 3万元, 5毛."""


def normalise(amount: str) -> str | None:
    """Bring an amount that matched `PATTERN` into one form.

    Args:
        amount: Folded text, such as `1,299.00 元`.

    Returns:
        Two decimals and an ISO 4217 code, such as `1299.00 CNY`; None where the words are no
        amount after all: 一块 alone mostly means "together".
    """
    compact = amount.replace(" ", "").replace(",", "")
    if compact in ("一块", "一刀", "一欧", "一镑"):
        return None
    number, currency, change = _split(compact)
    value = _value(number)
    if value is None:
        return None
    return f"{value + change:.2f} {currency}"


def chinese_number(words: str) -> int | None:
    """Read a Chinese whole number.

    Args:
        words: Such as 三百, 一千二百零五, 两万, 十五, 一百二 (120: a last digit after a unit
            counts tenths of that unit) or 二〇二六 (digit by digit).

    Returns:
        Its value; None where the characters are no number.
    """
    if all(character in _DIGITS for character in words):
        return int("".join(str(_DIGITS[character]) for character in words)) if words else None
    total = section = digit = 0
    last_unit = 1
    pending = False
    for character in words:
        if character in _DIGITS:
            digit, pending = _DIGITS[character], True
            if digit == 0:
                last_unit = 10
        elif character in _SMALL_UNITS:
            last_unit = _SMALL_UNITS[character]
            section += (digit if pending else 1) * last_unit
            digit, pending = 0, False
        elif character in _LARGE_UNITS:
            last_unit = _LARGE_UNITS[character]
            total = (total + section + digit) * last_unit
            section, digit, pending = 0, 0, False
        else:
            return None
    return total + section + (digit * last_unit // 10 if pending else 0)


def _split(compact: str) -> tuple[str, str, Decimal]:
    """Separate the number, the currency's code and the change behind the unit (三块五: 0.5)."""
    for mark in ("角", "毛"):
        head, found, _ = compact.partition(mark)
        if found and not any(unit in head for unit in ("元", "块", "圆")):
            value = _value(head)
            return "零", "CNY", (value or Decimal(0)) / 10
    for word in sorted(_CURRENCY_OF, key=len, reverse=True):
        if word in compact:
            before, _, after = compact.partition(word)
            if not before:
                return after, _CURRENCY_OF[word], Decimal(0)
            tenths = _DIGITS.get(after[:1], 0)
            return before, _CURRENCY_OF[word], Decimal(tenths) / 10
    return compact, "CNY", Decimal(0)


def _value(number: str) -> Decimal | None:
    if number == "半":
        return Decimal("0.5")
    unit = {**_SMALL_UNITS, **_LARGE_UNITS}.get(number[-1:])
    if unit and number[:1].isascii():
        number, factor = number[:-1], unit
    else:
        factor = 1
    try:
        return Decimal(number) * factor
    except InvalidOperation:
        whole = chinese_number(number)
        return None if whole is None else Decimal(whole)
