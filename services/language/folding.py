"""One form for all ways to write the same thing, so that texts can be compared."""

import unicodedata

import opencc

# "tw2s" is "t2s" plus the variants of Taiwan: plain "t2s" leaves 著急 (simplified 着急) alone.
# It keeps simplified text as it is, and the 著 of 著名, which is right in both scripts.
_SIMPLIFIED = opencc.OpenCC("tw2s")


def fold(text: str) -> str:
    """Bring text into the form used for comparing: keys, search, lexicon look-ups.

    Compatibility forms (full-width letters, ligatures) become plain ones, case is folded,
    traditional Chinese becomes simplified and runs of white space become one blank. The length
    may change, so offsets into the result mean nothing in the original; never show it to anyone.

    Args:
        text: Any text; lone surrogates, which no valid message holds, become "?".

    Returns:
        The folded text. Folding it again changes nothing.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    # Folding case can undo the composition, hence NFKC on both sides (Unicode, section 3.13).
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_SIMPLIFIED.convert(plain).split())
