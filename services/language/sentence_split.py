"""Sentences of Chinese and English text with their places in it."""

import re
from dataclasses import dataclass

from services.language.script import HAN


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text, half open, counted in Unicode code points."""

    start: int
    """Offset of the first code point."""
    end: int
    """Offset behind the last code point."""

    def of(self, text: str) -> str:
        """Return the stretch of `text` that this span covers."""
        return text[self.start : self.end]


_CLOSING = "\"'”’」』）)】》\\]"

# An emoji behind the mark comments on what was said before it, not on what follows.
_EMOJI = "\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff"

_MARK = re.compile("[。！？!?…；;｡.\n]")

# A full stop ends a sentence only before white space, an emoji, a Chinese character or the end,
# so that 3.5, example.com and v2.0 stay whole. The other marks end one wherever they stand.
_ENDS = (
    rf"(?:[。！？!?…；;｡]|\.(?=[\s.{_CLOSING}{HAN}{_EMOJI}]|$))+[。！？!?…；;｡.]*[{_CLOSING}]*"
    rf"(?:[ ~～]*[{_EMOJI}]+)*|\n+"
)
_END = re.compile(_ENDS)

# Inside an address, from its sign on (://, www., .tld/), marks end nothing: https://a.cn/r?x=1;y.
# RFC 3986 allows brackets and quotes as well, but in a text they close what stands around it. The
# last character is no mark: what stands behind an address ends the sentence.
_ADDRESS = (
    r"(?:(?<=[A-Za-z])://|(?<![A-Za-z0-9])www\.|(?<=[A-Za-z0-9])\.[A-Za-z]{2,24}(?::[0-9]{1,5})?/)"
    r"[A-Za-z0-9_/%=&#~+@$.,:?!;*-]*[A-Za-z0-9_/%=&#~+@$-]"
)
# HTML has 2,231 of them; any word would be too much: "AT&T; others".
_ENTITY = (
    "&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|nbsp|amp|lt|gt|quot|apos|copy|reg|trade|hellip|[mn]dash"
    "|middot|bull|[lr][ds]quo|[lr]aquo|ensp|emsp|thinsp|times|divide|plusmn|deg|yen|euro|pound|cent"
    "|frac(?:12|14|34)|sup[23]|le|ge|ne|[lr]arr|zwn?j|shy|sect|para|iexcl|iquest);"
)
_END_OR_WHOLE = re.compile(f"(?P<whole>{_ADDRESS}|{_ENTITY})|{_ENDS}")

# Half of all texts hold none of these, and are searched for their ends alone.
_SIGNS_OF_WHOLE = ("/", "&", "www.")

_ABBREVIATION = re.compile(
    r"(?:^|[^a-z])(?:mr|mrs|ms|dr|prof|st|vs|no|inc|ltd|co|approx|etc|e\.g|i\.e|a\.m|p\.m|u\.s"
    r"|[a-z])\.$",
    re.IGNORECASE,
)

# These end sentences as well, hence only before what goes on with one. Days and months have a
# capital: "sun", "sat" and "mar" are words.
_BEFORE_MORE = re.compile(
    r"(?:^|[^A-Za-z])(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct"
    r"|Nov|Dec|(?i:tel|ext|figs?|sec|min|max|hrs?|mins|avg|est|qty|vol|ave|blvd|apt|dept|jr|sr"
    r"|incl|excl|pp?))\.$"
)
_MORE = re.compile(r"[ \t]*(?:[-–—~&]|[+(]?[0-9a-z])")

# The longest abbreviation with its stop and the character before it; looking further back would
# make a text of nothing but stops quadratic.
_ABBREVIATION_WINDOW = 8

_HAS_WORD = re.compile(r"\w")


def sentences(text: str) -> list[Span]:
    """Split text at 。！？；…!?;. and line breaks, but not inside addresses and entities.

    What is added to a text changes no sentence but its last. A piece without any letter or digit
    (an emoji, a lone "!!") belongs to the sentence before it, or after it where it comes first.
    Spans carry no surrounding white space and are in order, disjoint and never empty.

    Args:
        text: Any text, not folded, so that the spans are valid in what the customer wrote.

    Returns:
        One span a sentence; together they cover everything but white space. Empty for blank text.
    """
    spans: list[Span] = []
    start, last = 0, len(text.rstrip())
    pattern = _END_OR_WHOLE if any(map(text.__contains__, _SIGNS_OF_WHOLE)) else _END
    for match in pattern.finditer(text):
        end = match.end()
        if match.lastgroup or (match.group() == "." and _abbreviates(text, start, end, last)):
            continue
        _append(spans, text, start, end)
        start = end
    _append(spans, text, start, len(text))
    return spans


def holds_end(text: str) -> bool:
    """Whether a sentence may end in a text: false where `sentences` finds one at most."""
    return _MARK.search(text) is not None


def _abbreviates(text: str, start: int, end: int, last: int) -> bool:
    """Whether a full stop that ends at `end` is an abbreviation's and the sentence goes on."""
    if end >= last:
        return False
    word = text[max(start, end - _ABBREVIATION_WINDOW) : end]
    return bool(
        _ABBREVIATION.search(word) or (_MORE.match(text, end) and _BEFORE_MORE.search(word))
    )


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if not stripped:
        return
    start += len(piece) - len(piece.lstrip())
    end = start + len(stripped)
    # Only the very first piece can be one without a word; then the second joins it.
    if spans and not (_HAS_WORD.search(stripped) and _HAS_WORD.search(spans[-1].of(text))):
        spans[-1] = Span(spans[-1].start, end)
    else:
        spans.append(Span(start, end))
