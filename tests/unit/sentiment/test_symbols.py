"""Emoji, kaomoji and bracket codes as evidence."""

import pytest

from services.sentiment.symbols import Symbols


@pytest.fixture(scope="module")
def symbols() -> Symbols:
    """The table of the package."""
    return Symbols()


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("😡", -1),
        ("👍", 1),
        ("[怒]", -1),
        ("[强]", 1),
        (":(", -1),
        ("T_T", -1),
        ("🙂", -1),
        ("😂", 1),
    ],
)
def test_symbols_are_rated(symbols: Symbols, text: str, sign: int) -> None:
    """Each kind of symbol is found alone and taken out of the text."""
    rest, hits = symbols.extract(text)
    assert rest.strip() == ""
    assert sum(hit.valence for hit in hits) * sign > 0


def test_looks_make_no_difference(symbols: Symbols) -> None:
    """Skin tone and variation selector do not change the mood."""
    assert symbols.extract("👍🏽")[1] == symbols.extract("👍")[1]
    assert symbols.extract("❤️")[1] == symbols.extract("❤")[1]


def test_a_row_of_the_same_symbol_is_one_outburst(symbols: Symbols) -> None:
    """Repetition strengthens, less each time, and stops to count."""
    strengths = [-symbols.extract("😡" * n)[1][0].valence for n in (1, 2, 5, 50)]
    assert strengths[0] < strengths[1] < strengths[2] == strengths[3] < 3 * strengths[0]


@pytest.mark.parametrize("text", ["QAQS", "see 3:D1 model", "PAT_TAB", "价格[不含税]", "好"])
def test_parts_of_words_are_no_symbols(symbols: Symbols, text: str) -> None:
    """Letters of a code or brackets of a remark are left alone."""
    assert symbols.extract(text) == (text, [])
