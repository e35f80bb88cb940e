"""A sentence that turns round what its source says is found in the source's own words."""

import pytest

from services.generation.agreement import adds, claim, contradicts, said
from services.generation.clauses import comparable
from services.generation.relevance import terms, weights
from services.language import sentences


def otherwise(sentence: str, text: str, title: str = "") -> bool:
    """Whether a text says otherwise than a sentence."""
    held = [said(span.of(text), terms(title)) for span in sentences(text)]
    wanted = weights(comparable(sentence), [each.terms for each in held], absent=1.0)
    return contradicts(claim(sentence), wanted, held)


@pytest.mark.parametrize(
    ("text", "held", "turned"),
    [
        ("生鲜商品不支持退货。", "生鲜类商品不能退货。", "生鲜商品支持退货。"),
        (
            "Fresh food cannot be returned.",
            "Fresh food is non-returnable.",
            "Fresh food is returned.",
        ),
        ("意外伤害无等待期。", "意外伤害没有等待期。", "意外伤害有等待期。"),
        ("拆开包装不影响退货。", "拆开包装也可以退货。", "拆开包装不能退货。"),
        ("保修不包括摔落、划伤。", "摔落不在保修范围内。", "保修包括摔落和划伤。"),
        (
            "已付款的订单可以取消，一旦发货就不能取消。",
            "没发货的订单可以取消。",
            "发货后可以取消。",
        ),
        ("审批中的申请可以撤回，学生不可申请。", "学生不能申请撤回。", "学生可以申请。"),
        ("保修期内免费维修，人为损坏除外。", "保修期内维修免费。", "人为损坏免费维修。"),
        (
            "What cannot be repaired is replaced free of charge.",
            "If it cannot be repaired, we replace it free of charge.",
            "It is not replaced free of charge.",
        ),
    ],
)
def test_what_is_denied_is_not_affirmed(text: str, held: str, turned: str) -> None:
    """However either is put; of a rule and its exception, the one that is spoken of counts."""
    assert not otherwise(held, text)
    assert otherwise(turned, text)


@pytest.mark.parametrize(
    ("text", "held", "turned"),
    [
        ("商品未使用，可以退货。", "未使用的商品可以退货。", "用过的商品可以退货。"),
        (
            "签收次日起15天内，商品未使用、配件齐全，可以无理由退货。",
            "没有用过、配件齐全的商品可以无理由退货。",
            "用过的商品也可以无理由退货。",
        ),
        (
            "Goods can be returned without a reason within 15 days if they are unused.",
            "Unused goods can be returned without a reason within 15 days.",
            "Used goods can be returned without a reason within 15 days.",
        ),
        (
            "Goods can be returned if they are unused.",
            "Unused goods can be returned.",
            "Used goods can be returned.",
        ),
        ("未签收、已签收的都可以退。", "已签收的可以退。", "签收的不可以退。"),
    ],
)
def test_what_holds_of_the_unused_does_not_hold_of_the_used(
    text: str, held: str, turned: str
) -> None:
    """The goods are told apart by it; where both are named, it holds of both."""
    assert not otherwise(held, text)
    assert otherwise(turned, text)


@pytest.mark.parametrize(
    ("text", "held", "turned"),
    [
        ("会员享九折。", "会员可享九折。", "所有会员享九折。"),
        ("Members get 5% off.", "Members get 5% off.", "Every member gets 5% off."),
        ("商品均可退货。", "所有商品都可以退货。", "商品不可以退货。"),
        ("You can always write to us.", "You can write at any time.", "You cannot write to us."),
    ],
)
def test_what_is_said_of_some_does_not_hold_for_all(text: str, held: str, turned: str) -> None:
    """Unless the source says so, too."""
    assert not otherwise(held, text)
    assert otherwise(turned, text)


@pytest.mark.parametrize(
    ("held", "turned"),
    [
        ("Flex fares are refunded.", "Light fares are refunded in full."),
        ("Light fares get the taxes back.", "Flex fares get the taxes back."),
    ],
)
def test_what_is_said_of_one_does_not_hold_for_its_neighbour(held: str, turned: str) -> None:
    """Each has a sentence of its own that begins with it."""
    text = "Flex fares are refunded in full. Light fares only get the taxes back."
    assert not otherwise(held, text)
    assert otherwise(turned, text)


