"""Times as the platform and our store write them."""

from __future__ import annotations

from datetime import datetime, timezone


def read_time(text: str | None) -> datetime | None:
    """Read an ISO time, UTC where it does not say; None where there is none, or one of another kind.

    >>> read_time("2026-11-22T07:00:00.000Z").hour, read_time("soon"), read_time(None)
    (7, None, None)
    """
    try:
        moment = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
