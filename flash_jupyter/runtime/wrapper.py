"""One call of another resource, from its endpoint to its value.

Rule of the file: nothing runs twice unless the caller asked for it. A request is sent again only where there was no
connection, where the platform refused it (429), or where its endpoint is gone and has a successor.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from flash_jupyter.errors import (
    ApiError,
    AuthenticationError,
    JobTimedOut,
    NotFoundError,
    ResultLost,
    UnreachableError,
    WorkerLost,
)
from flash_jupyter.runtime.answers import MORE_TIME, failure_of, read_job
from flash_jupyter.runtime.registry import ServiceRegistry
from flash_jupyter.runtime.request import Call, Ended, job_body
from flash_jupyter.runtime.state import Deployed
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.transport.http import Http, Retry
from flash_jupyter.transport.queue import JOB_ID, Queue
from flash_jupyter.transport.refusals import nothing_was_sent
from flash_jupyter.transport.routes import arguments_by_name, request_of
from flash_jupyter.wire.control import RequestUrls
from flash_jupyter.wire.jobs import Job
from flash_jupyter.worker import api

T = TypeVar("T")

#: pauses between two looks at a job that runs
LOOKS = Retry(first_s=0.05, factor=1.4, cap_s=1.0)
#: pauses where there was no connection, and how often that is tried
CONNECTS = Retry(attempts=6, first_s=0.25, cap_s=4.0)
#: what telling the platform of a cancelled call may take, in seconds
CANCEL_S = 5.0
#: tells the worker of a load balancer how long we wait, in seconds
HEADER = api.HEADER


class ProductionWrapper:
    """Calls what other resources of the environment serve; lives on one event loop."""

    def __init__(self, registry: ServiceRegistry, http: Http) -> None:
        self._registry, self._http, self._clock = registry, http, http.clock

    async def run(self, call: Call, *, retries: int = 0) -> Ended:
        """Make a call of a queue's function or class.

        Raises what the function raised, as a `RemoteExecutionError`, and `JobError`, `ApiError`, `ManifestError` for
        what hindered it. `retries`: how often it is sent again where its worker was lost.
        """
        body, began = job_body(call), self._clock.monotonic()
        while True:
            job = await self._in_time(call, lambda left: self._job(replace(call, timeout_s=left), body), began)
            try:
                return Ended(read_job(job, call), job)
            except WorkerLost:
                if retries <= 0:
                    raise
                retries -= 1

    async def route(self, call: Call, method: str, path: str) -> Ended:
        """Make a call of a load balancer's route, with JSON."""
        filled, query, content = request_of(method, path, arguments_by_name(call.function, call.arguments))
        wait = {HEADER: "" if call.timeout_s is None else f"{call.timeout_s:.3f}"}

        async def ask(deployed: Deployed) -> Any:
            balancer = Balancer(self._http, deployed.url, call.resource)
            answer = await balancer.answer(
                method, filled, query=query, content=content, timeout_s=call.timeout_s, headers=wait
            )
            said = _json(answer)
            if answer.status_code == 500 and isinstance(said, dict) and "report" in said:
                raise failure_of(said, call)
            balancer.checked(method, filled, answer)
            return said

        began = self._clock.monotonic()
        return Ended(await self._in_time(call, lambda _left: self._at_its_endpoint(call, ask), began))

    async def _job(self, call: Call, body: bytes) -> Job:
        """Submit, and look until it is over; a call that is cancelled takes its job along."""
        queue, job = await self._at_its_endpoint(call, lambda deployed: self._submit(deployed, body))
        number = 0
        try:
            while not job.status.is_final:
                await self._clock.sleep(LOOKS.pause_s(number, self._clock.random()))
                number += 1
                job = await queue.status(job.id)
        except NotFoundError:
            raise ResultLost(
                f"the job of {call.label} on {call.resource} is not known any more; whether it ran is not known",
                platform_id=job.id,
                fix="call it again, if it may run twice",
            ) from None
        except BaseException:
            with contextlib.suppress(ApiError, asyncio.TimeoutError):
                await asyncio.shield(asyncio.wait_for(queue.cancel(job.id), CANCEL_S))
            raise
        return job

    async def _submit(self, deployed: Deployed, body: bytes) -> tuple[Queue, Job]:
        queue, attempt = Queue(self._http, queue_urls(deployed)), 0
        while True:
            try:
                return queue, await queue.run(body)
            except UnreachableError as failure:
                if not nothing_was_sent(failure) or attempt + 1 >= CONNECTS.attempts:
                    raise
            await self._clock.sleep(CONNECTS.pause_s(attempt, self._clock.random()))
            attempt += 1

    async def _at_its_endpoint(self, call: Call, work: Callable[[Deployed], Awaitable[T]]) -> T:
        """Do it at the endpoint of the resource; at its successor where that is gone."""
        deployed = await self._registry.endpoint_of(call.resource)
        try:
            try:
                return await work(deployed)
            except NotFoundError as gone:
                successor = await self._registry.moved(call.resource, deployed)
                if successor is None:
                    raise ApiError(
                        f"the endpoint {deployed.endpoint_id} of {call.resource} is gone, and has no successor",
                        status=404,
                        detail=gone.detail,
                        fix="deploy again: flash deploy send",
                    ) from None
                return await work(successor)
        except AuthenticationError as refused:
            raise AuthenticationError(
                f"the key of this worker may not call {call.resource}: {refused.message}",
                status=refused.status,
                fix="store a key that may as a secret of Runpod: flash deploy send --runtime-secret NAME",
            ) from None
        except UnreachableError as failure:
            if not failure.detail or nothing_was_sent(failure):
                raise
            raise UnreachableError(
                f"the call of {call.label} on {call.resource} was cut: {failure.message}; it was not sent again",
                detail=failure.detail,
                fix="call it again, if it may run twice",
            ) from None

    async def _in_time(self, call: Call, work: Callable[[float | None], Awaitable[T]], began: float) -> T:
        """Do it in what is left of the caller's time; raises `JobTimedOut` after that."""
        if call.timeout_s is None:
            return await work(None)
        left_s = call.timeout_s - (self._clock.monotonic() - began)
        try:
            if left_s <= 0:
                raise asyncio.TimeoutError
            return await asyncio.wait_for(work(left_s), left_s)
        except asyncio.TimeoutError:
            raise JobTimedOut(
                f"{call.label} on {call.resource} gave no answer in the {max(0.0, call.timeout_s):.1f} s that its "
                "caller had left",
                fix=MORE_TIME,
            ) from None


def queue_urls(deployed: Deployed) -> RequestUrls:
    """Return where a queue takes requests: the map of an environment holds what these begin with (flash-wire.md 7.2).

    >>> queue_urls(Deployed("ep", "https://host/v2/ep")).status
    'https://host/v2/ep/status/{job_id}'
    """
    base = deployed.url.rstrip("/")
    words = {word: f"{base}/{word}/{JOB_ID}" for word in ("status", "cancel")}
    return RequestUrls(run=f"{base}/run", health=f"{base}/health", **words)


def _json(answer: Any) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text
