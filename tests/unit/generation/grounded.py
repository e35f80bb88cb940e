"""Sentences about passages, true and invented, that the line of grounding was chosen on.

Project-written. The inventions hold no figure and no name that is missing in the passages: those
are found without any line.
"""

from services.generation.dialogue import Passage

_BASE = "tenants/shop/knowledgeBases/help/documents"

RETURNS = Passage(
    f"{_BASE}/returns", "r1", "退换货政策",
    "自签收之日起7天内可无理由退货，商品需保持完好。退款将在收到退货后的3个工作日内原路返回。"
    "生鲜和定制商品不支持退货。",
)  # fmt: skip
DELIVERY = Passage(
    f"{_BASE}/delivery", "r1", "配送说明",
    "江浙沪地区一般1-2天送达，其他地区3-5天送达。订单满99元免运费，不满99元收取10元运费。"
    "包裹由顺丰承运，可在订单详情页查看物流。",
)  # fmt: skip
INVOICE = Passage(
    f"{_BASE}/invoice", "r1", "如何开发票？",
    "在订单详情页点击“申请开票”，填写抬头即可。电子发票会在24小时内发送到邮箱。",
)  # fmt: skip
KETTLE = Passage(
    f"{_BASE}/kettle", "r1", "CK-200 电水壶",
    "容量1.7升，功率1800瓦，保修1年。价格¥1,299.00。支持无线温控。保修期内免费维修，人为损坏除外。",
)  # fmt: skip
MEMBERS = Passage(
    f"{_BASE}/members", "r1", "會員制度",
    "消費滿1000元可升級為金卡會員，金卡會員享九折優惠。積分於每年12月31日清零。",
)  # fmt: skip
RETURNS_EN = Passage(
    f"{_BASE}/returns-en", "r1", "Returns",
    "You can return most items within 7 days of delivery. Refunds are issued to the original "
    "payment method within 3 working days. Fresh food cannot be returned.",
)  # fmt: skip
ACCOUNT_EN = Passage(
    f"{_BASE}/account-en", "r1", "Your account",
    "To reset your password, open the sign-in page and choose Forgot password. We send a link that "
    "is valid for 30 minutes. Accounts that are not used for two years are deleted.",
)  # fmt: skip
HOURS_EN = Passage(
    f"{_BASE}/hours-en", "r1", "Opening hours",
    "Our support team answers from Monday to Friday, 9:00 to 18:00. On public holidays support is "
    "closed. You can always leave a message in the app.",
)  # fmt: skip

PASSAGES = (RETURNS, DELIVERY, INVOICE, KETTLE, MEMBERS, RETURNS_EN, ACCOUNT_EN, HOURS_EN)

