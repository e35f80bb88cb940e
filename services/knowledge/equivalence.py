"""When two questions are the same question, so that one's answer may answer the other.

Likeness is not enough: 能退货吗 and 不能退货吗, size L and size XL, order 1001 and order 1010 lie
close together in every vector space. So nothing here measures likeness. Two questions are

- the same, when they are equal letter for letter after folding (`question_key`), or
- equivalent, when they are equal word for word, in order, after only that was taken out or
  unified which cannot change what is asked (`signature`): greetings, 吗, 请问, 怎么 for 如何,
  "how do I" for "how can I".

What is not known to be harmless stays and has to agree: every content word, number, unit, code,
sign and negation, and their order, since 卖家投诉买家 is not 买家投诉卖家.
"""

import re
from functools import lru_cache

from services.language import fold, segment

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"

_BRACKETS = re.compile(r"[“”‘\"()\[\]「」『』《》〈〉【】]")

# What divides sentences becomes one comma and stays, since 不，能退货吗 is not 不能退货吗. Between
# letters or digits (1.5, 12:30, 3~5) these marks are a part of the word, as other signs are
# everywhere: 5%, C++, -3.
_DIVIDER = re.compile(r"(?:\s*(?:[?!。、;…]|(?<![0-9a-z])[.,:~]|[.,:~](?![0-9a-z])))+\s*")
_LONE_APOSTROPHE = re.compile(r"(?<![0-9a-z])'|'(?![0-9a-z])")
_BESIDE_HAN = re.compile(rf"(?<=[{_HAN}])\s+|\s+(?=[{_HAN}])")

# 能不能 and 能 ask the same, and so do 支不支持 and 支持, 有没有 and 有.
_A_NOT_A = re.compile(rf"([{_HAN}])[不没]\1")

_GREETING = re.compile(
    r"^(?:(?:你好|您好|(?:在吗|亲)(?=,|$)|请问一下|请问|请教一下|麻烦问一下|麻烦问下|我想问一下|我想问下|我想问"
    r"|想问一下|想问下|想问|我想咨询一下|想咨询一下|咨询一下|问一下"
    r"|hi there\b|hi\b|hello\b|hey\b|excuse me\b|please tell me\b|can you tell me\b"
    r"|could you tell me\b|may i ask\b|i want to know\b|i would like to know\b)[\s,]*)+"
)
_FAREWELL = re.compile(r"[\s,]*(?:谢谢你|谢谢您|谢谢|多谢|感谢|thank you|thanks|please)$")

# Each pair asks the same in every question; what merely asks something similar is not here.
_SAME_WORDS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\bhow (?:do|can|could) i\b|\bhow to\b", "how"),
        (r"^(?:could|may) i\b", "can i"),
        (r"\b(what|where|when|who|how|it|that|there)'s\b", r"\1 is"),
        (r"\bcan ?not\b|\bcan't\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"\b(do|does|did|is|are|was|were|has|have|had|could|would|should)n't\b", r"\1 not"),
        ("什么时候|啥时候|几时", "何时"),
        ("哪里|哪儿|何处", "哪里"),
        ("为什么|为啥|为何", "为什么"),
    )
]
_SAME_WORD = {
    "如何": "怎么",
    "怎样": "怎么",
    "咋": "怎么",
    "能": "可以",
    "能够": "可以",
    "能否": "可以",
    "可否": "可以",
    "您": "你",
    "您们": "你们",
    "a": "the",
    "an": "the",
    "my": "the",
}
"""Words that ask the same. Articles become one word and do not vanish: in "plan a" the a is a name
and stands elsewhere than the article of "a plan"."""

_EMPTY = frozenset(
    {
        "的",
        "吗",
        "呢",
        "啊",
        "呀",
        "嘛",
        "哦",
        "哈",
        "呗",
        "请",
        "是否",
        "一下",
    }
)
"""Words that change nothing wherever they stand."""

_ASKING = frozenset(
    {
        "怎么",
        "可以",
        "何时",
        "哪里",
        "为什么",
        "什么",
        "多少",
        "多久",
        "几",
        "谁",
        "吧",
        "了",
        "我",
        "你",
        "how",
        "what",
        "when",
        "where",
        "why",
        "who",
        "which",
        "can",
        "do",
        "does",
        "is",
        "are",
        "the",
        "i",
        "you",
        "to",
    }
)
"""Words that alone are no question: 怎么呢 has no answer."""


_NEGATIONS = frozenset(
    {
        "不",
        "没",
        "没有",
        "不能",
        "不会",
        "不是",
        "不可以",
        "不可",
        "不要",
        "不用",
        "无",
        "无法",
        "未",
        "别",
        "非",
        "不行",
        "不了",
        "not",
        "no",
        "never",
        "without",
        "cannot",
        "cant",
        "dont",
        "doesnt",
        "didnt",
        "isnt",
        "wont",
        "havent",
        "hasnt",
    }
)


def question_key(question: str) -> str:
    """Return the form in which two writings of the same question are equal.

    Width, case, traditional and simplified characters, blanks beside Chinese characters and
    sentence marks do not count. What is left may be hashed, never shown.

    Args:
        question: The customer's words, or an FAQ's.

    Returns:
        The key; empty where the text has neither letter nor digit.
    """
    plain = _plain(question)
    return plain if any(map(str.isalnum, plain)) else ""


def signature(question: str) -> str:
    """Return the form in which two equivalent questions are equal.

    Args:
        question: The customer's words, or an FAQ's.

    Returns:
        Its words in order, joined by blanks; empty where it has no content word, so that it is
        equivalent to nothing.
    """
    plain = question_key(question)
    trimmed = _FAREWELL.sub("", _GREETING.sub("", plain))
    trimmed = _A_NOT_A.sub(r"\1", trimmed)
    for pattern, replacement in _SAME_WORDS:
        trimmed = pattern.sub(replacement, trimmed)
    pieces = [piece for piece in segment(trimmed) if not piece.isspace()]
    found = [_SAME_WORD.get(piece, piece) for piece in pieces if piece not in _EMPTY]
    # The customer is who asks, said or not; anywhere else 我 tells who does what to whom.
    if found[:1] == ["我"]:
        del found[0]
    has_content = any(piece[0].isalnum() and piece not in _ASKING for piece in found)
    return " ".join(found) if has_content else ""


@lru_cache(maxsize=4096)  # the FAQ's own questions come again with every search
def negated(text: str) -> bool:
    """Say whether a text is negated an odd number of times; 能不能 and 有没有 negate nothing."""
    found = segment(_A_NOT_A.sub(r"\1", fold(text).replace("\u2019", "'")))
    count = sum(piece in _NEGATIONS or piece.endswith("n't") for piece in found)
    return count % 2 == 1


def _plain(question: str) -> str:
    text = _BRACKETS.sub(" ", fold(question).replace("\u2019", "'"))
    text = _DIVIDER.sub(",", _LONE_APOSTROPHE.sub(" ", text)).strip(" ,")
    return _BESIDE_HAN.sub("", " ".join(text.split()))
