"""Scores of utterances by models that did not see them."""

from collections.abc import Callable

import numpy as np
import pytest

from services.intent.learning import held_out
from services.intent.learning.held_out import Evidence, Rows, judge_known, judge_novel, steps
from services.intent.learning.words import fit_vectoriser, matrix_of
from services.intent.model.calibration import Scores
from services.intent.model.features import features
from tests.support.intent_vectors import vector_of

NAMES = ["refund", "address", "invoice", "parcel", "thanks"]
UNKNOWN = 4


def evidence(*, with_vectors: bool = True, each: int = 10) -> Evidence:
    """Five classes whose utterances share one word."""
    labels = np.repeat(np.arange(5), each)
    texts = [f"{NAMES[label]} {number}" for label in range(5) for number in range(each)]
    counted = [features(text) for text in texts]
    vectors = np.stack([vector_of(*pair) for pair in zip(texts, labels.tolist(), strict=True)])
    return Evidence(
        matrix_of(fit_vectoriser(counted, 5), counted), vectors if with_vectors else None, labels, 5
    )


def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[set[int], set[int]]]:
    """Note which rows each model learns from and which it judges."""
    seen: list[tuple[set[int], set[int]]] = []
    learn = Evidence.learn

    def note(self: Evidence, rows: Rows) -> Callable[[Rows], Scores]:
        scores = learn(self, rows)

        def judge(others: Rows) -> Scores:
            seen.append((set(rows.tolist()), set(others.tolist())))
            return scores(others)

        return judge

    monkeypatch.setattr(Evidence, "learn", note)
    return seen


def nothing() -> None:
    """Progress that nobody watches."""


def test_every_utterance_is_judged_once_by_a_model_that_never_saw_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And that saw others of its intent."""
    seen = watched(monkeypatch)
    known = judge_known(evidence(), nothing)
    assert sorted(known.rows.tolist()) == list(range(50))
    for learnt, judged in seen:
        assert not learnt & judged
        assert {row // 10 for row in judged} <= {row // 10 for row in learnt}


def test_novel_utterances_meet_a_model_that_never_saw_their_intent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Examples of "unknown" are always learnt: they are never novel."""
    seen = watched(monkeypatch)
    novel = judge_novel(evidence(), UNKNOWN, nothing)
    assert {row // 10 for row in novel.rows.tolist()} == {0, 1, 2, 3}
    for learnt, judged in seen:
        assert not {row // 10 for row in judged} & {row // 10 for row in learnt}
        assert UNKNOWN in {row // 10 for row in learnt}


@pytest.mark.parametrize(("with_vectors", "kinds"), [(True, 4), (False, 2)])
def test_scores_tell_the_known_from_the_novel(with_vectors: bool, kinds: int) -> None:
    """What the words say comes first, then what the vectors say."""
    given = evidence(with_vectors=with_vectors)
    known = judge_known(given, nothing)
    novel = judge_novel(given, UNKNOWN, nothing)
    assert known.scores.shape == (50, 5, kinds)
    assert (known.scores[:, :, 0].argmax(axis=1) == given.labels[known.rows]).all()
    assert known.scores[:, :, 0].max(axis=1).min() > np.median(novel.scores[:, :, 0].max(axis=1))


def test_each_model_is_one_step() -> None:
    """So that progress can be told as a share of the whole."""
    taken: list[int] = []
    given = evidence()
    judge_known(given, lambda: taken.append(1))
    judge_novel(given, UNKNOWN, lambda: taken.append(1))
    assert len(taken) == steps(50) == 10


def test_two_classes_without_a_third_leave_nothing_novel() -> None:
    """Without one of two classes there is nothing to tell apart; it is no failure."""
    whole = evidence()
    rows = np.flatnonzero(whole.labels < 2)
    two = Evidence(whole.matrix[rows], None, whole.labels[rows], 3)
    assert len(judge_novel(two, 2, nothing).rows) == 0
    assert len(judge_known(two, nothing).rows) == len(rows)


def test_of_very_many_utterances_one_fifth_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer models are trained when each takes long."""
    monkeypatch.setattr(held_out, "_ENOUGH", 10)
    assert len(judge_known(evidence(), nothing).rows) == 10
    assert steps(50) == 2
