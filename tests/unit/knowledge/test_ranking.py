"""Order, score and verdict follow from evidence that can be named."""

from dataclasses import replace

import pytest

from services.knowledge.calibration import calibration
from services.knowledge.lexical import query_terms
from services.knowledge.ranking import (
    Candidate,
    Frequencies,
    Mode,
    Question,
    Scored,
    Verdict,
    rank,
    verdict,
)
from services.language import Language, Span


def ask(text: str, language: Language = Language.ZH) -> Question:
    return Question(text, query_terms(text), language)


def passage(
    name: str,
    matched: tuple[int, ...],
    cosine: float | None = None,
    *,
    language: Language = Language.ZH,
) -> Candidate:
    return Candidate(name, "r", "title", "text", Span(0, 4), language, None, None, matched, cosine)


def faq(
    name: str, asked: str | None, matched: tuple[int, ...], cosine: float | None = None
) -> Candidate:
    return replace(passage(name, matched, cosine), faq=0, asked=asked)


def rare(question: Question, total: int = 1000) -> Frequencies:
    return Frequencies([1] * len(question.terms), total)


def names(ranked: list[Scored]) -> list[str]:
    return [scored.candidate.document for scored in ranked]


def test_without_vectors_words_decide() -> None:
    """The more of the question a passage has, the better; all of it is as sure as words can be."""
    question = ask("退货运费")
    everything = tuple(range(len(question.terms)))
    ranked = rank(question, rare(question), [passage("half", (0,)), passage("all", everything)])
    assert names(ranked) == ["all", "half"]
    assert ranked[0].score == pytest.approx(calibration().probability(1.0, dense=False))
    assert [(each.lexical_rank, each.dense_rank) for each in ranked] == [(1, 0), (2, 0)]


def test_rare_words_count_more() -> None:
    """A word that is everywhere says little about any passage."""
    question = ask("商品 研磨器")
    frequencies = Frequencies([900, *[2] * (len(question.terms) - 1)], 1000)
    ranked = rank(question, frequencies, [passage("common", (0,)), passage("rare", (1,))])
    assert names(ranked) == ["rare", "common"]


def test_words_and_meaning_are_joined() -> None:
    """A paraphrase without shared words wins over a shared common word, and both are ranked."""
    question = ask("退货 运费")
    ranked = rank(
        question, rare(question), [passage("words", (0,), 0.82), passage("meaning", (), 0.94)]
    )
    assert names(ranked) == ["meaning", "words"]
    assert [(each.lexical_rank, each.dense_rank) for each in ranked] == [(0, 1), (1, 2)]


def test_by_meaning_alone_words_count_nothing() -> None:
    """All of the question's words do not help a passage that means something else."""
    question = ask("退货运费")
    everything = tuple(range(len(question.terms)))
    found = [passage("words", everything, 0.82), passage("meaning", (), 0.9)]
    assert names(rank(question, rare(question), found)) == ["words", "meaning"]
    dense = rank(question, rare(question), found, Mode.DENSE)
    assert names(dense) == ["meaning", "words"]
    assert [each.lexical_rank for each in dense] == [0, 0]


def test_scores_stay_in_their_range() -> None:
    """However alike or unlike the vectors are."""
    question = ask("退货")
    ranked = rank(question, rare(question), [passage("a", (0,), 1.0), passage("b", (0,), -1.0)])
    assert [each.parts["words"] + each.parts["meaning"] for each in ranked] == [
        pytest.approx(1.0),
        pytest.approx(0.4),
    ]
    assert 0 < ranked[1].score < ranked[0].score < 1


def test_what_has_no_evidence_is_left_out() -> None:
    """The nearest of nothing near is no result."""
    question = ask("退货")
    assert rank(question, rare(question), [passage("a", (), 0.6)]) == []


def test_a_passage_without_the_code_falls_behind() -> None:
    """Vectors hardly tell PPR-9087 from PPR-9078; the code does."""
    question = ask("PPR-9087 保修")
    code = next(place for place, term in enumerate(question.terms) if term.text == "ppr9087")
    ranked = rank(
        question,
        rare(question),
        [passage("other product", (1,), 0.93), passage("right product", (code,), 0.90)],
    )
    assert names(ranked) == ["right product", "other product"]


def test_a_number_that_stands_nowhere_does_not_matter() -> None:
    """An order number is the customer's own; no passage can have it."""
    question = ask("订单 1001 怎么退货")
    counts = [0 if term.text == "1001" else 5 for term in question.terms]
    found = [passage("returns", tuple(place for place, count in enumerate(counts) if count), 0.93)]
    frequencies = Frequencies(counts, 1000)
    ranked = rank(question, frequencies, found)
    assert verdict(question, frequencies, ranked) is Verdict.ANSWERABLE


def test_a_code_that_stands_nowhere_leaves_no_certain_answer() -> None:
    """A product that the company does not have must not get another product's answer."""
    question = ask("QQQ-1234 保修多久")
    counts = [0 if term.text == "qqq1234" else 5 for term in question.terms]
    found = [passage("warranty", tuple(place for place, count in enumerate(counts) if count), 0.95)]
    frequencies = Frequencies(counts, 1000)
    assert verdict(question, frequencies, rank(question, frequencies, found)) is Verdict.WEAK


