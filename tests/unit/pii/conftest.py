"""Texts of the tests: what is to be found in them stands between guillemets."""

import re

import pytest

from services.pii import Finder, Kind

_MARKED = re.compile("«([^»]*)»")


class Checker:
    """Compares what is found in a marked text with the marks."""

    def __init__(self) -> None:
        self.finder = Finder()

    def __call__(self, marked: str, kind: Kind) -> None:
        """Assert that exactly the marked parts are found, each of this kind."""
        text = _MARKED.sub(r"\1", marked)
        wanted = [(kind, value) for value in _MARKED.findall(marked)]
        found = self.finder.find(text)
        assert [(each.kind, each.text) for each in found] == wanted
        assert all(each.span.of(text) == each.text for each in found)


@pytest.fixture(scope="session")
def check() -> Checker:
    """Checks a marked text."""
    return Checker()
