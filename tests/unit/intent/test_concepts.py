"""The thesaurus: synonyms, both languages, inflections and slips of the finger."""

from pathlib import Path

import pytest
import yaml

from services.intent.model import concepts
from services.intent.model.concepts import Concepts, base_concepts, stem
from services.intent.model.features import CONCEPT, features
from services.language import fold

SMALL = Concepts(
    {
        "refund": ["退款", "退钱", "refund", "money back"],
        "when": ["什么时候", "how long"],
        "address": ["地址", "address"],
    }
)


@pytest.mark.parametrize(
    ("runs", "words", "expected"),
    [
        (["我要退钱"], [], {"refund"}),
        (["退款什么时候到"], [], {"refund", "when"}),
        ([], ["i", "want", "my", "money", "back"], {"refund"}),
        ([], ["money", "is", "back"], set()),
        ([], ["refunded"], {"refund"}),
        ([], ["refnd"], {"refund"}),
        ([], ["adress"], {"address"}),
        ([], ["addresses"], {"address"}),
        (["的"], ["refund"], {"refund"}),
        ([], [], set()),
    ],
)
def test_concepts_are_found_however_they_are_said(
    runs: list[str], words: list[str], expected: set[str]
) -> None:
    """Phrases match in order and whole; a word may be inflected or misspelt by one letter."""
    assert SMALL.find(runs, words) == expected


@pytest.mark.parametrize("one_slip", ["cancl", "cnacel", "cancell", "cabcel"])
def test_one_slip_is_forgiven_but_the_first_letter_counts(one_slip: str) -> None:
    """A letter dropped, swapped, added or changed; not a different word."""
    cancel = Concepts({"cancel": ["cancel"]})
    assert cancel.find([], [one_slip]) == {"cancel"}
    assert cancel.find([], ["x" + one_slip[1:]]) == set()


@pytest.mark.parametrize(
    ("forms", "base"),
    [
        (("delivery", "deliveries", "deliver", "delivering"), "deliver"),
        (("cancel", "cancels", "cancelation"), "cancel"),
        (("charge", "charged", "charges", "charging"), "charg"),
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms: tuple[str, ...], base: str) -> None:
    """What the stem looks like does not matter, only that it is shared."""
    assert {stem(form) for form in forms} <= {stem(base), base}


def test_both_languages_share_their_concepts() -> None:
    """A Chinese and an English sentence of one meaning have their main concepts in common."""
    chinese = base_concepts().find(["退款多久到账"], [])
    english = base_concepts().find([], ["how", "long", "until", "my", "money", "back"])
    assert {"refund", "how_long"} <= chinese & english


def test_every_word_of_the_shipped_thesaurus_can_match() -> None:
    """Words are folded and short enough; YAML read none of them as a number or a truth value."""
    definitions = yaml.safe_load((Path(concepts.__file__).parents[1] / "concepts.yaml").read_text())
    lost = [
        (concept, word)
        for concept, words in definitions.items()
        for word in words
        if not isinstance(word, str)
        or word != fold(word)
        or f"{CONCEPT} {concept}" not in features(word)
    ]
    assert lost == []
