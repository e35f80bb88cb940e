"""Content words and how well two texts agree in them."""

import pytest

from services.generation.relevance import SNIPPET_LIMIT, coverage, supporting_span, terms, weights


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("refund", "Refunds"),
        ("delivered", "delivery"),
        ("returning", "returned"),
        ("退貨", "退货"),
        ("ＰＰＲ-9087", "PPR-9087"),
    ],
)
def test_forms_of_one_word_are_one_term(one: str, other: str) -> None:
    """Inflection, script and width make no difference."""
    assert terms(one) & terms(other)


def test_filler_words_are_no_terms() -> None:
    """What every question holds tells no passage apart."""
    assert terms("请问你们这个是怎么样的呢") == frozenset()
    assert terms("Hello, could you please tell me about that?") == frozenset()


def test_codes_stay_whole() -> None:
    """A code cut into pieces would match every other code."""
    assert "ppr-9087" in terms("订单PPR-9087到哪了")


def test_rare_terms_weigh_more_than_common_ones_and_codes_most() -> None:
    """What all the passages say does not tell which of them answers."""
    found = weights("退货运费 SO123", [terms("退货运费"), terms("退货"), terms("so123")])
    assert found["退货"] < found["运费"] < found["so123"]


def test_words_that_nobody_holds_count_against_an_answer_and_chance_pairs_do_not() -> None:
    """飞机票 is a word of the question; 票退 only stands there by chance."""
    found = weights("飞机票退订", [terms("退订要三天")])
    assert "飞机票" in found
    assert "票退" not in found
    assert coverage(found, terms("退订要三天")) < 0.5


def test_coverage_is_the_weighted_share() -> None:
    """From 0 for nothing to 1 for everything."""
    wanted = {"a": 1.0, "b": 3.0}
    assert coverage(wanted, frozenset()) == 0
    assert coverage(wanted, frozenset("b")) == 0.75
    assert coverage(wanted, frozenset("ab")) == 1
    assert coverage({}, frozenset("ab")) == 0


def test_the_sentence_with_most_of_the_claim_supports_it() -> None:
    """The span covers the sentence without the blanks around it."""
    text = "Orders leave in a day. Islands take five days. Thanks."
    assert supporting_span(text, "Islands: five days").of(text) == "Islands take five days."


def test_a_long_sentence_is_cited_up_to_the_limit() -> None:
    """The contract's snippet is bounded, and so is the span."""
    assert supporting_span("退货" * 1000, "退货").end == SNIPPET_LIMIT
