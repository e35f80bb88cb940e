"""The same wish written otherwise: every utterance of the sample company, disguised."""

from collections.abc import Callable

import opencc
import pytest

from services.intent.classifier import Classifier
from services.intent.training_data import TrainingData

_TRADITIONAL = opencc.OpenCC("s2t")


def full_width(text: str) -> str:
    """ASCII letters, digits and signs as an East Asian input method may write them."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def interrupted(text: str) -> str:
    """A zero-width space behind every character, as some web pages leave them."""
    return "\u200b".join(text)


DISGUISES: dict[str, Callable[[str], str]] = {
    "traditional": _TRADITIONAL.convert,
    "full width": full_width,
    "capitals": str.upper,
    "shouted": lambda text: f"{text}！！！",
    "angry": lambda text: f"😡 {text} 😡😡",
    "padded": lambda text: f"\n  {text}\u3000",
    "trailing dots": lambda text: f"{text}……",
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES.keys())
def test_a_disguised_utterance_keeps_its_intent(
    shop: Classifier, shop_data: TrainingData, disguise: Callable[[str], str]
) -> None:
    """Script, width, case, emoji and punctuation do not hide a single known utterance."""
    judged = [
        (text, intent.name, shop.classify(text).best.intent)
        for intent in shop_data.intents
        for text in (disguise(utterance.text) for utterance in intent.utterances[::3])
    ]
    missed = [each for each in judged if each[1] != each[2]]
    assert len(missed) <= 0.01 * len(judged), missed


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [("你好，", ""), ("", "，谢谢"), ("请问", ""), ("亲，", "呀"), ("麻烦问一下", "")],
)
def test_polite_chinese_words_around_a_wish_do_not_replace_it(
    shop: Classifier, prefix: str, suffix: str
) -> None:
    """A greeting or thanks around a wish is not a greeting or thanks."""
    for text, intent in (
        ("我要取消订单SO20261234", "cancel_order"),
        ("发票怎么开", "invoice"),
        ("退款多久到账", "refund_time"),
    ):
        assert shop.classify(prefix + text + suffix).best.intent == intent


@pytest.mark.parametrize(
    ("prefix", "suffix"), [("hi, ", ""), ("", " thanks"), ("excuse me, ", ""), ("hello ", " pls")]
)
def test_polite_english_words_around_a_wish_do_not_replace_it(
    shop: Classifier, prefix: str, suffix: str
) -> None:
    """The same in English."""
    for text, intent in (
        ("please cancel my order SO20261234", "cancel_order"),
        ("how do I get an invoice", "invoice"),
        ("I need to change my delivery address", "change_address"),
    ):
        assert shop.classify(prefix + text + suffix).best.intent == intent


@pytest.mark.parametrize("number", ["SO20261234", "so99999999", "ＳＯ１２３４５６７８"])
def test_which_order_it_is_does_not_matter(shop: Classifier, number: str) -> None:
    """Numbers that no utterance has are as good as those that some have."""
    assert shop.classify(f"{number}到哪了").best.intent == "order_lookup"
    assert shop.classify(f"cancel {number}").best.intent == "cancel_order"
    assert shop.classify(f"帮我把{number}退款").best.intent == "request_refund"


def test_invisible_characters_do_not_hide_entities(shop: Classifier) -> None:
    """A copied order number is found whole, with its span in what was pasted."""
    text = "查" + interrupted("SO20261234")
    [entity] = shop.classify(text).entities
    assert (entity.value, entity.text) == ("SO20261234", interrupted("SO20261234"))
