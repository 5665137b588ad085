"""The mothership: an app's own routes, or one for each function, and the state of all children at `/`.

It starts with its own worker: the state is looked at when it boots, and drift is written into its log. The key is that
of the worker, a restricted one (D12), and what it may decides what the mothership does. None: it serves its routes, and
says that it can't look. The environment's endpoints and reading over GraphQL: it forwards and reports. Writing over
GraphQL too (`flash deploy send --repair-secret`): at boot it makes endpoints anew that somebody deleted, of what the
deploy left in the map, and corrects the map. It changes none that is there: that is for `flash deploy send`.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import importlib
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flash_jupyter.errors import BuildError, FlashError
from flash_jupyter.runtime.children import Family, Report
from flash_jupyter.runtime.forward import add_functions
from flash_jupyter.runtime.place import read_place
from flash_jupyter.transport.http import Http
from flash_jupyter.worker.api import ping
from flash_jupyter.worker.current import read_manifest

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

#: where the state is, also where the app has a `/` of its own
STATE = "/flash/state"
#: so long a look is good enough, in seconds
FRESH_S = 5.0


def create_mothership(main: str = "", environ: Mapping[str, str] | None = None) -> FastAPI:
    """Return the app of a mothership: `main` is `module:variable` of the project's own, empty where it has none.

    Raises `BuildError` where the project's own can't be imported, or is none.
    """
    from fastapi import FastAPI

    manifest, environ = read_manifest(), os.environ if environ is None else environ
    ship = Mothership(manifest, environ)
    app = _own(main) if main else FastAPI(title=str(manifest.get("project_name", "mothership")))
    if not main:
        add_functions(app, manifest, ship.connect, read_place(environ).environment_id)
    _add_state(app, ship)
    return app


class Mothership:
    """Looks at the children, with connections that are made when they are first needed."""

    def __init__(self, manifest: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._manifest, self._place = manifest, read_place(environ)
        self._app, self._environment = environ.get("FLASH_APP", ""), environ.get("FLASH_ENV", "")
        self._http: Http | None = None
        self._looking = asyncio.Lock()
        self._seen: Report | None = None
        self._seen_at = 0.0

    def connect(self) -> Http:
        """Return the connections; raises `FlashError` for a worker without a key."""
        if self._http is None:
            self._http = Http(self._place.backend("the mothership looks at its children"))
        return self._http

    async def report(self, *, is_boot: bool = False) -> Report:
        """Return the state of now, or of a moment ago."""
        async with self._looking:
            if self._seen is None or is_boot or time.monotonic() - self._seen_at > FRESH_S:
                seen = await self._look(repair=is_boot)
                repaired = (*(self._seen.repaired if self._seen else ()), *seen.repaired)
                self._seen = replace(seen, app=self._app, environment=self._environment, repaired=repaired)
                self._seen_at = time.monotonic()
            return self._seen

    async def _look(self, *, repair: bool) -> Report:
        try:
            family = Family(self._manifest, self._place.environment_id, self.connect())
        except FlashError as failure:
            return Report("", "", wrong=str(failure))
        return await family.look(repair=repair)

    async def boot(self) -> None:
        """Look once, and write drift into the worker's log."""
        report = await self.report(is_boot=True)
        for line in [*report.repaired, *report.drift, *filter(None, [report.wrong])]:
            sys.stdout.write(f"mothership: {line}\n")
        sys.stdout.flush()

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()


def _own(main: str) -> FastAPI:
    from fastapi import FastAPI

    module, _, variable = main.partition(":")
    try:
        found = getattr(importlib.import_module(module), variable)
    except Exception as error:  # the module's own code
        raise BuildError(
            f"{module}, which has the app {variable}, can't be imported here: {type(error).__name__}: {error}",
            fix="let the module's top level run anywhere",
        ) from error
    if not isinstance(found, FastAPI):
        raise BuildError(f"{variable} of {module} is no FastAPI app", fix="name it: app = FastAPI()")
    return found


def _add_state(app: FastAPI, ship: Mothership) -> None:
    from fastapi import Request
    from fastapi.responses import HTMLResponse, JSONResponse

    async def state(request: Request) -> Response:
        """Say how all endpoints of the app are, and in what they differ from the build."""
        report = (await ship.report()).to_json()
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(page_of(report, app.docs_url))
        return JSONResponse(report)

    taken = {getattr(route, "path", "") for route in app.routes}
    state.__annotations__ = {"request": Request}
    for path, endpoint, methods in (("/", state, ["GET"]), (STATE, state, ["GET"]), ("/ping", ping, ["GET", "HEAD"])):
        if path not in taken:
            app.add_api_route(path, endpoint, methods=methods, include_in_schema=path == STATE, response_model=None)
    own = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(given: Any) -> AsyncIterator[Any]:
        booting = asyncio.ensure_future(ship.boot())  # `/ping` does not wait for it
        async with own(given) as state:
            yield state
        booting.cancel()
        await asyncio.wait([booting])
        await ship.close()

    app.router.lifespan_context = lifespan


_STYLE = """\
:root {color-scheme: light dark}
body {font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em}
table {border-collapse: collapse} th, td {text-align: left; padding: .3em 1.4em .3em 0}
th {font-weight: 400; opacity: .7} td {border-top: 1px solid rgba(128, 128, 128, .3)} code {font-size: 90%}"""


def page_of(report: Mapping[str, Any], docs: str | None) -> str:
    """Return the page of a report as `/` gives it; `docs` is where the app describes its routes.

    >>> "<h1>shop / production</h1>" in page_of({"app": "shop", "environment": "production", "children": []}, None)
    True
    """
    title = html.escape(f"{report['app']} / {report['environment']}")
    rows = "".join(map(_row, report["children"]))
    table = f"<table><tr><th>resource<th>kind<th>state<th>jobs<th>endpoint</tr>{rows}</table>" if rows else ""
    notes = [*report.get("drift", ()), *report.get("repaired", ()), *filter(None, [report.get("wrong", "")])]
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    more = f"<ul>{listed}</ul>" if notes else "<p>All is as the build wants it.</p>"
    link = f'<p><a href="{html.escape(docs.lstrip("/"))}">the routes</a></p>' if docs else ""
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f"<!doctype html><html><head>{head}</head><body><h1>{title}</h1>{table}{more}{link}</body></html>"


def _row(child: Mapping[str, Any]) -> str:
    jobs = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in child["jobs"].items() if count)
    cells = [child["resource"], child["kind"], child["state"], jobs]
    shown = "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells)
    return f"<tr>{shown}<td><code>{html.escape(child['endpoint_id'] or '')}</code></td></tr>"
