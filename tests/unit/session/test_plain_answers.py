"""Yes, no and questions without a classifier: what carries an operation out must be certain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.session.plain_answers import asks, is_bare, is_plain, yes_or_no

YES = (
    "是", "是的", "是的。", "对", "對的", "好的", "好的，取消吧", "可以", "可以的！", "行",
    "行，取消吧", "嗯", "确认", "確認", "确认取消", "确定", "没错", "没问题", "好的谢谢", "要的",
    "是的，没错", "yes", "Yes.", "YES!", "yes please", "Yes, cancel it", "sure", "ok", "OK",
    "ｏｋ", "okay, do it", "go ahead", "that's right", "no problem", "confirm",
)  # fmt: skip
NO = (
    "不", "不是", "不要", "不用了", "不用了，谢谢", "算了", "算了吧", "还是算了", "那算了", "取消",
    "取消吧", "别", "别取消", "先不取消了", "不取消了", "不对", "不，我再看看", "不是的",
    "no", "No.", "NO!", "nope", "no thanks", "No, thank you", "cancel", "never mind", "forget it",
    "don't", "don't cancel it", "not now", "not really",
)  # fmt: skip
NEITHER = (
    "", "。", "可以吗", "可以吗？", "可以嗎", "是吗", "行吗", "ok?", "yes?", "确定要取消吗",
    "要多久呢", "确认一下金额", "好的，我再考虑一下", "可以先不取消", "好的，不过等等",
    "可以改成别的", "对不起", "yesterday's order", "yes but not today", "ok wait",
    "sure, but change the address first", "not sure", "no idea", "别的订单", "不知道", "不错",
    "不好意思", "取消订单", "没有收到货", "SO20260001", "退货要多久", "how long does it take",
    "can you do it", "好的，请问你们的客服几点上班，另外我还想知道运费是多少",
)  # fmt: skip


@pytest.mark.parametrize("text", YES)
def test_a_plain_assent_is_a_yes(text: str) -> None:
    """In both languages and scripts, in any width and case, with or without punctuation."""
    assert yes_or_no(text) is True


@pytest.mark.parametrize("text", NO)
def test_a_refusal_is_a_no(text: str) -> None:
    """Also with reasons behind it: a no costs the customer nothing but a second try."""
    assert yes_or_no(text) is False


@pytest.mark.parametrize("text", NEITHER)
def test_anything_else_is_neither(text: str) -> None:
    """A question, a condition, a change of mind behind a yes: nothing may be carried out on it."""
    assert yes_or_no(text) is None


@given(st.text(max_size=40))
def test_whatever_is_not_plain_is_no_accident(text: str) -> None:
    """Any text has a reading, and a text that asks is never an answer unless it is a stock word."""
    said = yes_or_no(text)
    assert said in (True, False, None)
    if is_plain(text):
        assert said is not None
    elif asks(text):
        assert said is None


@given(st.sampled_from(YES + NO), st.sampled_from(["吗", "吗？", "吗?"]))
def test_a_question_mark_turns_every_answer_into_a_question(text: str, mark: str) -> None:
    """可以 carries out, 可以吗 does not."""
    assert yes_or_no(text.rstrip("。.!！") + mark) is None


@pytest.mark.parametrize(
    "text",
    ["多久能到？", "运费怎么算", "退货要多久", "能不能改地址", "How long does it take",
     "is it free", "What about the postage?", "可以吗", "我的呢", "哪里可以看", "什么时候发货",
     "where is it"],
)  # fmt: skip
def test_a_question_shows_by_its_form(text: str) -> None:
    """With or without a question mark."""
    assert asks(text)


@pytest.mark.parametrize(
    "text",
    ["北京市海淀区中关村大街1号", "上海市徐汇区漕溪路 88 号 3 单元 502",
     "5 Main Street, Springfield", "No 5, Iskandar Road", "我要退款", "SO20260001", "谢谢",
     "Whatsapp me"],
)  # fmt: skip
def test_an_address_is_not_a_question(text: str) -> None:
    """What is asked for as free text must not be taken for a digression."""
    assert not asks(text)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("SO20260002", True),
        ("是SO20260002", True),
        ("订单号是 SO20260002。", True),
        ("不是，是SO20260002", True),
        ("不对，订单号应该是SO20260002", True),
        ("it is SO20260002", True),
        ("Sorry, I meant SO20260002!", True),
        ("帮我查一下SO20260002", False),
        ("取消订单SO20260002", False),
        ("where is SO20260002", False),
        ("SO20260002 退款", False),
    ],
)
def test_a_bare_value_is_told_from_a_wish(text: str, bare: bool) -> None:
    """A value with nothing but "it is" around it answers; with a verb it is a wish of its own."""
    start = text.index("SO20260002")
    assert is_bare(text, [(start, start + 10)]) is bare


def test_no_value_is_not_a_bare_value() -> None:
    """是的 consists of filler words alone and is still no value."""
    assert not is_bare("是的", [])
