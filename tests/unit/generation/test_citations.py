"""Markers of a streamed answer become typed citations, and never reach the customer."""

import itertools
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.citations import CitationReader
from services.generation.dialogue import Citation, Passage
from services.language import Span, sentences

RETURNS = Passage(
    "tenants/shop/knowledgeBases/help/documents/returns",
    "a1",
    "退换货",
    "自签收之日起7天内可无理由退货。退款在3个工作日内原路返回。",
)
DELIVERY = Passage(
    "tenants/shop/knowledgeBases/help/documents/delivery",
    "b2",
    "Delivery",
    "Orders leave our warehouse within 24 hours. Delivery takes 3 days. Islands take 5 days.",
)
PASSAGES = (RETURNS, DELIVERY)


def read(*pieces: str) -> CitationReader:
    """Feed the pieces to a new reader and close it."""
    reader = CitationReader(PASSAGES)
    for piece in pieces:
        reader.feed(piece)
    reader.close()
    return reader


def citations(reader: CitationReader) -> list[Citation]:
    """Take sentence by sentence what is cited."""
    return [
        cited for span in sentences(reader.text) for cited in reader.cite(span, reader.take(span))
    ]


def claims(reader: CitationReader) -> list[tuple[str, str]]:
    """For each citation, the document's id and the words of the answer that it supports."""
    return [
        (cited.passage.document.rpartition("/")[2], cited.answer_span.of(reader.text))
        for cited in citations(reader)
    ]


def test_a_marker_becomes_a_citation_of_the_words_before_it() -> None:
    """The marker leaves the text with the blank in front of it, and its sentence is cited."""
    reader = read("You wait a day. Delivery takes 3 days [2].")
    assert reader.text == "You wait a day. Delivery takes 3 days."
    assert claims(reader) == [("delivery", "Delivery takes 3 days")]


def test_the_passage_span_is_the_sentence_the_claim_came_from() -> None:
    """A citation points to the sentence, not to the whole passage."""
    (citation,) = citations(read("退款会在3个工作日内返回[1]。"))
    assert citation.passage_span.of(RETURNS.text) == "退款在3个工作日内原路返回。"


def test_a_claim_in_another_language_cites_the_beginning_of_the_passage() -> None:
    """Words of two languages cannot be compared, so the passage as such is cited."""
    (citation,) = citations(read("Refunds arrive quickly [1]."))
    assert citation.passage_span.start == 0


def test_two_claims_in_one_sentence_are_told_apart() -> None:
    """A marker supports only the words after the marker before it."""
    reader = read("Delivery takes 3 days [2], 退货7天内[1]。")
    assert claims(reader) == [("delivery", "Delivery takes 3 days"), ("returns", ", 退货7天内")]


@pytest.mark.parametrize(
    "marked",
    [
        "快[1][2]",
        "快[1, 2]",
        "快[1，2]",
        "快 [ 1 ] [2]",
        "快【1】【2】",
        "快［1］［2］",
        "快[^1][^2]",
        "快【1†a】[2]",
        "快[1-2]",
        "快[1 and 2]",
        "快[1和2]",
        "快[来源1][资料2]",
        "快[passages 1, 2]",
        "快〔1〕〔2〕",
        r"快\[1\] \[2\]",
        "快[*1*][`2`]",
        "快[\u200b1][2\u200b]",
        "快¹²",
        "快¹[2]",
        "快<sup>1</sup><sup>2</sup>",
        "快<sup>[1]</sup><sup>[2]</sup>",
        "快①②",
        "快① [2]",
    ],
)
def test_every_way_to_write_two_markers_means_the_same(marked: str) -> None:
    """Models write markers in many ways; all give two citations of the same words."""
    reader = read(marked)
    assert reader.text == "快"
    assert claims(reader) == [("returns", "快"), ("delivery", "快")]


@pytest.mark.parametrize("marked", ["快[3]", "快[0]", "快[99]", "快[007]"])
def test_a_marker_that_points_nowhere_vanishes(marked: str) -> None:
    """Only passages that were given can be cited, and no marker is left either way."""
    reader = read(marked)
    assert (reader.text, citations(reader)) == ("快", [])


