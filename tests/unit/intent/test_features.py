"""Features: words, characters and concepts of folded text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.model.features import features
from services.language import fold


def test_words_pairs_letters_and_characters_are_counted() -> None:
    """A mixed sentence yields features of every kind, each with its prefix."""
    counted = features("帮我cancel订单")
    assert counted["w cancel"] == 1
    assert counted["p ^ 帮"] + counted["p ^ 帮我"] == 1
    assert counted["c <can"] == 1
    assert counted["c 订单"] == 1
    assert counted["k cancel"] == 1
    assert counted["k cancel order"] == 1


def test_characters_are_taken_across_word_borders() -> None:
    """However 三码 is segmented, its characters are seen together."""
    assert features("要三码鞋")["c 三码"] == 1


def test_every_long_number_is_the_same_number() -> None:
    """Which order it is does not tell what is wanted; a short number may (88)."""
    assert features("订单so20260001") == features("订单so20269999")
    assert "w 88" in features("88")


def test_an_unseen_name_shares_the_frame_it_stands_in() -> None:
    """潘靖 and 郭涛 have no word in common, but both are names in front of 的电话."""
    one, other = features("潘靖的电话"), features("郭涛的电话")
    assert "m nr 的" in one.keys() & other.keys()


def test_words_that_stand_apart_are_paired() -> None:
    """播放 … 歌 is one wish whatever is sung; also with a part of speech in the place of a word."""
    counted = features("播放一首周杰伦的歌")
    assert {"d 播放 歌", "e 播放 n", "e v 歌", "e 播放 nr"} <= counted.keys()
    assert {"d 播放 一首", "d 的 歌", "d ^ 的", "d 周杰伦 $"}.isdisjoint(counted)


def test_words_far_apart_are_no_pair() -> None:
    """Five words on at most: 我 … 吗 has six words between."""
    words = "我 要 退 这 个 鞋 子 吗"
    assert "d 我 鞋" in features(words)
    assert not {"d 我 子", "d 我 吗"} & features(words).keys()


def test_a_latin_word_is_paired_with_chinese_words_only() -> None:
    """What stands between Chinese words may be of either script."""
    counted = features("把cat mug one都取消")
    assert {"d 把 mug", "d cat 都", "d 把 取消", "e L 取消"} <= counted.keys()
    assert "d cat one" not in counted


def test_a_model_trained_without_distant_pairs_is_asked_without() -> None:
    """All other features are the same."""
    text = "帮我cancel昨天的订单"
    without = features(text, distant_pairs=False)
    added = features(text) - without
    assert {feature.partition(" ")[0] for feature in added} == {"d", "e"}
    assert features(text) - added == without


def test_english_alone_has_no_parts_of_speech_and_no_distant_pairs() -> None:
    """Its words are not in the dictionary that tells them; pairs of them gained nothing."""
    text = "where is order so2026, please"
    kinds = {feature.partition(" ")[0] for feature in features(text)}
    assert kinds == {"w", "p", "c", "k"}
    assert features(text) == features(text, distant_pairs=False)


def test_emoji_are_words_and_punctuation_is_nothing() -> None:
    """👍 says something, ??? does not."""
    assert features("👍")["w 👍"] == 1
    assert not features("?!，。 …")


def test_repetition_is_counted() -> None:
    """人工人工人工 is more urgent than 人工, and the counts say so."""
    assert features("人工人工人工")["c 人工"] == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("我要退貨", "我要退货"),
        ("ＣＡＮＣＥＬ", "cancel"),
        ("Refund!!!", "refund"),
        ("退 款", "退 款。"),
    ],
)
def test_ways_of_writing_do_not_matter(one: str, other: str) -> None:
    """Script, width, case and punctuation are gone before features are taken."""
    assert features(fold(one)) == features(fold(other))


@given(st.text(max_size=80))
def test_any_text_has_features_or_none(text: str) -> None:
    """No Unicode text breaks it, and every count is positive."""
    assert all(count > 0 for count in features(fold(text)).values())
