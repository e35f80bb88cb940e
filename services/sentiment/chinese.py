"""Evidence in Chinese text: rated words, and how the words around them change the rating.

The method follows what VADER does for English - ratings by word, local rules for negation, degree
and contrast - with rules for what is different in Chinese: negation and degree stand in chains
whose order matters (不太好 is mild, 太不好 is not), two negations make a weak assertion, the degree
may follow (慢死了), and an accusation stays one behind 别 (别再敷衍我).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.language import fold, segment
from services.language.script import HAN
from services.sentiment.english import English
from services.sentiment.lexicon import (
    Cue,
    Hit,
    asked,
    load_ratings,
    longest_terms,
    table_rows,
)

# A rated term or modifier never has more words; 谢谢你们让我 has four.
_LONGEST_TERM = 7

# 不满意 is not as bad as 满意 is good (VADER's figure), and 不生气 is far from happy.
_NEGATED_PRAISE = -0.74
_NEGATED_BLAME = -0.45
_DOUBLY_NEGATED = 0.7
# A degree word behind the negation weakens it: 不太好, 不是很满意.
_SOFTENED = 0.65

# Unrated words between a negation or degree word and what it applies to.
_REACH = 4

_BEFORE_CONTRAST = 0.5
_AFTER_CONTRAST = 1.5

# English of this many words within a Chinese sentence is a clause of its own, of which a Chinese
# negation before it reaches the beginning alone: 不 happy with the 退款.
_ENGLISH_CLAUSE = 3
_ENGLISH_BEGINNING = re.compile(r"\S+(?:\s+\S+){0,2}")

# English that ends so turns round the Chinese behind it: I am not 满意, don't really 喜欢.
_NEGATED_ENDING = re.compile(
    r"\b(?:not|never|no|cannot|(?:do|does|did|is|are|was|were|can|could|will|would|wo|ca)n'?t)"
    r"(?:\s+(?:really|very|so|that|too|quite|even|at all))?$",
    re.IGNORECASE,
)

# Between Chinese words a blank does the work of a comma; beside Latin letters it is layout.
_PARTS = re.compile(
    rf"(?P<han>[{HAN}]+)|(?P<latin>[A-Za-z0-9][A-Za-z0-9']*(?:[ ,]+[A-Za-z][A-Za-z']*)*)"
    rf"|(?P<comma>[^\w、]*[^\w\s、][^\w、]*|(?<=[{HAN}])\s+(?=[{HAN}]))"
)
_YES_NO_QUESTION = re.compile(r"(?:吗|么|没|没有|不成|能.{0,6}不|可以.{0,8}不)\W*$")
_OPEN_QUESTION = re.compile(
    r"(?:怎么|什么|哪)(?!这么|那么|都|还|回事|破|垃圾|玩意|态度|东西|有)|怎么办|如何|多少|能不能|可不可以|有没有"
)

_NUMBER = r"[\d一二两三四五六七八九十百千几半多好数]{1,6}"
_UNIT = r"个?(?:多)?(?:天|周|星期|礼拜|月|小时|钟头|年|分钟|元|块|件|次)"
# 不满100元 is "less than", 快三天了 "almost", and 好 by itself "all right": no opinions.
_NO_OPINION = re.compile(rf"(?:不满|快)(?={_NUMBER}{_UNIT})|^\W*好\W*$")
_WAITED = re.compile(
    rf"(?:[等拖催排耗打]了|到现在)[^\W\d]{{0,3}}?{_NUMBER}{_UNIT}|[等拖]{_NUMBER}{_UNIT}[了啦]"
    rf"|{_NUMBER}{_UNIT}了?[^\W\d]{{0,4}}(?:还没|还不|都没|也没|仍未|仍没|没人)"
)
_WAITING = Hit(-1.2, frozenset({Cue.FAILURE}))
# Behind a long wait, emphatic praise is mockery: 等了三个星期,你们效率真高.
_MOCKING = re.compile(r"可?真(?:是|的是)?(?:高|快|好|棒|行|厉害|优秀|贴心|专业|负责|周到|牛)")
_WAITING_MOCKED = Hit(-1.2, frozenset({Cue.FAILURE, Cue.IRONY}))


@dataclass(slots=True)
class _Clause:
    """What was read since the last comma: the modifiers that wait for an opinion."""

    negations: int = 0
    prohibited: bool = False
    degree: float = 1.0
    softened: bool = False
    wish: float = 1.0
    want: float = 1.0
    unrated: int = 0
    last: int | None = None
    """Index of the last hit of this clause, for degree words that follow it."""

    def behind_opinion(self, last: int | None) -> "_Clause":
        """Return the state behind an opinion: modifiers are used up, a wish stays."""
        return _Clause(wish=self.wish, want=self.want, last=last)


@dataclass(slots=True)
class _Reading:
    """A sentence while it is read."""

    hits: list[Hit] = field(default_factory=list)
    clause: _Clause = field(default_factory=_Clause)


class Chinese:
    """Finds the opinions in Chinese text, and in mixed text by way of `English`."""

    def __init__(self, english: English) -> None:
        """Load the tables.

        Raises:
            ValueError: If a table is broken.
        """
        self._english = english
        self._ratings = load_ratings("lexicon_zh.tsv", " ")
        self._modifiers: dict[str, dict[str, float]] = {}
        for kind, factor, terms in table_rows("modifiers_zh.tsv"):
            table = self._modifiers.setdefault(kind, {})
            table.update(dict.fromkeys(terms.split(" "), 1.0 if factor == "-" else float(factor)))
        self._known = frozenset(self._ratings).union(*self._modifiers.values())

    @property
    def terms(self) -> int:
        """Number of rated Chinese words and phrases."""
        return sum(1 for hit in self._ratings.values() if hit.valence)

    def hits(self, text: str) -> list[Hit]:
        """Find the opinions of one sentence that holds Chinese.

        Args:
            text: NFKC text without emoji.

        Returns:
            The evidence in order, with negation, degree, contrast and questions applied.
        """
        text = _NO_OPINION.sub(" ", text)
        reading = _Reading()
        for part in _PARTS.finditer(text):
            if part.lastgroup == "han":
                self._read_chinese(reading, part.group())
            elif part.lastgroup == "latin":
                self._read_english(reading, part.group())
            elif part.lastgroup == "comma":
                reading.clause = _Clause()
        hits = reading.hits
        if _WAITED.search(text):
            hits.append(_WAITING_MOCKED if _MOCKING.search(text) else _WAITING)
        if _YES_NO_QUESTION.search(text):
            return asked(hits, closed=True)
        return asked(hits, closed=False) if _OPEN_QUESTION.search(text) else hits

    def _read_english(self, reading: _Reading, text: str) -> None:
        """Take up Latin letters: a rated abbreviation, a loan word, or a clause in English."""
        if fold(text) in self._ratings:
            self._opinion(reading, self._ratings[fold(text)])
            return
        found = self._english.hits(text)
        if text.count(" ") + 1 >= _ENGLISH_CLAUSE:
            if reading.clause.negations and self._begins_rated(text):
                self._opinion(reading, found.pop(0))
            reading.hits += found
            reading.clause = _Clause()
        else:
            for hit in found:
                self._opinion(reading, hit)
            if not found:
                reading.clause.unrated += 1
        reading.clause.negations += _NEGATED_ENDING.search(text) is not None

    def _begins_rated(self, text: str) -> bool:
        """Tell whether an opinion stands among the first words of an English clause."""
        beginning = _ENGLISH_BEGINNING.match(text)
        return beginning is not None and bool(self._english.hits(beginning.group()))

    def _read_chinese(self, reading: _Reading, text: str) -> None:
        """Take up a run of Chinese characters term by term."""
        terms = list(self._terms(fold(text)))
        for index, term in enumerate(terms):
            following = terms[index + 1] if index + 1 < len(terms) else ""
            self._read_term(reading, term, following)

    def _read_term(self, reading: _Reading, term: str, following: str) -> None:
        clause, kinds = reading.clause, self._modifiers
        rated = self._ratings.get(term)
        if term in kinds["after"] and clause.last is not None:
            hit = reading.hits[clause.last]
            reading.hits[clause.last] = hit.scaled(kinds["after"][term])
        elif term in kinds["degree"] and (rated is None or self._is_opinion(following)):
            clause.softened |= clause.negations > 0
            clause.degree *= kinds["degree"][term]
        elif term in kinds["contrast"]:
            self._contrast(reading, term)
            if rated is not None:
                self._opinion(reading, rated)
        elif term in kinds["negation"]:
            clause.negations += 1
            clause.degree *= kinds["negation"][term]
        elif term in kinds["prohibition"]:
            clause.prohibited = True
        elif term in kinds["wish"]:
            clause.wish = kinds["wish"][term]
        elif term in kinds["want"]:
            clause.want = kinds["want"][term]
        elif rated is not None and rated.valence:
            self._opinion(reading, rated)
        else:
            clause.unrated += 1
            if clause.unrated > _REACH:
                reading.clause = clause.behind_opinion(clause.last)

    def _contrast(self, reading: _Reading, term: str) -> None:
        # 就是 is "but" only behind praise (挺好的,就是慢); elsewhere it is "exactly" or "is".
        if term == "就是" and not any(hit.valence > 0 for hit in reading.hits):
            return
        reading.hits = [hit.scaled(_BEFORE_CONTRAST) for hit in reading.hits]
        reading.clause = _Clause(degree=_AFTER_CONTRAST if reading.hits else 1.0)

    def _opinion(self, reading: _Reading, rated: Hit) -> None:
        """Record a rated word as its clause changes it."""
        clause = reading.clause
        if Cue.COURTESY in rated.cues:
            reading.hits.append(rated)
            return
        hit = rated.scaled(clause.degree)
        if clause.negations:
            hit = _negated(hit, clause)
        if clause.prohibited and Cue.ACCUSE not in rated.cues:
            hit = hit.scaled(0.0)
        if not hit.heated:
            hit = hit.scaled(clause.wish * (clause.want if hit.valence > 0 else 1.0))
        reading.hits.append(hit)
        reading.clause = clause.behind_opinion(len(reading.hits) - 1)

    def _is_opinion(self, term: str) -> bool:
        rated = self._ratings.get(term)
        return bool(rated and rated.valence) or term in self._modifiers["negation"]

    def _terms(self, text: str) -> Iterator[str]:
        """Cut folded Chinese characters into rated terms, modifiers and other words."""
        pieces = segment(text)
        for start, end, term in longest_terms(pieces, self._known, _LONGEST_TERM, ""):
            if end - start > 1 or term in self._known:
                yield term
            else:
                yield from self._halves(term)

    def _halves(self, word: str) -> Iterator[str]:
        """Split a word that the dictionary holds as one: 太慢 is 太 and 慢, 优质服务 holds 优质."""
        for cut in range(len(word) - 1, 0, -1):
            halves = word[:cut], word[cut:]
            both = halves[0] in self._known and halves[1] in self._known
            if both or any(len(half) > 1 and half in self._ratings for half in halves):
                yield from halves
                return
        yield word


def _negated(hit: Hit, clause: _Clause) -> Hit:
    """Apply the negations before a word; two of them make a weak assertion."""
    if clause.negations % 2 == 0:
        return hit.scaled(_DOUBLY_NEGATED)
    factor = _NEGATED_PRAISE if hit.valence > 0 else _NEGATED_BLAME
    if clause.softened:
        factor *= _SOFTENED
    # No joy is left in 不满意, and no accusation in 不是骗子.
    return Hit(hit.valence * factor)
