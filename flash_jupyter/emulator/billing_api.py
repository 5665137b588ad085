"""The control plane: `/v2/billing` and `/v2/billing/serverless` of REST v2 (reference/openapi-v2.json)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator.billing import SIZES, Window, serverless_bill, whole_bill, window_of
from flash_jupyter.emulator.control_routes import Operation, control_routes, query_values
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.schema import Schema
from flash_jupyter.emulator.tables import UsageRow, UsageTable
from flash_jupyter.emulator.world import Clock

_TEXT: Schema = {"type": "string"}
_QUERY: dict[str, Schema] = {
    "startTime": _TEXT,
    "endTime": _TEXT,
    "bucketSize": {"type": "string", "enum": list(SIZES)},
    "lastN": {"type": "integer", "minimum": 1},
}


class BillingApi:
    """The routes, and what they need."""

    def __init__(self, usage: UsageTable, limiter: ControlLimiter, clock: Clock) -> None:
        self._usage, self._limiter, self._clock = usage, limiter, clock

    def routes(self) -> list[Route]:
        """Return the routes; they must come before those of the data plane."""
        table: list[Operation] = [
            ("GET", "/v2/billing", self._whole),
            ("GET", "/v2/billing/serverless", self._serverless),
        ]
        return control_routes(table, self._limiter)

    async def _whole(self, request: Request) -> Response:
        """GET /v2/billing - everything, a bucket of time a record."""
        now = self._clock()
        window = window_of(query_values(request, _QUERY), now)
        return JSONResponse(whole_bill(self._rows(window, None), window, now))

    async def _serverless(self, request: Request) -> Response:
        """GET /v2/billing/serverless - by endpoint, those that are deleted too."""
        now = self._clock()
        query = query_values(request, {**_QUERY, "serverlessId": _TEXT})
        window, endpoint_id = window_of(query, now), query.get("serverlessId")
        return JSONResponse(serverless_bill(self._rows(window, endpoint_id), window, endpoint_id, now))

    def _rows(self, window: Window, endpoint_id: str | None) -> list[UsageRow]:
        return self._usage.between(window.start.timestamp(), window.end.timestamp(), endpoint_id)
