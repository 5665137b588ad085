"""The FastAPI app of `flash run`: the project's own where it has one, and a route for each remote function.

A route says what it is, where its function runs and what that costs.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from flash_jupyter.build.mothership import APP_FILES
from flash_jupyter.decorator.classes import RemoteClass
from flash_jupyter.decorator.routes import RemoteRoute
from flash_jupyter.develop.discover import Served, import_module
from flash_jupyter.develop.jobs import SHAPE, QueueResource, failure, is_over, job_document, state_document
from flash_jupyter.errors import FlashError, OptionError
from flash_jupyter.worker.api import endpoint_of


@dataclass(frozen=True)
class Route:
    """One route as it is listed; `place` is where its function runs, empty for a route of the project's own app."""

    method: str
    path: str
    function: str
    where: str
    place: Mapping[str, Any] = field(default_factory=dict)


Places = Mapping[str, Mapping[str, Any]]
Taken = set[tuple[str, str]]
#: a status of HTTP and a document
Answer = tuple[int, dict[str, Any]]


def find_app(root: Path) -> FastAPI | None:
    """Import the project's own app and return it; None where no file of `APP_FILES` makes one.

    Raises `BuildError` where the file can't be imported.
    """
    for name in APP_FILES:
        if not _makes_app(root / name):
            continue
        members: dict[str, Any] = vars(import_module(name.removesuffix(".py"), name))
        found = [member for member in (members.get("app"), *members.values()) if isinstance(member, FastAPI)]
        if found:
            return found[0]
    return None


def _makes_app(path: Path) -> bool:
    """Whether a file calls `FastAPI(...)` somewhere; it is imported only then."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):  # none, or not Python: who reads the project says so
        return False
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(getattr(call, "id", getattr(call, "attr", "")) == "FastAPI" for call in calls)


def make_app(own: FastAPI | None, name: str, served: tuple[Served, ...], places: Places) -> tuple[FastAPI, list[Route]]:
    """Return the app and the list of its routes; the project's own routes come first, and are never replaced."""
    app = own if own is not None else FastAPI(title=name)
    mine = [route for route in app.routes if isinstance(route, APIRoute)]
    routes = [Route(method, route.path, route.name, "") for route in mine for method in sorted(route.methods or ())]
    taken = {(route.method, route.path) for route in routes}
    router, listed = make_routes(served, places, taken)
    app.include_router(router)
    routes += listed
    _add_ours(app, name, routes, {path for _, path in taken})
    app.exception_handlers.setdefault(FlashError, _fail)
    return app, routes


def _add_ours(app: FastAPI, name: str, routes: list[Route], taken: set[str]) -> None:
    async def index() -> dict[str, Any]:
        """List the routes, with where each runs and what that costs."""
        return {"project": name, "docs": app.docs_url, "routes": [asdict(route) for route in routes]}

    async def ping() -> dict[str, str]:
        """Say that the server is there."""
        return {"status": "healthy"}

    for path, endpoint in (("/", index), ("/ping", ping)):
        if path not in taken:
            app.add_api_route(path, endpoint, methods=["GET"], tags=["flash run"])


async def _fail(_request: Request, error: Exception) -> JSONResponse:
    """Answer where a route of the project's own let an error of a remote function pass."""
    assert isinstance(error, FlashError)
    return failure(error)


