"""Releases a model's words sentence by sentence, each once it has passed its checks."""

import re
from dataclasses import replace
from functools import partial

from services.generation.citations import CitationReader
from services.generation.dialogue import (
    MAX_DELTA,
    Citation,
    Delta,
    Grounding,
    Passage,
    Question,
    SentenceSupport,
    Support,
    Withheld,
)
from services.generation.grounding import Judgement, Sources
from services.generation.leftovers import says, tidied
from services.generation.markdown import Unmarked, unmarked
from services.generation.prompt import Prompt
from services.generation.relevance import supporting_span
from services.generation.screening import Checks, strays
from services.language import Language, Span, fold, holds_end, sentences

_NO_MORE = {
    Language.ZH: "其余部分我暂时无法确认，建议您联系人工客服。",
    Language.EN: "I cannot confirm more than this; a colleague can help you with the rest.",
}

# The contract's limits.
_SENTENCES = 200
_CITATIONS = 100

# "Do this: 1." is where a list with stops behind its numbers is cut.
_ITEM = re.compile(r"(?:^|(?<=[:：]))\s*\(?(\d{1,2})[.)]$")

# A line of its own that is marked as one names what follows it, as a line with a colon does.
_NO_STOP = r"[^*_\n:：。.!?！？]"
_HEADING = re.compile(
    rf"#{{1,6}}[ \t][^\n]*{_NO_STOP}|\*\*[^*\n]*{_NO_STOP}\*\*|__[^_\n]*{_NO_STOP}__"
)

_ENDS = tuple("。！？!?.…；;｡\"'”’」』）)】》]\n")


