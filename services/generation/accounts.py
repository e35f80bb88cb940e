"""What usage is counted by: days, callers, providers, models and currencies."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum

from kefu.errors import InvalidRequest

KEPT_DAYS = 400
"""How long counts are kept: a year, and a month to look back from it."""


class Dimension(StrEnum):
    """What rows can be told apart by."""

    DAY = "day"
    IDENTITY = "identity"
    PROVIDER = "provider"
    """With its model."""


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """What a row counts; a part that is summed up is empty."""

    day: str
    """UTC, such as `2026-11-30`."""
    identity: str
    """SPIFFE identity of the caller."""
    provider: str
    model: str
    currency: str
    """ISO 4217; empty for calls without a price. Never summed up."""

    def seen_by(self, dimensions: Iterable[Dimension]) -> "Account":
        """Return the row that this one is summed up in."""
        return Account(
            self.day if Dimension.DAY in dimensions else "",
            self.identity if Dimension.IDENTITY in dimensions else "",
            self.provider if Dimension.PROVIDER in dimensions else "",
            self.model if Dimension.PROVIDER in dimensions else "",
            self.currency,
        )


@dataclass(slots=True)
class Counts:
    """What was used; `price_micros` in millionths of the account's currency."""

    calls: int = 0
    estimated_calls: int = 0
    """Of the calls, those whose tokens were estimated."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    price_micros: int = 0

    def add(self, other: "Counts") -> None:
        """Count what another one counted, too."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


Rows = dict[Account, Counts]
"""Rows of one tenant."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days of a question, the last one inclusive."""

    first: date
    last: date

    @classmethod
    def read(cls, start: str, end: str, today: date) -> "Period":
        """Read the days of a request; empty means today.

        Raises:
            InvalidRequest: One is no day, the last is before the first, or they are too far apart.
        """
        days, violations = {}, []
        for name, text in (("start_day", start), ("end_day", end)):
            try:
                days[name] = date.fromisoformat(text) if text else today
            except ValueError:
                violations.append((name, "must be a day such as 2026-11-30"))
        if not violations and days["end_day"] < days["start_day"]:
            violations.append(("end_day", "must not be before start_day"))
        elif not violations and (days["end_day"] - days["start_day"]).days > KEPT_DAYS:
            violations.append(("end_day", f"must be at most {KEPT_DAYS} days after start_day"))
        if violations:
            raise InvalidRequest(violations=violations)
        return cls(days["start_day"], days["end_day"])

    def days(self) -> list[str]:
        """Return each day."""
        count = (self.last - self.first).days + 1
        return [(self.first + timedelta(days=each)).isoformat() for each in range(count)]
