"""Replaces personal data in customer text by the name of its kind, before anything is written.

Numbers are told apart by their check digits, not by their length alone. What is left over with six
digits or more goes too: an unknown number is more often somebody's than worth keeping. Names and
addresses are found where their surroundings give them away; no list knows all of them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date

from services.intent.alignment import align
from services.intent.values import Entity
from services.language import Span

PLACEHOLDER = re.compile(r"<[A-Z0-9_-]+>")
"""What stands in the place of personal data."""

_MIN_ENTITY_DIGITS = 4
"""Entities with fewer digits, such as a shoe size, belong to no one."""

_PLAIN_ENTITIES = frozenset({"amount", "date", "time", "duration", "quantity", "percentage"})
"""Entity types that say how much or when, not who."""

_HAN = "\u4e00-\u9fff"

# The hundred or so surnames of nine tenths of all Chinese; single characters only.
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢"
    "姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)

_EMAIL = re.compile(r"[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}")
_LINK = re.compile(r"(?:https?://|www\.)[^\s\u3000-\u9fff\uff00-\uffef]+")
_PHONE = re.compile(r"(?<!\d)(?:(?:\+|00)?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?!\d)")
_ID = re.compile(r"(?<!\d)\d{17}[\dx](?![\da-z])")
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_NUMBER = re.compile(
    # A run of letters and digits with six digits in it, or groups of digits that belong together.
    r"(?<![a-z0-9_-])(?=(?:[a-z_-]*\d){6})[a-z0-9_-]+|\+?(?<!\d)\d(?:[ ()-]{0,2}\d){5,}"
)
_SURNAME = (
    "(?:欧阳|司马|上官|诸葛|皇甫|尉迟|夏侯|慕容|令狐|司徒|端木|长孙|宇文|公孙|东方|南宫"
    f"|[{_SURNAMES}])"
)
# Words that stand behind a name; a given name of two characters hardly ends before one of them.
_BEHIND_NAME = "我的是在想要住电手地请来去买退申订付下给"
# What 我是 and a surname's character begin, and no name.
_NO_NAME = "马上|方便|任何|江苏|江西|唐山|石家庄|金卡|白金|黄金|白天|何时"
_NAME = re.compile(
    rf"(?:姓名|名字|收件人|收货人|联系人|户名)(?:[是叫为]|\s*:)?\s*"
    rf"({_SURNAME}[{_HAN}]{{1,2}}?)(?=$|[^{_HAN}]|[我的是在想要住电手地请])"
    rf"|我叫\s*({_SURNAME}(?:[{_HAN}](?=$|[^{_HAN}]|[{_BEHIND_NAME}])|[{_HAN}]{{2}}))"
    rf"|我是\s*(?!{_NO_NAME})({_SURNAME}[{_HAN}]{{1,2}}?)(?=$|[^{_HAN}]|[我想要])(?<!人)"
    rf"|([{_SURNAMES}](?:先生|女士|小姐))"
    r"|\bmy name(?: is|'s) (?!(?:not|wrong|missing|incorrect|misspelled|on|in)\b)([a-z][a-z'-]*)"
)
# Capital letters are looked for in the text as it was written.
_CAPITALISED = r"(?!I\b)[A-Z](?:[\w'’-]+|\.)?"
_FURTHER_NAMES = re.compile(rf"(?: {_CAPITALISED}){{1,3}}")
_INTRODUCED = re.compile(rf"\b[Ii](?:['’]m| am) ({_CAPITALISED}(?: {_CAPITALISED}){{1,3}})")
# A character of the name of a place, not of the words that lead to it.
_PLACE = f"(?:(?![是在到住寄送的了成为])[{_HAN}])"
_ADDRESS = re.compile(
    rf"(?:{_PLACE}{{2,3}}[省市区县镇])*{_PLACE}{{1,4}}(?:路|街|道|巷|弄|胡同|村|小区|花园)"
    r"\s?\d{1,5}(?:号楼|[号弄栋幢座])(?:\s?[a-z0-9-]{1,5}\s?(?:号楼|单元|[栋幢座室楼层户号]))*"
    r"|\b\d{1,5} [a-z]+ (?:street|st|road|rd|avenue|ave|lane|drive)\b"
)

# GB 11643-1999: weights of the first 17 digits, and the check character by the remainder.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10x98765432"


def replace_personal(text: str, entities: Iterable[Entity] = ()) -> str:
    """Replace what says who somebody is by the name of its kind.

    Args:
        text: What a customer wrote.
        entities: What was found in it by the tenant's patterns; numbers of orders and the like
            are called by their type, such as `<ORDER_NUMBER>`.

    Returns:
        The text with `<EMAIL>`, `<LINK>`, `<ID>`, `<CARD>`, `<PHONE>`, `<NAME>`, `<ADDRESS>` and
        `<NUMBER>` in the place of personal data.
    """
    aligned = align(text)
    taken: list[tuple[Span, str]] = []
    found = [
        *((aligned.original(*place), kind) for place, kind in _found(aligned.folded)),
        *((Span(*place), "NAME") for place in _spans(_INTRODUCED, text)),
        *((each.span, each.type.upper()) for each in entities if _identifies(each)),
        *((aligned.original(*place), "NUMBER") for place in _spans(_NUMBER, aligned.folded)),
    ]
    for span, kind in found:
        if kind == "NAME" and (further := _FURTHER_NAMES.match(text, span.end)):
            span = Span(span.start, further.end())
        if all(span.end <= other.start or other.end <= span.start for other, _ in taken):
            taken.append((span, kind))
    for span, kind in sorted(taken, key=lambda each: -each[0].start):
        text = f"{text[: span.start]}<{kind}>{text[span.end :]}"
    return text


def _found(folded: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Find personal data that is known by its form, the surest kind first."""
    checks: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
        ("EMAIL", _EMAIL, bool),
        ("LINK", _LINK, bool),
        ("ID", _ID, _is_id),
        ("PHONE", _PHONE, bool),
        ("CARD", _CARD, _is_card),
        ("NAME", _NAME, bool),
        ("ADDRESS", _ADDRESS, bool),
    )
    for kind, pattern, holds in checks:
        for start, end in _spans(pattern, folded):
            if holds(folded[start:end]):
                yield (start, end), kind


def _spans(pattern: re.Pattern[str], folded: str) -> Iterator[tuple[int, int]]:
    """Find the matches; where a pattern has groups, the part of the group that matched."""
    for match in pattern.finditer(folded):
        yield match.span(match.lastindex or 0)


def _identifies(entity: Entity) -> bool:
    digits = sum(map(str.isdigit, entity.text))
    return entity.type not in _PLAIN_ENTITIES and digits >= _MIN_ENTITY_DIGITS


def _is_id(number: str) -> bool:
    """Check a mainland identity number: a date of birth, and the check character."""
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return number[-1] == _ID_CHECKS[total % 11]


def _is_card(number: str) -> bool:
    """Check the number of a bank card by its Luhn sum (ISO/IEC 7812-1)."""
    digits = [int(each) for each in reversed(number) if each.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
