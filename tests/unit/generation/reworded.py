"""More sentences about the sample companies, true and invented, to judge the rules of grounding by.

Project-written, and before the rules that they are measured with. The inventions take the words of
their passage for what it does not say: another party, the opposite, all for some, a case that the
passage excludes. None holds a foreign figure or name. The rules were looked at with the first part
of each list; `HELD_BACK_...` were measured only.
"""

from services.generation.dialogue import Passage

_BASE = "tenants/shop/knowledgeBases/help/documents"


def _passage(name: str, title: str, text: str) -> Passage:
    return Passage(f"{_BASE}/{name}", "r1", title, text)


PERIOD = _passage(
    "period", "退货期限与条件",
    "签收次日起 15 天内，商品未使用、配件齐全、不影响二次销售，可以无理由退货。"
    "拆开包装查看不影响退货；没有原包装盒的，退款时扣除 5 元包装费。特价商品同样适用。",
)  # fmt: skip
POSTAGE = _passage(
    "postage", "退货运费由谁承担",
    "因个人原因退货（不喜欢、买错），运费由顾客承担：使用我们安排的上门取件，从退款中扣除 12 元。"
    "商品有质量问题、发错或漏发，来回运费都由兰亭小铺承担。",
)  # fmt: skip
EXCLUDED = _passage(
    "excluded", "不能退货的商品",
    "以下商品不支持无理由退货：刻字定制的商品、已经拆封的气罐、礼品卡。用过的锅具和在户外搭过的帐篷属于已使用，"
    "也不能无理由退货；有质量问题的不受此限，按保修处理。",
)  # fmt: skip
WARRANTY = _passage(
    "warranty", "保修范围",
    "保修包括材料和工艺缺陷，例如锅体开裂、拉链脱落、鞋底开胶、焊点故障、电器不通电。不包括正常磨损、摔落、划伤、"
    "使用不当、私自拆修，以及锅具涂层的自然磨损。",
)  # fmt: skip
REMOTE = _passage(
    "remote", "偏远地区",
    "新疆、西藏、青海发货后 5–8 天送达，每单加收 15 元偏远附加费，满 99 元包邮的订单也要加收。"
    "农村地址可以送到乡镇服务点。",
)  # fmt: skip
CANCEL = _passage(
    "cancel", "发货前修改地址或取消订单",
    "订单状态为“待付款”或“已付款”时可以免费取消，也可以免费修改 1 次收货地址。"
    "订单一旦发货就不能取消或改地址：可以拒收，或收到后按退货流程办理。",
)  # fmt: skip
POINTS = _passage(
    "points", "等级评定、退货与账号合并",
    "满足消费金额的次日升级。退货会扣回该商品所得的积分，并从累计消费中减去。两个账号的积分不能合并或转赠。"
    "会员折扣可以和 1 张优惠券同时使用。",
)  # fmt: skip
COUPONS = _passage(
    "coupons", "优惠券与礼品卡",
    "每个订单限用 1 张优惠券，优惠券不能用于礼品卡和特价商品，过期或未达到使用金额时不能使用。"
    "礼品卡有效期 36 个月，不能退款或兑换现金。",
)  # fmt: skip
BIRTHDAY = _passage(
    "birthday", "生日券与会员日",
    "领队和峰顶会员在生日当月 1 日收到一张 30 元生日券，满 200 元可用，有效期 30 天。"
    "每月 18 日是会员日，当天下单积分双倍。",
)  # fmt: skip
TELECOM = _passage(
    "telecom", "流量结转与加油包",
    "套餐内剩余国内流量可自动结转一个月，次月底仍未用完则清零；加油包和赠送流量不结转。"
    "加油包尚未使用且购买未满24小时可在APP“订单”里退订，费用原路退回；已产生使用量的不能退。",
)  # fmt: skip
INSURANCE = _passage(
    "insurance", "投保与等待期",
    "可以为配偶、子女、父母投保，需被保险人本人在线确认或提供关系证明；兄弟姐妹暂不支持。"
    "医疗险等待期30天，重疾险90天，意外伤害无等待期；等待期内确诊的疾病不赔，重疾退还已交保费。",
)  # fmt: skip
LOAN = _passage(
    "loan", "申请与撤回",
    "年满22至60周岁、有稳定收入、征信无当前逾期的中国大陆居民即可申请，学生不可申请。"
    "审批中的申请可在APP“借款记录”点撤回；一旦放款则不能撤回，只能提前还款。",
)  # fmt: skip
COURIER = _passage(
    "courier", "取消与到付",
    "未揽收前在“订单详情”点取消，不收费；已揽收只能申请拦截退回。"
    "下单时选“到付”，由收件人签收前付款；部分地区和平台订单不支持。",
)  # fmt: skip
RETURNS_SHOP = _passage(
    "returns-shop", "Return period and conditions",
    "Goods can be returned without a reason within 15 days, counted from the day after delivery, "
    "if they are unused, complete and fit to be sold again. Opening the package to look does not "
    "matter; if the original box is missing, 5 yuan for packing is taken off the refund.",
)  # fmt: skip
PARCEL = _passage(
    "parcel", "Who pays for the return parcel",
    "When you return for a personal reason you pay the postage: with our collection service 12 "
    "yuan is taken off the refund. If the goods are faulty, wrong or incomplete, Lanting Store "
    "pays the postage both ways.",
)  # fmt: skip
REPAIRS = _passage(
    "repairs", "Repairs after the warranty and spare parts",
    "We also repair after the warranty has ended: inspection costs 20 yuan, work starts only after "
    "you accept our price, and the customer pays the postage. Within the warranty we pay the "
    "postage both ways. What cannot be repaired is replaced free of charge.",
)  # fmt: skip
LEVELS = _passage(
    "levels", "Membership levels and discounts",
    "Whoever signs up with a phone number is a member; this is free. Guide members get 5% off; "
    "Summit members get 10% off and free next-day delivery. Gift cards and sale items are not "
    "discounted. Points of two accounts cannot be merged or given away.",
)  # fmt: skip
PLANS = _passage(
    "plans", "Plans and refunds",
    "Monthly fees are not refunded. Annual plans are refunded in full if you cancel within 30 days "
    "of payment. Your workspace moves to the Free plan and projects above its limits become "
    "read-only. Nothing is deleted for 12 months. The free trial of the Business plan lasts 14 "
    "days. No credit card is needed.",
)  # fmt: skip
FARES = _passage(
    "fares", "Refunds and names",
    "Flex fares are refunded in full and Standard fares minus a fee of 60. Light fares only get "
    "the taxes back. Up to three letters per name can be corrected free of charge. Tickets are "
    "personal and the traveller cannot be replaced.",
)  # fmt: skip
MARKET = _passage(
    "market", "Returns between buyers and sellers",
    "The buyer pays for the return if the item is as described. The seller pays if it is faulty, "
    "wrong or not as described. The item must be unused, with the packaging. The seller has 2 days "
    "to check the parcel after it arrives.",
)  # fmt: skip
ENERGY = _passage(
    "energy", "Leaving and readings",
    "Fixed tariffs have a fee of 50 per fuel if you leave more than 49 days before the end. Our "
    "variable tariff has none. Smart meters send readings on their own. We estimate your usage "
    "when we have no reading for the period.",
)  # fmt: skip
STREAMING = _passage(
    "streaming", "Pausing and changing plans",
    "You can pause for 1, 2 or 3 months. Playlists and profiles are kept and nothing is charged. "
    "You can watch until the last day you have paid for; we do not refund the rest of the month. "
    "Upgrades work at once, downgrades from the next billing day.",
)  # fmt: skip

