"""Postal addresses, Chinese and English.

A Chinese address is found from its house number: what stands before it is a street or an estate,
and the words before that are the way there. So it costs a look at the few characters around each
number with a unit, whatever the text.
"""

import re
from collections.abc import Iterator

from services.language.script import HAN
from services.pii.kinds import Found, Kind

_COUNT = "(?:[0-9]{1,5}(?:-[0-9]{1,4})?|[一二三四五六七八九十百零〇两]{1,4})"
# 3号 may be a day, a line or a window as well.
_NOT_A_HOUSE = "(?![线门店馆机位窗口柜台码仓桌])"
_HOUSE = re.compile(
    rf"(?:{_COUNT} ?(?:号楼|号院|号{_NOT_A_HOUSE}|弄|栋|幢|座(?!位)|单元"
    r"|[楼室](?!的))"
    r"|[a-z] ?[座栋幢])"
)
_DETAIL = re.compile(
    rf"(?:[ ,-]?(?:{_COUNT}|[a-z][0-9]{{0,4}}) ?(?:号楼|号院|号{_NOT_A_HOUSE}"
    "|单元|[栋幢座室楼层户房弄]))*"
    "(?:(?:(?<=[栋幢座楼层元])[ -]?[a-z]?|(?<=号)-?)[0-9]{3,4}(?![0-9]|[元块个件年月日点分岁]))?"
)
# Before 号, 弄, 号楼; the words in look-behinds end like a street and are none.
_STREET = (
    "(?:(?<![线电走思出半套条这那哪])路|大道|街道|(?<![知味频渠通管报])道|街|巷|胡同|(?<![农])村"
    "|小区|社区|花园|家园|公寓|大厦|山庄|公馆|别墅|苑|园区|科技园|工业园|产业园|软件园)"
)
# Before 栋, 座, 单元, 室 and 号楼 also what is too common a word before a bare number.
_ESTATE = f"(?:{_STREET}|广场|中心|大学|学院|医院|校区|宿舍|现代城|新城|城|府|湾|园|里|庄)"
_ENDS_IN_STREET = re.compile(rf"[{HAN}]{_STREET} ?\Z")
_ENDS_IN_ESTATE = re.compile(rf"[{HAN}a-z]{_ESTATE} ?\Z")

_PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南"
    "|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
_PROVINCE = re.compile(_PROVINCES)
# What leads to an address and is no part of one.
_LEADS = re.compile(
    "地址|住址|改成|改为|改到|换成|换到|成为|搬到|寄到|寄往|送到|送往|发到|发往|配送|收件|[是在到住寄送了的给]"
)
_WAY = re.compile(f"[{HAN}a-z]")
_NO_PLACE = "我你您他她它们家请就要想把帮从去"
_LONGEST_WAY = 40

# Without a house number it takes a city or province, a district, and a street or estate.
_REGION_SIGN = re.compile("[省市]|自治区")
_PLACE = f"(?:(?![在是到的了有没不和吗呢]) ?[{HAN}])"
_BELOW = re.compile(
    rf"(?: ?{_PLACE}{{1,6}}?(?:市|州|盟))?{_PLACE}{{1,5}}?(?:区|县|旗|镇|乡|街道)"
    rf"{_PLACE}{{1,10}}?(?:路|大道|街|巷|胡同|村(?!路)|小区|社区|花园|家园|公寓|大厦|苑(?!路)|山庄)"
)
_CITY_LENGTH = 4

_NAMED = re.compile(
    "(?:地址|住址)(?:[ :]|是|为|改成|改为|改到|换成|写){1,4}(?!是|不|在哪|怎)"
    f"((?:(?! ?(?:电话|手机|联系|收件|收货|邮编|tel|phone))[{HAN}0-9a-z()#· -]){{6,60}})"
)
_PART = re.compile("[省市区县镇乡村路街道巷号弄栋幢座楼室层院]")
_LEAST_PARTS = 2

