"""Limits of money: what is refused before anything is made, with the whole text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flash_jupyter.errors import CostLimitError
from flash_jupyter.session.budget import Budget, Caps
from flash_jupyter.session.cost import Rate
from flash_jupyter.session.meter import Meter

RATE = Rate("trainer", 36.0, 3, idle_s=60, timeout_s=600)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def admit(budget: Budget, rate: Rate = RATE, *, job: str = "a", timeout_s: float | None = None) -> str:
    return budget.admit(job, "Cell In[1]", rate, timeout_s=timeout_s, key_origin="apikey in a file")


STANDING = {"is_standing": True}

REFUSED: list[tuple[str, Caps, dict[str, Any], float | None, str]] = [
    (
        "a deployed endpoint, of which nothing can be chosen here",
        Caps(per_hour=80),
        STANDING,
        None,
        (
            "trainer may cost $108.00 an hour (up to 3 workers at $36.00); max_cost_per_hour is $80.00; nothing was sent\n"
            "  → raise max_cost_per_hour"
        ),
    ),
    (
        "a call of what is deployed that may cost more than is left",
        Caps(total=5),
        STANDING,
        None,
        (
            "this may cost $6.00 (600 s at $36.00 an hour); $0.00 of max_cost=$5.00 are spent; nothing was sent\n"
            "  → deploy it with executionTimeoutMs=500000, or raise max_cost"
        ),
    ),
    (
        "what is deployed on hardware without a price",
        Caps(total=5),
        {**STANDING, "usd_per_hour": None},
        None,
        ("what trainer costs is not known, so max_cost=$5.00 can't be kept; nothing was sent\n  → take max_cost away"),
    ),
    (
        "all workers of an endpoint together",
        Caps(per_hour=80),
        {},
        None,
        (
            "trainer may cost $108.00 an hour (up to 3 workers at $36.00); max_cost_per_hour is $80.00; nothing was sent\n"
            "  → set workers=2, or choose gpu=BLACKWELL_96,HOPPER_141,BLACKWELL_180, or raise max_cost_per_hour"
        ),
    ),
    (
        "a single worker that is too dear",
        Caps(per_hour=1),
        {"workers_max": 1},
        None,
        (
            "trainer may cost $36.00 an hour (1 worker at $36.00); max_cost_per_hour is $1.00; nothing was sent\n"
            "  → choose gpu=AMPERE_16,AMPERE_24, or raise max_cost_per_hour"
        ),
    ),
    (
        "a cell that may cost more than is left",
        Caps(total=5),
        {},
        None,
        (
            "this may cost $6.00 (600 s at $36.00 an hour); $0.00 of max_cost=$5.00 are spent; nothing was sent\n"
            "  → set timeout=500 or less, or raise max_cost"
        ),
    ),
    (
        "nothing is left",
        Caps(total=0),
        {},
        30,
        (
            "this may cost $0.30 (30 s at $36.00 an hour); $0.00 of max_cost=$0.00 are spent; nothing was sent\n"
            "  → raise max_cost"
        ),
    ),
    (
        "a price that nobody knows",
        Caps(per_hour=1000),
        {"usd_per_hour": None},
        None,
        (
            "what trainer costs is not known, so max_cost_per_hour=$1000.00 can't be kept; nothing was sent\n"
            "  → choose gpu= with a price, or take max_cost_per_hour away"
        ),
    ),
]


@pytest.mark.parametrize(
    ("caps", "changes", "timeout_s", "text"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_what_is_refused(caps: Caps, changes: dict[str, Any], timeout_s: float | None, text: str) -> None:
    budget = Budget(caps)
    with pytest.raises(CostLimitError) as caught:
        admit(budget, replace(RATE, **changes), timeout_s=timeout_s)
    assert str(caught.value) == text
    assert budget.meter.read().cells == ()


def test_where_nothing_is_charged_nothing_is_refused() -> None:
    assert admit(Budget(Caps(0, 0)), replace(RATE, is_charged=False)) == ""


def test_endpoints_that_work_at_the_same_time_count_together() -> None:
    budget = Budget(Caps(per_hour=150))
    admit(budget)
    admit(budget, job="b")
    with pytest.raises(CostLimitError) as caught:
        admit(budget, replace(RATE, endpoint="other", workers_max=2), job="c")
    assert caught.value.message == (
        "other may cost $72.00 an hour (up to 2 workers at $36.00, and $108.00 for other endpoints that work);"
        " max_cost_per_hour is $150.00; nothing was sent"
    )
    budget.meter.ended("a")
    budget.meter.ended("b")
    admit(budget, replace(RATE, endpoint="other", workers_max=2), job="c")


def test_open_jobs_count_with_what_they_may_cost() -> None:
    clock = Clock()
    budget = Budget(Caps(total=7), meter=Meter(clock=clock))
    admit(budget)
    with pytest.raises(CostLimitError) as caught:
        admit(budget, job="b", timeout_s=200)
    assert str(caught.value) == (
        "this may cost $2.00 (200 s at $36.00 an hour); $0.00 of max_cost=$7.00 are spent, open jobs may cost $6.00;"
        " nothing was sent\n  → set timeout=100 or less, or raise max_cost"
    )
    budget.meter.began("a", "w1")
    clock.now += 100
    budget.meter.ended("a", 100_000, "w1")
    admit(budget, job="b", timeout_s=200)


def test_the_first_use_of_what_is_charged_is_said_once() -> None:
    budget = Budget()
    assert admit(budget, replace(RATE, is_charged=False)) == ""
    assert admit(budget) == (
        "Runpod charges from here on (key: apikey in a file): a worker of trainer costs at most $36.00 an hour,"
        " up to 3 workers"
    )
    assert admit(budget, job="b") == ""
