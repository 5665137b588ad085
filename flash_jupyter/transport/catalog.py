"""REST v2 control plane: the catalogue with stock and prices, and the bill."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from flash_jupyter.transport.http import Retry
from flash_jupyter.transport.rest import CONTROL_RETRY, Rest
from flash_jupyter.wire.catalog import CpuType, CpuTypeList, DataCenter, DataCenterList, GpuType, GpuTypeList
from flash_jupyter.wire.control import Billing

Bucket = Literal["hour", "day", "week", "month", "year"]


class Catalog:
    """What can be had. Stock is that of serverless workers; it is listed, which is not the same as promised."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def gpus(self, *, count: int = 1, retry: Retry = CONTROL_RETRY) -> tuple[GpuType, ...]:
        """List GPU types with price and stock for `count` GPUs a worker."""
        query = {"include": "AVAILABILITY", "product": "SERVERLESS", "count": count}
        return (await self._rest.get(GpuTypeList, "catalog", "gpus", query=query, retry=retry)).gpus

    async def cpus(self, *, retry: Retry = CONTROL_RETRY) -> tuple[CpuType, ...]:
        """List CPU flavours with price and stock."""
        query = {"include": "AVAILABILITY", "product": "SERVERLESS"}
        return (await self._rest.get(CpuTypeList, "catalog", "cpus", query=query, retry=retry)).cpus

    async def data_centers(self) -> tuple[DataCenter, ...]:
        """List data centres with what each has."""
        query = {"include": ["GPU_AVAILABILITY", "CPU_AVAILABILITY"]}
        return (await self._rest.get(DataCenterList, "catalog", "datacenters", query=query)).data_centers


class Billings:
    """What was billed."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def serverless(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        bucket: Bucket | None = None,
        last: int | None = None,
        endpoint_id: str | None = None,
    ) -> Billing:
        """Return the records of a time span (UTC), or of the `last` buckets; by default of 30 days, by the day."""
        query = {
            "startTime": _timestamp(start),
            "endTime": _timestamp(end),
            "bucketSize": bucket,
            "lastN": last,
            "serverlessId": endpoint_id,
        }
        return await self._rest.get(Billing, "billing", "serverless", query=query)


def _timestamp(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
