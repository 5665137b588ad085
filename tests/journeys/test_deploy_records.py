"""What a notebook calls of a deployed app is a job of its own as any other: written down, shown while it runs, counted."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from deployments import deploy
from emulated import wait_for

from flash_jupyter.build.bundle import build
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.local import start_local
from flash_jupyter.session.records import JobRecord
from flash_jupyter.states import JobState

pytestmark = pytest.mark.journey

NOTEBOOK = """# %%
import asyncio
import logging
import subprocess
import sys
import time

from flash_jupyter import CpuLiveLoadBalancer, CpuLiveServerless, remote

log = logging.getLogger("shop")
log.addHandler(logging.StreamHandler())
log.propagate = False

# %%
@remote(CpuLiveServerless(name="till"))
def count(item: str, to: int = 3, pause_s: float = 0.0) -> int:
    for number in range(1, to + 1):
        print(item, number)
        time.sleep(pause_s)
    return to

# %%
@remote(CpuLiveServerless(name="till"))
def refuse(item: str):
    print("looking for", item)
    log.warning("no %s", item)
    subprocess.run([sys.executable, "-c", "print('of a program')"], check=True)
    raise KeyError(item)

# %%
@remote(CpuLiveServerless(name="many", workersMax=1, maxConcurrency=4))
async def share(item: str) -> str:
    for number in range(3):
        print(item, number)
        await asyncio.sleep(0.2)
    await asyncio.to_thread(print, item, "in a thread")
    return item

# %%
@remote(CpuLiveLoadBalancer(name="web"), method="GET", path="/price")
def price(count: int = 1) -> int:
    return count * 3
"""


@pytest.fixture(scope="module")
def shop(own_desk: Any) -> dict[str, str]:
    """The app `shop` in production; resource -> endpoint id."""
    path = own_desk.folder / "shop.py"
    path.write_text(NOTEBOOK)
    built = build(path, settings=own_desk.settings)
    return deploy(own_desk.settings, built.archive, built.manifest, "shop")


@pytest.fixture(scope="module")
def kernel(own_desk: Any, shop: dict[str, str]) -> Any:
    return opened(own_desk)


def opened(desk: Any, **variables: str) -> Any:
    notebook = desk.open(env=variables)
    notebook.ok('import flash_jupyter\napp = flash_jupyter.app("shop")')
    return notebook


def newest(desk: Any) -> JobRecord:
    store = JobStore(desk.settings.job_store)
    try:
        return store.newest(limit=1)[0]
    finally:
        store.close()


def ended(desk: Any) -> JobRecord:
    """The newest job, once its end is written down, which nobody waits for."""
    wait_for(lambda: newest(desk).state.is_final, within_s=10)
    return newest(desk)


def test_a_call_is_a_job_like_any_other(kernel: Any, own_desk: Any, shop: dict[str, str]) -> None:
    assert kernel.value('app.count("tea", to=2)') == 2
    listed = ended(own_desk)
    assert (listed.source, listed.kind, listed.state) == ("shop/production count", "deployed", JobState.COMPLETED)
    assert listed.endpoint_id == shop["till"]
    assert listed.platform_id
    assert listed.finished_at
    assert listed.names == ("item", "to")
    row = next(line for line in kernel.ok("%flash jobs").text("display").splitlines() if line.startswith(listed.id))
    assert "shop/production count" in row
    assert kernel.ok(f"%flash attach {listed.id}").result == "2"
    assert "tea 1\ntea 2" in kernel.ok(f"%flash logs {listed.id}").text("display")


def test_what_it_prints_comes_while_it_runs(kernel: Any) -> None:
    started = kernel.start('app.count("cake", to=3, pause_s=2)')
    seen = kernel.wait(started, until=lambda cell: "cake 1" in cell.stdout)
    assert (seen.stdout, seen.result) == ("cake 1\n", None)
    rest = kernel.wait(started)
    assert (rest.stdout, rest.result) == ("cake 2\ncake 3\n", "3")


def test_of_jobs_that_share_a_worker_each_has_its_own_lines(kernel: Any) -> None:
    code = """
import asyncio
await asyncio.gather(*(app.share.aio(item) for item in "abc"))
"""
    cell = kernel.ok(code)
    assert cell.result == "['a', 'b', 'c']"
    lines = sorted(cell.stdout.splitlines())
    assert lines == sorted([*(f"{item} {n}" for item in "abc" for n in range(3)), *(f"{i} in a thread" for i in "abc")])
    logs = {
        log.partition(" ")[0]: log.splitlines()
        for log in kernel.value(
            "[open(j.events_log).read() for j in flash_jupyter.session.default.default_session().jobs()[:3]]"
        )
    }
    assert logs == {item: [*(f"{item} {n}" for n in range(3)), f"{item} in a thread"] for item in "abc"}


def test_what_it_raised_and_printed_before_is_seen(kernel: Any, own_desk: Any) -> None:
    failed = kernel.run('app.refuse("milk")')
    assert failed.ename == "KeyError"
    assert failed.stdout == "looking for milk\n", "what a program prints may be of any job"
    assert failed.stderr == "no milk\n"
    job = ended(own_desk)
    assert (job.state, job.outcome) == (JobState.COMPLETED, "raised KeyError")


def test_one_that_was_interrupted_is_seen_as_such(kernel: Any, own_desk: Any) -> None:
    started = kernel.start('app.count("tea", to=600, pause_s=1)')
    kernel.wait(started, until=lambda cell: "tea 1" in cell.stdout)
    kernel.interrupt()
    stopped = kernel.wait(started)
    assert stopped.ename == "KeyboardInterrupt"
    assert stopped.error.startswith("cancelled (ran ")
    job = ended(own_desk)
    assert job.state is JobState.CANCELLED
    assert (job.error or "").startswith("cancelled (ran ")


def test_one_whose_kernel_died_is_brought_home(own_desk: Any, shop: dict[str, str]) -> None:
    notebook = opened(own_desk)
    started = notebook.start('app.count("rice", to=4, pause_s=1.5)')
    # 3 s: after 2 s there is a collector, also where the worker was warm
    notebook.wait(started, until=lambda cell: "rice 3" in cell.stdout)
    job = newest(own_desk)
    os.kill(notebook.manager.provisioner.pid, signal.SIGKILL)
    wait_for(lambda: newest(own_desk).state is JobState.COMPLETED, within_s=60)
    again = opened(own_desk).ok(f"%flash attach {job.id}")
    assert again.result == "4"
    assert again.stdout.splitlines() == [f"rice {number}" for number in range(1, 5)]


def test_what_it_may_cost_is_counted_and_refused(own_desk: Any, shop: dict[str, str]) -> None:
    info = start_local(own_desk.settings)
    notebook = opened(own_desk, **{**info.env(), "FLASH_JUPYTER_BACKEND": "runpod"})
    said = notebook.ok('app.count("tea", to=1)')
    assert "Runpod charges from here on" in "".join([*said.status_lines, *said.displays])
    job = ended(own_desk)
    assert job.backend == "runpod"
    assert job.cost_usd
    assert notebook.ok("app.price(2)").result == "6"
    shown = notebook.ok("%flash cost").text("display")
    assert "shop/production count" in shown
    assert "shop/production price" in shown
    notebook.ok("%flash config max_cost=0.0001")
    for call in ('app.count("tea")', "app.price()"):
        refused = notebook.run(call)
        assert refused.ename == "CostLimitError", call
        assert refused.error.endswith("raise max_cost"), refused.error
        assert "timeout=" not in refused.error, "a deployed function has none to be said here"
    assert ended(own_desk).state is JobState.FAILED
