"""Several requests in one message: questions are answered, one operation begins, none is lost."""

from dataclasses import replace

import pytest

from services.session.conversation import Operation, State
from services.session.draft import Degradation, MatchType
from services.session.understanding import (
    Answer,
    Candidate,
    Citation,
    Evidence,
    IntentType,
    Passage,
    ReplyMode,
    Understanding,
    Usage,
    Verdict,
)
from tests.unit.session.fakes import (
    DOCUMENT,
    FOUND,
    FURIOUS,
    Listener,
    World,
    cited,
    conversation,
    holding,
    say,
)

ASKS, DOES, TALKS = IntentType.QUERY, IntentType.OPERATION, IntentType.CHIT_CHAT
NOTHING = Evidence()


def world(text: str, *parts: tuple[str, str, IntentType], **values: object) -> World:
    """A world in which one text holds several requests, and every question has an answer."""
    defaults: dict[str, object] = {"understood": {text: holding(text, *parts)}, "evidence": FOUND}
    return World(**(defaults | values))  # type: ignore[arg-type]


async def test_two_questions_are_answered_one_after_the_other() -> None:
    """Each by its own search with its own words, under its own heading."""
    text = "退货要几天？运费多少？"
    shop = world(text, ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS))
    result = await say(shop, conversation(), text)
    assert result.text == "关于“退货要几天”：\n可以退货。\n关于“运费多少”：\n可以退货。"
    assert shop.searched == [
        ("退货要几天", "vector of 退货要几天"),
        ("运费多少", "vector of 运费多少"),
    ]
    assert (result.match, result.mode, result.state) == (
        MatchType.KNOWLEDGE, ReplyMode.MODEL, State.IDLE,
    )  # fmt: skip


async def test_two_english_questions_are_answered_in_english() -> None:
    """The same with English headings."""
    text = "How long do returns take, and what is the shipping fee?"
    shop = world(
        text, ("How long do returns take", "returns", ASKS), ("what is the shipping fee", "s", ASKS)
    )
    result = await say(shop, conversation(), text)
    first, _, second, _ = result.text.split("\n")
    assert first == 'About "How long do returns take":'
    assert second == 'About "what is the shipping fee":'


@pytest.mark.parametrize(
    ("text", "wish", "question", "ends"),
    [
        ("取消SO1，另外退货要几天", "取消SO1", "退货要几天", "确认取消订单 SO1 吗？"),
        ("退货要几天？帮我取消SO1", "帮我取消SO1", "退货要几天", "确认取消订单 SO1 吗？"),
        (
            "Cancel SO1, and how long do returns take?", "Cancel SO1", "how long do returns take",
            "Shall I cancel SO1?",
        ),
    ],
)  # fmt: skip
async def test_a_question_beside_an_operation_is_answered_first(
    text: str, wish: str, question: str, ends: str
) -> None:
    """Whichever was said first: what the customer is asked comes last, where she answers it."""
    parts = sorted(
        [(wish, "cancel_order", DOES), (question, "returns", ASKS)], key=lambda p: text.index(p[0])
    )
    shop, talk = world(text, *parts), conversation()
    result = await say(shop, talk, text)
    assert "可以退货。" in result.text
    assert result.text.endswith(f"\n{ends}")
    assert (result.state, result.match, result.mode) == (
        State.CONFIRMING, MatchType.INTENT, ReplyMode.ACTION,
    )  # fmt: skip
    await say(shop, talk, "好的" if "取消" in text else "yes")
    assert len(shop.executed) == 1


