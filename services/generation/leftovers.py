"""What markers leave behind: empty brackets, words that only led to them, what stood between."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from services.generation.markdown import Unmarked, without
from services.generation.markers import BRACKETED
from services.generation.markers import GONE as _M
from services.language import Span

# Only a model that repeats itself without end has more in one sentence.
_PLACES = 100

_REFERS = (
    r"(?:(?:更多)?(?:详情|详细信息|详细内容|具体内容|具体规定|更多信息|信息)?(?:请|可以|可)?"
    r"(?:参见|参考|参阅|参照|详见|见|查看|查阅)"
    r"|(?i:(?:please |also )*see(?: also)?|refer to|cf\.?))"
)
_BY_ZH = "根据|依据|按照|依照|基于"
_BY_EN = (
    r"(?i:according to|as per|per|based on|as (?:stated|described|mentioned|noted|shown) (?:in|by))"
)
_LEAD = rf"(?:{_REFERS}|{_BY_ZH}|{_BY_EN})[ \t]*[:：]?[ \t]*"
_POLICY = (
    r"(?:[^\d\s,，。]{0,8}(?:政策|规定|规则|条款|说明|资料|信息|文档|知识库)"
    r"|(?i:(?: [a-z]+){0,3} (?:polic(?:y|ies)|terms|rules|information|passages?|sources?|docs?"
    r"|documents?)))"
)

_JOIN = r"(?:[,，、;；&/～~–—-]|和|与|及|或|至|到|(?i:\b(?:and|or|to)\b))"
_GROUP = rf"{_M}(?:[ \t]*(?:{_JOIN}[ \t]*)?{_M})*"
# No two of these make a third, so that there is one way to read a run of them.
_FILL = (
    rf"(?:[ \t:：.]|{_JOIN}|详情|请|可|参考|参见|参阅|详见|见|根据|依据|来源|出处|资料"
    r"|(?i:\b(?:see|also|sources?|ref|per|cf|according|from|passages?)\b))*+"
)
_TAIL = (
    r"(?:[中里内]?的?(?:相关)?(?:政策|规定|规则|条款|说明|资料|信息|内容|文档))?"
    r"(?:[ \t]*(?:了解(?:更多|详情)?|(?i:for (?:more |further |full )*(?:details|information))))?"
)
_STOP = r"\s*(?:[。！？!?.…；;:：)）\]】》\n]|\Z)"

# A bracket may stand around the marker, or behind it where it was opened before.
_BRACKET = rf"[(（\[【［〔]{_FILL}(?:{_M}{_FILL})++[)）\]】］〕]"
_ALONE = (
    rf"\A\s*(?P<gone>{_BRACKET}[ \t]+)",
    rf"(?P<gone>[ \t]*{_BRACKET}|{_M}[ \t]*[\[【［〔]{_FILL}[\]】］〕]|{_M}\((?:https?://|[#/])[^()\s]*\))",
)
_CONTEXTS = (
    # According to [1], the warranty ...; (see [1], page 3)
    rf"(?:\A\s*|(?<=[(（]))"
    rf"(?P<gone>(?:{_LEAD}{_GROUP}|{_GROUP}(?=[,，、:：])){_TAIL}[ \t]*(?:[,，、:：][ \t]*)?)",
    # The warranty, according to [1], is one year.
    rf"(?P<gone>,[ \t]*{_BY_EN}[ \t]*{_GROUP},)",
    # 保修1年，根据[1]，免费维修
    rf"(?<=[,，、])[ \t]*(?P<gone>{_LEAD}{_GROUP}{_TAIL}[,，、])",
    # 保修1年，详见[1]。
    rf"(?P<gone>(?:[,，、;；—-][ \t]*{_LEAD}|[ \t]{_BY_EN}[ \t]*){_GROUP}{_TAIL})(?={_STOP})",
    # 保修1年，根据[1]免费维修
    rf"(?<=[,，、;；:：。])[ \t]*(?P<gone>{_LEAD}{_GROUP}{_TAIL}[ \t]*)(?=\w)",
    # 本产品根据[1]保修1年
    rf"(?P<gone>(?:{_BY_ZH}|[ \t](?i:according to|as per)[ \t]*){_GROUP}{_TAIL})(?=[ \t]*\w)",
    # 保修1年[1]和[2]。
    rf"(?P<gone>{_GROUP})(?=[ \t]*[,，、]|{_STOP})",
    # **[1]** 保修1年
    rf"\n(?P<gone>{_M}[ \t]+)",
)
_PASSES = [*map(re.compile, (*_ALONE, *_CONTEXTS))]

# Behind the number of an item, which the marker came after, the blank stays.
_FIRST = re.compile(rf"\A(?P<gone>{_M}[ \t]+)")

# Its Markdown, or a marker inside it, hid it from who looked for markers.
_HIDDEN = re.compile(rf"(?P<gone>[ \t]*{BRACKETED})")

_INTRODUCES = re.compile(
    rf"\A\W*{_REFERS}\W*\Z|(?:{_BY_ZH}|(?<![A-Za-z]){_BY_EN}){_POLICY}?\W{{0,8}}\Z"
)
_JOINS = re.compile(rf"(?:\s|{_JOIN})*+")
_OPENING = re.compile(r"[\[【［〔]")
_BRACKETS = re.compile(r"[\[【［〔(（]")
_STOPS = "。！？!?.…；;:： "
_LED_TO = re.compile(
    r"(?:[见看阅考照据于按基和与及或至到]|(?i:\b(?:see|also|to|per|on|in|by|and|or|cf)))[ \t:：]*\Z"
)


def says(words: str) -> bool:
    """Whether there are any words, not marks alone."""
    return any(map(str.isalnum, words))


def introduces(words: str) -> bool:
    """Whether words end with where what they are about stands: according to our policy."""
    return _INTRODUCES.search(words) is not None


def joins(words: str) -> bool:
    """Whether words only stand between two markers: and, 、."""
    return _JOINS.fullmatch(words) is not None


def tidied(text: str, places: Sequence[int], *, first: bool = False) -> Unmarked:
    """Take out of a sentence what markers left behind, and a marker that its Markdown hid.

    Args:
        text: The sentence without Markdown and markers.
        places: Offsets where markers stood, in order.
        first: Whether nothing stands before it.
    """
    if not (places or _OPENING.search(text)) or len(places) > _PLACES or _M in text:
        return Unmarked(text, ())
    if _left_alone(text, places):
        return Unmarked(text, ())
    # The characters that stay, with their offsets, and a sign for each marker.
    kept = [*enumerate(text)]
    for place in reversed(places):
        kept.insert(place, (-1, _M))
    for look in (*_PASSES, _FIRST) if first else _PASSES:
        _take_out(kept, look)
    while _take_out(kept, _HIDDEN):
        pass
    stays = [-1, *(at for at, _ in kept if at >= 0), len(text)]
    gone = [Span(left + 1, right) for left, right in pairwise(stays) if left + 1 < right]
    tidy = without(text, gone)
    begins_anew = gone[:1] and not text[: gone[0].start].strip() and text.lstrip()[:1].isupper()
    return replace(tidy, text=_capitalised(tidy.text)) if begins_anew else tidy


def _left_alone(text: str, places: Sequence[int]) -> bool:
    """Whether one marker stood behind the words it is for, as most do: it leaves nothing."""
    if len(places) != 1 or _BRACKETS.search(text):
        return False
    before, behind = text[: places[0]].rstrip(_STOPS), text[places[0] :]
    return before[-1:].isalnum() and not behind.strip(_STOPS + "\n") and not _LED_TO.search(before)


def _take_out(kept: list[tuple[int, str]], look: re.Pattern[str]) -> bool:
    """Put the sign for a marker in place of what a pattern finds, and say whether it found any."""
    found = [*look.finditer("".join([character for _, character in kept]))]
    for match in reversed(found):
        kept[slice(*match.span("gone"))] = [(-1, _M)]
    return bool(found)


def _capitalised(text: str) -> str:
    start = len(text) - len(text.lstrip())
    return text[:start] + text[start : start + 1].upper() + text[start + 1 :]
