"""Which FAQ is meant, by the company's own wordings: right, sure of itself, bounded."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.encoder.conversion import directory
from services.encoder.encoder import Encoder
from services.knowledge.own_wordings import MOST_WORDINGS, OwnWordings, Wording, enough

DIMENSIONS = 32
LEARNING = Path(__file__).parents[3] / "services" / "knowledge" / "learning"


def vector(topic: int, number: int, spread: float = 0.5) -> NDArray[np.float32]:
    """A vector near a topic's, the same one each time."""
    centre = np.random.default_rng(topic).standard_normal(DIMENSIONS)
    own = np.random.default_rng((topic, number)).standard_normal(DIMENSIONS)
    made = centre + spread * own
    return np.asarray(made / np.linalg.norm(made), np.float32)


def wordings(topics: int, each: int, spread: float = 0.5) -> list[Wording]:
    """So many wordings of so many FAQs; their words say nothing."""
    return [
        Wording((f"{topic}.jsonl", 0), "问", vector(topic, number, spread))
        for topic in range(topics)
        for number in range(each)
    ]


def test_a_question_means_the_faq_whose_wordings_surround_it() -> None:
    """Also where no single wording is nearest; what it says of all FAQs adds up to one."""
    own = OwnWordings(wordings(8, 4, spread=1.0))
    right = 0
    for topic in range(8):
        found = own.probabilities("怎么问", vector(topic, 99, 1.0).tolist())
        assert math.isclose(sum(found.values()), 1.0)
        right += max(found, key=lambda faq: found[faq]) == (f"{topic}.jsonl", 0)
    assert right >= 7


def test_it_beats_the_nearest_wording() -> None:
    """That is what it is for: real questions of invented companies, with their real vectors."""
    encoder = Encoder.load(directory())
    right, by_nearest, asked = 0, 0, 0
    for company in ("telecom", "hotel"):
        known, questions = halves(company, encoder)
        own = OwnWordings(known)
        vectors = np.array([each.vector for each in known])
        for each in questions:
            found = own.probabilities(each.text, list(each.vector))
            right += max(found, key=lambda faq: found[faq]) == each.faq
            by_nearest += known[int(np.argmax(vectors @ each.vector))].faq == each.faq
        asked += len(questions)
    assert asked > 100
    assert right > by_nearest + 0.03 * asked


def halves(company: str, encoder: Encoder) -> tuple[list[Wording], list[Wording]]:
    """Of a company's questions, every other one as a wording, and the others to ask."""
    known: list[Wording] = []
    asked: list[Wording] = []
    for language in ("zh", "en"):
        with (LEARNING / f"faqs_{language}.tsv").open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            texts = [
                (row["faq"], row["text"])
                for row in rows
                if row["base"] == company and row["kind"] in ("question", "variant", "query")
            ]
        for number, (faq, text) in enumerate(texts):
            vector_ = encoder.encode(text, query=True)
            (known, asked)[number % 2].append(Wording((faq, 0), text, vector_))
    trained = {each.faq for each in known}
    return known, [each for each in asked if each.faq in trained]


@pytest.mark.parametrize(
    ("texts", "asked", "expected"),
    [
        (("退货流程", "退货要几步", "换货流程", "换货要几步"), "怎么换货", 1),
        (("refund an order", "order refund", "track an order", "order tracking"), "tracking", 1),
        (("退款多久到账", "退款的时间", "发货要多久", "发货的时间"), "退款什么时候到", 0),
    ],
)
def test_words_count_where_the_wordings_show_that_they_do(
    texts: tuple[str, ...], asked: str, expected: int
) -> None:
    """With vectors that say nothing, the words decide, in both languages."""
    same = vector(1, 1, 0.0)
    known = [Wording(("f", place // 2), text, same) for place, text in enumerate(texts)]
    found = OwnWordings(known).probabilities(asked, same.tolist())
    assert max(found, key=lambda faq: found[faq]) == ("f", expected)


def test_words_that_mislead_are_not_heard() -> None:
    """Each FAQ's wordings have the words of the others; only meaning tells them apart."""
    known = [
        Wording((f"{topic}", 0), f"word{number}", vector(topic, number, 0.3))
        for topic in range(6)
        for number in range(4)
    ]
    own = OwnWordings(known)
    for topic in range(6):
        found = own.probabilities("word1 word2", vector(topic, 50, 0.3).tolist())
        assert max(found, key=lambda faq: found[faq]) == (f"{topic}", 0)


def test_it_is_sure_where_wordings_agree_and_not_where_they_do_not() -> None:
    """The scale of its scores is chosen by what the left-out wordings got."""
    near = OwnWordings(wordings(6, 5, spread=0.2)).probabilities("问", vector(2, 77, 0.2).tolist())
    far = OwnWordings(wordings(6, 5, spread=6.0)).probabilities("问", vector(2, 77, 6.0).tolist())
    assert max(near.values()) > 0.9
    assert max(far.values()) < 0.7


def test_the_same_wordings_make_the_same_classifier() -> None:
    """Every replica answers alike."""
    known = wordings(5, 3)
    asked = vector(3, 42).tolist()
    one, two = OwnWordings(known), OwnWordings(known)
    assert one.probabilities("问", asked) == two.probabilities("问", asked)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([], False),
        (wordings(1, 5), False),
        (wordings(5, 1), False),
        (wordings(2, 2), True),
        (wordings(2, 2) * (MOST_WORDINGS // 4 + 1), False),
    ],
)
def test_a_classifier_is_made_where_it_can_tell_something(
    known: list[Wording], expected: bool
) -> None:
    """Some FAQ needs two wordings, and there must be another; too many take too long."""
    assert enough(known) is expected


def test_many_wordings_are_judged_by_a_part() -> None:
    """More than six hundred are all trained on, and a spread part chooses how."""
    own = OwnWordings(wordings(200, 4, spread=0.4))
    found = own.probabilities("问", vector(150, 9, 0.4).tolist())
    assert max(found, key=lambda faq: found[faq]) == ("150.jsonl", 0)


@pytest.mark.parametrize("text", ["", "😀", "?", "a" * 4000, "退" * 4000])
def test_no_question_breaks_it(text: str) -> None:
    """Nothing to read, or far too much: the vector still says something."""
    found = OwnWordings(wordings(3, 2)).probabilities(text, vector(1, 5).tolist())
    assert math.isclose(sum(found.values()), 1.0)
