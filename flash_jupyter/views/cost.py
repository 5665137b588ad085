"""What `%flash cost` shows: the meter of this kernel, and the platform's bill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter.views.format import duration, money
from flash_jupyter.views.sheet import Rows, Sheet, columns

CELL_COLUMNS = columns("cell", "endpoint", "runs", "time", "cost")
BILL_COLUMNS = columns("endpoint", "id", "today", "days")
FREE = "the local Runpod charges nothing: these are the catalogue's prices"


def cost_sheet(kernel: Mapping[str, Any] | None, bill: Mapping[str, Any] | None) -> Sheet:
    """Draw what a kernel has spent and what was billed.

    `kernel` is None outside of one, `bill` where the local Runpod does not run.
    """
    sheet: list[str | Rows] = []
    if kernel is not None:
        sheet += [kernel_line(kernel), Rows([_cell_row(row) for row in kernel["cells"]], CELL_COLUMNS)]
    if bill is None:
        return [*sheet, "nothing was billed: the local Runpod does not run"]
    sheet += [bill_line(bill), Rows([_bill_row(row) for row in bill["endpoints"]], BILL_COLUMNS)]
    shown = [part for part in sheet if isinstance(part, str) or part.rows]
    return shown if bill["is_charged"] else [*shown, FREE]


def kernel_line(kernel: Mapping[str, Any]) -> str:
    """Say what a kernel has spent, and what it costs to wait.

    >>> kernel_line({"total_usd": 0.5, "jobs_usd": 0.4, "waiting_usd": 0.1, "workers": 2, "per_hour_usd": 5.5})
    'this kernel: $0.5000 ($0.4000 in cells, $0.1000 for waiting workers); now 2 workers at $5.50 an hour'
    """
    now = "nothing runs now"
    if kernel["workers"]:
        many = "s" if kernel["workers"] > 1 else ""
        now = f"now {kernel['workers']} worker{many} at {money(kernel['per_hour_usd'])} an hour"
    return (
        f"this kernel: {money(kernel['total_usd'])} ({money(kernel['jobs_usd'])} in cells,"
        f" {money(kernel['waiting_usd'])} for waiting workers); {now}"
    )


def bill_line(bill: Mapping[str, Any]) -> str:
    """Say what was billed.

    >>> bill_line({"today_usd": 1.5, "days_usd": 7.25, "days": 7, "is_charged": True})
    'billed: $1.50 today, $7.25 in 7 days (UTC; the bill may lag behind)'
    """
    word = "billed" if bill["is_charged"] else "would be billed"
    return (
        f"{word}: {money(bill['today_usd'])} today, {money(bill['days_usd'])} in {bill['days']} days"
        " (UTC; the bill may lag behind)"
    )


def _cell_row(row: Mapping[str, Any]) -> dict[str, str]:
    running = f" + {row['running']} now" if row["running"] else ""
    cost = "?" if row["usd"] is None else money(row["usd"])
    return {
        "cell": row["what"],
        "endpoint": row["endpoint"],
        "runs": f"{row['runs']}{running}",
        "time": duration(row["seconds"]),
        "cost": cost,
    }


def _bill_row(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "endpoint": row["endpoint"] or "(deleted)",
        "id": row["id"],
        "today": money(row["today_usd"]),
        "days": money(row["days_usd"]),
    }
