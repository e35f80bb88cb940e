"""Markdown becomes what a customer can read, and offsets follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.markdown import pieces, plain, unmarked, without
from services.language import Span


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("## 配送时间", "配送时间"),
        ("- 一般 **1-2天** 送达", "一般 1-2天 送达"),
        ("* item\n", "item"),
        ("- [x] 完成", "完成"),
        ("> 引用", "引用"),
        ("1. 第一步。", "第一步。"),
        ("1.5升", "1.5升"),
        ("Q: 可以退吗？", "可以退吗？"),
        ("问：可以退吗？", "可以退吗？"),
        ('详见[帮助中心](https://a.example/x_(y) "t")。', "详见帮助中心。"),
        ("![图](a.png)尺码", "图尺码"),
        ("*斜* _体_ ~~删~~ `码` __粗__", "斜 体 删 码 粗"),
        ("a<br/>b <b>粗</b>", "ab 粗"),
        ("5 < 6, snake_case, 3*4=12", "5 < 6, snake_case, 3*4=12"),
        ("手机号138****1234", "手机号138****1234"),
        ("标题\n----\n正文", "标题 正文"),
        ("```\n代码\n```", "代码"),
        ("A&amp;B&nbsp;C", "A&B C"),
        ("a \\| b", "a | b"),
        ("| a | b |", "a b"),
        ("见 [附录]。", "见 [附录]。"),
        ("https://a.example/a_b_c", "https://a.example/a_b_c"),
    ],
)
def test_marks_go_and_words_stay(marked: str, words: str) -> None:
    """What only looks like a mark stays too."""
    assert plain(marked) == words


def test_offsets_follow_the_words() -> None:
    """A span of the original is the same words without their marks."""
    text = "- **7天内** 可[退货](http://a.example)。"
    found = unmarked(text)
    assert found.text == "7天内 可退货。"
    start, end = text.index("退货"), text.index("退货") + 2
    assert found.text[found.at(start) : found.at(end)] == "退货"
    assert found.at(0) == 0
    assert found.at(len(text)) == len(found.text)


def test_spans_are_taken_out() -> None:
    """In order; offsets inside one are where it stood."""
    found = without("abcdef", [Span(0, 1), Span(2, 4)])
    assert found.text == "bef"
    assert [found.at(offset) for offset in range(7)] == [0, 0, 1, 1, 1, 2, 3]


TABLE = (
    "配送时效如下：\n\n| 地区 | 时效 | 运费 |\n|------|:---:|---:|\n"
    "| 江浙沪 | 1-2天 | 满99元免。否则10元 |\n| **其他** | 3-5天 |  |\n\n以上为工作日。\n"
)


def test_a_row_of_a_table_becomes_a_sentence() -> None:
    """Each value with its header; the header and the rule are no sentences."""
    found = [(piece.words, piece.span.of(TABLE)) for piece in pieces(TABLE)]
    assert found == [
        ("配送时效如下：", "配送时效如下："),
        (
            "地区：江浙沪；时效：1-2天；运费：满99元免。否则10元",
            "| 江浙沪 | 1-2天 | 满99元免。否则10元 |",
        ),
        ("地区：其他；时效：3-5天", "| **其他** | 3-5天 |  |"),
        ("以上为工作日。", "以上为工作日。"),
    ]


def test_tables_without_bars_at_the_edge_and_without_a_header() -> None:
    """In English with its own marks; values alone where nobody named them."""
    english = "Region | Days\n--- | ---\nEast \\| West | 2\n"
    assert [piece.words for piece in pieces(english)] == ["Region: East | West; Days: 2"]
    assert [piece.words for piece in pieces("| 东 | 2天 |\n| 西 | 3天 |")] == ["东；2天", "西；3天"]


def test_a_bar_in_a_sentence_makes_no_table() -> None:
    """One line with a bar inside is a line."""
    assert [piece.words for piece in pieces("选择 A | B 都可以。")] == ["选择 A B 都可以。"]


@given(st.text(alphabet="#*_`|[]()-> \n天a1。~<b\\", max_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    """Offsets stay inside, and pieces are in order and disjoint."""
    found = unmarked(text)
    offsets = [found.at(offset) for offset in range(len(text) + 1)]
    assert offsets == sorted(offsets)
    assert (offsets[0], offsets[-1]) == (0, len(found.text))
    at = 0
    for piece in pieces(text):
        assert at <= piece.span.start < piece.span.end <= len(text)
        at = piece.span.end
