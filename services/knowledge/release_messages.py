"""Between the contract's messages about releases and the domain's values, in pairs."""

from kefu.knowledge.v1 import release_pb2 as pb

from services.knowledge.catalog import BaseName, DocumentName
from services.knowledge.messages import VERDICTS, moment_to
from services.knowledge.release import (
    DEFAULT_WITHIN,
    Change,
    Compared,
    GoldenQuestion,
    Report,
    Revision,
)

_CHANGES = {each: pb.TestResult.Change.Value(f"CHANGE_{each.name}") for each in Change}


def question_from(message: pb.TestQuestion) -> GoldenQuestion:
    """Read a test question."""
    within = message.within if message.HasField("within") else DEFAULT_WITHIN
    return GoldenQuestion(message.text, tuple(message.documents), within)


def question_to(question: GoldenQuestion) -> pb.TestQuestion:
    """Write a test question."""
    return pb.TestQuestion(text=question.text, documents=question.documents, within=question.within)


def revision_to(revision: Revision) -> pb.Revision:
    """Write a revision."""
    return pb.Revision(
        number=revision.number,
        live=revision.live,
        document_count=revision.documents,
        passage_count=revision.entries,
        description=revision.description,
        create_time=moment_to(revision.create_time),
        passed_share=revision.passed_share,
        publisher=revision.publisher,
    )


def report_to(base: BaseName, report: Report) -> pb.TestReport:
    """Write what test questions found."""
    return pb.TestReport(
        revision=report.revision,
        baseline_revision=report.baseline,
        total=len(report.results),
        passed=report.passed,
        better=report.count(Change.BETTER),
        worse=report.count(Change.WORSE),
        required_share=report.required_share,
        lexical_only=report.lexical_only,
        results=[_result_to(base, each) for each in report.results],
    )


def _result_to(base: BaseName, compared: Compared) -> pb.TestResult:
    outcome = compared.outcome
    return pb.TestResult(
        question=question_to(compared.question),
        passed=outcome.passed,
        rank=outcome.rank,
        found=str(DocumentName(base, outcome.found)) if outcome.found else "",
        verdict=VERDICTS[outcome.verdict],
        score=outcome.score,
        change=_CHANGES[compared.change],
    )
