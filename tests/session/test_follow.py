from __future__ import annotations

import asyncio
from typing import Any

import pytest
from platform_app import BACKEND, Platform

from flash_jupyter.errors import ApiError, JobError, JobTimedOut, JobWasCancelled, ResultLost, WorkerLost
from flash_jupyter.session.events import Event, Phase
from flash_jupyter.session.follow import PATIENCE_S, Signal, Watch, failure_of, follow
from flash_jupyter.states import JobState
from flash_jupyter.transport.http import Clock, Http
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.control import RequestUrls
from flash_jupyter.wire.jobs import Job

DONE: dict[str, Any] = {"status": "COMPLETED", "workerId": "w1", "output": {}}
OPEN: dict[str, Any] = {"status": "IN_PROGRESS", "workerId": "w1"}
WAITING: dict[str, Any] = {"status": "IN_QUEUE"}


class Wait:
    """One wait for a job, with a clock that only moves while it waits."""

    def __init__(self, statuses: list[dict[str, Any]], *, done: bool = False) -> None:
        self.platform = Platform()
        self.platform.statuses = statuses
        self.now = 0.0
        self.pauses: list[float] = []
        self.told: list[Event] = []
        self.workers: list[str] = []
        self.revived = 0
        self.seen: list[str] = []
        self.is_explained = False
        self.said: Job | None = None
        self._done = done

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(round(seconds, 4))
        self.now += seconds

    async def wait(self, event: Signal, seconds: float) -> None:
        if not event.is_set():
            await self.sleep(seconds)

    async def revive(self) -> None:
        self.revived += 1

    async def see(self, job: Job) -> bool:
        self.seen.append(job.status.value)
        return self.is_explained

    def run(self) -> Job:
        return asyncio.run(self._run())

    async def _run(self) -> Job:
        clock = Clock(monotonic=lambda: self.now, sleep=self.sleep, random=lambda: 1.0)
        http = Http(BACKEND, transport=self.platform.transport(), clock=clock)
        urls = RequestUrls.model_validate(self.platform.add({})["requestUrls"])
        done = Signal()
        if self._done:
            done.set()
        try:
            return await follow(
                Watch(
                    queue=Queue(http, urls),
                    platform_id="job-u1",
                    done=done,
                    tell=self.told.append,
                    on_worker=self.workers.append,
                    revive=self.revive,
                    clock=clock,
                    see=self.see,
                    said=lambda: self.said,
                    wait=self.wait,
                )
            )
        finally:
            await http.aclose()


PATHS: list[tuple[str, list[dict[str, Any]], bool, list[float], list[str]]] = [
    ("done came over the stream: one status", [DONE], True, [], ["status"]),
    ("the answer is a moment behind done", [OPEN, OPEN, DONE], True, [0.002, 0.004], ["status"] * 3),
    ("a short job without a stream", [DONE], False, [0.1], ["status"]),
    ("a longer one: pauses grow", [OPEN, OPEN, OPEN, DONE], False, [0.1, 0.15, 0.225, 0.3375], ["status"] * 4),
]


@pytest.mark.parametrize(("statuses", "done", "pauses", "calls"), [c[1:] for c in PATHS], ids=[c[0] for c in PATHS])
def test_how_often_it_asks(statuses: list[dict[str, Any]], done: bool, pauses: list[float], calls: list[str]) -> None:
    wait = Wait(statuses, done=done)
    assert wait.run().worker_id == "w1"
    assert wait.pauses == pauses
    assert wait.platform.calls == calls


def test_a_job_that_done_said_all_of_is_not_asked_for() -> None:
    wait = Wait([DONE], done=True)
    wait.said = Job(id="job-u1", status=JobState.COMPLETED, workerId="w2")
    assert wait.run().worker_id == "w2"
    assert wait.platform.calls == []


def test_one_that_lasted_until_it_was_asked_for_is_asked_for_its_times() -> None:
    wait = Wait([OPEN, DONE])

    async def see(job: Job) -> bool:
        wait.said = Job(id="job-u1", status=JobState.COMPLETED, workerId="w2")
        return await Wait.see(wait, job)

    wait.see = see  # type: ignore[method-assign]
    assert wait.run().worker_id == "w1"


def test_pauses_end_at_two_seconds() -> None:
    wait = Wait([*[OPEN] * 15, DONE])
    wait.run()
    assert wait.pauses[-3:] == [2.0, 2.0, 2.0]


def test_the_worker_is_told_as_soon_as_it_is_known() -> None:
    wait = Wait([WAITING, OPEN, DONE])
    wait.run()
    assert wait.workers == ["w1"]


def test_phases_are_told_once_each() -> None:
    wait = Wait([WAITING, WAITING, OPEN, OPEN, DONE])
    wait.run()
    assert wait.told == [Phase("queue"), Phase("running", worker_id="w1")]


def test_a_long_queue_says_why_with_the_data_plane() -> None:
    wait = Wait([*[WAITING] * 8, DONE])
    wait.run()
    assert Phase("queue", "1 worker waiting for capacity") in wait.told
    assert set(wait.platform.calls) == {"status", "health"}


