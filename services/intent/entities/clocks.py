"""Times of the day: parts of it (下午, evening) and what the clock shows (三点半, 3pm)."""

import re
from dataclasses import dataclass

from services.intent.entities.numbers import read_number

PARTS = {
    "dawn": (0, 6),
    "morning": (6, 12),
    "noon": (11, 13),
    "afternoon": (12, 18),
    "evening": (18, 24),
}
"""Parts of the day and the hours that they last, from and to."""

_WORDS = {
    "凌晨": "dawn",
    "清晨": "morning",
    "早晨": "morning",
    "早上": "morning",
    "上午": "morning",
    "早": "morning",
    "晨": "morning",
    "中午": "noon",
    "下午": "afternoon",
    "傍晚": "evening",
    "晚上": "evening",
    "晚间": "evening",
    "夜里": "evening",
    "夜晚": "evening",
    "半夜": "evening",
    "深夜": "evening",
    "晚": "evening",
    "夜": "evening",
    "morning": "morning",
    "afternoon": "afternoon",
    "evening": "evening",
    "night": "evening",
}

PART_PATTERN = (
    r"凌晨|清晨|早晨|早上|上午|中午|下午|傍晚|晚上|晚间|夜里|夜晚|半夜|深夜"
    r"|\b(?:in\sthe\s|at\s)?(?:morning|afternoon|evening|night)\b"
)
"""Pattern of a part of the day; it says nothing without a day or a time beside it."""

_HAN_HOUR = "[零一二两三四五六七八九十]{1,3}"
_HAN_MINUTE = "[零一二三四五六七八九十]"
_EN_HOURS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_EN_HOUR = "|".join(_EN_HOURS)

CLOCK_PATTERN = (
    rf"(?P<zh_part>[早晚])?(?:(?P<hour>\d{{1,2}})[点时]|(?P<han>{_HAN_HOUR})点)"
    rf"(?:(?P<half>半)|(?P<quarters>[一三])刻|[整钟]"
    rf"|(?P<minute>\d{{1,2}}|{_HAN_MINUTE}{{2,3}})分?|(?P<minute1>{_HAN_MINUTE})分)?"
    r"|(?P<h24>\d{1,2}):(?P<m24>\d{2})(?P<s24>:\d{2})?(?:\s?(?P<ap24>[ap]\.?m\b\.?))?"
    r"|(?P<h12>\d{1,2})\s?(?P<ap12>[ap]\.?m\b\.?)"
    rf"|\b(?P<oclock>\d{{1,2}}|{_EN_HOUR})\so'?clock\b"
    rf"|\b(?P<past>half|quarter|a\squarter)\s(?P<side>past|to)\s(?P<base>\d{{1,2}}|{_EN_HOUR})\b"
    rf"|\b(?:at|@)\s?(?P<bare>\d{{1,2}}|{_EN_HOUR})\b"
    r"|(?P<word>\bnoon\b|\bmidnight\b|正午|午夜|零点)"
)
"""Pattern of a time; at most one branch's groups are set."""

_CLOCK = re.compile(CLOCK_PATTERN)

# Nobody expects a parcel at three in the night: an hour up to this one is after noon.
_LAST_AFTERNOON_HOUR = 6


@dataclass(frozen=True, slots=True)
class Clock:
    """What a clock shows."""

    hour: int
    """In [0, 24]."""
    minute: int = 0
    """In [0, 59]."""
    second: int = 0
    """In [0, 59]."""
    certain: bool = True
    """Whether it is a time for sure: 三点 may mean three points, "at 3" a place."""
    half: str = ""
    """`am` or `pm` where said, `24` where the hour is of 24, empty where it is not said."""
    part: str = ""
    """The part of the day that the words name too: 早8点."""


def read_part(words: str) -> str:
    """Read words that matched `PART_PATTERN` as a key of `PARTS`; empty for other words."""
    return _WORDS.get(words) or _WORDS.get(words.rsplit(" ", 1)[-1], "")


def read_clock(words: str) -> Clock | None:
    """Read words that matched `CLOCK_PATTERN`.

    Returns:
        The time as said, before `hour_of_day`; None where no clock shows it (25:00).
    """
    match = _CLOCK.fullmatch(words)
    if match is None:
        return None
    clock = _chinese(match) if match["hour"] or match["han"] else _english(match)
    if clock is None or clock.hour > 24 or clock.minute > 59 or clock.second > 59:
        return None
    if clock.half in ("am", "pm") and not 1 <= clock.hour <= 12:
        return None
    return clock


def hour_of_day(clock: Clock, part: str) -> int:
    """Say the hour of the day in [0, 28]; from 24 on it is of the next day (今晚12点).

    Without am, pm or a part of the day an hour from 1 to 6 is after noon.
    """
    hour, part = clock.hour, clock.part or part
    if clock.half == "am":
        return hour % 12
    if clock.half == "pm":
        return hour % 12 + 12
    if hour > 12 or clock.half == "24":
        return hour
    if part == "dawn":
        return hour % 12
    if part == "noon":
        return hour + 12 if hour <= 2 else hour
    if part == "afternoon":
        return hour % 12 + 12
    if part == "evening":
        return hour % 12 + (24 if hour == 12 or 0 < hour <= 4 else 12)
    return hour + 12 if not part and 1 <= hour <= _LAST_AFTERNOON_HOUR else hour


def _chinese(match: re.Match[str]) -> Clock | None:
    """Read 三点半, 8点20, 早8点, 十点零五分."""
    hour = read_number(match["hour"] or match["han"])
    minute = read_number(match["minute"] or match["minute1"] or "0")
    if hour is None or minute is None:
        return None
    minutes = int(minute)
    if match["half"]:
        minutes = 30
    if match["quarters"]:
        minutes = 15 if match["quarters"] == "一" else 45
    bare = match.end("han") == match.end() - 1
    part = _WORDS.get(match["zh_part"] or "", "")
    return Clock(int(hour), minutes, certain=not bare or bool(part), part=part)


def _english(match: re.Match[str]) -> Clock | None:
    """Read 15:30, 3pm, 7 o'clock, half past three, noon, and "at 3" with little trust."""
    if match["word"]:
        return Clock({"noon": 12, "正午": 12, "零点": 0}.get(match["word"], 24), half="24")
    if match["h24"]:
        second = int((match["s24"] or ":0")[1:])
        half = _half(match["ap24"]) or ("24" if len(match["h24"]) == 2 else "")
        return Clock(int(match["h24"]), int(match["m24"]), second, half=half)
    if match["h12"]:
        return Clock(int(match["h12"]), half=_half(match["ap12"]))
    if match["oclock"]:
        return Clock(_hour(match["oclock"]))
    if match["past"]:
        before = match["side"] == "to"
        minutes = 30 if match["past"] == "half" else 15
        hour = _hour(match["base"]) - before
        return Clock(hour or 12, 60 - minutes if before else minutes)
    return Clock(_hour(match["bare"]), certain=False)


def _half(words: str | None) -> str:
    """Bring a.m., AM and am into one form."""
    return f"{words[0]}m" if words else ""


def _hour(words: str) -> int:
    """Read the hour of a clock of twelve, in figures or words."""
    return int(words) if words.isdigit() else _EN_HOURS.index(words) + 1
