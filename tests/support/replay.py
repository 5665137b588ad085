"""A Runpod that can only repeat the recorded examples: a real server on loopback that knows no rules at all.

A request that is no example, or differs from it in path, query, body or headers, is answered with 599 and fails the
test at its end. The hosts in recorded answers are replaced by this server's, so that the client follows them here.
"""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from contract import answer, example
from graphql import parse, print_ast
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flash_jupyter.settings import Backend

RECORDED_HOSTS = re.compile(rb"https://(api\.runpod\.io|api\.runpod\.ai|artifacts\.runpod\.test)(?=[/\"])")
#: of a load balancer: a host of its own, which the recorded paths have as /lb/ID
BALANCER_HOST = re.compile(rb"https://(\w+)\.api\.runpod\.ai(?=[/\"])")
KEY = "$KEY"
METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


class ReplayServer:
    """Give the names of the examples; of those with the same request, each is given once, the last one for ever."""

    def __init__(self, *names: str) -> None:
        self._examples = [(name, example(name)) for name in names]
        self._left: dict[str, list[str]] = {}
        for name, recorded in self._examples:
            self._left.setdefault(_identity(recorded["request"]), []).append(name)
        self._served: set[str] = set()
        self.unknown: list[str] = []
        app = Starlette(routes=[Route("/{path:path}", self._answer, methods=METHODS)])
        self._server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> ReplayServer:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        if failure is None:
            assert self.unknown == [], "not what was recorded"
            assert {name for name, _ in self._examples} == self._served, "never asked for"

    @property
    def backend(self) -> Backend:
        """What the client is told."""
        return Backend("runpod", self.url, f"{self.url}/v2", KEY, "the recording")

    async def _answer(self, request: Request) -> Response:
        content = await request.body()
        names = self._left.get(_identity(await _as_recorded(request, content)))
        if names is None or not (name := _first_fitting(names, request)):
            self.unknown.append(f"{request.method} {request.url.path}?{request.url.query} {content[:500]!r}")
            return Response("no example", 599)
        if len(names) > 1:
            names.remove(name)
        self._served.add(name)
        recorded = example(name)["response"]
        body = BALANCER_HOST.sub(rb"%b/lb/\1" % self.url.encode(), answer(name))
        body = RECORDED_HOSTS.sub(self.url.encode(), body)
        headers = {key: value for key, value in recorded["headers"].items() if key != "Content-Length"}
        return Response(body, recorded["status"], headers)


def _first_fitting(names: list[str], request: Request) -> str | None:
    """The first example whose headers came, too; a key goes only where one was recorded, a wrong one to a 401."""
    key = request.headers.get("Authorization")
    for name in names:
        wanted, status = example(name)["request"]["headers"], example(name)["response"]["status"]
        is_right = "Authorization" in wanted or key is None or (status == 401 and key != f"Bearer {KEY}")
        if is_right and all(request.headers.get(key) == value for key, value in wanted.items()):
            return name
    return None


async def _as_recorded(request: Request, content: bytes) -> dict[str, Any]:
    path = f"{request.url.path}?{request.url.query}"
    if not content:
        return {"method": request.method, "path": path, "body": None}
    if request.headers.get("Content-Type") == "application/gzip":
        return {"method": request.method, "path": path, "body": f"<{len(content)} bytes>"}
    return {"method": request.method, "path": path, "body": json.loads(content)}


def _identity(request: dict[str, Any]) -> str:
    """What makes two requests the same: the order of keys and parameters, and a query's white space, do not matter."""
    path, _, query = request["path"].partition("?")
    body = request["body"]
    if isinstance(body, dict) and path == "/graphql":
        body = {**body, "query": print_ast(parse(body["query"]))}
    return json.dumps([request["method"], path, sorted(parse_qsl(query)), body], sort_keys=True)
