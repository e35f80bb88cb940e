"""When a test question passes, and what two revisions' outcomes say beside each other."""

import pytest

from services.knowledge.ranking import Verdict
from services.knowledge.release import (
    Change,
    GoldenQuestion,
    Outcome,
    Report,
    compare,
    judge,
)

ANSWERED = GoldenQuestion("怎么退货", ("zh/returns.md", "faqs.jsonl"))
UNANSWERED = GoldenQuestion("quantum physics", ())


def found(*documents: str, faq: bool = False, question: GoldenQuestion = ANSWERED) -> Outcome:
    """The outcome of a search that found documents in this order."""
    return judge(question, documents, faq, Verdict.ANSWERABLE, 0.7)


@pytest.mark.parametrize(
    ("documents", "rank", "passed"),
    [
        (("faqs.jsonl",), 1, True),
        (("a.md", "b.md", "faqs.jsonl"), 3, True),
        (("a.md", "b.md", "c.md", "faqs.jsonl"), 4, False),
        (("a.md", "b.md"), 0, False),
        ((), 0, False),
    ],
)
def test_one_of_the_documents_has_to_be_among_the_first(
    documents: tuple[str, ...], rank: int, passed: bool
) -> None:
    """Three where the question says nothing; the rank is told also where it is too low."""
    outcome = found(*documents)
    assert (outcome.rank, outcome.passed) == (rank, passed)
    assert outcome.found == (documents[0] if documents else "")


def test_a_question_may_be_stricter() -> None:
    """Within the first alone."""
    strict = GoldenQuestion("怎么退货", ("faqs.jsonl",), within=1)
    assert found("faqs.jsonl", question=strict).passed
    assert not found("a.md", "faqs.jsonl", question=strict).passed


def test_a_path_means_the_document_made_of_it() -> None:
    """Ids are made of paths; an owner writes paths."""
    ids = found("zh.returns.md-5b1d7b8a1f")
    assert not ids.passed
    path = GoldenQuestion("x", ("returns.md",))
    assert found("returns.md", question=path).passed


def test_an_faq_with_the_same_question_is_sure() -> None:
    """It counts as the first passage, with a score of one."""
    assert found("faqs.jsonl", faq=True).score == 1.0
    assert found("faqs.jsonl").score == 0.7


@pytest.mark.parametrize(
    ("verdict", "passed"),
    [(Verdict.ANSWERABLE, False), (Verdict.WEAK, True), (Verdict.NONE, True)],
)
def test_what_nothing_answers_must_not_be_called_answerable(verdict: Verdict, passed: bool) -> None:
    """Related passages may be found; they are not to be taken for an answer."""
    assert judge(UNANSWERED, ("a.md",), False, verdict, 0.5).passed is passed


def outcome(passed: bool) -> Outcome:
    """An outcome of which only this is looked at."""
    return Outcome(passed, int(passed), "", Verdict.WEAK, 0.5)


def test_what_needs_a_look_comes_first() -> None:
    """What got worse, then what fails as it did, then what got better, then the rest."""
    names = ("same", "better", "fails", "worse")
    questions = [GoldenQuestion(name, ()) for name in names]
    now = [outcome(True), outcome(True), outcome(False), outcome(False)]
    before = [outcome(True), outcome(False), outcome(False), outcome(True)]
    results = compare(questions, now, before)
    assert [each.question.text for each in results] == ["worse", "fails", "better", "same"]
    assert [each.change for each in results] == [
        Change.WORSE,
        Change.NONE,
        Change.BETTER,
        Change.NONE,
    ]
    report = Report(2, 1, results, 0.5, lexical_only=False)
    assert (report.passed, report.share, report.enough) == (2, 0.5, True)
    assert (report.count(Change.BETTER), report.count(Change.WORSE)) == (1, 1)


def test_without_another_revision_nothing_changed() -> None:
    """The first release has nothing to be compared with."""
    [result] = compare([ANSWERED], [outcome(False)], None)
    assert result.change is Change.NONE


@pytest.mark.parametrize(
    ("passed", "required", "enough"), [(9, 0.9, True), (8, 0.9, False), (0, 0.0, True)]
)
def test_the_bar_decides(passed: int, required: float, enough: bool) -> None:
    """Exactly the share that is asked for is enough."""
    questions = [ANSWERED] * 10
    outcomes = [outcome(number < passed) for number in range(10)]
    report = Report(1, 0, compare(questions, outcomes, None), required, lexical_only=False)
    assert report.enough is enough


def test_without_questions_everything_may_be_published() -> None:
    """A company that has none yet is not kept from publishing."""
    assert Report(1, 0, (), 0.9, lexical_only=False).enough
