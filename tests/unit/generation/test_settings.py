"""Settings are checked at start, all at once, and keys never show."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.generation.provider_table import Use
from services.generation.settings import Settings
from services.generation.usage import Price

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def base(tmp_path: Path) -> dict[str, Any]:
    """The settings that every service must have."""
    names = ("cert_file", "key_file", "ca_file", "policy_file")
    return {name: tmp_path / name for name in names} | {"spool_dir": tmp_path}


def problem(base: dict[str, Any], **values: Any) -> str:
    """Return what the settings are refused with."""
    with pytest.raises(ValidationError) as caught:
        Settings(**base, **values)
    return "; ".join(error["msg"] for error in caught.value.errors())


def test_without_any_model_setting_it_starts(base: dict[str, Any]) -> None:
    """The default needs nothing outside the machine, and one embedding thread."""
    settings = Settings(**base)
    assert settings.chat_base_url == ""
    assert settings.embedding_threads == 1
    assert (settings.chat_temperature, settings.chat_max_tokens) == (0.3, 500)


def test_the_key_comes_from_the_environment(
    base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`KEFU_CHAT_API_KEY` is read, and shown nowhere."""
    monkeypatch.setenv("KEFU_CHAT_API_KEY", KEY)
    settings = Settings(**base)
    assert settings.api_key("chat").get_secret_value() == KEY
    assert KEY not in repr(settings) + str(settings.model_dump())


