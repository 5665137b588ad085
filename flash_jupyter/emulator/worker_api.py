"""The worker protocol: what a worker asks and reports (reference/runpod-platform.md 1.3 and 1.5).

Bodies come with a form's content type and are JSON all the same. A poll is held; 204 is answered when there is nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator.dispatch import Dispatcher
from flash_jupyter.emulator.jobs import BadRequest, Job, order_document, parse_worker_answer
from flash_jupyter.emulator.queue_api import read_body
from flash_jupyter.emulator.world import NoSuchEndpoint, NoSuchWorker, Worker, World

#: a worker that we do not know asks again at once: the SDK does not pause after an error
UNKNOWN_PAUSE_S = 1.0
BATCH_MAX = 100
#: routes that say nothing about whether somebody uses the server
POLLS = ("/job-take/", "/job-take-batch/", "/job-stop/", "/ping/")


class WorkerApi:
    """The routes, and what they need."""

    def __init__(self, world: World, dispatcher: Dispatcher) -> None:
        self._world, self._dispatcher = world, dispatcher

    def routes(self) -> list[Route]:
        """Return the six routes of the worker protocol."""
        return [
            self._route("GET", "job-take/{worker_id}", self._take),
            self._route("POST", "job-done/{worker_id}/{job_id}", self._done),
            self._route("GET", "job-take-batch/{worker_id}", self._take_batch),
            self._route("GET", "job-stop/{worker_id}", self._stop),
            self._route("POST", "job-stream/{worker_id}/{job_id}", self._stream),
            self._route("GET", "ping/{worker_id}", self._ping),
        ]

    def _route(self, method: str, path: str, handler: Callable[[Request, Worker], Awaitable[Response]]) -> Route:
        async def endpoint_of_route(request: Request) -> Response:
            parameters = request.path_params
            try:
                worker = self._world.worker(parameters["endpoint_id"], parameters["worker_id"])
                return await handler(request, worker)
            except (NoSuchEndpoint, NoSuchWorker):
                await asyncio.sleep(UNKNOWN_PAUSE_S)
                return JSONResponse({"error": f"worker {parameters['worker_id']} not found"}, 404)
            except BadRequest as refused:
                return JSONResponse({"error": str(refused)}, 400)

        return Route(f"/v2/{{endpoint_id}}/{path}", endpoint_of_route, methods=[method])

    async def _take(self, request: Request, worker: Worker) -> Response:
        """GET job-take - one job, as the object that the handler gets."""
        jobs = await self._take_jobs(request, worker, 1)
        if not jobs:
            return Response(status_code=204)
        return Response(self._order(jobs[0]), media_type="application/json")

    async def _take_batch(self, request: Request, worker: Worker) -> Response:
        """GET job-take-batch - up to `batch_size` jobs, as a list."""
        text = request.query_params.get("batch_size", "1")
        count = min(int(text), BATCH_MAX) if text.isdecimal() and int(text) > 0 else 1
        jobs = await self._take_jobs(request, worker, count)
        if not jobs:
            return Response(status_code=204)
        body = b"[" + b",".join(self._order(job) for job in jobs) + b"]"
        return Response(body, media_type="application/json")

    async def _take_jobs(self, request: Request, worker: Worker, count: int) -> list[Job]:
        idle = request.query_params.get("job_in_progress") == "0"

        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        return await self._dispatcher.take(worker, count, idle=idle, gone=gone)

    def _order(self, job: Job) -> bytes:
        return order_document(job.id, self._dispatcher.order_of(job))

    async def _done(self, request: Request, worker: Worker) -> Response:
        """POST job-done - the result, or progress. `take=1` is of our own worker: with the next job, please."""
        job_id = request.path_params["job_id"]
        try:
            body = await read_body(request, self._world.config.limits.result_bytes)
            answer = parse_worker_answer(body)
        except BadRequest as refused:
            # the SDK drops a result that is refused, and the job would hang until its timeout
            self._dispatcher.refuse_result(worker, job_id, str(refused))
            raise
        following = self._dispatcher.answer(worker, job_id, answer, takes=_takes(request.scope["query_string"]))
        if following is not None:
            return Response(self._order(following), media_type="application/json")
        await asyncio.sleep(0)  # who waits for the job or its log goes first: the worker has nothing to do now
        return JSONResponse({})

    def end_job(self, endpoint_id: str, worker_id: str, job_id: str, query: bytes, body: bytes) -> bytes | None:
        """Take an answer as job-done does, and return what that says; None, and nothing done, where it would refuse."""
        if len(body) > self._world.config.limits.result_bytes:
            return None
        try:
            worker = self._world.worker(endpoint_id, worker_id)
            answer = parse_worker_answer(body)
        except (NoSuchEndpoint, NoSuchWorker, BadRequest):
            return None
        following = self._dispatcher.answer(worker, job_id, answer, takes=_takes(query))
        return b"{}" if following is None else self._order(following)

    async def _stream(self, request: Request, worker: Worker) -> Response:
        """POST job-stream - one partial result."""
        body = await read_body(request, self._world.config.limits.result_bytes)
        try:
            document = json.loads(body.decode("utf-8"))
        except ValueError as error:
            raise BadRequest(f"the partial result is not JSON: {error}") from None
        if not isinstance(document, dict):
            raise BadRequest("the partial result must be a JSON object")
        self._dispatcher.add_chunk(worker, request.path_params["job_id"], body)
        return JSONResponse({})

    async def _stop(self, _: Request, worker: Worker) -> Response:
        """GET job-stop - held until one of the worker's jobs is to be stopped."""
        if not worker.to_stop and not self._world.closing.is_set():
            loop = asyncio.get_running_loop()
            worker.stop_poll = loop.create_future()
            timer = loop.call_later(self._world.config.limits.take_hold_s, worker.release_stop_poll)
            await worker.stop_poll
            timer.cancel()
        if not worker.to_stop:
            return Response(status_code=204)
        jobs, worker.to_stop = worker.to_stop, []
        return JSONResponse({"jobsToStop": jobs})

    async def _ping(self, request: Request, worker: Worker) -> Response:
        """GET ping - a heartbeat, or the last word of a worker that failed its own checks."""
        query = request.query_params
        if query.get("status") == "unhealthy":
            worker.advance("sicken")
            worker.ending = f"unhealthy: {query.get('check')}: {query.get('reason')}"
            worker.log.system(f"worker {worker.id} is {worker.ending}")
            self._world.wake.set()
        return JSONResponse({})


def _takes(query: bytes) -> bool:
    return b"take=1" in query.split(b"&")
