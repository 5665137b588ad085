"""The data plane of one queue endpoint: at its own `requestUrls`, or the docs' where only its id is known.

And the line in which many cancels of one endpoint stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from flash_jupyter import limits
from flash_jupyter.backend import Backend
from flash_jupyter.errors import ApiError, NotFoundError, RateLimitedError
from flash_jupyter.transport.http import Http, Retry
from flash_jupyter.wire.control import RequestUrls
from flash_jupyter.wire.jobs import Health, Job, Purged

#: an endpoint's URL template names the job so (`QueueBasedRequestUrls` of the REST v2 document)
JOB_ID = "{job_id}"
#: `/runsync` is asked to hold a request for so long at most: a silent connection is given up after 30 s (`http.py`)
RUNSYNC_HOLD_S = 20.0
#: after a cancel that was refused for too many, where the platform does not say how long to wait
REFUSED_S = 1.0


class Queue:
    """Submit, ask, cancel. Where `urls` are the docs', `told` asks for the real ones when nothing is found there."""

    def __init__(
        self, http: Http, urls: RequestUrls, *, told: Callable[[], Awaitable[RequestUrls]] | None = None
    ) -> None:
        self._http, self._urls, self._told = http, urls, told
        self.clock = http.clock

    async def run(self, body: bytes, *, sleep: Callable[[float], Awaitable[None]] | None = None) -> Job:
        """Put one job into the queue; its answer comes at once. Never repeated: a lost answer may hide a job.

        Only a refusal for too many is waited for, with `sleep`.
        """
        answer = await self._http.call("POST", self._urls.run, content=body, idempotent=False, sleep=sleep)
        return Job.model_validate_json(answer)

    async def run_sync(self, body: bytes, wait_s: float) -> Job:
        """Put one job into the queue and wait at most so long for its end; returns where it is then. Never repeated."""
        if self._urls.run_sync is None:
            return await self.run(body)
        wait_ms = int(min(max(wait_s, limits.RUNSYNC_WAIT_MIN_S), RUNSYNC_HOLD_S) * 1000)
        url = f"{self._urls.run_sync}?wait={wait_ms}"
        return Job.model_validate_json(await self._http.call("POST", url, content=body, idempotent=False))

    async def status(self, job_id: str, *, retry: Retry = Retry()) -> Job:  # noqa: B008 - frozen
        """Return the job as it is now, or raise `NotFoundError` once its retention is over."""
        return await self._find(lambda: self._call("GET", _fill(self._urls.status, job_id), retry))

    async def cancel(self, job_id: str, *, retry: Retry = Retry()) -> Job:  # noqa: B008 - frozen
        """Stop a running job, or take a waiting one out of the queue."""
        return await self._find(lambda: self._call("POST", _fill(self._urls.cancel, job_id), retry))

    async def purge(self) -> int:
        """Take all waiting jobs out of the queue, and return how many; those that run go on."""
        if self._urls.purge_queue is None:
            raise ApiError("the platform names no way to purge this queue", fix="cancel its jobs one by one")
        return Purged.model_validate_json(await self._http.call("POST", self._urls.purge_queue)).removed

    async def health(self, *, retry: Retry = Retry()) -> Health:  # noqa: B008 - frozen
        """Return how many jobs and workers are in which state."""
        return Health.model_validate_json(await self._http.call("GET", self._urls.health, retry=retry))

    async def _call(self, method: str, url: str, retry: Retry = Retry()) -> Job:  # noqa: B008 - frozen
        return Job.model_validate_json(await self._http.call(method, url, retry=retry))

    async def _find(self, ask: Callable[[], Awaitable[Job]]) -> Job:
        """Ask for a job, and again at the real address; raises what the control plane says where it can't tell that."""
        try:
            return await ask()
        except NotFoundError:
            if self._told is None:
                raise
            try:
                urls = await self._told()
            except NotFoundError:  # the endpoint is gone
                urls = self._urls
            self._told = None
            if urls.status == self._urls.status:
                raise
            self._urls = urls
        return await ask()


class CancelLine:
    """The cancels of one endpoint: as many at the same time as it takes, and none while it refuses them.

    It takes a hundred in ten seconds. If each of hundreds asked for itself, most would be refused again and again.
    """

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(limits.CONCURRENT_REQUESTS["cancel"])
        self._refused_until = 0.0

    async def cancel(self, queue: Queue, job_id: str) -> Job:
        """Cancel a job when its turn has come, after refusals too, however many; raises other `ApiError`s."""
        async with self._turns:
            while True:
                if (pause_s := self._refused_until - queue.clock.monotonic()) > 0:
                    await queue.clock.sleep(pause_s)
                try:
                    return await queue.cancel(job_id, retry=Retry(when_refused=False))
                except RateLimitedError as refused:
                    self._refused_until = queue.clock.monotonic() + max(refused.retry_after_s, REFUSED_S)


def urls_of(backend: Backend, endpoint_id: str) -> RequestUrls:
    """Return where an endpoint takes jobs, without asking for it (Runpod docs, serverless/endpoints/send-requests).

    >>> urls_of(Backend("runpod", "https://api", "https://host/v2", "", ""), "ep1").cancel
    'https://host/v2/ep1/cancel/{job_id}'
    """
    base = f"{backend.endpoint_url}/{quote(endpoint_id, safe='')}"
    return RequestUrls(
        run=f"{base}/run",
        runSync=f"{base}/runsync",
        status=f"{base}/status/{JOB_ID}",
        cancel=f"{base}/cancel/{JOB_ID}",
        purgeQueue=f"{base}/purge-queue",
        health=f"{base}/health",
    )


def _fill(template: str, job_id: str) -> str:
    """Put the job into the template.

    >>> _fill("https://host/v2/ep/status/{job_id}", "a/b-u1")
    'https://host/v2/ep/status/a%2Fb-u1'
    """
    return template.replace(JOB_ID, quote(job_id, safe=""))
