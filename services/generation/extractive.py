"""An answer without a model: the sentences of the passages that answer, joined and cited.

It is deterministic, takes about a millisecond and adds no statement of its own: whatever it
says stands in a passage.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from string import ascii_letters, digits

from services.generation.citations import MARKER
from services.generation.dialogue import Answer, Citation, Delta, Event, Mode, Passage, Question
from services.generation.grounding import of_extraction
from services.generation.instructions import addresses_model
from services.generation.markdown import pieces
from services.generation.relevance import (
    SNIPPET_LIMIT,
    coverage,
    stem,
    terms,
    weights,
    word_list,
)
from services.language import Language, Span, detect, sentences

# More sentences make a search result out of an answer.
_SENTENCES = 3

# The weights and limits below were chosen on 248 questions about the sample shop and 160 about
# other businesses, each with the five nearest passages of the shop however far they were: 15 of
# the first are refused, and 28 of the others are answered.

# What a sentence must reach, of 1 for its own words and half for its passage's. Customers wrap
# their question in words that no document holds, so it is well below the whole.
_ENOUGH = 0.55

# Further sentences must be half as good as the best one.
_NEARLY = 0.5

# A sentence below a fitting heading answers without repeating the heading's words.
_CONTEXT_SHARE = 0.6

# Between similar sentences the passage decides that has more to do with the question.
_PASSAGE_SHARE = 0.5

# The ranking of the retrieval and the order of the text decide between equals.
_RANK_PENALTY = 0.06
_PLACE_PENALTY = 0.01
_FIGURE_BONUS = 0.15

# Sentences looked at, so that 20 long passages do not cost more than a model would.
_CANDIDATES = 120

_HEADING = re.compile(r"^\s*#")
_ASKS = re.compile(r"[?？]\s*$")
_LEADS_IN = re.compile(r"[:：]\W*$")
_COMPLETE = re.compile(r"[。！？!?.…；;:：]['\"”’」』）)\]]*$")

# What stood before a marker and after it: "until 6 p.m. [1]." ends with one stop.
_MARKED_STOP = re.compile(rf"(?<=[.。！？!?]){MARKER.pattern}[ \t]*[.。]")

# Where a sentence that is too long may be cut; 1,299 is one number.
_PAUSE = re.compile(r"\s+|[，、；：]|[,;:](?!\d)")
_LATIN = ascii_letters + digits + ",.%"
_CUT = "…"

# They say how a customer feels, not what she asks.
_COMPLAINTS = frozenset(map(stem, word_list("complaints.txt")))

_NUMERAL = r"[\d一二两三四五六七八九十半]"
_FIGURES = (
    (
        re.compile(r"多久|多长时间|几天|几小时|什么时候|何时|期限|how long|how many|when\b", re.I),
        re.compile(
            rf"{_NUMERAL}\s*个?(?:工作日|天|日|小时|分钟|周|星期|月|年)"
            r"|\d+\s*(?:(?:working|business)\s+)?(?:minute|hour|day|week|month|year)",
            re.I,
        ),
    ),
    (
        re.compile(r"多少钱|费用|运费|收费|价格|贵|how much|\bcost|price|\bfees?\b|charge", re.I),
        re.compile(
            rf"{_NUMERAL}\s*(?:元|块|%|折)|[¥$€£]\s*\d|\d\s*(?:yuan|CNY|RMB)|免费|\bfree\b", re.I
        ),
    ),
)
"""What a question may ask for, and what a sentence that answers it then holds."""

_OPENING = {Language.ZH: "您好，为您查到：", Language.EN: "Here is what I found: "}
_FOREIGN = {
    Language.ZH: "您好，目前只查到英文说明：",
    Language.EN: "I only found this in Chinese: ",
}
_NOTHING = {
    Language.ZH: (
        "抱歉，现有资料中没有找到这个问题的答案。"
        "您可以换个说法再问一次，也可以让我为您转接人工客服。"
    ),
    Language.EN: (
        "I'm sorry, I could not find an answer to this in our documentation. "
        "You can ask in other words, or I can connect you to a colleague."
    ),
}
_STOP = {Language.ZH: "。", Language.EN: "."}


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence that might answer."""

    rank: int
    passage: Passage
    span: Span
    words: str
    """The sentence as a customer reads it."""
    language: Language
    own: frozenset[str]
    """Its content words."""
    context: frozenset[str]
    """Content words of the title and of the headings, questions and lead-in above it."""


def answer(question: Question) -> Iterator[Event]:
    """Answer from the passages alone.

    Yields:
        One delta a sentence, each with its citation, and the `Answer` at the end: mode
        EXTRACTIVE, or NO_ANSWER where nothing in the passages has to do with the question.
    """
    question = replace(question, text=_asked(question.text))
    writer = _Writer()
    candidates = list(_candidates(question.passages))
    chosen = _choose(question, candidates) or _foreign(question, candidates)
    native = any(candidate.language is question.language for candidate in chosen)
    opening = _OPENING if native else _FOREIGN if chosen else _NOTHING
    yield writer.say(opening[question.language])
    for candidate in chosen:
        yield writer.quote(candidate)
    mode = Mode.EXTRACTIVE if chosen else Mode.NO_ANSWER
    grounding = of_extraction(writer.text, writer.citations) if question.passages else None
    yield Answer(writer.text, mode, tuple(writer.citations), grounding=grounding)