@pytest.mark.parametrize(
    ("text", "parts", "reply"),
    [
        (
            "取消SO1，再改一下SO2的地址", ("取消SO1", "再改一下SO2的地址"),
            "您还提到了：修改地址 SO2。请在这之后告诉我，我接着为您处理。\n确认取消订单 SO1 吗？",
        ),
        (
            "Cancel SO1 and change the address of SO2", ("Cancel SO1", "change the address of SO2"),
            "You also mentioned: Change the address SO2. Tell me afterwards, and I will go on with"
            " it.\nShall I cancel SO1?",
        ),
    ],
)  # fmt: skip
async def test_a_second_operation_is_named_and_comes_next(
    text: str, parts: tuple[str, str], reply: str
) -> None:
    """By the company's name for it and its own value, which never gets into the first one."""
    shop = world(text, (parts[0], "cancel_order", DOES), (parts[1], "change_address", DOES))
    talk = conversation()
    result = await say(shop, talk, text)
    assert result.text == reply
    assert talk.slots == {"order_number": "SO1"}


async def test_an_operation_that_needs_no_question_is_done_at_once() -> None:
    """And what is left is mentioned before its result."""
    text = "查一下SO1，再取消SO2"
    parts = ("查一下SO1", "order_lookup", DOES), ("再取消SO2", "cancel_order", DOES)
    result = await say(world(text, *parts), conversation(), text)
    assert [dict(each.slots) for each in result.actions] == [{"order_number": "SO1"}]
    assert result.text.startswith("您还提到了：取消订单 SO2。")
    assert result.state is State.IDLE


async def test_the_only_value_of_a_message_belongs_to_all_of_its_requests() -> None:
    """SO1什么时候到，不行就取消: nobody is asked for the number she has said."""
    text = "SO1什么时候到，不行就取消"
    parts = ("SO1什么时候到", "delivery", ASKS), ("不行就取消", "cancel_order", DOES)
    result = await say(world(text, *parts), conversation(), text)
    assert result.text.endswith("确认取消订单 SO1 吗？")


async def test_questions_beyond_the_limit_are_named_by_their_words() -> None:
    """A turn has a price; the fourth question is not forgotten over it."""
    asked = ["退货要几天", "运费多少", "能开发票吗", "周末送货吗"]
    text = "？".join(asked)
    shop = world(text, *((each, "q", ASKS) for each in asked))
    result = await say(shop, conversation(), text)
    assert shop.calls.count("answer") == 3
    assert result.text.endswith("\n您还提到了：“周末送货吗”。请在这之后告诉我，我接着为您处理。")


async def test_a_long_question_is_shortened_where_it_is_named() -> None:
    """A heading is a heading."""
    long = "请问" + "很" * 100 + "久以前买的还能退吗"
    text = f"{long}。运费多少"
    shop = world(text, (long, "returns", ASKS), ("运费多少", "shipping", ASKS))
    result = await say(shop, conversation(), text)
    assert len(result.text.split("\n")[0]) < 80
    assert shop.searched[0][0] == long


async def test_a_greeting_is_no_request() -> None:
    """你好 beside a question leaves one request, searched with the message as it stands."""
    text = "你好！退货要几天"
    shop = world(text, ("你好", "greeting", TALKS), ("退货要几天", "returns", ASKS))
    result = await say(shop, conversation(), text)
    assert result.text == "可以退货。"
    assert shop.searched == [(text, f"vector of {text}")]


async def test_a_goodbye_behind_a_wish_does_not_end_the_conversation() -> None:
    """What is asked for is done first."""
    text = "取消SO1，再见"
    parts = ("取消SO1", "cancel_order", DOES), ("再见", "goodbye", IntentType.END)
    assert (await say(world(text, *parts), conversation(), text)).state is State.CONFIRMING


async def test_a_person_who_is_asked_for_gets_the_whole_message() -> None:
    """Nothing else is begun beside the hand-over."""
    text = "取消SO1，算了给我转人工"
    parts = ("取消SO1", "cancel_order", DOES), ("算了给我转人工", "human", IntentType.HUMAN)
    shop = world(text, *parts)
    result = await say(shop, conversation(), text)
    assert (result.state, shop.tickets) == (State.HANDED_OVER, [("s1", "human_requested")])