def broken_app(error: FlashError) -> FastAPI:
    """Return an app that says everywhere why the project is not served; it stands in until a file is saved."""
    app = FastAPI(title="not served", docs_url=None, redoc_url=None, openapi_url=None)

    async def say(_path: str) -> JSONResponse:
        document = {"error": error.message, "type": type(error).__name__, "fix": error.fix}
        return JSONResponse(document, status_code=503)

    app.add_api_route("/{_path:path}", say, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return app


def make_routes(served: Iterable[Served], places: Places, taken: Taken) -> tuple[APIRouter, list[Route]]:
    """Return a router with the routes of all functions, and their list.

    `places` says where each resource runs, by its name; `taken` are methods and paths that others have: a load balanced
    route of one of these stands behind its resource's name.
    """
    router, each_served = APIRouter(), list(served)
    routes = [
        _add_route(router, each, each.remote, places[each.resource], taken)
        for each in each_served
        if isinstance(each.remote, RemoteRoute)
    ]
    for queue in _queues(each_served):
        routes += _add_queue(router, queue, places[queue.name])
    return router, routes


def _queues(served: Iterable[Served]) -> list[QueueResource]:
    together: dict[str, dict[str, Served]] = {}
    for each in served:
        if not isinstance(each.remote, RemoteRoute):
            together.setdefault(each.resource, {})[each.function.name] = each
    return [QueueResource(name, functions) for name, functions in together.items()]


def _add_queue(router: APIRouter, queue: QueueResource, place: Mapping[str, Any]) -> list[Route]:
    """Add the routes of a queue; those that start a job are listed: one for each function, where there are several."""
    routes, is_one = [], len(queue.served) == 1
    for name, each in queue.served.items():
        base = f"/{queue.name}" if is_one else f"/{queue.name}/{name}"
        routes.append(Route("POST", f"{base}/runsync", name, each.where, place))
        _add_start(router, queue, each, base)
    if not is_one:
        _add_start(router, queue, None, f"/{queue.name}")

    async def status(job_id: str) -> JSONResponse:
        return await _guarded(_status(queue, job_id))

    async def cancel(job_id: str) -> JSONResponse:
        return await _guarded(_cancel(queue, job_id))

    for verb, endpoint, method in (("status", status, "GET"), ("cancel", cancel, "POST")):
        path, summary = f"/{queue.name}/{verb}/{{job_id}}", f"{verb.capitalize()} of a job that was sent here"
        router.add_api_route(path, endpoint, methods=[method], tags=[queue.name], summary=summary)
    return routes


def _add_start(router: APIRouter, queue: QueueResource, each: Served | None, base: str) -> None:
    """Add `run` and `runsync`; `each` is the function that is meant, None where the input says it."""
    name = each.function.name if each else ""

    async def runsync(request: Request) -> JSONResponse:
        return await _guarded(_run(queue, request, name))

    async def run(request: Request) -> JSONResponse:
        return await _guarded(_start(queue, request, name))

    text = described(each) if each else f"One of {', '.join(queue.served)}: `function` in the input says which."
    schema = {"type": "object", "properties": {"input": input_schema(each)}, "required": ["input"]}
    extra = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    what = name or queue.name
    for path, endpoint, summary in (
        (f"{base}/runsync", runsync, f"Run {what} and wait for it"),
        (f"{base}/run", run, f"Start {what} and return its job"),
    ):
        router.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            tags=[queue.name],
            summary=summary,
            description=text,
            openapi_extra=extra,
            operation_id=path.strip("/").replace("/", "_"),
        )


async def _guarded(work: Awaitable[Answer]) -> JSONResponse:
    try:
        status, document = await work
    except FlashError as error:
        return failure(error)
    return JSONResponse(document, status)


async def _run(queue: QueueResource, request: Request, function: str) -> Answer:
    return job_document(await queue.run(await _body(request), function))


async def _start(queue: QueueResource, request: Request, function: str) -> Answer:
    return 200, state_document(queue.start(await _body(request), function))


async def _status(queue: QueueResource, job_id: str) -> Answer:
    job = queue.job(job_id)
    if not is_over(job):
        return 200, state_document(job)
    try:
        return 200, job_document(await job)[1]
    except FlashError as error:
        return 200, {**state_document(job), "error": error.message}


async def _cancel(queue: QueueResource, job_id: str) -> Answer:
    job = queue.job(job_id)
    await asyncio.to_thread(job.cancel)
    return 200, state_document(job)


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise OptionError("the body is not JSON", fix=SHAPE) from None


def _add_route(router: APIRouter, each: Served, remote: RemoteRoute, place: Mapping[str, Any], taken: Taken) -> Route:
    path = remote.path if (remote.method, remote.path) not in taken else f"/{each.resource}{remote.path}"
    taken.add((remote.method, path))

    async def call(_function: object, arguments: Mapping[str, Any]) -> JSONResponse:
        try:
            return JSONResponse(jsonable_encoder(await remote(**arguments)))
        except FlashError as error:
            return failure(error)

    router.add_api_route(
        path,
        endpoint_of(each.bare, remote.method, path, call),
        methods=[remote.method],
        tags=[each.resource],
        response_model=None,
        description=described(each),
    )
    return Route(remote.method, path, each.function.name, each.where, place)


def described(each: Served) -> str:
    """Say in the explorer what a function is."""
    text = inspect.getdoc(each.bare) or ""
    return f"{text}\n\n{each.where}"


def input_schema(each: Served | None) -> dict[str, Any]:
    """Return the JSON schema of a function's input: the build's, else one that is read from its signature."""
    if each is None or isinstance(each.remote, RemoteClass):
        return {"type": "object"}
    if each.function.input_schema is not None:
        return each.function.input_schema
    try:
        return TypeAdapter(each.bare).json_schema()
    except Exception:  # annotations that pydantic has no schema for, or can't resolve: the explorer shows an object
        return {"type": "object"}
