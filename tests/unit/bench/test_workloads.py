"""What customers say in the bench, and how a turn is judged."""

import itertools
import json

from kefu.session.v1 import turn_pb2 as pb

from tests.bench.__main__ import ROOT
from tests.bench.workloads import FAQS, ORDERS, WORKLOADS

SHOP = ROOT / "examples" / "shop"
BY_NAME = {each.name: each for each in WORKLOADS}


def test_the_faqs_stand_in_the_sample_shop() -> None:
    """Word for word: the workload is about exact hits."""
    lines = (SHOP / "faqs.jsonl").read_text("utf-8").splitlines()
    assert set(FAQS) <= {json.loads(line)["question"] for line in lines}


def test_the_orders_stand_in_the_sample_shop() -> None:
    """An order that is not there would be refused, which costs something else."""
    orders = json.loads((SHOP / "orders.json").read_text("utf-8"))
    assert set(ORDERS) <= {each["number"] for each in orders}


def test_no_question_to_the_model_comes_twice() -> None:
    """So no cache of vectors or answers can help."""
    texts = list(itertools.islice(BY_NAME["model"].texts(), 5000))
    assert len(set(texts)) == len(texts)


def test_both_languages_are_asked() -> None:
    """Half of the questions to the model are English, half Chinese."""
    texts = list(itertools.islice(BY_NAME["model"].texts(), 100))
    assert sum(text.isascii() for text in texts) == 50


def test_every_phrasing_meets_every_order_of_its_turn() -> None:
    """Rotation by two lists must not pair the same ones for ever."""
    texts = set(itertools.islice(BY_NAME["operation"].texts(), 200))
    assert len(texts) > len(ORDERS)
    assert all(any(order in text for text in texts) for order in ORDERS)


def test_a_turn_that_took_another_way_does_not_hold() -> None:
    """A degraded or extractive answer is cheaper, and would flatter the figures."""
    answered = pb.Turn(mode=pb.REPLY_MODE_MODEL)
    extractive = pb.Turn(mode=pb.REPLY_MODE_EXTRACTIVE)
    degraded = pb.Turn(mode=pb.REPLY_MODE_MODEL, degraded=[pb.DEGRADATION_NO_SENTIMENT])
    holds = BY_NAME["model"].holds
    assert [holds(each) for each in (answered, extractive, degraded)] == [True, False, False]


def test_an_operation_must_have_been_carried_out() -> None:
    """Asking for the slot, or a refusal of the shop, is another kind of turn."""
    done = pb.ActionResult(action="order_lookup", outcome=pb.ActionResult.OUTCOME_SUCCEEDED)
    refused = pb.ActionResult(action="order_lookup", outcome=pb.ActionResult.OUTCOME_REJECTED)
    holds = BY_NAME["operation"].holds
    assert holds(pb.Turn(actions=[done]))
    assert not holds(pb.Turn(actions=[refused]))
    assert not holds(pb.Turn())
