"""What counts as a marker, and which passages it names."""

import pytest

from services.generation import markers

MOST = 9


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[1]", [1]),
        ("【2】", [2]),
        ("［3］", [3]),
        ("〔4〕", [4]),
        ("[^5]", [5]),
        ("[#6]", [6]),
        ("[ １ ]", [1]),
        ("[①]", [1]),
        ("[²]", [2]),
        ("[\u200b1\ufeff]", [1]),
        (r"\[1\]", [1]),
        ("[*1*]", [1]),
        ("[**1**]", [1]),
        ("[`1`]", [1]),
        ("[<b>1</b>]", [1]),
        ("[1, 2、3]", [1, 2, 3]),
        ("[1 and 2]", [1, 2]),
        ("[1和2]", [1, 2]),
        ("[1-3]", [1, 2, 3]),
        ("[1–3]", [1, 2, 3]),
        ("[1~3]", [1, 2, 3]),
        ("[1至3]", [1, 2, 3]),
        ("[1 to 3]", [1, 2, 3]),
        ("[2-3, 5]", [2, 3, 5]),
        ("[3-1]", [3, 1]),
        ("[8-999]", [8, 9]),
        ("[来源1]", [1]),
        ("[资料：1，资料2]", [1, 2]),
        ("[passage 1]", [1]),
        ("[Sources 1 & 2]", [1, 2]),
        ("【1†source】", [1]),
        ("[0]", []),
        ("[10]", []),
        ("[007]", [7]),
    ],
)
def test_markers_in_brackets(text: str, named: list[int]) -> None:
    """Those of passages that do not exist are markers, too, and name nothing."""
    assert markers.bracketed("保修1年" + text, MOST) == (len("保修1年"), named)


@pytest.mark.parametrize(
    "text", ["[附录]", "[2024]", "[x]", "[]", "[1元]", "[必填1]", "[1.5]", "[source]", "(1)", "1]"]
)
def test_other_brackets(text: str) -> None:
    """What only looks like a marker is a word of the answer."""
    assert markers.bracketed("见" + text, MOST) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<sup>1</sup>", (0, [1])),
        ("年<SUP class=x> 1, 2 </SUP>", (1, [1, 2])),
        ("年<sup></sup>", (1, [])),
        ("m<sup>2</sup>", None),
        ("10<sup>3</sup>", None),
        ("1<sup>st</sup>", None),
        ("年<sub>1</sub>", None),
    ],
)
def test_raised_numbers(text: str, found: tuple[int, list[int]] | None) -> None:
    """An exponent and the ending of an ordinal are no markers."""
    assert markers.raised("", text, MOST) == found


def test_an_exponent_is_known_by_what_was_released() -> None:
    """The figure may have gone out before its exponent came."""
    assert markers.raised("10", "<sup>3</sup>", MOST) is None


@pytest.mark.parametrize(
    ("before", "sign", "named"),
    [
        ("保修1年", "¹", [1]),
        ("保修1年。", "¹", [1]),
        ("the warranty", "²", [2]),
        ("the warranty.", "¹²", [1, 2]),
        ("10m", "²", []),
        ("每立方米", "³", []),
        ("3 feet", "²", []),
        ("10", "³", []),
        ("λ", "²", []),
        ("保修1年", "⁰", []),
        ("保修1年", "¹²³⁴", []),
    ],
)
def test_superscripts(before: str, sign: str, named: list[int]) -> None:
    """Behind a figure, a unit or a variable it is an exponent."""
    assert markers.small(before, sign, "。", MOST) == named


def test_superscripts_of_two_digits() -> None:
    """One number where there are so many passages, otherwise one a digit."""
    assert markers.small("保修1年", "¹²", "。", 12) == [12]
    assert markers.small("保修1年", "¹²", "。", 2) == [1, 2]
    assert markers.small("保修1年", "¹²", "。", 1) == []


@pytest.mark.parametrize(
    ("before", "sign", "after", "named"),
    [
        ("保修1年", "①", "。", [1]),
        ("保修1年", "①②", "", [1, 2]),
        ("保修1年", "① ", "\n", [1]),
        ("保修1年", "①", "、免", [1]),
        ("保修1年。", "①", "\n满", [1]),
        ("保修1年。", "①", "打开", []),
        ("", "①", "打开", []),
        ("步骤如下：\n", "①", "。", []),
        ("如下：", "①", "、打", []),
        ("①打开应用", "②", "点击", []),
        ("请完成步骤", "①", "，然", []),
        ("选择①或", "②", "。", []),
        ("保修1年", "⑳", "。", []),
    ],
)
def test_circled_digits(before: str, sign: str, after: str, named: list[int]) -> None:
    """They count the items of a list far more often, and only the end of a clause tells."""
    assert markers.small(before, sign, after, MOST) == named


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("快[", "快"),
        ("快[1, ", "快"),
        (r"快\[1", "快"),
        ("快[资料1和", "快"),
        ("快[1†sou", "快"),
        ("快<sup>1</s", "快"),
        ("快[必填", "快[必填"),
        ("快", "快"),
    ],
)
def test_half_a_marker(text: str, left: str) -> None:
    """Where the text was broken off inside one."""
    assert markers.UNFINISHED.sub("", text) == left
