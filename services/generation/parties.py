"""Who pays, as a sentence says it: the customer's side or the company's."""

import re
from enum import Enum

from services.language import fold


class Side(Enum):
    """A party to a purchase."""

    CUSTOMER = "customer"
    COMPANY = "company"


_CUSTOMER = r"您|你|顾客|客户|买家|用户|消费者|会员|\b(?:you|customers?|buyers?|members?)\b"
_COMPANY = (
    r"我们|我方|商家|卖家|本店|店铺|平台|公司|商城|小铺"
    r"|\b(?:we|us|sellers?|store|shop|company|merchants?)\b"
)
_PARTY = re.compile(f"(?P<customer>{_CUSTOMER})|(?P<company>{_COMPANY})")
_PAYS = re.compile(
    r"(?P<before>[^,;:。!?（）()]{0,24})(?:承担|支付|负担|\b(?:pays?|bears?|covers?)\b)"
    r"|\b(?:paid|borne|covered) by (?P<by>[^,;:.!?]{1,24})"
)


# Looked for first: most sentences are not about paying.
_VERB = re.compile("承担|支付|负担|pay|bear|cover|paid|borne")


def payers(text: str) -> frozenset[Side]:
    """Return the sides that a text says to pay; empty where it does not say."""
    found = set()
    folded = fold(text)
    if not _VERB.search(folded):
        return frozenset()
    for match in _PAYS.finditer(folded):
        named = [*_PARTY.finditer(match["before"] or match["by"] or "")]
        if named:
            # "When you return it for a personal reason we pay": the nearest one.
            nearest = named[0] if match["by"] else named[-1]
            found.add(Side(nearest.lastgroup))
    return frozenset(found)


def without_parties(text: str) -> str:
    """Return folded text without those who act in it, to find what it is about."""
    return _PARTY.sub(" ", fold(text))
