"""Values of a spreadsheet's cells as the spreadsheet shows them."""

import re
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^-\]]*)[^\]]*\]'
    r"|(?P<condition>\[[<>=][^\]]*\])|\[[^\]]*\]|[_*]."
    r"|(?P<number>[#0?][#0?,]*(?:\.[#0?]*)?)|(?P<other>.)"
)
"""The parts of a number format (ECMA-376, 18.8.31); colours and padding say nothing."""

_LITERAL = frozenset(" -+()$¥￥€£:%‰元")
_LARGEST = 10**15
"""From here on a spreadsheet shows powers of ten."""


def shown(value: object, number_format: str) -> str:
    """Return a cell's text: 0.15 in a percent cell is `15%`, a day is `2026-01-31`.

    Args:
        value: As openpyxl reads it.
        number_format: The cell's, such as `0.00%`; one that is not understood shows the number
            plainly.
    """
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, number_format)
    if isinstance(value, datetime):
        if value.time() == time():
            return value.date().isoformat()
        return value.isoformat(" ", "seconds" if value.second else "minutes")
    if isinstance(value, time):
        return value.isoformat("seconds" if value.second else "minutes")
    return value.isoformat() if isinstance(value, date) else str(value)


def _number(value: float, number_format: str) -> str:
    sections = number_format.split(";")
    negative = value < 0 and len(sections) > 1
    tokens = list(_TOKEN.finditer(sections[1 if negative else 0]))
    places = [token["number"] for token in tokens if token["number"]]
    others = {token["other"] for token in tokens if token["other"]}
    strange = not others <= _LITERAL or any(token["condition"] for token in tokens)
    if not abs(value) < _LARGEST:
        return f"{value:.10g}"
    if number_format == "General" or len(places) != 1 or strange or places[0].endswith(","):
        return _plain(value)
    exact = Decimal(repr(abs(value) if negative else value)) * (100 if "%" in others else 1)
    parts = (
        _digits(exact, token["number"]) if token["number"] else _literal(token) for token in tokens
    )
    return "".join(parts).strip()


def _literal(token: re.Match[str]) -> str:
    return next(
        (part for part in token.group("quoted", "escaped", "currency", "other") if part), ""
    )


def _digits(value: Decimal, places: str) -> str:
    """Write a number in places such as `#,##0.0#`."""
    whole, _, fraction = places.partition(".")
    rounded = value.quantize(Decimal(1).scaleb(-len(fraction)), ROUND_HALF_UP)
    digits = f"{abs(rounded):,f}" if "," in whole else f"{abs(rounded):f}"
    front, _, back = digits.partition(".")
    needed = len(fraction.rstrip("#?"))
    back = back[:needed] + back[needed:].rstrip("0")
    front = front.zfill(whole.count("0"))
    return ("-" if rounded < 0 else "") + front + (f".{back}" if back else "")


def _plain(value: float) -> str:
    """Write a number without a format: no more digits than a spreadsheet shows."""
    return str(int(value)) if value == int(value) else f"{value:.10g}"
