"""What can be found, and how it is told."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from services.language import Span


class Kind(StrEnum):
    """What a piece of personal data is; the values are upper-case words, fit for placeholders."""

    ID = "ID"
    """Identity number of the Chinese mainland, 18 or (before 1999) 15 digits."""
    MOBILE = "MOBILE"
    """Mobile number of the Chinese mainland."""
    PHONE = "PHONE"
    """Landline, or a number of another country."""
    CARD = "CARD"
    """Bank card."""
    EMAIL = "EMAIL"
    ADDRESS = "ADDRESS"
    """Postal address, from the street or estate on."""
    NAME = "NAME"
    """Name of a person."""
    PASSPORT = "PASSPORT"
    """Passport or travel permit."""
    PLATE = "PLATE"
    """Licence plate of the Chinese mainland."""
    IP = "IP"
    """Public Internet address, version 4 or 6."""
    SSN = "SSN"
    """Social security or taxpayer number of the United States."""
    ORDER = "ORDER"
    """Order number, by a pattern of the settings."""


@dataclass(frozen=True, slots=True)
class Personal:
    """Personal data in a text."""

    kind: Kind
    span: Span
    """Its place, in code points of the text that was searched."""
    text: str
    """As it was written."""


class Found(NamedTuple):
    """Something found in plain text (`plain.Plain`), half open and never empty."""

    start: int
    end: int
    kind: Kind
