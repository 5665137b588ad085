"""Restricted API keys: which endpoints they may call, and what they may do beyond that.

Source: Runpod docs, get-started/api-keys (22 Nov 2026): a restricted key has none, read or write access for each API,
and may be limited to single endpoints. A valid key that lacks access answers 403 (REST v2 document, securitySchemes);
the data plane documents 401 only (runpod-platform.md 4). That a key is limited to a flash environment is ours.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from starlette.types import Scope

from flash_jupyter.emulator.apps import environment_id_of
from flash_jupyter.emulator.flash_endpoint import FLASH_ID, HEADERS, Find
from flash_jupyter.emulator.problems import GRAPHQL, Plane, Problem, plane_of
from flash_jupyter.emulator.store import Store
from flash_jupyter.emulator.tables import RestrictedKey
from flash_jupyter.emulator.world import Endpoint, World

ACCOUNT_ACCESS = ("none", "read", "write")
#: routes of an endpoint that its workers ask, with its own key
_OF_WORKERS = ("job-take", "job-take-batch", "job-done", "job-stop", "job-stream", "ping")


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

    def __init__(self, world: World, find: Find) -> None:
        self._world, self._find = world, find

    def allows(self, key: RestrictedKey, scope: Scope) -> bool:
        """Whether a key may make a request; of GraphQL only whether it may ask at all."""
        path: str = scope["path"]
        if path == GRAPHQL:
            return key.account != "none"
        if plane_of(path) is not Plane.DATA:
            return key.account == "write" or (key.account == "read" and scope["method"] in ("GET", "HEAD"))
        endpoint = self._endpoint(path.split("/"), scope)
        return endpoint is not None and may_call(key, endpoint)

    def _endpoint(self, words: list[str], scope: Scope) -> Endpoint | None:
        """Return the endpoint that a call is for; None for what is no call of an endpoint that there is."""
        if (
            len(words) < 3
            or words[1] not in ("v2", "lb")
            or (words[1] == "v2" and words[3:4] and words[3] in _OF_WORKERS)
        ):
            return None
        if words[1] == "v2" and words[2] == FLASH_ID:
            return self._meant(
                words, {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            )
        return self._world.endpoints.get(words[2])

    def _meant(self, words: list[str], headers: Mapping[str, str]) -> Endpoint | None:
        app, environment, name = (headers.get(header.lower(), "") for header in HEADERS)
        if app and environment and name:
            return self._find(app, environment, name)
        job = self._world.jobs.get(words[-1])
        return None if job is None else self._world.endpoints.get(job.endpoint_id)


def may_call(key: RestrictedKey, endpoint: Endpoint) -> bool:
    """Whether a key may call an endpoint."""
    return endpoint.id in key.endpoints or environment_id_of(endpoint) in key.environments


def show_key(key: RestrictedKey) -> dict[str, Any]:
    """Return what a listing says of a key."""
    return {
        "name": key.id,
        "endpoints": key.endpoints,
        "environments": key.environments,
        "account": key.account,
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
