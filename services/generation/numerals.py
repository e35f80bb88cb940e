"""Numbers that are written as words, put into digits: 三十天, 百分之二十, 半年, "a dozen"."""

import re

_DIGITS = {
    **dict(zip("零一二三四五六七八九", range(10), strict=True)),
    **{"〇": 0, "两": 2, "俩": 2, "仨": 3},
}
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}
_CHARACTERS = "".join((*_DIGITS, *_TENS, *_MYRIADS))

# Numerals of receipts. One alone is a word more often than a number: 大陆, 队伍, 拾取.
_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
_FORMAL_RUN = re.compile(
    "[壹贰叁肆伍陆柒捌玖拾佰仟万亿零]{2,}|[壹贰叁肆伍陆柒捌玖拾](?=[元圆块角整])"
)

_PERIODS = "个?(?:工作日|自然日|小时|钟头|星期|礼拜|月|季度)|天|日|周|年|分钟|秒"

# 统一, 万一, 一下, 十分 (very) and their like count nothing; nor do 第一, 第三位, but see _nth.
_CHINESE = re.compile(
    rf"(?P<percent>百分之)?(?<![第统唯专单同\d])(?P<whole>[{_CHARACTERS}]+)"
    r"(?P<part>点[零〇一二三四五六七八九]+(?![十分半刻]))?"
)
# What makes a number of one character a count. 个 and its like are left to 三 and above: 一个 is
# an article, 两个 nearly one.
_COUNTS = re.compile(
    rf" ?(?:{_PERIODS}|号|点|元|块|角|折|倍|次|件|岁|公斤|千克|克|公里|千米|米|楼|层|折|%)"
)
_CLASSIFIED = re.compile(r" ?(?:个|位|条|种|名|家|份|张|台|箱|款|人|级|类|项|档|步)")
_RANGE = re.compile(rf" ?[-~到至] ?[{_CHARACTERS}\d]")
_VERY = re.compile("十分(?!钟)|千万(?!元|块|人|件)|万一|一万个放心")

# The first day is where counting begins, the second the next one: see `figures`.
_NTH = re.compile(rf"第(?P<nth>[{_CHARACTERS}]+)(?=(?:{_PERIODS}))")
_UNCOUNTED = ("一", "二天", "二日")
_INTEGER = rf"(?:[{_CHARACTERS}]+|\d{{1,9}})"
_FRACTION = re.compile(rf"(?P<below>(?!百分){_INTEGER})分之(?P<above>{_INTEGER})")
_AND_A_HALF = re.compile(
    rf"(?P<whole>{_INTEGER})(?:(?P<of>个)半(?=小时|钟头|月|星期|礼拜|工作日)"
    r"|(?P<unit>天|年|周|倍|折|公斤|公里|米)半(?![天日月年价]))"
)
_HALF = re.compile(rf"半(?={_PERIODS}|公斤|公里|米|斤|块)")
_HALF_OF = re.compile("(?<=[价费用款额])的?一半")

