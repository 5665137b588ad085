from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from contract import Replay, example

from flash_jupyter.errors import NotFoundError
from flash_jupyter.settings import Backend
from flash_jupyter.states import JobState
from flash_jupyter.transport.http import Clock, Http
from flash_jupyter.transport.queue import CancelLine, Queue, urls_of
from flash_jupyter.wire.control import RequestUrls

BACKEND = Backend("runpod", "https://api.runpod.io", "https://api.runpod.ai/v2", "$KEY", "somewhere")
JOB = "f3f2c0c1-6a4e-4a5c-8a8e-0d8c2f3e9a11-u1"


def ask(call: Callable[[Queue], Awaitable[Any]], *names: str) -> tuple[Any, Replay]:
    async def main() -> Any:
        http = Http(BACKEND, transport=replay)
        urls = RequestUrls.model_validate(example("control-get")["response"]["body"]["requestUrls"])
        try:
            return await call(Queue(http, urls))
        finally:
            await http.aclose()

    replay = Replay(*names)
    return asyncio.run(main()), replay


def test_where_only_its_id_is_known_an_endpoint_is_where_its_document_says() -> None:
    document = example("control-get")["response"]["body"]
    told = RequestUrls.model_validate({name: url for name, url in document["requestUrls"].items() if name != "stream"})
    assert urls_of(BACKEND, document["id"]) == told


def test_run_sends_the_bytes_as_they_are() -> None:
    job, replay = ask(lambda q: q.run(b'{"input":{}}'), "queue-run")
    assert (job.id, job.status) == (JOB, JobState.IN_QUEUE)
    assert replay.requests[0].content == b'{"input":{}}'
    assert replay.requests[0].headers["Content-Type"] == "application/json"


def test_status_cancel_health() -> None:
    assert ask(lambda q: q.status(JOB), "queue-status-completed")[0].status is JobState.COMPLETED
    assert ask(lambda q: q.cancel(JOB), "queue-cancel")[0].status is JobState.CANCELLED
    assert ask(lambda q: q.health(), "queue-health")[0].jobs.completed == 1


def test_purge_says_how_many_jobs_went() -> None:
    removed, replay = ask(lambda q: q.purge(), "queue-purge")
    assert removed == 2
    assert replay.requests[0].method == "POST"


def test_a_job_that_is_forgotten() -> None:
    with pytest.raises(NotFoundError, match="job no-such-job not found"):
        ask(lambda q: q.status("no-such-job"), "queue-error-404-job")


class Crowded(httpx.AsyncBaseTransport):
    """Takes so many cancels in a window of ten seconds, and counts those that are there at the same time."""

    def __init__(self, quota: int) -> None:
        self.quota, self.now = quota, 0.0
        self.taken: dict[float, int] = {}
        self.refused = self.here = self.most = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.here += 1
        self.most = max(self.most, self.here)
        for _ in range(3):
            await asyncio.sleep(0)
        self.here -= 1
        window = self.now // 10 * 10
        if self.taken.get(window, 0) >= self.quota:
            self.refused += 1
            return httpx.Response(429, headers={"Retry-After": str(window + 10 - self.now)}, request=request)
        self.taken[window] = self.taken.get(window, 0) + 1
        job_id = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json={"id": job_id, "status": "CANCELLED"}, request=request)

    async def sleep(self, seconds: float) -> None:
        due = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, due)


def test_many_cancels_go_as_the_platform_takes_them() -> None:
    platform = Crowded(quota=100)
    clock = Clock(monotonic=lambda: platform.now, sleep=platform.sleep)

    async def main() -> list[str]:
        http, line = Http(BACKEND, transport=platform, clock=clock), CancelLine()
        queue = Queue(http, urls_of(BACKEND, "ep1"))
        try:
            jobs = await asyncio.gather(*(line.cancel(queue, f"job-{n}") for n in range(250)))
        finally:
            await http.aclose()
        return [job.id for job in jobs]

    assert asyncio.run(main()) == [f"job-{n}" for n in range(250)]
    assert platform.taken == {0.0: 100, 10.0: 100, 20.0: 50}
    assert (platform.most, platform.refused) == (20, 2 * 20)  # not 150 and 50