async def test_a_message_that_surely_wants_a_person_goes_to_one() -> None:
    """Whatever else stands in it; where that is not sure, what is clear is done."""
    text = "退货要几天运费多少真的没人管吗"
    parts = ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS)
    for confidence, state in ((0.9, State.HANDED_OVER), (0.5, State.IDLE)):
        shop = world(text, *parts)
        best = Candidate("human", IntentType.HUMAN, confidence)
        shop.understood[text] = replace(shop.understood[text], best=best)
        assert (await say(shop, conversation(), text)).state is state


async def test_an_unknown_part_counts_where_it_is_a_question() -> None:
    """The knowledge knows more than the classifier; a part without a question says nothing."""
    unknown = IntentType.UNKNOWN
    text = "取消SO1，你们几点开门，天气真好"
    shop = world(
        text, ("取消SO1", "cancel_order", DOES), ("你们几点开门", "unknown", unknown),
        ("天气真好", "unknown", unknown),
    )  # fmt: skip
    await say(shop, conversation(), text)
    assert [each for each, _ in shop.searched] == ["你们几点开门"]


async def test_an_operation_that_nobody_offers_is_a_question() -> None:
    """The knowledge may say how it is done."""
    text = "取消SO1，再帮我开发票"
    shop = world(text, ("取消SO1", "cancel_order", DOES), ("再帮我开发票", "invoice", DOES))
    await say(shop, conversation(), text)
    assert [each for each, _ in shop.searched] == ["再帮我开发票"]


async def test_clear_parts_need_no_vector_of_the_whole() -> None:
    """A message of several requests is like none of the company's utterances, and its parts are."""
    text = "取消SO1，再改一下SO2的地址"
    parts = ("取消SO1", "cancel_order", DOES), ("再改一下SO2的地址", "change_address", DOES)
    shop = world(text, *parts)
    shop.understood[text] = replace(shop.understood[text], wants_embedding=True)
    result = await say(shop, conversation(), text)
    assert "embed" not in shop.calls
    assert (result.state, result.degraded) == (State.CONFIRMING, ())


async def test_in_an_operation_a_message_counts_as_one() -> None:
    """The whole of it is a digression, read with its vector where words leave doubt."""
    text = "退货要几天？运费多少？"
    parts = ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS)
    shop, talk = world(text, *parts), conversation(state=State.FILLING)
    shop.understood[text] = replace(shop.understood[text], wants_embedding=True)
    talk.operation = Operation("cancel_order", "cancel_order", {}, "order_number")
    result = await say(shop, talk, text)
    assert shop.searched == [(text, f"vector of {text}")]
    assert result.text == "可以退货。\n请问订单号是多少？"


async def test_requests_that_only_the_vector_shows_are_worked_on() -> None:
    """The second reading counts."""
    text = "退货要几天运费多少"
    found = holding(text, ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS))
    shop = World(
        understood={text: Understanding(found.best, wants_embedding=True)}, surely={text: found},
        evidence=FOUND,
    )  # fmt: skip
    result = await say(shop, conversation(), text)
    assert len(shop.searched) == 2
    assert result.text.count("可以退货。") == 2


async def test_citations_are_numbered_and_placed_through_all_answers() -> None:
    """Each points at its own words of the whole reply, and what it cost is added up."""
    citation = Citation(1, DOCUMENT, "r1", "退货", (3, 12), (2, 4), "15 天内可退货。")
    text, usage = "退货要几天？运费多少？", Usage(input_tokens=10, price_micros=5, model="m")
    shop = world(text, ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS))
    shop.answer_parts = (
        "可以退货。", citation, Answer("", mode=ReplyMode.MODEL, usage=usage),
    )  # fmt: skip
    ear = Listener()
    result = await say(shop, conversation(), text, listener=ear)
    assert [each.index for each in result.citations] == [1, 2]
    assert [cited(result.text, each) for each in result.citations] == ["退货", "退货"]
    assert ear.citations == list(result.citations)
    assert (result.usage.input_tokens, result.usage.price_micros) == (20, 10)


