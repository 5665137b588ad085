"""The embedded Runpod's own routes for secrets and restricted keys: on the platform they are made on its web site."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator.endpoints import show_time
from flash_jupyter.emulator.jobs import BadRequest
from flash_jupyter.emulator.keys import Keys, show_key
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.queue_api import read_body
from flash_jupyter.emulator.secrets import Secrets

#: a secret may be a whole key file
BODY_BYTES = 256 << 10

Answer = Callable[[Request], Awaitable[Response]]


class KeysApi:
    """The routes, and what they need."""

    def __init__(self, secrets: Secrets, keys: Keys) -> None:
        self._secrets, self._keys = secrets, keys

    def routes(self) -> list[Route]:
        """Return the routes; they want the user's own key."""
        return [
            Route("/_flash/secrets", self._list_secrets, methods=["GET"]),
            Route("/_flash/secrets/{name}", _told(self._set_secret), methods=["PUT"]),
            Route("/_flash/secrets/{name}", _told(self._delete_secret), methods=["DELETE"]),
            Route("/_flash/keys", self._list_keys, methods=["GET"]),
            Route("/_flash/keys", _told(self._create_key), methods=["POST"]),
            Route("/_flash/keys/{name}", _told(self._delete_key), methods=["DELETE"]),
        ]

    async def _list_secrets(self, _: Request) -> Response:
        """GET /_flash/secrets - their names; no route tells a value."""
        found = [{"name": secret.id, "createdAt": show_time(secret.created_at)} for secret in self._secrets.all()]
        return JSONResponse({"secrets": found})

    async def _set_secret(self, request: Request) -> Response:
        """PUT /_flash/secrets/NAME - `{"value"}`; 201 where it is new."""
        name = request.path_params["name"]
        value = (await _object(request)).get("value")
        if not isinstance(value, str):
            raise Problem(400, "`value` must be text")
        is_new = self._secrets.set(name, value)
        return JSONResponse({"name": name, "new": is_new}, 201 if is_new else 200)

    async def _delete_secret(self, request: Request) -> Response:
        """DELETE /_flash/secrets/NAME."""
        self._secrets.delete(request.path_params["name"])
        return JSONResponse({"deleted": request.path_params["name"]})

    async def _list_keys(self, _: Request) -> Response:
        """GET /_flash/keys - what each may do, never the key."""
        return JSONResponse({"keys": [show_key(key) for key in self._keys.all()]})

    async def _create_key(self, request: Request) -> Response:
        """POST /_flash/keys - `{"name", "endpoints", "environments", "account", "secret"}`; tells the key, once.

        With `secret` it becomes the value of that secret and is not told; a key that was made so before is widened, and
        a secret that somebody else has set stays what it is.
        """
        sent = await _object(request)
        name, secret, account = (_text(sent, field) for field in ("name", "secret", "account"))
        endpoints, environments = _texts(sent, "endpoints"), _texts(sent, "environments")
        if not secret:
            return JSONResponse({"name": name, "key": self._keys.create(name, endpoints, environments, account)}, 201)
        key = self._keys.named(name)
        if self._secrets.has(secret):
            if key is not None:
                self._keys.widen(key, endpoints, environments)
            return JSONResponse({"name": name, "secret": secret, "new": False})
        if key is not None:  # its secret was deleted, and nobody else has the key
            endpoints, environments = [*key.endpoints, *endpoints], [*key.environments, *environments]
            self._keys.delete(name)
        self._secrets.set(secret, self._keys.create(name, endpoints, environments, account))
        return JSONResponse({"name": name, "secret": secret, "new": True}, 201)

    async def _delete_key(self, request: Request) -> Response:
        """DELETE /_flash/keys/NAME - it is refused from now on."""
        self._keys.delete(request.path_params["name"])
        return JSONResponse({"deleted": request.path_params["name"]})


def _told(handler: Answer) -> Answer:
    """Answer a problem as the other routes of our own do."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            return JSONResponse({"error": problem.detail}, problem.status)
        except BadRequest as refused:
            return JSONResponse({"error": str(refused)}, 400)

    return answer


async def _object(request: Request) -> dict[str, Any]:
    try:
        document = json.loads((await read_body(request, BODY_BYTES)).decode("utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BadRequest("the body is no JSON object")
    return document


def _text(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name, "read" if name == "account" else "")
    if not isinstance(value, str):
        raise Problem(400, f"`{name}` must be text")
    return value


def _texts(sent: dict[str, Any], name: str) -> list[str]:
    value = sent.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Problem(400, f"`{name}` must be a list of ids")
    return value
