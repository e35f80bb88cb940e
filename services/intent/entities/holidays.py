"""Holidays and shopping festivals by their names, in Chinese and English."""

import re
from collections.abc import Callable
from datetime import date, timedelta

from services.intent.entities.days import Days, DayWords, Rule, days_of, yearly, yearly_from

_FIXED = {
    "元旦": (1, 1),
    "情人节": (2, 14),
    "妇女节": (3, 8),
    "三八节": (3, 8),
    "女神节": (3, 8),
    "愚人节": (4, 1),
    "五一": (5, 1),
    "劳动节": (5, 1),
    "六一": (6, 1),
    "儿童节": (6, 1),
    "618": (6, 18),
    "教师节": (9, 10),
    "国庆": (10, 1),
    "万圣节": (10, 31),
    "双十一": (11, 11),
    "双11": (11, 11),
    "11.11": (11, 11),
    "双十二": (12, 12),
    "双12": (12, 12),
    "12.12": (12, 12),
    "平安夜": (12, 24),
    "圣诞": (12, 25),
    "new year's day": (1, 1),
    "new year": (1, 1),
    "valentine's day": (2, 14),
    "valentines day": (2, 14),
    "halloween": (10, 31),
    "national day": (10, 1),
    "singles' day": (11, 11),
    "singles day": (11, 11),
    "double 11": (11, 11),
    "double eleven": (11, 11),
    "double 12": (12, 12),
    "christmas eve": (12, 24),
    "xmas eve": (12, 24),
    "christmas day": (12, 25),
    "christmas": (12, 25),
    "xmas": (12, 25),
    "new year's eve": (12, 31),
}

# First day of the lunar month and so on, as the Hong Kong Observatory publishes them; month and
# day in one number, for each year from 2024 on.
_FIRST_LUNAR_YEAR = 2024
_LUNAR = {
    "春节": "210 129 217 206 126 213 203 123 211 131 219 208 128 215 204 124 212",
    "端午": "610 531 619 609 528 616 605 624 612 601 620 610 530 618 607 527 614",
    "七夕": "810 829 819 808 826 816 805 824 812 801 820 810 828 817 807 826 814",
    "中秋": "917 1006 925 915 1003 922 912 1001 919 908 927 916 1004 924 913 1002 920",
    "重阳": "1011 1029 1018 1008 1026 1016 1005 1024 1012 1001 1020 1009 1027 1017 1007 1026 1014",
}
_LUNAR_DAYS = {name: [int(each) for each in days.split()] for name, days in _LUNAR.items()}

# Other names, and days counted from a holiday.
_FROM_LUNAR = {
    "春节": ("春节", 0),
    "大年初一": ("春节", 0),
    "大年三十": ("春节", -1),
    "除夕": ("春节", -1),
    "元宵": ("春节", 14),
    "端午": ("端午", 0),
    "七夕": ("七夕", 0),
    "中秋": ("中秋", 0),
    "重阳": ("重阳", 0),
    "chinese new year": ("春节", 0),
    "lunar new year": ("春节", 0),
    "spring festival": ("春节", 0),
    "dragon boat festival": ("端午", 0),
    "mid-autumn festival": ("中秋", 0),
    "mid autumn festival": ("中秋", 0),
}

# The fourth Thursday of November and days counted from it.
_FROM_THANKSGIVING = {
    "感恩节": 0,
    "thanksgiving": 0,
    "黑五": 1,
    "black friday": 1,
    "cyber monday": 4,
}

# Days off from the first day on, as the State Council grants them in an ordinary year.
_LENGTHS = {"国庆": 7, "春节": 8, "五一": 5, "劳动节": 5}

_NAMES = sorted([*_FIXED, *_FROM_LUNAR, *_FROM_THANKSGIVING, "清明"], key=len, reverse=True)
_NAME = "|".join(name.replace(".", r"\.") for name in _NAMES)
_YEARS = {"今年": 0, "去年": -1, "明年": 1, "前年": -2, "last": -1, "this": 0, "next": 1}

# 五一, 六一 and 618 are numbers too, so only in company or where nothing is counted.
_NUMBERS = ("五一", "六一", "618", "11.11", "12.12")


def _of(name: str, length: int) -> Callable[[int], Days | None]:
    """The days of a holiday in any year."""

    def of_year(year: int) -> Days | None:
        first = _first(name, year)
        return (first, first + timedelta(days=length - 1)) if first else None

    return of_year


def _first(name: str, year: int) -> date | None:
    """The day of a holiday in a year; None for a lunar one beyond the table."""
    if name in _FIXED:
        return date(year, *_FIXED[name])
    if name in _FROM_THANKSGIVING:
        start = date(year, 11, 1)
        thursday = start + timedelta(days=(3 - start.weekday()) % 7 + 21)
        return thursday + timedelta(days=_FROM_THANKSGIVING[name])
    if name == "清明":
        # The solar term in the years 2000 to 2099: at 4.81 April plus 0.2422 days a year.
        in_century = year % 100
        return date(year, 4, int(in_century * 0.2422 + 4.81) - in_century // 4)
    festival, offset = _FROM_LUNAR[name]
    days = _LUNAR_DAYS[festival]
    if not 0 <= year - _FIRST_LUNAR_YEAR < len(days):
        return None
    number, day = divmod(days[year - _FIRST_LUNAR_YEAR], 100)
    found = days_of(date(year, number, 1), day, None)
    return found[0] + timedelta(days=offset) if found else None


def _read(match: re.Match[str]) -> DayWords | None:
    """Read a name with or without its year: 国庆, 去年国庆节, 春节期间, last Christmas."""
    name, tail = match["name"], match["tail"] or ""
    if name in _NUMBERS and not tail and match["year"] is None:
        return None
    whole = tail.endswith(("假", "假期", "期间", "黄金周", "放假"))
    of_year = _of(name, _LENGTHS.get(name, 1) if whole else 1)
    year = (match["year"] or "").strip()
    if not year:
        return yearly(of_year)
    if year in _YEARS:
        return yearly_from(_YEARS[year], of_year)
    return yearly_from(0, lambda _: of_year(int(year[:4])))


RULES = (
    Rule(
        rf"(?P<year>(?:今|去|明|前)年|\d{{4}}年|\b(?:last|this|next)\s)?(?P<name>{_NAME})"
        r"(?P<tail>节?(?:当天|那天|前夕|期间|小?长假|假期|放假|黄金周|大促|活动)|节|买|下单)?",
        _read,
    ),
)
"""Ways to name a holiday; with 期间 or 假期 the days off, otherwise its first day."""
