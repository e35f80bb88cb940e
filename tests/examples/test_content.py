"""The sample company's words: complete, parallel in both languages, and free of contradictions."""

import json
import re
from collections import Counter
from itertools import chain
from typing import Any

import pytest
import re2
import yaml

from services.language import fold
from tests.examples.conftest import ROOT

SHOP = ROOT / "examples/shop"
LANGUAGES = ("zh", "en")
FILES = sorted(path.name for path in (SHOP / "knowledge/zh").glob("*.md"))
LEAST_UTTERANCES = 15
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")

INTENTS: dict[str, Any] = yaml.safe_load((SHOP / "intents.yaml").read_text("utf-8"))
FAQS = [json.loads(line) for line in (SHOP / "faqs.jsonl").read_text("utf-8").splitlines()]
ACTIONS = json.loads((SHOP / "actions.json").read_text("utf-8"))["actions"]
REPLIES = json.loads((SHOP / "replies.json").read_text("utf-8"))
ORDERS = json.loads((SHOP / "orders.json").read_text("utf-8"))


def passages(language: str, name: str) -> list[tuple[str, str]]:
    """The (heading, text) pairs of one knowledge file."""
    _, *parts = (SHOP / "knowledge" / language / name).read_text("utf-8").split("\n## ")
    return [(part.partition("\n")[0], part) for part in parts]


def numbers(text: str) -> set[str]:
    """The numbers of a text, as they are written."""
    return set(NUMBER.findall(text))


def normalised(text: str) -> str:
    """A text without what a classifier does not see: width, case, script, punctuation."""
    return re.sub(r"[\W_]+", "", fold(text))


def utterances() -> list[tuple[str, str]]:
    """Every (intent, utterance) pair, those of no intent under `unknown`."""
    groups = [(intent["name"], intent["utterances"]) for intent in INTENTS["intents"]]
    groups.append(("unknown", INTENTS["unknown"]))
    return [(name, text) for name, said in groups for text in chain(*said.values())]


@pytest.mark.parametrize("intent", INTENTS["intents"], ids=lambda intent: intent["name"])
def test_each_intent_has_enough_utterances(intent):
    """Fifteen utterances in each language, a few mixed ones, a known type, a snake_case name."""
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", intent["name"])
    assert intent["type"] in {"query", "operation", "chit_chat", "human", "end"}
    assert intent["description"]
    assert all(len(intent["utterances"][language]) >= LEAST_UTTERANCES for language in LANGUAGES)
    assert len(intent["utterances"]["mixed"]) >= 3


def test_every_kind_of_intent_occurs_and_unknown_is_described():
    """A classifier learns each type, and what lies outside all of them, from this one file."""
    assert INTENTS["tenant"] == "shop"
    types = {intent["type"] for intent in INTENTS["intents"]}
    assert types == {"query", "operation", "chit_chat", "human", "end"}
    assert all(len(INTENTS["unknown"][language]) >= 30 for language in LANGUAGES)


def test_no_utterance_occurs_twice():
    """The same words under two intents would teach a contradiction; twice is a waste."""
    counted = Counter(normalised(text) for _, text in utterances())
    assert [text for text, count in counted.items() if count > 1] == []


def test_utterances_are_varied_as_customers_are():
    """Traditional characters, numbers glued to Chinese words and full width do occur."""
    said = [text for _, text in utterances()]
    assert sum(fold(text) != text.casefold() for text in said) >= 20, "traditional or full width"
    assert any(re.search(r"[\u4e00-\u9fff]SO\d{8}[\u4e00-\u9fff]", text) for text in said)


def test_operations_are_the_actions_of_the_action_server():
    """Whoever is understood to want an operation finds an action that does it."""
    operations = {i["name"] for i in INTENTS["intents"] if i["type"] == "operation"}
    assert operations == {action["intent"] for action in ACTIONS}
    assert operations == {action["action"] for action in ACTIONS} == set(REPLIES) - {"any"}


def test_slots_are_filled_by_entities_that_exist():
    """A slot's entity type is one that intents.yaml teaches, or empty."""
    known = {entity["name"] for entity in INTENTS["entities"]} | {""}
    assert {slot.get("entityType", "") for a in ACTIONS for slot in a["slots"]} <= known


@pytest.mark.parametrize(
    ("entity", "text", "found"),
    [
        ("order_number", "帮我查一下订单SO20240001到哪了", "SO20240001"),
        ("product_code", "我的PPR-9087坏了", "PPR-9087"),
        ("shoe_size", "营地鞋要三码的", "三码"),
        ("shoe_size", "有42码吗", "42码"),
        ("shoe_size", "do you have size 46", "size 46"),
    ],
)
def test_patterns_find_entities_without_spaces(entity, text, found):
    """Patterns are RE2 and match next to Chinese characters."""
    pattern = next(e["pattern"] for e in INTENTS["entities"] if e["name"] == entity)
    assert re2.search(pattern, text).group() == found


