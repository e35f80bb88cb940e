"""Markdown becomes sections under their headings, with blocks at their true places."""

import pytest

from services.knowledge.markdown import plain_sections, sections


def blocks(text: str) -> list[str]:
    return [block.span.of(text) for section in sections(text) for block in section.blocks]


def test_headings_are_the_path_to_a_section() -> None:
    """A section carries all headings above it, outermost first, and siblings replace each other."""
    text = "# 退货\n\n总则\n\n## 期限\n\n十五天\n\n### 例外\n\n礼品卡\n\n## 运费\n\n十二元\n"
    assert [(section.headings, section.blocks[0].span.of(text)) for section in sections(text)] == [
        (("退货",), "总则"),
        (("退货", "期限"), "十五天"),
        (("退货", "期限", "例外"), "礼品卡"),
        (("退货", "运费"), "十二元"),
    ]


def test_heading_markup_is_taken_off() -> None:
    """Emphasis, links and code marks are no part of a heading's words."""
    [section] = sections("## The **new** [shop](https://example.com) `cat`\n\ntext")
    assert section.headings == ("The new shop cat",)


def test_a_skipped_level_keeps_the_path() -> None:
    """Authors jump from # to ###; the section still stands under the first."""
    [section] = sections("# A\n\n### C\n\ntext")
    assert section.headings == ("A", "C")


def test_underlined_headings_count() -> None:
    """CommonMark knows two ways to write a heading."""
    [section] = sections("Returns\n=======\n\ntext")
    assert section.headings == ("Returns",)


def test_a_hash_inside_code_is_no_heading() -> None:
    """A comment in a shell example must not become a heading."""
    [section] = sections("# A\n\n```sh\n# not a heading\n```\n")
    assert section.headings == ("A",)


def test_tables_and_list_items_are_whole_blocks() -> None:
    """A table is one block, a list item with what is nested in it another; prose is not whole."""
    text = "前言\n\n- 一\n  - 子项\n- 二\n\n| 尺码 | 脚长 |\n|---|---|\n| 三码 | 24.5 |\n"
    [section] = sections(text)
    assert [(block.span.of(text), block.whole) for block in section.blocks] == [
        ("前言", False),
        ("- 一\n  - 子项", True),
        ("- 二", True),
        ("| 尺码 | 脚长 |\n|---|---|\n| 三码 | 24.5 |", True),
    ]


def test_comments_are_left_out() -> None:
    """What editors leave in a file is not for customers."""
    assert blocks("text\n\n<!-- draft -->\n") == ["text"]


def test_a_rule_is_no_text() -> None:
    """A horizontal rule divides; it says nothing."""
    assert blocks("one\n\n---\n\ntwo") == ["one", "two"]


def test_strange_line_separators_do_not_shift_places() -> None:
    """Only a line feed ends a line; a vertical tab or U+2028 in a cell must not move the spans."""
    assert blocks("# A\x0b\n\none\u2028still one\n\ntwo\x85\n") == ["one\u2028still one", "two"]


def test_headings_alone_are_no_section() -> None:
    """There is nothing to find under a heading without text."""
    assert sections("# A\n\n## B\n") == []


def test_plain_text_has_paragraphs() -> None:
    """Without markup a blank line divides, and a # is just a sign."""
    text = "# one\nstill one\n\n \n two \n"
    [section] = plain_sections(text)
    assert section.headings == ()
    assert [block.span.of(text) for block in section.blocks] == ["# one\nstill one", "two"]


def test_blank_plain_text_has_no_section() -> None:
    """White space is no text."""
    assert plain_sections(" \n\n\t") == []


TABLE = "| 尺码 | 脚长 |\n|---|---|\n| 三码 | 24.5 |"


@pytest.mark.parametrize(
    "caption", ["运费\n", "表 1 尺码\n\n", "**Table 2:** sizes\n\n", "表三：尺码\n\n"]
)
def test_a_caption_belongs_to_its_table(caption: str) -> None:
    """It says what the numbers are of: right above the table, or by its own words."""
    assert blocks(f"text\n\n{caption}{TABLE}\n") == ["text", f"{caption}{TABLE}"]


@pytest.mark.parametrize("before", ["The sizes are below.", "表 1 " + "长" * 200, "- 表 1"])
def test_a_paragraph_before_a_table_stays_one(before: str) -> None:
    """Text that only comes before is cut from it where both are too long."""
    assert blocks(f"{before}\n\n{TABLE}\n") == [before, TABLE]
