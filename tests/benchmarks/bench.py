"""`make bench`: what a remote cell costs, beside ipyparallel, in one run on one machine; ratios count, not milliseconds.

Everything is measured inside a real ipykernel. Prints a table and writes it to `results.md` and `results.json` here.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from rich.console import Console
from rich.table import Table

from flash_jupyter.session.local import stop_local
from flash_jupyter.settings import read_settings

HERE = Path(__file__).parent
CELL_TIMEOUT_S = 300.0
#: runs of one way before the next has its turn
TURN = 10

TIMED = """
import time
def timed(n, work):
    seconds = []
    for i in range(n):
        started = time.perf_counter()
        work(i)
        seconds.append(time.perf_counter() - started)
    return seconds
"""
REMOTE = """
ip = get_ipython()
def remote(i):
    global x
    x = i
    ip.run_cell_magic("remote", "", "y = x + 1")
    assert y == i + 1
timed(10, remote)
"""
PARALLEL = """
import ipyparallel as ipp
cluster = ipp.Cluster(n=1, log_level=40)
view = cluster.start_and_connect_sync(activate=True)[0]
view.block = True
def three_calls(i):
    view.push({"x": i})
    view.execute("y = x + 1")
    assert view.pull("y") == i + 1
def px(i):
    ip.run_cell_magic("px", "", "y = x + 1")
timed(10, three_calls); timed(10, px)
"""
POST = """
import httpx
from flash_jupyter.session.local import local_info
from flash_jupyter.settings import read_settings
info = local_info(read_settings())
client = httpx.Client(base_url=info.url, headers={"Authorization": f"Bearer {info.api_key}"})
(endpoint,) = client.get("/v2/serverless").json()["endpoints"]
code = "def plus(x):\\n    return x + 1"
import base64, cloudpickle
argument = base64.b64encode(cloudpickle.dumps(1)).decode()
request = {"function_name": "plus", "function_code": code, "args": [argument], "kwargs": {},
           "execution_type": "function", "serialization_format": "cloudpickle"}
def post(i):
    answer = client.post(f"/v2/{endpoint['id']}/runsync", json={"input": request})
    assert answer.json()["output"]["success"], answer.text
timed(10, post)
"""


class Kernel:
    """A kernel that gives back values whose repr is a literal."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str, expression: str = "None") -> Any:
        """Execute, then evaluate `expression`; raises `RuntimeError` with the kernel's traceback."""
        reply = self._client.execute_interactive(
            code,
            store_history=False,
            user_expressions={"value": expression},
            output_hook=lambda _message: None,
            timeout=CELL_TIMEOUT_S,
        )["content"]
        if reply["status"] != "ok":
            raise RuntimeError("\n".join(reply.get("traceback", [])) or reply["evalue"])
        return ast.literal_eval(reply["user_expressions"]["value"]["data"]["text/plain"])


@contextmanager
def kernel_in(home: Path) -> Iterator[Kernel]:
    """Start a kernel of a user who has nothing running yet; end it and the embedded Runpod."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RUNPOD_")}
    environ |= {"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local", "IPYTHONDIR": str(home / "ipython")}
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(home), env=environ)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        stop_local(read_settings(environ))


def measure_cold(runs: int) -> dict[str, list[float]]:
    """Measure `%load_ext` and the very first remote cell: no server, no worker, a new kernel each time."""
    found: dict[str, list[float]] = {"load_ext": [], "first": []}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder, kernel_in(Path(folder)) as kernel:
            load = 'get_ipython().run_line_magic("load_ext", "flash_jupyter")'
            found["load_ext"] += kernel.run(f"{TIMED}\nfound = timed(1, lambda i: {load})", "found")
            cell = 'x = 1; work = lambda i: get_ipython().run_cell_magic("remote", "", "y = x + 1")'
            found["first"] += kernel.run(f"{cell}\nfound = timed(1, work)", "found")
    return found


def measure_warm(runs: int) -> dict[str, list[float]]:
    """Measure one int in and one int back, each way in a kernel of its own, as its users have it.

    The ways take turns, ten runs each: what else the machine does meets all of them, and the ratios hold.
    """
    found: dict[str, list[float]] = {"remote": [], "post": [], "three_calls": [], "px": []}
    with ExitStack() as stack:
        ours, theirs = (
            stack.enter_context(kernel_in(Path(stack.enter_context(tempfile.TemporaryDirectory())))) for _ in range(2)
        )
        ours.run(f"%load_ext flash_jupyter\n{TIMED}{REMOTE}")
        ours.run(POST)
        theirs.run(f"ip = get_ipython()\n{TIMED}{PARALLEL}")
        stack.callback(theirs.run, "cluster.stop_cluster_sync()")
        turns = {"remote": ours, "three_calls": theirs, "post": ours, "px": theirs}
        for _ in range(runs // TURN):
            for name, kernel in turns.items():
                found[name] += kernel.run(f"found = timed({TURN}, {name})", "found")
    return found


def rows_of(found: dict[str, list[float]]) -> list[tuple[str, str, str, str]]:
    """Lay the medians out, with what each must reach."""
    median = {name: statistics.median(seconds) for name, seconds in found.items()}
    three, px, remote = median["three_calls"], median["px"], median["remote"]

    def row(what: str, name: str, ratio: str = "", goal: str = "") -> tuple[str, str, str, str]:
        return f"{what} ({len(found[name])} runs)", f"{median[name] * 1000:.1f} ms", ratio, goal

    return [
        row("warm `%%remote`, one int in, one int back", "remote", f"{remote / three:.2f} x three calls", "≤ 0.35"),
        row("ipyparallel push, execute, pull", "three_calls", "1.00"),
        row("ipyparallel `%%px` alone", "px", f"%%remote is {remote / px:.2f} x this", "< 1"),
        row("httpx POST `/runsync`, client → server → worker → back", "post", f"{median['post'] / three:.2f}"),
        row("first `%%remote`: no server, no worker, new kernel", "first", "", "≤ 2000 ms"),
        row("`%load_ext flash_jupyter`", "load_ext", "", "≤ 150 ms"),
    ]


def write(rows: Sequence[Sequence[str]], found: dict[str, list[float]]) -> None:
    """Print the table, and write it beside this file."""
    columns = ("what", "median", "ratio", "must be")
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}"
    lines = [f"| {' | '.join(columns)} |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    (HERE / "results.md").write_text(f"# make bench\n\n{machine}\n\n" + "\n".join(lines) + "\n")
    (HERE / "results.json").write_text(json.dumps({"machine": machine, "seconds": found}, indent=1) + "\n")


def main() -> int:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 warm runs and 2 cold ones")
    quick = parser.parse_args().quick
    found = {**measure_warm(20 if quick else 100), **measure_cold(2 if quick else 10)}
    write(rows_of(found), found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
