"""The table of routes: path under `flash-jupyter/api`, and who answers. `rest-api.yml` describes each."""

from __future__ import annotations

import re
from typing import Any

from flash_jupyter.server.about import AboutHandler, UnknownHandler
from flash_jupyter.server.base import ApiHandler
from flash_jupyter.server.cells import CheckHandler
from flash_jupyter.server.costs import CostsHandler
from flash_jupyter.server.endpoints import EndpointHandler, EndpointsHandler, PurgeHandler, WorkersHandler
from flash_jupyter.server.jobs import CancelHandler, JobHandler, JobsHandler
from flash_jupyter.server.local import LocalHandler, StartHandler, StopHandler
from flash_jupyter.server.logs import EndpointLogsHandler, JobLogsHandler

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
