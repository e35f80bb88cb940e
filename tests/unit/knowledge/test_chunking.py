"""Passages follow the document's structure and are exact stretches of its text."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.knowledge.chunking import (
    MAX_TOKENS,
    OVERLAP_TOKENS,
    WHOLE_TOKENS,
    passages,
    tokens,
)
from services.knowledge.markdown import sections


def cut(text: str) -> list[str]:
    return [passage.text for passage in passages(text, sections(text))]


def test_a_section_that_fits_is_one_passage() -> None:
    """Paragraphs, lists and tables of a small section stay together."""
    text = "# 退货\n\n十五天内。\n\n- 未使用\n- 配件齐全\n\n## 运费\n\n十二元。\n"
    assert cut(text) == ["十五天内。\n\n- 未使用\n- 配件齐全", "十二元。"]


def test_passages_never_cross_a_heading() -> None:
    """Two short sections are two passages: their subjects differ."""
    found = list(passages(text := "# A\n\none\n\n# B\n\ntwo", sections(text)))
    assert [(passage.headings, passage.text) for passage in found] == [
        (("A",), "one"),
        (("B",), "two"),
    ]


def test_each_passage_knows_its_language() -> None:
    """A bilingual document has passages of both languages."""
    text = "# A\n\n七天内可以退货。\n\n# B\n\nReturns within seven days.\n"
    assert [passage.language for passage in passages(text, sections(text))] == ["zh", "en"]


def test_long_prose_is_cut_at_sentences_with_overlap() -> None:
    """What does not fit is cut between sentences, and the last ones are repeated."""
    sentences = [f"第{number}条规定退货的商品须保持完好并附上发票。" for number in range(60)]
    found = cut("".join(sentences))
    assert len(found) > 1
    for before, after in itertools.pairwise(found):
        assert after.startswith("第")
        assert after.endswith("。")
        last_sentence = before[before.rindex("第") :]
        assert after.startswith(last_sentence)
    assert all(tokens(passage) <= MAX_TOKENS + OVERLAP_TOKENS for passage in found)


def test_a_text_that_fits_is_never_repeated() -> None:
    """Overlap is for sections that are too long, and for nothing else."""
    assert cut("# A\n\none. two.\n\n# B\n\nthree.") == ["one. two.", "three."]


def test_a_table_is_never_cut() -> None:
    """Rows without their header mislead, so a table larger than a passage stays one passage."""
    rows = "\n".join(f"| 商品 {number} | {number} 元 | 保修两年 |" for number in range(40))
    table = f"| 商品 | 价格 | 保修 |\n|---|---|---|\n{rows}"
    assert tokens(table) > MAX_TOKENS
    assert table in cut(f"# 价目\n\n说明。\n\n{table}\n\n后记。")


def test_list_items_are_never_cut() -> None:
    """A long list is cut between items, and no item is repeated in part."""
    items = [f"- 第{number}步：" + "打开订单页面，" * 8 + "完成。" for number in range(12)]
    found = cut("\n".join(items))
    assert len(found) > 1
    assert [line for passage in found for line in passage.split("\n")] == items


def test_a_monstrous_table_is_cut_at_its_rows() -> None:
    """A table beyond what a passage may hold is cut, but no row is."""
    rows = [f"| 商品 {number} | {number} 元 |" for number in range(600)]
    table = "\n".join(["| 商品 | 价格 |", "|---|---|", *rows])
    found = cut(table)
    assert tokens(table) > WHOLE_TOKENS
    assert all(len(passage) <= 8000 for passage in found)
    assert [line for passage in found for line in passage.split("\n")] == table.split("\n")


def test_a_page_without_a_full_stop_is_cut_at_blanks() -> None:
    """Even text without any sentence end fits into passages, and its words stay whole."""
    text = " ".join(f"word{number}" for number in range(2000))
    found = cut(text)
    assert all(tokens(passage) <= MAX_TOKENS for passage in found)
    assert {word for passage in found for word in passage.split()} == set(text.split())


def test_text_without_blanks_is_cut_too() -> None:
    """A single endless word neither fails nor loses a character."""
    assert "".join(cut("a" * 5000)) == "a" * 5000


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("退货", 2), ("abcd", 1), ("退货abcd", 3)])
def test_tokens_are_estimated_by_script(text: str, expected: float) -> None:
    """A Chinese character costs one token, four other characters another."""
    assert tokens(text) == expected


@given(
    st.lists(
        st.sampled_from(
            [
                "# 标题",
                "段落一。段落二！",
                "- 项目\n- 项目二",
                "| a | b |\n|---|---|\n| 1 | 2 |",
                "> quote",
                "```\ncode\n```",
                "长" * 700,
                "word " * 400,
                "1. first\n2. second",
                "<b>html</b>",
                "",
            ],
        ),
        max_size=12,
    )
)
def test_every_passage_is_the_text_at_its_span(parts: list[str]) -> None:
    """Whatever the document looks like: spans are true, in order, and lose no letter."""
    text = "\n\n".join(parts)
    structure = sections(text)
    found = list(passages(text, structure))
    covered = {place for passage in found for place in range(passage.span.start, passage.span.end)}
    for passage in found:
        assert passage.span.of(text) == passage.text
        assert passage.text == passage.text.strip()
        assert 0 < len(passage.text) <= 8000
    wanted = {
        place
        for section in structure
        for block in section.blocks
        for place in range(block.span.start, block.span.end)
        if not text[place].isspace()
    }
    assert wanted <= covered
