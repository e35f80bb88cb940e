"""Addresses of pages and mailboxes in a text, with or without their scheme."""

import re

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = rf"(?:{_LABEL}\.)+[a-z]{{2,24}}(?![a-z0-9-])"
# In 2.5mm and 3.5gb digits stand before a unit; names of hosts that are digits end in one of these.
_DIGITS_HOST = r"(?:[\d-]+\.)+(?:com|cn|net|org|cc|io|top|vip)(?![a-z0-9-])"
_PATH = r"(?::\d+)?(?:[/?#][!-~]*)?"

ADDRESS = re.compile(
    rf"(?:https?://|www\.)[!-~]+"
    rf"|[\w.+-]+(?:@[a-z0-9-]+(?:\.[a-z0-9-]+)*| ?@ ?{_HOST})"
    rf"|(?<![\w.@/-])(?:(?=[a-z0-9.-]*[a-z][a-z0-9-]*\.[a-z]){_HOST}|{_DIGITS_HOST}){_PATH}",
    re.ASCII,
)
"""An address in folded text, perhaps with the punctuation behind it."""

SIGN = re.compile(r"@|://|[a-z0-9-]\.[a-z]{2}")
"""Without one of these there is no address; a look for it costs a tenth of one for the whole."""

_SCHEME = re.compile(r"^(?:https?://)?(?:www\.)?")


def forms(address: str) -> frozenset[str]:
    """Return an address in one form, and that of a page's host: who names a page names its host.

    Args:
        address: A match of `ADDRESS`.
    """
    whole = address.rstrip(".,;:!?)'\"").replace(" ", "")
    if "@" in whole:
        return frozenset({whole})
    page = _SCHEME.sub("", whole).rstrip("/")
    return frozenset({page, re.split("[/?#]", page, maxsplit=1)[0]})