def test_the_key_comes_from_a_file(base: dict[str, Any], tmp_path: Path) -> None:
    """Secret stores mount files, with a line break at the end more often than not."""
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    settings = Settings(**base, chat_api_key_file=file, embedding_api_key_file=file)
    assert settings.api_key("chat").get_secret_value() == KEY
    assert settings.api_key("embedding").get_secret_value() == KEY
    assert KEY not in repr(settings)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"chat_base_url": "api.example.com"}, "must be an http or https URL"),
        ({"chat_base_url": "https://u:p@api.example.com"}, "must hold no credentials"),
        ({"chat_base_url": "https://api.example.com/v1"}, "KEFU_CHAT_MODEL is missing"),
        ({"embedding_base_url": "https://a.b/v1"}, "KEFU_EMBEDDING_MODEL is missing"),
        ({"chat_api_key_file": "/nonexistent/key"}, "KEFU_CHAT_API_KEY_FILE cannot be read"),
        ({"chat_api_key_file": "/dev/null"}, "KEFU_CHAT_API_KEY_FILE is empty"),
        ({"chat_api_key": KEY, "chat_api_key_file": "/dev/null"}, "not both"),
        ({"chat_api_key": KEY + "\nX-Evil: 1"}, "printable ASCII"),
        ({"chat_input_price": "1"}, "or neither"),
        ({"chat_currency": "yuan"}, "pattern"),
        ({"chat_temperature": 3}, "less than or equal to 2"),
        ({"embedding_threads": 0}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_named_and_the_key_is_not(
    base: dict[str, Any], values: dict[str, Any], words: str
) -> None:
    """The message says what to change and never holds a secret."""
    said = problem(base, **values)
    assert words in said
    assert KEY not in said


def test_all_problems_are_said_at_once(base: dict[str, Any]) -> None:
    """Nobody starts a service five times to find five mistakes."""
    said = problem(
        base, chat_base_url="https://a.b/v1", embedding_base_url="https://a.b/v1", chat_api_key=" "
    )
    assert "KEFU_CHAT_MODEL" in said
    assert "KEFU_EMBEDDING_MODEL" in said
    assert "KEFU_CHAT_API_KEY" in said


def test_the_settings_of_one_provider_make_a_table(base: dict[str, Any]) -> None:
    """It is named `default`, serves all writing, and vectors have one of their own."""
    table = Settings(
        **base,
        chat_base_url="https://a.b/v1",
        chat_model="large",
        chat_api_key=KEY,
        chat_first_token_seconds=3,
        chat_input_price="2",
        chat_output_price="8",
        embedding_base_url="https://a.b/v1",
        embedding_model="bge-m3",
        embedding_price="0.5",
        embedding_currency="USD",
    ).provider_table()
    for use in (Use.CHAT, Use.SUMMARY, Use.JUDGE):
        (entry,) = table.order(use)
        assert (entry.name, entry.model) == ("default", "large")
        assert entry.api_key.get_secret_value() == KEY
        assert entry.timeouts.first_token == 3
        assert entry.price() is not None
    (vectors,) = table.order(Use.EMBEDDING)
    assert (vectors.name, vectors.model) == ("default-embedding", "bge-m3")
    assert vectors.price() == Price(Decimal("0.5"), Decimal(0), "USD")
    assert KEY not in repr(table)


def test_a_table_comes_from_a_file(base: dict[str, Any], tmp_path: Path) -> None:
    """In place of the settings of one provider; both together could mean anything."""
    file = tmp_path / "providers.yaml"
    file.write_text(
        "providers: [{name: main, kind: openai, base_url: 'https://a.b/v1', model: large}]"
    )
    table = Settings(**base, providers_file=file).provider_table()
    assert [entry.name for entry in table.order(Use.CHAT)] == ["main"]
    said = problem(
        base, providers_file=file, chat_base_url="https://a.b/v1", chat_model="m", chat_api_key=KEY
    )
    assert said.startswith(
        "Value error, KEFU_CHAT_API_KEY, KEFU_CHAT_BASE_URL, KEFU_CHAT_MODEL cannot stand beside "
        "KEFU_PROVIDERS_FILE"
    )
    assert KEY not in said
    assert "KEFU_EMBEDDING_MODEL" in problem(
        base, providers_file=file, embedding_base_url="https://a.b/v1", embedding_model="m"
    )


def test_a_wrong_table_is_refused_with_its_reasons(base: dict[str, Any], tmp_path: Path) -> None:
    """All of them, with their lines, before anything is served."""
    file = tmp_path / "providers.yaml"
    file.write_text(f"providers: [{{name: main, kind: openai, api_key: {KEY}, colour: red}}]")
    said = problem(base, providers_file=file)
    assert f"{file}:1: provider main: api_key: a key does not belong into this file" in said
    assert "provider main: colour: there is no such setting" in said
    assert KEY not in said


def test_order_numbers_are_told_by_patterns(
    base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A JSON list in the environment; one that cannot be used stops the start and is named."""
    monkeypatch.setenv("KEFU_ORDER_NUMBER_PATTERNS", '["SO[0-9]{8}"]')
    assert Settings(**base).order_number_patterns == ("SO[0-9]{8}",)
    message = problem(base, order_number_patterns=["SO[0-9]{8}", "(?=a)b"])
    assert "'(?=a)b' is not valid RE2" in message


def test_the_line_of_grounding_and_the_banned_phrases_can_be_set(
    base: dict[str, Any], tmp_path: Path
) -> None:
    """A share, and a file that can be read; anything else stops the start."""
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("保证赔偿\n", encoding="utf-8")
    made = Settings(**base, grounding_line=0.4, banned_phrases_file=phrases)
    assert (made.grounding_line, made.banned_phrases_file) == (0.4, phrases)
    assert "less than or equal to 1" in problem(base, grounding_line=1.5)
    missing = tmp_path / "nothing.txt"
    assert "must be a readable UTF-8 file" in problem(base, banned_phrases_file=missing)
    phrases.write_bytes(b"\xff\xfe")
    assert "must be a readable UTF-8 file" in problem(base, banned_phrases_file=phrases)


def test_no_password_of_redis_is_shown(base: dict[str, Any]) -> None:
    """Settings get into logs and tracebacks."""
    made = Settings(**base, redis_url="redis://:hunter2@redis/0")
    assert made.redis_url == "redis://:hunter2@redis/0"
    assert "hunter2" not in repr(made) + str(made)
