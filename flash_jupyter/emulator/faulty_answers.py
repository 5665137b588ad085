"""What a request fault does: a later answer, an error, or none at all.

A middleware behind the one that asks for the key. While no fault is set it costs one look at an attribute.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flash_jupyter.emulator.fault_rules import target_of
from flash_jupyter.emulator.faults import Fault
from flash_jupyter.emulator.problems import Plane, plane_of, refusal
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.world import World

_MINUTE = re.compile(r'"minute";r=\d+;t=\d+')


class FaultyAnswers:
    """Asks `World.faults` about each request, as long as one is set. `limiter` is the control plane's."""

    def __init__(self, app: ASGIApp, *, world: World, limiter: ControlLimiter) -> None:
        self._app, self._world, self._limiter = app, world, limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless a fault hits it."""
        if not self._world.faults.active or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hit = {fault.kind.name: fault for fault in self._world.faults.of_request(scope["method"], scope["path"])}
        late = hit.pop("latency", None)
        if late is not None:
            await asyncio.sleep(late.seconds or 0)
        if self._world.faults.cuts_upload(scope["method"], scope["path"]):
            await self._cut(scope, receive)
        elif "dropped" in hit:
            await self._drop(hit["dropped"], scope, receive, send)
        elif "500-done" in hit:
            if await self._is_carried_out(scope, receive, send):
                await self._failure(scope)(scope, receive, send)
        elif "500" in hit:
            await self._failure(scope)(scope, receive, send)
        elif "429" in hit:
            await self._too_many(scope, max(1, round(hit["429"].seconds or 0)))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _cut(self, scope: Scope, receive: Receive) -> None:
        """Let half of an upload come, and close the connection."""
        half = int(dict(scope["headers"]).get(b"content-length", b"0")) // 2
        await self._app(scope, _only(half, receive), _ignore)
        self._world.drop_connection(scope["client"])
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _is_carried_out(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Carry a request out without an answer; one that is refused, for its rate for example, is answered so."""
        said: list[Message] = []

        async def keep(message: Message) -> None:
            said.append(message)

        await self._app(scope, receive, keep)
        if not said or said[0]["status"] < 400:
            return True
        for message in said:
            await send(message)
        return False

    def _failure(self, scope: Scope) -> Response:
        """Return a 500 in the form of its plane."""
        quota = self._quota() if plane_of(scope["path"]) is Plane.CONTROL else {}
        return refusal(scope["path"], 500, "internal server error", headers=quota)

    def _too_many(self, scope: Scope, wait_s: int) -> Response:
        """Return a 429 in the form of its plane; the control plane's says that the minute is used up."""
        retry_after = {"Retry-After": str(wait_s)}
        if plane_of(scope["path"]) is not Plane.CONTROL:
            return refusal(scope["path"], 429, "too many requests", headers=retry_after)
        quota = self._quota()
        quota["RateLimit"] = _MINUTE.sub(f'"minute";r=0;t={wait_s}', quota["RateLimit"])
        text = "rate limit exceeded for the minute window"
        return refusal(scope["path"], 429, text, headers={**quota, **retry_after})

    def _quota(self) -> dict[str, str]:
        self._limiter.count()
        return self._limiter.headers()

    async def _drop(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry the request out, and close the connection without an answer; a log stream is cut after a while."""
        if target_of(scope["method"], scope["path"]).operation == "logs":
            await _for_some_time(self._app(scope, receive, send), fault.seconds or 0)
        elif not await self._is_carried_out(scope, receive, send):
            return
        self._world.drop_connection(scope["client"])
        while (await receive())["type"] != "http.disconnect":
            pass


def _only(size: int, receive: Receive) -> Receive:
    """Return what receives the first `size` bytes of a body, and then that the client has gone."""
    left = size

    async def some() -> Message:
        nonlocal left
        if left <= 0:
            return {"type": "http.disconnect"}
        message = await receive()
        body = message.get("body", b"")[:left]
        left -= len(body)
        return {**message, "body": body, "more_body": True} if message["type"] == "http.request" else message

    return some


async def _ignore(_: Message) -> None:
    """Take what would be sent, and send nothing."""


async def _for_some_time(work: Awaitable[None], seconds: float) -> None:
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
