"""The characters of a text file: UTF-8, else Chinese GB18030 where that is certain."""

import codecs
import re

from services.knowledge.conversion.limits import UnreadableFile
from services.knowledge.document import normalise

READ_AS_GB18030 = "the file is not UTF-8; it was read as GB18030 (GBK)"
"""Said of a document, so that its owner looks at it."""

_FREQUENT = frozenset(
    "的一是不了在有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学"
    "可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手用主行方又如前所本见经头面公"
    "同三已老从动两长知样现分将外但身些与高意进把法此实回二理定新请您内或货退品款单价号元送间期"
)
"""Frequent characters of Chinese text, general and of shops: a third of any page. Text of another
encoding that happens to be valid GB18030 has a tenth at the most."""

_CERTAIN_SHARE = 0.2
_CERTAIN_CHARACTERS = 8
"""Share of frequent ones among the Chinese characters, and number of these, from which on a text
is Chinese."""

_HAN = re.compile("[\u4e00-\u9fff]")
_FOREIGN = re.compile(
    "[^\0-\x7f\u4e00-\u9fff\u3000-\u303f\uff00-\uffef\u2010-\u203b\u00b7°×÷±℃①-⑳ⅠⅡⅢⅣⅤ]"
)
_MOST_FOREIGN = 0.02
"""Share of other characters than Chinese and its punctuation up to which a text is Chinese."""

_BINARY = re.compile("[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
"""Control characters other than tab, line feed, form feed, return; they do not occur in text."""


def decoded(content: bytes, declared: str = "") -> tuple[str, tuple[str, ...]]:
    """Decode a file.

    Args:
        content: Its bytes, with or without a byte order mark.
        declared: The encoding that it names itself, as HTML does; used where it is not UTF-8.

    Returns:
        Its text, normalised, and what its owner should know.

    Raises:
        UnreadableFile: it is binary, or of an encoding that cannot be told.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableFile("not UTF-8: the file is UTF-16; save it as UTF-8")
    if b"\0" in content:
        raise UnreadableFile("binary: the file is not text")
    notes: tuple[str, ...] = ()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text, notes = _foreign(content, declared, error.start)
    if found := _BINARY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UnreadableFile(f"binary: a control character in line {line}; the file is not text")
    return normalise(text), notes


def _foreign(content: bytes, declared: str, wrong: int) -> tuple[str, tuple[str, ...]]:
    """Decode a file that is not UTF-8 from byte `wrong` on."""
    try:
        # Those who declare GB2312 mean its successor, as browsers know.
        name = codecs.lookup(declared).name if declared else ""
        if name and name not in ("utf-8", "ascii"):
            name = "gb18030" if name in ("gb2312", "gbk") else name
            return content.decode(name), (f"the file is not UTF-8; it was read as {name}",)
    except (LookupError, UnicodeDecodeError):
        pass
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    if _is_chinese(text):
        return text, (READ_AS_GB18030,)
    line = content.count(b"\n", 0, wrong) + 1
    raise UnreadableFile(f"not UTF-8: line {line}, byte {wrong}; save the file as UTF-8")


def _is_chinese(text: str) -> bool:
    """Say whether a decoded text is surely Chinese, rather than bytes that happen to fit."""
    han = _HAN.findall(text)
    frequent = sum(character in _FREQUENT for character in han)
    foreign = len(_FOREIGN.findall(text))
    return (
        len(han) >= _CERTAIN_CHARACTERS
        and frequent >= _CERTAIN_SHARE * len(han)
        and foreign <= _MOST_FOREIGN * len(han)
    )
