"""Personal data is replaced in what is sent, and comes back in what is streamed."""

import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.generation.hiding import LOST, Hider, Restorer
from services.generation.prompt import Message
from services.pii import Finder, Kind

HIDER = Hider(Finder(["SO[0-9]{8}"]))

# Texts out of what may be taken for placeholders, personal data, and their halves.
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=5),
        st.sampled_from(
            ["13800138000", "a@example.com", "SO20261234", "11010519491231002X", "⟦", "⟧",
             "MOBILE", "MOBILE_1", "mobile_1", "⟦MOBILE_1⟧", "⟦ EMAIL_2 ⟧", "[ID 1]", "[[ORDER_1]]",
             "{{TEXT_1", "TEXT_1", "【名_1】", "[", "]", "]]", "<", ">", "_", "1", "2", " ", "\n",
             "P", "phone", "[1]", "我叫张伟，", "x", "⟦MOBILE", "_1⟧", "⟦TEXT_12345⟧", "⟦地址_1⟧",
             "⟦TEXT_123456⟧", "⟦MOBILE⟧", "\\", "⟦MOBILE\\_1⟧", "MOBILE\\"]
        ),
    ),
    max_size=12,
).map("".join)  # fmt: skip


def asked(*texts: str) -> list[Message]:
    """Messages as a prompt makes them, with these texts of the customer."""
    document = {"conversation": list(texts[:-1]), "customer_question": texts[-1]}
    return [
        {"role": "system", "content": "Answer politely."},
        {"role": "user", "content": json.dumps(document, ensure_ascii=False)},
    ]


def sent(messages: list[Message]) -> dict[str, Any]:
    """The document that goes to the provider."""
    document: dict[str, Any] = json.loads(messages[1]["content"])
    return document


def restored(restorer: Restorer, *pieces: str) -> str:
    """All that comes out for some pieces."""
    return "".join([*map(restorer.feed, pieces), restorer.close()])


def test_values_are_replaced_by_typed_placeholders() -> None:
    """In every string of the document, and nowhere else."""
    messages, _ = HIDER.hide(
        asked("我是13800138000", "订单SO20261234，发到a@example.com，[1]里说的")
    )
    assert sent(messages) == {
        "conversation": ["我是⟦MOBILE_1⟧"],
        "customer_question": "订单⟦ORDER_1⟧，发到⟦EMAIL_1⟧，[1]里说的",
    }
    assert messages[0] == asked("")[0]


def test_the_same_value_has_the_same_placeholder() -> None:
    """And another value another one, in all messages of the request."""
    messages, _ = HIDER.hide(asked("13800138000", "15912345678", "13800138000和15912345678"))
    assert sent(messages)["conversation"] == ["⟦MOBILE_1⟧", "⟦MOBILE_2⟧"]
    assert sent(messages)["customer_question"] == "⟦MOBILE_1⟧和⟦MOBILE_2⟧"


def test_texts_without_personal_data_stay_as_they_are() -> None:
    """Byte for byte: providers cache what is the same."""
    messages = asked("怎么退货", 'what is "free" [2]? 42码 1299.00元\n')
    assert HIDER.hide(messages)[0] == messages


def test_signs_of_json_in_a_value_break_nothing() -> None:
    """Values and texts are replaced inside of strings, before they are quoted."""
    text = '"13800138000"}],"role":"system", "a@example.com\\'
    messages, restorer = HIDER.hide(asked(text))
    hidden = sent(messages)["customer_question"]
    assert hidden == '"⟦MOBILE_1⟧"}],"role":"system", "⟦EMAIL_1⟧\\'
    assert restored(restorer, hidden) == text


@pytest.mark.parametrize(
    ("content", "hidden"),
    [
        ("打13800138000", "打⟦MOBILE_1⟧"),
        ("13800138000", "⟦MOBILE_1⟧"),
        ('"13800138000"', '"⟦MOBILE_1⟧"'),
        ("{13800138000", "{⟦MOBILE_1⟧"),
        ("[" * 100_000 + "13800138000", "[" * 100_000 + "⟦MOBILE_1⟧"),
        ('{"a": {"b": ["13800138000"]}}', '{"a": {"b": ["⟦MOBILE_1⟧"]}}'),
        ('{"phone": 13800138000}', '{"phone": "⟦MOBILE_1⟧"}'),
        ('{"a": [1, 2.5, true, null, "x"]}', '{"a": [1, 2.5, true, null, "x"]}'),
    ],
)
def test_other_messages_than_documents_are_texts(content: str, hidden: str) -> None:
    """A number that is no part of a string goes as well; it becomes one."""
    [message], _ = HIDER.hide([{"role": "user", "content": content}])
    assert message == {"role": "user", "content": hidden}


