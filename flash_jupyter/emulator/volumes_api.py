"""Network volumes over HTTP: `/v2/network-volumes` of REST v2, and `/v1/networkvolumes` of REST v1 for old clients.

Both show the same volumes. REST v1 has four keys, bare lists and `{"message": ...}` for errors (flash-wire.md 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter import limits
from flash_jupyter.emulator.control_routes import Handler, Operation, control_routes, read_json
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.problems import Problem, invalid, refusal
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.schema import Schema, checked
from flash_jupyter.emulator.tables import Resource
from flash_jupyter.emulator.volumes import Volumes

_WORD = {"type": "string", "minLength": 1}
_SIZE = {"type": "integer", "minimum": limits.VOLUME_SIZE_MIN_GB, "maximum": limits.VOLUME_SIZE_MAX_GB}
#: CreateNetworkVolumeRequest and UpdateNetworkVolumeRequest of the REST v2 document
_CREATE: Schema = {
    "type": "object",
    "required": ["name", "size", "dataCenter"],
    "properties": {
        "name": _WORD,
        "size": _SIZE,
        "dataCenter": _WORD,
        "type": {"type": "string", "enum": ["STANDARD", "HIGH_PERFORMANCE"]},
    },
}
_UPDATE: Schema = {"type": "object", "properties": {"name": _WORD, "size": _SIZE}}
#: of REST v1; a client that knows an id sends it too (flash-wire.md 2), and it is not looked at
_CREATE_V1: Schema = {
    "type": "object",
    "required": ["name", "size", "dataCenterId"],
    "properties": {"name": _WORD, "size": _SIZE, "dataCenterId": _WORD, "id": {"type": ["string", "null"]}},
}


class VolumesApi:
    """The routes, and what they need."""

    def __init__(self, volumes: Volumes, endpoints: Endpoints, limiter: ControlLimiter) -> None:
        self._volumes, self._endpoints, self._limiter = volumes, endpoints, limiter

    def routes(self) -> list[Route]:
        """Return the routes."""
        one = "/v2/network-volumes/{id}"
        table: list[Operation] = [
            ("GET", "/v2/network-volumes", self._list),
            ("POST", "/v2/network-volumes", self._create),
            ("GET", one, self._get),
            ("PATCH", one, self._patch),
            ("DELETE", one, self._delete),
        ]
        return [*control_routes(table, self._limiter), *self._routes_v1()]

    def _volume(self, request: Request) -> Resource:
        return self._volumes.find(request.path_params["id"])

    async def _list(self, _: Request) -> Response:
        """GET /v2/network-volumes - all volumes."""
        return JSONResponse({"networkVolumes": [volume.show() for volume in self._volumes.all()]})

    async def _create(self, request: Request) -> Response:
        """POST /v2/network-volumes - make a volume."""
        return JSONResponse(self._volumes.create(checked(await read_json(request), _CREATE)).show(), 201)

    async def _get(self, request: Request) -> Response:
        return JSONResponse(self._volume(request).show())

    async def _patch(self, request: Request) -> Response:
        """PATCH /v2/network-volumes/{id} - rename or grow it."""
        return JSONResponse((await self._patched(request)).show())

    async def _patched(self, request: Request) -> Resource:
        volume = self._volume(request)
        body = checked(await read_json(request), _UPDATE)
        if not body:
            raise invalid(["$: needs 1 property or more"])
        return self._volumes.patch(volume, body)

    async def _delete(self, request: Request) -> Response:
        """DELETE /v2/network-volumes/{id} - with its files, unless an endpoint uses it."""
        volume = self._volume(request)
        self._volumes.delete(volume, self._endpoints.using_volume(volume.id))
        return Response(status_code=204)

    # --- REST v1 -----------------------------------------------------------------------------------------------

    def _routes_v1(self) -> list[Route]:
        one = "/v1/networkvolumes/{id}"
        table: list[Operation] = [
            ("GET", "/v1/networkvolumes", self._list_v1),
            ("POST", "/v1/networkvolumes", self._create_v1),
            ("GET", one, self._get_v1),
            ("PATCH", one, self._patch_v1),
            ("DELETE", one, self._delete),
            ("POST", f"{one}/update", self._patch_v1),
        ]
        return [Route(path, _in_words_of_v1(handler), methods=[method]) for method, path, handler in table]

    async def _list_v1(self, _: Request) -> Response:
        """GET /v1/networkvolumes - a bare list."""
        return JSONResponse([_show_v1(volume) for volume in self._volumes.all()])

    async def _create_v1(self, request: Request) -> Response:
        """POST /v1/networkvolumes - make a volume."""
        body = checked(await read_json(request), _CREATE_V1)
        wanted = {"name": body["name"], "size": body["size"], "dataCenter": body["dataCenterId"]}
        return JSONResponse(_show_v1(self._volumes.create(wanted)), 201)

    async def _get_v1(self, request: Request) -> Response:
        return JSONResponse(_show_v1(self._volume(request)))

    async def _patch_v1(self, request: Request) -> Response:
        """PATCH /v1/networkvolumes/{id} and POST /v1/networkvolumes/{id}/update - rename or grow it."""
        return JSONResponse(_show_v1(await self._patched(request)))


def _show_v1(volume: Resource) -> Mapping[str, Any]:
    """Return the four keys of REST v1; runpod-flash 1.21 refuses an answer with any other."""
    document = volume.document
    return {
        "id": volume.id,
        "name": document["name"],
        "size": document["size"],
        "dataCenterId": document["dataCenter"],
    }


def _in_words_of_v1(handler: Handler) -> Handler:
    """Let a handler's problem be answered as REST v1 does: an invalid body is 400, with its errors in the message."""

    async def endpoint(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            status = 400 if problem.status == 422 else problem.status
            return refusal(request.url.path, status, "; ".join(problem.errors) or problem.detail)

    return endpoint
