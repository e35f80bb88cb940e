"""Training data: what is read, and that bad data is refused with every reason at once."""

from pathlib import Path

import pytest
import yaml

from services.intent import training_data
from services.intent.training_data import (
    TrainingDataInvalid,
    key,
    load_directory,
    load_file,
)
from services.intent.values import IntentType

GOOD = """
tenant: acme
intents:
  - name: refund
    type: operation
    description: Money back.
    utterances:
      zh: [我要退款, 退钱]
      en: [refund please, refund  please!]
  - name: hours
    type: query
    utterances: {en: [when do you open, opening hours]}
unknown: {en: [sing a song]}
entities:
  - {name: ticket, pattern: 'T\\d{4}'}
  - {name: size, values: {small: [小号, small], large: [大号]}}
"""


def write(folder: Path, text: str, name: str = "acme") -> Path:
    """Put a tenant's file into a folder."""
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(folder: Path, text: str) -> str:
    """The report about a bad file."""
    with pytest.raises(TrainingDataInvalid) as caught:
        load_file(write(folder, text))
    return str(caught.value)


def edited(old: str, new: str) -> str:
    """The good file with one thing changed."""
    assert old in GOOD
    return GOOD.replace(old, new)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """Intents, languages, examples of unknown and entity types arrive as values."""
    data = load_file(write(tmp_path, GOOD))
    refund = next(intent for intent in data.intents if intent.name == "refund")
    assert refund.type is IntentType.OPERATION
    assert [(each.language, each.text) for each in refund.utterances] == [
        ("zh", "我要退款"),
        ("zh", "退钱"),
        ("en", "refund please"),
    ]
    assert [each.name for each in data.entity_types] == ["ticket", "size"]
    assert data.entity_types[1].values == (("small", ("小号", "small")), ("large", ("大号",)))


def test_every_tenant_gets_the_base_intents(tmp_path: Path) -> None:
    """Greeting, thanks, human and goodbye work without a word of training data for them."""
    data = load_file(write(tmp_path, GOOD))
    assert [(intent.name, intent.type.value) for intent in data.intents] == [
        ("goodbye", "end"),
        ("greeting", "chit_chat"),
        ("hours", "query"),
        ("human", "human"),
        ("refund", "operation"),
        ("thanks", "chit_chat"),
    ]


def test_a_tenant_overrides_base_intents_and_examples_by_name_and_language(tmp_path: Path) -> None:
    """Its own greeting replaces ours; its English examples of unknown leave our Chinese ones."""
    own = edited("  - name: hours", "  - name: greeting")
    data = load_file(write(tmp_path, own))
    greeting = next(intent for intent in data.intents if intent.name == "greeting")
    assert [each.text for each in greeting.utterances] == ["when do you open", "opening hours"]
    assert [each.text for each in data.unknown if each.language == "en"] == ["sing a song"]
    assert any(each.language == "zh" for each in data.unknown)


def test_a_base_intent_that_the_tenant_says_under_another_name_is_left_out(tmp_path: Path) -> None:
    """Two intents for "hello" would only compete."""
    base = yaml.safe_load(Path(training_data.__file__).with_name("base_intents.yaml").read_text())
    own = yaml.safe_load(GOOD)
    greeting = next(each for each in base["intents"] if each["name"] == "greeting")
    own["intents"].append(greeting | {"name": "hello"})
    data = load_file(write(tmp_path, yaml.safe_dump(own)))
    assert "greeting" not in {intent.name for intent in data.intents}
    assert "hello" in {intent.name for intent in data.intents}


def test_a_base_example_never_contradicts_the_tenant(tmp_path: Path) -> None:
    """A flower shop that answers "will it rain tomorrow" is not told that this is unknown."""
    own = edited("opening hours", "opening hours, 明天会下雨吗")
    data = load_file(write(tmp_path, own))
    assert "明天会下雨吗" not in {each.text for each in data.unknown}


