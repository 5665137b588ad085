"""The routes of a mothership that no app was written for: one for each function, which forwards to its endpoint.

Functions of queues are `POST /NAME` with their arguments by name as JSON, and answer with their value; methods of
classes are `POST /CLASS/METHOD`. Routes of load balancers keep their method and path.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flash_jupyter import limits
from flash_jupyter.errors import ApiError, FlashError
from flash_jupyter.runtime.registry import ServiceRegistry
from flash_jupyter.runtime.state import Deployed, StateManager
from flash_jupyter.runtime.wrapper import LOOKS, queue_urls
from flash_jupyter.states import JobState
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.balancer import WORKER, Balancer
from flash_jupyter.transport.http import Http
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.jobs import Job, read_error

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

#: what a request may wait for its job: the platform ends it then
WAIT_S = limits.BALANCER_PROCESSING_S - 10
WITHOUT_BODY = frozenset({"GET", "HEAD"})
#: of an endpoint that is gone; a key that is for some endpoints only can't know it any more (401, 403)
GONE = frozenset({401, 403, 404})


@dataclass(frozen=True)
class Target:
    """What a route forwards to."""

    resource: str
    function: str
    method: str = "POST"
    path: str = ""
    is_route: bool = False
    #: what stands beside the arguments in a job's input
    beside: Mapping[str, str] | None = None


def targets_of(manifest: Mapping[str, Any]) -> list[tuple[Target, Mapping[str, Any]]]:
    """Return what is forwarded to, with what the manifest says of each. Pure.

    >>> score = {"name": "score", "module": "m"}
    >>> [(target, _)] = targets_of({"resources": {"q": {"functions": [score]}}})
    >>> target.method, target.path, target.beside
    ('POST', '/score', {})
    """
    found: list[tuple[Target, Mapping[str, Any]]] = []
    for name, resource in manifest.get("resources", {}).items():
        functions = resource.get("functions", ())
        for each in functions:
            if resource.get("is_load_balanced"):
                method = (each.get("http_method") or "POST").upper()
                found.append((Target(name, each["name"], method, each["http_path"], is_route=True), each))
                continue
            named = {"function": each["name"]} if len(functions) > 1 else {}
            methods = each.get("class_methods") or ()
            for method in methods:
                said: Mapping[str, Any] = next((one for one in each.get("methods") or () if one["name"] == method), {})
                beside = {**named, **({"method": method} if len(methods) > 1 else {})}
                found.append((Target(name, each["name"], "POST", f"/{each['name']}/{method}", beside=beside), said))
            if not methods:
                found.append((Target(name, each["name"], "POST", f"/{each['name']}", beside=named), each))
    return found


class Forwarder:
    """Sends what comes in on its way, with the worker's key."""

    def __init__(self, manifest: Mapping[str, Any], environment_id: str, connect: Callable[[], Http]) -> None:
        self._connect = connect
        self._environment_id = environment_id
        self._registry = ServiceRegistry(manifest, environment_id, self._ask)

    async def _ask(self) -> Mapping[str, Deployed]:
        return await StateManager(Apps(self._connect())).endpoints(self._environment_id)

    async def forward(self, target: Target, request: Request) -> Response:
        """Answer a request with what the function's endpoint says."""
        from fastapi.responses import JSONResponse

        try:
            deployed = await self._registry.endpoint_of(target.resource)
            try:
                return await self._at(target, deployed, request)
            except ApiError as failure:
                if failure.status not in GONE:
                    raise
                successor = await self._registry.moved(target.resource, deployed)
                if successor is None:
                    raise
                return await self._at(target, successor, request)
        except FlashError as failure:  # not of the function, which is in an answer
            return JSONResponse({"detail": f"{target.resource}: {failure.message}"}, 502)

    async def _at(self, target: Target, deployed: Deployed, request: Request) -> Response:
        work = self._route if target.is_route else self._job
        return await work(target, deployed, request)

    async def _route(self, target: Target, deployed: Deployed, request: Request) -> Response:
        from fastapi.responses import Response

        content = None if request.method in WITHOUT_BODY else await request.body()
        balancer = Balancer(self._connect(), deployed.url, target.resource)
        kind = request.headers.get("content-type")
        answer = await balancer.answer(
            request.method,
            request.url.path,
            query=dict(request.query_params),
            content=content,
            headers={"Content-Type": kind} if kind else None,
        )
        if WORKER not in answer.headers:
            balancer.checked(request.method, request.url.path, answer)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    async def _job(self, target: Target, deployed: Deployed, request: Request) -> Response:
        from fastapi.responses import JSONResponse

        try:
            arguments = json.loads(await request.body() or b"{}")
        except ValueError as error:
            return JSONResponse({"detail": f"the body is no JSON: {error}"}, 422)
        if not isinstance(arguments, dict):
            return JSONResponse({"detail": "the body must be an object with the arguments"}, 422)
        queue = Queue(self._connect(), queue_urls(deployed))
        sent = {**(target.beside or {}), **arguments} or {"__empty": True}
        job = await queue.run(json.dumps({"input": sent}).encode())
        try:
            job = await asyncio.wait_for(_ended(queue, job, self._connect()), WAIT_S)
        except asyncio.TimeoutError:
            return JSONResponse({"detail": f"the job goes on: {job.id}", "id": job.id}, 504)
        if job.status is JobState.COMPLETED:
            return JSONResponse(job.output)
        said = read_error(job.error_text) or job.status.value
        return JSONResponse({"detail": said, "id": job.id}, 500)


