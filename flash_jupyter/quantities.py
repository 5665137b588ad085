"""How a person reads and writes a time span or an amount of money: `24h`, `$2.50`; ISO times. Pure."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone

from flash_jupyter.errors import OptionError

_UNITS_S = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
_BYTES = {"": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9}
_SPAN = re.compile(r"(\d+(?:\.\d+)?) ?([a-z]*)")


def read_span(text: str) -> int:
    """Read a time span as whole seconds, or raise `OptionError`; a number alone is seconds.

    >>> read_span("24h"), read_span("1.5 h"), read_span("30m"), read_span("2d"), read_span("90")
    (86400, 5400, 1800, 172800, 90)
    """
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None or match[2] not in _UNITS_S:
        raise OptionError(f"`{text}` is no time span", fix="write a number and s, m, h or d, as in 24h")
    return round(float(match[1]) * _UNITS_S[match[2]])


def read_size(text: str) -> float:
    """Read a size as bytes, or raise `OptionError`; a number alone is bytes.

    >>> read_size("500MB"), read_size("2 gb")
    (500000000.0, 2000000000.0)
    """
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None or match[2] not in _BYTES:
        raise OptionError(f"`{text}` is no size", fix="write a number and MB or GB, as in 2GB")
    return float(match[1]) * _BYTES[match[2]]


def read_usd(text: str) -> float:
    """Read an amount in US dollars, or raise `OptionError`; it may be zero, and has no sign but the dollar's.

    >>> read_usd("2.50"), read_usd("$3")
    (2.5, 3.0)
    """
    try:
        amount = float(text.strip().removeprefix("$"))
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise OptionError(f"`{text}` is no amount", fix="write US dollars as a number, as in 2.50")
    return amount


def show_usd(amount: float) -> str:
    """Write an amount, with the digits that a short job needs.

    >>> show_usd(0.00042), show_usd(0.5), show_usd(12)
    ('$0.0004', '$0.50', '$12.00')
    """
    return f"${amount:.2f}" if amount >= 0.1 or amount == 0 else f"${amount:.4f}"


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
