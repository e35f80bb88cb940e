"""Days and moments as owners write them, from when and until when something holds."""

import re
from datetime import UTC, date, datetime, time

EXAMPLES = "2026-01-31, 2026/1/31, 2026年1月31日 or 2026-01-31T18:00+08:00"
"""For those who wrote something else."""

_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


def moment_of(text: str, last: bool) -> datetime | None:
    """Read a day, or an ISO 8601 moment, UTC where it names no zone; None where there is none.

    Args:
        text: As its owner wrote it; blanks around it do not matter.
        last: Of a day take the last moment, in UTC, rather than the first.

    Raises:
        ValueError, OverflowError: it is neither.
    """
    text = text.strip()
    if not text:
        return None
    if parts := _DAY.fullmatch(text):
        text = f"{parts[1]}-{int(parts[2]):02}-{int(parts[3]):02}"
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return datetime.combine(day, time.max if last else time.min, UTC)