def test_a_pronoun_may_stand_for_anything() -> None:
    """It says nothing against a sentence that names what it may mean."""
    text = (
        "The buyer pays when the item is as described. The seller pays when it is very faulty. "
        "The item must be unused."
    )
    sentence = "The seller pays when the item is very faulty."
    assert not otherwise(sentence, text)
    assert otherwise(sentence, text.replace("it is", "goods are"))


@pytest.mark.parametrize(
    ("held", "turned"),
    [
        ("因买错退货，运费由您承担。", "因买错退货，运费由我们承担。"),
        ("商品有质量问题，运费由我们支付。", "商品有质量问题，运费由顾客承担。"),
    ],
)
def test_who_pays_is_told_by_the_case(held: str, turned: str) -> None:
    """The same words, and the other side of the bargain."""
    text = "因买错退货，运费由顾客承担。商品有质量问题，运费由本店承担。"
    assert not otherwise(held, text)
    assert otherwise(turned, text)


def test_who_says_nothing_contradicts_nothing() -> None:
    """A source without a sentence, and one about something else."""
    assert not otherwise("Gift cards can be returned.", "")
    assert not otherwise("Gift cards can be returned.", "The shop opens at noon.")


@pytest.mark.parametrize(
    ("text", "held", "turned"),
    [
        (
            "订单满99元免运费，不满99元收取10元运费。",
            "满99元的订单免运费。",
            "满10元的订单免运费。",
        ),
        (
            "江浙沪地区1-2天送达，其他地区3-5天送达。",
            "江浙沪地区2天送达。",
            "江浙沪地区5天送达。",
        ),
        (
            "Parcels in cities take 3 days. Parcels on islands take 9 days.",
            "Parcels in cities take 3 days.",
            "Parcels in cities take 9 days.",
        ),
    ],
)
def test_a_number_belongs_to_what_it_is_said_of(text: str, held: str, turned: str) -> None:
    """Two rules beside each other have a figure each."""
    assert not otherwise(held, text)
    assert otherwise(turned, text)


def test_what_a_list_denies_is_denied_of_the_title_s_subject() -> None:
    """Its sentence may say "it"; "no" before the answer adds no negation."""
    text = (
        "The warranty covers faults of material. It does not cover normal wear, drops, scratches "
        "or misuse."
    )
    assert not otherwise("No, the warranty does not cover scratches or drops.", text, "Warranty")
    assert otherwise("Yes, the warranty covers scratches and drops.", text, "Warranty")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("金卡会员每单减10元，每年最多减100元。", "金卡会员每年最多减100元。"),
        ("偏远地区加收15元，5天送达。江浙沪地区1-2天送达。", "偏远地区5天送达。"),
        ("城市3天送达。农村5天送达。", "城市和农村3到5天送达。"),
    ],
)
def test_a_number_may_have_its_subject_elsewhere(text: str, sentence: str) -> None:
    """In the clause before it, or of two."""
    assert not otherwise(sentence, text)


@pytest.mark.parametrize(
    ("text", "held", "turned"),
    [
        ("凭订单号就可以报修，不需要发票。", "报修不用发票。", "报修需要提供发票。"),
        ("报修需要提供发票。", "报修要求提供发票。", "报修无需提供发票。"),
        (
            "The order number is enough, no invoice is needed.",
            "You do not need an invoice.",
            "You need an invoice.",
        ),
    ],
)
def test_what_is_needed_is_told_from_what_is_not(text: str, held: str, turned: str) -> None:
    """Sparing the customer something is no denial, and asking for it is still the opposite."""
    assert not otherwise(held, text)
    assert otherwise(turned, text)


@pytest.mark.parametrize(
    ("text", "held", "turned"),
    [
        (
            "15天后账号、积分和优惠券全部删除，不能恢复。",
            "账号和积分15天后删除。",
            "账号和积分15天后可以恢复。",
        ),
        (
            "Gift cards come in 100, 300 and 500 yuan, are valid for 36 months, and cannot be "
            "refunded.",
            "Gift cards are valid for 36 months.",
            "Gift cards can be refunded.",
        ),
    ],
)
def test_a_denial_is_of_the_subject_before_it(text: str, held: str, turned: str) -> None:
    """The clause that denies has no subject of its own."""
    assert not otherwise(held, text)
    assert otherwise(turned, text)


