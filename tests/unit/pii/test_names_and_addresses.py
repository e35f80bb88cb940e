"""Names and addresses, where the words around them make them certain; all made up."""

import pytest

from services.pii import Kind
from tests.unit.pii.conftest import Checker


@pytest.mark.parametrize(
    "marked",
    [
        "我叫«张伟»，想退货",
        "我叫«王小明»我要退货",
        "姓名:«张三»",
        "姓名：«李小龙» 电话不变",
        "收件人：«李雷» 改一下",
        "收件人是«韩梅»，别寄错",
        "收貨人：«陳大文»",
        "收货人：«司马相如»",
        "联系人«赵敏»",
        "联系人«赵敏»电话多少",
        "姓名«赵敏»号码不对",
        "持卡人：«钱多多»",
        "户名:«孙悟空»",
        "«王女士»的订单",
        "我是«诸葛亮»，想退货",
        "my name is «Robert», cancel it",
        "my name's «Mary-Jane O'Neil Watson», hi",
        "Hi, I'm «John Smith» and it broke",
        "I am «Anna Maria Lopez»",
        "Recipient: «John Smith»",
    ],
)
def test_names_are_found(check: Checker, marked: str) -> None:
    """Behind the words that introduce them."""
    check(marked, Kind.NAME)


@pytest.mark.parametrize(
    "text",
    [
        "我是高级会员",
        "我是江苏的",
        "我是广东人",
        "我是新客户",
        "名字写错了怎么改",
        "姓名怎么改",
        "收件人写错了",
        "运费让收件人付行吗",
        "联系人方便吗",
        "name: its name in the table",
        "张三丰是谁",
        "my name is wrong on the invoice",
        "my name is going to change",
        "I'm American",
        "I am In a hurry",
        "I am VERY ANGRY NOW",
        "I'm waiting for My Order",
    ],
)
def test_words_are_no_names(check: Checker, text: str) -> None:
    """Without such words nothing is taken for a name."""
    check(text, Kind.NAME)


@pytest.mark.parametrize(
    "marked",
    [
        "地址是«中山路12号3单元402室»",
        "寄到，«北京市朝阳区建国路88号»",
        "寄到«北京市朝阳区建国路88号SOHO现代城A座1203室»谢谢",
        "我家在«杭州市西湖区文三路90号东部软件园3号楼201»",
        "改成«成都市武侯区科华北路65号»",
        "請寄到«臺北市信義區信義路5號»",
        "送到«上海市浦东新区世纪大道100号»吧",
        "我住«阳光花园3栋2单元501»",
        "我住在«幸福小区12号楼3单元»",
        "公司在«万达广场B座1203室»",
        "«和平路十二号»",
        "«广东省深圳市南山区科苑路»",
        "住«广东省 深圳市 南山区 科苑路15号»",
        "«长沙市岳麓区麓山南路»附近",
        "收货地址:«江苏省昆山市花桥镇绿地大道»",
        "地址改为«张家港杨舍镇农义村3组8号»",
        "地址电话：«上海市静安区南京西路1266号»",
        "«中关村大街27号» and «123 Main St, Springfield, IL 62701»",
        "寄到«绍兴市兰亭路 18 号» 3 号仓",
        "I live at «12 Baker Street»",
        "ship it to «221B Baker Street, London NW1 6XE» please",
        "at «22 W 5th Ave Apt 4B, New York, NY 10001» now",
        "«1600 Pennsylvania Avenue»",
        "send to «P.O. Box 1234»",
        "at «12 baker street»",
    ],
)
def test_addresses_are_found(check: Checker, marked: str) -> None:
    """From the province or street on, with all that follows the number of the house."""
    check(marked, Kind.ADDRESS)


@pytest.mark.parametrize(
    "text",
    [
        "哪条路近",
        "地铁2号线怎么走",
        "石家庄3号到货",
        "我知道3号到",
        "线路3号坏了",
        "这条路12号修好",
        "3号楼",
        "送到兰亭路3号仓",
        "买2件打8折",
        "收货地址怎么改",
        "地址写错了怎么办",
        "地址是哪里",
        "广东省能送到吗",
        "北京市朝阳区有门店吗",
        "超市在小区门口的路边",
        "我坐在后座3个小时",
        "I waited 20 minutes on the road",
        "a 2 hour Drive",
        "it cost $12 Main thing",
        "in 2 Ways",
    ],
)
def test_words_are_no_addresses(check: Checker, text: str) -> None:
    """A district or a city is nobody's home."""
    check(text, Kind.ADDRESS)
