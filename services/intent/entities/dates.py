"""Dates and times relative to a given now, as ISO 8601 dates, date-times and intervals.

Words are found one by one (days, parts of the day, clock times, lengths with 前 or "ago"), joined
where they stand together (明天 + 下午 + 三点) and only then placed on the calendar. What is not
said is decided by rules, each at its place:

- 周五 and "Friday" are the next one, today included; 11月20日, 3号 and 国庆 the nearest. Where the
  words beside them speak of the past (周五买的, "ordered on Friday") it is the latest instead.
- 上周五 and 下周五 are of the calendar week before and after, Monday first; so is "next Friday".
  "last Friday" is the latest before today.
- An hour from 1 to 6 without a part of the day is after noon.
- In 11/12 the month comes first.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from services.intent.entities import chinese_days, durations, english_days, holidays
from services.intent.entities.clocks import (
    CLOCK_PATTERN,
    PART_PATTERN,
    PARTS,
    Clock,
    hour_of_day,
    read_clock,
    read_part,
)
from services.intent.entities.days import Days, DayWords, add_months
from services.intent.entities.durations import Length
from services.intent.patterns import Found, Pattern

_LANGUAGES = (chinese_days, english_days)
_RULES = (*holidays.RULES, *chinese_days.RULES, *english_days.RULES)
_READERS = [(re.compile(rule.pattern), rule.read) for rule in _RULES]


def _anonymous(pattern: str) -> str:
    """Drop the names of groups: one name may stand only once in a pattern."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


_DAYS = Pattern("|".join(f"(?:{_anonymous(rule.pattern)})" for rule in _RULES), longest=True)
_CLOCKS = Pattern(f"{_anonymous(CLOCK_PATTERN)}|{PART_PATTERN}", longest=True)

_GLUE = re.compile(
    r"(?:\s|,\s?|的|t|\s?\(|,?\s(?:at|on|in\sthe|around|about|the|by|from)\s|@|左右的?)?"
)
_CONNECTOR = re.compile(r"\s?(?:到|至|[-~—–])\s?|\s(?:to|until|till|through|and)\s|\sto\sthe\s")

_SHIFT = re.compile(r"(?P<zh>[之以]?[前后])|\s(?P<en>ago|earlier|later|from\snow|hence)\b")
_NO_SHIFT = re.compile(r"[台面端十几期来往续座悔]")
_BEFORE_SHIFT = re.compile(r"\bin\s(?:about\s|around\s|another\s)?$|再过$")

# Behind 三点 these make it three points.
_POINTS = re.compile(r"\s?(?:疑问|意见|要求|建议|原因|理由|问题|说明|水|建|不|没|五折|积分)")
_NO_HOUR_BEFORE = re.compile(r"[第几差有\d.:点]$")

_ZH_PAST = re.compile(
    r"[^，。！？,.!?\s]{0,6}?(?:[买下订付寄发退拍换签提收申送到]\S{0,2}[的了过]|的(?:订单|单子|包裹|快递))"
)
_EN_PAST_WORDS = (
    r"\b(?:ordered|bought|paid|placed|returned|received|arrived|was|were|did|didn't|had|got|sent"
    r"|shipped|since|made|came|called|happened|purchased|requested|cancelled|asked|spoke)\b"
)
_EN_PAST_BEFORE = re.compile(_EN_PAST_WORDS + r"[^,.;!?，。！？]*$")
_EN_PAST_AFTER = re.compile(r"\s(?:i|we|it|you|they|he|she)\s(?:\w+\s)?" + _EN_PAST_WORDS)
_EN_FUTURE = re.compile(r"\b(?:will|be|should|can|could|would|shall|going|need|want)\b")
_ZH_BEFORE_PAST = re.compile("(?:买于|下单于|自从?|从)$")

_ISO_T = re.compile(r"(?<=\d)t(?=\d\d:)")

# In 昨晚八点 the 晚 belongs to the day.
_DAY_HEADS = ("今", "明", "昨", "前", "后")

# The end of an interval is the nearest to its start, or to half a month or half a year later.
_AHEAD = (timedelta(), timedelta(days=16), timedelta(days=183))

