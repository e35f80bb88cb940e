"""The provider table: what may stand in it, what is said where it is wrong, and whose keys show."""

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.generation.provider_entry import App, Kind, ProviderEntry
from services.generation.provider_table import ProviderTable, TableInvalid, Use, load

ROOT = Path(__file__).parents[3]
KEY = "sk-very-secret-0123456789"

ONE = """\
providers:
  - name: main
    kind: openai
    base_url: https://api.example.com/v1
    model: large
"""
TWO = (
    ONE
    + """\
  - name: other
    kind: openai
    base_url: https://api.example.org/v1
    model: small
"""
)


def table(folder: Path, text: str, environment: dict[str, str] | None = None) -> ProviderTable:
    """Load a table of this text."""
    path = folder / "providers.yaml"
    path.write_text(text)
    return load(path, environment or {})


def problems(folder: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    """Return what a table is refused with, without the file's name."""
    with pytest.raises(TableInvalid) as caught:
        table(folder, text, environment)
    return [problem.removeprefix(f"{folder}/providers.yaml:") for problem in caught.value.problems]


def order(found: ProviderTable, use: Use) -> list[str]:
    """Return the names of who is asked for a use."""
    return [entry.name for entry in found.order(use)]


def test_a_provider_needs_little(tmp_path: Path) -> None:
    """Everything else has a default that fits most."""
    (entry,) = table(tmp_path, ONE).entries
    assert (entry.temperature, entry.max_tokens) == (0.3, 500)
    assert (entry.requests_per_second, entry.concurrency) == (50, 64)
    times = entry.timeouts
    assert (times.connect, times.first_token, times.between_tokens, times.total) == (2, 5, 5, 30)
    assert not entry.internal
    assert entry.price() is None
    assert entry.api_key.get_secret_value() == ""


def test_prices_are_exact(tmp_path: Path) -> None:
    """A price is money, not a float."""
    text = ONE + "    input_price: 0.1\n    output_price: '0.7'\n    cached_input_price: 0.05\n"
    price = table(tmp_path, text).entries[0].price()
    assert price is not None
    assert (price.input_per_million, price.output_per_million) == (Decimal("0.1"), Decimal("0.7"))
    assert price.cached_per_million == Decimal("0.05")
    assert price.currency == "CNY"


def test_the_sample_can_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What operators copy works, once its keys are there."""
    key = tmp_path / "key"
    key.write_text(KEY)
    text = (ROOT / "deploy/providers.yaml").read_text().replace("/run/secrets/main-key", str(key))
    found = table(tmp_path, text, {"DIFY_HELPDESK_KEY": KEY})
    assert order(found, Use.CHAT) == ["main", "helpdesk", "inhouse"]
    assert order(found, Use.EMBEDDING) == ["vectors"]
    helpdesk = next(entry for entry in found.entries if entry.name == "helpdesk")
    assert (helpdesk.kind, helpdesk.app) == (Kind.DIFY, App.CHAT)
    assert helpdesk.api_key.get_secret_value() == KEY
    assert [entry.name for entry in found.entries if entry.internal] == ["inhouse", "vectors"]


def test_without_orders_the_priority_decides(tmp_path: Path) -> None:
    """Then the order of the file; all uses but vectors are alike."""
    found = table(tmp_path, TWO + "    priority: 1\n")
    for use in (Use.CHAT, Use.SUMMARY, Use.JUDGE):
        assert order(found, use) == ["other", "main"]
    assert order(found, Use.EMBEDDING) == []


def test_a_use_without_an_order_takes_that_of_chat(tmp_path: Path) -> None:
    """Only what differs has to be said."""
    found = table(tmp_path, TWO + "use: {chat: [other], judge: [main, other]}\n")
    assert order(found, Use.SUMMARY) == ["other"]
    assert order(found, Use.JUDGE) == ["main", "other"]


def test_who_makes_vectors_is_not_asked_for_answers(tmp_path: Path) -> None:
    """Its model cannot write."""
    found = table(tmp_path, TWO + "use: {embedding: [other]}\n")
    assert order(found, Use.CHAT) == ["main"]


def test_extraction_ends_an_order(tmp_path: Path) -> None:
    """Nobody behind it is asked, and it is no provider of its own."""
    text = TWO + "  - {name: none, kind: extractive}\nuse: {chat: [main, none, other]}\n"
    found = table(tmp_path, text)
    assert order(found, Use.CHAT) == ["main"]
    assert [entry.name for entry in found.entries] == ["main", "other"]


def test_a_key_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    """And is in no text that the table can be turned into."""
    (tmp_path / "key").write_text(KEY + "\n")
    for text in (f"    api_key_file: {tmp_path}/key\n", "    api_key_env: MAIN_KEY\n"):
        found = table(tmp_path, ONE + text, {"MAIN_KEY": KEY})
        (entry,) = found.entries
        assert entry.api_key.get_secret_value() == KEY
        assert KEY not in repr(found) + str(found) + repr(entry) + entry.model_dump_json()


@pytest.mark.parametrize(
    ("addition", "problem"),
    [
        (
            "    max_tokens_parameter: tokens\n",
            "6: provider main: max_tokens_parameter: Input should be 'max_tokens' or 'max_compl",
        ),
        ("    api_key_file: /nonexistent\n", "6: provider main: api_key_file: /nonexistent cannot"),
        ("    api_key_file: /dev/null\n", "6: provider main: api_key_file: /dev/null is empty"),
        ("    api_key_env: NO_KEY\n", "6: provider main: api_key_env: NO_KEY is empty"),
        ("    api_key_env: ODD_KEY\n", "6: provider main: api_key_env: the key in ODD_KEY must be"),
        (f"    api_key: {KEY}\n", "6: provider main: api_key: a key does not belong into"),
        ("    colour: red\n", "6: provider main: colour: there is no such setting"),
        ("    timeouts: {total: 0}\n", "6: provider main: timeouts.total: Input should be greater"),
        ("    timeouts: {soon: 1}\n", "6: provider main: timeouts.soon: there is no such setting"),
        ("    max_tokens: many\n", "6: provider main: max_tokens: Input should be a valid integer"),
        ("    currency: yuan\n", "6: provider main: currency: String should match"),
        ("    input_price: 1\n", "2: provider main: set both input_price and output_price or"),
        ("    app: chat\n", "2: provider main: app, instructions_variable, keep_conversations are"),
        ("    api_key_env: A\n    api_key_file: b\n", "2: provider main: set api_key_file or"),
        ("  - {name: b, kind: openai}\n", "6: provider b: base_url is missing; model is missing"),
        ("  - {name: b, kind: magic}\n", "6: provider b: kind: Input should be 'openai', 'dify'"),
        ("  - {name: b, kind: extractive, model: m}\n", "6: provider b: an extractive provider"),
        ("  - {name: B, kind: extractive}\n", "6: provider B: name: String should match"),
        ("  - {name: main, kind: extractive}\n", "6: provider main: name: another provider has"),
        ("use: {chat: [absent]}\n", "6: use.chat.0: there is no provider absent"),
        ("use: {chat: [main, main]}\n", "6: use.chat.1: main stands twice"),
        ("use: {fun: [main]}\n", "6: use.fun: there is no such setting"),
        ("use: {chat: [main], embedding: [main]}\n", "6: use.chat.0: main makes vectors"),
        ("    model: b\n    model: c\n", "6: model stands twice"),
        ("usage: 1\n", "6: usage: there is no such setting"),
        ("  name: [\n", "6: this is not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_provider(
    tmp_path: Path, addition: str, problem: str
) -> None:
    """And what to do about it; never with a key."""
    environment = {"ODD_KEY": KEY + "\nX-Evil: 1"}
    said = problems(tmp_path, ONE + addition, environment)
    assert any(each.startswith(problem) for each in said), said
    assert KEY not in "".join(said)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("    base_url: api.example.com\n", "base_url: must be an http or https URL"),
        (f"    base_url: https://u:{KEY}@a.b/v1\n", "base_url: must hold no credentials"),
        (f"    base_url: https://a.b/v1?key={KEY}\n", "base_url: must hold no credentials"),
    ],
)
def test_an_address_holds_no_secret(tmp_path: Path, line: str, problem: str) -> None:
    """Addresses are logged; so one with a key is refused, and not shown either."""
    text = ONE.replace("    base_url: https://api.example.com/v1\n", line)
    (said,) = problems(tmp_path, text)
    assert said.startswith(f"4: provider main: {problem}")
    assert KEY not in said


def test_a_dify_app_has_its_own_parameters(tmp_path: Path) -> None:
    """A setting that would change nothing is refused."""
    text = ONE.replace("kind: openai", "kind: dify") + "    max_tokens_parameter: max_tokens\n"
    assert problems(tmp_path, text) == ["2: provider main: max_tokens_parameter is for kind openai"]


def test_no_error_shows_what_was_given() -> None:
    """Not even one that somebody logs as it is."""
    with pytest.raises(ValidationError) as caught:
        ProviderEntry(name="main", kind=Kind.OPENAI, base_url=f"https://u:{KEY}@a.b/v1", model="m")
    assert KEY not in str(caught.value)


def test_vectors_of_two_models_never_meet(tmp_path: Path) -> None:
    """Who stands in for another must have the same model, and speak a protocol with vectors."""
    (said,) = problems(tmp_path, TWO + "use: {chat: [], embedding: [main, other]}\n")
    assert "other has another model than main; their vectors cannot be compared" in said
    text = ONE.replace("openai", "dify") + "use: {chat: [], embedding: [main]}\n"
    assert "main makes no vectors; its kind is dify" in problems(tmp_path, text)[0]


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    """Nobody starts a service five times to find five mistakes."""
    said = problems(tmp_path, TWO + "    colour: red\n    concurrency: 0\n")
    assert len(said) == 2
    said = problems(tmp_path, TWO + "    api_key_env: NO_KEY\nuse: {chat: [a, b]}\n")
    assert len(said) == 3


@pytest.mark.parametrize("text", ["", "[]", "providers: []", "providers: 3", "\0", "!!python/none"])
def test_what_is_no_table_is_refused(tmp_path: Path, text: str) -> None:
    """In one line, without a traceback."""
    assert problems(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(TableInvalid, match=r"/absent\.yaml: the file cannot be read: No such"):
        load(tmp_path / "absent.yaml", {})
