"""Days in Chinese: 大后天, 上周五, 下个月3号, 月底, 去年11月20日."""

import re
from collections.abc import Callable
from datetime import date

from services.intent.entities.days import (
    Days,
    DayWords,
    Rule,
    day_of_month,
    days_of,
    exactly,
    fixed,
    month,
    month_day,
    week,
    weekday,
    yearly,
    yearly_from,
)
from services.intent.entities.numbers import read_number

_OFFSETS = {"大前": -3, "前": -2, "昨": -1, "今": 0, "明": 1, "后": 2, "大后": 3}
_PARTS = {"晚": "evening", "夜": "evening", "早": "morning", "晨": "morning"}
_WHICH = {
    "上上": -2,
    "上": -1,
    "上一": -1,
    "这": 0,
    "这一": 0,
    "本": 0,
    "下": 1,
    "下一": 1,
    "下下": 2,
}
_WEEKDAYS = {day: number for number, day in enumerate("一二三四五六日")} | {"天": 6}
_WEEKDAYS |= {str(number + 1): number for number in range(6)}
_YEARS = {"前": -2, "去": -1, "今": 0, "明": 1, "后": 2}

_NUMBER = "(?:[0-3]?[0-9]|[一二三四五六七八九十]{1,3})"
_YEAR = (
    r"(?:(?P<year>(?:19|20)\d{2}|二[零〇][零〇一二三四五六七八九]{2}|\d{2})年"
    r"|(?P<near>[前去今明后])年)"
)
_MONTH = rf"(?:(?P<month>{_NUMBER})月份?|(?P<which>上上|上一|上|这一|这|本|下一|下下|下)个?月)"
_DAY = rf"(?P<day>{_NUMBER})[日号]?(?:\s?(?:[-~—–]|到|至)\s?(?P<to>{_NUMBER})[日号])?"
_STAGE = "(?P<stage>底|初|末|中旬?|上旬|下旬)"

_LAST_DAY = 0
# 初 and 底 are a day for programs: the first and the last.
_STAGES = {
    "初": (1, None),
    "中": (15, None),
    "底": (_LAST_DAY, None),
    "末": (_LAST_DAY, None),
    "上旬": (1, 10),
    "中旬": (11, 20),
    "下旬": (21, 31),
}
_YEAR_STAGES = {
    "初": ((1, 1), (1, 1)),
    "中": ((7, 1), (7, 1)),
    "底": ((12, 31), (12, 31)),
    "末": ((12, 31), (12, 31)),
    "上半年": ((1, 1), (6, 30)),
    "下半年": ((7, 1), (12, 31)),
    "": ((1, 1), (12, 31)),
}


def _whole(words: str | None) -> int | None:
    """Read the number of a year, month or day in figures or words."""
    number = read_number(words) if words else None
    return None if number is None else int(number)


def _relative(match: re.Match[str]) -> DayWords | None:
    """Read 明天, 大后天, and with a part of the day 昨晚, 明早."""
    day = fixed(_OFFSETS[match["day"]])
    part = _PARTS.get(match["tail"][0], "")
    if part and match["day"].startswith("大"):
        return None
    return DayWords(day.resolve, part=part)


def _week(match: re.Match[str]) -> DayWords | None:
    """Read 上周, 下周五, 这个周末: of the calendar week, whatever day today is."""
    offset = _WHICH[match["which"]]
    if match["end"]:
        return week(offset, 5, 6)
    if match["weekday"]:
        number = _WEEKDAYS[match["weekday"]]
        return week(offset, number, number)
    return week(offset)


def _weekday(match: re.Match[str]) -> DayWords | None:
    """Read 周五, 星期天, 周末 without a week."""
    return weekday(5, 6) if match["end"] else weekday(_WEEKDAYS[match["weekday"]])


def _date(match: re.Match[str]) -> DayWords | None:
    """Read a month with or without its year, a day, days or a third of it.

    11月20日, 去年11月, 下个月3号, 上个月底, 2026年11月20日到25日. A month alone is all its days.
    """
    first, last = _days_of_month(match)
    if first is None:
        return None
    if match["which"]:
        if match["year"] or match["near"]:
            return None
        return month(_WHICH[match["which"]], first, last)
    number = _whole(match["month"])
    if number is None or not 1 <= number <= 12:
        return None
    of_year = month_day(number, first, last)
    # Not a day of any year: 2月30日; 2024 had a 29 February.
    if of_year(2024) is None:
        return None
    if match["near"]:
        return yearly_from(_YEARS[match["near"]], of_year)
    year = _year(match["year"])
    return yearly_from(0, lambda _: of_year(year)) if year else yearly(of_year)


def _days_of_month(match: re.Match[str]) -> tuple[int | None, int | None]:
    """First and last day as `days.days_of` takes them; none where no month has such a day."""
    if match["day"]:
        first, last = _whole(match["day"]), _whole(match["to"])
        if not first or first > 31 or (last is not None and not 1 <= last <= 31):
            return None, None
        return first, last
    return _STAGES[match["stage"]] if match["stage"] else (1, 31)


def _year(words: str | None) -> int | None:
    """Read 2026, 二〇二六 or 26, which is of this century."""
    year = _whole(words)
    return year + 2000 if year is not None and year < 100 else year


