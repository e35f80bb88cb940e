"""Figures of a text in one form: numbers with their units, dates, times, codes, addresses.

三十天, 30 天 and "thirty days" are the same figure, so are ¥1,299.00 and 1299元, 5月1日 and May 1.
A figure is what an invented answer harms with most, and what can be compared exactly.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from services.generation.addresses import ADDRESS, SIGN, forms
from services.generation.numerals import with_digits
from services.language import fold

Date = tuple[int | None, int, int | None]
"""Year, month and day; None where the text does not say."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\b"
_YEAR = r"(?:,? ?(?P<year>(?:19|20)\d\d)\b)?"
# A look for a sign without which there is none costs a tenth of looking for the whole.
_DATES = (
    (("-", "/", ".", "年"),
     re.compile(r"(?P<year>\d{4})[-/.年] ?(?P<month>\d{1,2})[-/.月] ?(?P<day>\d{1,2})[日号]?")),
    (("年",), re.compile(r"(?P<year>\d{4})年 ?(?P<month>\d{1,2})月(?!\d)")),
    (("月",), re.compile(r"(?P<month>\d{1,2})月 ?(?P<day>\d{1,2})[日号]")),
    (_MONTHS, re.compile(rf"\b{_MONTH} {_DAY}{_YEAR}")),
    (_MONTHS, re.compile(rf"\b{_DAY} (?:of )?\b{_MONTH}{_YEAR}")),
)  # fmt: skip
_HALF = r"(?P<zh>凌晨|早上|上午|中午|下午|晚上)? ?"
_ENGLISH_HALF = r"(?P<en>[ap])\.?m\b\.?"
_TIMES = (
    (
        (":",),
        re.compile(
            rf"{_HALF}(?<!\d)(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::\d\d)?"
            rf"(?: ?{_ENGLISH_HALF})?"
        ),
    ),
    (
        ("点", "时"),
        re.compile(
            rf"{_HALF}(?<![\d.])(?P<hour>\d{{1,2}})(?: ?[点时](?!间)"
            r"(?: ?(?P<minute>\d{1,2})分?|(?P<half>半))?"
            r"|(?= ?[-~到至] ?\d{1,2} ?[点时](?!间)))"
        ),
    ),
    (("m",), re.compile(rf"(?<![\d.])(?P<hour>\d{{1,2}}) ?{_ENGLISH_HALF}")),
)
_DIGIT = re.compile(r"\d")
_ORDINAL = re.compile(r"\b(\d{1,3})(?:st|nd|rd|th)\b")
_WEEKDAY_SIGNS = ("周", "星期", "礼拜", "双休", "day", "week")
_WEEKDAY = re.compile(
    r"(?<![\d一二两三四五六七八九十])(?:周|星期|礼拜)(?P<zh>[一二三四五六日天])(?![次个])"
    r"|\b(?P<en>mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|satur|sun)(?:day)s?\b"
    r"|(?P<end>周末|双休日?|\bweekends?\b)"
)
_WEEKDAYS = {**dict(zip("一二三四五六日", range(1, 8), strict=True)), "天": 7}
_ENGLISH_WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_WEEKEND = (6, 7)
_EVERY_DAY_SIGNS = ("每", "天天", "无休", "24", "every", "daily", "days a week")
_EVERY_DAY = re.compile(
    r"每[天日]|天天|全年无休|7[x*×]24"
    r"|\b(?:every ?day|daily|(?:7|seven) days a week|24/7)\b"
)

# Days told by another one, and numbers that are none: more than ten is what no 10 says. 今天 and
# "today" are as often a greeting's.
_WORD_SIGNS = (
    "当", "次", "翌", "隔", "明", "第二", "后天", "几", "数", "上", "下", "每",
    "week", "month", "year", "annual", "same", "next", "following", "tomorrow", "overnight", "s of",
)  # fmt: skip
_IN_WORDS = re.compile(
    r"(?P<same_day>当[天日]|\bsame[ -](?:(?:working|business) )?day\b)"
    r"|(?P<next_day>[次翌隔明]日|[明隔]天|第二[天日]|\b(?:tomorrow|overnight)\b"
    r"|\b(?:next|following)[ -](?:(?:working|business) )?day\b)"
    r"|(?P<day_after_next>后天)|(?P<next_week>下周|\b(?:next|following) week\b)"
    r"|(?P<next_month>次月|下个?月|\b(?:next|following) month\b)"
    r"|(?P<next_year>次年|明年|\b(?:next|following) year\b)"
    r"|(?P<weekly>每[周星]|\bweekly\b|\b(?:every|each|per) week\b)"
    r"|(?P<monthly>每个?月|\bmonthly\b|\b(?:every|each|per) month\b)"
    r"|(?P<yearly>每年|\b(?:yearly|annual(?:ly)?)\b|\b(?:every|each|per) year\b)"
    r"|[十百千万]几|[几数][十百千万亿]+|(?<![线网以路手晚早马])上[百千万亿]+"
    r"|\b(?:dozens|hundreds|thousands|millions) of\b"
)

