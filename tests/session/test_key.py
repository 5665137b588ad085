"""The Runpod key goes into one header and nowhere else: what is sent, written and logged is looked through."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import pickle
import sqlite3
import traceback
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulated import RealServer
from platform_app import ORIGIN

from flash_jupyter.capsule.container import read_capsule
from flash_jupyter.errors import ApiError, FlashError, RemoteExecutionError
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.events import Event
from flash_jupyter.session.links import Links
from flash_jupyter.session.session import CellRequest, Session
from flash_jupyter.settings import Backend, Settings, read_settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import ONCE, Http

KEY = "rpa_0123456789abcdefVERYSECRET"
#: a worker of the embedded Runpod answers its server with the server's one token, which is the key of this test
TELLS_ALL = "import os\nraise KeyError({k: v for k, v in os.environ.items() if k != 'RUNPOD_AI_API_KEY'})"


class Recorder(httpx.AsyncBaseTransport):
    """Sends everything on, and remembers it."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealServer]:
    server = RealServer(tmp_path / "server")
    yield server
    server.stop()


def test_a_session_sends_its_key_in_one_header_and_writes_it_nowhere(
    tmp_path: Path, server: RealServer, caplog: pytest.LogCaptureFixture
) -> None:
    key, recorder, events = server.info["api_key"], Recorder(), list[Event]()
    session = cloud_session(tmp_path / "client", server, recorder)
    with caplog.at_level(logging.DEBUG):
        outcome = session.run_cell(CellRequest("print('hi')\ny = x + 1\ny", {"x": 1}, options()), events.append)
        with pytest.raises(RemoteExecutionError) as caught:
            session.run_cell(CellRequest(TELLS_ALL, {}, options()), events.append)
        shown = [repr(outcome), repr(events), repr(session.settings), repr(session.status()), str(session.endpoints())]
        template = asyncio.run(make_template(server, key))
        session.close()
    assert outcome.value == 2

    assert len(recorder.requests) > 5, "nothing was recorded"
    for request in recorder.requests:
        assert request.headers["Authorization"] == f"Bearer {key}"
        others = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
        assert key not in f"{request.url} {others}"
        assert all(key.encode() not in layer for layer in layers(request))
    assert sum(request.url.path.endswith("/run") for request in recorder.requests) >= 2

    told = [*shown, template, caplog.text, "".join(traceback.format_exception(caught.value)), repr(vars(caught.value))]
    assert [text for text in told if key in text] == []
    assert caplog.text, "nothing was logged"
    assert files_with(key, tmp_path / "client") == []
    # the server itself knows which token it gave out: in its info file, and in one table
    own = {"info.json", "emulator.sqlite", "emulator.sqlite-wal", "emulator.sqlite-shm"}
    assert files_with(key, server.folder, but=own) == []
    server.stop()  # it holds the database alone while it runs
    assert {table for table, row in rows(server.folder / "emulator.sqlite") if key in row} == {"meta"}


def options() -> Any:
    return make_options(cpu=("cpu3c-2-4",), name="t")


def cloud_session(home: Path, server: RealServer, recorder: Recorder) -> Session:
    url = server.info["url"]
    environ = {
        "FLASH_JUPYTER_HOME": str(home),
        "RUNPOD_API_KEY": server.info["api_key"],
        "RUNPOD_API_BASE_URL": url,
        "RUNPOD_ENDPOINT_BASE_URL": f"{url}/v2",
    }
    settings: Settings = read_settings(environ, project=home)
    assert settings.backend == "runpod"
    return Session(settings, links=Links(settings, transport=lambda _backend: recorder))


async def make_template(server: RealServer, key: str) -> str:
    """Make a template as we would, and return what the server keeps of it."""
    http = Http(Backend("runpod", server.info["url"], f"{server.info['url']}/v2", key, "the test"))
    try:
        made = await Control(http).templates.create({"name": "t", "image": "i", "serverless": True, "env": {"A": "1"}})
        return str(server.client.get(f"/v2/templates/{made.id}").json())
    finally:
        await http.aclose()


def layers(request: httpx.Request) -> Iterator[bytes]:
    """The body as it is, and what is packed into it: the capsule's order and sections."""
    yield request.content
    if not request.url.path.endswith("/run"):
        return
    (argument,) = json.loads(request.content)["input"]["args"]
    capsule = pickle.loads(base64.b64decode(argument))
    order, sections = read_capsule(capsule)
    yield json.dumps(order).encode()
    yield from sections.values()


def rows(store: Path) -> Iterator[tuple[str, str]]:
    """Everything in a database, as text."""
    connection = sqlite3.connect(store)
    try:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            yield from ((table, repr(row)) for row in connection.execute(f'SELECT * FROM "{table}"'))
    finally:
        connection.close()


def files_with(key: str, folder: Path, but: Collection[str] = ()) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in but]
    assert files
    return [str(path) for path in files if key.encode() in path.read_bytes()]


ECHOES: list[tuple[str, httpx.Response]] = [
    ("REST's problem", httpx.Response(400, json={"title": "Bad", "detail": f"you sent {KEY}", "errors": [f"x: {KEY}"]})),
    ("a refused key", httpx.Response(403, json={"detail": f"{KEY} may not"})),
    ("GraphQL's errors", httpx.Response(200, json={"errors": [{"message": f"bad {KEY}"}], "data": None})),
    ("GraphQL's errors with a status", httpx.Response(400, json={"errors": [{"message": f"bad {KEY}"}]})),
    ("an answer that is something else", httpx.Response(200, text=f"<html>{KEY}</html>")),
    ("an answer with a wrong field", httpx.Response(200, json={"data": {"myself": {"flashApps": KEY}}, "endpoints": KEY})),
]  # fmt: skip


@pytest.mark.parametrize("answer", [c[1] for c in ECHOES], ids=[c[0] for c in ECHOES])
@pytest.mark.parametrize("plane", ["rest", "graphql"])
def test_a_platform_that_repeats_the_key_is_not_quoted(answer: httpx.Response, plane: str) -> None:
    async def ask() -> None:
        transport = httpx.MockTransport(lambda _request: httpx.Response(answer.status_code, content=answer.content))
        http = Http(Backend("runpod", ORIGIN, f"{ORIGIN}/v2", KEY, "the test"), transport=transport)
        try:
            await (Control(http).endpoints(retry=ONCE) if plane == "rest" else Apps(http).apps())
        finally:
            await http.aclose()

    with pytest.raises(FlashError) as caught:
        asyncio.run(ask())
    assert isinstance(caught.value, ApiError)
    assert KEY not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
