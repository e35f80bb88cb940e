"""How far the sources of an answer support each of its sentences."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from services.generation.agreement import Claim, claim
from services.generation.dialogue import (
    Citation,
    Grounding,
    Passage,
    Question,
    SentenceSupport,
    Support,
    Withheld,
)
from services.generation.figures import Figures, figures
from services.generation.proper_names import proper_names, quoted_words
from services.generation.relevance import COURTESY, content_words, courteous, word_list
from services.generation.restating import introduces, restates
from services.generation.sources import Comparison, Match, Source, passage_source, source
from services.language import Language, detect, fold, sentences, words

SUPPORTED = 0.7
"""From here on a source says it. Chosen with `LINE`."""

LINE = 0.5
"""Default of the line below which a sentence is not released. See docs/decisions.md for the figures
that it was chosen on."""

_STOP = word_list("stopwords.txt")

# "I do not know": such a sentence may repeat what was asked for, and claims nothing. It is about
# knowing alone: 无法退货 and "we do not have delivery" are claims.
_ADMITS = re.compile(
    r"不(?:太|是很)?(?:知道|清楚|确定|了解)"
    r"|(?:没有?|未能?|无法|不能)(?:(?:为|给|向|替)[您你])?"
    r"(?:找到|查到|查询|确认|确定|回答|解答|答复|判断|核实|得知|告知|提及|说明)"
    r"|(?:没有|未)(?:相关|提到|包含|关于|说明)"
    r"|(?:没有|未|无法|不能)[^,;:。!?]{0,12}(?:说明|信息|资料|介绍|答案)"
    r"|\b(?:do not|don't|not|cannot|can't|could not|couldn't|unable to|no) "
    r"(?:\w+ )?(?:know|sure|certain|find|found|confirm|say|tell|answer|mention|information|details"
    r"|specify|mentioned|specified)"
    r"|\b(?:do not|don't|cannot|can't|could not|couldn't|unable to|not able to) (?:have|provide) "
    r"(?:\w+ ){0,3}(?:information|details|answers?|data)"
    r"|\b(?:information|documentation|documents?|passages?|materials?|text|articles?|sources?) "
    r"(?:\w+ )?(?:do|does|did) not (?:\w+ )?cover|\bno (?:\w+ )?(?:information|details|mention)\b"
)
# What a service asks back for.
_ASKED_FOR = frozenset(
    {
        "订单", "订单号", "单号", "号码", "手机号", "手机", "电话", "邮箱", "商品",
        "产品", "型号", "名称", "款",
        "order", "number", "phone", "email", "product", "model", "name",
    }
)  # fmt: skip
_ASKS = re.compile(r"[?？]\s*$|[吗呢]\s*[?？。]?$")

# An English sentence has so many words of the stop list; one in French or German has hardly any.
_ENGLISH_SHARE = 0.12
_ENGLISH_WORDS = 4
_PREPOSITIONS = frozenset(
    {
        "after", "before", "within", "during", "until", "since", "per", "each", "all", "only",
        "more", "less", "up", "out", "over", "under",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a sentence of an answer is worth."""

    support: Support
    overlap: float = 0.0
    passages: tuple[Passage, ...] = ()
    """Those that support it, for its citations."""
    problem: Withheld | None = None
    """Why it must not be released."""
    admits: bool = False
    """Whether it says that something is not known."""
    quoted: bool = False
    """Whether the passages say it word for word."""