def test_the_opposite_question_falls_behind() -> None:
    """哪些能退 is not answered by 哪些不能退, however near the vectors are."""
    question = ask("哪些商品能退货")
    everything = tuple(range(len(question.terms)))
    ranked = rank(
        question,
        rare(question),
        [
            faq("opposite", "哪些商品不能退货", everything, 0.95),
            faq("same", "什么商品可以退货", everything[:-1], 0.93),
        ],
    )
    assert names(ranked) == ["same", "opposite"]


@pytest.mark.parametrize("turned", [False, True])
def test_of_equal_wordings_the_one_that_is_not_opposite_counts(turned: bool) -> None:
    """Whatever order the database gives them in."""
    question = ask("哪些商品能退货")
    wordings = [
        faq("returns", "哪些商品不能退货", (0, 1), None),
        faq("returns", "商品怎么退货", (0, 1), None),
    ]
    (ranked,) = rank(question, rare(question), wordings[::-1] if turned else wordings)
    assert ranked.candidate.asked == "商品怎么退货"
    assert "opposite" not in ranked.parts


def test_the_questions_language_is_preferred() -> None:
    """Where both languages say the same, the customer gets hers."""
    question = ask("how long is the warranty", Language.EN)
    chinese, english = passage("zh", (), 0.92), passage("en", (), 0.92, language=Language.EN)
    assert names(rank(question, rare(question), [chinese, english])) == ["en", "zh"]


def test_another_language_is_better_than_nothing() -> None:
    """A Chinese passage that answers wins over an English one that does not."""
    question = ask("how long is the warranty", Language.EN)
    chinese, english = passage("zh", (), 0.93), passage("en", (), 0.84, language=Language.EN)
    assert names(rank(question, rare(question), [chinese, english])) == ["zh", "en"]


def test_of_an_faqs_wordings_one_stays() -> None:
    """A page of results shows each FAQ once, with the evidence of all its wordings."""
    question = ask("退货 运费")
    [only] = rank(
        question,
        rare(question),
        [
            faq("f", "退货", (0,), 0.85),
            faq("f", "寄回多少钱", (), 0.94),
            faq("f", None, (1,), 0.80),
        ],
    )
    assert only.cosine == 0.94
    assert only.candidate.asked == "寄回多少钱"


def test_equal_scores_have_a_fixed_order() -> None:
    """The same search gives the same page."""
    question = ask("退货")
    found = [passage("b", (0,)), passage("a", (0,))]
    assert names(rank(question, rare(question), found)) == ["a", "b"]


@pytest.mark.parametrize(
    ("cosine", "expected"), [(0.94, Verdict.ANSWERABLE), (0.89, Verdict.WEAK), (0.83, Verdict.NONE)]
)
def test_the_verdict_follows_the_best_passage(cosine: float, expected: Verdict) -> None:
    """Certain, perhaps, no: by the score."""
    question = ask("退货")
    ranked = rank(question, rare(question), [passage("a", (), cosine)])
    assert verdict(question, rare(question), ranked) is expected


def test_nothing_found_is_no_answer() -> None:
    """An empty knowledge base answers nothing."""
    assert verdict(ask("退货"), Frequencies([0], 0), []) is Verdict.NONE


def test_a_question_without_words_can_still_be_ranked() -> None:
    """An emoji has a vector and no terms; nothing divides by zero."""
    question = ask("😀")
    assert rank(question, Frequencies([], 0), [passage("a", (), 0.9)])[0].lexical_rank == 0


def test_what_the_wordings_say_orders_faqs_and_changes_no_certainty() -> None:
    """The nearest wording is not always that of the FAQ that is meant."""
    question = ask("退货")
    found = [
        faq("near", "退货", (0,), 0.93),
        faq("meant", "退货", (0,), 0.92),
        passage("text", (0,), 0.9),
    ]
    plain = rank(question, rare(question), found)
    assert names(plain) == ["near", "meant", "text"]
    meant = {("near", 0): 0.1, ("meant", 0): 0.9}
    told = rank(question, rare(question), found, Mode.HYBRID, meant)
    assert names(told) == ["meant", "near", "text"]
    assert [each.score for each in told] == [each.score for each in plain]
    assert told[0].parts["meant"] == 0.9
    assert "meant" not in told[2].parts


def test_by_words_alone_the_wordings_are_not_asked() -> None:
    """The mode for comparison compares words."""
    question = ask("退货")
    found = [faq("a", "退货", (0,)), faq("b", "退货", (0,))]
    meant = {("a", 0): 0.1, ("b", 0): 0.9}
    assert names(rank(question, rare(question), found, Mode.LEXICAL, meant)) == ["a", "b"]


def test_a_score_says_what_it_is_made_of() -> None:
    """Words and meaning add up; what a check takes off is told with a minus."""
    question = ask("PPR-9087 保修")
    code = next(place for place, term in enumerate(question.terms) if term.text == "ppr9087")
    others = tuple(place for place in range(len(question.terms)) if place != code)
    found = [passage("has", (code, *others), 0.9), passage("lacks", others, 0.9)]
    has, lacks = rank(question, rare(question), found)
    assert set(has.parts) == {"words", "meaning"}
    assert lacks.parts["missing_code"] < 0
    worth = calibration().probability
    assert lacks.score == pytest.approx(worth(sum(lacks.parts.values()), dense=True))
    assert has.score == pytest.approx(worth(sum(has.parts.values()), dense=True))
