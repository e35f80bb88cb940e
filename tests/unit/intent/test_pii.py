"""Personal data is replaced before anything is written; what carries the meaning stays.

All numbers, names and addresses here are made up; numbers with check digits were computed.
"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intent.review.pii import replace_personal
from services.intent.values import Entity
from services.language import Span

ID = "11010519491231002X"  # The example of GB 11643-1999.
CARD = "6222020000000000000"


def entity(text: str, part: str, kind: str) -> Entity:
    """An entity as the tenant's patterns find it."""
    start = text.index(part)
    return Entity(kind, part, part, Span(start, start + len(part)))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("我的手机号是13800138000", "我的手机号是<PHONE>"),
        ("打138 0013 8000找我", "打<PHONE>找我"),
        ("call +86-138-0013-8000 please", "call <PHONE> please"),
        ("手机１３８００１３８０００不对", "手机<PHONE>不对"),
        (f"身份证{ID}", "身份证<ID>"),
        (f"身份证{ID.lower()}丢了", "身份证<ID>丢了"),
        (f"退到{CARD}这张卡", "退到<CARD>这张卡"),
        ("my card 4111 1111 1111 1111 was charged", "my card <CARD> was charged"),
        ("发到Li.Lei+shop@example.com.cn谢谢", "发到<EMAIL>谢谢"),
        ("看 https://example.com/o?id=abc&k=1 这里", "看 <LINK> 这里"),
        ("座机010-12345678", "座机<NUMBER>"),
        ("+1 415 555 2671", "<NUMBER>"),
        ("passport E12345678", "passport <NUMBER>"),
        ("验证码是 482913", "验证码是 <NUMBER>"),
        ("13800138000和li@example.com", "<PHONE>和<EMAIL>"),
        ("我叫张伟，想退货", "我叫<NAME>，想退货"),
        ("我叫王小明我要退货", "我叫<NAME>我要退货"),
        ("收件人：李雷 改一下", "收件人：<NAME> 改一下"),
        ("王女士的订单", "<NAME>的订单"),
        ("my name is Robert, cancel it", "my name is <NAME>, cancel it"),
        ("My name is John Smith.", "My name is <NAME>."),
        ("my name's Mary-Jane O'Neil Watson, hi", "my name's <NAME>, hi"),
        ("My name is John F. Kennedy I want a refund", "My name is <NAME> I want a refund"),
        ("my name is john and I want it", "my name is <NAME> and I want it"),
        ("Hi, I'm John Smith and it broke", "Hi, I'm <NAME> and it broke"),
        ("I am Anna Maria Lopez", "I am <NAME>"),
        ("我叫王建国申请退款", "我叫<NAME>申请退款"),
        ("我叫张伟来退货", "我叫<NAME>来退货"),
        ("我叫欧阳修要退款", "我叫<NAME>要退款"),
        ("我叫王来福", "我叫<NAME>"),
        ("我是王小明", "我是<NAME>"),
        ("我是诸葛亮，想退货", "我是<NAME>，想退货"),
        ("收货人：司马相如", "收货人：<NAME>"),
        ("地址是中山路12号3单元402室", "地址是<ADDRESS>"),
        ("寄到，北京市朝阳区建国路88号", "寄到，<ADDRESS>"),
        ("I live at 12 Baker Street", "I live at <ADDRESS>"),
    ],
)
def test_personal_data_is_replaced_by_its_kind(text: str, written: str) -> None:
    """In both languages, with blanks and hyphens, full width, glued to Chinese words."""
    assert replace_personal(text) == written


@pytest.mark.parametrize(
    "text",
    [
        "怎么退货",
        "what is your return policy",
        "三百块能退吗",
        "买2件打8折",
        "42码有货吗",
        "等了3天还没到",
        "付了1299.00元",
        "双11的价格",
        "我是高级会员",
        "我是会员",
        "我是金卡会员",
        "我是黄金会员",
        "我是江苏的",
        "我是广东人",
        "我是马上要用",
        "我是新客户",
        "I'm American",
        "I am In a hurry",
        "I'm waiting for My Order",
        "名字写错了怎么改",
        "my name is wrong on the invoice",
        "发票抬头开错了",
        "哪条路近",
        "👍👍",
        "",
    ],
)
def test_what_identifies_nobody_stays(text: str) -> None:
    """Words, prices, sizes and short numbers are what the model learns from."""
    assert replace_personal(text) == text


def test_numbers_are_told_apart_by_their_check_digits() -> None:
    """A wrong digit makes it some number; it goes all the same."""
    assert replace_personal(ID[:-1] + "1") == "<NUMBER>"
    assert replace_personal("110105194913310022") == "<NUMBER>"
    assert replace_personal(CARD[:-1] + "7") == "<NUMBER>"


def test_numbers_of_orders_are_called_by_the_tenant_s_own_type() -> None:
    """What its patterns found is replaced by the name of the type, where it is a number."""
    text = "订单SO20261234的鞋42码，型号PPR-9087，300元"
    found = [
        entity(text, "SO20261234", "order_number"),
        entity(text, "42码", "shoe_size"),
        entity(text, "PPR-9087", "product_code"),
        entity(text, "300元", "amount"),
    ]
    assert replace_personal(text, found) == "订单<ORDER_NUMBER>的鞋42码，型号<PRODUCT_CODE>，300元"
    assert replace_personal(text) == "订单<NUMBER>的鞋42码，型号PPR-9087，300元"


def test_an_amount_with_many_digits_stays_no_number_of_anybody() -> None:
    """How much is not who; yet where it is as long as an account number, it goes."""
    text = "付了 123456 元"
    assert replace_personal(text, [entity(text, "123456 元", "amount")]) == "付了 <NUMBER> 元"


@given(st.text(), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text())
def test_no_number_gets_through_whatever_stands_around_it(
    before: str, number: str, after: str
) -> None:
    """Glued to letters, digits, signs or emoji: a mobile number is never written."""
    assert number not in replace_personal(f"{before}{number}{after}")


@given(st.text())
def test_replacing_again_changes_nothing(text: str) -> None:
    """Placeholders are no personal data; no text breaks it."""
    once = replace_personal(text)
    assert replace_personal(once) == once


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "a1",
        "13800138000 ",
        "a@",
        "王",
        "我叫王",
        "我是王",
        "I'm A B ",
        "my name is A ",
        "1-",
        "x.y@z.",
    ],
)
def test_the_longest_text_takes_little_time(unit: str) -> None:
    """No text may stall the one who writes for all the others."""
    started = time.thread_time()
    replace_personal((unit * 4000)[:4000])
    assert time.thread_time() - started < 0.5
