"""Routes of load balanced endpoints over a real embedded Runpod: live ones, and those of a server of the user's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from emulated import wait_for

pytestmark = pytest.mark.journey

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "tests" / "examples" / "load_balancer.py"
PRINTED = "{'result': 5} {'status': 'ok'}\n"
SERVER = ROOT / "tests" / "support" / "user_server.py"


def test_the_example_runs_as_a_script(shared_desk: Any) -> None:
    done = shared_desk.python(str(EXAMPLE))
    assert (done.returncode, done.stdout, done.stderr) == (0, PRINTED, "")


def test_the_example_runs_in_a_cell(notebook: Any) -> None:
    assert notebook.ok(EXAMPLE.read_text()).stdout == PRINTED


def test_a_route_runs_with_its_closure_and_raises_what_it_raises(notebook: Any) -> None:
    notebook.ok(
        "from flash_jupyter import CpuLiveLoadBalancer, remote\nK = 3\n"
        "@remote(CpuLiveLoadBalancer(name='api-service'), method='POST', path='/scale')\n"
        "def scale(x):\n    print('there', x)\n    return {'scaled': K / x}"
    )
    cell = notebook.ok("scale.remote(2)")
    assert (cell.result, cell.stdout) == ("{'scaled': 1.5}", "there 2\n")
    assert (
        notebook.ok("import asyncio; [r['scaled'] for r in await asyncio.gather(scale(1), scale(3))]").result
        == "[3.0, 1.0]"
    )
    cell = notebook.run("await scale(0)")
    assert cell.ename == "ZeroDivisionError"
    assert "ZeroDivisionError: division by zero" in cell.traceback


@pytest.mark.parametrize(
    ("call", "ename"),
    [("rest.remote(30)", "KeyboardInterrupt"), ("await rest(30)", "CancelledError")],
    ids=["waited for", "awaited"],
)
def test_an_interrupt_drops_the_request_and_says_so(notebook: Any, tmp_path: Path, call: str, ename: str) -> None:
    begun = tmp_path / "begun"
    notebook.ok(
        "from flash_jupyter import CpuLiveLoadBalancer, remote\n"
        "@remote(CpuLiveLoadBalancer(name='api-service'), method='POST', path='/rest')\n"
        f"def rest(seconds):\n    import time, pathlib\n    pathlib.Path({str(begun)!r}).touch()\n    time.sleep(seconds)"
    )
    started = notebook.start(call)
    wait_for(begun.exists, within_s=60)
    notebook.interrupt()
    cell = notebook.wait(started)
    assert (cell.ename, cell.error) == (ename, "the request was dropped; its worker may run the function to its end")
    assert cell.traceback == f"{ename}: {cell.error}"


def test_an_interrupt_drops_the_open_requests_of_map(notebook: Any, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    notebook.ok(
        "from flash_jupyter import CpuLiveLoadBalancer, remote\n"
        "@remote(CpuLiveLoadBalancer(name='api-service'), method='POST', path='/rest')\n"
        f"def rest(seconds):\n    import time, pathlib\n    if seconds: pathlib.Path({str(begun)!r}).touch()\n"
        "    time.sleep(seconds)"
    )
    started = notebook.start("rest.map([0, 30, 30], concurrency=1)")
    wait_for(begun.exists, within_s=60)
    notebook.interrupt()
    cell = notebook.wait(started)
    assert cell.error == "1 calls had ended, 1 were dropped; workers may run the function to its end for these"
    assert cell.traceback == f"KeyboardInterrupt: {cell.error}"


def test_a_server_of_the_users_own_gets_the_arguments(notebook: Any) -> None:
    notebook.ok(
        "from flash_jupyter import CpuLoadBalancerSlsResource, PodTemplate, remote\n"
        f"program = PodTemplate(imageName='me/mine:1', dockerArgs={f'{sys.executable} {SERVER}'!r})\n"
        "api = CpuLoadBalancerSlsResource(name='own-server', imageName='me/mine:1', template=program)\n"
        "@remote(api, method='GET', path='/items/{item}')\ndef item(item, q=None): raise AssertionError('it ran')\n"
    )
    answer = notebook.value("item.remote('a b', q='x')")
    assert (answer["item"], answer["query"]) == ("a b", {"q": ["x"]})
