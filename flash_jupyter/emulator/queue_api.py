"""The queue data plane: `/v2/{endpoint}/run` and its companions (reference/runpod-platform.md 4)."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter import limits
from flash_jupyter.emulator.apps import FLASH_ID, Apps
from flash_jupyter.emulator.dispatch import Dispatcher
from flash_jupyter.emulator.endpoints import Endpoints, request_urls
from flash_jupyter.emulator.jobs import BadRequest, Job, Policy, accepted_document, parse_run_body, status_document
from flash_jupyter.emulator.rate import QueueLimiter
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, NoSuchJob, World
from flash_jupyter.states import IllegalTransition, JobState

#: how long `/stream` waits for a first chunk; the platform's own time is not documented
STREAM_HOLD_S = 1.0


Handler = Callable[[Request, Endpoint], Awaitable[Response]]


class QueueApi:
    """The routes, and what they need."""

    def __init__(
        self, world: World, dispatcher: Dispatcher, endpoints: Endpoints, limiter: QueueLimiter, apps: Apps
    ) -> None:
        self._world, self._dispatcher = world, dispatcher
        self._endpoints, self._limiter, self._apps = endpoints, limiter, apps

    def routes(self) -> list[Route]:
        """Return the routes; the busy ones first."""
        return [
            self._route("GET", "status/{job_id}", self._status),
            self._route("POST", "run", self._run),
            self._route("POST", "runsync", self._bounded("runsync", self._runsync)),
            self._route("GET", "stream/{job_id}", self._bounded("stream", self._stream)),
            self._route("POST", "cancel/{job_id}", self._cancel),
            self._route("POST", "retry/{job_id}", self._retry),
            self._route("POST", "purge-queue", self._purge),
            self._route("GET", "health", self._health),
            self._route("GET", "metrics", self._metrics),
            self._route("GET", "requests", self._requests),
        ]

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        operation = path.partition("/")[0]

        async def endpoint_of_route(request: Request) -> Response:
            try:
                endpoint = self._world.endpoints.get(request.path_params["endpoint_id"]) or self._other(request)
                if endpoint.is_balancer and operation not in ("health", "metrics"):
                    base = request_urls(self._world.base_url, endpoint)["base"]
                    return _error(400, f"endpoint {endpoint.id} is a load balancer without a queue: send to {base}")
                full = self._limiter.count(endpoint.id, operation)
                if full is not None:
                    wait_s = str(self._limiter.retry_after(full))
                    text = f"too many requests: {operation} allows {full.quota} in {full.length_s:.0f} s"
                    return _error(429, text, {"Retry-After": wait_s})
                return await handler(request, endpoint)
            except NoSuchEndpoint as missing:
                return _error(404, f"endpoint {missing} not found")
            except NoSuchJob as missing:
                return _error(404, f"job {missing} not found")
            except (BadRequest, IllegalTransition) as refused:
                return _error(400, str(refused))

        return Route(f"/v2/{{endpoint_id}}/{path}", endpoint_of_route, methods=[method])

    def _other(self, request: Request) -> Endpoint:
        """Return the endpoint of a request whose path has no endpoint's id."""
        endpoint_id = request.path_params["endpoint_id"]
        if endpoint_id != FLASH_ID:
            raise NoSuchEndpoint(endpoint_id)
        return self._apps.called(request.headers, request.path_params.get("job_id"))

    def _bounded(self, operation: str, handler: Handler) -> Handler:
        """Allow so many requests of an endpoint at the same time; only those that are held need it.

        The platform also raises its limits with the number of running workers; by how much is not documented.
        """
        held: Counter[str] = Counter()
        most = self._world.config.limits.concurrent_requests[operation]

        async def bounded(request: Request, endpoint: Endpoint) -> Response:
            if held[endpoint.id] >= most:
                text = f"too many requests: {operation} allows {most} at the same time"
                return _error(429, text, {"Retry-After": "1"})
            held[endpoint.id] += 1
            try:
                return await handler(request, endpoint)
            finally:
                held[endpoint.id] -= 1

        return bounded

    def _job(self, request: Request, endpoint: Endpoint) -> Job:
        return self._world.job(endpoint.id, request.path_params["job_id"])

    async def _run(self, request: Request, endpoint: Endpoint) -> Response:
        """POST run - accept a job; answers before it runs."""
        body, policy = await self._read(request, self._world.config.limits.run_bytes)
        job = self._dispatcher.submit(endpoint, body, policy, sync=False)
        if job.state is not JobState.IN_QUEUE:
            await asyncio.sleep(0)  # the worker that gets the job goes first: it has the longer way
        return Response(accepted_document(job), media_type="application/json")

    def accept(self, endpoint_id: str, body: bytes) -> Job | None:
        """Accept a job as run does; None, and nothing done, where that would refuse it."""
        endpoint = self._world.endpoints.get(endpoint_id)
        if endpoint is None or endpoint.is_balancer or len(body) > self._world.config.limits.run_bytes:
            return None
        try:
            policy = parse_run_body(body, self._world.config.limits)
        except BadRequest:
            return None
        if self._limiter.count(endpoint_id, "run") is not None:
            return None
        return self._dispatcher.submit(endpoint, body, policy, sync=False)

    async def _runsync(self, request: Request, endpoint: Endpoint) -> Response:
        """POST runsync?wait=ms - accept a job and wait for its end; when the wait is over, its state."""
        wait_s = self._wait_s(request)
        body, policy = await self._read(request, self._world.config.limits.runsync_bytes)
        job = self._dispatcher.submit(endpoint, body, policy, sync=True)
        if "wait" in request.query_params:  # who waits longer may also come back later: one minute, five at most
            job.retention_s = max(wait_s, self._world.config.limits.runsync_retention_s)
        deadline = self._world.clock() + wait_s
        while not job.state.is_final and not self._world.closing.is_set():
            left_s = deadline - self._world.clock()
            if left_s <= 0:
                break
            await self._dispatcher.changed(job, left_s)
        return self._show(job)

    def _wait_s(self, request: Request) -> float:
        least, most = self._world.config.limits.runsync_wait_min_s, limits.RUNSYNC_WAIT_MAX_S
        text = request.query_params.get("wait")
        try:
            wait_s = limits.RUNSYNC_WAIT_DEFAULT_S if text is None else float(text) / 1000
        except ValueError:
            wait_s = -1.0
        if not least <= wait_s <= most:
            raise BadRequest(f"`wait` must be {least * 1000:.0f} to {most * 1000:.0f} milliseconds")
        return wait_s

    async def _read(self, request: Request, limit_bytes: int) -> tuple[bytes, Policy]:
        body = await read_body(request, limit_bytes)
        return body, parse_run_body(body, self._world.config.limits)

    def _show(self, job: Job) -> Response:
        return Response(status_document(job, self._dispatcher.result_of(job)), media_type="application/json")

    async def _status(self, request: Request, endpoint: Endpoint) -> Response:
        """GET status/{job}?ttl=ms - where the job is, with its result when it has one."""
        job = self._job(request, endpoint)
        ttl = request.query_params.get("ttl")
        if ttl is not None:
            self._set_ttl(job, ttl)
        return self._show(job)

    def _set_ttl(self, job: Job, text: str) -> None:
        """The time to live counts from the submission, like the policy's."""
        try:
            ttl_s = float(text) / 1000
        except ValueError:
            ttl_s = -1.0
        if not self._world.config.limits.job_ttl_min_s <= ttl_s <= limits.JOB_TTL_MAX_S:
            raise BadRequest("`ttl` must be 10000 to 604800000 milliseconds")
        self._dispatcher.keep_for(job, ttl_s)

    async def _stream(self, request: Request, endpoint: Endpoint) -> Response:
        """GET stream/{job} - the partial results since the last call."""
        job = self._job(request, endpoint)
        deadline = self._world.clock() + STREAM_HOLD_S
        while not (job.chunks or job.state.is_final or self._world.closing.is_set()):
            left_s = deadline - self._world.clock()
            if left_s <= 0:
                break
            await self._dispatcher.changed(job, left_s)
        chunks = b",".join(self._dispatcher.drain_chunks(job))
        body = b'{"status":"%s","stream":[%s]}' % (job.state.value.encode(), chunks)
        return Response(body, media_type="application/json")

    async def _cancel(self, request: Request, endpoint: Endpoint) -> Response:
        """POST cancel/{job} - queued or running; a final job keeps its state."""
        job = self._job(request, endpoint)
        self._dispatcher.cancel(job)
        return JSONResponse({"id": job.id, "status": job.state.value})

    async def _retry(self, request: Request, endpoint: Endpoint) -> Response:
        """POST retry/{job} - only FAILED and TIMED_OUT."""
        job = self._job(request, endpoint)
        self._dispatcher.retry(job)
        return JSONResponse({"id": job.id, "status": JobState.IN_QUEUE.value})

    async def _purge(self, _: Request, endpoint: Endpoint) -> Response:
        """POST purge-queue - cancel what is queued."""
        return JSONResponse({"removed": self._dispatcher.purge(endpoint), "status": "completed"})

    async def _health(self, _: Request, endpoint: Endpoint) -> Response:
        """GET health - counts of jobs and workers."""
        return JSONResponse(self._endpoints.health(endpoint))

    async def _metrics(self, _: Request, endpoint: Endpoint) -> Response:
        """GET metrics - workers that take jobs, and counts."""
        return JSONResponse(self._endpoints.metrics(endpoint))

    async def _requests(self, _: Request, endpoint: Endpoint) -> Response:
        """GET requests - the jobs that are known."""
        return JSONResponse(self._endpoints.requests(endpoint))


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """Return the body; raises `BadRequest` as soon as it is too large."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit_bytes:
            raise BadRequest(f"the body is larger than {limit_bytes} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _error(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps({"error": text}), status, headers, media_type="application/json")
