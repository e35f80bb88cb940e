"""Names of people, places, companies and products in a text, as far as a look at it tells."""

import re

from services.generation.relevance import word_list
from services.language import fold, part_of_speech, segment

# Behind one of these a capital is no sign of a name.
_BEGINS = re.compile(r"(?:^|[.!?:;\n\"“(])\s*(?:[-*+•]\s+|\d{1,2}[.)]\s+)?$")
_CAPITALISED = re.compile(r"(?<![A-Za-z0-9_])[A-Z][A-Za-z&'’]*(?![A-Za-z0-9_])")
_WINDOW = 12

# Capitalised or all capitals, and nobody's name.
_COMMON = frozenset(
    {
        "i", "i'm", "i'll", "i'd", "i've", "ok", "faq", "q", "a", "am", "pm", "id",
        "vip", "sms", "pdf", "app", "url", "english", "chinese", "monday", "tuesday",
        "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february",
        "march", "april", "may", "june", "july", "august", "september", "october",
        "november", "december", "please", "dear", "sir", "madam", "mr", "mrs", "ms",
        "dr", "usd", "rmb", "cny", "eur", "gbp", "hkd", "jpy", "kg", "km", "cm", "mm",
        "ml",
    }
)  # fmt: skip

# Places, organisations, other proper nouns of the dictionary, names from other languages. Its
# class for people's names (nr) holds many common words (明白, 高峰), so only those with three
# characters count.
_CLASSES = ("ns", "nt", "nrt")
_PERSON, _PERSON_LENGTH = "nr", 3

_BRAND = re.compile("|".join(sorted(word_list("brands.txt"), key=len, reverse=True)))

# The dictionary takes 建议您 for a name.
_PRONOUNS = frozenset("您你我他她它们")


def proper_names(text: str) -> frozenset[str]:
    """Return the names in a text, folded.

    A capital letter makes a name inside a sentence, and anywhere where all letters are capital;
    a Chinese word is one where the segmenter's dictionary or `brands.txt` says so. What none of
    them knows is missed.
    """
    return _latin(text) | (frozenset() if text.isascii() else _chinese(text))


def _latin(text: str) -> frozenset[str]:
    found = set()
    for match in _CAPITALISED.finditer(text):
        word = match.group()
        shouted = len(word) > 1 and word.isupper()
        if word.lower().replace("’", "'").removesuffix("s") in _COMMON or len(word) < len("Xy"):
            continue
        if shouted or not _BEGINS.search(text[max(0, match.start() - _WINDOW) : match.start()]):
            found.add(word.lower().removesuffix("'s").removesuffix("’s"))
    return frozenset(found)


def _chinese(text: str) -> frozenset[str]:
    folded = fold(text)
    names = frozenset(piece for piece in segment(folded) if _is_name(piece))
    return names.union(_BRAND.findall(folded))


def _is_name(piece: str) -> bool:
    if piece.isascii() or len(piece) < 2 or not piece[0].isalpha() or _PRONOUNS & set(piece):
        return False
    kind = part_of_speech(piece)
    return kind in _CLASSES or (kind == _PERSON and len(piece) >= _PERSON_LENGTH)


# Buttons, pages, titles: what a reader is to find there she has to find. Longer is a sentence.
_QUOTED = re.compile(
    r"“([^“”\n]{2,30})”|「([^「」\n]{2,30})」|『([^『』\n]{2,30})』|《([^《》\n]{2,30})》"
    r'|(?<![\w"])"([^"\n]{2,30})"(?![\w"])'
)


def quoted_words(text: str) -> frozenset[str]:
    """Return what stands in quotation marks in a text, folded; it is quoted from somewhere."""
    found = (next(filter(None, match.groups())) for match in _QUOTED.finditer(text))
    return frozenset(fold(each).strip(" ,.;:!?，。；：！？") for each in found)
