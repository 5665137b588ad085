"""How long the platform asks to wait, in its headers `RateLimit` and `Retry-After`."""

from __future__ import annotations

import email.utils
import re

_WINDOW = re.compile(r'"[^"]*"\s*;\s*r=(\d+)\s*;\s*t=(\d+)')


def read_rate_limit(text: str) -> float:
    """Return the seconds until every window has room again; 0 where each has.

    One member a window (REST v2 document, `RateLimitHeader`).

    >>> read_rate_limit('"minute";r=0;t=12, "hour";r=2800;t=1812, "day";r=49500;t=45012')
    12.0
    >>> read_rate_limit('"minute";r=0;t=12, "hour";r=0;t=1812'), read_rate_limit('"minute";r=59;t=60')
    (1812.0, 0.0)
    """
    return max((float(reset_s) for left, reset_s in _WINDOW.findall(text) if left == "0"), default=0.0)


def read_retry_after(text: str, *, now: float) -> float:
    """Return the seconds that a `Retry-After` header asks for: a number, or a date (RFC 9110, 10.2.3).

    >>> read_retry_after("12", now=0.0), read_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", now=20.0)
    (12.0, 40.0)
    >>> read_retry_after("soon", now=0.0)
    0.0
    """
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return 0.0