# Phone numbers, and whatever mixes letters with digits.
_CODE = re.compile(
    r"(?<![\w.-])(?:\d{3,4}([- ])\d{3,4}\1\d{3,4}|0\d{2,3}[- ]\d{7,8}"
    r"|(?=[a-z0-9_-]*[a-z])(?=[a-z0-9_-]*\d)[a-z0-9]+(?:[-_][a-z0-9]+|\.\d[a-z0-9]*)*)(?![\w-])",
    re.ASCII,
)
_JOINTS = str.maketrans("", "", "-_ ")
_FRACTION = re.compile(r"(?<![\d/.])[1-9]/(?:[2-9]|10+)(?![\d/])")
_UNITS = (
    ("yen", r"日元|yen|jpy"),
    ("workday", r"个?工作日|(?:working|business) days?"),
    ("day", r"个?(?:自然日|天)|日|(?:calendar )?days?"),
    ("hour", r"个?(?:小时|钟头)|hours?|hrs?|h"),
    ("minute", r"分钟|minutes?|mins?"),
    ("week", r"个?(?:星期|礼拜)|周|weeks?"),
    ("month", r"个?月|months?"),
    ("year", r"周?年|years?"),
    ("dollar", r"美元|美金|dollars?|usd"),
    ("euro", r"欧元|euros?|eur"),
    ("yuan", r"元|块钱?|圆|yuan|rmb|cny"),
    ("pound", r"英镑|pounds?|gbp"),
    ("hong_kong_dollar", r"港[币元]|hkd"),
    ("percent", r"%|percent|per cent"),
    ("discount", r"折"),
    ("second", r"秒钟?|seconds?|secs?"),
    ("quarter", r"个?季度|quarters?"),
    ("century", r"个?世纪|centur(?:y|ies)"),
    ("time", r"次|times(?! (?:the|as|more)\b)"),
    ("fold", r"倍|times"),
    ("kilogram", r"公斤|千克|kg|kilograms?|kilos?"),
    ("gram", r"克|g|grams?"),
    ("catty", r"斤"),
    ("kilometre", r"公里|千米|km|kilomet(?:er|re)s?"),
    ("metre", r"米|met(?:er|re)s?"),
    ("centimetre", r"厘米|cm"),
    ("millimetre", r"毫米|mm"),
    ("litre", r"升|l|lit(?:er|re)s?"),
    ("millilitre", r"毫升|ml"),
)
_UNIT = re.compile(
    r"[ -]?(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _UNITS) + r")(?![a-z])"
)
_WORDS = "|".join(words for _, words in _UNITS)
UNIT = rf"[ -]?(?:{_WORDS})(?![a-z])"
"""Pattern of a unit behind a number, in folded text."""

