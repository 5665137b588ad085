"""The FastAPI app of `flash run`: the project's own where it has one, and a route for each remote function."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from flash_jupyter.build.mothership import APP_FILES
from flash_jupyter.develop.discover import Served, import_module
from flash_jupyter.develop.jobs import failure
from flash_jupyter.develop.routes import Places, Route, make_routes
from flash_jupyter.errors import FlashError


def find_app(root: Path) -> FastAPI | None:
    """Import the project's own app and return it; None where no file of `APP_FILES` makes one.

    Raises `BuildError` where the file can't be imported.
    """
    for name in APP_FILES:
        if not _makes_app(root / name):
            continue
        members: dict[str, Any] = vars(import_module(name.removesuffix(".py"), name))
        found = [member for member in (members.get("app"), *members.values()) if isinstance(member, FastAPI)]
        if found:
            return found[0]
    return None


def _makes_app(path: Path) -> bool:
    """Whether a file calls `FastAPI(...)` somewhere; it is imported only then."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):  # none, or not Python: who reads the project says so
        return False
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(getattr(call, "id", getattr(call, "attr", "")) == "FastAPI" for call in calls)


def make_app(own: FastAPI | None, name: str, served: tuple[Served, ...], places: Places) -> tuple[FastAPI, list[Route]]:
    """Return the app and the list of its routes; the project's own routes come first, and are never replaced."""
    app = own if own is not None else FastAPI(title=name)
    mine = [route for route in app.routes if isinstance(route, APIRoute)]
    routes = [Route(method, route.path, route.name, "") for route in mine for method in sorted(route.methods or ())]
    taken = {(route.method, route.path) for route in routes}
    router, listed = make_routes(served, places, taken)
    app.include_router(router)
    routes += listed
    _add_ours(app, name, routes, {path for _, path in taken})
    app.exception_handlers.setdefault(FlashError, _fail)
    return app, routes


def _add_ours(app: FastAPI, name: str, routes: list[Route], taken: set[str]) -> None:
    async def index() -> dict[str, Any]:
        """List the routes, with where each runs and what that costs."""
        return {"project": name, "docs": app.docs_url, "routes": [route.to_json() for route in routes]}

    async def ping() -> dict[str, str]:
        """Say that the server is there."""
        return {"status": "healthy"}

    for path, endpoint in (("/", index), ("/ping", ping)):
        if path not in taken:
            app.add_api_route(path, endpoint, methods=["GET"], tags=["flash run"])


async def _fail(_request: Request, error: Exception) -> JSONResponse:
    """Answer where a route of the project's own let an error of a remote function pass."""
    assert isinstance(error, FlashError)
    return failure(error)


def broken_app(error: FlashError) -> FastAPI:
    """Return an app that says everywhere why the project is not served; it stands in until a file is saved."""
    app = FastAPI(title="not served", docs_url=None, redoc_url=None, openapi_url=None)

    async def say(_path: str) -> JSONResponse:
        document = {"error": error.message, "type": type(error).__name__, "fix": error.fix}
        return JSONResponse(document, status_code=503)

    app.add_api_route("/{_path:path}", say, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return app
