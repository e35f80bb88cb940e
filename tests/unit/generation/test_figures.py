"""Figures are found and compared whatever they are written like, in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.figures import Figures, figures
from services.generation.numerals import with_digits


def supported(answer: str, *sources: str) -> bool:
    """Whether each figure of the answer stands in a source."""
    return not figures(answer).missing_in([figures(each) for each in sources])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("三十天", "30天"),
        ("30 天", "thirty days"),
        ("３０天", "30日"),
        ("a 30-day return", "30 days"),
        ("¥1,299.00", "1299元"),
        ("1299 CNY", "一千二百九十九元"),
        ("1.5万元", "15,000 yuan"),
        ("两万元", "20000块"),
        ("百分之二十", "20%"),
        ("20 percent", "２０％"),
        ("九折", "9折"),
        ("三点五折", "3.5折"),
        ("3至5个工作日", "3-5 working days"),
        ("三到五個工作日", "3~5 business days"),
        ("一个月", "1 month"),
        ("24小时", "twenty-four hours"),
        ("一小时", "one hour"),
        ("2024年5月1日", "May 1, 2024"),
        ("2024-05-01", "1st of May 2024"),
        ("五月一日", "5月1号"),
        ("二零二四年五月一日", "2024/5/1"),
        ("上午九点半", "9:30 am"),
        ("下午六点", "18:00"),
        ("晚上8点", "8 p.m."),
        ("周一", "星期一"),
        ("周日", "Sundays"),
        ("PPR-9087", "ppr9087"),
        ("ＰＰＲ－９０８７", "PPR_9087"),
        ("400-820-8820", "400-820-8820。"),
        ("https://shop.example/a.", "见https://shop.example/a"),
        ("Help@Shop.example", "help@shop.example"),
        ("https://www.shop.example/", "shop.example"),
        ("12306.cn", "https://12306.cn"),
        ("半个月", "0.5个月"),
        ("两个半小时", "2.5小时"),
        ("三天半", "3.5天"),
        ("半价", "5折"),
        ("运费的一半", "运费的50%"),
        ("half an hour", "半小时"),
        ("half the price", "50%"),
        ("within a week", "1周内"),
        ("a fortnight", "14 days"),
        ("a dozen", "12"),
        ("two hundred yuan", "二百元"),
        ("a hundred yuan", "100元"),
        ("三分之一", "one third"),
        ("俩工作日", "two working days"),
        ("人民币壹仟贰佰叁拾肆元整", "1234元"),
        ("伍拾元", "50 yuan"),
        ("第五个工作日", "the fifth working day"),
        ("次日", "第二天"),
        ("当天", "当日"),
        ("the next day", "明天"),
        ("v2.0", "V2.0。"),
        ("4008208820", "400-820-8820"),
        ("400 820 8820", "400-820-8820"),
        ("9时至18时", "9:00-18:00"),
        ("上午9点到下午6点", "9:00-18:00"),
        ("9到18点", "9:00-18:00"),
        ("周末", "周六、周日"),
        ("星期一到星期三", "Monday, Tuesday and Wednesday"),
        ("10秒", "10 seconds"),
        ("3次", "3 times"),
        ("3倍", "3 times the price"),
        ("10英镑", "£10"),
        ("1周", "7天"),
        ("半小时", "30 minutes"),
        ("一小时", "60分钟"),
        ("three years", "36个月"),
        ("1 litre", "1,000 ml"),
        ("1.5公斤", "1500克"),
        ("95折", "9.5折"),
        ("下午 4 点", "16:00"),
        ("the 18th", "18"),
    ],
)
def test_the_same_figure_written_in_two_ways(one: str, other: str) -> None:
    """Each supports the other."""
    assert figures(one) != Figures()
    assert supported(one, other)
    assert supported(other, one)


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("30天", "3天"),
        ("3天", "3个工作日"),
        ("3 days", "3 hours"),
        ("1299元", "1299美元"),
        ("1,299.50", "1,299"),
        ("20%", "20元"),
        ("九折", "九元"),
        ("2024年5月1日", "5月1日"),
        ("5月2日", "5月1日"),
        ("May 1", "May 2"),
        ("9:30", "9:00"),
        ("9 am", "9 pm"),
        ("周一", "周二"),
        ("PPR-9088", "PPR-9087"),
        ("CK200", "200"),
        ("见 https://evil.example", "见 https://shop.example"),
        ("a@shop.example", "b@shop.example"),
        ("四十天", "没有期限"),
        ("请在evil.cn提交", "请在官网提交"),
        ("fake-shop.com", "shop.com"),
        ("t.cn/abc", "t.cn"),
        ("service@evil", "service@shop.example"),
        ("service @ evil.cn", "service@shop.cn"),
        ("半个月", "3个工作日，2个月"),
        ("十几个工作日", "10个工作日"),
        ("俩工作日", "3个工作日"),
        ("第五个工作日", "3个工作日"),
        ("半价", "9折"),
        ("三分之一", "3个工作日，1年"),
        ("当天", "3个工作日"),
        ("明天", "3天"),
        ("overnight", "3 days"),
        ("a dozen working days", "3 working days"),
        ("the third working day", "5 working days"),
        ("half a day", "3 days"),
        ("within an hour", "within 3 hours"),
        ("a fortnight", "3 days"),
        ("伍拾元", "10元"),
        ("3秒", "3天"),
        ("3个世纪", "3天"),
        ("3个季度", "3天"),
        ("3倍", "3次"),
        ("v2.9", "v2.0"),
        ("周末9:00-18:00", "周一至周五9:00-18:00"),
        ("周六", "Monday to Friday"),
        ("每周一次", "每月一次"),
        ("一个月", "30天"),
        ("3个工作日", "72小时"),
        ("1小时", "1分钟"),
        ("next month", "the next day"),
        ("half of the order", "20% of the order"),
    ],
)
def test_another_figure_is_not_supported(answer: str, source: str) -> None:
    """Another value, another unit, more than the source says."""
    assert not supported(answer, source)


def test_a_source_may_say_more_than_the_answer() -> None:
    """A date without its year, a number without its unit, a time without its half of the day."""
    assert supported("5月1日", "2024年5月1日")
    assert supported("3", "3个工作日")
    assert supported("时效3天", "| 时效(天) | 3 |")
    assert supported("9点", "上午9:00")
    assert supported("享受95折", "会员减5%")
    assert supported("周三", "周一至周五")
    assert supported("周末9:00-18:00", "每天9:00-18:00")
    assert supported("shop.example", "https://shop.example/help?from=app")


def test_figures_may_come_from_several_sources() -> None:
    """One from the question, the other from a passage."""
    assert supported("订单SO1在3天内送达", "订单 SO1 呢？", "3天送达")
    assert not supported("订单SO1在3天内送达", "订单 SO1 呢？", "4天送达")


@pytest.mark.parametrize(
    "text",
    [
        "第一时间为您处理",
        "万一有问题，请统一联系我们",
        "十分满意，千万别客气",
        "一下、一些、一般、一起、一位同事、一个问题",
        "one of our colleagues, no one else",
        "第一天、第一次、第三方、大陆、队伍、线上百货、半成品、多半",
        "a third party, a second opinion, half of our customers, in a second",
        "e.g. this, i.e. that, etc. and so on",
        "1. 首先\n2. 其次",
        "(1) First\n2) second",
        "",
    ],
)
def test_words_that_count_nothing_are_no_figures(text: str) -> None:
    """Numerals hide in many Chinese words, and lists count themselves."""
    assert figures(text) == Figures()


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("十", "十"),
        ("十天", "10天"),
        ("二十一天", "21天"),
        ("一百零五元", "105元"),
        ("三万五千元", "35000元"),
        ("一亿二千万元", "120000000元"),
        ("twenty one days", "21 days"),
        ("one day", "1 day"),
        ("ninety-nine", "99"),
    ],
)
def test_words_become_digits(written: str, digits: str) -> None:
    """In both languages; a lone 十 may be part of a word."""
    assert with_digits(written) in (digits, digits.replace("十", "10"))


@given(st.integers(0, 10**8))
def test_grouping_changes_no_number(value: int) -> None:
    """1,299 is 1299 is 1299.00."""
    assert supported(f"{value:,}元", f"{value}元")
    assert supported(f"{value}元", f"{value:,}.00元")


@given(st.text(alphabet="0123456789,.:-/@年月日点时万一三十百分之第半几个元天am pPR", max_size=30))
def test_no_text_is_too_odd(text: str) -> None:
    """Whatever a model writes, its figures are found again in the same words."""
    assert supported(text, text)
