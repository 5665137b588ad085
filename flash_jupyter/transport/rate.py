"""The platform's `RateLimit` header: one member a window (REST v2 document, `RateLimitHeader`)."""

from __future__ import annotations

import re

_WINDOW = re.compile(r'"[^"]*"\s*;\s*r=(\d+)\s*;\s*t=(\d+)')


def read_rate_limit(text: str) -> float:
    """Return the seconds until every window has room again; 0 where each has.

    >>> read_rate_limit('"minute";r=0;t=12, "hour";r=2800;t=1812, "day";r=49500;t=45012')
    12.0
    >>> read_rate_limit('"minute";r=0;t=12, "hour";r=0;t=1812'), read_rate_limit('"minute";r=59;t=60')
    (1812.0, 0.0)
    """
    return max((float(reset_s) for left, reset_s in _WINDOW.findall(text) if left == "0"), default=0.0)