_LOOK_BACK = 40
_LOOK_AHEAD = 25


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Words about one moment, not yet placed on the calendar."""

    start: int
    end: int
    days: DayWords | None = None
    part: str = ""
    clock: Clock | None = None
    moments: tuple[datetime, ...] = ()
    """For 半小时后: nothing is left open. Two where it is between them."""


def find(folded: str, now: datetime) -> Iterator[Found]:
    """Find dates and times.

    Args:
        folded: Text from `alignment.align`.
        now: The moment of the message in the customer's time zone, aware.

    Yields:
        With values `2026-11-20`, `2026-11-25T15:00:00+08:00` or two of them with a slash, first
        and last day or start and end: `2026-11-16/2026-11-22`.
    """
    # 2026-11-20T15:00 has no blank that would separate the two.
    folded = _ISO_T.sub(" ", folded)
    phrases = _joined(folded, _words(folded, now))
    index = 0
    while index < len(phrases):
        phrase = phrases[index]
        index += 1
        value = _value(phrase, now, _past(folded, phrase))
        if value is None:
            continue
        following = phrases[index] if index < len(phrases) else None
        if following and _CONNECTOR.fullmatch(folded, phrase.end, following.start):
            whole = _interval(folded, phrase, following, now)
            if whole:
                yield Found(phrase.start, following.end, whole)
                index += 1
                continue
        yield Found(phrase.start, phrase.end, value)


def _words(folded: str, now: datetime) -> list[_Phrase]:
    """Find the single words about time, in order, disjoint."""
    found = [*_day_words(folded), *_clock_words(folded), *_shifted(folded, now)]
    found.sort(key=lambda each: (each.start, -each.end))
    kept: list[_Phrase] = []
    for each in found:
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept


def _day_words(folded: str) -> Iterator[_Phrase]:
    """Find words that name days, those that only look so left out."""
    for start, end in _DAYS.find(folded):
        words, after = folded[start:end], folded[end : end + _LOOK_AHEAD]
        before = folded[max(0, start - _LOOK_BACK) : start]
        if not all(each.stands_for_a_day(words, before, after) for each in _LANGUAGES):
            continue
        days = _read_days(words)
        if days:
            yield _Phrase(start, end, days, days.part)


def _read_days(words: str) -> DayWords | None:
    """Read what matched any of the rules; the first that reads it as a day counts."""
    for pattern, read in _READERS:
        match = pattern.fullmatch(words)
        days = read(match) if match else None
        if days:
            return days
    return None


def _clock_words(folded: str) -> Iterator[_Phrase]:
    """Find times and parts of the day."""
    for start, end in _CLOCKS.find(folded):
        words = folded[start:end]
        clock = read_clock(words)
        if clock and clock.part and folded[max(0, start - 1) : start] in _DAY_HEADS:
            start, clock = start + 1, replace(clock, part="", certain=True)
        if clock is None:
            # No clock shows 25:00; what is left are the parts of the day.
            if part := read_part(words):
                yield _Phrase(start, end, part=part)
        elif not (
            _POINTS.match(folded, end) or _NO_HOUR_BEFORE.search(folded[max(0, start - 1) : start])
        ):
            yield _Phrase(start, end, part=clock.part, clock=clock)


def _shifted(folded: str, now: datetime) -> Iterator[_Phrase]:
    """Find 三天前, "in two days" and the like."""
    for start, end in durations.spans(folded):
        before = _BEFORE_SHIFT.search(folded[max(0, start - 16) : start])
        words = folded[start:end]
        within = words[-1] in "前后" and _SHIFT.search(words)
        after = within or _SHIFT.match(folded, end)
        if not before and (not after or _NO_SHIFT.match(folded, after.end())):
            continue
        if within:
            words = words[: within.start()]
        sign = 1
        if after:
            end = end if within else after.end()
            sign = (
                -1 if (after["zh"] or "")[-1:] == "前" or after["en"] in ("ago", "earlier") else 1
            )
        elif before:
            start -= len(before.group())
        lengths = durations.read_lengths(words)
        if lengths:
            yield _at(start, end, lengths, sign, now)


def _at(start: int, end: int, lengths: Sequence[Length], sign: int, now: datetime) -> _Phrase:
    """A phrase some length from now: days for days and longer, a moment for hours."""
    moments = tuple(sorted(_shift(now, each, sign) for each in lengths))
    if any(each.seconds for each in lengths):
        return _Phrase(start, end, moments=moments)
    first, last = moments[0].date(), moments[-1].date()
    return _Phrase(start, end, DayWords(lambda today, past: (first, last)))


def _shift(now: datetime, length: Length, sign: int) -> datetime:
    """Go a length on or back, months first, as people count."""
    day = add_months(now.date(), sign * length.months)
    day += sign * timedelta(days=length.weeks * 7 + length.days)
    moment = datetime.combine(day, now.time(), now.tzinfo)
    if length.seconds:
        # Through UTC, since an hour lasts an hour also where the clocks change.
        shifted = moment.astimezone(UTC) + sign * timedelta(seconds=length.seconds)
        moment = shifted.astimezone(now.tzinfo)
    return moment


def _joined(folded: str, words: Sequence[_Phrase]) -> list[_Phrase]:
    """Join what stands together and says different things about one moment."""
    phrases: list[_Phrase] = []
    for each in words:
        last = phrases[-1] if phrases else None
        both = (
            _merged(last, each) if last and _GLUE.fullmatch(folded, last.end, each.start) else None
        )
        if both:
            phrases[-1] = both
        else:
            phrases.append(each)
    return phrases


def _merged(one: _Phrase, other: _Phrase) -> _Phrase | None:
    """Make one phrase of two neighbours; None where both say the same kind of thing."""
    if one.moments or other.moments or (one.clock and other.clock) or (one.part and other.part):
        return None
    days = one.days or other.days
    if one.days and other.days:
        if one.days.weekday == other.days.weekday:
            return None
        days = other.days if one.days.weekday else one.days
    return _Phrase(one.start, other.end, days, one.part or other.part, one.clock or other.clock)


def _interval(folded: str, one: _Phrase, other: _Phrase, now: datetime) -> str | None:
    """Place 周一到周五 or 下午3点到5点: the second part takes over what it leaves out."""
    if one.moments or other.moments or bool(one.clock) != bool(other.clock):
        return None
    anchor = _placed(one, now, _past(folded, one) or _past(folded, other))
    if anchor is None:
        return None
    if other.days is None:
        other = replace(other, days=DayWords(lambda today, past: anchor))
    if other.clock and not other.part and not other.clock.half:
        other = replace(other, part=one.part)
    days = _following(other, anchor[0]) or _placed(other, now, False)
    if days is None:
        return None
    first = _written(anchor, one, now)
    last = _written(days, other, now)
    if first is None or last is None:
        return None
    start, end = first.partition("/")[0], last.rpartition("/")[2]
    return f"{start}/{end}" if start < end else None


def _value(phrase: _Phrase, now: datetime, past: bool) -> str | None:
    """Place a phrase on the calendar; None where it says too little (下午, 三点)."""
    if phrase.moments:
        return "/".join(dict.fromkeys(_iso(each) for each in phrase.moments))
    if (
        phrase.days is None
        and (phrase.clock is None or not phrase.clock.certain)
        and not (phrase.clock and phrase.part)
    ):
        return None
    days = _placed(phrase, now, past)
    return _written(days, phrase, now) if days else None


def _placed(phrase: _Phrase, now: datetime, past: bool) -> Days | None:
    """The days of a phrase; today where it names none."""
    today = now.date()
    return phrase.days.resolve(today, past) if phrase.days else (today, today)


def _written(days: Days, phrase: _Phrase, now: datetime) -> str | None:
    """Write days and what is said about the time: a day, a moment or an interval."""
    first, last = days
    if phrase.clock:
        hour = hour_of_day(phrase.clock, phrase.part)
        day = first + timedelta(days=hour // 24)
        clock = time(hour % 24, phrase.clock.minute, phrase.clock.second, tzinfo=now.tzinfo)
        return _iso(datetime.combine(day, clock))
    if phrase.part and first == last:
        begin, end = PARTS[phrase.part]
        start = datetime.combine(first, time(begin, tzinfo=now.tzinfo))
        stop = datetime.combine(first + timedelta(days=end // 24), time(end % 24), now.tzinfo)
        return f"{_iso(start)}/{_iso(stop)}"
    return first.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}"


def _iso(moment: datetime) -> str:
    """Write it with seconds and offset, as RFC 3339 wants it too."""
    return moment.isoformat(timespec="seconds")


def _following(phrase: _Phrase, start: date) -> Days | None:
    """The first days from `start` on that bear the name, where several do."""
    if phrase.days is None or not phrase.days.floating:
        return None
    for ahead in _AHEAD:
        days = phrase.days.resolve(start + ahead, False)
        if days and days[0] >= start:
            return days
    return None


def _past(folded: str, phrase: _Phrase) -> bool:
    """Tell whether the words beside a day that floats speak of the past."""
    if phrase.days is None or not phrase.days.floating:
        return False
    after = folded[phrase.end : phrase.end + _LOOK_AHEAD]
    before = folded[max(0, phrase.start - _LOOK_BACK) : phrase.start]
    if _ZH_PAST.match(after) or _ZH_BEFORE_PAST.search(before):
        return True
    spoken = _EN_PAST_BEFORE.search(before)
    if spoken and not _EN_FUTURE.search(spoken.string[max(0, spoken.start() - 12) :]):
        return True
    return _EN_PAST_AFTER.match(after) is not None
