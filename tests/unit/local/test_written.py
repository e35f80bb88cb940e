"""Reading what people write by hand: every slip is reported with its line, none stops the rest."""

import pytest
import yaml

from services.local.written import Section


def section(text: str) -> tuple[Section, list[str]]:
    """The whole of a document and the list that its reports go to."""
    problems: list[str] = []
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    return Section("file.yaml", "", node, problems), problems


def test_good_values_are_read_without_a_report() -> None:
    """Strings, names, choices, truth values, lists and mappings."""
    top, problems = section(
        "{name: cancel_order, type: b, words: [' one ', 二], deep: {x: y}, fuzzy: yes}"
    )
    assert top.identifier("name") == "cancel_order"
    assert top.one_of("type", ["a", "b"]) == "b"
    assert list(top.texts("words", 10)) == ["one", "二"]
    assert top.section("deep").text("x", 10) == "y"
    assert top.truth("fuzzy", default=False)
    assert top.has("deep")
    assert problems == []


@pytest.mark.parametrize("text", ["", "~", "{words: , parts: ~}"])
def test_what_is_absent_is_empty(text: str) -> None:
    """Optional parts need no special case in their readers."""
    top, problems = section(text)
    assert top.text("text", 10) == ""
    assert list(top.texts("words", 10)) == []
    assert list(top.sections("parts")) == []
    assert top.section("deep").names() == []
    assert top.truth("fuzzy", default=True)
    assert problems == []


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("text: 3", "file.yaml:1: text: must be a string, is a number; put it in quotes"),
        ("\ntext: no", "file.yaml:2: text: must be a string, is a truth value; put it in quotes"),
        ("text: 2026-11-22", "file.yaml:1: text: must be a string, is a date; put it in quotes"),
        ("text: ~", "file.yaml:1: text: must be a string, is nothing; put it in quotes"),
        ("text: abcdef", "file.yaml:1: text: is longer than 5 characters"),
        ("text:\n- a", "file.yaml:2: text: must be a string, is a list; put it in quotes"),
        ("words", "file.yaml:1: must be a mapping, is a string"),
        ("[]", "file.yaml:1: must be a mapping, is a list"),
    ],
)
def test_a_value_of_the_wrong_kind_is_reported(text: str, report: str) -> None:
    """YAML's own traps (no, 88) are named, with line and remedy."""
    top, problems = section(text)
    top.text("text", 5)
    assert problems == [report]


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("words: [a, 88]", "words: '88' is a number; put it in quotes"),
        ("words: [a, yes]", "words: 'yes' is a truth value; put it in quotes"),
        ("words: [a, ' ']", "words: an entry is empty; leave it out"),
        ("words: [abcdef]", "words: an entry is longer than 5 characters"),
        ("words: a", "words: must be a list, is a string"),
    ],
)
def test_an_entry_of_a_list_is_reported_and_the_others_are_read(text: str, report: str) -> None:
    """A hundred utterances do not fall for one."""
    top, problems = section(text)
    assert list(top.texts("words", 5)) == (["a"] if "[a," in text else [])
    assert problems == [f"file.yaml:1: {report}"]


def test_reports_name_the_place_by_number_and_then_by_name() -> None:
    """Intent 2 of a hundred is found by its line, and by its name once that is read."""
    top, problems = section("intents:\n- name: one\n- name: two\n  type: x\n")
    _, second = top.sections("intents")
    second.report("is odd")
    second.renamed("two").one_of("type", ["query", "end"])
    second.section("words").report("are odd")
    assert problems == [
        "file.yaml:3: intents[2]: is odd",
        "file.yaml:4: intents.two: type: 'x' is none of query, end",
        "file.yaml: intents.two.words: are odd",
    ]


def test_unknown_keys_keys_that_are_no_strings_and_keys_that_stand_twice_are_reported() -> None:
    """All three would otherwise be ignored in silence."""
    top, problems = section("utterence: []\n5: x\nutterence: [a]\n")
    top.allow("utterances")
    assert top.names() == ["utterence"]
    assert problems == [
        "file.yaml:2: '5' must be a string; put it in quotes",
        "file.yaml:3: 'utterence' stands there twice",
        "file.yaml:1: 'utterence' is not known here; known are utterances",
    ]


@pytest.mark.parametrize("name", ["''", "Cancel", "2fast", "取消", "a" * 65, "a b"])
def test_names_are_plain(name: str) -> None:
    """They become identifiers in the contract, in metrics and in action names."""
    top, problems = section(f"name: {name}")
    assert top.identifier("name") == ""
    assert "is not a name such as cancel_order" in problems[-1]


def test_a_truth_value_is_none_of_its_look_alikes() -> None:
    """A quoted "false" is a string, and true to whoever asks Python."""
    top, problems = section("fuzzy: 'false'")
    assert top.truth("fuzzy", default=False) is False
    assert problems == ["file.yaml:1: fuzzy: must be true or false, is a string"]
