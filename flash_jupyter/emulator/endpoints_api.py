"""The control plane: `/v2/serverless` of REST v2, and what its POST and PATCH take (reference/openapi-v2.json).

Bodies: `CreateEndpointRequest` and `UpdateEndpointRequest` of that document, in its own words. The server's own reading
of it, never the client's models.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter import limits
from flash_jupyter.emulator.control_routes import Operation, control_routes, read_json
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.problems import Problem, invalid
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.schema import Schema, errors
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, World

_TEXT = {"type": "string"}
_WORD = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT}
CUDA_VERSION: Schema = {"type": "string", "pattern": r"^\d+\.\d+$"}

_SCALING: dict[str, Schema] = {
    "QUEUE_DELAY": {
        "type": "object",
        "required": ["type", "queueDelay"],
        "properties": {
            "type": _TEXT,
            "queueDelay": {"type": "number", "minimum": limits.QUEUE_DELAY_MIN_S},
        },
    },
    "REQUEST_COUNT": {
        "type": "object",
        "required": ["type", "requestCount"],
        "properties": {"type": _TEXT, "requestCount": {"type": "integer", "minimum": 1}},
    },
}
_WORKERS = {
    "type": "object",
    "properties": {
        "min": {"type": "integer", "minimum": 0},
        "max": {"type": "integer", "minimum": 0},
        "idleTimeout": {
            "type": "integer",
            "minimum": limits.IDLE_TIMEOUT_MIN_S,
            "maximum": limits.IDLE_TIMEOUT_MAX_S,
        },
    },
}
_CPU = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {
        "type": "object",
        "required": ["id", "vcpuCount"],
        "properties": {"id": _WORD, "vcpuCount": {"type": "integer", "minimum": 2}},
    },
}
_GPU_PROPERTIES = {
    "pools": {"type": "array", "minItems": 1, "items": _TEXT},
    "excludedTypes": {
        "type": "array",
        "uniqueItems": True,
        "items": {"type": "string", "pattern": r"^\s*[^-\s]"},
    },
    "count": {"type": "integer", "minimum": 1},
    "allowedCudaVersions": {"type": "array", "items": CUDA_VERSION},
    "minCudaVersion": CUDA_VERSION,
}
_CREATE_GPU = {"type": "object", "required": ["pools"], "properties": _GPU_PROPERTIES}
_UPDATE_GPU = {
    "type": "object",
    "properties": {
        **_GPU_PROPERTIES,
        "minCudaVersion": {"type": "string", "pattern": r"^$|^\d+\.\d+$"},
    },
}
#: ContainerConfig: what endpoints and templates have in common
CONTAINER_PROPERTIES: dict[str, Schema] = {
    "image": _TEXT,
    "args": _TEXT,
    "disk": {"type": "integer", "minimum": 1},
    "env": {"type": "object", "values": _TEXT},
    "ports": _TEXTS,
    "registry": {"type": ["string", "null"]},
}
_PROPERTIES: dict[str, Schema] = {
    **CONTAINER_PROPERTIES,
    "name": _WORD,
    "cpu": _CPU,
    "workers": _WORKERS,
    "scaling": {"type": "object"},  # checked by its kind
    "dataCenterIds": _TEXTS,
    "networkVolumes": _TEXTS,
    "timeout": {"type": "integer"},
    "flashboot": {"type": "string", "enum": ["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"]},
    "templateId": _TEXT,
}
_CREATE = {
    "type": "object",
    "required": ["name", "type", "scaling"],
    "properties": {
        **_PROPERTIES,
        "type": {"type": "string", "enum": ["QUEUE", "LOAD_BALANCER"]},
        "gpu": _CREATE_GPU,
        "templateId": _WORD,
    },
}
_UPDATE = {"type": "object", "properties": {**_PROPERTIES, "gpu": _UPDATE_GPU}}


def check_create(body: Any) -> dict[str, Any]:
    """Return the body of a create; raises `Problem` 422 with one line an error."""
    found = list(errors(body, _CREATE)) or [*_scaling_errors(body), *_create_errors(body)]
    return _checked(body, found)


def check_update(body: Any) -> dict[str, Any]:
    """Return the body of a patch; raises `Problem` 422 with one line an error."""
    found = list(errors(body, _UPDATE)) or [*_scaling_errors(body), *_update_errors(body)]
    return _checked(body, found)


def _checked(body: Any, found: list[str]) -> dict[str, Any]:
    if found:
        raise invalid(found)
    checked: dict[str, Any] = body
    return checked


def _scaling_errors(body: dict[str, Any]) -> Iterator[str]:
    """The union of the two kinds, told apart by `type`."""
    scaling = body.get("scaling")
    if scaling is None:
        return
    schema = _SCALING.get(scaling.get("type")) if isinstance(scaling.get("type"), str) else None
    if schema is None:
        yield f"$.scaling.type: must be one of {', '.join(_SCALING)}"
    else:
        yield from errors(scaling, schema, "$.scaling")


def _create_errors(body: dict[str, Any]) -> Iterator[str]:
    if "image" not in body and "templateId" not in body:
        yield "$: missing property 'image'"
    if body["type"] == "LOAD_BALANCER" and body["scaling"].get("type") != "REQUEST_COUNT":
        yield "$.scaling: must be REQUEST_COUNT for a LOAD_BALANCER endpoint"


def _update_errors(body: dict[str, Any]) -> Iterator[str]:
    if "excludedTypes" in body.get("gpu", {}) and "pools" not in body["gpu"]:
        yield "$.gpu: excludedTypes requires pools"


class EndpointsApi:
    """The routes, and what they need."""

    def __init__(self, world: World, endpoints: Endpoints, limiter: ControlLimiter) -> None:
        self._world, self._endpoints, self._limiter = world, endpoints, limiter

    def routes(self) -> list[Route]:
        """Return the routes."""
        one = "/v2/serverless/{id}"
        table: list[Operation] = [
            ("GET", "/v2/serverless", self._list),
            ("POST", "/v2/serverless", self._create),
            ("GET", one, self._get),
            ("PATCH", one, self._patch),
            ("DELETE", one, self._delete),
            ("GET", f"{one}/workers", self._workers),
            ("GET", f"{one}/releases", self._releases),
        ]
        return control_routes(table, self._limiter)

    def _endpoint(self, request: Request) -> Endpoint:
        try:
            return self._world.endpoint(request.path_params["id"])
        except NoSuchEndpoint:
            raise Problem(404, "endpoint not found") from None

    async def _list(self, _: Request) -> Response:
        """GET /v2/serverless - all endpoints."""
        shown = [self._endpoints.show(endpoint) for endpoint in self._world.endpoints.values()]
        return JSONResponse({"endpoints": shown})

    async def _create(self, request: Request) -> Response:
        """POST /v2/serverless - make an endpoint."""
        endpoint = self._endpoints.create(check_create(await read_json(request)))
        return JSONResponse(self._endpoints.show(endpoint), 201)

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._endpoints.show(self._endpoint(request)))

    async def _patch(self, request: Request) -> Response:
        """PATCH /v2/serverless/{id} - change what is in the body."""
        endpoint = self._endpoint(request)
        self._endpoints.patch(endpoint, check_update(await read_json(request)))
        return JSONResponse(self._endpoints.show(endpoint))

    async def _delete(self, request: Request) -> Response:
        """DELETE /v2/serverless/{id} - with its workers and jobs."""
        self._endpoints.delete(self._endpoint(request))
        return Response(status_code=204)

    async def _workers(self, request: Request) -> Response:
        """GET /v2/serverless/{id}/workers - the active ones."""
        return JSONResponse(self._endpoints.show_workers(self._endpoint(request)))

    async def _releases(self, request: Request) -> Response:
        """GET /v2/serverless/{id}/releases - newest first."""
        return JSONResponse(self._endpoints.show_releases(self._endpoint(request)))