_KINDS = (
    "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Square|Sq"
    "|Terrace|Parkway|Pkwy|Highway|Hwy|Way|Close|Crescent"
)
_DIGIT = re.compile("[0-9]")
_BEFORE_NUMBER = r"(?<![0-9A-Za-z.,$€£-])(?<![0-9$€£] )"
_ENGLISH = re.compile(
    rf"{_BEFORE_NUMBER}[0-9]{{1,5}}[A-Za-z]? (?:[NSEW]\.? )?"
    rf"(?:(?:[A-Z][A-Za-z.'’-]*|[0-9]{{1,3}}(?:st|nd|rd|th)) ){{1,4}}(?:{_KINDS})\b\.?"
    r"(?:,? (?:(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Room|Rm)\.? ?#?|#)[0-9A-Za-z-]{1,6})?"
    r"(?:, [A-Z][a-z][A-Za-z.'’-]*(?: [A-Z][a-z][A-Za-z.'’-]*){0,2})?"
    r"(?:,? [A-Z]{2}\b)?(?:,? (?:[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2})\b)?"
    r"|\bP\.?O\.? ?[Bb]ox [0-9]{1,6}"
)
_ENGLISH_LOWER = re.compile(
    r"(?<![0-9a-z.,$-])[0-9]{1,5} "
    r"(?!(?:the|a|this|that|your|our|my|per|more|other|same|one|of|on)\b)[a-z]+ "
    r"(?:street|st|avenue|ave|road|rd|lane)\b"
)


def addresses(plain: str, written: str) -> Iterator[Found]:
    """Find addresses; two of them may overlap and are one then.

    Args:
        plain: Plain text.
        written: The same, as it was written.
    """
    if not plain.isascii():
        for found in (_by_house, _by_region, _named):
            yield from (Found(*span, Kind.ADDRESS) for span in found(plain))
    if not _DIGIT.search(plain):
        return
    for text, pattern in ((written, _ENGLISH), (plain, _ENGLISH_LOWER)):
        for match in pattern.finditer(text):
            yield Found(*match.span(), Kind.ADDRESS)


def _by_house(plain: str) -> Iterator[tuple[int, int]]:
    """Find streets and estates with a number."""
    start = last = 0
    for house in _HOUSE.finditer(plain):
        if house.start() < last:
            continue
        begin = _way_to(plain, house.start(), last)
        way = plain[begin : house.start()]
        is_street = house[0].endswith(("号", "弄", "号楼", "号院"))
        ends = _ENDS_IN_STREET if is_street and not house[0].endswith("楼") else _ENDS_IN_ESTATE
        if ends.search(way):
            detail = _DETAIL.match(plain, house.end())
            # 文三路90号 and 软件园3号楼 behind it are parts of one address.
            start = start if last and begin == last else begin
            last = detail.end() if detail else house.end()
            yield start, last


def _way_to(plain: str, place: int, least: int) -> int:
    """Return where the words begin that lead to a house number at a place."""
    begin = place
    least = max(least, place - _LONGEST_WAY)
    while begin > least and (_WAY.match(plain[begin - 1]) or _is_joint(plain, begin - 1)):
        begin -= 1
    way = plain[begin:place]
    if province := _PROVINCE.search(way):
        return begin + province.start()
    for lead in _LEADS.finditer(way):
        if lead.end() < len(way) - 1:
            begin = place - len(way) + lead.end()
    while begin < place and plain[begin] in _NO_PLACE + " ,":
        begin += 1
    return begin


def _is_joint(plain: str, place: int) -> bool:
    """Whether a blank or comma stands between two parts of an address: 北京市 朝阳区."""
    return plain[place] in " ," and plain[place - 1 : place] in tuple("省市区县镇乡路街道")


def _by_region(plain: str) -> Iterator[tuple[int, int]]:
    """Find a city or province, a district, and a street or estate, without a number."""
    last = 0
    for sign in _REGION_SIGN.finditer(plain):
        if sign.start() < last:
            continue
        if below := _BELOW.match(plain, sign.end()):
            begin = _way_to(plain, sign.start(), max(last, sign.start() - _CITY_LENGTH))
            if begin < sign.start():
                last = below.end()
                yield (begin, last)


def _named(plain: str) -> Iterator[tuple[int, int]]:
    """Find what the text calls an address and what looks like one."""
    for match in _NAMED.finditer(plain):
        parts = len(_PART.findall(match[1]))
        if parts >= _LEAST_PARTS or (parts and any(map(str.isdigit, match[1]))):
            yield match.start(1), match.start(1) + len(match[1].rstrip())
