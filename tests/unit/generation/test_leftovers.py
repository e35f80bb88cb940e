"""Where a marker stood nothing is left that only made sense with it."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation import leftovers
from services.generation.leftovers import introduces, joins, tidied

# Stands for a marker in the texts of these tests.
HERE = "@"


def tidy(marked: str) -> str:
    """Take the markers out of a text, and what they left behind."""
    pieces = marked.split(HERE)
    places = [len("".join(pieces[: count + 1])) for count in range(len(pieces) - 1)]
    return tidied("".join(pieces), places).text


@pytest.mark.parametrize(
    ("marked", "left"),
    [
        ("保修1年（@）。", "保修1年。"),
        ("The warranty is 1 year (see @).", "The warranty is 1 year."),
        ("It is 1 year (source: @, @).", "It is 1 year."),
        ("保修1年（参见@、@）。", "保修1年。"),
        ("保修1年[@]。", "保修1年。"),
        ("保修1年@[]。", "保修1年。"),
        ("(see @) It is 1 year.", "It is 1 year."),
        ("保修1年（人为损坏除外@）。", "保修1年（人为损坏除外）。"),
        ("数组[]@。", "数组[]。"),
        ("保修1年@(https://a.example/b)。", "保修1年。"),
        ("保修1年@（整机）。", "保修1年（整机）。"),
    ],
)
def test_brackets_that_held_nothing_else_go(marked: str, left: str) -> None:
    """And the target of a link whose words were the marker."""
    assert tidy(marked) == left


@pytest.mark.parametrize(
    ("marked", "left"),
    [
        ("根据@，签收后7天内可退货。", "签收后7天内可退货。"),
        ("根据@和@，签收后7天内可退货。", "签收后7天内可退货。"),
        ("根据@中的规定，保修1年。", "保修1年。"),
        ("According to @, the warranty is 1 year.", "The warranty is 1 year."),
        ("As per @ the warranty is 1 year.", "The warranty is 1 year."),
        ("The warranty, according to @, is 1 year.", "The warranty is 1 year."),
        ("The warranty is 1 year according to @.", "The warranty is 1 year."),
        ("The warranty is 1 year, see @ for more details.", "The warranty is 1 year."),
        ("保修1年，根据@，免费维修。", "保修1年，免费维修。"),
        ("保修1年，根据@免费维修。", "保修1年，免费维修。"),
        ("保修1年，详情请参见@。", "保修1年。"),
        ("本产品按照@保修1年。", "本产品保修1年。"),
        ("详见@", ""),
        ("See @ for details.", "."),
    ],
)
def test_words_that_only_lead_to_a_marker_go_with_it(marked: str, left: str) -> None:
    """The rest begins like a sentence."""
    assert tidy(marked) == left


@pytest.mark.parametrize(
    "text", ["如有意见@。", "没有依据@。", "常见@。", "根据政策@，保修1年。", "I see @."]
)
def test_words_that_say_something_themselves_stay(text: str) -> None:
    """A noun, another verb, the name of what is cited."""
    assert tidy(text) == text.replace(HERE, "")


@pytest.mark.parametrize(
    ("marked", "left"),
    [
        ("保修1年@和@。", "保修1年。"),
        ("保修1年@, @ and @.", "保修1年."),
        ("保修1年@，@免运费@。", "保修1年，免运费。"),
        ("@：保修1年。", "保修1年。"),
        ("\n@, the rest.", "\nthe rest."),
    ],
)
def test_what_stands_between_markers_goes(marked: str, left: str) -> None:
    """A comma between two statements stays."""
    assert tidy(marked) == left


def test_blanks_behind_a_marker() -> None:
    """At the beginning of a line they go, but not behind the number of an item."""
    assert tidy("\n@ 保修1年。") == "\n保修1年。"
    assert tidied(" 保修1年。", [0], first=True).text == "保修1年。"
    assert tidied(" 保修1年。", [0]).text == " 保修1年。"


def test_a_hidden_marker_goes() -> None:
    """Its Markdown, now gone, hid it; so did another inside it."""
    assert tidy("保修1年[1]。") == "保修1年。"
    assert tidy("保修1年[1（@）]。") == "保修1年。"
    assert tidy("[[1@]1]保修1年[必填]。") == "保修1年[必填]。"


def test_offsets_follow() -> None:
    """A span of the sentence is the same words without what went."""
    text = "According to, the warranty is 1 year (see)."
    found = tidied(text, [len("According to"), text.index(")")])
    start, end = text.index("the"), text.index(" (")
    assert found.text[found.at(start) : found.at(end)] == "The warranty is 1 year"
    assert found.at(len(text)) == len(found.text)


def test_a_sentence_without_markers_is_not_looked_at() -> None:
    """Nor one with more than anybody means, or with the sign that stands for them."""
    assert tidied("详见（）。", []).removed == ()
    assert tidied("（" + "和" * 200, range(200)).removed == ()
    assert tidied("（\ufdd0）", [1]).removed == ()


@pytest.mark.parametrize(
    ("words", "leads"),
    [
        ("根据", True),
        ("根据退货政策", True),
        ("According to our returns policy", True),
        ("，详见", True),
        ("See also", True),
        ("根据退货政策，7天内可退货", False),
        ("保修1年", False),
        ("I see", False),
    ],
)
def test_words_that_introduce(words: str, leads: bool) -> None:
    """They are no claim: what they lead to is."""
    assert introduces(words) is leads


def test_words_that_join() -> None:
    """Or nothing at all."""
    assert all(map(joins, ("和", ", and ", "、", "")))
    assert not joins("和退货")


@given(
    st.lists(
        st.sampled_from(
            [
                "保修1年",
                "根据",
                "详见",
                "和",
                "到",
                "warranty",
                "according to",
                "see",
                ".",
                "。",
                ", ",
                " ",
            ]
        ),
        min_size=1,
        max_size=6,
    ).map("".join)
)
def test_what_is_not_looked_at_has_nothing_to_tidy(text: str) -> None:
    """Most markers stand behind their words and take no look at all; a long one finds the same."""
    for place in {len(text), len(text.rstrip("。. "))}:
        quick = tidied(text, [place])
        with patch.object(leftovers, "_left_alone", return_value=False):
            assert tidied(text, [place]) == quick
