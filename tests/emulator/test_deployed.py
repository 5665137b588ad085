"""Real workers of a deployed app: the handler of a load balancer, and an interpreter that stands for the image."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest
from artifacts import archive, deploy, upload
from emulated import RealServer

pytestmark = pytest.mark.journey

APP = """
import os, sys
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from prices import PRICES


async def ping(request):
    return JSONResponse({"status": "healthy"})


async def price(request):
    here = {"folder": Path.cwd().name, "ours": "flash_jupyter" in sys.modules, "resource": os.environ["FLASH_RESOURCE_NAME"]}
    return JSONResponse({"price": PRICES[request.path_params["item"]], **here})


app = Starlette(routes=[Route("/ping", ping), Route("/prices/{item}", price)])
"""
IMAGE = {"FLASH_JUPYTER_PYTHON": sys.executable}


@pytest.fixture
def environment(server: RealServer, tmp_path: Path) -> str:
    files = {
        "handler_web.py": APP,
        "prices.py": "PRICES = {'tea': 2.5}\n",
        "handler_bad.py": "import nothing_like_it\n",
    }
    return upload(server.client, "shop", archive(tmp_path / "artifact.tar.gz", files))


def test_the_routes_of_a_deployed_load_balancer_are_its_handlers(server: RealServer, environment: str) -> None:
    endpoint = deploy(server.client, environment, "web", kind="LB", env=IMAGE)
    answer = server.client.get(f"/lb/{endpoint}/prices/tea", timeout=60)
    assert answer.json() == {"price": 2.5, "folder": "app", "ours": False, "resource": "web"}
    assert server.client.post(f"/lb/{endpoint}/execute", json={}).status_code == 404


@pytest.mark.parametrize("kind", ["LB", "QB"])
def test_a_handler_that_can_not_be_imported_says_so_in_its_own_last_lines(
    kind: str, server: RealServer, environment: str
) -> None:
    endpoint = deploy(server.client, environment, "bad", kind=kind, env=IMAGE)
    path = f"/lb/{endpoint}/prices/tea" if kind == "LB" else f"/v2/{endpoint}/runsync"
    answer: httpx.Response = server.client.post(path, json={"input": {"x": 1}}, timeout=60)
    said = answer.json()["error"]
    assert said.startswith("worker lost: 3 workers in a row did not start; worker ")
    assert said.endswith("ModuleNotFoundError: No module named 'nothing_like_it'")
