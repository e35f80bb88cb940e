"""The tool that holds the budget counts as a person would."""

from pathlib import Path

from tests.support.budget import Function, Source, breaches, measure, percentile_90

EXAMPLE = '''\
"""A file.

Of three lines of docstring.
"""

LIMIT = 3  # a reason
"""What it is."""


async def outer(text: str) -> str:
    """Said."""

    def inner() -> str:
        # why
        return "# not a comment"

    return inner() + """not
    a docstring"""
'''


def test_a_file_is_measured(tmp_path: Path) -> None:
    """Comments and docstrings by line, functions from def to end, the inner one too."""
    path = tmp_path / "example.py"
    path.write_text(EXAMPLE)
    found = measure(path, tmp_path)
    assert found == Source(
        "example.py",
        lines=18,
        commented=4 + 2 + 2,
        functions=(Function("example.py:10 outer", 9), Function("example.py:13 inner", 3)),
    )


def source(lines: int, commented: int, *functions: int) -> Source:
    """A file of these figures."""
    return Source("x.py", lines, commented, tuple(Function("x.py:1 f", n) for n in functions))


def test_everything_over_budget_is_said() -> None:
    """One line each, with the figure that was found and the one that is meant."""
    found = {"services": [source(500, 20, 70, 40)], "tests": [source(10, 0)], "examples": []}
    assert list(breaches(found)) == [
        "x.py has 500 lines, 400 is the most",
        "x.py:1 f has 70 lines, 60 is the most",
        "the median file of services/ has 500 lines, 120 is the most",
        "a tenth of the functions is over 67 lines, 30 is the most",
        "4.0% of services/ is comments and docstrings, 18% to 30% is meant",
        "10 lines of tests are fewer than the 500 lines that they test",
    ]


def test_within_budget_nothing_is_said() -> None:
    """Exactly at the limits is within."""
    found = {"services": [source(100, 18, 30)], "tests": [source(100, 0)], "examples": []}
    assert list(breaches(found)) == []


def test_the_ninetieth_percentile() -> None:
    """Nine of ten are at or below it."""
    assert percentile_90(list(range(1, 12))) == 10
