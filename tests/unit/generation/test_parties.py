"""Who pays is read from either language, and only where it is said."""

import pytest

from services.generation.parties import Side, payers, without_parties


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("运费由顾客承担", {Side.CUSTOMER}),
        ("来回运费都由兰亭小铺承担", {Side.COMPANY}),
        ("需要您自己支付运费", {Side.CUSTOMER}),
        ("寄来的运费由您承担，寄回的由我们承担", {Side.CUSTOMER, Side.COMPANY}),
        ("When you return it for a personal reason we pay the postage", {Side.COMPANY}),
        ("The postage is paid by the customer", {Side.CUSTOMER}),
        ("The seller pays if it is faulty", {Side.COMPANY}),
        ("支持微信支付", set()),
        ("Refunds are paid within 3 days", set()),
        ("您可以退货", set()),
    ],
)
def test_who_pays(text: str, sides: set[Side]) -> None:
    """The nearest party to the verb; buyers are customers, and sellers companies."""
    assert payers(text) == sides


def test_a_case_is_told_without_the_parties() -> None:
    """So that who pays has no part in finding the case."""
    assert "顾客" not in without_parties("运费由顾客承担")
    assert without_parties("You pay").strip() == "pay"
