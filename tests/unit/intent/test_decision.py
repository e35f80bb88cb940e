"""What probabilities amount to: an intent, or that it is not known."""

import numpy as np

from services.intent.model.decision import decide

UNKNOWN = 3


def test_the_likeliest_intent_wins_and_the_others_follow_in_order() -> None:
    """Ties keep the order of the classes; what is below one in a hundred is no alternative."""
    best, others = decide(np.array([0.2, 0.5, 0.2, 0.095, 0.005]), UNKNOWN, 0.2, 5)
    assert (best.place, best.confidence) == (1, 0.5)
    assert [each.place for each in others] == [0, 2]


def test_at_most_so_many_alternatives_are_given() -> None:
    """The contract allows five; measuring needs none."""
    shares = np.array([0.3, 0.25, 0.2, 0.05, 0.2])
    assert [each.place for each in decide(shares, UNKNOWN, 0.2, 2)[1]] == [1, 2]
    assert decide(shares, UNKNOWN, 0.2, 0)[1] == []


def test_it_is_unknown_where_that_is_likeliest() -> None:
    """The answer is as sure as the unknown class, and the intents are the alternatives."""
    best, others = decide(np.array([0.3, 0.1, 0.0, 0.6]), UNKNOWN, 0.2, 5)
    assert (best.place, best.confidence) == (UNKNOWN, 0.7)
    assert [each.place for each in others] == [0, 1]


def test_it_is_unknown_where_every_intent_is_doubtful() -> None:
    """Below the threshold nobody should act on the best intent."""
    shares = np.array([0.32, 0.3, 0.3, 0.08])
    assert decide(shares, UNKNOWN, 0.35, 5)[0].place == UNKNOWN
    assert decide(shares, UNKNOWN, 0.2, 5)[0].place == 0
