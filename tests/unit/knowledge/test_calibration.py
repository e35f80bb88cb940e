"""What a score is worth: the file that ships, and that it is what the questions teach."""

import json
import zlib

import numpy as np
import pytest
from numpy.typing import NDArray

from services.knowledge.calibration import ARTEFACT, calibration
from services.knowledge.learning.cases import LEFT_OUT, cases
from services.knowledge.learning.companies import companies


@pytest.mark.parametrize("dense", [True, False])
def test_more_evidence_is_more_probable(dense: bool) -> None:
    """Between 0 and 1, and never the other way round."""
    worth = calibration().probability
    values = [worth(step / 20, dense) for step in range(21)]
    assert values == sorted(values)
    assert 0 < values[0] < 0.5 < values[-1] < 1


def test_the_verdicts_have_their_order() -> None:
    """What is answerable is more than what is weak."""
    bounds = calibration()
    assert 0 < bounds.weak < bounds.answerable < 1


def test_the_file_says_how_good_it_is() -> None:
    """On companies that it was not fitted on: with vectors within five points."""
    record = json.loads(ARTEFACT.read_text())["record"]
    assert record["dense"]["questions"] > 4000
    assert record["dense"]["expected_calibration_error"] < 0.05


def test_companies_are_read_whole() -> None:
    """Both languages; every FAQ has its question, an answer and somebody who asks."""
    found = companies()
    assert len(found) == 12
    assert {each.language.value for each in found} == {"zh", "en"}
    for company in found:
        assert company.unanswered
        for faq in company.faqs.values():
            assert faq.wordings
            assert faq.answer
            assert faq.queries


def test_questions_are_asked_with_and_without_their_answer() -> None:
    """Once of all FAQs and once with some left out, so that many have none."""
    company = companies()[0]
    company.faqs = dict(list(company.faqs.items())[:8])
    found = list(cases(company, fake))
    queries = sum(len(faq.queries) for faq in company.faqs.values())
    assert len(found) == 2 * queries + len(company.unanswered)
    answered = sum(case.answered for case in found)
    assert queries < answered < 2 * queries
    assert LEFT_OUT * queries / 3 < 2 * queries - answered
    assert all(0 <= case.score <= 1 and 0 <= case.lexical_score <= 1 for case in found)


def fake(text: str, question: bool) -> NDArray[np.float32]:
    """Vectors without meaning, the same each time; the words of the questions are real."""
    seed = zlib.crc32(f"{question}{text}".encode())
    made = np.random.default_rng(seed).standard_normal(384)
    return np.asarray(made / np.linalg.norm(made), np.float32)