class Sources:
    """All that one answer may be made from."""

    def __init__(self, question: Question) -> None:
        self._question = question

    async def prepare(self) -> None:
        """Prepare the passages, a millisecond for some hundred characters, one at a time.

        Meant for the time until a model's first word; what is not prepared then is so when it is
        needed.
        """
        for each in self._question.passages:
            passage_source(each.title, each.text)
            await asyncio.sleep(0)

    @cached_property
    def _passages(self) -> list[Source]:
        return [passage_source(each.title, each.text) for each in self._question.passages]

    # What was said is prepared only where the passages do not do: most answers never need it.

    @cached_property
    def _replies(self) -> list[Source]:
        return [source("", each.reply) for each in self._question.history if each.reply.strip()]

    @cached_property
    def _said(self) -> list[str]:
        # Of the rounds that were too many, the summary has the order numbers.
        rounds = (each.customer for each in self._question.history)
        return [self._question.text, self._question.summary, *rounds]

    @cached_property
    def _asked(self) -> frozenset[str]:
        return frozenset().union(
            *(each.own for each in source("", "\n".join(self._said)).sentences)
        )

    @cached_property
    def _said_figures(self) -> list[Figures]:
        # The customer's own words are a source of figures and names even where they give orders.
        return [figures(each) for each in self._said]

    @cached_property
    def _said_folded(self) -> str:
        return fold("\n".join(self._said))

    def judge(self, sentence: str, cited: Sequence[Passage], line: float = LINE) -> Judgement:
        """Say what a sentence is worth.

        Args:
            sentence: One sentence of the answer, without markers.
            cited: Passages that the model cites for it; it may also have cited none.
            line: Least overlap of a sentence that may be released.
        """
        quoted = self._quoted(sentence, cited)
        own = Figures() if quoted else figures(sentence)
        if self._lacks(own, self._passages) and self._lacks(own, [*self._passages, *self._replies]):
            return Judgement(Support.UNSUPPORTED, problem=Withheld.FIGURE)
        admits = _ADMITS.search(fold(sentence)) is not None
        restated = restates(sentence)
        if self._claims_nothing(sentence, admits or restated) or self._leads_in(sentence):
            # "You asked whether there is no ..." admits nothing.
            return Judgement(Support.NO_CLAIM, admits=admits and not restated)
        if quoted:
            support = Support.NO_CLAIM if restated else Support.SUPPORTED
            return Judgement(support, 1.0, quoted, quoted=True)
        foreign = self._foreign(sentence, cited)
        if not foreign and not self._names_hold(sentence):
            return Judgement(Support.UNSUPPORTED, problem=Withheld.NAME)
        found = self._weigh(sentence, own, cited)
        if foreign and found.support is not Support.SUPPORTED:
            found = self._taken_at_its_word(own, foreign, found.overlap)
        elif found.problem is None and found.overlap < line:
            return Judgement(Support.UNSUPPORTED, found.overlap, problem=Withheld.CLAIM)
        # In a passage's words a question is still no answer.
        return Judgement(Support.NO_CLAIM) if restated and found.problem is None else found

    def excuses(self, judgement: Judgement, *, answered: bool) -> bool:
        """Whether a sentence may be in another language than the question's.

        Names stand as they are in a passage in the question's language. A passage in another one
        is quoted as it is, behind words in the question's or where no passage has any.

        Args:
            judgement: What the sentence is worth.
            answered: Whether the answer has claimed something before it.
        """
        fitting = (self._question.language, Language.MIXED)
        if judgement.support is not Support.SUPPORTED:
            return False
        if any(self._source_of(each).language in fitting for each in judgement.passages):
            return True
        if not judgement.quoted:
            return False
        return answered or not any(each.language in fitting for each in self._passages)

    def holds(self, value: str) -> bool:
        """Whether a value stands in a source, however it is spaced and written."""
        wanted = _squeezed(value)
        return any(wanted in _squeezed(text) for text in self._texts())

    def said_before(self, sentence: str) -> bool:
        """Whether an earlier reply said so: what it reports an action did."""
        if not self._replies:
            return False
        compared = Comparison(claim(sentence), self._replies)
        return any(
            each.overlap >= SUPPORTED and not compared.contradicted(place)
            for place, each in enumerate(compared.found)
        )

    def _claims_nothing(self, sentence: str, about_the_asked: bool) -> bool:
        """Whether nothing is said beside courtesy and, where that may be, what was asked."""
        rest = _beside_courtesy(sentence)
        if rest and (about_the_asked or _ASKS.search(sentence)):
            rest -= _ASKED_FOR | self._asked
        return not rest

    def _leads_in(self, sentence: str) -> bool:
        """Whether a sentence only names what follows it, in words of the question or a passage."""
        if not introduces(sentence):
            return False
        said = (one.terms for each in self._passages for one in each.sentences)
        return not _beside_courtesy(sentence) - self._asked.union(*said)

    def _quoted(self, sentence: str, cited: Sequence[Passage]) -> tuple[Passage, ...]:
        """Return the passages that say a sentence word for word: all that are cited, or the first.

        What a source says so it says: there is nothing to compare.
        """
        folded = fold(sentence)
        if cited:
            held = all(folded in self._source_of(each).wordings for each in cited)
            return tuple(cited) if held else ()
        for passage, each in zip(self._question.passages, self._passages, strict=True):
            if folded in each.wordings:
                return (passage,)
        return ()

    def _foreign(self, sentence: str, cited: Sequence[Passage]) -> tuple[Passage, ...]:
        """Return the cited passages where they are in another language than a fitting sentence."""
        wanted = self._question.language
        other = Language.ZH if wanted is Language.EN else Language.EN
        if any(self._source_of(each).language is not other for each in cited):
            return ()
        if not cited or detect(sentence) is not wanted:
            return ()
        return tuple(cited) if wanted is Language.ZH or reads_as_english(sentence) else ()

    def _names_hold(self, sentence: str) -> bool:
        """Whether the sources have its names, and what stands in quotation marks in it."""
        return all(map(self._named, proper_names(sentence))) and all(
            map(self.holds, quoted_words(sentence))
        )

    def _named(self, name: str) -> bool:
        if not name.isascii():
            return any(name in text for text in self._texts())
        whole = re.compile(rf"(?<![a-z0-9]){re.escape(name)}")
        return any(whole.search(text) for text in self._texts())

    def _texts(self) -> Iterator[str]:
        """Return all texts, those first that most likely hold what is looked for."""
        yield from (each.folded for each in self._passages)
        yield self._said_folded
        yield from (each.folded for each in self._replies)

    def _weigh(self, sentence: str, own: Figures, cited: Sequence[Passage]) -> Judgement:
        """Compare with the cited passages; where they do not say it, with each source."""
        made = claim(sentence)
        found = self._compared(made, own, [(each, self._source_of(each)) for each in cited])
        if found.support is Support.SUPPORTED:
            return found
        passages = zip(self._question.passages, self._passages, strict=True)
        best = self._best(made, own, list(passages)) or found
        if best.support is not Support.SUPPORTED and self._replies:
            replied = self._best(made, own, [(None, each) for each in self._replies])
            best = max(best, replied or best, key=_worth)
        # A marker at the wrong passage is mended only where another passage clearly says it.
        if best.support is Support.SUPPORTED or not cited:
            return best
        return found

    def _best(
        self, made: Claim, own: Figures, held: list[tuple[Passage | None, Source]]
    ) -> Judgement | None:
        """Compare with each of some sources alone; None where there are none.

        What says most and says nothing else is the best. So most sources need not be asked whether
        they say otherwise.
        """
        compared = [
            (place, Comparison(made, [source]))
            for place, (_, source) in enumerate(held)
            if not self._lacks(own, [source])
        ]
        compared.sort(key=lambda each: -each[1].overlap)
        for place, each in compared:
            if not each.contradicted(0) and not each.adds:
                return _judged(each, [held[place][0]])
        refused = [self._compared(made, own, [each]) for each in held]
        return max(refused, key=_worth, default=None)

    def _compared(
        self, made: Claim, own: Figures, held: list[tuple[Passage | None, Source]]
    ) -> Judgement:
        """Compare with some sources together."""
        if not held:
            return Judgement(Support.UNSUPPORTED, problem=Withheld.CLAIM)
        sources = [each for _, each in held]
        if self._lacks(own, sources):
            # It stands in another source, about something else.
            return Judgement(Support.UNSUPPORTED, problem=Withheld.FIGURE)
        compared = Comparison(made, sources)
        if compared.contradicted(compared.nearest):
            return Judgement(Support.UNSUPPORTED, compared.overlap, problem=Withheld.CLAIM)
        return _judged(compared, [passage for passage, _ in held])

    def _taken_at_its_word(
        self, own: Figures, cited: tuple[Passage, ...], overlap: float
    ) -> Judgement:
        """Judge a sentence in another language than its passages: only figures can be compared."""
        if self._lacks(own, [self._source_of(each) for each in cited]):
            return Judgement(Support.UNSUPPORTED, overlap, problem=Withheld.FIGURE)
        return Judgement(Support.WEAK, overlap, cited)

    def _lacks(self, own: Figures, sources: Sequence[Source]) -> bool:
        """Whether a figure stands neither in one of the sources nor in what the customer said."""
        found = [each.figures for each in sources]
        return own.missing_in(found) and own.missing_in([*found, *self._said_figures])

    def _source_of(self, passage: Passage) -> Source:
        return self._passages[self._question.passages.index(passage)]


