"""Logins of a client that has no key yet: it makes a request, a browser approves it, the client gets the key.

Here the browser's part is a route of `admin_api`, which wants the key: whoever has it lets others in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flash_jupyter import limits
from flash_jupyter.emulator.logs import show_time
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.tables import LoginRequest, new_id
from flash_jupyter.emulator.world import World

#: makers of requests have no key, so there are never more than so many
OPEN_MAX = 100


class Logins:
    """The life of login requests; what is looked for and not there raises `Problem`."""

    def __init__(self, world: World) -> None:
        self._world, self._table = world, world.store.flash.logins

    def create(self) -> LoginRequest:
        """Make a request; those that expired, and the oldest beyond `OPEN_MAX`, are forgotten."""
        now = self._world.clock()
        requests = self._table.all()
        too_many = len(requests) - OPEN_MAX + 1
        for number, request in enumerate(requests):
            if request.expires_at < now or number < too_many:
                self._table.delete(request)
        return self._table.put(LoginRequest(new_id(24), now, "PENDING", now + limits.LOGIN_S))

    def waiting(self) -> list[LoginRequest]:
        """Return the requests that wait to be approved, oldest first."""
        found = [self.find(request.id) for request in self._table.all()]
        return [request for request in found if request.status == "PENDING"]

    def find(self, request_id: str) -> LoginRequest:
        """Return a request; one that waited too long is expired."""
        request = self._table.get(request_id)
        if request is None:
            raise Problem(404, f"login request not found: {request_id}")
        late = request.status in ("PENDING", "APPROVED") and self._world.clock() > request.expires_at
        return replace(request, status="EXPIRED") if late else request

    def collect(self, request_id: str) -> tuple[LoginRequest, str | None]:
        """Return a request and, the first time after its approval, the key; from then on it is CONSUMED."""
        request = self.find(request_id)
        if request.status != "APPROVED":
            return request, None
        self._table.put(replace(request, status="CONSUMED"))
        return request, self._world.api_key

    def decide(self, request_id: str, *, approve: bool) -> LoginRequest:
        """Approve or deny a request that waits for it."""
        request = self.find(request_id)
        if request.status != "PENDING":
            raise Problem(409, f"the login request is {request.status} already")
        return self._table.put(replace(request, status="APPROVED" if approve else "DENIED"))


def show_login(login: LoginRequest) -> dict[str, Any]:
    """Return `FlashAuthRequest` of the GraphQL schema, without a key."""
    return {"id": login.id, "status": login.status, "expiresAt": show_time(login.expires_at)}
