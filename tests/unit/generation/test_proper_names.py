"""Names in a text, as far as capitals and the dictionary tell."""

import pytest

from services.generation.proper_names import proper_names, quoted_words


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Parcels are sent by DHL or United Parcel.", {"dhl", "united", "parcel"}),
        ("We work with PayPal.", {"paypal"}),
        ("Ask Anna's team.", {"anna"}),
        ("Please contact us. Refunds are quick.", set()),
        ("On Monday, I am in the office in May.", set()),
        ("- Refunds are quick\n- Returns too", set()),
        ("我们在北京和上海有门店", {"北京", "上海"}),
        ("請寄到臺北", {"台北"}),
        ("请联系王小明", {"王小明"}),
        ("您明白了吗，高峰期请耐心等待", set()),
        ("建议您比平时大一码购买", set()),
        ("普通快递由顺丰承运，支持花呗", {"顺丰", "花呗"}),
        ("The fee is 10 USD or 70 RMB.", set()),
        ("用PayPal在北京付款", {"paypal", "北京"}),
        ("", set()),
    ],
)
def test_names_are_found(text: str, names: set[str]) -> None:
    """Folded, without what only looks like a name."""
    found = proper_names(text)
    assert found >= names
    assert found - names <= {"台"}, found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("在“我的订单”里点「申请退货」。", {"我的订单", "申请退货"}),
        ('Tap "Return" in "My orders," please.', {"return", "my orders"}),
        ("见《退货政策》", {"退货政策"}),
        ('It is 5" long and 6" wide, it\'s', set()),
        ("", set()),
    ],
)
def test_what_is_quoted_is_found(text: str, found: set[str]) -> None:
    """Without the punctuation in it; inches and apostrophes quote nothing."""
    assert quoted_words(text) == found
