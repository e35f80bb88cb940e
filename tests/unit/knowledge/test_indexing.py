"""A document is found under its passages, and an FAQ under each of its wordings."""

from services.knowledge.indexing import embedded_text, entries, indexed, question_hashes
from services.knowledge.source_file import read


def test_a_passage_is_found_by_its_headings_too() -> None:
    """The heading names the subject, and the text under it often does not."""
    [entry] = entries(indexed(read("a.md", "# 退货\n\n## 运费\n\n由顾客承担。".encode())))
    assert entry.heading == "退货 > 运费"
    assert {"退货", "运费", "顾客"} <= set(entry.under.terms.split())
    assert entry.under.question_hash is None
    assert embedded_text(entry.heading, entry.text) == "退货 > 运费\n由顾客承担。"


def test_the_file_name_stands_in_for_a_missing_title() -> None:
    """A text without headings is found by its name."""
    [entry] = entries(indexed(read("warranty.txt", b"two years")))
    assert entry.heading == "warranty"


def test_each_wording_of_an_faq_is_an_entry_and_the_answer_another() -> None:
    """A customer's words may be near any wording, or be in the answer only."""
    faq = (
        '{"id":"1","question":"怎么退货","variants":["退货流程"],'
        '"answer":"上门取件","tags":["售后"]}'
    )
    found = entries(indexed(read("f.jsonl", faq.encode())))
    assert [entry.text for entry in found] == ["怎么退货", "退货流程", "怎么退货\n上门取件"]
    assert [entry.faq for entry in found] == [0, 0, 0]
    assert "售后" in found[2].under.terms.split()
    assert found[2].under.question_hash is None
    assert found[0].under.question_hash == question_hashes("怎么退货？").exact


def test_a_question_without_content_has_no_hashes() -> None:
    """It equals nothing, not even another one like it."""
    hashes = question_hashes("？")
    assert (hashes.exact, hashes.equivalent) == (None, None)


def test_equivalent_questions_share_the_second_hash() -> None:
    """That is how they meet in the index."""
    first, second = question_hashes("怎么退货"), question_hashes("请问如何退货呢")
    assert first.exact != second.exact
    assert first.equivalent == second.equivalent


def test_long_headings_are_cut() -> None:
    """A title of a page does not break the contract's limit."""
    [entry] = entries(indexed(read("a.md", f"# {'长' * 400}\n\n## {'短' * 400}\n\ntext".encode())))
    assert len(entry.heading) == 500