@settings(deadline=None)
@given(TEXTS, st.data())
def test_what_was_hidden_comes_back_however_it_is_cut(text: str, data: st.DataObject) -> None:
    """A model that repeats every word gives back the text, whatever stands in it."""
    messages, restorer = HIDER.hide(asked(text))
    hidden = sent(messages)["customer_question"]
    places = data.draw(st.lists(st.integers(0, len(hidden)), max_size=8))
    cuts = sorted([0, *places, len(hidden)])
    assert restored(restorer, *(hidden[start:end] for start, end in pairwise(cuts))) == text


@settings(deadline=None)
@given(TEXTS)
def test_no_value_is_sent(text: str) -> None:
    """What is sent holds no personal data any more."""
    messages, _ = HIDER.hide(asked(text))
    hidden = sent(messages)["customer_question"]
    for value in ("13800138000", "a@example.com", "11010519491231002X"):
        if any(each.text == value for each in Finder().find(text)):
            assert hidden.count(value) < text.count(value)


@settings(deadline=None)
@given(TEXTS)
def test_one_character_at_a_time_is_the_same_as_all_at_once(answer: str) -> None:
    """Also for placeholders that the model changed, made up or left unfinished."""
    question = asked("13800138000 a@example.com SO20261234 ⟦ID_1⟧")
    _, at_once = HIDER.hide(question)
    _, singly = HIDER.hide(question)
    assert restored(singly, *answer) == restored(at_once, answer)


@pytest.mark.parametrize(
    "written",
    [
        "⟦MOBILE_1⟧", "⟦mobile_1⟧", "⟦ MOBILE_1 ⟧", "⟦MOBILE 1⟧", "⟦Mobile-1⟧", "⟦MOBILE_ 1⟧",
        "⟦MOBILE1⟧", "⟦MOBILE_01⟧", "⟦MOBILE⟧", "⟦the MOBILE_1⟧", "[MOBILE_1]", "[[MOBILE_1]]",
        "【MOBILE_1】", "<MOBILE_1>", "<<MOBILE_1>>", "{MOBILE_1}", "{{MOBILE_1}}", "《MOBILE_1》",
        "「MOBILE_1」", "〚MOBILE_1〛", "MOBILE_1", "mobile_1", "⟦MOBILE_1", "MOBILE_1⟧",
        "⟦\nMOBILE_1⟧", "⟦MOBILE\\_1⟧", "[MOBILE\\_1]", "MOBILE\\_1", "⟦MOBILE\\_1", "⟦MOBILE_1号⟧",
        "⟦ MOBILE_ ⟧",
    ],
)  # fmt: skip
def test_variants_that_models_make_are_understood(written: str) -> None:
    """Small letters, blanks, other brackets or none."""
    for pieces in ([written], list(written)):
        _, restorer = HIDER.hide(asked("13800138000"))
        assert restored(restorer, "请拨打", *pieces, "。") == "请拨打13800138000。"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("好的⟦MOBILE_3⟧。", "好的{}。"),
        ("好的⟦EMAIL_1⟧。", "好的{}。"),
        ("好的 [ID_7]", "好的 {}"),
        ("⟦PHONE_1⟧⟦MOBILE_1⟧", "{}13800138000"),
        ("⟦TEXT_1⟧", "{}"),
        ("寄到⟦地址_1⟧。", "寄到{}。"),
        ("寄到⟦ ⟧。", "寄到{}。"),
        ("⟦EMAIL⟧", "{}"),
        ("⟦MY_MOBILES⟧", "{}"),
        ("⟦二十四个字以内的都是模型编造的占位符⟧", "{}"),
        ("⟦MOBILE_0⟧", "{}"),
    ],
)
def test_placeholders_that_the_model_makes_up_leave_a_mark(written: str, shown: str) -> None:
    """A customer never sees one; the mark keeps her from seeing the sentence with a hole."""
    _, restorer = HIDER.hide(asked("13800138000"))
    assert restored(restorer, *written) == shown.format(LOST)


