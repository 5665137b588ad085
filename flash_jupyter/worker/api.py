"""The routes of a deployed load balanced resource: a FastAPI app, `/ping`, and no route that runs code sent to it.

A route takes what its function takes: path parameters, the query of a GET, else a JSON object with the arguments by
name; a function with a parameter of type bytes takes a form with files; one with a pydantic model is left to FastAPI.

Python callers say in a header of their own how long they wait, and get a whole failure. Who asks over plain HTTP gets
one line about it, and its traceback stays in the worker's log.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import os
import re
import traceback
import typing
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from flash_jupyter.worker.current import serving
from flash_jupyter.worker.handler import describe

if TYPE_CHECKING:
    from fastapi import FastAPI

#: "METHOD /path" -> the function behind it
Routes = Mapping[str, Callable[..., Any]]
#: makes the call of a function with arguments by name
Call = Callable[[Callable[..., Any], Mapping[str, Any]], Awaitable[Any]]

WITHOUT_BODY = frozenset({"GET", "HEAD"})
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_STARS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def create_app(routes: Routes) -> FastAPI:
    """Return the app with these routes and `/ping`, which is healthy as soon as the modules are imported."""
    from fastapi import FastAPI

    app = FastAPI()
    app.add_middleware(Callers)
    for route, function in routes.items():
        method, path = route.split(" ", 1)
        app.add_api_route(
            path, endpoint_of(function, method, path), methods=[method], name=function.__name__, response_model=None
        )
    app.add_api_route("/ping", ping, methods=["GET", "HEAD"], include_in_schema=False)
    return app


async def ping() -> dict[str, str]:
    """GET /ping - healthy."""
    return {"status": "healthy"}


def serve_routes(app: FastAPI) -> None:
    """Listen on `PORT` until the platform ends the worker; on all addresses, as a container must."""
    import uvicorn

    uvicorn.run(app, host="0.0.0.0", port=int(os.environ["PORT"]), log_level="warning")


def endpoint_of(function: Callable[..., Any], method: str, path: str, call: Call | None = None) -> Callable[..., Any]:
    """Return what FastAPI calls: its signature says where each argument is in a request.

    `call` is given the function and its arguments by name, and returns the answer; without it the function runs here.
    """
    call = call or _call
    parameters = _typed_parameters(function)
    in_path = set(_PARAMETER.findall(path))
    outside = [parameter for name, parameter in parameters.items() if name not in in_path]
    types = [parameter.annotation for parameter in outside]
    inside = [parameter for name, parameter in parameters.items() if name in in_path]
    if any(map(_is_model, types)):
        return _called_by_name(function, list(parameters.values()), call)
    if method.upper() in WITHOUT_BODY:
        return _called_by_name(function, [*inside, *map(_in_query, outside)], call)
    if bytes in types:
        return _called_by_name(function, [*inside, *map(_in_form, outside)], call)
    return _called_with_body(function, inside, outside, call)


def _typed_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters by name, their types resolved; one without a type takes anything, and stars take nothing."""
    try:
        types = typing.get_type_hints(function, include_extras=True)
    except NameError:  # imported for type checkers only
        types = {}
    return {
        name: parameter.replace(annotation=types.get(name, Any), kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in _STARS
    }


def _is_model(annotation: Any) -> bool:
    """Whether FastAPI knows by itself what a parameter is: a pydantic model, the request, something annotated."""
    if typing.get_origin(annotation) is Annotated:
        return True
    module = getattr(annotation, "__module__", "").partition(".")[0]
    return hasattr(annotation, "model_fields") or module in ("fastapi", "starlette")


def _in_query(parameter: inspect.Parameter) -> inspect.Parameter:
    from fastapi import Query

    return parameter.replace(annotation=Annotated[parameter.annotation, Query()])


def _in_form(parameter: inspect.Parameter) -> inspect.Parameter:
    from fastapi import File, Form

    place = File() if parameter.annotation is bytes else Form()
    return parameter.replace(annotation=Annotated[parameter.annotation, place])


def _called_by_name(
    function: Callable[..., Any], parameters: list[inspect.Parameter], call: Call
) -> Callable[..., Any]:
    async def endpoint(**named: Any) -> Any:
        return await call(function, named)

    return _with_signature(function, endpoint, parameters)


def _called_with_body(
    function: Callable[..., Any], in_path: list[inspect.Parameter], outside: list[inspect.Parameter], call: Call
) -> Callable[..., Any]:
    from pydantic import ConfigDict, create_model

    fields: dict[str, Any] = {
        f"field_{number}": (parameter.annotation, _field(parameter)) for number, parameter in enumerate(outside)
    }
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    config = ConfigDict(extra="allow" if inspect.Parameter.VAR_KEYWORD in kinds else "forbid")
    model = create_model(f"{function.__name__}_body", __config__=config, **fields)
    names = {f"field_{number}": parameter.name for number, parameter in enumerate(outside)}

    async def endpoint(flash_body: Any, **named: Any) -> Any:
        values = {} if flash_body is None else {names[key]: getattr(flash_body, key) for key in names}
        more = (flash_body.model_extra if flash_body is not None else None) or {}
        return await call(function, {**named, **values, **more})

    needed = any(parameter.default is parameter.empty for parameter in outside)
    body = inspect.Parameter(
        "flash_body",
        inspect.Parameter.KEYWORD_ONLY,
        annotation=model if needed else model | None,
        default=inspect.Parameter.empty if needed else None,
    )
    return _with_signature(function, endpoint, [*in_path, body])


def _field(parameter: inspect.Parameter) -> Any:
    """A field under the argument's own name, which pydantic might not take for an attribute."""
    from pydantic import Field

    return Field(alias=parameter.name, default=... if parameter.default is parameter.empty else parameter.default)


def _with_signature(
    function: Callable[..., Any], endpoint: Callable[..., Any], parameters: list[inspect.Parameter]
) -> Callable[..., Any]:
    """Show FastAPI the function's name and text, and these parameters."""
    endpoint.__name__, endpoint.__doc__ = function.__name__, function.__doc__
    endpoint.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    endpoint.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return endpoint


async def _call(function: Callable[..., Any], named: Mapping[str, Any]) -> Any:
    """Call it as the worker's own call; one that is not async runs in a thread, so that others go on meanwhile."""
    from fastapi import HTTPException
    from fastapi.encoders import jsonable_encoder
    from fastapi.responses import JSONResponse, Response

    try:
        with serving():
            is_async = inspect.iscoroutinefunction(function)
            value = await function(**named) if is_async else await asyncio.to_thread(function, **named)
        return value if isinstance(value, Response) else JSONResponse(jsonable_encoder(value))
    except HTTPException:
        raise
    except Exception as error:
        traceback.print_exc()  # into the worker's log
        if (failure := failure_for(error)) is not None:
            return JSONResponse(failure, 500)
        raise HTTPException(500, f"{type(error).__name__}: {error}") from error


#: seconds that the caller waits; who sends it is a Python caller
HEADER = "x-flash-timeout-s"

_is_python: contextvars.ContextVar[bool] = contextvars.ContextVar("flash_jupyter_is_python", default=False)


class Callers:
    """ASGI middleware: reads the header, and is otherwise not there."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one request."""
        said = dict(scope.get("headers") or ()).get(HEADER.encode())
        if said is None:
            await self._app(scope, receive, send)
            return
        token = _is_python.set(True)
        try:
            with serving(_seconds(said)):
                await self._app(scope, receive, send)
        finally:
            _is_python.reset(token)


def failure_for(error: Exception) -> dict[str, Any] | None:
    """Return the body of a failure for a Python caller; None where plain HTTP asks."""
    if not _is_python.get():
        return None
    return {"detail": f"{type(error).__name__}: {error}", **describe(error)}


def _seconds(text: bytes) -> float | None:
    with contextlib.suppress(ValueError):
        return float(text)
    return None
