"""What all routes of REST v2 share: the quota and its headers, problem documents, bodies and queries."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.schema import Schema, checked

Handler = Callable[[Request], Awaitable[Response]]
#: method, path, handler
Operation = tuple[str, str, Handler]


def control_routes(table: Iterable[Operation], limiter: ControlLimiter) -> list[Route]:
    """Return one route a path; every answer of it carries the quota's headers."""
    handlers: dict[str, dict[str, Handler]] = {}
    for method, path, handler in table:
        handlers.setdefault(path, {})[method] = handler
    return [Route(path, _limited(by_method, limiter), methods=list(by_method)) for path, by_method in handlers.items()]


def _limited(handlers: dict[str, Handler], limiter: ControlLimiter) -> Handler:
    """Count the request, turn a `Problem` into its answer, and add the quota's headers to any."""

    async def endpoint(request: Request) -> Response:
        full = limiter.count()
        try:
            if full is not None:
                wait_s = str(limiter.retry_after(full))
                detail = f"rate limit exceeded for the {full.name} window"
                raise Problem(429, detail, headers={"Retry-After": wait_s})
            method = "GET" if request.method == "HEAD" else request.method
            response = await handlers[method](request)
        except Problem as problem:
            response = problem.response()
        response.headers.update(limiter.headers() | {"Date": limiter.date()})
        return response

    return endpoint


async def read_json(request: Request) -> Any:
    """Return the body; raises `Problem` 400 where it is not JSON."""
    try:
        return json.loads((await request.body()).decode("utf-8"))
    except (ValueError, RecursionError):
        raise Problem(400, "the body is not JSON") from None


def query_values(request: Request, properties: dict[str, Schema]) -> dict[str, Any]:
    """Return the values of the parameters that are there; raises `Problem` 422. Unknown parameters are not looked at.

    Lists are separated by commas (`style: form, explode: false` of the REST v2 document).
    """
    given = {name: request.query_params[name] for name in properties if name in request.query_params}
    values = {name: _value(text, properties[name]["type"]) for name, text in given.items()}
    return checked(values, {"type": "object", "properties": properties})


def _value(text: str, kind: str) -> Any:
    """Return the value, or the text itself where it is none: the schema says so then.

    >>> _value("A,B", "array"), _value("12", "integer"), _value("twelve", "integer"), _value("true", "boolean")
    (['A', 'B'], 12, 'twelve', True)
    """
    if kind == "array":
        return text.split(",") if text else []
    if kind == "integer" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    return text