_UNITS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_ENGLISH_TENS = (
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_POWERS = {"hundred": 100, "thousand": 1000, "million": 10**6}
_ORDINALS = (
    "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth",
)  # fmt: skip
_ENGLISH = re.compile(
    rf"\b(?:(?P<tens>{'|'.join(_ENGLISH_TENS)})(?:[- ](?P<ones>{'|'.join(_UNITS[:9])}))?"
    rf"|(?P<unit>{'|'.join(reversed(_UNITS))}))\b(?: (?P<power>{'|'.join(_POWERS)})\b)?"
)
_PERIOD = r"(?:(?:working|business|calendar) )?(?:day|hour|week|month|quarter|year|minute|second)"
# "one" alone is a pronoun more often than a count.
_COUNTED_ONE = re.compile(rf" {_PERIOD}\b")
_OTHER_ENGLISH = re.compile(
    rf"\b(?:(?P<fraction>(?:a|one)[- ]third(?= off?\b|[ ,.;]*$)|two[- ]thirds)"
    r"|(?P<half_dozen>half a dozen)|(?P<dozen>(?:(?:a|one) )?dozen)(?! of)"
    rf"|(?P<half>half[ -](?:an? )?(?={_PERIOD}))"
    r"|(?P<half_price>half (?:of )?(?:an? |the |your |its )?"
    r"(?:price|cost|order|amount|total|value|fee))"
    r"|(?P<fortnight>(?:a |one )?fortnight)|a (?P<a_power>hundred|thousand|million)"
    rf"|(?P<nth>{'|'.join(_ORDINALS)})(?= {_PERIOD}\b)"
    r"|(?:(?<=within )|(?<=takes )|(?<=after )|(?<=about )|(?<=for ))an?"
    rf"(?= {_PERIOD}\b))"
)
_OTHER_SIGNS = (
    "half", "third", "second", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "teenth", "dozen", "fortnight", " a ", " an ", "a hundred", "a thousand",
    "a million",
)  # fmt: skip
_FIXED = {
    "half_dozen": "6", "dozen": "12", "half": "0.5 ", "half_price": "50%", "fortnight": "14 days",
}  # fmt: skip


def with_digits(folded: str) -> str:
    """Write the numbers of folded text in digits; everything else stays.

    Fractions become such as 1/3. Words that hold a numeral and count nothing, such as 一些, 万一
    or "one of us", stay.
    """
    if not folded.isascii():
        folded = _chinese(folded)
    if any(map(folded.__contains__, _OTHER_SIGNS)):
        folded = _OTHER_ENGLISH.sub(_from_other_english, folded)
    return _ENGLISH.sub(_from_english, folded)


def _chinese(text: str) -> str:
    text = _FORMAL_RUN.sub(lambda match: match[0].translate(_FORMAL), text)
    if "分之" in text:
        text = _FRACTION.sub(
            lambda match: f"{_integer(match['above'])}/{_integer(match['below'])}", text
        )
    if "第" in text:
        text = _NTH.sub(_nth, text)
    if "半" in text:
        text = _HALF_OF.sub("50%", text.replace("半价", "5折"))
        text = _AND_A_HALF.sub(
            lambda match: f"{_integer(match['whole'])}.5{match['of'] or match['unit']}", text
        )
        text = _HALF.sub("0.5", text)
    return _CHINESE.sub(_from_chinese, text)


def _nth(match: re.Match[str]) -> str:
    if match.string.startswith(_UNCOUNTED, match.start("nth")):
        return match[0]
    return f"第{_value(match['nth'])}"


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
            or (whole not in "一两俩仨" and _CLASSIFIED.match(text, end))
        )
        if not countable:
            return match.group()
    return f"{_value(whole)}{_part(match)}"


def _part(match: re.Match[str]) -> str:
    part = match["part"]
    return "." + "".join(str(_DIGITS[each]) for each in part[1:]) if part else ""


def _integer(written: str) -> int:
    """Return the value of 30 or 三十, and of 万 in 万分之三."""
    if written.isdecimal():
        return int(written)
    return _value(f"一{written}" if written[0] in _MYRIADS else written)


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


def _from_other_english(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind == "fraction":
        return "2/3" if match[0].startswith("two") else "1/3"
    if kind == "a_power":
        return str(_POWERS[match["a_power"]])
    if kind == "nth":
        return str(2 + _ORDINALS.index(match["nth"]))
    return _FIXED[kind] if kind else "1"


def _from_english(match: re.Match[str]) -> str:
    if match["tens"]:
        ones = 1 + _UNITS.index(match["ones"]) if match["ones"] else 0
        value = 20 + 10 * _ENGLISH_TENS.index(match["tens"]) + ones
    else:
        value = 1 + _UNITS.index(match["unit"])
    if match["power"]:
        return str(value * _POWERS[match["power"]])
    if value == 1 and not _COUNTED_ONE.match(match.string, match.end()):
        return match.group()
    return str(value)
