"""REST v2: what serverless endpoints cost (`openapi-v2.json`, `ListServerlessBillingResponse`); amounts in USD."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from flash_jupyter.wire.control import Wire


class Amounts(Wire):
    """The parts of a sum."""

    total: float = Field(default=0.0, alias="totalAmount")
    gpu: float = Field(default=0.0, alias="gpuAmount")
    cpu: float = Field(default=0.0, alias="cpuAmount")
    disk: float = Field(default=0.0, alias="diskAmount")
    fee: float = Field(default=0.0, alias="feeAmount")


class BillingRecord(Amounts):
    """One endpoint in one span of time, the end not included."""

    endpoint_id: str = Field(alias="serverlessId")
    start: datetime = Field(alias="startTime")
    end: datetime = Field(alias="endTime")


class BillingTotals(Wire):
    """The sums over all records."""

    totals: Amounts = Amounts()


class Billing(Wire):
    """`ListServerlessBillingResponse`."""

    records: tuple[BillingRecord, ...]
    metadata: BillingTotals = BillingTotals()
