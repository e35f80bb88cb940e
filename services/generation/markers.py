"""How models write a passage's marker: [1], [1-3], 【1†source】, [资料1], ¹, <sup>1</sup>, ①."""

import re
import unicodedata

OPENING, CLOSING = r"\[【［〔", r"\]】］〕"

BRACKETS = "]】］〕>"
"""What a marker ends with that has two ends."""

LIMIT = 64
"""No marker is longer, in code points."""

GONE = "\ufdd0"
"""Stands for a marker that was taken out; no text should hold it (Unicode, 23.7)."""

# Emphasis, escapes and tags around a number, and the invisible characters that copying leaves.
_BLANK = rf"(?:[\s*_`\\\u200b-\u200d\u2060\ufeff{GONE}]|~~|</?[a-zA-Z]{{1,6}}>)"
_WORD = (
    "(?i:来源|资料|文档|文献|段落|片段|引用|出处|参考|passages?|sources?|documents?|docs?"
    r"|ref(?:erence)?s?|citations?)[:：.]?"
)
_SUPERSCRIPT, _CIRCLED = "¹²³⁰⁴-⁹", "①-⑳"
_NUMBER = rf"[#^]?(?:\d{{1,3}}|[{_CIRCLED}]|[{_SUPERSCRIPT}]{{1,3}})"
_TO = "[-‐‑–—−~～〜至到]|(?i:to)"
_BETWEEN = rf"(?:[,，、;；&]|和|与|及|或|(?i:and|or)|{_TO})"
_ONE = rf"{_BLANK}*+(?:{_WORD}{_BLANK}*+)?{_NUMBER}{_BLANK}*+"
_SOURCE = rf"(?:†[^{CLOSING}]{{0,40}})?"

BRACKETED = (
    rf"\\{{0,2}}[{OPENING}](?P<numbers>{_ONE}(?:{_BETWEEN}{_ONE})*){_SOURCE}{_BLANK}*+[{CLOSING}]"
)
"""Pattern of a whole marker in square brackets, other than one in another."""
_BRACKETED = re.compile(rf"{BRACKETED}\Z")

_SUP = re.compile(r"<sup[^<>]*>(?P<inside>[^<>]*)</sup>\Z", re.IGNORECASE)
_LISTED = re.compile(r"\s*\d{1,3}(?:[\s,，、;-]+\d{1,3})*\s*")

# ² behind a unit, a variable or a figure is an exponent: m², 10³, 2 feet².
_EXPONENT = re.compile(
    r"(?:[\d¹²³⁰⁴-⁹⁺⁻㎡\u0370-\u03ff]|(?<![A-Za-z])[A-Za-z]{1,2}|[米里尺寸分升克秒]"
    r"|\b(?:inch(?:es)?|feet|foot|yards?|met(?:er|re)s?|miles?|sec|mol))[ \t]*\Z"
)

# ① counts the items of a list too: in front of them, or where one is spoken of, often with another.
_SPOKEN_OF = re.compile(r"(?:步骤|方式|方法|方案|选项|情况|条件|类型|图|表|第|序号|点击|标)\Z")
_ENDED = "。！？!?.…；;\"'”’」』】》"
_AFTER_WORD = re.compile(r"\Z|[。！？!?.…；;，,）)】》」』”’\"\n\[【［〔]|、[^①-⑳]")
_AFTER_END = re.compile(r"\Z|[\n\[【［〔]")
_CIRCLE = re.compile(f"[{_CIRCLED}]")

# More of them in a row are no marker of anything.
_SUPERSCRIPTS, _CIRCLES = 3, 8

SIGN = re.compile(rf"[{OPENING}<\\{_SUPERSCRIPT}{_CIRCLED}]")
"""A text without one neither holds a marker nor ends like the beginning of one, but for blanks."""

_SMALL = (
    rf"(?<![{_SUPERSCRIPT}])[{_SUPERSCRIPT}]++(?=[^{_SUPERSCRIPT}]{{0}})"
    rf"|(?<![{_CIRCLED}])[{_CIRCLED}]++[ \t]{{{{0,8}}}}(?=[^{_CIRCLED} \t、]|、.{{1}})"
)
END = re.compile(rf"[{CLOSING}>]|" + _SMALL.format("", ""), re.DOTALL)
"""Where a marker may end, once what follows is known that it depends on."""
LAST_END = re.compile(rf"[{CLOSING}>]|" + _SMALL.format(r"|\Z", r"|、?\Z"), re.DOTALL)
"""The same in a text that does not go on."""