TRUE = (
    ("签收次日起15天内，没有用过、配件齐全的商品可以无理由退货。", PERIOD),
    ("拆开包装看过也可以退货。", PERIOD),
    ("原包装盒丢了的话，会从退款里扣5元包装费。", PERIOD),
    ("特价商品也适用同样的退货规则。", PERIOD),
    ("如果是不喜欢或买错了，退货运费需要您自己承担。", POSTAGE),
    ("质量问题、发错或漏发的商品，来回运费都由兰亭小铺承担。", POSTAGE),
    ("选择上门取件的话，会从退款中扣除12元运费。", POSTAGE),
    ("刻字定制的商品、礼品卡和拆封过的气罐都不能无理由退货。", EXCLUDED),
    ("在户外搭过的帐篷算已使用，不支持无理由退货。", EXCLUDED),
    ("鞋底开胶、拉链脱落都在保修范围内。", WARRANTY),
    ("摔落和划伤不在保修范围内。", WARRANTY),
    ("寄到西藏、新疆和青海，每单要加收15元偏远附加费，包邮的订单也不例外。", REMOTE),
    ("农村的包裹会送到乡镇服务点。", REMOTE),
    ("订单发货之后就无法取消或修改地址了，您可以拒收，或者收到后退货。", CANCEL),
    ("没发货的订单可以免费取消。", CANCEL),
    ("两个账号的积分不能合并。", POINTS),
    ("会员折扣可以和一张优惠券叠加使用。", POINTS),
    ("礼品卡不能退款，也不能兑换现金。", COUPONS),
    ("每单最多使用1张优惠券，特价商品不能用券。", COUPONS),
    ("套餐内没用完的国内流量会自动结转到下个月，加油包流量不结转。", TELECOM),
    ("意外伤害没有等待期，医疗险是30天。", INSURANCE),
    ("暂时不能为兄弟姐妹投保。", INSURANCE),
    ("放款之后不能撤回申请，只能提前还款。", LOAN),
    ("Unused and complete goods can be returned without a reason within 15 days.", RETURNS_SHOP),
    ("You may open the package to have a look and still return the goods.", RETURNS_SHOP),
    ("Without the original box, 5 yuan for packing is taken off your refund.", RETURNS_SHOP),
    ("If the goods are faulty or wrong, we pay the postage both ways.", PARCEL),
    ("For a personal reason, the return postage is paid by you.", PARCEL),
    ("After the warranty, inspection costs 20 yuan and you pay the postage.", REPAIRS),
    ("If it cannot be repaired, we replace it free of charge.", REPAIRS),
    ("Summit members get 10% off, but gift cards and sale items are not discounted.", LEVELS),
    ("Monthly fees are non-refundable.", PLANS),
    ("If you cancel an annual plan within 30 days of payment, you get a full refund.", PLANS),
    ("With a Light fare only the taxes are refunded.", FARES),
    ("The seller pays for the return if the item is faulty or not as described.", MARKET),
    ("There is no exit fee on our variable tariff.", ENERGY),
    ("因为个人原因退货的，运费需由您承担。", POSTAGE),
    ("礼品卡、刻字商品不支持无理由退货。", EXCLUDED),
    ("锅具涂层的自然磨损不属于保修范围。", WARRANTY),
    ("已付款但未发货的订单可以免费修改一次收货地址。", CANCEL),
    ("退货后，该商品获得的积分会被扣回。", POINTS),
    ("优惠券过期后就不能再使用了。", COUPONS),
    ("会员日当天下单，积分是双倍的。", BIRTHDAY),
    ("生日券只有领队和峰顶会员才有，订单满200元可以用。", BIRTHDAY),
    ("加油包已经用过的就不能退了。", TELECOM),
    ("学生不能申请借款。", LOAN),
    ("快递员揽收前取消是不收费的。", COURIER),
    ("到付由收件人在签收前付款，部分地区不支持。", COURIER),
    (
        "You pay the postage yourself if you simply changed your mind or have a personal reason.",
        PARCEL,
    ),
    ("Points cannot be merged between two accounts.", LEVELS),
    ("The trial lasts 14 days and you do not need a credit card.", PLANS),
    ("Your data is not deleted for 12 months.", PLANS),
    ("Flex fares are fully refunded.", FARES),
    ("You cannot give your ticket to another traveller.", FARES),
    ("If the item matches its description, the buyer pays for the return.", MARKET),
    ("While you pause, nothing is charged and your playlists are kept.", STREAMING),
    ("Downgrades take effect from the next billing day, while upgrades work at once.", STREAMING),
    ("Leaving a fixed tariff more than 49 days before its end costs 50 per fuel.", ENERGY),
)  # fmt: skip
"""What a model may well say, and the passage that says it."""