TRUE = (
    ("退款会在收到退货后3个工作日内退回原支付方式。", RETURNS),
    ("您可以在签收后7天内申请无理由退货。", RETURNS),
    ("七天内可以无理由退货，但商品要保持完好。", RETURNS),
    ("定制商品不能退货。", RETURNS),
    ("生鲜类商品是不支持退货的哦。", RETURNS),
    ("收到您退回的商品后，三个工作日内退款原路返回。", RETURNS),
    ("退貨需在簽收後7天內，並保持商品完好。", RETURNS),
    ("江浙沪1到2天能到，其它地区三到五天。", DELIVERY),
    ("满99元包邮，否则收10元运费。", DELIVERY),
    ("订单不满99元的话，需要付10元运费。", DELIVERY),
    ("包裹由顺丰送出。", DELIVERY),
    ("您可以在订单详情页查看物流信息。", DELIVERY),
    ("快递是顺丰，物流可以在订单详情里看。", DELIVERY),
    ("您可以在订单详情页申请开票。", INVOICE),
    ("發票會在24小時內發送到您的郵箱。", INVOICE),
    ("点“申请开票”并填好抬头就可以开发票。", INVOICE),
    ("电子发票24小时内发到您邮箱里。", INVOICE),
    ("电水壶的价格是1299元，保修一年。", KETTLE),
    ("CK-200 的容量为1.7升，功率1800瓦。", KETTLE),
    ("保修期内维修免费，但人为损坏不包括在内。", KETTLE),
    ("这款水壶可以无线控制温度。", KETTLE),
    ("金卡会员可以享受九折优惠。", MEMBERS),
    ("消费满一千元就能升级金卡会员。", MEMBERS),
    ("積分會在每年12月31日清零。", MEMBERS),
    ("您的积分每年12月31日会清零，请及时使用。", MEMBERS),
    ("Refunds go back to your original payment method within 3 working days.", RETURNS_EN),
    ("You can return most items within seven days.", RETURNS_EN),
    ("Refunds take three working days.", RETURNS_EN),
    ("Fresh food is not returnable.", RETURNS_EN),
    ("Most items can be sent back within 7 days of delivery.", RETURNS_EN),
    ("Choose Forgot password on the sign-in page to reset it.", ACCOUNT_EN),
    ("The link we send you is valid for 30 minutes.", ACCOUNT_EN),
    (
        "You will get a link by which you can set a new password; it is valid for 30 minutes.",
        ACCOUNT_EN,
    ),
    ("We delete accounts that have not been used for two years.", ACCOUNT_EN),
    ("Support answers from Monday to Friday between 9 am and 6 pm.", HOURS_EN),
    ("Our team is closed on public holidays.", HOURS_EN),
    ("You can leave us a message in the app at any time.", HOURS_EN),
    ("Outside these hours, please leave a message in the app.", HOURS_EN),
)
"""What a model may well say, and the passage that says it."""

INVENTED = (
    ("退货的商品请寄到我们的仓库。", RETURNS),
    ("退款时会扣除包装费和手续费。", RETURNS),
    ("退款将以优惠券的形式返还。", RETURNS),
    ("生鲜商品支持退货。", RETURNS),
    ("定制商品可以退货。", RETURNS),
    ("退货运费由我们全部承担。", RETURNS),
    ("商品拆封后也可以无理由退换。", RETURNS),
    ("配送员会提前打电话与您预约。", DELIVERY),
    ("偏远地区需要您自己到网点取件。", DELIVERY),
    ("周末和节假日不安排送货。", DELIVERY),
    ("您也可以选择到店自提。", DELIVERY),
    ("纸质发票需要另付工本费。", INVOICE),
    ("发票抬头开错了可以作废重开。", INVOICE),
    ("增值税专用发票请联系财务部门办理。", INVOICE),
    ("水壶支持手机远程控制和语音助手。", KETTLE),
    ("该型号已经停产，建议购买新款。", KETTLE),
    ("人为损坏也可以免费维修。", KETTLE),
    ("保修需要提供购买时的包装盒。", KETTLE),
    ("金卡会员每月赠送生日礼包。", MEMBERS),
    ("积分可以兑换现金。", MEMBERS),
    ("会员可以邀请好友获得奖励。", MEMBERS),
    ("We charge a restocking fee for opened items.", RETURNS_EN),
    ("Fresh food can be returned.", RETURNS_EN),
    ("Returns have to be sent in the original box with the receipt.", RETURNS_EN),
    ("Refunds are paid out as store credit.", RETURNS_EN),
    ("You can exchange items in any of our stores.", RETURNS_EN),
    ("For your security we lock the account after several wrong attempts.", ACCOUNT_EN),
    ("You can also sign in with your fingerprint.", ACCOUNT_EN),
    ("Please call us to change the e-mail address of your account.", ACCOUNT_EN),
    ("Our support team answers in many languages.", HOURS_EN),
    ("You can reach us by phone around the clock.", HOURS_EN),
    ("Messages are answered within a few minutes by our chat robot.", HOURS_EN),
    ("We also repair bicycles for free.", HOURS_EN),
    ("我们还提供上门安装服务。", DELIVERY),
    ("本店所有员工都经过专业培训。", RETURNS),
)
"""What no passage says, and the passage that a model would cite for it."""
