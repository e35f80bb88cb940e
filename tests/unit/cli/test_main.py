"""The command line itself: quick, complete, and clear when something is in the way."""

import subprocess
import sys
from pathlib import Path

import pytest
from kefu.errors import MethodNotAllowed, SessionNotFound, StorageUnavailable
from typer.main import get_command

from services.cli import main
from services.local.problem import Problem


def commands(*arguments: str) -> set[str]:
    """Return the names of the commands that exist for some arguments."""
    group = get_command(main.build(arguments))
    return set(group.commands)  # type: ignore[attr-defined]


def test_every_command_exists() -> None:
    """Help shows them all, and each is found by its own name."""
    assert commands("--help") == set(main.MODULES)
    for name in main.MODULES:
        assert name in commands(name)


def test_only_the_module_that_is_asked_for_is_imported() -> None:
    """`kefu status` in a script's loop does not pay for grpc and the database client."""
    program = (
        "import sys; from services.cli.main import build; build(['status'])\n"
        "print(sorted({'grpc', 'psycopg', 'sklearn', 'kefu'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.strip() == "[]", run.stderr


def test_a_problem_is_two_lines_and_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    """What happened, what to do, and an exit status that scripts can tell apart."""
    assert main.explain(Problem("port 1 is taken", "stop its process")) == main.EXIT_PROBLEM
    assert capsys.readouterr().err == "kefu: port 1 is taken\n      stop its process\n"


def test_a_failed_call_names_its_reason_and_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """From the message to the story of the call in one step."""
    error = SessionNotFound("no such session", trace_id="ab" * 16)
    assert main.explain(error) == main.EXIT_CALL_FAILED
    assert capsys.readouterr().err == (
        f"kefu: no such session (SESSION_NOT_FOUND)\n      kefu trace {'ab' * 16}\n"
    )


@pytest.mark.parametrize(
    ("error", "again"), [(StorageUnavailable(), True), (MethodNotAllowed(), False)]
)
def test_only_a_retryable_failure_says_try_again(
    error: Exception, again: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal will not go away by itself."""
    main.explain(error)
    assert ("tried again" in capsys.readouterr().err) is again


def test_a_defect_is_not_dressed_up() -> None:
    """A mistake of ours keeps its traceback."""
    assert main.explain(ZeroDivisionError()) is None


def kefu(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments], capture_output=True, text=True
    )


def test_without_a_mesh_every_call_says_how_to_start_one(tmp_path: Path) -> None:
    """One clear line, no traceback."""
    run = kefu("ask", "你好", "--home", f"{tmp_path}/home")
    assert run.returncode == main.EXIT_PROBLEM
    assert run.stderr.startswith(f"kefu: no mesh runs on {tmp_path}/home\n      start it: kefu up")


def test_an_unknown_command_is_wrong_usage() -> None:
    """Click's own status, so that scripts can tell it from a failure."""
    assert kefu("fly").returncode == 2
