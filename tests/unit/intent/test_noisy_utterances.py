"""Whole utterances as customers really type them, from the text to the intent, without a vector.

The set was written for this project, apart from the training data. Its even rows were looked at
while the repair was made, its odd rows never: they show what the repair is worth on new noise.
Measured when written (434 utterances): 99.1 % of the even rows, 95.4 % of the odd rows; without
any repair 73 %.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.intent.classifier import Classifier
from services.intent.training_data import TrainingData, key
from services.intent.values import Classification

FILE = Path(__file__).with_name("noisy_utterances.tsv")
OVERALL = 0.93
EACH_KIND = 0.85
UNSEEN = 0.92


@dataclass(frozen=True)
class Noisy:
    """A row of the set."""

    text: str
    """As typed."""
    intent: str
    """What is meant; several intents of one message joined by "+"."""
    kind: str
    """What makes it hard."""


def read() -> list[Noisy]:
    """Read the set."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        return [
            Noisy(**row) for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


NOISY = read()
Judged = list[tuple[Noisy, Classification]]


@pytest.fixture(scope="module")
def judged(shop: Classifier) -> Judged:
    """What the sample company's classifier makes of each."""
    return [(each, shop.classify(each.text)) for each in NOISY]


def answer(found: Classification) -> str:
    """Name what was understood the way the set does."""
    requests = "+".join(request.candidate.intent for request in found.requests)
    return requests or found.best.intent


def share(judged: Sequence[tuple[Noisy, Classification]]) -> float:
    """Share of utterances understood."""
    return sum(answer(found) == each.intent for each, found in judged) / len(judged)


def errors(judged: Sequence[tuple[Noisy, Classification]]) -> list[str]:
    """List what was not understood."""
    return [
        f"{each.kind}: {each.text!r} is {each.intent}, not {answer(found)}"
        for each, found in judged
        if answer(found) != each.intent
    ]


def test_the_set_is_large_and_no_training_utterance(shop_data: TrainingData) -> None:
    """At least 360 different utterances of many kinds, none of which was learnt."""
    keys = {key(each.text) for each in NOISY}
    assert len(NOISY) == len(keys) >= 360
    assert keys.isdisjoint(key(utterance.text) for utterance, _ in shop_data.labelled())


def test_most_noisy_utterances_are_understood(judged: Judged) -> None:
    """All kinds together."""
    assert share(judged) >= OVERALL, "\n".join(errors(judged))


def test_utterances_never_looked_at_are_understood(judged: Judged) -> None:
    """The half that nothing was made for is hardly worse."""
    assert share(judged[1::2]) >= UNSEEN, errors(judged[1::2])


@pytest.mark.parametrize("kind", sorted({each.kind for each in NOISY}))
def test_every_kind_of_noise_is_understood(judged: Judged, kind: str) -> None:
    """No kind is given up for the average."""
    own = [pair for pair in judged if pair[0].kind == kind]
    assert len(own) >= 12
    assert share(own) >= EACH_KIND, "\n".join(errors(own))


def test_the_halves_hold_the_same_kinds() -> None:
    """Comparing them would mean little otherwise."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for place, each in enumerate(NOISY):
        counts[each.kind][place % 2] += 1
    assert all(one == other for one, other in counts.values())


def test_several_requests_are_found_where_they_stand(judged: Judged) -> None:
    """Each with its span in what was typed, in order and apart."""
    for each, found in judged:
        ends = [0, *(request.span.end for request in found.requests)]
        starts = [*(request.span.start for request in found.requests), len(each.text)]
        assert all(end <= start for end, start in zip(ends, starts, strict=True)), each.text
        assert all(request.span.of(each.text).strip() for request in found.requests)
