"""What an answer is made from, and what it is made into: the values of the generation domain.

All offsets count Unicode code points and are half open.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.language import Language, Span


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the company's knowledge; retrieved text is data, never an instruction."""

    document: str
    """Resource name of the document."""
    revision: str
    """Content hash of the document version the words come from."""
    title: str
    """Title and headings, for the model and for showing; may be empty."""
    text: str
    start: int = 0
    """Offset of `text` in the document."""


@dataclass(frozen=True, slots=True)
class Round:
    """One earlier round of the conversation."""

    customer: str
    reply: str


@dataclass(frozen=True, slots=True)
class Question:
    """Everything one answer is made from."""

    text: str
    language: Language
    """Language of the answer, ZH or EN."""
    passages: tuple[Passage, ...] = ()
    """Best first; marker `[n]` of the prompt means the n-th of these, counted from 1."""
    history: tuple[Round, ...] = ()
    """Oldest first."""
    summary: str = ""
    """What was said before `history`, at most 300 code points; empty where that is all."""
    model: str = ""
    """Name of the model that shall write; empty: whichever the settings prefer."""
    conversation: str = ""
    """What the caller calls the conversation; no part of what the answer is made from."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that supports a part of the answer."""

    index: int
    """1-based number of the citation in its answer."""
    passage: Passage
    passage_span: Span
    """The supporting words, as a part of `passage.text`."""
    answer_span: Span
    """The supported words, as a part of the answer."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One meaning that a text may have."""

    name: str
    """Its id, for programs."""
    description: str
    """What it means, in words."""
    examples: tuple[str, ...] = ()
    """Texts of this meaning."""


class Mode(StrEnum):
    """Which way an answer or a summary was made."""

    MODEL = "model"
    """A language model wrote it."""
    EXTRACTIVE = "extractive"
    """Sentences of the sources, joined; no model was involved."""
    NO_ANSWER = "no_answer"
    """Nothing was found, and the answer says so."""


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"
    """The model reached its token limit."""
    INTERRUPTED = "interrupted"
    """The provider failed after the first delta; what was sent is what there is."""
    FILTERED = "filtered"
    """The provider's content filter ended the answer."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request to a provider."""

    provider: str
    """As it is named in the settings."""
    model: str
    """The model that was asked."""
    cause: str = ""
    """Why it gave no answer, see `Cause`; empty where it wrote."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost; all counts are tokens."""

    model: str
    """Name of the model that wrote."""
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    """Of the input, what the provider served from its cache."""
    estimated: bool = False
    """The provider reported nothing, so the counts were estimated from the text."""
    price_micros: int | None = None
    """Millionths of `currency`; None where the model has no price in the settings."""
    currency: str = ""
    """ISO 4217; empty where there is no price."""

    def __add__(self, other: "Usage") -> "Usage":
        """Return what both cost, by the name of the other's model.

        A sum that leaves a price out would pass for the whole: where one has none, or another
        currency, the sum has none.
        """
        priced = self.price_micros is not None and other.price_micros is not None
        if not priced or self.currency != other.currency:
            price, currency = None, ""
        else:
            price, currency = (self.price_micros or 0) + (other.price_micros or 0), self.currency
        return Usage(
            other.model,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            estimated=self.estimated or other.estimated,
            price_micros=price,
            currency=currency,
        )


class Support(StrEnum):
    """How far the sources support a sentence."""

    SUPPORTED = "supported"
    """A source says it."""
    WEAK = "weak"
    """A source says something near it."""
    UNSUPPORTED = "unsupported"
    """No source says it."""
    NO_CLAIM = "no_claim"
    """It claims nothing: a greeting, an offer, "I do not know"."""


class Withheld(StrEnum):
    """Why words of a model were not released; the value is what callers and logs see."""

    CANARY = "canary"
    """They hold the secret mark of the prompt, in whatever form."""
    PROMPT = "prompt"
    """They repeat the prompt."""
    BANNED_PHRASE = "banned_phrase"
    """They hold a phrase that the settings ban."""
    CALL = "call"
    """They are made up as a call of an action, or say that one was carried out."""
    ROLE = "role"
    """They take on another role."""
    LANGUAGE = "language"
    """They are in another language than was asked for."""
    PERSONAL_DATA = "personal_data"
    """They hold personal data that no source has."""
    FIGURE = "unsupported_figure"
    """They hold a number, price, date or code that no source has."""
    NAME = "unsupported_name"
    """They hold a name that no source has."""
    CLAIM = "unsupported_claim"
    """They claim what no source says."""
    NO_CLAIM = "no_claim"
    """They say nothing that answers: a greeting, or the question once more."""


@dataclass(frozen=True, slots=True)
class SentenceSupport:
    """How far the sources support a sentence of an answer."""

    span: Span
    """The sentence, as a part of the answer."""
    support: Support
    overlap: float
    """Share of its content words that its sources have, weighted by rarity, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Grounding:
    """How far the sources of an answer support it."""

    sentences: tuple[SentenceSupport, ...]
    """In order."""
    withheld: Withheld | None = None
    """Why words of the model were not released; None where all were."""

    @property
    def verdict(self) -> Support:
        """SUPPORTED, WEAK or UNSUPPORTED: what the worst of its claims is."""
        found = {sentence.support for sentence in self.sentences}
        for support in (Support.UNSUPPORTED, Support.WEAK):
            if support in found:
                return support
        return Support.SUPPORTED


MAX_DELTA = 8000
"""Most code points of a delta: the contract's limit."""


@dataclass(frozen=True, slots=True)
class Delta:
    """Words to append to those already sent."""

    text: str
    citations: tuple[Citation, ...] = ()
    """What supports them, by place in the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of an answer, with everything known about it."""

    text: str
    """The deltas joined."""
    mode: Mode
    citations: tuple[Citation, ...] = ()
    finish: Finish = Finish.STOP
    usage: Usage | None = None
    """Of all attempts together; None where nothing was spent."""
    degraded_reason: str = ""
    """Why a model was wanted and did not (fully) answer; empty where nothing went wrong."""
    prompt_version: str = ""
    """Prompt file and hash, see `prompt.Prompt.version`; empty where no model was asked."""
    provider: str = ""
    """Who wrote, as it is named in the settings; empty where no model did."""
    attempts: tuple[Attempt, ...] = ()
    """Providers that were asked, in order."""
    grounding: Grounding | None = None
    """How far the sources support it; None where nothing was found to answer from."""
    shared: bool = False
    """The answer to an identical question was given; this one cost nothing."""


Event = Delta | Answer
"""What an answer is streamed as: deltas, then exactly one `Answer`."""
