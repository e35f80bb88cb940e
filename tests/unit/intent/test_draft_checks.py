"""What an import's pieces are checked for: each kind of bad data is named, with what to do."""

import pytest
from kefu.errors import TrainingDataTooLarge

from services.intent.drafts import checks as module
from services.intent.drafts.checks import (
    MAX_LISTED,
    Checks,
    ImportedEntityType,
    ImportedIntent,
    ImportedUtterance,
    ImportPart,
    Report,
    UtteranceRejected,
    as_warnings,
    checked,
)
from services.intent.entities import EntityType
from services.intent.training_data import Problem, Severity
from services.intent.values import IntentType


def said(text: str, intent: str = "refund", language: str = "") -> ImportedUtterance:
    """An utterance as an import says it."""
    return ImportedUtterance(text, intent, language)


def read(part: ImportPart) -> tuple[Checks, tuple[Problem, ...]]:
    """Check one part; the checks and what they found."""
    report = Report()
    checks = Checks(report)
    checks.read(part)
    return checks, report.listed()


def entity_type(definition: EntityType, description: str = "") -> ImportedEntityType:
    """An entity type as an import says it."""
    return ImportedEntityType(definition, description)


@pytest.mark.parametrize(
    ("text", "language"),
    [("我要退款", "zh"), ("refund please", "en"), ("我要refund这个order", "mixed"), ("👍", "und")],
)
def test_an_utterance_gets_its_language_where_it_has_none(text: str, language: str) -> None:
    """By its script; an emoji belongs to none."""
    assert checked(said(text)).language == language


@pytest.mark.parametrize("code", ["zh", "ZH", "zh-CN", "zh_Hant_TW"])
def test_an_author_s_language_goes_before_the_detected_one(code: str) -> None:
    """Regions and scripts are other ways to write the same language."""
    assert checked(said("ok", language=code)).language == "zh"


def test_text_is_kept_as_written_but_composed_and_trimmed() -> None:
    """NFC, so that equal texts are equal bytes; full width, case and signs stay."""
    assert checked(said("  cafe\u0301 ＡＢＣ！ ")).text == "café ＡＢＣ！"


@pytest.mark.parametrize(
    ("utterance", "reason", "message"),
    [
        (said(""), "EMPTY_UTTERANCE", "has no letter, digit or emoji"),
        (said(" \t\n"), "EMPTY_UTTERANCE", "leave it out"),
        (said("?!…"), "EMPTY_UTTERANCE", "has no letter, digit or emoji"),
        (said("PK\x03\x04"), "TEXT_NOT_READABLE", "UTF-8"),
        (said("退\x00货"), "TEXT_NOT_READABLE", "binary"),
        (said("\ufffd\ufffd退货"), "TEXT_NOT_READABLE", "not text"),
        (said("half \ud83d"), "TEXT_NOT_READABLE", "not text"),
        (said("长" * 4001), "TEXT_TOO_LONG", "4000"),
        (said("bonjour", language="fr"), "LANGUAGE_NOT_KNOWN", "zh, en or mixed"),
    ],
)
def test_what_cannot_be_an_utterance_is_refused_with_its_reason(
    utterance: ImportedUtterance, reason: str, message: str
) -> None:
    """In words for the author, with the remedy."""
    with pytest.raises(UtteranceRejected, match=message) as caught:
        checked(utterance)
    assert caught.value.reason == reason


def test_a_report_names_the_intent_and_the_utterance() -> None:
    """Its author finds the place by them; the good utterances go on."""
    report = Report()
    kept = Checks(report).read(ImportPart(utterances=[said("ok"), said("?!"), said("fine")]))
    [problem] = report.listed()
    assert [each.text for each in kept] == ["ok", "fine"]
    assert problem.intent == "refund"
    assert problem.message.startswith("intent 'refund': '?!' has no letter")


@pytest.mark.parametrize("name", ["", "取消", "two words", "a" * 65, "_x", "a/b", "x\x00"])
def test_an_impossible_name_is_reported_once_however_often_it_stands_there(name: str) -> None:
    """A table whose column is wrong has it in every row."""
    checks, problems = read(
        ImportPart([ImportedIntent(name, None, "")], [said("a", name), said("b", name)])
    )
    assert [each.reason for each in problems] == ["BAD_INTENT_NAME"]
    assert not checks.intents


@pytest.mark.parametrize("name", ["cancel_order", "PlayMusic", "order.cancel-2", "7days"])
def test_names_of_other_systems_are_welcome(name: str) -> None:
    """Capitals and dots as well as the names of actions."""
    checks, problems = read(ImportPart([ImportedIntent(name, IntentType.QUERY, "")]))
    assert (list(checks.intents), problems) == ([name], ())


