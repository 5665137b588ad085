"""What a remote cell costs, beside ipyparallel: everything is measured inside a real ipykernel."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from kernels import kernel_in
from report import Found, Row, medians, must

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


def measure_cold(runs: int) -> Found:
    """Measure `%load_ext` and the very first remote cell: no server, no worker, a new kernel each time."""
    found: Found = {"load_ext": [], "first": []}
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder, kernel_in(Path(folder)) as kernel:
            load = 'get_ipython().run_line_magic("load_ext", "flash_jupyter")'
            found["load_ext"] += kernel.run(f"{TIMED}\nfound = timed(1, lambda i: {load})", "found")
            cell = 'x = 1; work = lambda i: get_ipython().run_cell_magic("remote", "", "y = x + 1")'
            found["first"] += kernel.run(f"{cell}\nfound = timed(1, work)", "found")
    return found


def measure_warm(runs: int) -> Found:
    """Measure one int in and one int back, each way in a kernel of its own, as its users have it.

    The ways take turns, ten runs each: what else the machine does meets all of them, and the ratios hold.
    """
    found: Found = {"remote": [], "post": [], "three_calls": [], "px": []}
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


def rows(found: Found) -> list[Row]:
    """Lay the medians out, with what each must reach."""
    median = medians(found)
    three, px, remote = median["three_calls"], median["px"], median["remote"]

    def row(what: str, name: str, ratio: str = "", goal: str = "") -> Row:
        return f"{what} ({len(found[name])} runs)", f"{median[name] * 1000:.1f} ms", ratio, goal

    return [
        row(
            "warm `%%remote`, one int in, one int back",
            "remote",
            f"{remote / three:.2f} x three calls",
            must("≤ 0.35", holds=remote / three <= 0.35),
        ),
        row("ipyparallel push, execute, pull", "three_calls", "1.00"),
        row("ipyparallel `%%px` alone", "px", f"%%remote is {remote / px:.2f} x this", must("< 1", holds=remote < px)),
        row("httpx POST `/runsync`, client → server → worker → back", "post", f"{median['post'] / three:.2f}"),
        row(
            "first `%%remote`: no server, no worker, new kernel",
            "first",
            "",
            must("≤ 2000 ms", holds=median["first"] <= 2),
        ),
        row("`%load_ext flash_jupyter`", "load_ext", "", must("≤ 150 ms", holds=median["load_ext"] <= 0.15)),
    ]