def _of_year(match: re.Match[str]) -> DayWords | None:
    """Read 今年, 2026年, 去年底, 明年上半年, 年底, 下半年."""
    (begin, end) = _YEAR_STAGES[(match["stage"] or "").removeprefix("年")]
    of_year = _between(begin, end)
    if match["near"]:
        return yearly_from(_YEARS[match["near"]], of_year)
    year = _year(match["year"])
    if year is None:
        # 年底 alone is that of this year, also in January and in December.
        return yearly_from(0, of_year)
    # 26年 alone is more often an age or a length.
    return yearly_from(0, lambda _: of_year(year)) if len(match["year"]) > 2 else None


def _between(begin: tuple[int, int], end: tuple[int, int]) -> Callable[[int], Days | None]:
    """Days from one month and day to another, of any year."""
    return lambda year: (date(year, *begin), date(year, *end))


def _day(match: re.Match[str]) -> DayWords | None:
    """Read 3号, 25日 or 20号到25号 of a month that is not said."""
    first, last = _days_of_month(match)
    found = day_of_month(first) if first else None
    if found is None or last is None or first is None:
        return found
    resolve = found.resolve

    def run(today: date, past: bool) -> Days | None:
        days = resolve(today, past)
        return days_of(days[0].replace(day=1), first, last) if days else None

    return DayWords(run, floating=True)


def _month_stage(match: re.Match[str]) -> DayWords | None:
    """Read 月底, 月初: of this month, however near its end."""
    return month(0, *_STAGES[match["stage"]])


def _numeric(match: re.Match[str]) -> DayWords | None:
    """Read 2026-11-20, 11/20, 20/11/2026 and the like.

    Of two numbers that both fit the month comes first, as in Chinese and in American English.
    """
    numbers = [int(each) for each in re.split(r"\D", match.group())]
    year = None
    if len(numbers) == 3:
        year = numbers.pop(0 if numbers[0] > 99 else -1)
        year += 2000 if year < 100 else 0
    number, day = numbers
    if number > 12:
        number, day = day, number
    if not 1 <= number <= 12 or not 1 <= day <= 31:
        return None
    of_year = month_day(number, day, None)
    if year is None:
        return yearly(of_year) if of_year(2024) and (number, day) != (7, 24) else None
    days = of_year(year)
    return exactly(*days) if days else None


RULES = (
    Rule(
        "(?P<day>大前|前|昨|今|明|后|大后)(?P<tail>天|日|儿|晚上?|早上?|晨|夜里?)",
        _relative,
    ),
    Rule(
        "(?P<which>上上|上一|上|这一|这|本|下一|下下|下)个?(?:周|星期|礼拜)"
        "(?:(?P<weekday>[一二三四五六日天1-6])|(?P<end>末))?",
        _week,
    ),
    Rule("(?:周|星期|礼拜)(?:(?P<weekday>[一二三四五六日天])|(?P<end>末))", _weekday),
    Rule(rf"(?:{_YEAR}的?)?{_MONTH}(?:的?{_DAY}|{_STAGE})?", _date),
    Rule(
        rf"{_YEAR}(?P<stage>年?(?:底|初|末|中)|上半年|下半年)?",
        _of_year,
    ),
    Rule("(?P<year>)(?P<near>)(?P<stage>年[底初末]|[上下]半年)", _of_year),
    Rule(
        rf"(?P<day>{_NUMBER})(?:号|日)(?:\s?(?:[-~—–]|到|至)\s?(?P<to>{_NUMBER})[日号])?(?P<stage>)",
        _day,
    ),
    Rule("月(?P<stage>底|初|末)", _month_stage),
    Rule(r"20\d{2}(?:-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.)\d{1,2}", _numeric),
    Rule(r"\d{1,2}/\d{1,2}(?:/(?:20)?\d{2})?|\d{1,2}[.-]\d{1,2}[.-]20\d{2}", _numeric),
)
"""Ways to name days in Chinese, and in figures alone."""

# 每周五 and 一周五天 are no days, nor are a house (文三路8号) or a piece of 1/2/3/4.
_NOT_BEHIND = re.compile(r"(?:[每隔双单两几整第\d一二三四五六七八九十]|\d[/.-]|[/.])$")
_STREET = re.compile("[路街道巷弄村坊区里园]$")
_BARE = "周星礼一二三四五六七八九十"

# What a word that ends so must not go on with: 周一次, 下周年庆, 三月卡, 3号楼, 1/2/3/4.
_NOT_BEFORE = {
    "周": re.compile("年[庆岁级]|转|边|围"),
    "月": re.compile("[薪票卡饼亮租嫂]"),
    "号": re.compile("[线楼门仓店厅柜院桌款色码车]|机房|客房|宿舍|电池|链接"),
    "一": re.compile("[次趟]"),
} | dict.fromkeys("0123456789", re.compile(r"/|[-.]\d"))


def stands_for_a_day(words: str, before: str, after: str) -> bool:
    """Tell whether words that name a day mean one among these neighbours.

    Args:
        words: What was found, folded.
        before: Some text before it.
        after: Some text behind it.
    """
    bare = words[0].isdigit() or words[0] in _BARE
    if bare and _NOT_BEHIND.search(before):
        return False
    if words[-1] == "号" and bare and _STREET.search(before):
        return False
    ending = _NOT_BEFORE.get(words[-1])
    return ending is None or "月" in words[:-1] or ending.match(after) is None
