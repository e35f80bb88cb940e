"""The budget of the code, printed and held: `python -m tests.support.budget`.

Short files, short functions, enough said in comments, at least as much test as code. Generated code
is not counted. The figures are those of CONTRIBUTING; exit status 1 where one is not kept.
"""

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TREES = ("services", "tests", "examples", "protos")
LONGEST_FILE = 400
MEDIAN_FILE = 120
LONGEST_FUNCTION = 60
P90_FUNCTION = 30
COMMENTED = (0.18, 0.30)


@dataclass(frozen=True, slots=True)
class Function:
    """A function with its place.

    Attributes:
        lines: from its `def` to its end, docstring included.
    """

    place: str
    lines: int


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file, measured.

    Attributes:
        lines: all of them.
        commented: lines that hold a comment or belong to a docstring.
    """

    name: str
    lines: int
    commented: int
    functions: tuple[Function, ...]


def measure(path: Path, root: Path = ROOT) -> Source:
    """Measure one file."""
    text = path.read_text(encoding="utf-8")
    name = str(path.relative_to(root))
    tree = ast.parse(text)
    said: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            said.add(token.start[0])
    functions = []
    for node in ast.walk(tree):
        # A bare text is a docstring, also under a field.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if isinstance(node.value.value, str):
                said.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            functions.append(Function(f"{name}:{node.lineno} {node.name}", length))
    return Source(name, len(text.splitlines()), len(said), tuple(functions))


def sources(tree: str) -> list[Source]:
    """All files of a folder that are ours."""
    ignored = ("node_modules", "__pycache__")
    found = sorted((ROOT / tree).rglob("*.py"))
    return [measure(path) for path in found if not set(ignored) & set(path.parts)]


def percentile_90(values: list[int]) -> float:
    """The value that nine of ten do not exceed."""
    return statistics.quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else 0.0


def breaches(found: dict[str, list[Source]]) -> Iterator[str]:
    """Every figure that is not kept, in words."""
    for each in (source for tree in found.values() for source in tree):
        if each.lines > LONGEST_FILE:
            yield f"{each.name} has {each.lines} lines, {LONGEST_FILE} is the most"
        for function in each.functions:
            if function.lines > LONGEST_FUNCTION:
                yield f"{function.place} has {function.lines} lines, {LONGEST_FUNCTION} is the most"
    code = found["services"]
    median = statistics.median(source.lines for source in code)
    if median > MEDIAN_FILE:
        yield f"the median file of services/ has {median:g} lines, {MEDIAN_FILE} is the most"
    longest = percentile_90([f.lines for source in code for f in source.functions])
    if longest > P90_FUNCTION:
        yield f"a tenth of the functions is over {longest:g} lines, {P90_FUNCTION} is the most"
    share = commented(code)
    if not COMMENTED[0] <= share <= COMMENTED[1]:
        meant = f"{COMMENTED[0]:.0%} to {COMMENTED[1]:.0%} is meant"
        yield f"{share:.1%} of services/ is comments and docstrings, {meant}"
    tests, tested = total(found["tests"]), total(code) + total(found["examples"])
    if tests < tested:
        yield f"{tests} lines of tests are fewer than the {tested} lines that they test"


def total(files: list[Source]) -> int:
    """Lines of several files."""
    return sum(source.lines for source in files)


def commented(files: list[Source]) -> float:
    """Share of lines that are comments or docstrings, in [0, 1]."""
    return sum(source.commented for source in files) / max(total(files), 1)


def table(found: dict[str, list[Source]]) -> Iterator[str]:
    """What was measured, a line for each tree."""
    titles = ("files", "lines", "median", "longest", "functions", "p90", "longest", "comments")
    yield f"{'':9}" + "".join(f"{title:>10}" for title in titles)
    for tree, files in found.items():
        lengths = [source.lines for source in files] or [0]
        functions = [f.lines for source in files for f in source.functions] or [0]
        figures = (
            len(files), sum(lengths), statistics.median(lengths), max(lengths),
            len(functions), percentile_90(functions), max(functions),
        )  # fmt: skip
        row = "".join(f"{figure:>10g}" for figure in figures)
        yield f"{tree:9}{row}{commented(files):>10.1%}"


def main() -> int:
    """Print the figures and what is not kept; give the exit status."""
    found = {tree: sources(tree) for tree in TREES}
    print("\n".join(table(found)))
    problems = list(breaches(found))
    for problem in problems:
        print(f"over budget: {problem}")
    if not problems:
        print("within budget")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
