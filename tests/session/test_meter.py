"""The meter of a kernel: jobs while they ran, workers while they waited, and what may still come."""

from __future__ import annotations

from dataclasses import replace

from flash_jupyter.session.cost import Rate
from flash_jupyter.session.meter import Meter, Row

#: a cent a second for each worker
RATE = Rate("trainer", 36.0, 3, idle_s=60, timeout_s=600)
FREE = replace(RATE, endpoint="here", is_charged=False)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def meter() -> tuple[Meter, Clock]:
    clock = Clock()
    return Meter(clock=clock), clock


def ran(meter: Meter, clock: Clock, job: str, seconds: float, *, rate: Rate = RATE, worker: str = "w1") -> None:
    meter.sent(job, "Cell In[1]", rate, 600)
    meter.began(job, worker)
    clock.now += seconds
    meter.ended(job, round(seconds * 1000), worker)


def test_a_job_costs_its_whole_seconds_and_its_worker_waits_until_its_idle_timeout() -> None:
    it, clock = meter()
    ran(it, clock, "a", 9.5)
    reading = it.read()
    assert reading.cells == (Row("Cell In[1]", "trainer", True, runs=1, seconds=9.5, usd=0.1),)
    assert (reading.jobs_usd, reading.waiting_usd, reading.workers, reading.per_hour_usd) == (0.1, 0.0, 1, 36.0)
    clock.now += 30
    assert (it.read().waiting_usd, it.read().workers) == (0.3, 1)
    clock.now += 1000
    reading = it.read()
    assert (reading.waiting_usd, reading.workers, reading.per_hour_usd) == (0.6, 0, 0.0)
    assert reading.total_usd == 0.7


def test_a_job_that_nobody_looks_at_costs_no_more_than_its_timeout() -> None:
    it, clock = meter()
    it.sent("a", "a job", RATE, 600)
    it.began("a", "w1")
    clock.now += 10_000
    assert it.read().jobs_usd == 6.0
    assert it.may_still_cost_usd() == 0.0


def test_time_between_jobs_of_one_worker_counts_once() -> None:
    it, clock = meter()
    ran(it, clock, "a", 10)
    clock.now += 20
    ran(it, clock, "b", 10)
    clock.now += 1000
    ran(it, clock, "c", 10)
    reading = it.read()
    assert (reading.jobs_usd, reading.waiting_usd) == (0.3, 0.8)
    assert reading.cells[0].runs == 3


def test_a_job_that_runs_counts_so_far() -> None:
    it, clock = meter()
    it.sent("a", "train", RATE, 600)
    clock.now += 50
    assert (it.read().jobs_usd, it.read().workers) == (0.0, 0), "who waits in the queue costs nothing"
    it.began("a", "w1")
    clock.now += 5
    reading = it.read()
    assert (reading.jobs_usd, reading.workers, reading.cells[0].running) == (0.05, 1, 1)
    assert it.may_still_cost_usd() == 5.95
    assert list(it.busy()) == ["trainer"]


def test_what_never_ran_costs_nothing() -> None:
    it, _ = meter()
    it.sent("a", "train", RATE, 600)
    it.ended("a")
    assert (it.read().cells, it.may_still_cost_usd()) == ((), 0.0)


def test_a_job_that_is_sent_again_counts_both_times() -> None:
    it, clock = meter()
    it.sent("a", "train", RATE, 600)
    it.began("a", "w1")
    clock.now += 5
    it.sent("a", "train", RATE, 600)
    it.began("a", "w2")
    clock.now += 2
    it.ended("a", 2000, "w2")
    assert (it.read().jobs_usd, it.read().cells[0].runs) == (0.07, 2)


def test_a_deleted_endpoint_has_no_waiting_workers() -> None:
    it, clock = meter()
    ran(it, clock, "a", 10)
    clock.now += 5
    it.gone(["trainer"])
    clock.now += 30
    assert (it.read().waiting_usd, it.read().workers) == (0.05, 0)


def test_what_is_not_charged_is_left_out_where_something_is() -> None:
    it, clock = meter()
    ran(it, clock, "a", 10, rate=FREE)
    reading = it.read()
    assert (reading.jobs_usd, reading.is_charged, it.spent_usd()) == (0.1, False, 0.0)
    ran(it, clock, "b", 20, worker="w2")
    reading = it.read()
    assert (reading.jobs_usd, reading.is_charged, it.spent_usd()) == (0.2, True, 0.2)
    assert [row.endpoint for row in reading.cells] == ["here", "trainer"]


def test_a_price_that_nobody_knows_is_not_zero() -> None:
    it, clock = meter()
    ran(it, clock, "a", 10, rate=replace(RATE, usd_per_hour=None))
    assert it.read().cells[0].usd is None
