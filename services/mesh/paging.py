"""Pages of lists: how large one is, and the opaque token that leads to the next (AIP-158).

A token carries the key of the last row that was sent and a digest of the question that was asked,
so that it cannot be used to go on with another list or other filters. It is not a secret and
grants nothing: tenants are authorised on every request, and every query filters by its tenant.
"""

import base64
import hashlib
import json

from kefu.errors import PageTokenInvalid

DEFAULT_PAGE_SIZE = 20
"""Rows in a page where the caller asks for none in particular."""

MAX_PAGE_SIZE = 100
"""Rows in a page at most; a larger wish is not an error."""

_DIGEST_CHARACTERS = 16

Key = list[str | int]
"""What orders a list, such as a time and an id; JSON scalars."""


def page_size(requested: int) -> int:
    """Return the size of a page: 0 means the default, too large means the largest."""
    return min(requested or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def encode(key: Key, *question: object) -> str:
    """Return the token that goes on behind `key`.

    Args:
        key: Of the last row sent.
        question: Whatever decides which rows the list has: parent, filters. Compared by `repr`.
    """
    body = json.dumps([_digest(question), *key], separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode()


def decode(token: str, kinds: tuple[type, ...], *question: object) -> Key | None:
    """Return the key in a token that `encode` made for the same question; None for no token.

    Args:
        token: As the caller sent it.
        kinds: Type of each part of the key, `str` or `int`: a made-up token must not reach a
            query with a key of another shape.
        question: As given to `encode`.

    Raises:
        PageTokenInvalid: the token is damaged, or was made for another question.
    """
    if not token:
        return None
    key: Key
    try:
        digest, *key = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError) as error:
        raise PageTokenInvalid() from error
    if digest != _digest(question) or tuple(type(part) for part in key) != kinds:
        raise PageTokenInvalid()
    if any(isinstance(part, str) and not part.isprintable() for part in key):
        # PostgreSQL refuses NUL and half surrogates, and no key of ours holds the like.
        raise PageTokenInvalid()
    return key


def _digest(question: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(question).encode()).hexdigest()[:_DIGEST_CHARACTERS]
