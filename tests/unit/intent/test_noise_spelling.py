"""English words put right, and those that are right."""

import pytest

from services.intent.noise.latin import LatinRepair
from services.intent.noise.pinyin import Reader
from services.intent.noise.spelling import Speller, english

WORDS = {"refund": 9, "order": 20, "my": 30, "the": 30, "cancel": 12, "delivery": 8, "track": 6,
         "invioce": 1, "card": 9, "where's": 3, "return": 6}  # fmt: skip
SHORT = {"plz": "please", "wheres": "where's", "order": "never", "cxl": "cancel"}


@pytest.fixture(scope="module")
def speller() -> Speller:
    """A shop with few words."""
    return Speller(WORDS, SHORT)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("refudn", "refund"),
        ("canecl", "cancel"),
        ("refuuuund", "refund"),
        ("plzzz", "please"),
        ("plz", "please"),
        ("delivry", "delivery"),
        ("delivrry", "delivery"),
        ("recieved", "received"),
        ("trackmyorder", "track my order"),
        ("wheresmyorder", "where's my order"),
        ("iwant", "i want"),
        ("cancle's", "cancel's"),
    ],
)
def test_slips_are_put_right(speller: Speller, written: str, meant: str) -> None:
    """Swapped, dropped, doubled and held letters, shorthand, dropped blanks."""
    assert speller.correct(written) == meant


@pytest.mark.parametrize(
    "word",
    ["refund", "order", "invioce", "women", "friday's", "we're", "xiaomi", "shein", "huo", "vega",
     "dancing", "zephyra", "lexi", "noodles", "a" * 5000],
)  # fmt: skip
def test_words_and_names_stay(speller: Speller, word: str) -> None:
    """The tenant's own spelling, any English word, short words and what is like nothing known."""
    assert speller.correct(word) == word


def test_shorthand_that_is_a_word_of_the_tenant_is_none(speller: Speller) -> None:
    """A shop that sells goods named Cxl would not want them cancelled."""
    assert speller.correct("order") == "order"
    assert Speller({"cxl": 1}, SHORT).correct("cxl") == "cxl"


def test_nothing_is_corrected_towards_a_slip_in_the_data(speller: Speller) -> None:
    """Utterances are written as customers write; what is rare and in no list is only known."""
    assert speller.correct("invioces") != "invioce"


def test_a_short_word_needs_a_frequent_target(speller: Speller) -> None:
    """By crad a card is meant where cards are talked about every day, and only there."""
    assert speller.correct("crad") == "card"
    assert Speller({"card": 1}, {}).correct("crad") == "crad"


def test_how_english_a_word_is(speller: Speller) -> None:
    """The tenant's and everybody's words count in full, a rare word (tui) not at all."""
    assert speller.weight("refund") == speller.weight("women") == 1
    assert 0 < speller.weight("dan") < 1
    assert speller.weight("tui") == speller.weight("huo") == 0


def test_the_general_list_holds_no_pinyin() -> None:
    """On this the reading of pinyin rests: common syllables that are no English are not in it."""
    for syllable in ("huo", "kuan", "zai", "shou", "qing", "xiao", "zhi", "fapiao", "dingdan"):
        assert syllable not in english()


@pytest.fixture(scope="module")
def repair(speller: Speller) -> LatinRepair:
    """English and pinyin together."""
    reader = Reader({"退货": 6, "我要": 5, "订单": 6, "在": 3, "哪里": 3, "在哪里": 2})
    return LatinRepair(speller, reader, {"dd": "订单"})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("return tuihuo", "return 退货"),
        ("wo yao tuihuo plz", "我要退货 please"),
        ("dd在哪里", "订单在哪里"),
        ("my dd", "my dd"),
        ("ding单 zai nali", "订单在哪里"),
        ("order20260001", "order 20260001"),
        ("abc20260001", "abc20260001"),
        ("retrun my order", "return my order"),
        ("c a n c e l my order", "cancel my order"),
        ("a b", "a b"),
        ("can cel", "cancel"),
        ("the can", "the can"),
    ],
)
def test_letters_are_what_their_neighbours_say(
    repair: LatinRepair, written: str, meant: str
) -> None:
    """The same letters are pinyin beside Chinese and English beside English."""
    assert repair.repair(written) == meant
