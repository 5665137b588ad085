"""Who may ask: every route wants the key, raw or as a bearer token, before anything else is looked at.

An endpoint has a key of its own, which opens its data plane only (`aiKey` of flash-wire.md 1.3 and 3.5); its workers
have that one. Two paths look for themselves who may ask: GraphQL has two login operations without a key, and a
presigned URL carries a signature.

A restricted key opens what it was made for: it has none, read or write access for each API, and may be limited to
single endpoints (Runpod docs, get-started/api-keys, 22 Nov 2026). A valid key that lacks access answers 403 (REST v2
document, securitySchemes); the data plane documents 401 only (runpod-platform.md 4). That a key is limited to a flash
environment is ours.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from flash_jupyter.emulator.apps import FLASH_ID, Apps, environment_id_of
from flash_jupyter.emulator.problems import ARTIFACTS, GRAPHQL, Plane, Problem, plane_of, refusal
from flash_jupyter.emulator.store import Store
from flash_jupyter.emulator.tables import RestrictedKey
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, NoSuchJob, World

#: set in the scope of a request that has the key
HAS_KEY = "flash_jupyter.has_key"
#: set in the scope of a request whose key may change nothing
READS_ONLY = "flash_jupyter.reads_only"
ACCOUNT_ACCESS = ("none", "read", "write")
#: routes of an endpoint that its workers ask, with its own key
_OF_WORKERS = ("job-take", "job-take-batch", "job-done", "job-stop", "job-stream", "ping")


@functools.lru_cache(maxsize=1024)
def endpoint_key(api_key: str, endpoint_id: str) -> str:
    """Return an endpoint's own key: nothing to store, nothing to guess."""
    return hmac.new(api_key.encode(), f"endpoint {endpoint_id}".encode(), hashlib.sha256).hexdigest()


class Keys:
    """The restricted keys of the account. What a key is, only `create` says, once."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._table, self._clock = store.keys, clock
        self._by_digest = {key.digest: key for key in self._table.all()}

    def all(self) -> list[RestrictedKey]:
        """Return all keys, oldest first."""
        return self._table.all()

    def named(self, name: str) -> RestrictedKey | None:
        """Return the key of a name."""
        return self._table.get(name)

    def create(self, name: str, endpoints: Collection[str], environments: Collection[str], account: str) -> str:
        """Make a key and return it; raises `Problem`."""
        if not name.strip():
            raise Problem(400, "a key needs a name")
        if account not in ACCOUNT_ACCESS:
            raise Problem(400, f"`account` must be one of {', '.join(ACCOUNT_ACCESS)}")
        if self._table.get(name) is not None:
            raise Problem(409, f"there is a key {name} already")
        text = f"rpa_{secrets.token_urlsafe(32)}"
        self._put(RestrictedKey(name, self._clock(), _digest(text), list(endpoints), list(environments), account))
        return text

    def widen(self, key: RestrictedKey, endpoints: Collection[str], environments: Collection[str]) -> None:
        """Let a key call more."""
        more = replace(
            key,
            endpoints=list(dict.fromkeys([*key.endpoints, *endpoints])),
            environments=list(dict.fromkeys([*key.environments, *environments])),
        )
        self._put(more)

    def delete(self, name: str) -> None:
        """Forget a key; raises `Problem` 404."""
        key = self._table.get(name)
        if key is None:
            raise Problem(404, f"there is no key {name}")
        self._table.delete(key)
        del self._by_digest[key.digest]

    def of(self, authorization: bytes) -> RestrictedKey | None:
        """Return the key that a request has, raw or as a bearer token."""
        if not self._by_digest:
            return None
        text = authorization.decode("latin-1").removeprefix("Bearer ")
        return self._by_digest.get(_digest(text))

    def _put(self, key: RestrictedKey) -> None:
        self._by_digest[key.digest] = self._table.put(key)


class Access:
    """Which requests a restricted key may make."""

    def __init__(self, world: World, apps: Apps) -> None:
        self._world, self._apps = world, apps

    def allows(self, key: RestrictedKey, scope: Scope) -> bool:
        """Whether a key may make a request; of GraphQL only whether it may ask at all."""
        path: str = scope["path"]
        if path == GRAPHQL:
            return key.account != "none"
        if plane_of(path) is not Plane.DATA:
            return key.account == "write" or (key.account == "read" and scope["method"] in ("GET", "HEAD"))
        endpoint = self._endpoint(path.split("/"), scope)
        return endpoint is not None and (
            endpoint.id in key.endpoints or environment_id_of(endpoint) in key.environments
        )

    def _endpoint(self, words: list[str], scope: Scope) -> Endpoint | None:
        """Return the endpoint that a call is for; None for what is no call of an endpoint that there is."""
        if len(words) < 3 or words[1] not in ("v2", "lb"):
            return None
        if words[1] == "lb":
            return self._world.endpoints.get(words[2])
        if words[3:4] and words[3] in _OF_WORKERS:
            return None
        if words[2] != FLASH_ID:
            return self._world.endpoints.get(words[2])
        with suppress(NoSuchEndpoint, NoSuchJob):
            return self._apps.called(Headers(scope=scope), words[-1])
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Lock:
    """What the account's own key opens, and an endpoint's."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key
        self._accepted = (f"Bearer {api_key}".encode(), api_key.encode())

    def opens(self, path: str, given: bytes) -> bool:
        """Whether what a request has in `Authorization` is one of the two."""
        return any(hmac.compare_digest(given, key) for key in self._accepted) or self._is_endpoints(path, given)

    def _is_endpoints(self, path: str, given: bytes) -> bool:
        words = path.split("/", 3)
        if len(words) < 4 or words[1] != "v2":
            return False
        key = endpoint_key(self._api_key, words[2]).encode()
        return hmac.compare_digest(given.removeprefix(b"Bearer "), key)


class RequireKey:
    """Answers 401 to a request without the key; calls `seen` with the path of every other."""

    def __init__(self, app: ASGIApp, *, lock: Lock, keys: Keys, access: Access, seen: Callable[[str], None]) -> None:
        self._app, self._seen, self._lock = app, seen, lock
        self._keys, self._access = keys, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the lifespan and requests with the key pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        path = scope["path"]
        if self._lock.opens(path, given):
            self._seen(path)
            scope[HAS_KEY] = True
            await self._app(scope, receive, send)
        elif (restricted := self._keys.of(given)) is not None:
            if self._access.allows(restricted, scope):
                self._seen(path)
                scope[HAS_KEY], scope[READS_ONLY] = True, restricted.account != "write"
                await self._app(scope, receive, send)
            else:
                await _not_allowed(path, restricted.id)(scope, receive, send)
        elif path == GRAPHQL or path.startswith(ARTIFACTS):
            await self._app(scope, receive, send)
        else:
            await _refusal(path, given)(scope, receive, send)


def _not_allowed(path: str, name: str) -> JSONResponse:
    status = 401 if plane_of(path) is Plane.DATA and path != GRAPHQL else 403
    return refusal(path, status, f"the restricted API key {name} may not do this")


def _refusal(path: str, given: bytes) -> JSONResponse:
    if plane_of(path) is Plane.DATA:
        return refusal(path, 401, "the API key is missing or wrong")
    return refusal(path, 401, "invalid bearer token" if given else "missing bearer token")
