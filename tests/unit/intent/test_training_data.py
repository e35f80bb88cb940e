"""Training data as values: what counts as the same, what its hash says, what forbids training."""

from dataclasses import replace

import pytest

from services.intent.drafts.base_intents import base, base_intent, base_keys, completed
from services.intent.entities import EntityType
from services.intent.training_data import (
    MIN_UTTERANCES,
    Intent,
    Severity,
    TrainingData,
    Utterance,
    key,
    key_hash,
    problems,
    shown,
)
from services.intent.values import UNKNOWN, IntentType
from tests.support.intents import data_of, shop_data

GOOD = """
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


def edited(old: str, new: str) -> TrainingData:
    """The good data with one thing changed."""
    assert old in GOOD
    return data_of(GOOD.replace(old, new))


def intent(data: TrainingData, name: str) -> Intent:
    """The intent of this name."""
    return next(each for each in data.intents if each.name == name)


def small(*names: str, utterances: int = MIN_UTTERANCES) -> TrainingData:
    """Data with these intents of the tenant's own, each of so many utterances."""
    intents = tuple(
        Intent(
            name, IntentType.QUERY, "",
            tuple(Utterance(f"{name} {number}", "en") for number in range(utterances)),
        )
        for name in names
    )  # fmt: skip
    return completed(TrainingData("acme", intents, (), ()), set())


def test_data_holds_what_its_author_wrote() -> None:
    """Types, descriptions and entity types arrive; what says the same again is there once."""
    data = data_of(GOOD)
    refund = intent(data, "refund")
    assert (refund.type, refund.description) == (IntentType.OPERATION, "Money back.")
    assert {(each.language, each.text) for each in refund.utterances} == {
        ("zh", "我要退款"),
        ("zh", "退钱"),
        ("en", "refund please"),
    }
    assert [each.name for each in data.entity_types] == ["ticket", "size"]
    assert data.entity_types[1].values == (("small", ("小号", "small")), ("large", ("大号",)))


def test_labelled_lists_every_utterance_once_with_its_label() -> None:
    """Those of "unknown" come last."""
    data = shop_data()
    labelled = data.labelled()
    assert len(labelled) == sum(len(each.utterances) for each in data.intents) + len(data.unknown)
    assert labelled[-1][1] == UNKNOWN
    assert len({key(utterance.text) for utterance, _ in labelled}) == len(labelled)


def test_every_tenant_gets_the_base_intents() -> None:
    """Greeting, thanks, human and goodbye work without a word of training data for them."""
    data = data_of(GOOD)
    assert [(each.name, each.type.value, each.base) for each in data.intents] == [
        ("goodbye", "end", True),
        ("greeting", "chit_chat", True),
        ("hours", "query", False),
        ("human", "human", True),
        ("refund", "operation", False),
        ("thanks", "chit_chat", True),
    ]


def test_a_tenant_overrides_base_intents_and_examples_by_name_and_language() -> None:
    """Its own greeting replaces ours; its English examples of unknown leave our Chinese ones."""
    data = edited("  - name: hours", "  - name: greeting")
    greeting = intent(data, "greeting")
    assert {each.text for each in greeting.utterances} == {"when do you open", "opening hours"}
    assert not greeting.base
    assert [each.text for each in data.unknown if each.language == "en"] == ["sing a song"]
    assert any(each.language == "zh" for each in data.unknown)


def test_a_base_intent_that_the_tenant_says_under_another_name_is_left_out() -> None:
    """Two intents for "hello" would only compete."""
    greeting = base_intent("greeting")
    assert greeting is not None
    hello = replace(greeting, name="hello", base=False)
    own = TrainingData("acme", (hello,), (), ())
    data = completed(own, {key_hash(each.text) for each in greeting.utterances})
    assert {each.name for each in data.intents} == {"hello", "thanks", "human", "goodbye"}


def test_a_base_example_never_contradicts_the_tenant() -> None:
    """A flower shop that answers "will it rain tomorrow" is not told that this is unknown."""
    data = edited("opening hours", "opening hours, 明天会下雨吗")
    assert "明天会下雨吗" not in {each.text for each in data.unknown}


def test_the_base_data_is_sound_by_itself() -> None:
    """What ships is plentiful, holds nothing twice, and nothing under two labels."""
    assert len(base().unknown) >= 50
    assert all(len(each.utterances) >= 30 for each in base().intents)
    assert len(base_keys()) == len(base().labelled())
    assert base_intent("refund") is None


def test_the_version_is_the_hash_of_the_content() -> None:
    """Layout, order and tenant do not matter, every word does."""
    version = data_of(GOOD).version()
    assert len(version) == 64
    assert data_of("# a comment\n" + GOOD, "zeta").version() == version
    assert edited("[我要退款, 退钱]", "[退钱, 我要退款]").version() == version
    for old, new in (
        ("退钱", "退错"),
        ("Money back.", "Money."),
        ("type: query", "type: operation"),
        ("sing a song", "sing two songs"),
        (r"T\d{4}", r"T\d{5}"),
    ):
        assert edited(old, new).version() != version


def test_data_travels_to_another_process_unchanged() -> None:
    """JSON and back: intents, base or not, fuzzy word lists, examples of unknown."""
    data = replace(
        shop_data(), entity_types=(EntityType("p", values=(("a", ("b", "c")),), fuzzy=True),)
    )
    assert TrainingData.from_json(data.to_json()) == data
    assert TrainingData.from_json(shop_data().to_json()).version() == shop_data().version()


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
    assert key_hash(text) == key_hash(same)


def test_negation_and_bare_punctuation_keep_their_difference() -> None:
    """不要退货 is not 要退货, and ？？？ says nothing."""
    assert key("不要退货") != key("要退货")
    assert key("？？？ …") == ""
    with pytest.raises(ValueError, match="no letter, digit or emoji"):
        key_hash("？？？ …")


def test_an_utterance_in_a_report_is_short_and_printable() -> None:
    """Whatever it holds, a report is one line."""
    assert shown("退货\n\x00") == r"'退货\n\x00'"
    assert len(shown("长" * 4000)) < 100


def test_what_can_be_trained_has_no_problem() -> None:
    """The sample company's data, and the least that can be told apart."""
    assert problems(shop_data()) == []
    assert problems(small("one", "two")) == []


@pytest.mark.parametrize(
    ("data", "reason", "name"),
    [
        (small(), "NO_INTENTS", ""),
        (small("one"), "ONE_INTENT_ONLY", "one"),
        (small("one", "two", utterances=1), "TOO_FEW_UTTERANCES", "one"),
        (small("one", "two", utterances=0), "TOO_FEW_UTTERANCES", "one"),
    ],
)
def test_what_forbids_training_is_said(data: TrainingData, reason: str, name: str) -> None:
    """Base intents do not count: they are there for everybody."""
    first = problems(data)[0]
    assert (first.severity, first.reason, first.intent) == (Severity.ERROR, reason, name)
    assert name in first.message
