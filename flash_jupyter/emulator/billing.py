"""Bills from what workers used. Pure.

A worker is billed from its start to its end, rounded up to a second (docs: serverless/pricing, read 2026-08-20), at the
price of its hardware when it started. Serverless disk and platform fees have no documented price and are 0, and a
network volume costs nothing here. Pods, clusters and public endpoints do not exist.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.buckets import Window, bucket_start, show, stepped
from flash_jupyter.emulator.store_usage import UsageRow

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
        return "cpu", document["cpu"][0]["vcpuCount"] * catalog.vcpu_usd_per_h("serverless") / 3600
    gpu = document["gpu"]
    return "gpu", catalog.gpu_usd_per_s(gpu["pools"][0]) * gpu["count"]


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