@pytest.mark.parametrize(
    "text",
    [
        "见[附录]。",
        "a[2024]b",
        "[x]",
        "数组[]",
        "[1元]",
        "[必填]1]",
        "5<6",
        "a<b",
        "x\\",
        "保修1年⁹。",
    ],
)
def test_brackets_that_are_no_marker_stay(text: str) -> None:
    """What only looks like the beginning of a marker is text."""
    assert read(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "面积10m²。",
        "10<sup>3</sup>",
        "①打开应用②点击退货",
        "步骤：①打开；②退货。",
        "①\n②",
        "选择①或②。",
        "。①打开",
    ],
)
def test_exponents_and_numbers_of_items_stay(text: str) -> None:
    """They look like a marker, and the same sign is one elsewhere."""
    for pieces in ([text], [*text]):
        reader = read(*pieces)
        assert (reader.text, citations(reader)) == (text, [])


def test_a_marker_behind_the_full_stop_cites_the_sentence_that_ended() -> None:
    """Chinese models put the marker behind 。 as often as in front of it."""
    assert claims(read("好的。7天内可退货。[1]")) == [("returns", "7天内可退货。")]


def test_a_marker_at_the_beginning_of_a_line_cites_the_sentence_after_it() -> None:
    """Small models number their sentences in place of marking them."""
    reader = read("[2] Delivery takes 3 days. Thanks.\n[1] 7天内可退货。")
    assert reader.text == "Delivery takes 3 days. Thanks.\n7天内可退货。"
    assert claims(reader) == [("delivery", "Delivery takes 3 days."), ("returns", "7天内可退货。")]


def test_a_sentence_is_taken_before_the_next_line() -> None:
    """Who releases it needs its citations now; markers of later sentences wait."""
    reader = CitationReader(PASSAGES)
    reader.feed("[2] Delivery takes 3 days. Thanks.\n[1] 7天")
    first = Span(0, reader.text.index(" Thanks"))
    (cited,) = reader.cite(first, reader.take(first))
    assert (cited.passage, cited.answer_span) == (DELIVERY, first)
    reader.feed("内可退货。")
    reader.close()
    assert claims(reader) == [("returns", "7天内可退货。")]


@pytest.mark.parametrize(
    "text", ["快[1]<b></b>[2]。", "快[1]**[2]**。", "快[1]和[2]。", "快[1]。[2]"]
)
def test_a_marker_behind_no_new_words_cites_for_those_before_it(text: str) -> None:
    """Tags, marks and what joins two markers claim nothing."""
    assert claims(read(text)) == [("returns", "快"), ("delivery", "快")]


@pytest.mark.parametrize(
    "lead", ["根据[1]，", "根据退货政策[1]，", "详见[1]：", "- [1] ", "**[1]** "]
)
def test_a_marker_behind_words_that_lead_to_it_cites_its_sentence(lead: str) -> None:
    """So does one behind the bullet of an item."""
    reader = read("好的。\n" + lead + "7天内可退货。")
    assert claims(reader) == [("returns", reader.text[4:])]
    assert reader.text.endswith("7天内可退货。")


def test_the_same_passage_twice_for_the_same_words_is_one_citation() -> None:
    """Repeating a marker proves nothing more."""
    assert len(citations(read("7天内可退货[1][1]。"))) == 1


def test_citations_are_numbered_by_place_in_the_answer() -> None:
    """The index counts citations of the answer, not passages of the prompt."""
    reader = read("Delivery takes 3 days [2]. 7天内可退货[1]。")
    assert [(cited.index, cited.passage) for cited in citations(reader)] == [
        (1, DELIVERY),
        (2, RETURNS),
    ]


def test_nothing_that_may_become_a_marker_is_released() -> None:
    """A customer never sees half a marker, and sees all the rest at once."""
    reader = CitationReader(PASSAGES)
    texts = []
    for piece in ("7天内可退货 [", "1", "]。"):
        reader.feed(piece)
        texts.append(reader.text)
    assert texts == ["7天内可退货", "7天内可退货", "7天内可退货。"]
    assert claims(reader) == [("returns", "7天内可退货")]


def test_a_marker_cut_off_at_the_end_is_dropped() -> None:
    """An answer that is interrupted inside a marker does not end with half of it."""
    assert read("7天内可退货[", "1").text == "7天内可退货"


