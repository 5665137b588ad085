"""The bill: records of the platform, added up by endpoint and by day."""

from __future__ import annotations

from datetime import datetime, timezone

from flash_jupyter.session.bill import BillRow, DayRow, bill_rows, day_rows
from flash_jupyter.wire.control import BillingRecord


def record(endpoint: str, day: int, usd: float) -> BillingRecord:
    start, end = (datetime(2026, 11, d, tzinfo=timezone.utc) for d in (day, day + 1))
    fields = {"serverlessId": endpoint, "startTime": start, "endTime": end, "totalAmount": usd}
    return BillingRecord.model_validate(fields)


def test_records_are_added_up_dearest_first() -> None:
    records = [record("e1", 21, 1.0), record("e1", 22, 0.5), record("gone", 20, 3.0)]
    now = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
    assert bill_rows(records, {"e1": "trainer", "e2": "other"}, now) == (
        BillRow("", "gone", 0.0, 3.0),
        BillRow("trainer", "e1", 0.5, 1.5),
    )


def test_a_day_without_a_bill_is_a_day_all_the_same() -> None:
    records = [record("e1", 20, 1.0), record("e2", 20, 0.5), record("e1", 22, 0.25), record("e1", 1, 9.0)]
    now = datetime(2026, 11, 22, 23, 59, tzinfo=timezone.utc)
    rows = day_rows(records, 3, now)
    assert rows == (DayRow("2026-11-20", 1.5), DayRow("2026-11-21", 0.0), DayRow("2026-11-22", 0.25))
