"""One form for all ways to write the same thing, so that texts can be compared."""

import unicodedata
from functools import lru_cache

import opencc

# "tw2s" is "t2s" plus the variants of Taiwan: plain "t2s" leaves 著急 (simplified 着急) alone.
# It keeps simplified text as it is, and the 著 of 著名, which is right in both scripts.
_SIMPLIFIED = opencc.OpenCC("tw2s")

# What copying from a web page leaves inside words: zero-width spaces, soft hyphens, marks of
# direction. Joiners and variation selectors stay, for emoji are made with them. Phones and models
# write don\u2019t where a keyboard writes don't.
_OTHERWISE: dict[int, str | None] = {
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff")),
    **dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'"),
}


# A sentence is folded again by each of those who look at it.
_SENTENCE = 200
_SENTENCES = 256


def fold(text: str) -> str:
    """Bring text into the form used for comparing: keys, search, lexicon look-ups.

    Compatibility forms (full-width letters, ligatures) become plain ones, case is folded,
    traditional Chinese becomes simplified, apostrophes become straight, invisible marks go and runs
    of white space become one blank. The length may change, so offsets into the result mean nothing
    in the original; never show it to anyone.

    Args:
        text: Any text; lone surrogates, which no valid message holds, become "?".

    Returns:
        The folded text. Folding it again changes nothing.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    return _fold_sentence(text) if len(text) <= _SENTENCE else _fold(text)


def _fold(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    text = text.translate(_OTHERWISE)
    # Folding case can undo the composition, hence NFKC on both sides (Unicode, section 3.13).
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # The converter takes the particle 么 (退货么) for the traditional form of 幺, which is rare.
    simplified = "么".join(map(_SIMPLIFIED.convert, plain.split("么")))
    return " ".join(simplified.split())


_fold_sentence = lru_cache(maxsize=_SENTENCES)(_fold)