async def test_one_good_answer_makes_a_turn_that_answered() -> None:
    """And the question without one is told so under its heading."""
    text = "有没有会员日？退货要几天？"
    shop = world(text, ("有没有会员日", "club", ASKS), ("退货要几天", "returns", ASKS))
    for found in ({"有没有会员日": NOTHING}, {"退货要几天": NOTHING}):
        shop.found = found
        result = await say(shop, conversation(), text)
        assert (result.match, result.mode) == (MatchType.KNOWLEDGE, ReplyMode.MODEL)
    shop.found = {"有没有会员日": NOTHING, "退货要几天": NOTHING}
    result = await say(shop, conversation(), text)
    assert (result.match, result.mode) == (MatchType.NO_MATCH, ReplyMode.NO_ANSWER)


async def test_an_outage_is_apologised_for_once_and_the_rest_is_named() -> None:
    """One ticket holds the whole message; the operation still begins."""
    text = "退货要几天？运费多少？取消SO1"
    shop = world(
        text, ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS),
        ("取消SO1", "cancel_order", DOES), broken={"search"},
    )  # fmt: skip
    result = await say(shop, conversation(), text)
    assert shop.tickets == [("s1", "failure")]
    assert "您还提到了：“运费多少”。" in result.text
    assert result.degraded == (Degradation.APOLOGY,)
    assert result.state is State.CONFIRMING


async def test_without_a_gateway_no_question_waits_for_its_vector_twice() -> None:
    """The first failure tells enough."""
    text = "退货要几天？运费多少？"
    shop = world(
        text, ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS), broken={"embed"}
    )
    result = await say(shop, conversation(), text)
    assert shop.calls.count("embed") == 1
    assert result.degraded == (Degradation.LEXICAL_ONLY,)


async def test_a_broken_answer_leaves_the_next_question_named() -> None:
    """What was shown stays, and the turn says that it was interrupted."""
    text = "退货要几天？运费多少？"
    shop = world(text, ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS))
    shop.answer_parts = ("可以", Answer("", complete=False))
    result = await say(shop, conversation(), text)
    assert result.interrupted
    assert "您还提到了：“运费多少”。" in result.text


async def test_an_angry_message_with_several_requests_gets_all_of_it() -> None:
    """The apology stands in front."""
    text = "太慢了！退货要几天？取消SO1"
    shop = world(
        text, ("退货要几天", "returns", ASKS), ("取消SO1", "cancel_order", DOES),
        moods={text: FURIOUS},
    )  # fmt: skip
    result = await say(shop, conversation(), text)
    assert "T1" in result.text.split("\n")[0]
    assert result.text.endswith("确认取消订单 SO1 吗？")


async def test_several_requests_end_a_misunderstanding() -> None:
    """They were understood: the question back is forgotten."""
    text = "退货要几天？运费多少？"
    shop = world(text, ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS))
    talk = conversation(state=State.CLARIFYING, misunderstood=1)
    await say(shop, talk, text)
    assert (talk.state, talk.misunderstood) == (State.IDLE, 0)


async def test_a_turn_says_what_was_understood_of_the_whole_message() -> None:
    """Not only the part that was worked on last."""
    text = "取消SO1，再改一下SO2的地址"
    parts = ("取消SO1", "cancel_order", DOES), ("再改一下SO2的地址", "change_address", DOES)
    result = await say(world(text, *parts), conversation(), text)
    assert result.understanding == holding(text, *parts)


async def test_the_best_passage_of_each_question_stands_in_for_the_gateway() -> None:
    """Without a gateway every question still gets the company's words."""
    text = "退货要几天？运费多少？"
    shop = world(
        text, ("退货要几天", "returns", ASKS), ("运费多少", "shipping", ASKS), broken={"answer"}
    )
    fee = Passage(DOCUMENT, "r1", "运费", "满 99 元包邮。", 0, 9)
    shop.found["运费多少"] = Evidence(passages=[fee], verdict=Verdict.ANSWERABLE)
    result = await say(shop, conversation(), text)
    assert result.text.endswith("关于“运费多少”：\n满 99 元包邮。")
    assert [cited(result.text, each) for each in result.citations] == [
        "15 天内可退货。", "满 99 元包邮。",
    ]  # fmt: skip