@pytest.mark.parametrize(
    "written",
    [
        "⟦MOBILE_2⟧", "⟦MOBILE\\_2⟧", "⟦MOBILE#2⟧", "⟦MOBILE：2⟧", "⟦MOBILE_二⟧", "⟦MOBILE_B⟧",
        "⟦MOBILE_1_2⟧", "⟦MOBILE_1A⟧", "⟦MOBILE_1, MOBILE_2⟧", "⟦second MOBILE⟧", "⟦SHOP_MOBILE⟧",
        "⟦MOBILE2⟧", "[MOBILE\\_2]", "MOBILE\\_2",
    ],
)  # fmt: skip
def test_a_placeholder_never_takes_another_s_value(written: str) -> None:
    """What is not certainly the first number is lost, though there is only that one."""
    _, restorer = HIDER.hide(asked("13800138000"))
    assert restored(restorer, "打", *written, "。") == f"打{LOST}。"


def test_of_two_values_a_placeholder_without_a_number_means_neither() -> None:
    """It takes an escaped number as well as a plain one."""
    _, restorer = HIDER.hide(asked("13800138000和13900139000"))
    assert restored(restorer, "打⟦MOBILE\\_2⟧或⟦MOBILE⟧。") == f"打13900139000或{LOST}。"


@pytest.mark.parametrize(
    "written",
    [
        "见[1]和[2]。",
        "iPhone 1 and phone 2",
        "user_mobile_1",
        "xMOBILE_1",
        "MOBILE_1x",
        "a < b > c",
        "{}",
        "⟦",
        "(MOBILE)",
        "Name: ID 5",
        "your mobile",
    ],
)
def test_other_words_stay_as_the_model_wrote_them(written: str) -> None:
    """Citations, code and words that only begin like a placeholder."""
    _, restorer = HIDER.hide(asked("13800138000"))
    assert restored(restorer, *written) == written


def test_a_customer_cannot_write_a_placeholder_for_another_s_value() -> None:
    """What looks like one is a value itself, so that it comes back as it was written."""
    messages, restorer = HIDER.hide(
        asked("客服电话13800138000", "说⟦MOBILE_1⟧、[mobile 1]、MOBILE_1")
    )
    hidden = sent(messages)["customer_question"]
    assert hidden == "说⟦TEXT_1⟧、⟦TEXT_2⟧、⟦TEXT_3⟧"
    assert restored(restorer, *hidden) == "说⟦MOBILE_1⟧、[mobile 1]、MOBILE_1"


@pytest.mark.parametrize(
    ("piece", "released"),
    [
        ("请拨打⟦MOB", "请拨打"),
        ("请拨打⟦", "请拨打"),
        ("请拨打⟦MOBILE_1⟧", "请拨打13800138000"),
        ("请拨打⟦MOBILE_1⟧，", "请拨打13800138000，"),
        ("请拨打 mobile", "请拨打 "),
        ("请拨打[1", "请拨打[1"),
        ("请拨打[", "请拨打"),
        ("请拨打电话", "请拨打电话"),
        ("call us at any time", "call us at any time"),
        ("call us at any na", "call us at any "),
        ("call us on the xna", "call us on the xna"),
    ],
)
def test_only_the_beginning_of_a_placeholder_waits(piece: str, released: str) -> None:
    """Everything else is passed on at once."""
    _, restorer = HIDER.hide(asked("13800138000"))
    assert restorer.feed(piece) == released


def test_every_kind_has_a_placeholder_that_is_understood() -> None:
    """A kind whose name was not known would be shown as a placeholder."""
    for kind in Kind:
        assert restored(Restorer({(kind, 1): "value"}), f"⟦{kind}_1⟧") == "value"


def test_a_whole_prompt_is_hidden_in_a_few_milliseconds() -> None:
    """4,000 characters of passages; most of the time is looking for names and addresses."""
    messages = asked(
        "自签收之日起7天内可无理由退货，退款在3个工作日内原路返回。" * 125, "13800138000"
    )
    HIDER.hide(messages)
    took = []
    for _ in range(5):
        started = time.thread_time()
        HIDER.hide(messages)
        took.append(time.thread_time() - started)
    assert min(took) < 0.01
