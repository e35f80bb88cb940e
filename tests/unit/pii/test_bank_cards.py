"""Bank cards: an issuer's first digits and the Luhn sum; all made up, with computed sums."""

import pytest

from services.pii import Kind
from tests.unit.pii.conftest import Checker


@pytest.mark.parametrize(
    "marked",
    [
        "退到«6222023074185296300»这张卡",
        "退款请打到«6217003074185296304»",
        "«6228483074185296300»",
        "建行«4367423074185292»扣款失败",
        "my card «4111307418529639» was charged",
        "my card «4111 3074 1852 9639» was charged",
        "my card «4111-3074-1852-9639» was charged",
        "«5555307418529639»",
        "«2223307418529638»",
        "«3530741852963075»",
        "«6011307418529635»",
        "Amex «378230741852963»",
        "Amex «3782 307418 52963»",
        "Diners «30563074185290»",
        "old Visa «4222307418521»",
        "工行«9558307418529630743»",
        "农行«1033074185296307416»",
        "收款账户:«6222 0230 7418 5296 300»(本人)",
        "收款账户:«622202 3074185296300»(本人)",
        "全角«６２２２０２３０７４１８５２９６３００»",
        "银行卡号«1234307418529637»",  # no known issuer, but called a card
        "account «7890307418529639»",
        "两张«6217003074185296304»，«6228483074185296300»",
        "卡号是«6225883074185294»。",
    ],
)
def test_bank_cards_are_found(check: Checker, marked: str) -> None:
    """13 to 19 digits, in groups or in one piece."""
    check(marked, Kind.CARD)


@pytest.mark.parametrize(
    "text",
    [
        "退到6222023074185296301",  # another last digit
        "my card 4111 3074 1852 9638",
        "62220230741852963001",  # a digit more
        "1234307418529637",  # no issuer, and not called a card
        "商品条码6903074185298",
        "流水号6222023074185296300",
        "订单号4111307418529639",
        "order 5555307418529639 is late",
        "tracking number 6011307418529635",
        "A6222023074185296300",
        "6222023074185296300Z",
        "4.111307418529639",
        "0000000000000000",
        "卡号0000 0000 0000 0000",
        "41 11 30 74 18 52 96 39",
        "尾号6300的卡",
    ],
)
def test_other_numbers_are_no_cards(check: Checker, text: str) -> None:
    """The sum has to be right, and the words before must not say that it is an order."""
    check(text, Kind.CARD)