async def _ended(queue: Queue, job: Job, http: Http) -> Job:
    number = 0
    while not job.status.is_final:
        await http.clock.sleep(LOOKS.pause_s(number, http.clock.random()))
        number += 1
        job = await queue.status(job.id)
    return job


def add_functions(app: FastAPI, manifest: Mapping[str, Any], connect: Callable[[], Http], environment_id: str) -> None:
    """Add a route for each function of the app; two that want the same stand behind their resources' names."""
    forwarder, taken = Forwarder(manifest, environment_id, connect), set[tuple[str, str]]()
    for target, said in targets_of(manifest):
        path = target.path if (target.method, target.path) not in taken else f"/{target.resource}{target.path}"
        taken.add((target.method, path))
        app.add_api_route(
            path,
            _endpoint(forwarder, target),
            methods=[target.method],
            tags=[target.resource],
            name=target.function,
            description=said.get("doc") or "",
            operation_id=f"{target.method}_{path}".strip("/").replace("/", "_"),
            openapi_extra=_described(target, said),
            response_model=None,
        )


def _endpoint(forwarder: Forwarder, target: Target) -> Callable[..., Any]:
    from fastapi import Request

    async def endpoint(request: Request) -> Response:
        return await forwarder.forward(target, request)

    endpoint.__annotations__ = {"request": Request}
    return endpoint


def _described(target: Target, said: Mapping[str, Any]) -> dict[str, Any]:
    """What `/docs` shows of the arguments: a body, or for a GET a query; a path's parameters are FastAPI's own."""
    schema = said.get("input_schema") or {"type": "object"}
    properties: Mapping[str, Any] = schema.get("properties", {})
    in_path = {name for name in properties if f"{{{name}}}" in target.path or f"{{{name}:" in target.path}
    required = {*schema.get("required", ()), *in_path}
    parameters = [
        {"name": name, "in": "path" if name in in_path else "query", "required": name in required, "schema": each}
        for name, each in properties.items()
        if name in in_path or target.method in WITHOUT_BODY
    ]
    if target.method in WITHOUT_BODY:
        return {"parameters": parameters}
    left = {name: each for name, each in properties.items() if name not in in_path}
    body = {**schema, "properties": left, "required": [name for name in left if name in required]}
    return {"parameters": parameters, "requestBody": {"content": {"application/json": {"schema": body}}}}
