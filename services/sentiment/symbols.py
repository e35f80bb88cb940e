"""Evidence outside the words: emoji, kaomoji, and the bracket codes of Chinese messengers."""

import re

from services.sentiment.lexicon import Hit, load_ratings

# Variation selectors, joiners and skin tones change the look of an emoji and not its mood.
_LOOKS = re.compile("[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]")

# The second of the same emoji adds half a valence, the third a third and so on: a row of twenty
# is one outburst and not twenty.
_MAX_COUNTED = 5


class Symbols:
    """Finds rated symbols in text and takes them out."""

    def __init__(self) -> None:
        """Load the table.

        Raises:
            ValueError: If the table is broken.
        """
        self._ratings = {
            _LOOKS.sub("", symbol): hit for symbol, hit in load_ratings("emoji.tsv", " ").items()
        }
        # Longer symbols come first; one of letters (T_T, :D) is no part of a word.
        alternatives = [
            rf"{'(?<![a-z0-9])' * symbol[0].isalnum()}{re.escape(symbol)}"
            rf"{'(?![a-z0-9])' * symbol[-1].isalnum()}"
            for symbol in sorted(self._ratings, key=len, reverse=True)
            if len(symbol) > 1
        ]
        single = "".join(symbol for symbol in self._ratings if len(symbol) == 1)
        self._pattern = re.compile("|".join([f"[{single}]", *alternatives]), re.IGNORECASE)

    def extract(self, text: str) -> tuple[str, list[Hit]]:
        """Separate symbols from words.

        Args:
            text: NFKC text in the customer's own capitals.

        Returns:
            The text with a blank in place of each symbol, and the evidence of the symbols.
        """
        plain = _LOOKS.sub("", text)
        counts: dict[str, int] = {}
        for symbol in self._pattern.findall(plain):
            counts[symbol.lower()] = counts.get(symbol.lower(), 0) + 1
        if not counts:
            return plain, []
        hits = [
            self._ratings[symbol].scaled(sum(1 / n for n in range(1, min(count, _MAX_COUNTED) + 1)))
            for symbol, count in counts.items()
        ]
        return self._pattern.sub(" ", plain), hits