def test_the_reasons_that_the_shop_asks_for_are_understood():
    """Each choice that the prompt of `request_refund` offers is a known value of `reason`."""
    refund = next(action for action in ACTIONS if action["action"] == "request_refund")
    prompt = next(slot["prompt"] for slot in refund["slots"] if slot["slot"] == "reason")
    values = next(e["values"] for e in INTENTS["entities"] if e["name"] == "reason")
    said = [word for words in values.values() for word in words]
    zh = re.findall(r"[^、（）]+(?=[、）])", prompt["zh"].partition("？")[2])
    en = re.split(r", or |, ", prompt["en"].partition(": ")[2].rstrip("?"))
    assert len(zh) == len(en) == len(values)
    for choice in zh + en:
        assert any(word in choice for word in said), choice


def test_faqs_are_complete_and_named_once():
    """Each FAQ has a unique id, two to five paraphrases and an answer."""
    assert len({faq["id"] for faq in FAQS}) == len(FAQS)
    for faq in FAQS:
        assert set(faq) == {"id", "language", "question", "variants", "answer", "tags"}
        assert 2 <= len(faq["variants"]) <= 5
        assert faq["answer"]
        assert faq["tags"]


def test_no_faq_question_is_asked_twice():
    """A question leads to one answer, whichever paraphrase is used."""
    asked = Counter(normalised(q) for faq in FAQS for q in (faq["question"], *faq["variants"]))
    assert [question for question, count in asked.items() if count > 1] == []


def test_faqs_are_parallel_in_both_languages():
    """Each FAQ exists in Chinese and English, with the same tags and the same numbers."""
    by_id = {faq["id"]: faq for faq in FAQS}
    stems = {faq["id"].rpartition("-")[0] for faq in FAQS}
    assert len(stems) >= 30
    for stem in stems:
        zh, en = (by_id[f"{stem}-{language}"] for language in LANGUAGES)
        assert (zh["language"], en["language"]) == LANGUAGES
        assert zh["tags"] == en["tags"]
        assert numbers(zh["answer"]) == numbers(en["answer"]), stem


@pytest.mark.parametrize("language", LANGUAGES)
def test_faqs_say_nothing_that_the_knowledge_does_not(language):
    """Every number of an answer is in the knowledge, all but two of them in one passage."""
    texts = [text for name in FILES for _, text in passages(language, name)]
    known = [numbers(text) for text in texts]
    for faq in (faq for faq in FAQS if faq["language"] == language):
        wanted = numbers(faq["answer"])
        best = min((wanted - have for have in known), key=len)
        assert wanted <= set().union(*known), faq["id"]
        assert len(best) <= 2, (faq["id"], best)


def test_knowledge_has_about_forty_passages():
    """Enough to retrieve from, and a file per topic with the same name in both languages."""
    assert sorted(path.name for path in (SHOP / "knowledge/en").glob("*.md")) == FILES
    assert 40 <= sum(len(passages("zh", name)) for name in FILES) <= 60


@pytest.mark.parametrize("name", FILES)
def test_knowledge_states_the_same_facts_in_both_languages(name):
    """Passage by passage the same numbers: days, fees, sizes and codes agree."""
    pairs = zip(passages("zh", name), passages("en", name), strict=True)
    for (heading, zh), (_, en) in pairs:
        assert numbers(zh) == numbers(en), heading


def test_orders_are_of_products_that_the_knowledge_describes():
    """Codes exist, and the totals are those of the price list plus a known delivery fee."""
    products = dict.fromkeys(("",), 0)
    for heading, text in passages("en", "products.md"):
        price = re.search(r"(?:price|Price) (\d+) yuan", text)
        for code in re.findall(r"[A-Z]{3}-\d{4}", heading):
            products[code] = int(price.group(1)) if price else 0
    for order in ORDERS:
        goods = sum(products[item["code"]] * item["quantity"] for item in order["items"])
        assert order["total"] - goods in {0, 8, 20}, order["number"]


def test_every_state_of_an_order_can_be_told():
    """`order_lookup` has words in both languages for each state, shipped ones with a number."""
    states = {order["status"] for order in ORDERS} | {"refund_requested"}
    assert states == set(REPLIES["order_lookup"])
    for order in ORDERS:
        assert ("tracking" in order) == (order["status"] in {"shipped", "delivered"})


def fenced(language: str) -> list[str]:
    """The code blocks of the integration guide in one language."""
    guide = (SHOP / "README.md").read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", guide, re.DOTALL)


def test_the_guide_shows_the_client_as_it_is():
    """What a reader copies from the guide is what was tested."""
    (shown,) = fenced("python")
    assert shown in (ROOT / "examples/python/ask.py").read_text("utf-8")


def test_the_guides_policy_line_fits_the_policy():
    """Its role exists in the default policy, and its keys are those of the bindings there."""
    policy = yaml.safe_load((ROOT / "deploy/policy.yaml").read_text("utf-8"))
    (shown,) = yaml.safe_load(fenced("yaml")[0])["bindings"]
    assert set(shown) == set(policy["bindings"][0])
    assert set(shown["roles"]) <= set(policy["roles"])
    assert "kefu.session.v1.SessionService/Converse" in policy["roles"][shown["roles"][0]]