INVENTED = (
    ("用过的商品也可以无理由退货。", PERIOD),
    ("没有原包装盒的商品不能退货。", PERIOD),
    ("特价商品不适用无理由退货。", PERIOD),
    ("所有商品都可以无理由退货。", EXCLUDED),
    ("因个人原因退货，来回运费都由兰亭小铺承担。", POSTAGE),
    ("商品有质量问题，运费由顾客承担。", POSTAGE),
    ("上门取件免费，不会从退款中扣除运费。", POSTAGE),
    ("拆封的气罐可以无理由退货。", EXCLUDED),
    ("礼品卡支持无理由退货。", EXCLUDED),
    ("摔落和划伤也在保修范围内。", WARRANTY),
    ("保修包括使用不当造成的锅体开裂。", WARRANTY),
    ("所有损坏都可以保修。", WARRANTY),
    ("满99元包邮的订单不加收偏远附加费。", REMOTE),
    ("所有地区都要加收15元附加费。", REMOTE),
    ("订单发货后也可以免费取消。", CANCEL),
    ("订单发货后可以免费修改收货地址。", CANCEL),
    ("退货不会扣回积分。", POINTS),
    ("积分可以转赠给其他账号。", POINTS),
    ("优惠券可以用于特价商品。", COUPONS),
    ("礼品卡可以兑换现金。", COUPONS),
    ("加油包流量可自动结转一个月。", TELECOM),
    ("任何情况下加油包都可以退订，费用原路退回。", TELECOM),
    ("可以为兄弟姐妹投保。", INSURANCE),
    ("学生也可以申请。", LOAN),
    ("Used goods can be returned without a reason.", RETURNS_SHOP),
    ("Goods without the original box cannot be returned.", RETURNS_SHOP),
    ("Lanting Store always pays the postage both ways.", PARCEL),
    ("When you return for a personal reason we pay the postage both ways.", PARCEL),
    ("After the warranty has ended we pay the postage both ways.", REPAIRS),
    ("Repairs after the warranty are free of charge.", REPAIRS),
    ("All members get free next-day delivery.", LEVELS),
    ("Gift cards and sale items are discounted for Guide members.", LEVELS),
    ("Monthly fees are refunded in full if you cancel.", PLANS),
    ("All fares are refunded in full.", FARES),
    ("The seller always pays for the return.", MARKET),
    ("Our variable tariff has a fee if you leave before the end.", ENERGY),
    ("商品发错了，运费由顾客承担。", POSTAGE),
    ("用过的锅具可以无理由退货。", EXCLUDED),
    ("私自拆修不影响保修。", WARRANTY),
    ("已付款的订单不能取消。", CANCEL),
    ("两个账号的积分可以合并。", POINTS),
    ("过期的优惠券也可以使用。", COUPONS),
    ("所有会员都会收到30元生日券。", BIRTHDAY),
    ("每天下单积分都是双倍。", BIRTHDAY),
    ("赠送流量可以自动结转。", TELECOM),
    ("等待期内确诊的疾病也可以赔。", INSURANCE),
    ("放款后可在APP“借款记录”点撤回。", LOAN),
    ("已揽收的订单取消不收费。", COURIER),
    ("所有地区都支持到付。", COURIER),
    ("Opened packages cannot be returned.", RETURNS_SHOP),
    ("If the goods are faulty you pay the postage.", PARCEL),
    ("Points of two accounts can be merged.", LEVELS),
    ("Every member gets 10% off.", LEVELS),
    ("A credit card is needed for the free trial.", PLANS),
    ("Light fares are refunded in full.", FARES),
    ("The buyer pays for the return if the item is faulty.", MARKET),
    ("We refund the rest of the month when you pause.", STREAMING),
    ("Downgrades work at once.", STREAMING),
)  # fmt: skip
"""What no passage says, in its words, and the passage that a model would cite for it."""

