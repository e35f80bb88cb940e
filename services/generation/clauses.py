"""The clauses of a sentence, and what each of them denies."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from services.generation.figures import Number, numbers
from services.generation.numerals import with_digits
from services.generation.relevance import content_words, terms
from services.language import fold

# Figures are compared as figures, by who compares: as words 9:00 and 9 am, 10 USD and $10 differ.
_CURRENCY = "(?:usd|rmb|cny|eur|gbp|hkd|jpy)"
_FIGURE = re.compile(
    rf"(?:\b{_CURRENCY} ?)?(?<![\w-])\d+(?:[.,:~/-]\d+)*"
    rf"(?:(?![\w-])(?: ?[ap]\.?m\b\.?| {_CURRENCY}\b)?|(?=[ap]\.?m\b))",
    re.ASCII,
)

# What spares the reader something (无需, 不收) says no other thing than 免 and "free".
_NEGATION = re.compile(
    r"不(?!仅|但|过|错|同|断|久|妨|管|论|满意?\d|足|收|用|需|当|影响|例外|喜欢)|没(?!问题)|(?<!从)未"
    r"|勿|禁止|谢绝|除外|无(?!理由|需|须|论|线|忧|障碍|条件|限)"
    r"|\b(?:not(?! matter)|no|never|cannot|[a-z]+n't(?! matter)"
    r"|without(?! (?:giving |stating )?(?:a |any )?reason)|unable|except|missing|none|nothing)\b"
    r"|\bnon(?=-)"
)
_BOUNDARY = re.compile(
    r"[,，;；:：、。！？!?()（）]|\.(?=\s|$)|\b(?:but|although|while|unless|if|when)\b|但是?|除非|的话|如果"
    r"|\b(?:or|and)\b(?= (?:(?:is |are |do |does |can)?(?:not|no|never|nothing|none)"
    r"|you|we|it|they|there|your|our)\b)"
)

# What stands before a list holds for each of it: "does not cover drops, scratches".
_LIST = re.compile(
    r"不(?:能|可|再)?(?:包括|包含|含|支持|适用|用于|提供|属于)[^,;:。!?]*、[^,;:。!?]*"
)

# In English commas part the list, and what stands behind the first one is as much denied.
_ENGLISH_LIST = re.compile(
    r"\b(?:not|cannot|never|[a-z]+n't) (?:[\w'-]+ ){0,5}[\w'-]+"
    r"(?:, (?!(?:but|so|and it|which|who|when|if|unless|it|you|we|they|there)\b)"
    r"(?:(?:or|and) )?(?:[\w'-]+ ){0,5}[\w'-]+)+(?=[.;:!?]|$)"
)

# "Unused goods", 没发货的订单, 发货前: a case is told apart by it, nothing is denied.
_YET = (
    r"(?<!从)未(?!能|必|找到|查到|提)(?P<yet>[^,;:、。!?的\s]{2})"
    r"|\bun(?P<un>used|opened|worn|paid|washed)\b"
)
_TOLD_APART = re.compile(
    rf"{_YET}|(?:还没有?|没有?|尚未|不(?!当))(?P<zh>[^,;:、。!?的\s]{{1,6}})(?=的(?!$|[哦呢呀啊话,;。!?]))"
    r"|(?P<before>(?![提目以之])[\u4e00-\u9fff]{2})[之以]?前(?![面台往后])"
    r"|\bbefore (?:the |it (?:is |has been ))?(?P<en_before>\w+)"
    r"|\b(?:what|that|which|who) (?:cannot|can't|(?:is|are|was|were|has|have|do|does)(?: not|n't))"
    r"(?: be(?:en)?)? (?P<en>\w+)"
)
_NOT_YET = re.compile(_YET)
_REFERS = re.compile(r"[它其该此]|\b(?:it|they|this|these|one)\b")
_USED = re.compile(r"(?:使用|用)(?:过|了)(?:的|$)?|用过")


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause, in terms that can be compared."""

    terms: frozenset[str]
    """Without negations and figures."""
    lacking: frozenset[str]
    """Of the terms, those that its subject is told apart by not being: used, of "unused goods"."""
    not_yet: frozenset[str]
    """Of these, what has not happened to it: used, but not the box of 没有包装盒的."""
    denies: bool
    """Whether it denies something: two negations affirm."""
    leading: str
    """Its first content word, mostly what it is about; empty where it has none."""
    refers: bool
    """Whether what it is about stands elsewhere: "it", 其."""
    numbers: frozenset[Number]
    """With a unit."""

    def agrees(self, other: "Clause") -> bool:
        """Whether both affirm or both deny, where they have the same words.

        To say it of what is unused and to deny it of what is used is the same.
        """
        turned = bool(self.terms & other.lacking - self.lacking)
        turned ^= bool(self.lacking & other.terms - other.lacking)
        return (self.denies == other.denies) is not turned


def comparable(text: str) -> str:
    """Return folded text without its numbers, however they are written; codes stay."""
    return _FIGURE.sub(" ", with_digits(fold(text)))


def denies(text: str) -> bool:
    """Whether a text denies something: two negations affirm."""
    return len(_NEGATION.findall(fold(text))) % 2 == 1


@lru_cache(maxsize=64)
def clauses(sentence: str) -> tuple[Clause, ...]:
    """Take a sentence apart; a list that is denied counts whole, too."""
    lists = [replace(_clause(piece), denies=True) for piece in _LIST.findall(fold(sentence))]
    return (*map(_clause, split(sentence)), *lists)


def split(sentence: str) -> list[str]:
    """Return the clauses of a sentence, folded."""
    text = _ENGLISH_LIST.sub(lambda found: found[0].replace(",", ""), fold(sentence))
    return [piece for piece in _BOUNDARY.split(text) if piece.strip()]


def _clause(text: str) -> Clause:
    text = _USED.sub("使用的", text)
    rest, lacking, not_yet = text, frozenset[str](), frozenset[str]()
    if _TOLD_APART.search(text):
        lacking, not_yet = _told(_TOLD_APART, text), _told(_NOT_YET, text)
        rest = _TOLD_APART.sub(lambda found: f" {found[found.lastgroup or 0]} ", text)
    said = _NEGATION.sub(" ", comparable(rest))
    return Clause(
        terms(said),
        lacking,
        not_yet,
        denies(rest),
        _leading(said),
        _REFERS.search(text) is not None,
        frozenset(each for each in numbers(with_digits(fold(text))) if each.unit),
    )


def _told(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    found = (terms(match[match.lastgroup or 0]) for match in pattern.finditer(text))
    return frozenset().union(*found)


def _leading(text: str) -> str:
    found = [(text.find(word), word) for word in content_words(text)]
    return min(found, default=(0, ""))[1]
