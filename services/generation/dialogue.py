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


@dataclass(frozen=True, slots=True)
class Delta:
    """Words to append to those already sent."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of an answer, with everything known about it."""

    text: str
    """The deltas joined."""
    mode: Mode
    citations: tuple[Citation, ...] = ()
    finish: Finish = Finish.STOP
    usage: Usage | None = None
    """None where no model wrote."""
    degraded_reason: str = ""
    """Why a model was wanted and did not (fully) answer; empty where nothing went wrong."""
    prompt_version: str = ""
    """Prompt file and hash, see `prompt.Prompt.version`; empty where no model was asked."""


Event = Delta | Citation | Answer
"""What an answer is streamed as: deltas and citations in turn, then exactly one `Answer`."""
