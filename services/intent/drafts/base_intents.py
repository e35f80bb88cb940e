"""The intents that every tenant has unless it defines them itself, from `base_intents.yaml`."""

import unicodedata
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.intent.training_data import Intent, TrainingData, Utterance, key_hash
from services.intent.values import IntentType

_FILE = Path(__file__).with_suffix(".yaml")


@cache
def base() -> TrainingData:
    """Read the data that ships with the service; its own test keeps it valid."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    intents = tuple(
        Intent(
            each["name"], IntentType(each["type"]), each["description"],
            _utterances(each["utterances"]), base=True,
        )
        for each in content["intents"]
    )  # fmt: skip
    return TrainingData("", intents, _utterances(content["unknown"]), ())


def base_intent(name: str) -> Intent | None:
    """Return the base intent of this name, if there is one."""
    return next((intent for intent in base().intents if intent.name == name), None)


@cache
def base_keys() -> frozenset[bytes]:
    """Return the key hashes of all utterances of the base data."""
    return frozenset(key_hash(utterance.text) for utterance, _ in base().labelled())


def completed(own: TrainingData, taken: Collection[bytes]) -> TrainingData:
    """Add the base intents, less what the tenant says itself.

    Args:
        own: The tenant's own data.
        taken: Those of `base_keys` that the tenant has utterances of.

    Returns:
        The tenant's data with base intents of names that it does not use, and with base examples
        of "unknown" in the languages in which it gives none.
    """
    names = {intent.name for intent in own.intents}
    intents = list(own.intents)
    for intent in base().intents:
        rest = _free(intent.utterances, taken)
        # Who says half of it under another name has an intent of this meaning already.
        if intent.name not in names and len(rest) > len(intent.utterances) / 2:
            intents.append(replace(intent, utterances=rest))
    languages = {utterance.language for utterance in own.unknown}
    unknown = [each for each in _free(base().unknown, taken) if each.language not in languages]
    return TrainingData(
        own.tenant,
        tuple(sorted(intents, key=lambda intent: intent.name)),
        own.unknown + tuple(unknown),
        own.entity_types,
    )


def _free(utterances: tuple[Utterance, ...], taken: Collection[bytes]) -> tuple[Utterance, ...]:
    return tuple(each for each in utterances if key_hash(each.text) not in taken)


def _utterances(by_language: dict[str, Any]) -> tuple[Utterance, ...]:
    found = {
        key_hash(text): Utterance(unicodedata.normalize("NFC", text), language)
        for language, texts in by_language.items()
        for text in texts
    }
    return tuple(found[each] for each in sorted(found))
