"""Answers as models write them are let out where they are true, and stopped where they are not."""

import pytest

from services.generation.canary import Canary
from services.generation.prompt import Prompt
from services.generation.releasing import Releaser
from services.generation.screening import Checks
from tests.unit.generation.answers import Written, written

CHECKS = Checks(canary=Canary("kqzvwxhjtrmbplsd"))
PROMPT = CHECKS.canary.put_into(Prompt.load("answer/3"))


def released(each: Written) -> bool:
    """Whether a customer reads the whole answer."""
    made = Releaser(each.question, PROMPT, CHECKS)
    made.feed(each.answer)
    made.close(complete=True)
    return made.withheld is None


@pytest.mark.parametrize(
    ("name", "kept_back", "let_out"),
    [("answers.tsv", 10, 17), ("answers_held_back.tsv", 25, 19)],
)
def test_true_answers_are_told_from_invented_ones(name: str, kept_back: int, let_out: int) -> None:
    """No more errors of either kind than docs/decisions.md says."""
    answers = list(written(name))
    lost = [each.answer for each in answers if each.true and not released(each)]
    assert len(lost) <= kept_back, lost
    passed = [each.answer for each in answers if not each.true and released(each)]
    assert len(passed) <= let_out, passed
