"""Phone numbers: mobiles of the mainland, landlines, other countries; all made up."""

import pytest

from services.pii import Kind
from tests.unit.pii.conftest import Checker


@pytest.mark.parametrize(
    "marked",
    [
        "我的手机号是«13800138000»",
        "打«138 0013 8000»找我",
        "打«138-0013-8000»找我",
        "打«138.0013.8000»找我",
        "打«1380013 8000»找我",
        "打«138 001 38000»找我",
        "打«1 3 8 0 0 1 3 8 0 0 0»找我",
        "call «+86-138-0013-8000» please",
        "call «+86 13800138000» please",
        "call «+8613800138000» please",
        "call «8613800138000» please",
        "call «86-13800138000» please",
        "call «008613800138000» please",
        "call «0086 138 0013 8000» please",
        "call «(+86)13800138000» please",
        "手机«１３８００１３８０００»不对",
        "手机«＋８６　１３８００１３８０００»不对",
        "手机«138\u200b0013\u200b8000»不对",
        "手機號碼«19912345678»，謝謝",
        "«15912345678»",
        "«15912345678»和«17712345678»都打不通",
        "«15912345678»、«17712345678»",
        "«15912345678» «17712345678»",
        "«159 1234 5678» «177 1234 5678»",
        "«15912345678»/«17712345678»",
        "«15912345678»-«17712345678»",
        "tel«15912345678»",
        "phone«15912345678»",
        "微信同号wx«15912345678»",
        "电话:«15912345678»元旦前打",
        "(«15912345678»)",
        "a，«15912345678»。",
        "回电«16612345678»!",
        "打«15912345678»转张三",
        "号码«15912345678»\n«17712345678»",
        "20231108-«15912345678»",
        "打«138/1234/5678»找我",
        "我的号«一三八一二三四五六七八»",
        "打«幺三八零零幺三八〇〇〇»找我",
        "打«一三八 零零一三 八零零零»找我",
    ],
)
def test_mobile_numbers_are_found(check: Checker, marked: str) -> None:
    """With the country's code or without, grouped in any way, full width, glued to words."""
    check(marked, Kind.MOBILE)


@pytest.mark.parametrize(
    "text",
    [
        "我拨打的是12345678901",
        "我拨打的是1380013800",  # ten digits
        "我拨打的是138001380001",  # twelve
        "我拨打的是10086",
        "我拨打的是95588",
        "我拨打的是400-800-1234",
        "我拨打的是4008001234",
        "拨打800 810 1234",
        "call 1-800-555-0100 or 888-555-0100",
        "型号a15912345678b",
        "SF15912345678",
        "编号ab15912345678",
        "15912345678abc",
        "坐标116.15912345678",
        "金额15912345678.00元",
        "尺寸15 120 300 450",
        "日期2023-11-08 12:30",
        "2023-11-08",
        "下单日期20231111",
        "验证码482913",
        "尾号8821",
        "1299.00元",
        "3-5天到货",
        "单号12-15912345-678",
        "比分1:3",
        "第159页12345678",
        "10000000000",
        "尺寸150/1200/3000",
        "13/8123/45678",
        "2023/11/08",
        "021/6234/5678",
        "一三八一二三四五六七八九",  # twelve
        "零一三八一二三四五六七八",
        "一三八一二三四五六七",  # ten
        "一二三四五六七八九十",
    ],
)
def test_other_numbers_are_no_mobiles(check: Checker, text: str) -> None:
    """Never inside a longer number or a code; service lines are everybody's."""
    check(text, Kind.MOBILE)


@pytest.mark.parametrize(
    "marked",
    [
        "座机«010-62345678»",
        "座机«(010)62345678»",
        "座机«010 6234 5678»",
        "座机«01062345678»",
        "座机«0755-86123456»转财务",
        "座机«0755-86123456转801»",
        "座机«0755-86123456-801»",
        "座机«0571-8612345»",
        "座机«＋８６－２１－６２３４５６７８»",
        "«+86 10 6234 5678»",
        "«86-755-86123456»",
        "«0086-10-62345678»",
        "call «+1 (555) 010-3666» or «1.555.010.3666»",
        "固话«021-62345678»，谢谢",
        "电话«62345678»",
        "电话是«6234567»",
        "my phone number is «62345678»",
        "香港«852-91234567»",
        "香港«+852 9123 4567»",
        "澳门«853 6612 3456»",
        "my number is «(555) 010-0314»",
        "call me at «555-010-0314».",
        "call me at «555.010.0314»",
        "call me at «555 010 0314»",
        "call «+1 415 555 2671»",
        "call «+1-415-555-2671»",
        "call «1-415-555-2671»",
        "call «+44 20 7946 0958» now",
        "my phone is «4155552671»",
    ],
)
def test_landlines_and_numbers_abroad_are_found(check: Checker, marked: str) -> None:
    """With an area code, with a plus, or where the word before says that it is a phone."""
    check(marked, Kind.PHONE)


@pytest.mark.parametrize(
    "text",
    [
        "订单62345678",
        "62345678",
        "电话20231111",  # a day
        "来电95588",
        "4155552671",
        "200 300 4000",
        "5+12345",
        "010",
        "型号0755-A123",
        "编号0012-345-678",
    ],
)
def test_other_numbers_are_no_landlines(check: Checker, text: str) -> None:
    """Seven or eight bare digits are anything."""
    check(text, Kind.PHONE)


@pytest.mark.parametrize(
    "marked",
    ["my SSN is «959-42-5632»", "SSN: «123456789»", "social security «123 45 6789»"],
)
def test_social_security_numbers_are_found(check: Checker, marked: str) -> None:
    """Hyphens in the usual places, or its name before it."""
    check(marked, Kind.SSN)


@pytest.mark.parametrize(
    "text",
    ["000-12-3456", "666-12-3456", "123-00-4567", "123-45-0000", "123456789", "123 45 6789"],
)
def test_other_numbers_are_no_social_security_numbers(check: Checker, text: str) -> None:
    """No office issues the parts of zeros, nor 666."""
    check(text, Kind.SSN)
