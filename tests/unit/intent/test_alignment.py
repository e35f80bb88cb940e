"""Folding for matching never loses the way back to what the customer wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.alignment import align, fold_character
from services.language import Span


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＳＯ２０２６", "so2026"),
        ("訂單號", "订单号"),
        ("￥３００", "¥300"),
        ("a\u200bb", "ab"),
        ("a\u3000b\tc", "a b c"),
        ("ﬁt", "fit"),
        ("", ""),
    ],
)
def test_width_case_script_and_invisible_marks_are_folded(text: str, folded: str) -> None:
    """What looks the same to a person is the same to a pattern."""
    assert align(text).folded == folded


def test_a_range_of_the_folded_text_is_found_in_the_original() -> None:
    """Invisible marks before and inside a match shift it, and the span says so."""
    text = "\u200b订单Ｓ\u200bＯ1"
    aligned = align(text)
    start = aligned.folded.index("so1")
    assert aligned.original(start, start + 3) == Span(3, 7)


def test_a_character_that_grows_maps_back_as_a_whole() -> None:
    """Half of a ligature is the whole ligature in the original."""
    aligned = align("xﬁy")
    assert aligned.folded == "xfiy"
    assert aligned.original(2, 3) == Span(1, 2)


@given(st.text(max_size=60))
def test_every_folded_position_has_an_origin_in_order(text: str) -> None:
    """Origins are valid offsets and never run backwards, for any Unicode text."""
    aligned = align(text)
    assert len(aligned.origins) == len(aligned.folded)
    assert list(aligned.origins) == sorted(aligned.origins)
    assert all(0 <= origin < len(text) for origin in aligned.origins)


def test_white_space_of_every_kind_is_one_blank() -> None:
    """Line breaks and ideographic spaces separate words as a blank does."""
    assert {fold_character(each) for each in " \t\n\u3000\xa0"} == {" "}