def _asked(text: str) -> str:
    """Return what is asked, without orders to a model that would drown it."""
    spans = [span.of(text) for span in sentences(text)]
    return " ".join(each for each in spans if not addresses_model(each)) or text


class _Writer:
    """Puts the answer together and keeps count of its offsets."""

    def __init__(self) -> None:
        self.text = ""
        self.citations: list[Citation] = []

    def say(self, words: str) -> Delta:
        if self.text and self.text[-1].isascii() and not self.text[-1].isspace():
            words = " " + words
        self.text += words
        return Delta(words)

    def quote(self, candidate: _Candidate) -> Delta:
        words = candidate.words
        if not _COMPLETE.search(words):
            words += _STOP[candidate.language]
        said = self.say(words)
        end = len(self.text)
        citation = Citation(
            len(self.citations) + 1,
            candidate.passage,
            candidate.span,
            Span(end - len(words), end),
        )
        self.citations.append(citation)
        return replace(said, citations=(citation,))


def _candidates(passages: tuple[Passage, ...]) -> Iterator[_Candidate]:
    count = 0
    for rank, passage in enumerate(passages):
        context, lead = terms(passage.title), frozenset[str]()
        for piece in pieces(passage.text):
            words = MARKER.sub("", _MARKED_STOP.sub("", piece.words))
            own = terms(words)
            if _HEADING.search(piece.span.of(passage.text)) or _ASKS.search(words):
                context, lead = context | own, frozenset()
                continue
            if _LEADS_IN.search(words):
                # What follows it answers; by itself it says nothing.
                lead = own
                continue
            if not own or addresses_model(piece.words):
                continue
            end = piece.span.start + _cut_at(piece.span.of(passage.text))
            if (cut := _cut_at(words)) < len(words):
                words = words[:cut] + _CUT
            language = Language.ZH if detect(words) in _CHINESE else Language.EN
            span = Span(piece.span.start, end)
            yield _Candidate(rank, passage, span, words, language, own, context | lead)
            count += 1
            if count == _CANDIDATES:
                return


def _cut_at(text: str) -> int:
    """Return how much of a sentence is short enough, up to the last pause or word's end."""
    if len(text) <= SNIPPET_LIMIT:
        return len(text)
    longest = SNIPPET_LIMIT - len(_CUT)
    pauses = [each.start() for each in _PAUSE.finditer(text, 0, SNIPPET_LIMIT + 1)]
    near = [each for each in pauses if longest / 2 <= each <= longest]
    # A text without pauses near the limit is Chinese, or no text. Half a number misinforms.
    return near[-1] if near else len(text[:longest].rstrip(_LATIN)) or longest


_CHINESE = (Language.ZH, Language.MIXED)


def _choose(question: Question, candidates: list[_Candidate]) -> list[_Candidate]:
    """Pick the sentences that answer, in the question's language where there are any.

    All come from one passage: joined, sentences of two may say what neither says.
    """
    scored = _score(question, candidates)
    native = [entry for entry in scored if entry[2].language is question.language]
    scored = sorted(native or scored, key=lambda entry: (-entry[0], entry[1]))
    chosen: list[tuple[int, _Candidate]] = []
    for score, place, candidate in scored:
        best_score, _, best = scored[0]
        if len(chosen) == _SENTENCES or score < _NEARLY * best_score:
            break
        if candidate.rank == best.rank and not any(_repeats(candidate, kept) for _, kept in chosen):
            chosen.append((place, candidate))
    return [candidate for _, candidate in sorted(chosen, key=lambda entry: entry[0])]


def _score(question: Question, candidates: list[_Candidate]) -> list[tuple[float, int, _Candidate]]:
    """Return score, place and sentence for those that have to do with the question."""
    held = [candidate.own | candidate.context for candidate in candidates]
    weighed = weights(question.text, held).items()
    wanted = {term: weight for term, weight in weighed if term not in _COMPLAINTS}
    passages: dict[int, frozenset[str]] = {}
    for candidate, own in zip(candidates, held, strict=True):
        passages[candidate.rank] = passages.get(candidate.rank, frozenset()) | own
    shares = {rank: _PASSAGE_SHARE * coverage(wanted, own) for rank, own in passages.items()}
    figures = [holds for asks, holds in _FIGURES if asks.search(question.text)]
    scored = []
    for place, candidate in enumerate(candidates):
        score = coverage(wanted, candidate.own) + shares[candidate.rank]
        score += _CONTEXT_SHARE * coverage(wanted, candidate.context - candidate.own)
        if score < _ENOUGH:
            continue
        score += _FIGURE_BONUS * any(holds.search(candidate.words) for holds in figures)
        score -= _RANK_PENALTY * candidate.rank + _PLACE_PENALTY * place / len(candidates)
        scored.append((score, place, candidate))
    return scored


def _repeats(one: _Candidate, other: _Candidate) -> bool:
    shared = len(one.own & other.own)
    return shared >= 0.7 * len(one.own | other.own)


def _foreign(question: Question, candidates: list[_Candidate]) -> list[_Candidate]:
    """Return the best passage's beginning where nothing is written in the question's language.

    Words of two languages cannot be compared, so the retrieval's ranking has to be believed.
    """
    if any(candidate.language is question.language for candidate in candidates):
        return []
    return [candidate for candidate in candidates if candidate.rank == 0][: _SENTENCES - 1]
