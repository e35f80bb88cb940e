"""What the customers of the bench say, and what must come of it.

Every text of the model workload is new within a run, so that no cache can answer for the
embedding model. The FAQ and the operation workloads repeat themselves, as real customers do: an
exact FAQ hit needs no vector, and an order number is looked up in the shop each time.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kefu.session.v1.turn_pb2 import REPLY_MODE_FAQ, REPLY_MODE_MODEL, ActionResult, Turn

FAQS = (
    "签收后几天内可以退货？",
    "退货运费由谁承担？",
    "退款多久到账？",
    "普通快递几天能到？",
    "怎样开发票？",
    "会员有哪些等级和折扣？",
    "商品保修多久？",
    "How long is the warranty?",
    "How do I delete my account?",
    "What are your customer service hours?",
)
"""Questions as they stand among the FAQs of the sample shop: the exact match answers."""

QUESTIONS_ZH = (
    "露营灯充满电能用多久",
    "帐篷的防水指数是多少",
    "电水壶的容量有多大",
    "背包能装多少升",
    "登山鞋防水吗",
)
QUESTIONS_EN = (
    "how long does the camping lamp last on a full charge",
    "is the tent waterproof",
    "how big is the kettle",
    "what is the backpack's capacity in litres",
    "are the hiking boots waterproof",
)
"""Questions that the shop's documents answer and no FAQ asks."""

LOOKUPS = (
    "帮我查一下订单{order}到哪了",
    "where is my order {order}",
    "查询订单{order}",
    "track order {order} please",
)
"""Requests that bring their slot along, so that one turn carries the operation out."""

ORDERS = tuple(f"SO2026{number:04}" for number in range(1, 11))
"""Orders that the shop's own system knows."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of turn.

    Attributes:
        name: as it stands in tables and in the JSON.
        texts: makes an endless supply of messages.
        holds: whether a finished turn took the way that the workload is about.
        caching: which caches can help, for people.
    """

    name: str
    texts: Callable[[], Iterator[str]]
    holds: Callable[[Turn], bool]
    caching: str


def _questions() -> Iterator[str]:
    """A question of the documents with a customer number that never comes again."""
    for number in itertools.count(100_000):
        place = number // 2
        if number % 2:
            yield f"我是{number}号顾客，{QUESTIONS_ZH[place % len(QUESTIONS_ZH)]}？"
        else:
            yield f"Customer {number} here: {QUESTIONS_EN[place % len(QUESTIONS_EN)]}?"


def _lookups() -> Iterator[str]:
    for number in itertools.count():
        # Both lists have even lengths: without the shift some pairs would never meet.
        template = LOOKUPS[(number + number // len(ORDERS)) % len(LOOKUPS)]
        yield template.format(order=ORDERS[number % len(ORDERS)])


def _looked_up(turn: Turn) -> bool:
    done = ActionResult.OUTCOME_SUCCEEDED
    return [(each.action, each.outcome) for each in turn.actions] == [("order_lookup", done)]


WORKLOADS = (
    Workload(
        "faq",
        lambda: itertools.cycle(FAQS),
        lambda turn: turn.mode == REPLY_MODE_FAQ and not turn.degraded,
        f"{len(FAQS)} questions in rotation: the FAQ answer cache is warm, nothing is embedded",
    ),
    Workload(
        "model",
        _questions,
        lambda turn: turn.mode == REPLY_MODE_MODEL and not turn.degraded,
        "every text is new, so every turn computes its embedding, searches and asks the model",
    ),
    Workload(
        "operation",
        _lookups,
        lambda turn: _looked_up(turn) and not turn.degraded,
        f"{len(LOOKUPS)} phrasings of {len(ORDERS)} orders: nothing is embedded, "
        "the shop's own system is asked each time",
    ),
)
"""The workloads of the bench, in the order of its tables."""
