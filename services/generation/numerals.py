"""Numbers that are written as words, put into digits: 三十天, 百分之二十, "twenty-four hours"."""

import re

_DIGITS = {
    **dict(zip("零一二三四五六七八九", range(10), strict=True)),
    **{"〇": 0, "两": 2},
}
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}
_CHARACTERS = "".join((*_DIGITS, *_TENS, *_MYRIADS))

# 第一, 统一, 万一, 一下, 十分 (very) and their like count nothing.
_CHINESE = re.compile(
    rf"(?P<percent>百分之)?(?<![第统唯专单同\d])(?P<whole>[{_CHARACTERS}]+)"
    r"(?P<part>点[零〇一二三四五六七八九]+(?![十分半刻]))?"
)
# What makes a number of one character a count. 个 and its like are left to 三 and above: 一个 is
# an article, 两个 nearly one.
_COUNTS = re.compile(
    r" ?(?:个?(?:工作日|自然日|小时|钟头|星期|礼拜|月)|天|日|号|周|年|分钟|秒|点|元|块|角|折"
    r"|倍|次|件|岁"
    r"|公斤|千克|克|公里|千米|米|楼|层|折|%)"
)
_CLASSIFIED = re.compile(r" ?(?:个|位|条|种|名|家|份|张|台|箱|款|人)")
_RANGE = re.compile(rf" ?[-~到至] ?[{_CHARACTERS}\d]")
_VERY = re.compile("十分(?!钟)|千万(?!元|块|人|件)|万一|一万个放心")

_UNITS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_ENGLISH_TENS = (
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_ENGLISH = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_ENGLISH_TENS)})(?:[- ](?P<ones>{'|'.join(_UNITS[:9])}))?"
    rf"|(?P<unit>{'|'.join(reversed(_UNITS))}))\b"
)
# "one" alone is a pronoun more often than a count.
_COUNTED_ONE = re.compile(r" (?:(?:working|business) )?(?:day|hour|week|month|year|minute)\b")


def with_digits(folded: str) -> str:
    """Write the numbers of folded text in digits; everything else stays.

    Words that hold a numeral and count nothing, such as 一些, 万一 or "one of us", stay too.
    """
    if not folded.isascii():
        folded = _CHINESE.sub(_from_chinese, folded)
    return _ENGLISH.sub(_from_english, folded)


def _from_chinese(match: re.Match[str]) -> str:
    whole, text, end = match["whole"], match.string, match.end()
    if match["percent"]:
        return f"{_value(whole)}{_part(match)}%"
    if _VERY.match(text, match.start()) or not (_DIGITS.keys() | {"十"}) & set(whole):
        return match.group()
    if not match["part"] and len(whole) == 1:
        countable = (
            _COUNTS.match(text, end)
            or _RANGE.match(text, end)
            or (whole not in "一两" and _CLASSIFIED.match(text, end))
        )
        if not countable:
            return match.group()
    return f"{_value(whole)}{_part(match)}"


def _part(match: re.Match[str]) -> str:
    part = match["part"]
    return "." + "".join(str(_DIGITS[each]) for each in part[1:]) if part else ""


def _value(written: str) -> int:
    """Return the value of 三十, 一百零五, 二零二四 or 两万."""
    if not set(written) & (_TENS.keys() | _MYRIADS.keys()):
        return int("".join(str(_DIGITS[each]) for each in written))
    total = section = digit = 0
    for each in written:
        if each in _DIGITS:
            digit = _DIGITS[each]
        elif each in _TENS:
            section += (digit or 1) * _TENS[each]
            digit = 0
        else:
            value = section + digit
            # 一亿二千万 is 1 * 10^8 + 2000 * 10^4, but 一万亿 is 10^4 * 10^8.
            total = (total + value) * _MYRIADS[each] if each == "亿" else total + value * 10**4
            section = digit = 0
    return total + section + digit


def _from_english(match: re.Match[str]) -> str:
    if match["tens"]:
        ones = 1 + _UNITS.index(match["ones"]) if match["ones"] else 0
        return str(20 + 10 * _ENGLISH_TENS.index(match["tens"]) + ones)
    value = 1 + _UNITS.index(match["unit"])
    if value == 1 and not _COUNTED_ONE.match(match.string, match.end()):
        return match.group()
    return str(value)
