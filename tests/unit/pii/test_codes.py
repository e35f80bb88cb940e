"""E-mail, Internet addresses, passports, plates: what has a form of its own; all made up."""

import pytest

from services.pii import Kind
from tests.unit.pii.conftest import Checker


@pytest.mark.parametrize(
    "marked",
    [
        "发到«Li.Lei+shop@example.com.cn»谢谢",
        "邮箱«li_lei@example.com»，谢谢",
        "邮箱«li.lei＠example．com»",
        "邮箱是«10086@example.com»",
        "please email me at «user-1@mail.example.org».",
        "<«a@example.io»>",
        "«a@example.com»;«b@example.com»",
        "mailto:«a@example.com»",
        "我的邮箱«13800138000@example.com»",
        "«USER@EXAMPLE.COM»",
        "«o_neil@example.com»",
        "«x%y@sub-domain.example.museum»",
        "«zhang @ qq.com»",
        "发到«zhang @163.com»谢谢",
        "邮箱是«zhang@ shop.example.cn»",
        "my e-mail is «li.lei @ example.com».",
    ],
)
def test_e_mail_addresses_are_found(check: Checker, marked: str) -> None:
    """Glued to Chinese words, full width; a mobile number in one belongs to it."""
    check(marked, Kind.EMAIL)


@pytest.mark.parametrize(
    "text",
    [
        "contact: user@",
        "contact: @example.com",
        "user at example",
        "a@b",
        "@客服",
        "a@b.c",
        "价格@100元",
        "@someone.else",
        "关注我们 @ weibo.com",
        "meet me @ shop.com",
        "zhang  @  qq.com",
        "价格 100 @ 客服",
    ],
)
def test_an_at_sign_alone_is_no_address(check: Checker, text: str) -> None:
    """It takes a name before it and a domain behind it."""
    check(text, Kind.EMAIL)


@pytest.mark.parametrize(
    "marked",
    [
        "登录IP «8.8.8.8» 异常",
        "登录IP«203.0.113.7»异常",
        "from «198.51.100.23».",
        "http://«203.0.113.7»:8080/",
        "ipv6 «2001:db8::1» 异常",
        "[«2001:db8:0:0:0:0:2:1»]",
    ],
)
def test_internet_addresses_are_found(check: Checker, marked: str) -> None:
    """Both versions of the protocol."""
    check(marked, Kind.IP)


@pytest.mark.parametrize(
    "text",
    [
        "路由器192.168.1.1打不开",
        "127.0.0.1",
        "掩码255.255.255.0",
        "10.0.0.5",
        "999.1.1.1",
        "版本2.13.10.1",
        "version 1.2.3.4",
        "v1.2.3.4",
        "1.2.3.4.5",
        "App版本v2.13.10",
        "12:30:45",
        "std::vector",
        "::1",
        "fe80::1",
        "ffff:ffff::",
        "比例1:2:3",
    ],
)
def test_versions_times_and_addresses_of_everybody_are_none(check: Checker, text: str) -> None:
    """Private networks stand in manuals."""
    check(text, Kind.IP)


@pytest.mark.parametrize(
    "marked",
    [
        "护照号«E12345678»",
        "护照«G98765432»过期了",
        "«e12345678»",
        "护照号码是«EA1234567»",
        "passport «E12345678»",
        "my passport number is «AB1234567»",
        "passport no. «123456789»",
        "港澳通行证«C12345678»",
        "护照号:«P1234567»",
        "台胞证号«12345678»",
    ],
)
def test_passports_and_permits_are_found(check: Checker, marked: str) -> None:
    """By the form of the mainland's passports, or by the word before them."""
    check(marked, Kind.PASSPORT)


@pytest.mark.parametrize(
    "text", ["型号X12345678", "E1234567", "E123456789", "AE12345678", "E12345678-B", "护照怎么办"]
)
def test_other_codes_are_no_passports(check: Checker, text: str) -> None:
    """A letter and eight digits, and no more."""
    check(text, Kind.PASSPORT)


@pytest.mark.parametrize(
    "marked",
    [
        "车牌«粤B12345»的停车费",
        "车牌«京A·D1234»",
        "车牌«沪AD12345»新能源",
        "车牌«粤b12345»",
        "«浙A 3R0KP»",
        "«苏E1234学»在哪",
        "«粤Z1234港»",
        "我的车是«新A12345»",
    ],
)
def test_licence_plates_are_found(check: Checker, marked: str) -> None:
    """With a dot or blank, in small letters, of eight characters, of schools and trailers."""
    check(marked, Kind.PLATE)


@pytest.mark.parametrize("text", ["新ABCDEF", "京A1234", "粤B1234567", "云A", "贵州A12345"])
def test_other_words_are_no_plates(check: Checker, text: str) -> None:
    """A province, a letter, five or six characters with a digit."""
    check(text, Kind.PLATE)
