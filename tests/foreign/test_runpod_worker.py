"""The released `runpod` SDK as worker: the stock image's handler under it runs our cells on the embedded Runpod."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from calls import Caller, local_module, method, request
from cells import Notebook, text

from flash_jupyter.settings import Backend

STOCK_WORKER = Path(__file__).with_name("stock_worker.py")
pytestmark = pytest.mark.foreign


@pytest.fixture(scope="module")
def endpoint(released: Callable[..., Path], local: Backend) -> Iterator[dict[str, Any]]:
    python = released("runpod==1.12.0", "cloudpickle")
    body = {
        "name": "stock",
        "type": "QUEUE",
        "image": "runpod/flash-cpu:py3.11-latest",
        "args": f"{python} {STOCK_WORKER}",
        "cpu": [{"id": "cpu3g", "vcpuCount": 2}],
        "workers": {"min": 0, "max": 1, "idleTimeout": 60},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 1},
    }
    with _client(local) as client:
        made = client.post(f"{local.api_url}/v2/serverless", json=body)
        assert made.status_code == 201, made.text
        yield made.json()
        assert client.delete(f"{local.api_url}/v2/serverless/{made.json()['id']}").status_code == 204


@pytest.fixture(scope="module")
def call(endpoint: dict[str, Any], local: Backend) -> Iterator[Caller]:
    with _client(local) as client:
        yield Caller(lambda request: _call(client, endpoint, request))


@pytest.fixture(scope="module")
def notebook(endpoint: dict[str, Any], local: Backend) -> Iterator[Notebook]:
    with _client(local) as client:
        yield Notebook(lambda request: _call(client, endpoint, request))


def _client(local: Backend) -> httpx.Client:
    return httpx.Client(headers={"Authorization": f"Bearer {local.api_key}"}, timeout=30)


def _call(client: httpx.Client, endpoint: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    urls = endpoint["requestUrls"]
    job = client.post(urls["run"], json={"input": request}).json()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = client.get(f"{urls['status'].rsplit('/', 1)[0]}/{job['id']}").json()
        if answer["status"] not in ("IN_QUEUE", "IN_PROGRESS"):
            assert answer["status"] == "COMPLETED", answer
            output: dict[str, Any] = answer["output"]
            return output
        time.sleep(0.05)
    raise AssertionError(f"job {job['id']} did not end")


def test_a_cell_runs_with_its_closure(notebook: Notebook) -> None:
    notebook.here("import math; K = 3\ndef helper(x): return x * K")
    answer = notebook.there("y = helper(2) + math.pi\nprint('on the worker')\ny", ["math", "K", "helper"])
    assert notebook.names["y"] == 6 + notebook.names["math"].pi
    assert text(answer) == "on the worker\n"


def test_changes_and_identity_survive(notebook: Notebook) -> None:
    notebook.here("class P:\n    def __init__(self): self.xs = []\np = P(); alias = p.xs")
    cls = notebook.names["P"]
    notebook.there("p.xs.append(1); q = P()", ["p", "P"])
    assert notebook.names["alias"] == [1]
    assert type(notebook.names["q"]) is cls


def test_top_level_await_runs_beside_the_busy_loop(notebook: Notebook) -> None:
    notebook.there("import asyncio\nawait asyncio.sleep(0.01)\ndone = True")
    assert notebook.names["done"] is True


def test_an_exception_keeps_what_was_bound(notebook: Notebook) -> None:
    answer = notebook.there("a = 1\n1 / 0")
    assert notebook.names["a"] == 1
    assert (answer.order["error"]["type"], answer.order["error"]["frames"][0]["line"]) == ("ZeroDivisionError", 2)


def test_state_of_the_driver_outlives_a_request(notebook: Notebook) -> None:
    notebook.there(
        "import sys\nfirst = id([m for n, m in sys.modules.items() if n.startswith('_flash_jupyter_driver')][0])"
    )
    notebook.there(
        "import sys\nsecond = id([m for n, m in sys.modules.items() if n.startswith('_flash_jupyter_driver')][0])"
    )
    assert notebook.names["first"] == notebook.names["second"]


def test_a_remote_function_runs_with_its_closure(call: Caller) -> None:
    assert call(request("K = 3\ndef helper(x): return x * K\nasync def f(x): return helper(x)", "f", 2)).value == 6


def test_an_instance_outlives_its_request(call: Caller) -> None:
    base = request(
        "class C:\n    def __init__(self, n): self.n = n\n    def add(self, x): self.n += x; return self.n", "C"
    )
    assert call(method(base, "add", "c", ((10,), {}), 1)).value == 11
    assert call(method(base, "add", "c", None, 5)).value == 16


def test_a_local_module_that_decorates_is_imported_where_our_package_is_not(call: Caller, tmp_path: Path) -> None:
    with local_module(tmp_path) as base:
        outcomes = [call(base), call(base)]
    assert [(outcome.value, outcome.failure) for outcome in outcomes] == [(1, None), (2, None)]
