"""Numbers of people: identity, phones, bank cards. Groups of digits are read as one number.

A text is cut into its groups of digits. Neighbours with nothing but blanks, hyphens, dots, brackets
or a slash between them may be one number, so that each stretch of groups is asked what it is; a
group is taken whole or not at all.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from services.pii.checks import is_card, is_date, is_id, is_old_id
from services.pii.kinds import Found, Kind

_GROUP = re.compile("[0-9]+")
_GAP = re.compile("[ .()_-]{1,3}|/")
_MOST_DIGITS = 19
_FEWEST_DIGITS = 7
# A card has five; only mobile and identity numbers are written digit by digit.
_MOST_GROUPS = 6

_MOBILE = re.compile("(?:(?:00)?86)?(1[3-9][0-9]{9})")
# Area code and number of a landline: 010 and 02x have eight digits, the others seven or eight.
_LANDLINE = re.compile("(0(?:10|2[0-57-9]))([1-9][0-9]{7})|(0[3-9][0-9]{2})([1-9][0-9]{6,7})")
_ABROAD = re.compile("(?:852|853)[0-9]{8}|8869?[0-9]{8}")
_FROM_ABROAD = re.compile("(?:00)?86(?:10|2[0-57-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}")
_NORTH_AMERICAN = re.compile("1?[2-9][0-9]{9}")
# Called by everybody, so they say nothing about anybody: 400 and 800 numbers.
_TOLL_FREE = re.compile("1?(?:400|8(?:00|22|33|44|55|66|77|88))")
_SOCIAL = re.compile("(?!000|666)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}")
_EXTENSION = re.compile(r" ?(?:-|转|分机|ext\.? ?|x) ?[0-9]{1,6}(?![0-9])")

_ID_LENGTH = 18
_CHECK_X = re.compile("[ -]?x")

# Eleven digits as they are said; 幺 is said for 一. A longer run is another number.
_SAID = "〇零幺一二三四五六七八九"
_SPOKEN = re.compile(
    rf"(?<![{_SAID}])[幺一](?:[ -]?[三四五六七八九])(?:[ -]?[{_SAID}]){{9}}(?![{_SAID}])"
)

# How far before a number the word that says what it is may stand.
_REACH = 16
_BEHIND = r"[^0-9]{0,8}\Z"
_CALLED_CARD = re.compile(f"(?:卡|账户|账号|帐号|帐户|card|account|acct){_BEHIND}")
_CALLED_CODE = re.compile(
    "(?:订单|单号|流水|条码|条形码|发票|快递|物流|运单|编号|编码|序列|工单|商品|order|tracking|invoice"
    f"|serial|barcode|imei|isbn|sku|ticket|transaction){_BEHIND}"
)
_CALLED_PHONE = re.compile(
    "(?:电话|座机|固话|手机|致电|回电|联系方式|phone|call|tel|cell|mobile|fax|whatsapp)"
    r"(?:号码|号)?(?:[ :.,#]|是|为|me|at|on|us|no|number|is){0,6}\Z"
)
_CALLED_SOCIAL = re.compile(rf"(?:\bssn|social security){_BEHIND}")
# Words that may touch a number; other letters before digits make a code of both.
_PHONE_WORD = re.compile(r"(?<![a-z])(?:tel|phone|mobile|mob|cell|call|no|wechat|wx|vx|at|is)\Z")
_ID_WORD = re.compile(r"(?<![a-z])(?:id|id ?card|identity|no|number|sfzh?|shenfenzheng|is)\Z")


class _Stretch(NamedTuple):
    """Neighbouring groups of digits, read as one number."""

    plain: str
    groups: Sequence[tuple[int, int]]
    digits: str

    @property
    def start(self) -> int:
        return self.groups[0][0]

    @property
    def end(self) -> int:
        return self.groups[-1][1]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(end - start for start, end in self.groups)

    @property
    def gaps(self) -> list[str]:
        return [self.plain[left[1] : right[0]] for left, right in pairwise(self.groups)]

    def called(self, what: re.Pattern[str]) -> bool:
        """Whether the words before it say so."""
        return bool(what.search(self.plain[max(0, self.start - _REACH) : self.start]))

    def spaced(self, signs: str) -> bool:
        """Whether nothing but these signs stands between the groups."""
        return all(set(gap) <= set(signs) for gap in self.gaps)


def numbers(plain: str) -> Iterator[Found]:
    """Find numbers of people in plain text, left to right, disjoint."""
    groups = [match.span() for match in _GROUP.finditer(plain)]
    first = 0
    while first < len(groups):
        found, count = _longest(plain, groups, first)
        if found:
            yield found
        first += count


def spoken(plain: str) -> Iterator[Found]:
    """Find mobile numbers in plain text that are written in Chinese digits."""
    for match in _SPOKEN.finditer(plain):
        yield Found(*match.span(), Kind.MOBILE)


def _longest(plain: str, groups: list[tuple[int, int]], first: int) -> tuple[Found | None, int]:
    """Return the longest number that begins with a group, and how many groups it has."""
    best: tuple[Found | None, int] = (None, 1)
    digits = ""
    for last in range(first, len(groups)):
        start, end = groups[last]
        if last > first and not _GAP.fullmatch(plain, groups[last - 1][1], start):
            break
        digits += plain[start:end]
        if len(digits) > _MOST_DIGITS:
            break
        count = last - first + 1
        if len(digits) < _FEWEST_DIGITS or (count > _MOST_GROUPS and not _by_digit(digits, count)):
            continue
        if found := _read(_Stretch(plain, groups[first : last + 1], digits)):
            best = found, count
    return best


def _by_digit(digits: str, count: int) -> bool:
    """Whether so many groups may be a number that is written digit by digit, or nearly so."""
    return bool(_MOBILE.fullmatch(digits)) or (
        count == len(digits) and _ID_LENGTH - count in (0, 1)
    )


def _read(stretch: _Stretch) -> Found | None:
    plain, start, end = stretch.plain, stretch.start, stretch.end
    if _beside_a_decimal(plain, start, end) or not _begins_alone(stretch):
        return None
    if len(stretch.digits) == 17 and (check := _CHECK_X.match(plain, end)):
        alone = not _joins(plain, check.end()) and "/" not in stretch.gaps
        return Found(start, check.end(), Kind.ID) if alone and _is_proved(stretch) else None
    if _joins(plain, end):
        return None
    if len(stretch.groups) > 1 and _beside_a_hyphen(plain, start, end):
        return _with_extension(stretch)
    kind = _kind(stretch)
    if not kind:
        return None
    if kind is Kind.PHONE and (extended := _with_extension(stretch)):
        return extended
    return Found(_opening(stretch), end, kind)


def _kind(stretch: _Stretch) -> Kind | None:
    count = len(stretch.digits)
    if _is_identity(stretch, count):
        return Kind.ID
    if _is_mobile(stretch):
        return Kind.MOBILE
    if "/" in stretch.gaps:
        return None
    if stretch.plain[stretch.start - 1 : stretch.start] == "+" and 8 <= count <= 15:
        return Kind.PHONE
    if count >= 13 and _is_bank_card(stretch):
        return Kind.CARD
    if _is_social(stretch):
        return Kind.SSN
    return Kind.PHONE if _is_phone(stretch) else None


def _is_identity(stretch: _Stretch, count: int) -> bool:
    if count not in (15, _ID_LENGTH) or not stretch.spaced(" -"):
        return False
    if count == _ID_LENGTH:
        return is_id(stretch.digits) and (min(stretch.sizes) >= 3 or max(stretch.sizes) == 1)
    if min(stretch.sizes) < 3:
        return False
    return is_old_id(stretch.digits) and not stretch.called(_CALLED_CODE)


def _is_proved(stretch: _Stretch) -> bool:
    """Whether it is an identity number of 18 by its check character, digit or x behind it."""
    check = "x" if _CHECK_X.match(stretch.plain, stretch.end) else ""
    number = stretch.digits + check
    return len(number) == _ID_LENGTH and is_id(number)


def _is_mobile(stretch: _Stretch) -> bool:
    match = _MOBILE.fullmatch(stretch.digits)
    if not match:
        return False
    sizes, prefix = list(stretch.sizes), match.start(1)
    while sizes and prefix >= sizes[0]:
        prefix -= sizes.pop(0)
    sizes[0] -= prefix
    if "/" in stretch.gaps:
        return _is_slashed(stretch)
    one_by_one = max(sizes) == 1
    return len(sizes) == 1 or one_by_one or (sizes[0] >= 3 and min(sizes) >= 2)


def _is_slashed(stretch: _Stretch) -> bool:
    """Whether groups are cut as a mobile number is; 150/1200/3000 are measures or prices."""
    cut = stretch.sizes == (3, 4, 4) and set(stretch.gaps) == {"/"}
    return cut and not stretch.digits[6] == stretch.digits[10] == "0"


def _is_bank_card(stretch: _Stretch) -> bool:
    whole = len(stretch.groups) == 1
    if not whole and (not stretch.spaced(" -") or min(stretch.sizes[:-1]) < 3):
        return False
    named = stretch.called(_CALLED_CARD)
    if not named and stretch.called(_CALLED_CODE):
        return False
    return is_card(stretch.digits, named=named)


def _is_social(stretch: _Stretch) -> bool:
    if not _SOCIAL.fullmatch(stretch.digits):
        return False
    if stretch.sizes == (3, 2, 4) and stretch.spaced("-"):
        return True
    return stretch.sizes in ((9,), (3, 2, 4)) and stretch.called(_CALLED_SOCIAL)


def _is_phone(stretch: _Stretch) -> bool:
    digits, sizes, gaps = stretch.digits, stretch.sizes, stretch.gaps
    if _is_landline(stretch):
        return True
    if _ABROAD.fullmatch(digits):
        return len(sizes) > 1 and sizes[0] == 3
    if _FROM_ABROAD.fullmatch(digits):
        return len(sizes) > 1 and sizes[0] in (2, 4)
    if _NORTH_AMERICAN.fullmatch(digits) and not _TOLL_FREE.match(digits):
        grouped = sizes in ((3, 3, 4), (1, 3, 3, 4))
        certain = grouped and (set(gaps[-1]) & set("-.") or ")" in gaps[-2])
        return bool(certain) or ((grouped or sizes == (10,)) and stretch.called(_CALLED_PHONE))
    local = sizes in ((7,), (8,), (4, 4), (3, 4)) and digits[0] in "2345678"
    return local and not is_date(f"{digits:0<8}") and stretch.called(_CALLED_PHONE)


def _is_landline(stretch: _Stretch) -> bool:
    match = _LANDLINE.fullmatch(stretch.digits)
    if not match:
        return False
    area, local = (part for part in match.groups() if part)
    if len(stretch.groups) == 1:
        # Without a sign between them a real number has to be there: none begins with 1 or 9.
        return local[0] in "2345678"
    return stretch.sizes[0] == len(area) and min(stretch.sizes[1:]) >= 3


def _with_extension(stretch: _Stretch) -> Found | None:
    extension = _EXTENSION.match(stretch.plain, stretch.end)
    if not extension or not _is_landline(stretch):
        return None
    return Found(_opening(stretch), extension.end(), Kind.PHONE)


def _opening(stretch: _Stretch) -> int:
    """Return where a number begins: a plus and a bracket that closes inside belong to it."""
    plain, start = stretch.plain, stretch.start
    if plain[start - 1 : start] == "+":
        start -= 1
    closes = stretch.gaps and ")" in stretch.gaps[0] and "(" not in stretch.gaps[0]
    return start - 1 if closes and plain[start - 1 : start] == "(" else start


def _begins_alone(stretch: _Stretch) -> bool:
    """Whether no letter touches it, but for the words that lead to such a number."""
    before = stretch.plain[max(0, stretch.start - _REACH) : stretch.start]
    if not before or not _is_letter(before[-1]):
        return True
    if _ID_WORD.search(before) and _is_proved(stretch):
        return True
    return bool(_PHONE_WORD.search(before)) and _is_mobile(stretch)


def _joins(plain: str, place: int) -> bool:
    return place < len(plain) and (_is_letter(plain[place]) or plain[place].isdigit())


def _is_letter(character: str) -> bool:
    return character == "_" or "a" <= character <= "z"


def _beside_a_decimal(plain: str, start: int, end: int) -> bool:
    """Whether it is a part of a number with a point, such as a coordinate or an amount."""
    return (plain[start - 1 : start] == "." and plain[start - 2 : start - 1].isdigit()) or (
        plain[end : end + 1] == "." and plain[end + 1 : end + 2].isdigit()
    )


def _beside_a_hyphen(plain: str, start: int, end: int) -> bool:
    """Whether groups on either side are tied to it, as in a longer code."""
    return (plain[start - 1 : start] == "-" and plain[start - 2 : start - 1].isdigit()) or (
        plain[end : end + 1] == "-" and plain[end + 1 : end + 2].isdigit()
    )
