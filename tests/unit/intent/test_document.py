"""Reading what people write by hand: every slip is reported with its place, none stops the rest."""

import pytest

from services.intent.document import Section


def section(content: object) -> tuple[Section, list[str]]:
    """A section of a document and the list that its reports go to."""
    problems: list[str] = []
    return Section("file.yaml", content, problems), problems


def test_good_values_are_read_without_a_report() -> None:
    """Strings, names, choices, lists and mappings."""
    top, problems = section(
        {"name": "cancel_order", "type": "b", "words": [" one ", "二"], "deep": {"x": "y"}}
    )
    assert top.identifier("name") == "cancel_order"
    assert top.one_of("type", ["a", "b"]) == "b"
    assert list(top.texts("words", 10)) == ["one", "二"]
    assert top.section("deep").text("x", 10) == "y"
    assert problems == []


def test_what_is_absent_is_empty() -> None:
    """Optional parts need no special case in their readers."""
    top, problems = section(None)
    assert top.text("text", 10) == ""
    assert list(top.texts("words", 10)) == []
    assert list(top.sections("parts")) == []
    assert top.section("deep").names() == []
    assert problems == []


@pytest.mark.parametrize(
    ("content", "report"),
    [
        ({"text": 3}, "file.yaml: text: must be a string, is a number; put it in quotes"),
        ({"text": True}, "file.yaml: text: must be a string, is a truth value; put it in quotes"),
        ({"text": "abcdef"}, "file.yaml: text: is longer than 5 characters"),
        ({"text": ["a"]}, "file.yaml: text: must be a string, is a list; put it in quotes"),
        ("words", "file.yaml: must be a mapping, is a string"),
        ([], "file.yaml: must be a mapping, is a list"),
    ],
)
def test_a_value_of_the_wrong_kind_is_reported(content: object, report: str) -> None:
    """YAML's own traps (no, 88) are named, with the remedy."""
    top, problems = section(content)
    top.text("text", 5)
    assert problems == [report]


def test_reports_name_the_place_by_number_and_then_by_name() -> None:
    """Intent 2 of a hundred is found by its position, and by its name once that is read."""
    top, problems = section({"intents": [{"name": "one"}, {"name": "two", "type": "x"}]})
    _, second = top.sections("intents")
    second.report("is odd")
    second.renamed("two").one_of("type", ["query", "end"])
    assert problems == [
        "file.yaml: intents[2]: is odd",
        "file.yaml: intents.two: type: 'x' is none of query, end",
    ]


def test_unknown_keys_and_keys_that_are_no_strings_are_reported() -> None:
    """A misspelt key would otherwise be ignored in silence."""
    top, problems = section({"utterence": [], 5: "x"})
    top.allow("utterances")
    assert top.names() == ["utterence"]
    assert "'utterence' is not known here; known are utterances" in problems[0]
    assert problems[-1] == "file.yaml: 5 must be a string; put it in quotes"


@pytest.mark.parametrize("name", ["", "Cancel", "2fast", "取消", "a" * 65, "a b"])
def test_names_are_plain(name: str) -> None:
    """Lower-case ASCII letters, digits, "_" and "-", at most 64, a letter first."""
    top, problems = section({"name": name})
    assert top.identifier("name") == ""
    assert problems
