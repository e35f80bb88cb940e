"""Identity numbers: 18 digits with region, birthday and check character; 15 digits of before 1999.

All are made up; the check characters were computed by GB 11643-1999.
"""

import pytest

from services.pii import Kind
from tests.unit.pii.conftest import Checker


@pytest.mark.parametrize(
    "marked",
    [
        "身份证«11010519491231002X»",  # the example of the standard
        "身份证«11010519491231002x»丢了怎么办",
        "身份證號碼是«11010519491231002X»，麻煩查一下",
        "证件号:«310115199202291234»",  # a leap day
        "我的是«440305200101010010»吗",
        "«659001197511302404»",
        "my id is «42010619870516002X», please check",
        "ID:«42010619870516002X».",
        "台湾居民居住证«830000198808081183»",
        "外国人永久居留证«932156198505073162»",
        "老人的证«350203189906150219»还能用吗",
        "全角的«４４０３０５２００１０１０１００１０»也是",
        "分开写«440305 20010101 0010»可以",
        "分开写«440305-2001-0101-0010»可以",
        "分开写«110105 19491231 002X»可以",
        "他的«440305200101010010»和我的«659001197511302404»",
        "他的«440305200101010010»/«659001197511302404»",
        "【«440305200101010010»】实名失败",
        "身份证«440305200101010010»手机别动",
        "旧证号«110105491231002»已失效",
        "老身份证«320102650708123»",
        "«110105491231002»换成了«11010519491231002X»",
        "身份证号码(«440305200101010010»)",
        "身份证号码“«440305200101010010»”",
        "身份证«11010519491231002 X»",
        "身份证«110105 19491231 002-x»丢了",
        "一个一个念：«4 4 0 3 0 5 2 0 0 1 0 1 0 1 0 0 1 0»",
        "«1 3 0 1 0 2 1 9 9 0 0 3 0 7 1 2 3 3»",  # a mobile number's form at its beginning
        "«1 1 0 1 0 5 1 9 4 9 1 2 3 1 0 0 2 X»",
        "id«440305200101010010»",
        "my ID card«11010519491231002X»",
        "sfz«11010519491231002x»，谢谢",
    ],
)
def test_identity_numbers_are_found(check: Checker, marked: str) -> None:
    """Beside Chinese characters, with a small or capital X, in groups, full width."""
    check(marked, Kind.ID)


@pytest.mark.parametrize(
    "text",
    [
        "身份证110105194912310021",  # another check character
        "身份证440305200101010011",
        "身份证310115199002291234",  # 1990 had no such day
        "身份证160101199001010129",  # no such region
        "身份证230102209912120151",  # not born yet
        "身份证4403052001010100101",  # a digit more
        "身份证44030520010101001",  # a digit fewer
        "单号A440305200101010010B",
        "编码440305200101010010abc",
        "11010519491231002XY",
        "旧证号110105491331002",  # a thirteenth month
        "旧证号990105491231002",
        "流水号110105491231002",  # its words say that it is another number
        "订单号202311080012345678还没发货",
        "20231108 0012 345678",
        "440305.200101010010",
        "440305/20010101/0010",
        "11010519491231002  X",  # two blanks
        "11010519491231002 XL码",
        "订单so440305200101010010",  # letters that do not lead to it
        "id440305200101010011",
        "4 4 0 3 0 5 2 0 0 1 0 1 0 1 0 0 1 1",
    ],
)
def test_what_breaks_a_rule_is_none(check: Checker, text: str) -> None:
    """A number of 18 digits is an identity number by its check character, not by its length."""
    check(text, Kind.ID)
