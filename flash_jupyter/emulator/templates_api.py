"""The control plane: `/v2/templates` and `/v2/catalog/templates` of REST v2 (reference/openapi-v2.json).

Bodies: `CreateTemplateRequest` and `UpdateTemplateRequest` of that document.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.control_routes import Operation, control_routes, read_json
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.endpoints_api import CONTAINER_PROPERTIES, CUDA_VERSION
from flash_jupyter.emulator.problems import invalid
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.schema import Schema, checked
from flash_jupyter.emulator.templates import Templates

_BOOLEAN = {"type": "boolean"}
_MOUNTS: Schema = {
    "type": "object",
    "properties": {
        "persistent": {
            "type": "object",
            "required": ["size", "path"],
            "properties": {"size": {"type": "integer", "minimum": 10}, "path": {"type": "string"}},
        }
    },
}
_UPDATE: Schema = {
    "type": "object",
    "properties": {
        **CONTAINER_PROPERTIES,
        "name": {"type": "string", "minLength": 1},
        "allowedCudaVersions": {"type": "array", "items": CUDA_VERSION},
        "category": {"type": "string", "enum": ["CPU", "NVIDIA", "AMD"]},
        "mounts": _MOUNTS,
        "public": _BOOLEAN,
        "serverless": _BOOLEAN,
        "startJupyter": _BOOLEAN,
        "startSsh": _BOOLEAN,
    },
}
_CREATE: Schema = {**_UPDATE, "required": ["name", "image"]}


_SOURCES = ("official", "verified", "community")


class TemplatesApi:
    """The routes, and what they need."""

    def __init__(self, templates: Templates, endpoints: Endpoints, limiter: ControlLimiter) -> None:
        self._templates, self._endpoints, self._limiter = templates, endpoints, limiter

    def routes(self) -> list[Route]:
        """Return the routes."""
        one = "/v2/templates/{id}"
        table: list[Operation] = [
            ("GET", "/v2/templates", self._list),
            ("POST", "/v2/templates", self._create),
            ("GET", one, self._get),
            ("PATCH", one, self._patch),
            ("DELETE", one, self._delete),
            ("GET", "/v2/catalog/templates", self._public),
        ]
        return control_routes(table, self._limiter)

    async def _list(self, _: Request) -> Response:
        """GET /v2/templates - the user's own."""
        return JSONResponse({"templates": [template.show() for template in self._templates.all()]})

    async def _create(self, request: Request) -> Response:
        """POST /v2/templates - make a template."""
        return JSONResponse(self._templates.create(checked(await read_json(request), _CREATE)).show(), 201)

    async def _get(self, request: Request) -> Response:
        """GET /v2/templates/{id} - an own one, or one of the catalogue."""
        return JSONResponse(self._templates.find(request.path_params["id"]).show())

    async def _patch(self, request: Request) -> Response:
        """PATCH /v2/templates/{id} - change what is in the body; endpoints that are bound to it follow."""
        template = self._templates.owned(request.path_params["id"])
        template = self._templates.patch(template, checked(await read_json(request), _UPDATE))
        self._endpoints.follow(template)
        return JSONResponse(template.show())

    async def _delete(self, request: Request) -> Response:
        """DELETE /v2/templates/{id} - unless an endpoint is bound to it."""
        self._templates.delete(self._templates.owned(request.path_params["id"]))
        return Response(status_code=204)

    async def _public(self, request: Request) -> Response:
        """GET /v2/catalog/templates - the official ones; nobody else shares any here."""
        source = request.query_params.get("source", "official")
        if source not in _SOURCES:
            raise invalid([f"source: must be one of {', '.join(_SOURCES)}"])
        official = catalog.PUBLIC_TEMPLATES if source == "official" else {}
        shown = [{"id": template_id, **document} for template_id, document in official.items()]
        return JSONResponse({"templates": shown})
