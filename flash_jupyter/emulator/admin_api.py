"""The embedded Runpod's own routes: faults on demand, and a clock that can be put forward. The platform has neither."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator.clock import AdminClock
from flash_jupyter.emulator.dispatch import Dispatcher
from flash_jupyter.emulator.fault_rules import BadFault
from flash_jupyter.emulator.logs import format_time
from flash_jupyter.emulator.watch import Watch
from flash_jupyter.emulator.world import World

ADVANCE_MAX_S = 366 * 86_400.0


class AdminApi:
    """The routes, and what they need."""

    def __init__(self, world: World, dispatcher: Dispatcher, watch: Watch, clock: AdminClock) -> None:
        self._world, self._dispatcher, self._watch, self._clock = world, dispatcher, watch, clock

    def routes(self) -> list[Route]:
        """Return the routes; they want the key like all others."""
        return [
            Route("/_flash/faults", self._list_faults, methods=["GET"]),
            Route("/_flash/faults", self._set_fault, methods=["POST"]),
            Route("/_flash/faults", self._clear_faults, methods=["DELETE"]),
            Route("/_flash/clock", self._show_clock, methods=["GET"]),
            Route("/_flash/clock", self._advance_clock, methods=["POST"]),
        ]

    async def _list_faults(self, _: Request) -> Response:
        """GET /_flash/faults - those that are set, those in endpoints' names last."""
        return JSONResponse({"faults": [fault.show() for fault in self._world.faults.all()]})

    async def _set_fault(self, request: Request) -> Response:
        """POST /_flash/faults - `{"kind", "endpoint", "route", "hardware", "seconds", "times", "every"}`."""
        wanted = await _json_object(request)
        try:
            fault = self._world.faults.set(wanted or {})
        except BadFault as bad:
            return JSONResponse({"error": str(bad)}, 400)
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
        now = format_time(int(self._clock() * 1e6))
        return JSONResponse({"now": now, "ahead_s": self._clock.ahead_s})

    async def _advance_clock(self, request: Request) -> Response:
        """POST /_flash/clock - `{"advance_s": 1800}`; when it answers, what was due has happened."""
        wanted = await _json_object(request) or {}
        advance_s = wanted.get("advance_s")
        if not isinstance(advance_s, (int, float)) or isinstance(advance_s, bool) or not 0 < advance_s <= ADVANCE_MAX_S:
            return JSONResponse({"error": f"`advance_s` must be a number above 0, at most {ADVANCE_MAX_S:.0f}"}, 400)
        self._clock.advance(advance_s)
        self._world.last_request_at += advance_s  # the server itself has not been left alone for so long
        self._watch.tick()
        self._dispatcher.look_again()
        return await self._show_clock(request)


async def _json_object(request: Request) -> dict[str, Any] | None:
    try:
        document = json.loads((await request.body()).decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
