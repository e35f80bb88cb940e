"""The classifier of the sample company: what it answers and how sure it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intent.classifier import MAX_ALTERNATIVES, Classifier
from services.intent.entities.extractor import MAX_ENTITIES
from services.intent.model.decision import Thresholds
from services.intent.trained_model import TrainedModel
from services.intent.training import train
from services.intent.values import UNKNOWN, IntentType, Method
from services.language import Language
from tests.support.intent_vectors import vectors_of
from tests.support.intents import data_of

TWO_WISHES = """
intents:
  - name: refund
    type: operation
    utterances: {zh: [我要退款, 退钱给我, 把钱退回来], en: [refund me please, money back now]}
  - name: hours
    type: query
    utterances: {zh: [几点开门, 几点关门, 营业时间], en: [when do you open, opening hours]}
"""


@pytest.mark.parametrize(
    ("text", "intent", "kind"),
    [
        ("退货运费谁出", "return_policy", IntentType.QUERY),
        ("帮我取消SO20261234", "cancel_order", IntentType.OPERATION),
        ("你真幽默讲个笑话吧", "smalltalk", IntentType.CHIT_CHAT),
        ("我要和真人讲话", "human", IntentType.HUMAN),
        ("没别的事了再见", "goodbye", IntentType.END),
    ],
)
def test_each_type_of_intent_is_recognised(
    shop: Classifier, text: str, intent: str, kind: IntentType
) -> None:
    """The type drives the dialogue, so it comes with the intent."""
    best = shop.classify(text).best
    assert (best.intent, best.type) == (intent, kind)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("三码", "product_info"),
        ("三码适合多大的脚", "product_info"),
        ("PPR-9087", "product_info"),
        ("PPR-9087多少钱", "product_info"),
        ("is the cat mug still in stock", "product_info"),
        ("我要买男的东西", "product_info"),
    ],
)
def test_words_that_other_systems_lose_are_understood(
    shop: Classifier, text: str, intent: str
) -> None:
    """Words of the trade, codes, plain English nouns and one-token sentences keep their meaning."""
    assert shop.classify(text).best.intent == intent


def test_a_lone_noun_breaks_nothing(shop: Classifier) -> None:
    """`cat` alone is no wish; the answer is not quite sure, with what else comes near."""
    verdict = shop.classify("cat")
    assert verdict.best.intent in (UNKNOWN, "product_info")
    assert verdict.best.confidence < 0.9
    assert "product_info" in [verdict.best.intent, verdict.alternatives[0].intent]


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("我要退貨，運費誰出？", "我要退货，运费谁出？"),
        ("ｃａｎｃｅｌ　ｍｙ　ｏｒｄｅｒ", "cancel my order"),
        ("我要取消订单😡😡", "我要取消订单"),
        ("發票怎麼開", "发票怎么开"),
    ],
)
def test_ways_of_writing_do_not_change_the_answer(shop: Classifier, text: str, like: str) -> None:
    """Traditional, full-width and emoji-laden text is understood as the plain one."""
    one, other = shop.classify(text).best, shop.classify(like).best
    assert one.intent == other.intent != UNKNOWN


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("cancle my ordr pls", "cancel_order"),
        ("i wnat to retrun this and get a refnd", "request_refund"),
    ],
)
def test_slips_of_the_finger_are_forgiven(shop: Classifier, text: str, intent: str) -> None:
    """Two misspelt words in one sentence are no obstacle."""
    assert shop.classify(text).best.intent == intent


def test_a_training_utterance_is_its_own_intent_for_sure(shop: Classifier) -> None:
    """Exactly, and nearly: punctuation, case and script may differ."""
    for text in ("转人工", "轉人工!!", " 转人工。"):
        verdict = shop.classify(text)
        assert (verdict.best.intent, verdict.best.confidence) == ("human", 1.0)
        assert verdict.method is Method.EXACT
        assert verdict.alternatives == ()
        assert not verdict.ambiguous


def test_an_example_of_unknown_is_unknown_for_sure(shop: Classifier) -> None:
    """What the company says that it does not do is not guessed at."""
    verdict = shop.classify("帮我订一张去北京的机票！")
    assert (verdict.best.intent, verdict.best.type) == (UNKNOWN, IntentType.UNKNOWN)
    assert verdict.method is Method.EXACT


@pytest.mark.parametrize("text", ["asdfgh", "？？？", " ", "🦄", "اين طلبي", "０１２"])
def test_what_cannot_be_understood_is_unknown(shop: Classifier, text: str) -> None:
    """Noise, other scripts and bare punctuation get no intent."""
    verdict = shop.classify(text)
    assert verdict.best.type is IntentType.UNKNOWN
    assert verdict.best.confidence > 0.5
    assert not verdict.ambiguous


def test_alternatives_are_sorted_distinct_and_at_most_five(shop: Classifier) -> None:
    """A clarifying question can be made of them as they come."""
    for text in ("order", "退款", "多少钱", "cat", "I have a question about my order"):
        verdict = shop.classify(text)
        confidences = [each.confidence for each in verdict.alternatives]
        names = [verdict.best.intent, *(each.intent for each in verdict.alternatives)]
        assert confidences == sorted(confidences, reverse=True)
        assert len(names) == len(set(names)) <= 1 + MAX_ALTERNATIVES
        assert UNKNOWN not in names[1:]


def test_two_close_intents_are_ambiguous(shop: Classifier) -> None:
    """The bare word 退款 may be a request or a question about its time; both are offered."""
    verdict = shop.classify("退款")
    assert verdict.ambiguous
    assert {verdict.best.intent, verdict.alternatives[0].intent} == {
        "request_refund",
        "refund_time",
    }
    assert all(0 < each.confidence < 0.6 for each in (verdict.best, verdict.alternatives[0]))


def test_of_a_bare_word_both_intents_are_offered(shop: Classifier) -> None:
    """订单 may be a look-up or a cancellation: neither is sure, the other is the alternative."""
    verdict = shop.classify("订单")
    assert {verdict.best.intent, verdict.alternatives[0].intent} == {"cancel_order", "order_lookup"}
    assert all(0.35 < each.confidence < 0.6 for each in (verdict.best, verdict.alternatives[0]))


def test_thresholds_decide_when_to_doubt(shop_model: TrainedModel, shop: Classifier) -> None:
    """With nothing ever doubtful the same text gets its best intent, unambiguously."""
    bold = Classifier(shop_model, Thresholds(unknown=0, ambiguity=0), "v1")
    strict = Classifier(shop_model, Thresholds(unknown=0.99, ambiguity=0), "v1")
    assert shop.classify("退款").ambiguous
    assert not bold.classify("退款").ambiguous
    assert shop.classify("订单").best.intent != UNKNOWN
    assert strict.classify("订单").best.intent == UNKNOWN


def test_entities_and_language_come_with_the_answer(shop: Classifier) -> None:
    """One call tells what, about which, and in which language."""
    verdict = shop.classify("帮我cancel订单SO20261234")
    assert verdict.best.intent == "cancel_order"
    assert [(each.type, each.value) for each in verdict.entities] == [
        ("order_number", "SO20261234")
    ]
    assert shop.classify("退款").language is Language.ZH
    assert shop.classify("refund").language is Language.EN


def test_every_answer_names_the_model_that_gave_it(shop: Classifier) -> None:
    """So that a turn can be explained after another model went live."""
    assert shop.classify("你好").model_version == shop.version == "v1"


def test_what_says_the_same_is_found_without_the_model(shop: Classifier) -> None:
    """Courtesies, Chinese word order and slips of the hand do not make another utterance."""
    for text in ("请问退货运费谁出啊", "退货谁出运费", "tuihuo运费谁出"):
        verdict = shop.classify(text)
        assert (verdict.best.intent, verdict.best.confidence) == ("return_policy", 1.0)
        assert verdict.method is Method.NEAR_EXACT


def test_words_and_vector_judge_together() -> None:
    """The method says what was looked at."""
    data = data_of(TWO_WISHES)
    vectors = vectors_of(data)
    trained = train(data, vectors, "fake", lambda stage, share: None)
    classifier = Classifier(trained, Thresholds(), "v1")
    vector = vectors["我要退款"]
    one, other = classifier.classify("reembolso", vector), classifier.classify("reembolso")
    assert (one.best.intent, one.method) == ("refund", Method.EMBEDDING)
    assert (other.best.intent, other.method) == (UNKNOWN, Method.MODEL)


def test_several_requests_come_with_their_places(shop: Classifier) -> None:
    """Each with its own intent; the spans count code points of the message as it came."""
    text = "取消订单SO20261234，另外发票怎么开？"
    found = shop.classify(text).requests
    assert [each.candidate.intent for each in found] == ["cancel_order", "invoice"]
    assert ["取消订单" in each.span.of(text) or "发票" in each.span.of(text) for each in found] == [
        True,
        True,
    ]
    english = shop.classify("please cancel my order SO20261234, and how do I get an invoice?")
    assert [each.candidate.intent for each in english.requests] == ["cancel_order", "invoice"]


def test_the_same_wish_about_two_things_is_two_requests(shop: Classifier) -> None:
    """Neither order number is lost."""
    for text in ("取消订单SO20260001，再取消SO20260002", "cancel SO20260001 and cancel SO20260002"):
        found = shop.classify(text).requests
        assert [each.candidate.intent for each in found] == ["cancel_order", "cancel_order"]
        assert "SO20260001" in found[0].span.of(text)
        assert "SO20260002" in found[1].span.of(text)


def test_a_wish_without_its_number_is_the_one_that_names_it(shop: Classifier) -> None:
    """The part with the number is given, in its place among the others."""
    text = "我要取消订单，发票怎么开？取消SO20261234"
    found = shop.classify(text).requests
    assert [each.candidate.intent for each in found] == ["invoice", "cancel_order"]
    assert "SO20261234" in found[1].span.of(text)


def test_an_unknown_request_between_two_known_ones_is_not_lost(shop: Classifier) -> None:
    """The session can still look for an answer, or say that there is none."""
    text = "取消订单SO20261234。能不能帮我遛狗？发票怎么开？"
    found = shop.classify(text).requests
    assert [each.candidate.intent for each in found] == ["cancel_order", UNKNOWN, "invoice"]
    assert found[1].span.of(text) == "能不能帮我遛狗？"


@pytest.mark.parametrize(
    "text",
    [
        "你好，我想取消订单SO20261234，谢谢",
        "取消订单SO20260001，我要取消订单",
        "取消SO20261234，我要取消订单",
        "我要取消订单，取消SO20261234",
        "I want to cancel my order. Please cancel SO20261234",
        "Please cancel SO20261234. I want to cancel my order",
        "我要取消订单，明天就取消订单",
        "杯子碎了，我要退款，给我办一下退款",
        "hello, where is my parcel? thanks, bye",
        "我要取消订单",
    ],
)
def test_one_request_with_courtesies_or_said_twice_is_one(shop: Classifier, text: str) -> None:
    """Greetings and thanks are no requests, and a wish is not two for being repeated."""
    assert shop.classify(text).requests == ()


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_any_text_gets_a_well_formed_answer(shop: Classifier, text: str) -> None:
    """No Unicode text breaks the classifier or leaves its bounds."""
    verdict = shop.classify(text)
    assert 0 <= verdict.best.confidence <= 1
    assert all(each.type is not IntentType.UNKNOWN for each in verdict.alternatives)


def test_the_longest_text_is_answered_with_the_most_entities(shop: Classifier) -> None:
    """4,000 code points of words and entities: no more than the contract allows."""
    text = ("我的订单SO20260001昨天付了300元 where is it " * 200)[:4000]
    assert len(shop.classify(text).entities) == MAX_ENTITIES
