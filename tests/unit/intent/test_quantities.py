"""Quantities with a unit become a number and an English unit, whatever the language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.alignment import align
from services.intent.entities.quantities import find


def values(text: str) -> list[str]:
    """The quantities of a text, in order."""
    return [found.value for found in find(align(text).folded)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("两双", "2 pair"),
        ("三双袜子", "3 pair"),
        ("三个", "3 piece"),
        ("两個", "2 piece"),
        ("我要一个", "1 piece"),
        ("3件", "3 piece"),
        ("两件T恤", "2 piece"),
        ("一只手套", "1 piece"),
        ("二十四支", "24 piece"),
        ("三张优惠券", "3 piece"),
        ("一台炉子", "1 piece"),
        ("两块电池", "2 piece"),
        ("十二瓶", "12 bottle"),
        ("１２瓶", "12 bottle"),
        ("两盒茶叶", "2 box"),
        ("两箱牛奶", "2 case"),
        ("三包纸巾", "3 pack"),
        ("五袋", "5 bag"),
        ("两套餐具", "2 set"),
        ("六罐", "6 can"),
        ("两杯", "2 cup"),
        ("一打", "12 piece"),
        ("半打", "6 piece"),
        ("两斤", "1 kg"),
        ("半斤", "0.25 kg"),
        ("3公斤", "3 kg"),
        ("500克", "500 g"),
        ("250毫升", "250 ml"),
    ],
)
def test_chinese_quantities_are_read(text: str, value: str) -> None:
    """Measure words of the same kind share a unit; a dozen and a jin are converted."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 pcs", "3 piece"),
        ("12pcs", "12 piece"),
        ("three items", "3 piece"),
        ("one unit", "1 piece"),
        ("two pairs of socks", "2 pair"),
        ("a pair of shoes", "1 pair"),
        ("12 bottles", "12 bottle"),
        ("2 boxes", "2 box"),
        ("two sets", "2 set"),
        ("a dozen", "12 piece"),
        ("half a dozen", "6 piece"),
        ("two dozen", "24 piece"),
        ("3kg", "3 kg"),
        ("1.5 kg", "1.5 kg"),
        ("×2", "2 piece"),
        ("mug x3", "3 piece"),
    ],
)
def test_english_quantities_are_read(text: str, value: str) -> None:
    """In figures and in words."""
    assert values(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "那个",
        "这个怎么样",
        "几个",
        "每个",
        "两三个",
        "第一个",
        "第三件",
        "第2个",
        "三个月",
        "一个小时",
        "两个半小时",
        "三个星期",
        "一个人",
        "一个问题",
        "一个订单",
        "一对一客服",
        "一打开就坏",
        "一支付就失败",
        "一包邮",
        "统一包装",
        "三包政策",
        "一部分",
        "一条龙服务",
        "一本正经",
        "两块",
        "三块五",
        "双十一",
        "一只是红的",
        "十米白色",
        "3x3",
        "a 3 x 4 tarp",
        "box",
        "a set menu",
        "two of them",
        "0个",
        "1.2.3件",
    ],
)
def test_look_alikes_are_no_quantities(text: str) -> None:
    """Ordinals, vague ones, durations, people, and words that only begin like a measure."""
    assert values(text) == []


def test_several_quantities_are_found_in_order() -> None:
    """As in an order by chat."""
    assert values("要两双袜子和三个杯子，再加一打毛巾") == ["2 pair", "3 piece", "12 piece"]


@given(
    st.integers(2, 999), st.sampled_from([("件", "piece"), (" pairs", "pair"), ("瓶", "bottle")])
)
def test_any_number_of_things_is_read(number: int, unit: tuple[str, str]) -> None:
    """The number is written without zeros behind it."""
    word, name = unit
    assert values(f"买{number}{word}") == [f"{number} {name}"]


@given(
    st.text(alphabet="0123456789.x×一二两三半几第个件双瓶打斤块电池月 apairdozencs", max_size=40)
)
def test_whatever_the_text_a_found_range_is_more_than_nothing(text: str) -> None:
    """A range inside the text, a positive number and a unit."""
    folded = align(text).folded
    for found in find(folded):
        number, _, unit = found.value.partition(" ")
        assert 0 <= found.start < found.end <= len(folded)
        assert float(number) > 0
        assert unit.isalpha()
