"""How cost is shown: the meter, the bill, and that the local Runpod charges nothing."""

from __future__ import annotations

from flash_jupyter.views.cost import FREE, cost_sheet
from flash_jupyter.views.sheet import sheet_bundle, sheet_text

CELL = {"what": "Cell In[3]", "endpoint": "trainer", "is_charged": True, "runs": 2, "running": 1, "seconds": 12.34}
KERNEL = {
    "cells": [{**CELL, "usd": 0.0094}, {**CELL, "what": "train<b>", "running": 0, "usd": None}],
    "jobs_usd": 0.0094,
    "waiting_usd": 0.001,
    "total_usd": 0.0104,
    "per_hour_usd": 2.736,
    "workers": 1,
    "is_charged": True,
}
BILL = {
    "endpoints": [
        {"endpoint": "trainer", "id": "e1", "today_usd": 1.25, "days_usd": 7.5},
        {"endpoint": "", "id": "e0", "today_usd": 0, "days_usd": 0.01},
    ],
    "days": 7,
    "today_usd": 1.25,
    "days_usd": 7.51,
    "is_charged": True,
}


def test_both_as_text() -> None:
    assert sheet_text(cost_sheet(KERNEL, BILL)) == (
        "this kernel: $0.0104 ($0.0094 in cells, $0.0010 for waiting workers); now 1 worker at $2.74 an hour\n"
        "cell        endpoint  runs       time    cost\n"
        "Cell In[3]  trainer   2 + 1 now  12.3 s  $0.0094\n"
        "train<b>    trainer   2          12.3 s  ?\n"
        "billed: $1.25 today, $7.51 in 7 days (UTC; the bill may lag behind)\n"
        "endpoint   id  today    days\n"
        "trainer    e1  $1.25    $7.50\n"
        "(deleted)  e0  $0.0000  $0.0100"
    )


def test_html_is_escaped() -> None:
    assert "train&lt;b&gt;" in sheet_bundle(cost_sheet(KERNEL, BILL))["text/html"]


def test_the_local_runpod_says_that_it_charges_nothing() -> None:
    shown = cost_sheet(None, {**BILL, "endpoints": [], "is_charged": False})
    assert sheet_text(shown) == (
        f"would be billed: $1.25 today, $7.51 in 7 days (UTC; the bill may lag behind)\n{FREE}"
    )
    assert sheet_text(cost_sheet(None, None)) == "nothing was billed: the local Runpod does not run"
