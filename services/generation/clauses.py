"""The clauses of a sentence, and what each of them denies."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from services.generation.figures import UNIT, Number, numbers
from services.generation.numerals import with_digits
from services.generation.relevance import content_words, stem, terms
from services.generation.same_words import in_same_words
from services.language import fold

# Figures are compared as figures, by who compares: as words 9:00 and 9 am, 10 USD and $10 differ.
_CURRENCY = "(?:usd|rmb|cny|eur|gbp|hkd|jpy)"
_NUMBER = rf"(?:\b{_CURRENCY} ?)?(?<![\w-])\d+(?:[.,:~/-]\d+)*"
_BEHIND = rf" ?[ap]\.?m\b\.?| {_CURRENCY}\b"
_AM = r"(?=[ap]\.?m\b)"
_FIGURE = re.compile(rf"{_NUMBER}(?:(?![\w-])(?:{_BEHIND})?|{_AM})", re.ASCII)
_FIGURE_AND_UNIT = re.compile(
    rf"{_NUMBER}(?:(?![\w-])(?:{_BEHIND}|{UNIT})?|{_AM}|{UNIT})", re.ASCII
)

# What spares the reader something (无需, 不收) says no other thing than 免 and "free".
_NEGATION = re.compile(
    r"不(?!仅|但|过|错|同|断|久|妨|管|论|满意?\d|足|收|用|需|当|影响|例外|喜欢)|没(?!问题)|(?<!从)未"
    r"|勿|禁止|停止|暂停|谢绝|除外|无法|无(?!理由|需|须|论|线|忧|障碍|条件|限)"
    r"|\b(?:not(?! matter)|no|never|cannot|[a-z]+n't(?! matter)"
    r"|without(?! (?:giving |stating )?(?:a |any )?reason)|unable|except|missing|none|nothing"
    r"|neither|nor|(?:paus|stopp?|suspend)(?:s|es|ed|ing)?)\b"
    r"|\bnon(?=-)"
)
_BOUNDARY = re.compile(
    r"(?<!\d),|,(?! ?\d)|[，;；:：、。！？!?)）]|[(（](?![^)）]*\d)|\.(?=\s|$)"
    r"|\b(?:but|although|while|unless|if|when)\b|(?<=[a-z]) and (?=\d+ [a-z])|但是?|除非|的话|如果"
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

_NEITHER = re.compile(r"\bneither\b([^,;:.!?]*)\bnor\b")

# "Unused goods", 没发货的订单, 发货前: a case is told apart by it, nothing is denied.
_YET = (
    r"(?<!从)未(?!能|必|找到|查到|提)(?P<yet>[^,;:、。!?的\s](?=的)|[^,;:、。!?的\s]{2})"
    r"|\bun(?P<un>used|opened|worn|paid|washed)\b"
)
_TOLD_APART = re.compile(
    rf"{_YET}|(?:还没有?|没有?|尚未|不(?!当))(?P<zh>[^,;:、。!?的\s]{{1,6}})(?=的(?!$|[哦呢呀啊话,;。!?]))"
    r"|(?P<before>(?![提目以之])[\u4e00-\u9fff]{2})[之以]?前(?![面台往后])"
    r"|\bbefore (?:the |it (?:is |has been ))?(?P<en_before>[a-z]\w*)"
    r"|\b(?:what|that|which|who) (?:cannot|can't|(?:is|are|was|were|has|have|do|does)(?: not|n't))"
    r"(?: be(?:en)?)? (?P<en>\w+)"
)
_NOT_YET = re.compile(_YET)
_REFERS = re.compile(r"[它其该此]|\b(?:it|they|this|these|one)\b")
_USED = re.compile(r"(?:使用|用)(?:过|了)(?:的|$)?|用过")

# What is said of the subject of the clause before: "... are deleted and cannot be restored".
_GOES_ON = re.compile(
    r"^\s*(?:也|且|但|还|都|并|而且|就)*(?:不|没|无|未|可|能|须|需|免)"
    r"|^\s*(?:(?:and|or|but|then|also) )*(?:is|are|was|were|can(?:not)?|do|does|will|must|may|not"
    r"|has|have|could|should|without|[a-z]+n't)\b"
)
_NEED_SIGNS = ("需", "须", "要求", "不用", "不必", "need", "requir", "must", "necessary")
_NEEDED = re.compile(r"需要?|必须|须|要求|\b(?:need(?:s|ed)?|requires?d?|must|necessary)\b")
_SPARED = re.compile(
    r"[不无]需要?|无须|不用|不必|\b(?:no|not|never|without|[a-z]+n't)\b[^,;:.!?]{0,30}"
    r"\b(?:need(?:ed|ing|s)?|requir(?:ed?|ing)|necessary)\b|\bneed not\b"
)
_OPPOSITES_ZH = (
    ("偏大|大一[码号]|更大|加大", "偏小|小一[码号]|更小"),
    ("至少|最少|不少于|以上|超过|高于|大于", "最多|至多|不超过|以下|低于|少于|小于"),
    ("之前|以前|提前|早于", "之后|以后|晚于|推迟"),
    ("增加|提高|延长", "减少|降低|缩短"),
)
_OPPOSITES_EN = (
    ("at least|(?:more|larger|higher|longer) than|or more|above",
     "at most|up to|(?:less|fewer|smaller|lower) than|or less|below"),
    ("high", "low"),
    ("larger|bigger|size up", "smaller|size down"),
    ("before", "after"),
)  # fmt: skip


def _grouped(pairs: Iterable[tuple[str, str]]) -> str:
    return "|".join(f"({one})|({other})" for one, other in pairs)


_SIDES = re.compile(rf"{_grouped(_OPPOSITES_ZH)}|\b(?:{_grouped(_OPPOSITES_EN)})\b")
_DIGIT = re.compile(r"\d")
_SUPPOSES = ("如果", "if", "when", "unless")
_THINGS = re.compile(
    r"(?<![\w.,-])(?P<count>\d{1,9})(?: (?P<en>[a-z]{3,})|(?P<zh>[\u4e00-\u9fff]))"
)


THING = "#"
"""Before the word that a number counts, where that is no unit."""


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
    """With a unit, or with the word that they count: 12 instalments."""
    about: frozenset[str]
    """Terms of the clause that has its subject, where it has none of its own."""
    needs: bool | None
    """Whether something is needed; False where it is said not to be, None where neither is said."""
    supposes: bool
    """Whether it tells of a case and states nothing: "if it is faulty"."""
    sides: frozenset[int]
    """Which of two opposites it has: odd numbers, and the next one for the other of the pair."""

    def agrees(self, other: "Clause") -> bool:
        """Whether both affirm or both deny, where they have the same words.

        To say it of what is unused and to deny it of what is used is the same.
        """
        turned = bool(self.terms & other.lacking - self.lacking)
        turned ^= bool(self.lacking & other.terms - other.lacking)
        return (self.denies == other.denies) is not turned


def opposite(side: int) -> int:
    """Return the other side of a pair of `Clause.sides`."""
    return side + 1 if side % 2 else side - 1


def comparable(text: str) -> str:
    """Return folded text without its numbers, in words that are the same for the same.

    Codes stay.
    """
    return _FIGURE.sub(" ", _plain(text))


def denies(text: str) -> bool:
    """Whether a text denies something: two negations affirm."""
    return len(_NEGATION.findall(fold(text))) % 2 == 1


# The same sentence is asked for as a whole, by its clauses and by its lists.
@lru_cache(maxsize=64)
def _plain(text: str) -> str:
    return with_digits(in_same_words(fold(text)))


@lru_cache(maxsize=64)
def clauses(sentence: str) -> tuple[Clause, ...]:
    """Take a sentence apart; a list that is denied counts whole, too."""
    lists = [replace(_clause(piece), denies=True) for piece in _LIST.findall(_plain(sentence))]
    found: list[Clause] = []
    subject: Clause | None = None
    for piece, opening in _pieces(sentence):
        clause = _clause(piece, opening)
        if subject is None or not _GOES_ON.search(piece):
            subject = clause
        elif clause.denies or clause.needs is not None or not subject.denies:
            # What may be done in place of what is denied says nothing of that.
            clause = replace(clause, about=subject.terms)
        found.append(clause)
    return (*found, *lists)


def split(sentence: str) -> list[str]:
    """Return the clauses of a sentence, folded and in the same words for the same."""
    return [piece for piece, _ in _pieces(sentence)]


def _pieces(sentence: str) -> Iterator[tuple[str, str]]:
    """Return each clause and what parts it from the one before."""
    text = _plain(sentence)
    text = _NEITHER.sub(r"not\1or", text)
    text = _ENGLISH_LIST.sub(lambda found: found[0].replace(",", ""), text)
    at, opening = 0, ""
    for boundary in _BOUNDARY.finditer(text):
        if piece := text[at : boundary.start()].strip():
            yield piece, opening
            opening = ""
        at = boundary.end()
        opening = boundary[0] if boundary[0] in _SUPPOSES or not opening else opening
    if piece := text[at:].strip():
        yield piece, opening


def _clause(text: str, opening: str = "") -> Clause:
    text = _USED.sub("使用的", text)
    rest, lacking, not_yet = text, frozenset[str](), frozenset[str]()
    if _TOLD_APART.search(text):
        lacking, not_yet = _told(_TOLD_APART, text), _told(_NOT_YET, text)
        rest = _TOLD_APART.sub(lambda found: f" {found[found.lastgroup or 0]} ", text)
    counts = _DIGIT.search(text) is not None
    said, denied = _NEGATION.subn(" ", _FIGURE_AND_UNIT.sub(" ", rest) if counts else rest)
    return Clause(
        terms(said),
        lacking,
        not_yet,
        denied % 2 == 1,
        _leading(said),
        _REFERS.search(text) is not None,
        frozenset(_counts(text)) if counts else frozenset(),
        frozenset(),
        _needs(text),
        opening in _SUPPOSES or text.endswith(("时", "时候", "情况下")),
        frozenset(match.lastindex or 0 for match in _SIDES.finditer(text)),
    )


def _needs(text: str) -> bool | None:
    if not any(map(text.__contains__, _NEED_SIGNS)):
        return None
    return False if _SPARED.search(text) else True if _NEEDED.search(text) else None


def _counts(text: str) -> Iterator[Number]:
    known = [each for each in numbers(text) if each.unit]
    yield from known
    values = {each.value for each in known}
    for match in _THINGS.finditer(text):
        count, thing = Decimal(match["count"]).normalize(), match["zh"] or stem(match["en"])
        if count not in values:
            yield Number(count, THING + thing)


def _told(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    found = (terms(match[match.lastgroup or 0]) for match in pattern.finditer(text))
    return frozenset().union(*found)


def _leading(text: str) -> str:
    # The stem of "brought" stands nowhere in it.
    found = [(place, word) for word in content_words(text) if (place := text.find(word)) >= 0]
    return min(found, default=(0, ""))[1]
