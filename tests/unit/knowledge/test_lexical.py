"""What is indexed and what is searched for meet, in both languages and all spellings."""

import pytest

from services.knowledge.lexical import MOST_TERMS, TERM_LENGTH, Kind, index_terms, query_terms


def meet(question: str, text: str) -> set[str]:
    return {term.text for term in query_terms(question)} & index_terms([text])


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("PPR-9087 有货吗", "陶瓷胡椒研磨器PPR-9087榉木机身"),
        ("ppr9087", "PPR-9087 is a pepper mill"),
        ("ＰＰＲ－９０８７", "PPR-9087"),
        ("cat", "the cat mug"),
        ("cats", "a cat mug"),
        ("三码", "营地鞋三码是多大"),
        ("退貨", "退货运费由谁承担"),
        ("我要买男的东西", "男鞋和女鞋"),
        ("t-shirt", "Tshirts wash at 30 degrees"),
        ("9087", "PPR-9087"),
        ("deliveries", "delivery takes three days"),
        ("who", "who is who"),
        ("怎么办", "怎么办"),
        ("don't", "we dont"),
        ("1,299.00", "price 1,299.00 yuan"),
    ],
)
def test_what_people_type_finds_what_is_written(question: str, text: str) -> None:
    """Codes, bare words, custom words, widths, scripts, plurals: each has failed elsewhere."""
    assert meet(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("1.5", "15"),
        ("3-5", "35"),
        ("PPR-9087", "PPR-9078"),
        ("order 1001", "1010"),
        ("退货", "换货"),
        ("glass", "glas"),
    ],
)
def test_what_differs_does_not_meet(question: str, text: str) -> None:
    """Bringing forms together must not join numbers, codes or words of different meaning."""
    assert not meet(question, text)


def test_content_counts_more_than_grammar() -> None:
    """Function words are not searched for while there is something else."""
    assert {term.text: term.kind for term in query_terms("how do I return order 1001")} == {
        "return": Kind.WORD,
        "order": Kind.WORD,
        "1001": Kind.CODE,
    }


def test_a_question_of_function_words_searches_for_them() -> None:
    """There are no stop words that make a search find nothing."""
    assert [term.kind for term in query_terms("what is it")] == [Kind.FUNCTION] * 3


def test_neighbouring_characters_are_pairs() -> None:
    """A word that the segmenter does not know is found by its pairs of characters."""
    assert [(term.text, term.kind) for term in query_terms("会员积分")] == [
        ("会员", Kind.WORD),
        ("积分", Kind.WORD),
        ("员积", Kind.PAIR),
    ]


@pytest.mark.parametrize("question", ["", "???", "😀", "，。！"])
def test_a_question_without_words_asks_for_nothing(question: str) -> None:
    """Nothing to search for is no failure."""
    assert query_terms(question) == ()


def test_a_long_question_is_bounded() -> None:
    """4,000 code points do not become 4,000 conditions, and content is kept rather than pairs."""
    terms = query_terms("".join(chr(0x4E00 + number) for number in range(4000)))
    assert len(terms) == MOST_TERMS


def test_long_words_are_cut_alike_on_both_sides() -> None:
    """A word beyond what the database takes is found by its beginning."""
    assert meet("a" * 4000, "a" * 4000) == {"a" * TERM_LENGTH}


def test_heading_and_text_are_indexed_together() -> None:
    """A passage is found by the words of its headings."""
    assert {"退货", "运费"} <= index_terms(["退货", "运费由顾客承担"])