def _judged(compared: Comparison, passages: Sequence[Passage | None]) -> Judgement:
    """Return what a claim is worth that the sources do not contradict."""
    nearest = compared.found[compared.nearest]
    saying = tuple(
        passage
        for passage, each in zip(passages, compared.found, strict=True)
        if passage is not None and _says(each, nearest)
    )
    # As good as its worst clause, where a company draws its line above nothing.
    overlap = 0.0 if compared.adds else compared.overlap
    return Judgement(Support.SUPPORTED if overlap >= SUPPORTED else Support.WEAK, overlap, saying)


def _beside_courtesy(sentence: str) -> set[str]:
    return {word for word in content_words(sentence) if not courteous(word)}


def _worth(judgement: Judgement) -> tuple[bool, float]:
    return judgement.problem is None, judgement.overlap


def _says(each: Match, nearest: Match) -> bool:
    """Whether a passage has a share in what is said: at least half of the nearest one's."""
    return each.overlap > 0 and each.overlap >= nearest.overlap / 2


@lru_cache(maxsize=64)
def reads_as_english(text: str) -> bool:
    """Whether a text in Latin script may be English, as its common words tell; short ones may."""
    own = words(text)
    common = sum(word in _STOP or word in COURTESY or word in _PREPOSITIONS for word in own)
    return len(own) < _ENGLISH_WORDS or common >= _ENGLISH_SHARE * len(own)


def _squeezed(text: str) -> str:
    return "".join(filter(str.isalnum, fold(text)))


def of_extraction(text: str, citations: Sequence[Citation]) -> Grounding:
    """Return the grounding of an extractive answer: its quotations are supported, all else is lead.

    Args:
        text: The answer.
        citations: One a quotation, by place.
    """
    first = citations[0].answer_span.start if citations else len(text)
    lead = [SentenceSupport(each, Support.NO_CLAIM, 0.0) for each in sentences(text[:first])]
    quotes = [SentenceSupport(each.answer_span, Support.SUPPORTED, 1.0) for each in citations]
    return Grounding((*lead, *quotes))
