"""The routes under `flash-jupyter/api`, who answers each, and their table; `rest-api.yml` describes them.

Logs, which are followed, have `logs.py`. What a route does is in `service.py`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import HTTPError, authenticated

from flash_jupyter.server.base import ApiHandler
from flash_jupyter.server.errors import BadRequestError
from flash_jupyter.server.logs import EndpointLogsHandler, JobLogsHandler

#: of a listing of jobs
LISTED, LISTED_MAX = 100, 1_000


class AboutHandler(ApiHandler):
    """`/about`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Say the version, whose endpoints count as the user's, and which Runpods can be asked."""
        async with self.desk.service() as service:
            self.answer(await service.about())


class EndpointsHandler(ApiHandler):
    """`/endpoints`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """List the endpoints of both Runpods; one that does not answer says why, beside the other's."""
        async with self.desk.service() as service:
            self.answer(await service.endpoints())

    @authenticated
    @authorized
    async def delete(self) -> None:
        """Delete all of this user's on one Runpod."""
        backend = self.backend(self.get_query_argument("backend", ""))
        async with self.desk.service() as service:
            self.answer(await service.undeploy_all(backend))


class EndpointHandler(ApiHandler):
    """`/endpoints/{backend}/{id}`."""

    @authenticated
    @authorized
    async def delete(self, backend: str, id: str) -> None:  # noqa: A002 - the path's own word
        """Delete one; answers once the platform's listing no longer shows it."""
        async with self.desk.service() as service:
            self.answer(await service.undeploy(self.backend(backend), id))


class WorkersHandler(ApiHandler):
    """`/endpoints/{backend}/{id}/workers`."""

    @authenticated
    @authorized
    async def get(self, backend: str, id: str) -> None:  # noqa: A002
        """List the workers of one."""
        async with self.desk.service() as service:
            self.answer({"workers": await service.workers(self.backend(backend), id)})


class PurgeHandler(ApiHandler):
    """`/endpoints/{backend}/{id}/purge`."""

    @authenticated
    @authorized
    async def post(self, backend: str, id: str) -> None:  # noqa: A002
        """Take the waiting jobs out of its queue; those that run go on."""
        async with self.desk.service() as service:
            self.answer({"removed": await service.purge(self.backend(backend), id)})


class JobsHandler(ApiHandler):
    """`/jobs`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """List jobs, newest first."""
        limit = self.number("limit", default=LISTED, most=LISTED_MAX)
        async with self.desk.service() as service:
            self.answer({"jobs": await service.jobs(limit)})


class JobHandler(ApiHandler):
    """`/jobs/{id}`."""

    @authenticated
    @authorized
    async def get(self, id: str) -> None:  # noqa: A002 - the path's own word
        """Return one."""
        async with self.desk.service() as service:
            self.answer(await service.job(id))


class CancelHandler(ApiHandler):
    """`/jobs/{id}/cancel`."""

    @authenticated
    @authorized
    async def post(self, id: str) -> None:  # noqa: A002
        """Stop one, and say what became of its worker."""
        async with self.desk.service() as service:
            self.answer(await service.cancel(id))


class CostsHandler(ApiHandler):
    """`/costs`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Return the bill of the last days, of both Runpods."""
        days = self.number("days", default=7, most=90)
        async with self.desk.service() as service:
            self.answer(await service.costs(days))


class CheckHandler(ApiHandler):
    """`/cells/check`."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """Check a cell; nothing is run, and no Runpod is asked."""
        body = self.get_json_body()
        source, tags, options = _read(body if isinstance(body, dict) else {})
        self.answer(await self.desk.aside(partial(_check, source, tags, options)))


def _read(body: dict[str, Any]) -> tuple[str, list[str], Any]:
    source, tags = body.get("source"), body.get("tags")
    if not isinstance(source, str) or not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadRequestError("this is no cell", fix='send {"source": "...", "tags": ["..."], "options": {}}')
    return source, tags, body.get("options") or {}


def _check(source: str, tags: list[str], options: Any) -> dict[str, Any]:
    from flash_jupyter.build.endpoint import check_cell

    problems = check_cell(source, tags, options)
    return {"problems": [{"message": problem.message, "fix": problem.fix} for problem in problems]}


class LocalHandler(ApiHandler):
    """`/local`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Say whether it runs, and where; it is not started for it."""
        async with self.desk.service() as service:
            self.answer(await service.local())


class StartHandler(ApiHandler):
    """`/local/start`."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """Start it, or say where it runs."""
        async with self.desk.service() as service:
            self.answer(await service.start_local())


class StopHandler(ApiHandler):
    """`/local/stop`."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """End it and its workers."""
        async with self.desk.service() as service:
            self.answer({"stopped": await service.stop_local()})


class UnknownHandler(ApiHandler):
    """Every other path under ours."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer 404, as JSON."""
        raise HTTPError(404, "there is no such route; rest-api.yml of the sources has the list")

    post = put = patch = delete = get


ROOT = "/flash-jupyter/api"
#: path template as OpenAPI writes it -> handler
ROUTES: dict[str, type[ApiHandler]] = {
    "/about": AboutHandler,
    "/endpoints": EndpointsHandler,
    "/endpoints/{backend}/{id}": EndpointHandler,
    "/endpoints/{backend}/{id}/workers": WorkersHandler,
    "/endpoints/{backend}/{id}/purge": PurgeHandler,
    "/endpoints/{backend}/{id}/logs": EndpointLogsHandler,
    "/jobs": JobsHandler,
    "/jobs/{id}": JobHandler,
    "/jobs/{id}/cancel": CancelHandler,
    "/jobs/{id}/logs": JobLogsHandler,
    "/costs": CostsHandler,
    "/cells/check": CheckHandler,
    "/local": LocalHandler,
    "/local/start": StartHandler,
    "/local/stop": StopHandler,
}


def routes() -> list[tuple[str, type[Any]]]:
    """Return the routes as tornado takes them; the server puts its base URL in front."""
    table: list[tuple[str, type[Any]]] = [(pattern_of(path), handler) for path, handler in ROUTES.items()]
    return [*table, (f"{ROOT}(?:/.*)?", UnknownHandler)]


def pattern_of(template: str) -> str:
    """Return the regular expression of a path template.

    >>> pattern_of("/jobs/{id}/logs")
    '/flash-jupyter/api/jobs/(?P<id>[^/]+)/logs'
    """
    return ROOT + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
