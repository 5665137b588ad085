"""The embedded Runpod's own routes, `/_flash/...`.

Faults on demand, a clock that can be put forward and a count of requests that can be forgotten, which the platform has
not; secrets, restricted keys and the
approval of logins, for which it has a web site.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator.auth import Keys
from flash_jupyter.emulator.control_routes import Handler
from flash_jupyter.emulator.dispatch import Dispatcher
from flash_jupyter.emulator.fault_rules import BadFault
from flash_jupyter.emulator.jobs import BadRequest
from flash_jupyter.emulator.logins import Logins, show_login
from flash_jupyter.emulator.logs import show_time
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.queue_api import read_body
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.secrets import Secrets
from flash_jupyter.emulator.tables import RestrictedKey
from flash_jupyter.emulator.watch import Watch
from flash_jupyter.emulator.world import World

ADVANCE_MAX_S = 366 * 86_400.0
#: a secret may be a whole key file
BODY_BYTES = 256 << 10


class AdminClock:
    """Seconds since the epoch, possibly ahead of the machine's.

    >>> clock = AdminClock(lambda: 100.0)
    >>> clock.advance(60.0)
    >>> clock()
    160.0
    """

    def __init__(self, base: Callable[[], float]) -> None:
        self._base = base
        self.ahead_s = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self._base() + self.ahead_s

    def advance(self, seconds: float) -> None:
        """Put it forward; never back, for times in the store would lie ahead of it."""
        self.ahead_s += seconds


class AdminApi:
    """The routes of faults, of the clock and of the control plane's limits, and what they need."""

    def __init__(
        self, world: World, dispatcher: Dispatcher, watch: Watch, clock: AdminClock, limiter: ControlLimiter
    ) -> None:
        self._world, self._dispatcher, self._watch, self._clock = world, dispatcher, watch, clock
        self._limiter = limiter

    def routes(self) -> list[Route]:
        """Return the routes; they want the key like all others."""
        return [
            _route("GET", "faults", self._list_faults),
            _route("POST", "faults", self._set_fault),
            _route("DELETE", "faults", self._clear_faults),
            _route("GET", "clock", self._show_clock),
            _route("POST", "clock", self._advance_clock),
            _route("GET", "limits", self._show_limits),
            _route("DELETE", "limits", self._reset_limits),
        ]

    async def _list_faults(self, _: Request) -> Response:
        """GET /_flash/faults - those that are set, those in endpoints' names last."""
        return JSONResponse({"faults": [fault.show() for fault in self._world.faults.all()]})

    async def _set_fault(self, request: Request) -> Response:
        """POST /_flash/faults - `{"kind", "endpoint", "route", "hardware", "seconds", "times", "every"}`."""
        try:
            fault = self._world.faults.set(await _object(request))
        except BadFault as bad:
            raise Problem(400, str(bad)) from None
        self._world.wake.set()
        return JSONResponse(fault.show(), 201)

    async def _clear_faults(self, request: Request) -> Response:
        """DELETE /_flash/faults?kind= - take back what was set; who waits goes on."""
        removed = self._world.faults.clear(request.query_params.get("kind"))
        self._dispatcher.look_again()
        self._world.wake.set()
        return JSONResponse({"removed": removed})

    async def _show_clock(self, _: Request) -> Response:
        """GET /_flash/clock - what time it is here, and how far the clock is ahead."""
        now = show_time(self._clock())
        return JSONResponse({"now": now, "ahead_s": self._clock.ahead_s})

    async def _advance_clock(self, request: Request) -> Response:
        """POST /_flash/clock - `{"advance_s": 1800}`; when it answers, what was due has happened."""
        advance_s = (await _object(request)).get("advance_s")
        if not isinstance(advance_s, (int, float)) or isinstance(advance_s, bool) or not 0 < advance_s <= ADVANCE_MAX_S:
            raise Problem(400, f"`advance_s` must be a number above 0, at most {ADVANCE_MAX_S:.0f}")
        self._clock.advance(advance_s)
        self._world.last_request_at += advance_s  # the server itself has not been left alone for so long
        self._watch.tick()
        self._dispatcher.look_again()
        return await self._show_clock(request)

    async def _show_limits(self, _: Request) -> Response:
        """GET /_flash/limits - how many requests the control plane has counted in its minute, hour and day."""
        return JSONResponse({"limits": self._limiter.show()})

    async def _reset_limits(self, request: Request) -> Response:
        """DELETE /_flash/limits - forget them; a minute, an hour and a day begin with the next request."""
        self._limiter.reset()
        return await self._show_limits(request)


