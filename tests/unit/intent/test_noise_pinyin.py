"""Sounds of Chinese words, and reading them out of letters."""

import pytest

from services.intent.noise.homophones import Mender
from services.intent.noise.pinyin import Reader, reading, sound, syllables
from services.language import segment

WORDS = {
    "我": 9,
    "要": 9,
    "我要": 5,
    "退货": 6,
    "订单": 6,
    "退款": 4,
    "多久": 2,
    "先": 1,
    "西安": 1,
}


@pytest.mark.parametrize(("character", "said"), [("退", "tui"), ("绿", "lv"), ("还", "hai")])
def test_a_character_has_one_reading(character: str, said: str) -> None:
    """The commonest, without its tone."""
    assert reading(character) == said


@pytest.mark.parametrize(
    ("word", "said"),
    [("退款", "tui kuan"), ("退还", "tui huan"), ("银行卡", "yin hang ka"), ("重新", "chong xin")],
)
def test_polyphones_are_read_by_the_word(word: str, said: str) -> None:
    """还 is hai in 还没 and huan in 退还."""
    assert syllables(word) == tuple(said.split())


@pytest.mark.parametrize(
    ("one", "other"), [("zhan hao", "zang hao"), ("shi jian", "si jian"), ("ren gong", "ren gon")]
)
def test_sounds_that_many_speakers_confuse_are_one(one: str, other: str) -> None:
    """The south makes no difference between zh and z, and few hear -ng."""
    assert sound(one.split()) == sound(other.split())


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("tuihuo", "退货"),
        ("woyaotuihuo", "我要退货"),
        ("tuikuang", "退款"),
        ("我要tuihuo", "我要退货"),
        ("woyao退款", "我要退款"),
        ("dingdanduojiu", "订单多久"),
    ],
)
def test_letters_are_read_as_the_likeliest_words(typed: str, read: str) -> None:
    """Longest and commonest words first; Chinese characters in between stay."""
    assert Reader(WORDS).read(typed) == read


@pytest.mark.parametrize("typed", ["", "q", "tuihu", "refund", "wo", "yaowo"])
def test_what_says_nothing_is_not_read(typed: str) -> None:
    """No syllables, or only characters one by one, of which any sound has dozens."""
    assert not Reader(WORDS).read(typed)


def test_the_rest_of_a_word_is_completed() -> None:
    """Only where the letters with the character beside them are a word that is in use."""
    reader = Reader(WORDS)
    assert reader.complete("我要退", "huo", "") == "货"
    assert reader.complete("", "ding", "单号") == "订"
    assert reader.complete("不", "huo", "车") is None


def test_syllables_need_no_meaning_to_be_readable() -> None:
    """A sentence may hold a syllable that only together with others makes a word."""
    reader = Reader(WORDS)
    assert reader.can_read("huo")
    assert not reader.can_read("refund")


def test_a_reader_without_words_reads_nothing() -> None:
    """A tenant whose customers write no Chinese."""
    assert Reader({"好": 1}).read("tuihuo") is None


def mend(text: str, words: dict[str, int], goals: tuple[str, ...] = ()) -> str:
    """Put a run right with a vocabulary of one's own."""
    return Mender(words, goals, ["货贷资"]).mend(segment(text))


def test_a_slip_goes_to_the_word_that_is_said() -> None:
    """By look first, then by sound."""
    words = {"退货": 6, "我": 3, "要": 3, "我要": 3}
    assert mend("我要退贷", words) == "我要退货"
    assert mend("我要退或", words) == "我要退货"


def test_a_rare_word_gives_way_to_a_frequent_one_only() -> None:
    """退火 is a word; whether it is one of these customers depends on how often they say 退货."""
    assert mend("退火", {"退货": 6}) == "退货"
    assert mend("退火", {"退货": 2}) == "退火"
    assert mend("退火", {"退货": 6, "退火": 1}) == "退火"


def test_a_common_word_stays_whatever_it_sounds_like() -> None:
    """有火|车 sounds like 有货, but 火车 is a word that everybody knows."""
    assert mend("有火车", {"有货": 9}, ("有货",)) == "有火车"


def test_two_slips_in_one_word_are_believed_of_terms_of_the_business_only() -> None:
    """Two characters of the right sound: 推宽 for 退款, but 邓鸡 is somebody's chicken."""
    assert mend("推宽", {"退款": 9}, ("退款",)) == "退款"
    assert mend("邓鸡", {"等级": 9}) == "邓鸡"


def test_particles_are_no_slips() -> None:
    """They stand beside everything; 你吗 is not 你妈."""
    assert mend("你吗", {"你妈": 9}) == "你吗"
