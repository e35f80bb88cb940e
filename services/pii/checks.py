"""Check digits and other rules that numbers of people keep."""

import re
from datetime import date

# GB/T 2260, first two digits: the provinces; 83 are residents from Taiwan, 9.. foreign residents.
_REGION = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[0-9]")

# GB 11643-1999: weights of the first 17 digits, and the check character by the remainder.
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10x98765432"
_ID_LENGTH = 18

# Nobody born before holds one; test systems use the years that nobody living was born in.
_FIRST_YEAR = 1800

# ISO/IEC 7812: the first digits that issuers of cards have, by the length of the number. UnionPay
# has 62, older ones 3 to 6 and 9; Mastercard 22 to 27 and 5; the Agricultural Bank of China 103.
_CARD_ISSUERS = {
    13: re.compile("4"),
    14: re.compile("3[068]"),
    15: re.compile("3[47]"),
}
_LONG_CARD_ISSUERS = re.compile("[3-6]|2[2-7]|9[4589]|103|81")

_SHORTEST_CARD, _LONGEST_CARD = 13, 19


def is_id(number: str) -> bool:
    """Check an identity number of 18 characters: region, date of birth, check character.

    Args:
        number: 17 digits and a digit or a small x.
    """
    if not _has_birthday(number):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return number[17] == _ID_CHECKS[total % 11]


def is_old_id(number: str) -> bool:
    """Check an identity number of 15 digits, which has no check digit: region and date of birth."""
    return bool(_REGION.match(number)) and number[0] != "9" and _is_birthday(f"19{number[6:12]}")


def is_luhn(number: str) -> bool:
    """Check the sum of a card number (ISO/IEC 7812-1, Luhn)."""
    digits = [int(each) for each in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0 and any(digits)


def is_card(number: str, *, named: bool) -> bool:
    """Check the number of a bank card.

    Args:
        number: Digits.
        named: The text calls it a card or an account, so that its issuer need not be known.
    """
    if not _SHORTEST_CARD <= len(number) <= _LONGEST_CARD:
        return False
    if len(number) == _ID_LENGTH and not named and _has_birthday(number):
        return False  # A mistyped identity number, one in ten of which has the right sum.
    issuer = _CARD_ISSUERS.get(len(number), _LONG_CARD_ISSUERS)
    return bool(named or issuer.match(number)) and is_luhn(number)


def is_date(digits: str) -> bool:
    """Whether eight digits are a day of the years 1900 to 2099, as dates are written."""
    return digits[:2] in ("19", "20") and _day(digits) is not None


def _has_birthday(number: str) -> bool:
    return bool(_REGION.match(number)) and _is_birthday(number[6:14])


def _is_birthday(digits: str) -> bool:
    day = _day(digits)
    return day is not None and day.year >= _FIRST_YEAR and day <= date.today()


def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
