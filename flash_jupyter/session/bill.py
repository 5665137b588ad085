"""The bill: what the platform has charged, by endpoint and by day of UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from flash_jupyter.session.links import Link
from flash_jupyter.wire.control import BillingRecord

DAYS = 7
DAYS_MAX = 90


@dataclass(frozen=True)
class BillRow:
    """What one endpoint cost, in US dollars; one that is deleted has no name any more."""

    endpoint: str
    id: str
    today_usd: float
    days_usd: float


@dataclass(frozen=True)
class DayRow:
    """What one day of UTC cost; `date` is as in 2026-11-22."""

    date: str
    usd: float


@dataclass(frozen=True)
class Bill:
    """What was billed, dearest first; days are those of UTC, today is the last of them.

    `is_charged` is false on the embedded Runpod: its prices are the catalogue's, and nothing is charged.
    """

    endpoints: tuple[BillRow, ...]
    days: int
    today_usd: float
    days_usd: float
    is_charged: bool
    #: oldest first, days on which nothing was billed among them
    by_day: tuple[DayRow, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return asdict(self)


async def read_bill(link: Link, days: int = DAYS) -> Bill:
    """Ask for the bill of the last days: two requests."""
    billing = await link.control.billing.serverless(last=days, bucket="day")
    names = {endpoint.id: endpoint.name for endpoint in await link.control.endpoints()}
    now = link.http.server_now()
    rows = bill_rows(billing.records, names, now)
    return Bill(
        endpoints=rows,
        days=days,
        today_usd=round(sum(row.today_usd for row in rows), 6),
        days_usd=round(sum(row.days_usd for row in rows), 6),
        is_charged=link.backend.name == "runpod",
        by_day=day_rows(billing.records, days, now),
    )


def bill_rows(records: Iterable[BillingRecord], names: Mapping[str, str], now: datetime) -> tuple[BillRow, ...]:
    """Add records up by endpoint; what ends in the future is of today."""
    today: dict[str, float] = {}
    total: dict[str, float] = {}
    for record in records:
        total[record.endpoint_id] = total.get(record.endpoint_id, 0.0) + record.total
        if record.end > now:
            today[record.endpoint_id] = today.get(record.endpoint_id, 0.0) + record.total
    rows = (BillRow(names.get(e, ""), e, round(today.get(e, 0.0), 6), round(usd, 6)) for e, usd in total.items())
    return tuple(sorted(rows, key=lambda row: (-row.days_usd, row.id)))


def day_rows(records: Iterable[BillingRecord], days: int, now: datetime) -> tuple[DayRow, ...]:
    """Add records up by the day on which they begin: the last `days` of UTC, today included."""
    today = now.astimezone(timezone.utc).date()
    sums = {today - timedelta(days=back): 0.0 for back in reversed(range(days))}
    for record in records:
        day = record.start.astimezone(timezone.utc).date()
        if day in sums:
            sums[day] += record.total
    return tuple(DayRow(day.isoformat(), round(usd, 6)) for day, usd in sums.items())
