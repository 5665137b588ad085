"""Buckets of time for bills: hours, days, weeks (from Monday), months and years, all in UTC. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from flash_jupyter import limits
from flash_jupyter.emulator.logs import parse_time
from flash_jupyter.emulator.problems import Problem, invalid

SIZES = ("hour", "day", "week", "month", "year")
_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


@dataclass(frozen=True)
class Window:
    """A span of whole buckets, the end exclusive."""

    start: datetime
    end: datetime
    size: str

    def show(self) -> dict[str, str]:
        """Return `BillingQuery` of the REST v2 document."""
        return {"startTime": show(self.start), "endTime": show(self.end), "bucketSize": self.size}


def window_of(query: Mapping[str, Any], now: float) -> Window:
    """Return the time that a checked query asks for; raises `Problem`.

    `lastN` buckets end with the current one; else the start is snapped down and the end up to a bucket's edge
    (parameters BillingStartTime, BillingEndTime and BillingLastN of the REST v2 document).
    """
    size = query.get("bucketSize", "day")
    try:
        if "lastN" in query:
            return _last(query, size, _utc(now))
        start = _time(query, "startTime", now - limits.BILLING_DEFAULT_S)
        end = _time(query, "endTime", now)
        window = Window(bucket_start(start, size), _ceiling(end, size), size)
    except (OverflowError, ValueError) as error:
        raise Problem(400, f"the time is out of range: {error}") from None
    if start >= end:
        raise Problem(400, "startTime must be before endTime")
    return window


def _last(query: Mapping[str, Any], size: str, now: datetime) -> Window:
    if {"startTime", "endTime"} & set(query):
        raise Problem(400, "lastN and startTime/endTime exclude each other")
    current = bucket_start(now, size)
    return Window(stepped(current, size, 1 - query["lastN"]), stepped(current, size, 1), size)


def _time(query: Mapping[str, Any], name: str, default: float) -> datetime:
    if name not in query:
        return _utc(default)
    try:
        return _utc(parse_time(query[name]) / 1e6)
    except ValueError as error:
        raise invalid([f"{name}: {error}"]) from None


def _utc(at: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=at)


def bucket_start(at: datetime, size: str) -> datetime:
    """Return the beginning of the bucket that a time is in.

    >>> bucket_start(datetime(2026, 6, 4, 13, 5), "week")
    datetime.datetime(2026, 6, 1, 0, 0)
    """
    hour = at.replace(minute=0, second=0, microsecond=0)
    if size == "hour":
        return hour
    day = hour.replace(hour=0)
    if size == "week":
        return day - timedelta(days=day.weekday())
    return day if size == "day" else day.replace(day=1) if size == "month" else day.replace(day=1, month=1)


def stepped(start: datetime, size: str, count: int) -> datetime:
    """Return the beginning of the bucket that is so many later, or earlier.

    >>> stepped(datetime(2026, 1, 1), "month", -2)
    datetime.datetime(2025, 11, 1, 0, 0)
    """
    if size in _STEPS:
        return start + count * _STEPS[size]
    if size == "year":
        return start.replace(year=start.year + count)
    months = start.year * 12 + start.month - 1 + count
    return start.replace(year=months // 12, month=months % 12 + 1)


def _ceiling(at: datetime, size: str) -> datetime:
    start = bucket_start(at, size)
    return start if start == at else stepped(start, size, 1)


def show(at: datetime) -> str:
    """Return RFC 3339, to the second.

    >>> show(datetime(2026, 6, 1, tzinfo=timezone.utc))
    '2026-06-01T00:00:00Z'
    """
    return at.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"  # strftime does not fill years with zeros
