"""Settings come from the environment and are refused with all reasons at once."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from services.mesh.settings import ServiceSettings

REQUIRED = ("CERT_FILE", "KEY_FILE", "CA_FILE", "POLICY_FILE", "SPOOL_DIR")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The least that a service needs."""
    for name in REQUIRED:
        monkeypatch.setenv(f"KEFU_{name}", str(tmp_path / name.lower()))
    return monkeypatch


def test_the_environment_is_read(environment: pytest.MonkeyPatch) -> None:
    """Peers as JSON; what is not set has the default that its docstring explains."""
    environment.setenv("KEFU_LISTEN", "0.0.0.0:8443")
    environment.setenv("KEFU_PEERS", '{"intent": "dns:///intent:8443"}')
    settings = ServiceSettings()
    assert settings.listen == "0.0.0.0:8443"
    assert settings.peers == {"intent": "dns:///intent:8443"}
    assert settings.trust_domain == "kefu.local"
    assert settings.max_message_bytes == 4 * 1024 * 1024


@pytest.mark.parametrize("listen", ["nowhere", ":8443", "localhost:", "localhost:70000", "h:-1"])
def test_an_address_that_is_none(environment: pytest.MonkeyPatch, listen: str) -> None:
    """Said before anything is opened."""
    environment.setenv("KEFU_LISTEN", listen)
    with pytest.raises(ValidationError, match="must be host:port"):
        ServiceSettings()


def test_all_reasons_at_once(environment: pytest.MonkeyPatch) -> None:
    """What is missing and what is wrong, together."""
    environment.delenv("KEFU_CERT_FILE")
    environment.setenv("KEFU_DRAIN_SECONDS", "-1")
    environment.setenv("KEFU_BURST", "many")
    with pytest.raises(ValidationError) as caught:
        ServiceSettings()
    assert {each["loc"][0] for each in caught.value.errors()} == {
        "cert_file",
        "drain_seconds",
        "burst",
    }


def test_peers_that_are_no_json(environment: pytest.MonkeyPatch) -> None:
    """Named, too."""
    environment.setenv("KEFU_PEERS", "intent")
    with pytest.raises(SettingsError, match="peers"):
        ServiceSettings()


@pytest.mark.parametrize("name", sorted(ServiceSettings.model_fields))
def test_every_setting_explains_itself(name: str) -> None:
    """Unit and reason of the default stand in the docstring under each field."""
    assert ServiceSettings.model_fields[name].description
