"""`GET /v1/pod/{workerId}/logs`: the log service that released clients poll (flash-wire.md 2 and 3.5)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter import limits
from flash_jupyter.emulator.logs import WorkerLog, format_time
from flash_jupyter.emulator.world import World


class PodLogsApi:
    """The route, and what it needs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Return the one route."""
        return [Route("/v1/pod/{worker_id}/logs", self._logs, methods=["GET"])]

    async def _logs(self, request: Request) -> Response:
        """GET /v1/pod/{workerId}/logs - the last lines by source with their times; also of an ended worker."""
        worker_id = request.path_params["worker_id"]
        _, log = self._world.logs.get(worker_id, ("", None))
        if log is None:
            return JSONResponse({"error": f"pod {worker_id} not found"}, 404)
        return JSONResponse({source: _lines(log, source) for source in ("system", "container")})


def _lines(log: WorkerLog, source: str) -> list[str]:
    start = log.position_of_tail(limits.LOG_TAIL_MAX, source)
    return [f"{format_time(line.at_us)} {line.text}" for line in log.lines(start, len(log), source)]
