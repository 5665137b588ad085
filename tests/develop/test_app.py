"""The project's own app is found, keeps its routes, and says why it can't be served."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from flash_jupyter.develop.app import broken_app, find_app, make_app
from flash_jupyter.errors import BuildError, RemoteExecutionError


def ask(app: FastAPI, path: str, method: str = "GET") -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.request(method, path)

    return asyncio.run(send())


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder whose modules can be imported; what they were is forgotten afterwards."""
    before = dict(sys.modules)
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)


def test_an_app_is_found_whatever_its_name(root: Path) -> None:
    (root / "server.py").write_text("from fastapi import FastAPI\napi = FastAPI(title='mine')\n")
    found = find_app(root)
    assert found is not None
    assert found.title == "mine"


def test_a_file_that_makes_no_app_is_not_imported(root: Path) -> None:
    (root / "server.py").write_text("raise RuntimeError('imported')\n")
    assert find_app(root) is None


def test_a_file_that_can_not_be_imported_is_told_with_its_line(root: Path) -> None:
    (root / "server.py").write_text("from fastapi import FastAPI\napp = FastAPI(1 / 0)\n")
    with pytest.raises(BuildError) as caught:
        find_app(root)
    assert caught.value.message == (
        f"server can't be imported (server.py):\n    {root / 'server.py'}:2 in <module>: app = FastAPI(1 / 0)\n"
        "    ZeroDivisionError: division by zero"
    )


def test_the_routes_of_the_projects_own_app_stay_and_a_remote_error_is_json() -> None:
    own = FastAPI(title="mine")

    @own.get("/")
    def index() -> str:
        return "mine"

    @own.get("/fails")
    def fails() -> None:
        raise RemoteExecutionError("ValueError", "no")

    app, routes = make_app(own, "shop", (), {})
    assert app is own
    assert [(route.method, route.path) for route in routes] == [("GET", "/"), ("GET", "/fails")]
    assert ask(app, "/").json() == "mine"
    assert ask(app, "/ping").json() == {"status": "healthy"}
    answer = ask(app, "/fails")
    assert (answer.status_code, answer.json()["error"], answer.json()["type"]) == (500, "ValueError: no", "ValueError")


def test_a_project_without_an_app_has_a_list_of_its_routes() -> None:
    app, _ = make_app(None, "shop", (), {})
    assert ask(app, "/").json() == {"project": "shop", "docs": "/docs", "routes": []}


def test_a_broken_project_says_so_everywhere() -> None:
    app = broken_app(BuildError("no", fix="mend it"))
    for path in ("/", "/a/b/runsync"):
        answer = ask(app, path, "POST")
        assert (answer.status_code, answer.json()) == (503, {"error": "no", "type": "BuildError", "fix": "mend it"})