class AccountApi:
    """The routes of secrets, restricted keys and logins, and what they need."""

    def __init__(self, secrets: Secrets, keys: Keys, logins: Logins) -> None:
        self._secrets, self._keys, self._logins = secrets, keys, logins

    def routes(self) -> list[Route]:
        """Return the routes; they want the user's own key."""
        return [
            _route("GET", "secrets", self._list_secrets),
            _route("PUT", "secrets/{name}", self._set_secret),
            _route("DELETE", "secrets/{name}", self._delete_secret),
            _route("GET", "keys", self._list_keys),
            _route("POST", "keys", self._create_key),
            _route("DELETE", "keys/{name}", self._delete_key),
            _route("GET", "logins", self._list_logins),
            _route("POST", "logins/{id}", self._decide_login),
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
        self._secrets.delete(request.path_params["name"])
        return JSONResponse({"deleted": request.path_params["name"]})

    async def _list_keys(self, _: Request) -> Response:
        """GET /_flash/keys - what each may do, never the key."""
        return JSONResponse({"keys": [_show_key(key) for key in self._keys.all()]})

    async def _create_key(self, request: Request) -> Response:
        """POST /_flash/keys - `{"name", "endpoints", "environments", "account", "secret"}`; tells the key, once.

        With `secret` it becomes the value of that secret and is not told; a key that was made so before is widened, and
        a secret that somebody else has set stays what it is.
        """
        sent = await _object(request)
        name, secret, account = _text(sent, "name"), _text(sent, "secret"), _text(sent, "account", "read")
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

    async def _list_logins(self, _: Request) -> Response:
        """GET /_flash/logins - those that wait, oldest first."""
        return JSONResponse({"logins": [show_login(login) for login in self._logins.waiting()]})

    async def _decide_login(self, request: Request) -> Response:
        """POST /_flash/logins/{id} - `{"approve": true}` or `false`."""
        approve = (await _object(request)).get("approve")
        if not isinstance(approve, bool):
            raise Problem(400, 'the body must be {"approve": true} or {"approve": false}')
        return JSONResponse(show_login(self._logins.decide(request.path_params["id"], approve=approve)))


def _route(method: str, path: str, handler: Handler) -> Route:
    """Return a route; what it refuses is answered as `{"error": TEXT}`."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            return JSONResponse({"error": problem.detail}, problem.status)
        except BadRequest as refused:
            return JSONResponse({"error": str(refused)}, 400)

    return Route(f"/_flash/{path}", answer, methods=[method])


async def _object(request: Request) -> dict[str, Any]:
    try:
        document = json.loads((await read_body(request, BODY_BYTES)).decode("utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BadRequest("the body is no JSON object")
    return document


def _show_key(key: RestrictedKey) -> dict[str, Any]:
    return {"name": key.id, "endpoints": key.endpoints, "environments": key.environments, "account": key.account}


def _text(sent: dict[str, Any], name: str, default: str = "") -> str:
    value = sent.get(name, default)
    if not isinstance(value, str):
        raise Problem(400, f"`{name}` must be text")
    return value


def _texts(sent: dict[str, Any], name: str) -> list[str]:
    value = sent.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Problem(400, f"`{name}` must be a list of ids")
    return value
