"""The embedding engine is measured on texts of one length, so that runs can be compared."""

import pytest

from services.encoder import conversion
from services.encoder.tokenizer import Tokenizer
from tests.bench import report
from tests.bench.engine import PASSAGE_TOKENS, QUESTION_TOKENS, measure, texts_of
from tests.bench.plan import QUICK, Plan
from tests.bench.results import Results


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """As the model has it."""
    return Tokenizer.load(conversion.ensure(conversion.DIRECTORY) / "vocabulary.json")


@pytest.mark.parametrize("tokens", [QUESTION_TOKENS, PASSAGE_TOKENS])
def test_texts_have_the_length_and_are_different(tokenizer: Tokenizer, tokens: int) -> None:
    """In both languages."""
    texts = texts_of(tokenizer, tokens, 40)
    assert {len(tokenizer.tokens(text, 512)) for text in texts} == {tokens}
    assert len(set(texts)) == 40
    assert 10 <= sum(text.isascii() for text in texts) <= 30


def test_a_trial_measures_both_and_is_shown() -> None:
    """One row; a run that was cut short before it has none."""
    results = Results(machine={}, started="")
    assert not report.grids(results.document() | {"startup": {}})
    results.engine = measure(Plan(**QUICK), cores=2)
    (table,) = report.grids(results.document() | {"startup": {}})
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert (row["tokens"], row["tokens a passage"], row["threads"]) == ("10", "60", "2")
    assert results.engine.question_cpu_p50_ms > 0
    assert results.engine.passages_per_second > 1
