"""Evidence in English text: VADER with the vocabulary of customer service.

Source: Hutto & Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
Media Text", ICWSM 2014. VADER's rules for negation, degree, capitals and "but" are used as they
are; its ratings are corrected where customers do not write like tweets ("please cancel my credit
card" is no praise), and phrases are read as one word ("never arrived").
"""

import re
from collections.abc import Callable

from vaderSentiment.vaderSentiment import (
    BOOSTER_DICT,
    SentimentIntensityAnalyzer,
    SentiText,
)

from services.sentiment.lexicon import Cue, Hit, asked, load_ratings, longest_terms

_WORD = re.compile(r"[^\W_]+(?:['/&-][^\W_]+|(?<=\d)\.\d+)*")
_ELONGATED = re.compile(r"([a-z])\1{2,}", re.IGNORECASE)

# "Great, another delay": praise as an opener, set off by a comma, before a complaint.
_OPENER = re.compile(
    r"\W{0,9}(?:oh |well |wow )?"
    r"(?:great|wonderful|perfect|fantastic|lovely|awesome|brilliant|nice|wow)\s*,",
    re.IGNORECASE,
)

# Without a question mark, "do not buy" and "is awful" must not pass for questions.
_SUBJECT = r"(?:i|you|we|they|he|she|it|there|this|that|the|my|your|our|a|an|any|these|those)"
_VERB = r"(?:can|could|do|does|did|is|are|was|were|will|would|may|has|have|should)"
_CLOSED_QUESTION = re.compile(
    r"\W{0,9}(?:(?:and|but|so|hi|hello|hey|if|what if|what happens)\W{1,9})*"
    rf"{_VERB}\s+{_SUBJECT}\b"
    rf"|\W{{0,9}}(?:if|what if|what happens|{_VERB})\b(?!').*\?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_OPEN_QUESTION = re.compile(
    r"\W{0,9}(?:(?:and|but|so|hi|hello|hey)\W{1,9})*(?:how|what|where|when|who|which)\s+"
    rf"(?:(?:\w+\s+){{0,2}}{_VERB}|long|much|many|won)\b"
    r"|\W{0,9}(?:how|what|where|when|who|which)'s\b",
    re.IGNORECASE,
)

# The strongest praise comes in the words of a refusal.
_NEVER_ENOUGH = re.compile(
    r"\b(?:can'?t|cannot|could\s?n'?t)\s+(?:recommend|thank|praise)\b[^.!?,]{0,40}?\benough\b",
    re.IGNORECASE,
)
_NEVER_ENOUGH_TERM = "can't thank you enough"

# A text in capitals throughout shouts as much as one word in capitals among others.
_SHOUTING = 1.25
_SHOUTING_WORDS = 3


# VADER's rule for "but" is quadratic in the words; no sentence that a person wrote is longer.
_WORDS_AT_ONCE = 200


class _Vader(SentimentIntensityAnalyzer):  # type: ignore[misc]
    """VADER that hands out the valence of each word in place of the finished score."""

    def score_valence(self, sentiments: list[float], text: str) -> list[tuple[str, float]]:
        """Pair each word of `text` with its valence; VADER calls this as its last step."""
        return list(zip(SentiText(text).words_and_emoticons, sentiments, strict=True))


class English:
    """Finds the opinions in English text."""

    def __init__(self) -> None:
        """Load VADER's ratings and ours.

        Raises:
            ValueError: If the table is broken.
        """
        # A word and its variants without an apostrophe are one: don't, dont.
        ratings = load_ratings("lexicon_en.tsv", "; ")
        self._ratings = {_plain(term): hit for term, hit in ratings.items()}
        self._longest = max(term.count(" ") + 1 for term in self._ratings)
        vader = _Vader()
        for term, hit in self._ratings.items():
            token = term.replace(" ", "_")
            vader.lexicon.pop(token, None)
            if hit.valence:
                vader.lexicon[token] = hit.valence
        self._lexicon: dict[str, float] = vader.lexicon
        self._score: Callable[[str], list[tuple[str, float]]] = vader.polarity_scores

    @property
    def terms(self) -> int:
        """Number of rated words and phrases, VADER's and ours."""
        return len(self._lexicon)

    def hits(self, text: str) -> list[Hit]:
        """Find the opinions of a sentence, or of an English part of one.

        Args:
            text: NFKC text without emoji, in the customer's own capitals.

        Returns:
            The evidence in order; VADER's rules are already applied to the valences.
        """
        text = _NEVER_ENOUGH.sub(_NEVER_ENOUGH_TERM, text)
        words = [part for word in _WORD.findall(text) for part in self._shortened(word)]
        plain = [_plain(word) for word in words]
        tokens = [
            term.replace(" ", "_") if end - start > 1 else words[start]
            for start, end, term in longest_terms(plain, self._ratings, self._longest, " ")
        ]
        hits = [
            hit
            for start in range(0, len(tokens), _WORDS_AT_ONCE)
            for token, valence in self._score(" ".join(tokens[start : start + _WORDS_AT_ONCE]))
            if (hit := self._hit(token, valence)) is not None
        ]
        if len(words) >= _SHOUTING_WORDS and text.isupper():
            hits = [hit.scaled(_SHOUTING) for hit in hits]
        if _CLOSED_QUESTION.match(text):
            return asked(hits, closed=True)
        if _OPEN_QUESTION.match(text):
            return asked(hits, closed=False)
        return _sarcastic_opener(text, hits)

    def _shortened(self, word: str) -> list[str]:
        """Undo elongation: soooo is so; baaaad is bad, said with emphasis."""
        if not _ELONGATED.search(word):
            return [word]
        for times in (r"\1", r"\1\1"):
            shorter = _ELONGATED.sub(times, word)
            if shorter.lower() in BOOSTER_DICT:
                return [shorter]
            if shorter.lower() in self._lexicon:
                return ["so", shorter]
        return [_ELONGATED.sub(r"\1", word)]

    def _hit(self, token: str, valence: float) -> Hit | None:
        rated = self._ratings.get(_plain(token.replace("_", " ")))
        if rated is None:
            return Hit(valence) if valence else None
        if token.lower() in BOOSTER_DICT:
            # An expletive: VADER only lets it strengthen others, yet by itself it is anger too.
            return rated
        # VADER adds degree words even to a word that we rated 0.
        return Hit(valence, rated.cues) if rated.valence and valence else None


def _plain(term: str) -> str:
    return term.lower().replace("'", "")


def _sarcastic_opener(text: str, hits: list[Hit]) -> list[Hit]:
    """Turn the praise of an opener round where all that follows is negative."""
    if not hits or not _OPENER.match(text):
        return hits
    praise, rest = hits[0], hits[1:]
    if praise.valence <= 0 or sum(hit.valence for hit in rest) >= 0:
        return hits
    return [Hit(-praise.valence / 2, praise.cues | {Cue.IRONY}), *rest]