def test_a_case_is_no_statement() -> None:
    """What is supposed need not agree with what is denied."""
    text = "以上商品不能退货；有质量问题的不受此限，按保修处理。"
    assert not otherwise("如果商品有质量问题，可以按保修处理。", text)


@pytest.mark.parametrize(
    ("text", "held", "turned"),
    [
        (
            "我们在24小时内审核。审核通过后请在7天内寄出。",
            "审核通过后7天内寄出。",
            "审核通过后24小时内寄出。",
        ),
        (
            "Orders can be paid in 3, 6 or 12 instalments. 3 instalments are free; for 6 and 12 "
            "the fee is 1%.",
            "3 instalments are free.",
            "12 instalments are free.",
        ),
    ],
)
def test_figures_of_a_kind_are_told_apart(text: str, held: str, turned: str) -> None:
    """Hours and days are times; what is counted has no unit."""
    assert not otherwise(held, text)
    assert otherwise(turned, text)


@pytest.mark.parametrize(
    ("text", "held", "turned"),
    [
        ("满99元免运费。", "满99元包邮。", "满99元不包邮。"),
        ("保修不包括划伤。", "划伤不在保修范围内。", "划伤在保修范围内。"),
        ("Cash and PayPal are not offered.", "We don't accept PayPal.", "We take PayPal."),
        ("Invoices cost nothing extra.", "Invoices are free of charge.", "Invoices are not free."),
    ],
)
def test_other_words_for_the_same_say_the_same(text: str, held: str, turned: str) -> None:
    """And for the opposite the opposite."""
    assert not otherwise(held, text)
    assert otherwise(turned, text)


def test_a_promise_for_ever_is_one_for_all() -> None:
    """Unless the source makes it."""
    assert otherwise("购买后终身免费磨刀。", "购买后2年内免费磨刀2次。")
    assert otherwise("It can be reissued as often as you like.", "It can be reissued 1 time.")
    assert not otherwise("购买后终身免费磨刀。", "购买后终身免费磨刀。")


@pytest.mark.parametrize(
    ("text", "held", "turned"),
    [
        ("鞋型偏小，建议比平时大一码购买。", "鞋型偏小。", "鞋型偏大。"),
        ("每个订单最多抵扣20%。", "每个订单最多抵扣20%。", "每个订单至少抵扣20%。"),
        (
            "The lamp lasts up to 40 hours on low, 8 hours on high.",
            "The lamp lasts 40 hours on low and 8 hours on high.",
            "The lamp lasts 40 hours on high and 8 hours on low.",
        ),
    ],
)
def test_the_other_side_of_a_pair_is_another_statement(text: str, held: str, turned: str) -> None:
    """Large and small, at least and at most."""
    assert not otherwise(held, text)
    assert otherwise(turned, text)


def test_what_is_stopped_is_not_done() -> None:
    """Nor is what is neither done."""
    assert otherwise("春节期间发货。", "春节期间停止发货7天。")
    text = "Once dispatched it can be neither cancelled nor redirected."
    assert otherwise("Once dispatched it can be redirected.", text)
    assert not otherwise("Once dispatched it cannot be redirected.", text)


def test_a_clause_of_which_no_source_has_a_word_is_added() -> None:
    """A courtesy is no addition, and two words may be another way to say it."""
    text = "物流7天没有更新视为丢件，由您选择补发或退款。"

    def adding(sentence: str) -> bool:
        held = [said(span.of(text), frozenset()) for span in sentences(text)]
        wanted = weights(comparable(sentence), [each.terms for each in held], absent=1.0)
        return adds(claim(sentence), wanted, frozenset().union(*(each.terms for each in held)))

    assert adding("7天没有更新视为丢件，我们额外赠送一张优惠券作为补偿。")
    assert not adding("7天没有更新视为丢件，如有其他问题欢迎联系人工客服。")
    assert not adding("7天没有更新就算丢了，可以退款。")