class Releaser:
    """Takes a model's text piece by piece and gives back what a customer may see.

    However the text is cut into pieces, the same sentences are released, and what was released is
    never taken back. At the first sentence that fails a check all ends: what follows was built on
    it. Greetings, and the question said once more, wait for the first sentence that a source
    supports: where none comes, nothing is released, unless it is admitted that something is not
    known.
    """

    def __init__(self, question: Question, prompt: Prompt, checks: Checks) -> None:
        self._question = question
        self._prompt = prompt
        self._checks = checks
        self._sources = Sources(question)
        self._reader = CitationReader(question.passages)
        self._read = 0
        self._fed = False
        self._waiting_text = ""
        self._waiting_citations: list[Citation] = []
        self._said: set[str] = set()
        self._item = 0
        self._number = ""
        self._claimed = False
        self._weighed: list[SentenceSupport] = []
        self.text = ""
        """What was released: all deltas joined."""
        self.citations: list[Citation] = []
        """Of what was released, by place."""
        self.withheld: Withheld | None = None
        """Why nothing more is released; None while all is well."""
        self.admits = False
        """Whether a sentence says that something is not known."""

    async def prepare(self) -> None:
        """Do beforehand what the first sentence would wait for, see `Sources.prepare`."""
        await self._sources.prepare()

    def feed(self, piece: str) -> list[Delta]:
        """Take the next piece and return what can be released: whole sentences."""
        if self.withheld:
            return []
        self._fed = True
        self._reader.feed(piece)
        rest = self._reader.text[self._read :]
        # The last one may go on, or get a marker yet.
        return self._take(sentences(rest)[:-1]) if holds_end(rest) else []

    def close(self, *, complete: bool) -> list[Delta]:
        """Return what was outstanding.

        Args:
            complete: Whether the model came to its end. Otherwise half a sentence is dropped: its
                last number may be half of one.
        """
        if self.withheld:
            return []
        self._reader.close()
        rest = self._reader.text[self._read :]
        spans = sentences(rest)
        if spans and not complete and not spans[-1].of(rest).endswith(_ENDS):
            spans.pop()
        released = self._take(spans)
        if self._number and not self.withheld:
            self._judge(self._number, [])
        if self._read and not self._claimed and not self.admits:
            self.withheld = self.withheld or Withheld.NO_CLAIM
        return released if self.withheld else [*released, *self._flush()]

    def end_early(self) -> Delta:
        """Add to an answer whose rest was withheld that no more is certain."""
        words = _NO_MORE[self._question.language]
        if self.text[-1].isascii():
            words = " " + words
        start = len(self.text)
        self.text += words
        span = Span(start + len(words) - len(words.lstrip()), len(self.text))
        self._weighed.append(SentenceSupport(span, Support.NO_CLAIM, 0.0))
        return Delta(words)

    @property
    def begun(self) -> bool:
        """Whether it was fed anything."""
        return self._fed

    @property
    def grounding(self) -> Grounding:
        """How far what was released is supported."""
        released = [each for each in self._weighed if each.span.end <= len(self.text)]
        return Grounding(tuple(released[:_SENTENCES]), self.withheld)

    @property
    def claims(self) -> bool:
        """Whether anything that was released claims something."""
        return self._claimed

    def _take(self, spans: list[Span]) -> list[Delta]:
        released: list[Delta] = []
        offset = self._read
        for each in spans:
            released += self._next(Span(offset + each.start, offset + each.end))
            if self.withheld:
                break
        return released

    def _next(self, span: Span) -> list[Delta]:
        """Check the next sentence and return it, if nothing has to be waited for."""
        marks = self._reader.take(span)
        words = unmarked(self._reader.text[self._read : span.end])
        shift = len(self.text) + len(self._waiting_text)
        places = [words.at(mark.at - self._read) for mark in marks]
        tidy = tidied(words.text, places, first=not shift)
        moved = partial(_moved, steps=(words, tidy), start=self._read)
        whole = moved(span)
        sentence = whole.of(tidy.text)
        if tidy.removed and not says(sentence):
            # All it said was where to look: "See [1]."
            self._read = span.end
            return []
        heading = _HEADING.fullmatch(self._reader.text, span.start, span.end)
        sentence = f"{sentence}:" if heading else sentence
        claimed = self._without_item(sentence)
        if (said := fold(claimed).strip()) in self._said:
            # Small models turn in circles; once is enough.
            self._read = span.end
            return []
        cited = []
        for each in self._reader.cite(span, marks):
            claim = moved(each.answer_span)
            claim = claim if says(claim.of(tidy.text)) else whole
            cited.append(replace(each, answer_span=_shifted(claim, shift)))
        judgement = self._judge_item(sentence, claimed, [each.passage for each in cited])
        if self.withheld:
            return []
        if said:
            self._said.add(said)
        place = _shifted(whole, shift)
        self._read = span.end
        self._waiting_text += tidy.text
        self.admits |= judgement.admits
        self._weighed.append(SentenceSupport(place, judgement.support, judgement.overlap))
        if judgement.support is not Support.NO_CLAIM:
            self._claimed = True
            self._waiting_citations += self._cite(place, sentence, judgement, cited)
        # The number of an item waits for the item.
        return self._flush() if self._claimed and claimed else []

    def _without_item(self, sentence: str) -> str:
        """Return a sentence without the number of the next item of a list that it ends with.

        Only a number that is one more than the last, or a first one, counts a list's items: any
        other is a figure of the answer.
        """
        item = _ITEM.search(sentence)
        if item is None or int(item[1]) not in (1, self._item + 1):
            return sentence
        self._item = int(item[1])
        return sentence[: item.start()]

    def _judge_item(self, sentence: str, claimed: str, cited: list[Passage]) -> Judgement:
        """Judge a sentence; `claimed` is the same without the number of an item at its end.

        A number counts items only behind words that claim nothing, and before an item that claims
        something: "The fee is: 1." and "How many? 1. Thanks." are answers.
        """
        if not claimed:
            self._number = sentence
            return Judgement(Support.NO_CLAIM)
        number, self._number = self._number, ""
        judgement = self._judge(claimed, cited)
        if not self.withheld and judgement.support is Support.NO_CLAIM:
            if number:
                self._judge(number, [])
        elif not self.withheld and claimed != sentence:
            return self._judge(sentence, cited)
        return judgement

    def _judge(self, sentence: str, cited: list[Passage]) -> Judgement:
        before = self.text + self._waiting_text
        self.withheld = self._checks.problem(self._prompt, before, sentence, self._sources)
        if self.withheld:
            return Judgement(Support.UNSUPPORTED, problem=self.withheld)
        judgement = self._sources.judge(sentence, cited, self._checks.line)
        self.withheld = judgement.problem
        if strays(sentence, self._question.language) and not self._sources.excuses(
            judgement, answered=self._claimed
        ):
            self.withheld = Withheld.LANGUAGE
        return judgement

    def _cite(
        self, place: Span, sentence: str, judgement: Judgement, cited: list[Citation]
    ) -> list[Citation]:
        """Return the citations that hold; a supported sentence without one gets its own."""
        kept = [each for each in cited if each.passage in judgement.passages]
        if not kept and judgement.support is Support.SUPPORTED:
            kept = [
                Citation(0, each, supporting_span(each.text, sentence), place)
                for each in judgement.passages[:1]
            ]
        first = len(self.citations) + 1
        numbered = [
            replace(each, index=number)
            for number, each in enumerate(kept[: _CITATIONS + 1 - first], first)
        ]
        self.citations += numbered
        return [*numbered]

    def _flush(self) -> list[Delta]:
        words, self._waiting_text = self._waiting_text, ""
        citations, self._waiting_citations = tuple(self._waiting_citations), []
        self.text += words
        released = [Delta(words[at : at + MAX_DELTA]) for at in range(0, len(words), MAX_DELTA)]
        return [*released[:-1], replace(released[-1], citations=citations)] if released else []


def _moved(span: Span, steps: tuple[Unmarked, ...], start: int) -> Span:
    """Return where a span of the model's text is in a sentence that was made readable in steps."""
    ends = [span.start - start, span.end - start]
    for step in steps:
        ends = [step.at(end) for end in ends]
    return Span(*ends)


def _shifted(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)