@pytest.mark.parametrize(
    "intent",
    [
        ImportedIntent("unknown", IntentType.QUERY, ""),
        ImportedIntent("other", IntentType.UNKNOWN, ""),
    ],
)
def test_what_fits_no_intent_is_none(intent: ImportedIntent) -> None:
    """Its examples stand under "unknown", which nobody defines."""
    _, problems = read(ImportPart([intent]))
    assert [each.reason for each in problems] == ["BAD_INTENT_TYPE"]


def test_an_intent_may_stand_in_several_parts() -> None:
    """What one part leaves open another says."""
    checks, problems = read(
        ImportPart(
            [
                ImportedIntent("refund", None, ""),
                ImportedIntent("refund", IntentType.OPERATION, ""),
                ImportedIntent("refund", None, "Money back."),
            ]
        )
    )
    assert checks.intents["refund"] == ImportedIntent("refund", IntentType.OPERATION, "Money back.")
    assert problems == ()


def test_an_intent_with_two_types_is_an_error() -> None:
    """Whether it is done or answered must not depend on the order of a file."""
    _, [problem] = read(
        ImportPart(
            [
                ImportedIntent("refund", IntentType.OPERATION, ""),
                ImportedIntent("refund", IntentType.QUERY, ""),
            ]
        )
    )
    assert (problem.reason, problem.intent) == ("CONFLICTING_TYPES", "refund")
    assert "operation and query" in problem.message


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (EntityType("ticket", pattern="T("), "is not valid RE2"),
        (EntityType("ticket", pattern=r"(?<!a)T\d"), "look-around is not supported"),
        (EntityType("ticket", pattern="a*"), "matches the empty text"),
        (EntityType("ticket"), "needs either a pattern or values"),
        (EntityType("ticket", "T", (("a", ("b",)),)), "needs either a pattern or values"),
        (EntityType("ticket", values=(("a", ("b\x00",)),)), "not text"),
    ],
)
def test_an_unusable_entity_type_is_an_error(definition: EntityType, message: str) -> None:
    """One bad pattern would otherwise be found out by customers."""
    _, [problem] = read(ImportPart(entity_types=[entity_type(definition)]))
    assert problem.reason == "BAD_ENTITY_TYPE"
    assert "'ticket'" in problem.message
    assert message in problem.message


def test_an_entity_type_may_be_said_again_but_not_differently() -> None:
    """Of two definitions nobody could say which one counts."""
    one, other = EntityType("ticket", pattern=r"T\d"), EntityType("ticket", pattern=r"X\d")
    assert read(ImportPart(entity_types=[entity_type(one), entity_type(one)]))[1] == ()
    _, [problem] = read(ImportPart(entity_types=[entity_type(one), entity_type(other)]))
    assert "defined twice" in problem.message


def test_a_description_is_text_too() -> None:
    """It is shown to people and to models."""
    _, [problem] = read(ImportPart([ImportedIntent("refund", IntentType.QUERY, "\x00")]))
    assert problem.reason == "TEXT_NOT_READABLE"


@pytest.mark.parametrize(
    ("name", "part", "limit"),
    [
        ("MAX_UTTERANCES", ImportPart(utterances=[said("a")]), "2 utterances"),
        ("MAX_CHARACTERS", ImportPart(utterances=[said("a")]), "2 characters"),
    ],
)
def test_an_import_over_a_limit_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, name: str, part: ImportPart, limit: str
) -> None:
    """The limit counts over all parts, and nobody waits for the rest of the stream."""
    monkeypatch.setattr(module, name, 2)
    checks = Checks(Report())
    checks.read(part)
    checks.read(part)
    with pytest.raises(TrainingDataTooLarge) as caught:
        checks.read(part)
    assert caught.value.metadata == {"limit": limit}


def test_intents_are_limited_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parts they come in."""
    monkeypatch.setattr(module, "MAX_INTENTS", 2)
    intents = [ImportedIntent(name, None, "") for name in "abc"]
    with pytest.raises(TrainingDataTooLarge, match="limit"):
        Checks(Report()).read(ImportPart(intents))


def test_a_report_counts_all_and_lists_errors_first() -> None:
    """A thousand are enough to see the pattern, and the error among them must not be lost."""
    report = Report()
    for number in range(MAX_LISTED + 5):
        report.warn("DUPLICATE_UTTERANCE", str(number))
    assert not report.failed
    report.error("EMPTY_UTTERANCE", "the error")
    assert report.failed
    assert report.count == MAX_LISTED + 6
    assert len(report.listed()) == MAX_LISTED
    assert report.listed()[0].message == "the error"


def test_what_forbids_training_only_warns_the_author_of_a_draft() -> None:
    """A draft grows by and by."""
    [problem] = as_warnings([Problem(Severity.ERROR, "ONE_INTENT_ONLY", "...")])
    assert problem.severity is Severity.WARNING