HELD_BACK_TRUE = (
    ("发错货的话，来回运费由兰亭小铺出。", POSTAGE),
    ("礼品卡不能无理由退货，有质量问题的除外。", EXCLUDED),
    ("偏远地区每单要另收15元附加费。", REMOTE),
    ("已经发货的订单不能再改地址。", CANCEL),
    ("优惠券不可以用来买礼品卡。", COUPONS),
    ("流量加油包用了一部分就不能退订了。", TELECOM),
    ("配偶、子女和父母都可以投保。", INSURANCE),
    ("申请还在审批时可以撤回。", LOAN),
    ("包裹被揽收以后就只能申请拦截退回。", COURIER),
    ("只有领队和峰顶会员能收到生日券。", BIRTHDAY),
    ("You cannot return goods that were used.", RETURNS_SHOP),
    ("Collection costs 12 yuan, which is taken off the refund.", PARCEL),
    ("Sale items get no member discount.", LEVELS),
    ("An annual plan is refunded in full within 30 days of payment.", PLANS),
    ("A Standard fare is refunded minus a fee of 60.", FARES),
    ("The item has to be unused and in its packaging.", MARKET),
    ("If there is no reading, we estimate how much you used.", ENERGY),
    ("We do not refund the rest of the month, but you can watch until its last day.", STREAMING),
)  # fmt: skip

HELD_BACK_INVENTED = (
    ("因个人原因退货，从退款中扣除的12元由兰亭小铺承担。", POSTAGE),
    ("用过的帐篷也支持无理由退货。", EXCLUDED),
    ("自然磨损属于保修范围。", WARRANTY),
    ("包邮的订单不收偏远附加费。", REMOTE),
    ("发货后的订单可以改地址。", CANCEL),
    ("所有商品都可以使用优惠券。", COUPONS),
    ("已产生使用量的加油包可以退订。", TELECOM),
    ("任何亲属都可以投保。", INSURANCE),
    ("重疾险无等待期。", INSURANCE),
    ("到付由寄件人付款，全部地区都支持。", COURIER),
    ("山友会员也能收到生日券，满200元可用。", BIRTHDAY),
    ("Used goods can be returned if they are complete.", RETURNS_SHOP),
    ("You pay the postage both ways if the goods are wrong.", PARCEL),
    ("Guide members get free next-day delivery.", LEVELS),
    ("Annual plans are not refunded.", PLANS),
    ("Standard fares are refunded in full.", FARES),
    ("The seller pays for the return if the item is as described.", MARKET),
    ("We refund the rest of the month.", STREAMING),
)  # fmt: skip

PASSAGES = tuple(each for each in tuple(globals().values()) if isinstance(each, Passage))
