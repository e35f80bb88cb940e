"""When two utterances say the same: courtesies and Chinese word order, never a word that counts."""

import pytest

from services.intent.near_exact import near_key, near_table


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("能退货吗", "退货能吗？"),
        ("请问能退货吗", "能退货吗"),
        ("您的发票怎么开呀", "发票怎么开你的"),
        ("hello, how do I get an invoice please", "How do I get an invoice?"),
        ("請問運費誰出啊", "运费谁出"),
        ("订单SO20261234到哪了", "SO20261234订单到哪了"),
    ],
)
def test_courtesies_and_the_order_of_characters_do_not_matter(one: str, other: str) -> None:
    """Both are one utterance, said otherwise."""
    assert near_key(one) == near_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("能退货吗", "不能退货吗"),
        ("订单取消了吗", "订单取消"),
        ("退货运费谁出", "换货运费谁出"),
        ("订单SO20261234到哪了", "订单SO20261235到哪了"),
        ("I want to cancel it", "I do not want to cancel it"),
        ("is the order for me", "is the order not for me"),
        ("transfer from a to b", "transfer from b to a"),
        ("订单满300元减50元吗", "订单满50元减300元吗"),
    ],
)
def test_a_number_a_negation_a_code_or_any_other_word_matters(one: str, other: str) -> None:
    """A changed word may change what is wanted; that is for the model to judge."""
    assert near_key(one) != near_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("我不是要退款是要换货", "我是要退款，不是要换货"),
        ("不要取消订单要改地址", "要取消订单不要改地址"),
        ("退款没到账要投诉", "退款到账没要投诉"),
        ("别发顺丰发中通", "发顺丰别发中通"),
        ("你给我打电话", "我给你打电话"),
        ("他收到我的包裹", "我收到他的包裹"),
        ("从北京寄到上海", "从上海寄到北京"),
        ("红的换成蓝的", "蓝的换成红的"),
        ("满三百减五十吗", "满五十减三百吗"),
    ],
)
def test_what_turns_round_when_words_move_keeps_its_order(one: str, other: str) -> None:
    """The same characters in another order are another wish here, even the opposite one."""
    assert near_key(one) != near_key(other)
    assert near_key(one) == near_key(f"请问{one}呀") != ""


@pytest.mark.parametrize(
    "text", ["", "你好", "请问一下", "谢谢啊", "ok", "hi there", "？？？", "退货"]
)
def test_short_utterances_have_no_near_ones(text: str) -> None:
    """Too little is left to rely on."""
    assert near_key(text) == ""


def test_what_two_intents_share_is_left_to_the_model() -> None:
    """A table that guessed would be sure and wrong."""
    said = [("退货能吗", 1), ("能退货吗", 1), ("怎么开发票", 2), ("发票怎么开", 3), ("你好", 4)]
    assert near_table(said) == {near_key("能退货吗"): 1}