def test_each_status_is_shown_to_who_explains_the_wait() -> None:
    wait = Wait([WAITING, OPEN, WAITING, DONE])
    wait.run()
    assert wait.seen == ["IN_QUEUE", "IN_PROGRESS", "IN_QUEUE", "COMPLETED"]


def test_where_the_wait_is_explained_there_is_no_other_word_about_it() -> None:
    wait = Wait([*[WAITING] * 8, DONE])
    wait.is_explained = True
    wait.run()
    assert (wait.told, set(wait.platform.calls)) == ([], {"status"})


def test_a_server_error_on_the_way_is_lived_through() -> None:
    wait = Wait([OPEN, {"http": 502}, {"http": 429}, DONE])
    assert wait.run().worker_id == "w1"


def test_a_platform_that_stays_broken_is_given_up() -> None:
    wait = Wait([{"http": 500}])
    with pytest.raises(ApiError):
        wait.run()
    assert wait.now >= PATIENCE_S


def test_a_job_that_the_platform_forgot() -> None:
    with pytest.raises(ResultLost) as caught:
        Wait([{"http": 404}]).run()
    assert str(caught.value) == (
        "the platform does not know job job-u1 any more; its result is kept for 30 minutes\n  → run the cell again"
    )


FAILURES: list[tuple[str, dict[str, Any], type[JobError], str]] = [
    (
        "a worker that died",
        {"status": "FAILED", "error": "worker lost: w1: exit code 3\nlast log lines:\n  step 41"},
        WorkerLost,
        (
            "the worker died while it ran the job; it was not run again\n"
            "    w1: exit code 3\n    last log lines:\n      step 41\n"
            "  → look at its last lines, then run it again"
        ),
    ),
    (
        "a worker that ended with its server",
        {"status": "FAILED", "error": "worker lost: w1: the embedded Runpod was stopped"},
        WorkerLost,
        (
            "the worker died while it ran the job; it was not run again\n"
            "    w1: the embedded Runpod was stopped\n    last line\n"
            "  → run it again: the embedded Runpod starts by itself"
        ),
    ),
    (
        "the SDK's worker raised",
        {"status": "FAILED", "error": '{"error_type": "KeyError", "error_message": "k", "error_traceback": "..."}'},
        JobError,
        "the worker failed: KeyError: k\n    last line\n  → run the cell again",
    ),
    (
        "no reason",
        {"status": "FAILED"},
        JobError,
        "the worker failed: it gave no reason\n    last line\n  → run the cell again",
    ),
    (
        "too long",
        {"status": "TIMED_OUT", "error": "job timed out after 5 s"},
        JobTimedOut,
        "the job was stopped: its execution timeout (5 s) passed\n  → give it more with timeout=SECONDS",
    ),
    (
        "cancelled by somebody else",
        {"status": "CANCELLED"},
        JobWasCancelled,
        "the job was cancelled\n  → run the cell again",
    ),
]


@pytest.mark.parametrize(("document", "error", "text"), [c[1:] for c in FAILURES], ids=[c[0] for c in FAILURES])
def test_failures(document: dict[str, Any], error: type[JobError], text: str) -> None:
    job = Job.model_validate({"id": "job-u1", "workerId": "w1", **document})
    failure = failure_of(job, "fj-1", log_tail=("last line",), timeout_s=5)
    assert type(failure) is error
    assert str(failure) == text
    assert (failure.job_id, failure.platform_id, failure.worker_id) == ("fj-1", "job-u1", "w1")


def test_a_worker_that_dies_in_each_try_says_how_often() -> None:
    job = Job.model_validate({"id": "job-u1", "status": "FAILED", "error": "worker lost: w1: killed by signal 9"})
    assert str(failure_of(job, "fj-1", tries=3)) == (
        "the worker died while it ran the job; so it did in each of 3 tries\n    w1: killed by signal 9\n"
        "  → give it more memory with other hardware (gpu= or cpu=), or let it do less at once"
    )


LONG_S = 60.0


def test_all_who_wait_are_woken_at_once() -> None:
    async def main() -> None:
        signal = Signal()
        waiting = [asyncio.ensure_future(signal.wait_at_most(LONG_S)) for _ in range(3)]
        waiting.append(asyncio.ensure_future(signal.wait()))  # type: ignore[arg-type]  # returns True
        await asyncio.sleep(0)
        signal.set()
        await asyncio.wait_for(asyncio.gather(*waiting), LONG_S / 2)
        await signal.wait_at_most(LONG_S)  # it stays set

    asyncio.run(main())


def test_who_waits_in_vain_goes_on() -> None:
    async def main() -> bool:
        signal = Signal()
        await signal.wait_at_most(0.001)
        return signal.is_set()

    assert asyncio.run(main()) is False


def test_a_wait_that_is_cancelled_leaves_the_others_waiting() -> None:
    async def main() -> None:
        signal = Signal()
        given_up, other = (asyncio.ensure_future(signal.wait_at_most(LONG_S)) for _ in range(2))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert not other.done()
        signal.set()
        await asyncio.wait_for(other, LONG_S / 2)

    asyncio.run(main())
