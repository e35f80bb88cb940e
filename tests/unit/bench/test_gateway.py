"""What the gateway adds is the difference of two ways to the same answer."""

import json

from services.language import sentences
from tests.bench import report
from tests.bench.__main__ import judge
from tests.bench.gateway import (
    PACED,
    SHOPS,
    Repeat,
    Times,
    Written,
    gateway_cell,
    question,
    texts,
)
from tests.bench.results import Results


def repeat(*through: Written, direct_ms: float = 2.0, cpu: float = 0.003) -> Repeat:
    """A repeat of a second in which the provider alone needed `direct_ms` to its first words."""
    direct = Written(direct_ms / 1000, direct_ms * 2 / 1000, deltas=8)
    return Repeat([direct], through, 1.0, cpu)


ANSWER = Written(first_seconds=0.005, end_seconds=0.009, deltas=2)


def test_the_difference_is_told_percentile_by_percentile() -> None:
    """To the first words and to the end."""
    cell = gateway_cell(1, [repeat(ANSWER, Written(0.045, 0.049, 2))])
    assert cell.added_first == Times(3.0, 43.0)
    assert cell.added_end == Times(5.0, 45.0)
    assert cell.deltas == 2


def test_cpu_is_told_per_answer_and_repeat() -> None:
    """Three milliseconds for one answer, then for two."""
    cell = gateway_cell(8, [repeat(ANSWER), repeat(ANSWER, ANSWER)])
    assert (cell.server_cpu_ms.high, cell.server_cpu_ms.low) == (3.0, 1.5)
    assert (cell.answers, cell.answers_per_second.high) == (3, 2.0)


def test_answers_that_no_model_wrote_make_the_figures_worthless() -> None:
    """An extractive or a shared answer is quicker than one that was paid for."""
    results = Results(machine={}, started="")
    results.gateway = [gateway_cell(1, [repeat(ANSWER, Written(0.001, 0.001, 1, held=False))])]
    judge(results)
    said = "\n".join(results.warnings)
    assert "gateway at 1: 1 answers were no model's, or shared" in said
    assert "2 answers are too few for a p99" in said


def test_no_question_comes_twice() -> None:
    """An answer that was kept costs nothing, and says nothing about the others."""
    asked = list(map(question, range(1000)))
    assert len(set(asked)) == len(asked)


def test_no_sentence_comes_twice_in_sixty_answers() -> None:
    """What was worked out for one answer's words helps with none of the next ones."""
    told = [
        span.of(text)
        for number in range(SHOPS)
        for text in texts(number)
        for span in sentences(text)
    ]
    assert len(set(told)) == len(told) == 5 * SHOPS


def test_the_tables_show_both_ways_and_what_lies_between() -> None:
    """From the JSON alone, as the others."""
    results = Results(machine={}, started="")
    results.gateway = [
        gateway_cell(1, [repeat(ANSWER)]),
        gateway_cell(1, [repeat(ANSWER)], PACED),
    ]
    found = json.loads(json.dumps(results.document())) | {"startup": {}}
    ways, added = report.grids(found)
    assert dict(zip(ways.header, ways.rows[0], strict=True))["gateway, first"] == "5.00 / 5.00"
    row = dict(zip(added.header, added.rows[0], strict=True))
    assert (row["to the first words"], row["CPU ms"]) == ("3.00 / 3.00", "3.00")
    assert [row[0] for row in added.rows] == ["1", "1, as a model writes"]
