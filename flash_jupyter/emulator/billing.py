"""Bills from what workers used, in buckets of time: hours, days, weeks (from Monday), months, years, in UTC.

A worker is billed from its start to its end, rounded up to a second (docs: serverless/pricing, read 2026-08-20), at the
price of its hardware when it started. Serverless disk and platform fees have no documented price and are 0, and a
network volume costs nothing here. Pods, clusters and public endpoints do not exist. The routes are `/v2/billing` and
`/v2/billing/serverless` of REST v2 (reference/openapi-v2.json).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter import limits
from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.control_routes import Operation, control_routes, query_values
from flash_jupyter.emulator.logs import parse_time
from flash_jupyter.emulator.problems import Problem, invalid
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.schema import Schema
from flash_jupyter.emulator.tables import UsageRow, UsageTable
from flash_jupyter.emulator.world import Clock

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


#: of ServerlessBillingAmounts and BillingAmounts
_SERVERLESS = ("totalAmount", "gpuAmount", "cpuAmount", "diskAmount", "feeAmount")
_ALL = (
    *("totalAmount", "podGpuAmount", "podCpuAmount", "podDiskAmount", "serverlessGpuAmount", "serverlessCpuAmount"),
    *("serverlessDiskAmount", "serverlessFeeAmount", "storageStandardAmount", "storageHighPerformanceAmount"),
    *("endpointAmount", "clusterGpuAmount", "clusterDiskAmount", "clusterNetworkingAmount"),
)
#: decimal places of an amount, USD: so small that no second is lost
_PLACES = 9
Amounts = dict[str, float]


def price_of(document: Mapping[str, Any]) -> tuple[str, float]:
    """Return what a worker of an endpoint is billed as, `gpu` or `cpu`, and its price, USD a second.

    Where an endpoint may have several kinds of hardware, a local worker counts as the first.

    >>> price_of({"gpu": {"pools": ["ADA_24", "AMPERE_80"], "count": 2}})
    ('gpu', 0.00062)
    """
    if "cpu" in document:
        return "cpu", document["cpu"][0]["vcpuCount"] * catalog.USD_PER_VCPU_H["serverless"] / 3600
    gpu = document["gpu"]
    return "gpu", catalog.GPU_POOLS[gpu["pools"][0]]["flex_usd_per_s"] * gpu["count"]


def serverless_bill(rows: Iterable[UsageRow], window: Window, endpoint_id: str | None, now: float) -> dict[str, Any]:
    """Return `ListServerlessBillingResponse`: one record an endpoint and bucket in which it used something."""
    amounts: defaultdict[tuple[datetime, str], Amounts] = defaultdict(lambda: dict.fromkeys(_SERVERLESS, 0.0))
    for bucket, row, usd in _shares(rows, window, now):
        amounts[bucket, row.endpoint_id][f"{row.hardware}Amount"] += usd
        amounts[bucket, row.endpoint_id]["totalAmount"] += usd
    records = [
        {**_range(bucket, window.size), "serverlessId": endpoint, **_rounded(amounts[bucket, endpoint])}
        for bucket, endpoint in sorted(amounts)
    ]
    metadata = {
        "query": {**window.show(), "serverlessId": endpoint_id},
        "recordCount": len(records),
        "uniqueServerlessCount": len({endpoint for _, endpoint in amounts}),
        "totals": _totals(list(amounts.values()), _SERVERLESS),
    }
    return {"records": records, "metadata": metadata}


def whole_bill(rows: Iterable[UsageRow], window: Window, now: float) -> dict[str, Any]:
    """Return `ListBillingResponse`: one record a bucket in which something was used."""
    amounts: defaultdict[datetime, Amounts] = defaultdict(lambda: dict.fromkeys(_ALL, 0.0))
    for bucket, row, usd in _shares(rows, window, now):
        amounts[bucket][f"serverless{row.hardware.title()}Amount"] += usd
        amounts[bucket]["totalAmount"] += usd
    records = [{**_range(bucket, window.size), **_rounded(amounts[bucket])} for bucket in sorted(amounts)]
    totals = _totals(list(amounts.values()), _ALL)
    return {"records": records, "metadata": {"query": window.show(), "recordCount": len(records), "totals": totals}}


def _shares(rows: Iterable[UsageRow], window: Window, now: float) -> Iterator[tuple[datetime, UsageRow, float]]:
    """Yield what each worker costs in each bucket of the window, USD."""
    for row in rows:
        used_s = max(row.until, now if row.is_open else row.until) - row.started_at
        began = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=row.started_at)
        ended = began + timedelta(seconds=math.ceil(max(used_s, 0)))
        bucket = bucket_start(max(began, window.start), window.size)
        while bucket < min(ended, window.end):
            following = stepped(bucket, window.size, 1)
            billed_s = (min(ended, following) - max(began, bucket)).total_seconds()
            if billed_s > 0:
                yield bucket, row, billed_s * row.usd_per_s
            bucket = following


def _range(bucket: datetime, size: str) -> dict[str, str]:
    return {"startTime": show(bucket), "endTime": show(stepped(bucket, size, 1))}


def _rounded(amounts: Amounts) -> Amounts:
    return {name: round(usd, _PLACES) for name, usd in amounts.items()}


def _totals(amounts: Sequence[Amounts], names: Iterable[str]) -> Amounts:
    return _rounded({name: sum(each[name] for each in amounts) for name in names})


_TEXT: Schema = {"type": "string"}
_QUERY: dict[str, Schema] = {
    "startTime": _TEXT,
    "endTime": _TEXT,
    "bucketSize": {"type": "string", "enum": list(SIZES)},
    "lastN": {"type": "integer", "minimum": 1},
}


class BillingApi:
    """The routes, and what they need."""

    def __init__(self, usage: UsageTable, limiter: ControlLimiter, clock: Clock) -> None:
        self._usage, self._limiter, self._clock = usage, limiter, clock

    def routes(self) -> list[Route]:
        """Return the routes."""
        table: list[Operation] = [
            ("GET", "/v2/billing", self._whole),
            ("GET", "/v2/billing/serverless", self._serverless),
        ]
        return control_routes(table, self._limiter)

    async def _whole(self, request: Request) -> Response:
        """GET /v2/billing - everything, a bucket of time a record."""
        now = self._clock()
        window = window_of(query_values(request, _QUERY), now)
        return JSONResponse(whole_bill(self._rows(window, None), window, now))

    async def _serverless(self, request: Request) -> Response:
        """GET /v2/billing/serverless - by endpoint, those that are deleted too."""
        now = self._clock()
        query = query_values(request, {**_QUERY, "serverlessId": _TEXT})
        window, endpoint_id = window_of(query, now), query.get("serverlessId")
        return JSONResponse(serverless_bill(self._rows(window, endpoint_id), window, endpoint_id, now))

    def _rows(self, window: Window, endpoint_id: str | None) -> list[UsageRow]:
        return self._usage.between(window.start.timestamp(), window.end.timestamp(), endpoint_id)
