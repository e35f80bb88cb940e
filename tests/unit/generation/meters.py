"""A clock to set, and claims as requests make them."""

from datetime import UTC, datetime

from services.generation.limits import Claim, Metric

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC).timestamp()


class Clock:
    """Seconds since the epoch; a test moves them."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def requests(need: float = 1, *, limit: float = 10, subject: str = "default") -> Claim:
    """Requests to a provider that takes ten a second."""
    return Claim(Metric.PROVIDER, subject, limit, need)


def tokens(need: float = 0, *, limit: float = 600, subject: str = "shop") -> Claim:
    """Tokens of a tenant that may use ten a second."""
    return Claim(Metric.TOKENS, subject, limit, need)


def money(need: float = 0, *, limit: float = 1000, subject: str = "shop") -> Claim:
    """Money of a tenant, in millionths."""
    return Claim(Metric.MONEY, subject, limit, need)
