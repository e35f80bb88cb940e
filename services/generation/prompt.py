"""Prompts: versioned files, and the messages that are made with them.

Instructions stand alone in the system message, the same for every request, so that providers can
cache them. Whatever a customer or a document said stands in one JSON document, each kind in its
own field: nothing written there can close its field and be read as an instruction.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.generation.dialogue import Choice, Question, Round
from services.language import Language

_DIRECTORY = Path(__file__).parent / "prompts"

# Enough to find the file among all that ever were; the field of the contract takes 64.
_HASH_DIGITS = 12

_LANGUAGE_NAMES = {Language.ZH: "Chinese (simplified)", Language.EN: "English"}

Message = dict[str, str]
"""A chat message as providers take it: `role` and `content`."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file. A change of its words is a new file: results name the one they came from."""

    name: str
    """Path below `prompts/` without its suffix, such as `answer/1`."""
    text: str
    version: str
    """Name and the first 12 hex digits of the text's SHA-256, such as `answer/1@0f3a…`."""

    @classmethod
    def load(cls, name: str) -> "Prompt":
        """Read a prompt file of this package.

        Raises:
            OSError: There is no such file.
        """
        raw = (_DIRECTORY / f"{name}.md").read_bytes()
        digest = hashlib.sha256(raw).hexdigest()[:_HASH_DIGITS]
        return cls(name, raw.decode(), f"{name}@{digest}")

    def _messages(self, data: dict[str, Any]) -> list[Message]:
        return [
            {"role": "system", "content": self.text},
            {"role": "user", "content": json.dumps(data, ensure_ascii=False)},
        ]

    def for_question(self, question: Question) -> list[Message]:
        """Return the messages that ask for an answer; passage n carries the marker `[n]`."""
        passages = [
            {"marker": f"[{number}]", "title": passage.title, "text": passage.text}
            for number, passage in enumerate(question.passages, start=1)
        ]
        return self._messages(
            {
                "conversation": [*_summary(question), *_conversation(question.history)],
                "passages": passages,
                "customer_question": question.text,
                "answer_language": _LANGUAGE_NAMES[question.language],
            }
        )

    def for_summary(self, rounds: Sequence[Round], language: Language) -> list[Message]:
        """Return the messages that ask for a summary of a conversation."""
        return self._messages(
            {
                "conversation": _conversation(rounds),
                "summary_language": _LANGUAGE_NAMES[language],
            }
        )

    def for_choice(self, text: str, choices: Sequence[Choice]) -> list[Message]:
        """Return the messages that ask which choice a text means; choices count from 1."""
        numbered = [
            {
                "number": number,
                "meaning": choice.description or choice.name,
                "examples": list(choice.examples),
            }
            for number, choice in enumerate(choices, start=1)
        ]
        return self._messages({"choices": numbered, "customer_message": text})


def _summary(question: Question) -> list[dict[str, str]]:
    # Among the rounds, as a part of them: what a customer said may be written in it.
    return [{"summary_of_earlier_rounds": question.summary}] if question.summary else []


def _conversation(rounds: Sequence[Round]) -> list[dict[str, str]]:
    return [{"customer": round_.customer, "reply": round_.reply} for round_ in rounds]