@pytest.mark.parametrize(
    ("old", "new", "report"),
    [
        ("tenant: acme", "tenant: other", "'other' must be the file's name"),
        ("tenant: acme", "tenant: A B", "'A B' is not a name"),
        ("tenant: acme", "", "tenant: '' is not a name"),
        ("type: query", "type: question", "'question' is none of query, operation, chit_chat"),
        ("type: query", "type: unknown", "'unknown' is none of"),
        ("name: hours", "name: refund", "'refund' is defined 2 times"),
        ("name: hours", "name: unknown", "'unknown' is not an intent"),
        ("name: hours", "name: Opening Hours", "'Opening Hours' is not a name"),
        ("opening hours]", "'Refund, please?']", "stands under refund and hours"),
        ("[sing a song]", "[退钱！]", "stands under refund and unknown"),
        ("[when do you open, opening hours]", "[hi]", "has 1 utterances, at least 2"),
        ("{en: [when do you open, opening hours]}", "{}", "has 0 utterances"),
        ("opening hours]", "yes]", "entry 2 is a truth value; put it in quotes"),
        ("opening hours]", "88]", "entry 2 is a number; put it in quotes"),
        ("opening hours]", "' ']", "entry 2 is empty"),
        ("opening hours]", "'!?']", "has no letter, digit or emoji"),
        ("opening hours]", "'" + "a" * 4001 + "']", "entry 2 is longer than 4000"),
        ("{en: [when", "{de: [wann], en: [when", "'de' is not known here; known are zh, en, mixed"),
        ("description:", "descriptoin:", "'descriptoin' is not known here"),
        (r"T\d{4}", "T(", "entities.ticket: the pattern is not valid RE2"),
        (r"T\d{4}", r"(?<!a)T\d", "look-around is not supported"),
        ("pattern: 'T\\d{4}'", "description: none", "needs either a pattern or values"),
        ("name: size", "name: ticket", "entities: 'ticket' is defined 2 times"),
        ("large: [大号]", "large: 大号", "must be a list, is a string"),
    ],
)
def test_each_kind_of_bad_data_is_named(tmp_path: Path, old: str, new: str, report: str) -> None:
    """The report says where it is and what is wrong, in words for the file's author."""
    assert report in problems_of(tmp_path, edited(old, new))


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("", "intents: has 0, at least 2 are needed"),
        ("[]", "must be a mapping, is a list"),
        ("tenant: [", "cannot be read as YAML"),
        ("tenant: acme\nintents: 3", "intents: must be a list, is a number"),
        ("tenant: acme\nintents: [3]", "must be a mapping, is a number"),
    ],
)
def test_what_is_no_training_data_is_refused(tmp_path: Path, text: str, report: str) -> None:
    """Empty, cut off or of another shape."""
    assert report in problems_of(tmp_path, text)


def test_one_intent_alone_is_refused(tmp_path: Path) -> None:
    """There would be nothing to tell it apart from."""
    own = yaml.safe_load(GOOD)
    del own["intents"][1]
    assert "has 1, at least 2" in problems_of(tmp_path, yaml.safe_dump(own))


def test_binary_content_is_refused(tmp_path: Path) -> None:
    """A spreadsheet with the wrong ending gets a sentence, not a traceback."""
    path = tmp_path / "acme.yaml"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(TrainingDataInvalid, match="cannot be read as YAML"):
        load_file(path)


def test_all_problems_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    """Whoever repairs the data does it in one go."""
    write(tmp_path, edited("type: query", "type: question").replace("'T", "'T("))
    write(tmp_path, GOOD, "zeta")
    with pytest.raises(TrainingDataInvalid) as caught:
        load_directory(tmp_path)
    report = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert all(each in report for each in ("question", "ticket", "zeta.yaml"))


def test_a_directory_holds_any_number_of_tenants(tmp_path: Path) -> None:
    """None is fine (a mesh before its first tenant); a missing directory is a wrong setting."""
    assert load_directory(tmp_path) == []
    write(tmp_path, GOOD)
    write(tmp_path, GOOD.replace("acme", "zeta"), "zeta")
    assert [data.tenant for data in load_directory(tmp_path)] == ["acme", "zeta"]
    with pytest.raises(TrainingDataInvalid, match="not a directory"):
        load_directory(tmp_path / "absent")


def test_the_version_is_the_hash_of_the_content(tmp_path: Path) -> None:
    """Layout does not matter, every word does."""
    version = load_file(write(tmp_path, GOOD)).version()
    assert len(version) == 64
    assert load_file(write(tmp_path, "# a comment\n" + GOOD)).version() == version
    assert load_file(write(tmp_path, edited("退钱", "退错"))).version() != version


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("转人工！！！", "转人工"),
        (" Cancel  my ORDER. ", "cancel my order"),
        ("退貨😡", "退货"),
        ("👍🏻", "👍"),
        ("Ｈｅｌｌｏ", "hello"),
    ],
)
def test_utterances_that_say_the_same_have_one_key(text: str, same: str) -> None:
    """Punctuation, blanks, case, width, script and emoji beside words do not matter."""
    assert key(text) == key(same) != ""


def test_negation_and_bare_punctuation_keep_their_difference() -> None:
    """不要退货 is not 要退货, and ？？？ says nothing."""
    assert key("不要退货") != key("要退货")
    assert key("？？？ …") == ""


def test_the_base_data_is_sound_by_itself(tmp_path: Path) -> None:
    """What ships passes the checks that tenants' files pass."""
    base = Path(training_data.__file__).with_name("base_intents.yaml").read_text(encoding="utf-8")
    data = load_file(write(tmp_path, "tenant: base\n" + base, "base"))
    assert len(data.unknown) >= 50
    assert all(len(intent.utterances) >= 30 for intent in data.intents)
