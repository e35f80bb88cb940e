"""Emoji that stand for words: 📦到哪了, ❌订单, can I get a 🧾."""

import re
from collections.abc import Mapping
from typing import Any

from services.language import Language, detect

# Between an emoji and the sign that asks about it.
_GAP = r"[\s\ufe0f]*"


class Pictures:
    """Names the emoji that stand for a thing or an act, in the language of the text around."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Build the patterns.

        Args:
            data: The sections `emoji`, `crosses`, `cross`, `question` and `whereabouts` of the
                noise data; each emoji with its Chinese and English name.
        """
        self._names: Mapping[str, list[str]] = data["emoji"]
        self._cross: list[str] = data["cross"]
        self._whereabouts: list[str] = data["whereabouts"]
        thing = "".join(self._names)
        question = "".join(map(re.escape, data["question"]))
        crosses = "".join(data["crosses"])
        self._picture = re.compile(
            rf"(?P<asked>[{thing}])(?:{_GAP}[{question}])+{_GAP}$"
            rf"|(?P<thing>[{thing}])|(?P<cross>[{crosses}])(?={_GAP}[\w{thing}])"
        )

    def name(self, folded: str) -> str:
        """Put words in the place of emoji.

        Args:
            folded: Folded text.

        Returns:
            The text with names, set apart by blanks, for the emoji that have one; a cross is
            "cancel" only before what it crosses out. Emoji of feeling stay.
        """
        if not self._picture.search(folded):
            return folded
        english = detect(folded) is Language.EN
        wordless = re.search(r"\w", folded) is None

        def word(found: re.Match[str]) -> str:
            if found["cross"]:
                return f" {self._cross[english]} "
            name = self._names[found["asked"] or found["thing"]][english]
            # A name that stands beside the emoji already says nothing more.
            if name in folded:
                return " "
            if not (found["asked"] and wordless):
                return f" {name} "
            where = self._whereabouts[english]
            return f" {where} {name} " if english else f" {name}{where} "

        return self._picture.sub(word, folded)