def test_markers_inside_markers_leave_no_marker() -> None:
    """Taking a marker out must not make one of what stood around it."""
    assert read("快[[1]1]").text == "快"


def test_a_model_that_opens_brackets_without_end_is_not_waited_for() -> None:
    """What is held back is bounded; a run of brackets is nobody's loss."""
    reader = CitationReader(PASSAGES)
    reader.feed("快" + "[" * 500)
    reader.feed("好")
    assert reader.text == "快好"


@pytest.mark.parametrize("unit", [" ", "[", "[1,", "\\", "<sup>", "¹", "①", "① ", "[x]", "]"])
def test_long_runs_take_no_longer_than_their_length(unit: str) -> None:
    """A blocking answer is one piece; a pattern that looks on from each sign would take hours."""
    for text in ("快" + unit * 100_000, "快" + unit * 100_000 + "好[1]。"):
        assert len(read(text).text) <= len(text)


def test_a_run_of_blanks_before_a_marker() -> None:
    """It goes with it up to a length that means something, however it was cut."""
    text = "快" + " " * 200 + "[1]。"
    assert read(text).text == read(*text).text
    assert read("快" + " " * 60 + "[1]。").text == "快。"


def test_leading_white_space_is_no_answer() -> None:
    """Models begin with a line break now and then."""
    assert read("\n\n ", " 好").text == "好"


MODEL_TEXT = st.text(alphabet="[]【】12 3,†a好。.\n", max_size=40)

# What models write around a marker, and what only looks like one.
PIECES = (
    *(
        "[",
        "]",
        "【",
        "】",
        "〔",
        "[1]",
        "[2]",
        "[1-2]",
        "[资料1]",
        "\\[",
        "\\]",
        "[x]",
        "[" * 9,
        "†",
        "^",
    ),
    *("1", "2", "¹", "²", "①", "②", "、", "<sup>", "</sup>", "<sup>1</sup>", "<sup>[1]</sup>"),
    *("<b>", "</b>", "<", ">", "\\", "*", "**", "`", "-", "1.", "~", "\u200b", "😀"),
    *("。", "，", ".", ". ", "！", "（", "）", "”", "“", " ", "  ", " " * 70, "\n"),
    *("根据", "详见", "和", "and", "退货7天内", "好的", "v2.0", "m"),
)


@pytest.mark.parametrize("seed", range(20))
def test_any_marker_may_be_cut_anywhere(seed: int) -> None:
    """Text and places of markers are the same in one piece, in single characters, in any pieces."""
    chance = random.Random(seed)
    for _ in range(100):
        text = "".join(chance.choices(PIECES, k=chance.randint(1, 14)))
        places = sorted({0, len(text), *(chance.randrange(len(text)) for _ in range(5))})
        pieces = [text[start:end] for start, end in itertools.pairwise(places)]
        whole = read(text)
        for cut in (read(*pieces), read(*text)):
            assert (cut.text, citations(cut)) == (whole.text, citations(read(text))), repr(text)


@given(text=MODEL_TEXT, cuts=st.lists(st.integers(0, 40), max_size=12))
def test_however_the_text_is_cut_the_answer_is_the_same(text: str, cuts: list[int]) -> None:
    """Providers cut anywhere; deltas, citations and spans must not depend on it."""
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    whole, cut = read(text), read(*pieces)
    assert cut.text == whole.text
    assert citations(cut) == citations(whole)


@given(text=MODEL_TEXT)
def test_no_answer_holds_a_marker(text: str) -> None:
    """Whatever a model writes, no marker of a given passage is left in it."""
    assert not re.search(r"[\[【]\s*\d{1,3}\s*[\]】]", read(text).text)


@given(text=MODEL_TEXT)
def test_every_span_lies_inside_its_text(text: str) -> None:
    """Spans are never empty and never point outside."""
    reader = read(text)
    for citation in citations(reader):
        assert 0 <= citation.answer_span.start < citation.answer_span.end <= len(reader.text)
        assert 0 <= citation.passage_span.start < citation.passage_span.end
        assert citation.passage_span.end <= len(citation.passage.text)