# 24h, 30-day and 18-character are no codes.
_AMOUNT = re.compile(rf"\d+(?:\.\d+)?-?(?:k|{_WORDS})|\d+-[a-z]{{4,}}")
_CURRENCIES = {"¥": "yuan", "rmb": "yuan", "cny": "yuan", "$": "dollar", "€": "euro", "£": "pound"}
_NUMBER = re.compile(
    r"(?P<currency>¥|\$|€|£|rmb|cny)? ?(?<![a-z0-9_.])"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<times>[千万亿]|k(?![a-z]))?"
)
_MOST_DISCOUNT = 10
_TIMES_TEN = {"千": 3, "k": 3, "万": 4, "亿": 8}
_UP_TO = r"-|~|–|—|至|到|to|through"
_RANGE = re.compile(rf" ?(?:{_UP_TO}) ?")
_BETWEEN = re.compile(rf" ?(?:{_UP_TO}|、|或|and|or) ?")
_LIST_MARK = re.compile(
    r"^\s*(?:\(?\d{1,2}[.)、]\s+|\d{1,2}[)、])|[\u2460-\u249b\u24eb-\u24ff\u2776-\u2793]",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number and what it counts."""

    value: Decimal
    unit: str = ""
    """One word for all names of a unit, such as `workday`; empty where none is known."""


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day."""

    minutes: int
    """Since midnight; of a time without its half of the day, as it is written."""
    sure: bool
    """Whether the half of the day is known."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a text."""

    numbers: frozenset[Number] = frozenset()
    dates: frozenset[Date] = frozenset()
    times: frozenset[Time] = frozenset()
    weekdays: frozenset[int] = frozenset()
    """1 is Monday."""
    codes: frozenset[str] = frozenset()
    """Codes, addresses of pages and mailboxes."""
    words: frozenset[str] = frozenset()
    """What is told without a number: the next day, dozens; fractions."""
    daily: bool = False
    """Whether something is said of every day; an answer may name one of them."""

    def missing_in(self, sources: Iterable["Figures"]) -> bool:
        """Whether any of these figures stands in none of the sources.

        A unit that only one side names does not tell them apart; a date may say less than its
        source, but not more.
        """
        listed = list(sources)
        return not (
            all(any(counted(each, other.numbers) for other in listed) for each in self.numbers)
            and all(any(_dated(each, other.dates) for other in listed) for each in self.dates)
            and all(any(_timed(each, other.times) for other in listed) for each in self.times)
            and all(
                any(each in other.weekdays or other.daily for other in listed)
                for each in self.weekdays
            )
            and all(any(each in other.codes for other in listed) for each in self.codes)
            and all(any(each in other.words for other in listed) for each in self.words)
        )


_KINDS = {
    **dict.fromkeys(
        ("second", "minute", "hour", "day", "workday", "week", "month", "quarter", "year"), "time"
    ),
    **dict.fromkeys(("yuan", "dollar", "euro", "pound", "yen", "hong_kong_dollar"), "money"),
    **dict.fromkeys(("percent", "discount"), "share"),
}


def kind(unit: str) -> str:
    """Return what a unit measures: days and hours are times."""
    return _KINDS.get(unit, unit)


# What a unit is of another one. A month has no number of days, a working day no hours.
_OF = {
    "second": ("minute", Decimal(1) / 60), "hour": ("minute", Decimal(60)),
    "day": ("minute", Decimal(1440)), "week": ("minute", Decimal(10080)),
    "quarter": ("month", Decimal(3)), "year": ("month", Decimal(12)),
    "kilogram": ("gram", Decimal(1000)), "catty": ("gram", Decimal(500)),
    "kilometre": ("millimetre", Decimal(10**6)), "metre": ("millimetre", Decimal(1000)),
    "centimetre": ("millimetre", Decimal(10)), "litre": ("millilitre", Decimal(1000)),
}  # fmt: skip


def counted(wanted: Number, held: frozenset[Number]) -> bool:
    """Whether a number is among others, also in another unit of the kind: 1周 among 7天.

    A unit that only one side names tells none apart. 九五折 is what 5% less is.
    """
    if wanted in held:
        return True
    same = _in_base(wanted)
    less = Decimal(100) - wanted.value * 10 if wanted.unit == "discount" else None
    return any(
        (each.value == wanted.value and not (each.unit and wanted.unit))
        or (wanted.unit and _in_base(each) == same)
        or (each.unit == "percent" and each.value == less)
        for each in held
    )


def _in_base(number: Number) -> tuple[Decimal, str]:
    base, factor = _OF.get(number.unit, (number.unit, Decimal(1)))
    return number.value * factor, base


def _dated(wanted: Date, held: frozenset[Date]) -> bool:
    return any(
        all(one is None or one == other for one, other in zip(wanted, each, strict=True))
        for each in held
    )


_HALF_DAY = 12 * 60


def _timed(wanted: Time, held: frozenset[Time]) -> bool:
    return any(
        each.minutes == wanted.minutes
        or (not (each.sure and wanted.sure) and (each.minutes - wanted.minutes) % _HALF_DAY == 0)
        for each in held
    )


def figures(text: str) -> Figures:
    """Find the figures of a text in Chinese, English or both, in any form of either.

    Numbers that only count a list's items are none.
    """
    rest = _Rest(fold(_LIST_MARK.sub("", text)))
    addresses = rest.take(ADDRESS) if SIGN.search(rest.text) else []
    codes = frozenset[str]().union(*(forms(match.group()) for match in addresses))
    daily = rest.holds(_EVERY_DAY_SIGNS) and _EVERY_DAY.search(rest.text) is not None
    weekdays = _weekdays(rest.signed(_WEEKDAY_SIGNS, _WEEKDAY))
    words = {match.lastgroup or match.group() for match in rest.signed(_WORD_SIGNS, _IN_WORDS)}
    rest.text = _ORDINAL.sub(r"\1", with_digits(rest.text))
    if not _DIGIT.search(rest.text):
        return Figures(weekdays=weekdays, codes=codes, words=frozenset(words), daily=daily)
    dates = [_date(match) for signs, pattern in _DATES for match in rest.signed(signs, pattern)]
    times = [_time(match) for signs, pattern in _TIMES for match in rest.signed(signs, pattern)]
    words |= {match.group() for match in rest.signed("/", _FRACTION)}
    written = [match.group().translate(_JOINTS) for match in rest.take(_CODE, unless=_AMOUNT)]
    # A phone number is the same however it is spaced.
    phones = [Number(Decimal(each).normalize()) for each in written if each.isdecimal()]
    return Figures(
        frozenset((*numbers(rest.text), *phones)),
        frozenset(dates),
        frozenset(time for time in times if time.minutes < 2 * _HALF_DAY + 1),
        weekdays,
        codes.union(each for each in written if not each.isdecimal()),
        frozenset(words),
        daily,
    )


class _Rest:
    """What is left of a text when the figures found so far are taken out."""

    def __init__(self, text: str) -> None:
        self.text = text

    def signed(self, signs: Iterable[str], pattern: re.Pattern[str]) -> list[re.Match[str]]:
        return self.take(pattern) if self.holds(signs) else []

    def holds(self, signs: Iterable[str]) -> bool:
        return any(map(self.text.__contains__, signs))

    def take(
        self, pattern: re.Pattern[str], unless: re.Pattern[str] | None = None
    ) -> list[re.Match[str]]:
        found = [
            match
            for match in pattern.finditer(self.text)
            if unless is None or not unless.fullmatch(match.group())
        ]
        for match in reversed(found):
            # Not a blank: what stood on both sides does not belong together.
            self.text = f"{self.text[: match.start()]} | {self.text[match.end() :]}"
        return found


def _date(match: re.Match[str]) -> Date:
    parts = match.groupdict()
    month = parts["month"]
    number = int(month) if month.isdigit() else 1 + _MONTHS.index(month[:3])
    year, day = parts.get("year"), parts.get("day")
    return int(year) if year else None, number, int(day) if day else None


def _time(match: re.Match[str]) -> Time:
    parts = match.groupdict()
    minutes = 60 * int(parts["hour"]) + int(parts.get("minute") or 0)
    minutes += 30 if parts.get("half") else 0
    chinese, english = parts.get("zh"), parts.get("en")
    late = english == "p" or chinese in ("中午", "下午", "晚上")
    if late and minutes < _HALF_DAY and not (chinese == "中午" and minutes >= 10 * 60):
        minutes += _HALF_DAY
    elif english == "a" and minutes >= _HALF_DAY:
        minutes -= _HALF_DAY
    return Time(minutes, bool(chinese or english) or minutes >= 13 * 60)


def _weekdays(found: Sequence[re.Match[str]]) -> frozenset[int]:
    """Return the days that are named, and those between the ends of a range."""
    days = {day for match in found for day in _days(match)}
    for first, last in pairwise(found):
        if _RANGE.fullmatch(first.string[first.end() : last.start()]):
            days |= set(range(_days(first)[-1], _days(last)[0]))
    return frozenset(days)


def _days(match: re.Match[str]) -> tuple[int, ...]:
    if match["end"]:
        return _WEEKEND
    return (
        _WEEKDAYS[match["zh"]] if match["zh"] else 1 + _ENGLISH_WEEKDAYS.index(match["en"][:2]),
    )


def numbers(text: str) -> list[Number]:
    """Find the numbers of a folded text whose words are digits already, see `with_digits`."""
    found: list[Number] = []
    later: Number | None = None
    start = len(text)
    # Backwards, since in 3-5天 the first number has the unit of the second.
    for match in reversed(list(_NUMBER.finditer(text))):
        value = Decimal(match["digits"].replace(",", "")).scaleb(_TIMES_TEN.get(match["times"], 0))
        unit = _UNIT.match(text, match.end())
        name = (unit.lastgroup if unit else None) or _CURRENCIES.get(match["currency"], "")
        if not name and later is not None and _BETWEEN.fullmatch(text[match.end() : start]):
            name = later.unit
        if name == "discount" and value > _MOST_DISCOUNT:
            value = value.scaleb(-1)  # 95折 is 9.5折.
        later, start = Number(value.normalize(), name), match.start()
        found.append(later)
    return found