_OPENED = rf"(?<![{OPENING}])[{OPENING}]|(?i:<(?:\Z|s(?:\Z|u(?:\Z|p))))"
OPENED = re.compile(_OPENED)
"""Where a marker may have begun that ends behind the text."""
BEGINNING = re.compile(rf"{_OPENED}|[{_SUPERSCRIPT}]+\Z|[{_CIRCLED}]+[ \t]{{0,8}}、?\Z")
"""The same in a text of which nothing is known yet that follows."""

_IN_BRACKET = (
    rf"[{OPENING}](?:{_BLANK}|{_WORD}|{_BETWEEN}|[\d#^{_SUPERSCRIPT}{_CIRCLED}])*+{_SOURCE}"
)
_IN_ONE = re.compile(rf"{_IN_BRACKET}\Z")
UNFINISHED = re.compile(rf"\\{{0,2}}(?:{_IN_BRACKET})+\Z|<sup[^<>]*(?:>[^<>]*(?:</?s?u?p?)?)?\Z")
"""The beginning of a marker at the end of a text that was broken off."""


def opened(text: str) -> bool:
    """Whether a text ends inside what may be a marker in square brackets."""
    return _IN_ONE.search(text) is not None


def bracketed(text: str, most: int) -> tuple[int, list[int]] | None:
    """Find a marker in square brackets at the end of a text.

    Returns:
        Where it begins, and which of the passages 1 to `most` it names.
    """
    found = _BRACKETED.search(text)
    return (found.start(), _numbers(found["numbers"], most)) if found else None


def raised(before: str, text: str, most: int) -> tuple[int, list[int]] | None:
    """Find <sup>1</sup> at the end of a text, as `bracketed` does; without a number it is empty.

    Args:
        before: What stands in front of the text.
        text: The text.
        most: How many passages there are.
    """
    found = _SUP.search(text)
    if found is None:
        return None
    inside = found["inside"]
    exponent = _EXPONENT.search(before + text[: found.start()])
    if inside.strip() and (exponent or not _LISTED.fullmatch(inside)):
        return None
    return found.start(), _numbers(inside, most)


def small(before: str, sign: str, after: str, most: int) -> list[int]:
    """Return the passages that ¹ or ① stands for; none where it is no marker.

    Args:
        before: What stands in front of it.
        sign: One or more superscript or circled digits, with blanks behind them.
        after: The two characters behind it, fewer at the end of the text.
        most: How many passages there are.
    """
    signs = sign.rstrip()
    circled = _CIRCLE.match(signs) is not None
    if not (_ends_words(before, after) if circled else not _EXPONENT.search(before)):
        return []
    if len(signs) > (_CIRCLES if circled else _SUPERSCRIPTS):
        return []
    numbers = [int(unicodedata.numeric(each)) for each in signs]
    if not circled and (whole := int(unicodedata.normalize("NFKC", signs))) <= most:
        numbers = [whole]
    return numbers if all(1 <= number <= most for number in numbers) else []


def _ends_words(before: str, after: str) -> bool:
    """Whether a circled digit stands behind words, and not in front of an item of a list."""
    words = before.rstrip(" \t")
    if not words or _SPOKEN_OF.search(words) or _CIRCLE.search(words):
        return False
    if words[-1] in _ENDED:
        return _AFTER_END.match(after) is not None
    said = words[-1].isalnum() or words[-1] in "％%）)℃"
    return said and _AFTER_WORD.match(after) is not None


def _numbers(words: str, most: int) -> list[int]:
    """Return the passages that a marker names, those of a range too."""
    found: list[int] = []
    last, ranged = 0, False
    for part in re.findall(rf"\d+|{_TO}", unicodedata.normalize("NFKC", words)):
        if not part.isdigit():
            ranged = True
            continue
        number = int(part)
        first = last + 1 if ranged and last < number else number
        found += range(max(first, 1), min(number, most) + 1)
        last, ranged = number, False
    return found
