"""What `POST` and `PATCH /v2/templates` take.

Source: `CreateTemplateRequest` and `UpdateTemplateRequest` of the REST v2 document.
"""

from __future__ import annotations

from typing import Any

from flash_jupyter.emulator.endpoint_requests import CONTAINER_PROPERTIES, CUDA_VERSION
from flash_jupyter.emulator.schema import Schema, checked

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


def check_create(body: Any) -> dict[str, Any]:
    """Return the body of a create; raises `Problem` 422 with one line an error."""
    return checked(body, _CREATE)


def check_update(body: Any) -> dict[str, Any]:
    """Return the body of a patch; raises `Problem` 422 with one line an error."""
    return checked(body, _UPDATE)
