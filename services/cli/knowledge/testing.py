"""`kefu knowledge test|questions`: what a revision finds for questions whose answers are known."""

import asyncio
import csv
import uuid
from pathlib import Path
from typing import Annotated

import typer
from kefu.knowledge.v1 import release_pb2 as pb
from kefu.knowledge.v1.knowledge_pb2 import SearchResponse
from kefu.knowledge.v1.release_pb2_grpc import KnowledgeReleaseServiceStub
from rich.console import Console
from rich.text import Text

from services.cli.knowledge.options import KbOption, RevisionOption, base_name
from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    JsonOption,
    TenantOption,
    terminal,
)
from services.cli.tables import columns
from services.cli.words import message_json, word
from services.local import operator
from services.local.home import Home
from services.local.problem import Problem

MOST_QUESTIONS = 500
"""In a file; the contract's limit."""

TEST_SECONDS = 60.0
"""Deadline: five hundred questions on two revisions take some twenty seconds."""

_CHANGES = {"BETTER": ("better", "green"), "WORSE": ("worse", "red")}

FileArgument = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="TSV or CSV with the columns below.")
]


def register(knowledge: typer.Typer) -> None:
    """Add the commands of this module."""
    knowledge.command("test")(ask)
    knowledge.command()(questions)


def ask(
    kb: KbOption,
    file: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="Questions; the base's own without it."),
    ] = None,
    revision: RevisionOption = "draft",
    against: Annotated[
        str, typer.Option(help="Another one to compare with; the one before it.")
    ] = "",
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Ask a revision questions, and show what got better and worse against another.

    FILE has the columns `question`, `documents` (paths that answer it, separated by `|`; empty:
    nothing does) and, if you like, `within` (among how many first passages, 3). Exit status 1 if
    a question fails.
    """
    request = pb.TestKnowledgeBaseRequest(
        name=base_name(tenant, kb),
        revision=revision,
        baseline=against,
        questions=read_questions(file) if file else [],
    )
    report = asyncio.run(_ask(Home.at(home), request))
    if as_json:
        print(message_json(report))
    else:
        show_report(report, terminal())
    raise typer.Exit(1 if report.passed < report.total else 0)


async def _ask(home: Home, request: pb.TestKnowledgeBaseRequest) -> pb.TestReport:
    async with operator.channel(home, "knowledge") as channel:
        stub = KnowledgeReleaseServiceStub(channel)
        response = await stub.TestKnowledgeBase(request, timeout=TEST_SECONDS)
    report: pb.TestReport = response.report
    return report


def questions(
    kb: KbOption,
    file: FileArgument,
    required: Annotated[
        float, typer.Option(min=0, max=1, help="Share that has to pass for publishing.")
    ] = 0.9,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Replace the questions that publishing asks; FILE is as for `test`."""
    request = pb.ReplaceTestQuestionsRequest(
        parent=base_name(tenant, kb),
        request_id=str(uuid.uuid4()),
        questions=read_questions(file),
        required_share=required,
    )
    count = asyncio.run(_replace(Home.at(home), request))
    terminal().print(f"publishing asks {count} questions; {required:.0%} have to pass")


async def _replace(home: Home, request: pb.ReplaceTestQuestionsRequest) -> int:
    async with operator.channel(home, "knowledge") as channel:
        stub = KnowledgeReleaseServiceStub(channel)
        response = await stub.ReplaceTestQuestions(request, timeout=TEST_SECONDS)
    return int(response.question_count)


def read_questions(path: Path) -> list[pb.TestQuestion]:
    """Read a table of questions, separated by tabs or commas.

    Raises:
        Problem: it is no such table, with the line that is wrong.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(f"{path} is not UTF-8 text", "save it as UTF-8") from None
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    rows = csv.DictReader(text.splitlines(), delimiter=delimiter)
    if not {"question", "documents"} <= set(rows.fieldnames or ()):
        raise Problem(
            f"{path} lacks a column", "the first line names the columns: question, documents"
        )
    found = [_question(path, number, row) for number, row in enumerate(rows, 2)]
    if not 1 <= len(found) <= MOST_QUESTIONS:
        raise Problem(f"{path} has {len(found)} questions", f"give 1 to {MOST_QUESTIONS}")
    return found


def _question(path: Path, line: int, row: dict[str, str]) -> pb.TestQuestion:
    text, within = (row["question"] or "").strip(), (row.get("within") or "").strip()
    if not text:
        raise Problem(f"{path}, line {line}: no question", "remove the line, or write one")
    if within and not (within.isdecimal() and 1 <= int(within) <= 20):
        raise Problem(f"{path}, line {line}: within is {within!r}", "give a number from 1 to 20")
    documents = [each.strip() for each in (row["documents"] or "").split("|")]
    return pb.TestQuestion(
        text=text,
        documents=filter(None, documents),
        within=int(within) if within else None,
    )


def show_report(report: pb.TestReport, console: Console, problems_only: bool = False) -> None:
    """Print what test questions found, what needs a look first.

    Args:
        report: what they found.
        console: where to.
        problems_only: leaves out questions that pass as they did.
    """
    table = columns("", "", "question", "wanted", "rank", "found first", "verdict")
    for each in report.results:
        change, style = _CHANGES.get(word(pb.TestResult.Change, each.change), ("", ""))
        if problems_only and each.passed and not change:
            continue
        table.add_row(
            Text("pass" if each.passed else "fail", "green" if each.passed else "red"),
            Text(change, style),
            Text(each.question.text),
            Text(", ".join(each.question.documents) or "(nothing)"),
            str(each.rank or "-"),
            Text(each.found.rpartition("/")[2]),
            word(SearchResponse.Verdict, each.verdict).lower(),
        )
    if table.row_count:
        console.print(table)
    against = f" against revision {report.baseline_revision}" if report.baseline_revision else ""
    words = ", by words only" if report.lexical_only else ""
    console.print(
        f"{report.passed} of {report.total} pass, {report.required_share:.0%} have to;"
        f" {report.better} better, {report.worse} worse{against}{words}"
    )
