"""Training data for tests of the intent service, on the way that a company's takes, less the wire.

A file is read into messages, these are checked as an import's are, and the base intents are added.
"""

import tempfile
from functools import cache
from pathlib import Path

from services.intent.data_messages import part_from
from services.intent.drafts.base_intents import base_keys, completed
from services.intent.drafts.checks import Checks, Report
from services.intent.training_data import Intent, TrainingData, Utterance
from services.intent.values import UNKNOWN, IntentType
from services.local.training_file import parts
from tests.support.mesh import ROOT

SHOP = ROOT / "examples" / "shop" / "intents.yaml"
"""The sample company's training data."""


@cache
def shop_data() -> TrainingData:
    """The sample company's training data with the base intents."""
    return file_data(SHOP, "shop")


def data_of(text: str, tenant: str = "acme") -> TrainingData:
    """Training data from YAML text, with the base intents."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "intents.yaml"
        path.write_text(text, encoding="utf-8")
        return file_data(path, tenant)


def file_data(path: Path, tenant: str) -> TrainingData:
    """Training data from a file, with the base intents; fails the test where it has errors."""
    report = Report()
    checks = Checks(report)
    utterances = [each for part in parts(path) for each in checks.read(part_from(part))]
    assert not report.failed, report.listed()
    said: dict[str, dict[bytes, Utterance]] = {}
    for each in utterances:
        of_intent = said.setdefault(each.intent, {})
        of_intent.setdefault(each.key, Utterance(each.text, each.language))
    intents = tuple(
        Intent(
            each.name, each.type or IntentType.QUERY, each.description,
            _ordered(said.get(each.name, {})),
        )
        for each in checks.intents.values()
    )  # fmt: skip
    types = tuple(each.definition for each in checks.entity_types.values())
    own = TrainingData(tenant, intents, _ordered(said.get(UNKNOWN, {})), types)
    return completed(own, base_keys() & {each.key for each in utterances})


def _ordered(said: dict[bytes, Utterance]) -> tuple[Utterance, ...]:
    """Utterances in the order in which a draft gives them."""
    return tuple(said[key] for key in sorted(said))
