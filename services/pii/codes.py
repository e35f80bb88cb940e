"""What has a form of its own: e-mail, Internet addresses, passports, licence plates."""

import ipaddress
import re
from collections.abc import Iterator

from services.pii.kinds import Found, Kind

_EMAIL = re.compile(
    r"[a-z0-9_][a-z0-9._%+-]{0,63}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}"
)

# With blanks around the sign, which is a word then ("meet me @ shop.com"): only where a provider of
# mailboxes stands behind it, or a word for mail before it.
_SPACED_EMAIL = re.compile(
    r"([a-z0-9_][a-z0-9._%+-]{0,63})(?: @ ?|@ )((?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24})(?![a-z0-9])"
)
_MAILBOXES = re.compile(
    r"(?:vip\.)?(?:qq|163|126|139|sina|sohu|foxmail|gmail|outlook|hotmail|live|yahoo|icloud|aliyun)"
    r"\.com(?:\.cn)?|189\.cn|yeah\.net|sina\.cn|(?:me|msn|aol)\.com|proton(?:mail)?\.(?:com|me)"
)
_CALLED_MAIL = re.compile(
    r"(?:邮箱|邮件|邮址|\be-?mail|\bmail)[^a-z0-9@]{0,8}(?:is |me at |at )?\Z"
)

_V4 = re.compile(r"(?:(?<![0-9a-z.])|(?<=ip))(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9a-z]|\.[0-9])")
_V6 = re.compile(r"(?<![0-9a-z:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![0-9a-z:]|\.[0-9])")
_VERSION = re.compile(r"(?:版本|固件|系统|version|firmware|release|build|ver)[^0-9]{0,4}\Z")
_REACH = 12
# RFC 4291: of IPv6 only these are handed out.
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
# Everybody has these at home; they are in manuals, not in anybody's way.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
         "192.168.0.0/16", "224.0.0.0/3"),
    )
)  # fmt: skip

# Ordinary passports of the mainland: E and G, since 2017 also E with a second letter.
_PASSPORT = re.compile("(?<![0-9a-z_-])(?:[eg][0-9]{8}|e[a-hj-np-z][0-9]{7})(?![0-9a-z_-])")
_NAMED_PASSPORT = re.compile(
    "(?:护照|通行证|台胞证|回乡证|passport)(?:证件)?(?:号码|号| ?no| ?number)?"
    "(?:[ :.#]|是|为|is){0,4}([a-z]{0,2}[0-9]{7,9})(?![0-9a-z])"
)

_PLATE = re.compile(
    "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使]"
    "[a-z][ ·.-]?(?=[a-z]{0,5}[0-9])(?:[a-z0-9]{5,6}|[a-z0-9]{4}[挂学警港澳领])(?![0-9a-z])"
)


def emails(plain: str) -> Iterator[Found]:
    """Find e-mail addresses in plain text."""
    if "@" in plain:
        for match in _EMAIL.finditer(plain):
            yield Found(*match.span(), Kind.EMAIL)
        for match in _SPACED_EMAIL.finditer(plain):
            before = plain[max(0, match.start() - _REACH) : match.start()]
            if _MAILBOXES.fullmatch(match[2]) or _CALLED_MAIL.search(before):
                yield Found(*match.span(), Kind.EMAIL)


def internet_addresses(plain: str) -> Iterator[Found]:
    """Find public Internet addresses in plain text; numbers of versions are none."""
    for form, sign in ((_V4, "."), (_V6, ":")):
        if plain.count(sign) < 2:
            continue
        for match in form.finditer(plain):
            before = plain[max(0, match.start() - _REACH) : match.start()]
            if _is_public(match[0]) and not _VERSION.search(before):
                yield Found(*match.span(), Kind.IP)


def documents(plain: str) -> Iterator[Found]:
    """Find passports, travel permits and licence plates in plain text."""
    for match in _NAMED_PASSPORT.finditer(plain):
        yield Found(*match.span(1), Kind.PASSPORT)
    for match in _PASSPORT.finditer(plain):
        yield Found(*match.span(), Kind.PASSPORT)
    if not plain.isascii():
        for match in _PLATE.finditer(plain):
            yield Found(*match.span(), Kind.PLATE)


def _is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if parsed.version == 6:
        return parsed in _PUBLIC_V6
    return not any(parsed in each for each in _PRIVATE)
