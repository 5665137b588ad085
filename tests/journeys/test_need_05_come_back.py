"""A result outlives its kernel: what a dead kernel left open is brought home, and attached later, with all it said."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.local_admin import LocalAdmin
from flash_jupyter.session.records import JobRecord
from flash_jupyter.states import JobState

pytestmark = pytest.mark.journey

CELL = """%%remote
import time
import matplotlib.pyplot as plt
print("begun", flush=True)
plt.plot([1, 2, 3]); plt.show()
while not __import__("os").path.exists({gate!r}): time.sleep(0.05)
for number in range(3): print("line", number)
y = x + 1
"""


def newest(desk: Any) -> JobRecord:
    store = JobStore(desk.settings.job_store)
    job = store.newest(limit=1)[0]
    store.close()
    return job


def until(holds: Callable[[], Any], within_s: float = 60) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def collectors(desk: Any) -> list[psutil.Process]:
    """The collectors of this desk: its folder is their working folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if "flash_jupyter.session.collector" in process.cmdline() and process.cwd() == str(desk.home):
                found.append(process)
        except psutil.Error:
            pass
    return found


def kill(notebook: Any) -> None:
    """End a kernel without a word, as the machine's memory killer does."""
    os.kill(notebook.manager.provisioner.pid, signal.SIGKILL)


def begin(desk: Any, notebook: Any) -> str:
    """Start a cell that waits, until its collector is there; returns the job's id."""
    notebook.ok("x = 41")
    message = notebook.start(CELL.format(gate=str(desk.folder / "gate")))
    notebook.wait(message, until=lambda cell: "begun" in cell.stdout)
    until(lambda: collectors(desk))
    return newest(desk).id


def test_need_05_a_killed_kernels_result_is_there_after_the_retention(desk: Any) -> None:
    first = desk.open()
    job_id = begin(desk, first)
    kill(first)
    (desk.folder / "gate").touch()
    until(lambda: newest(desk).has_result)
    until(lambda: not collectors(desk))
    LocalAdmin(desk.settings).advance_clock(40 * 60)

    second = desk.open()
    assert job_id in second.ok("%flash jobs").displays[0]
    cell = second.ok(f"%flash attach {job_id}")
    assert cell.stdout == "begun\nline 0\nline 1\nline 2\n"
    assert [bundle for bundle in cell.bundles if "image/png" in bundle]
    assert second.value("y") == 42


def test_need_05_a_restart_during_a_blocking_cell_ends_its_job_as_an_interrupt_does(desk: Any) -> None:
    """A client of Jupyter interrupts a kernel before it restarts it (jupyter_client: `shutdown_kernel`)."""
    notebook = desk.open()
    job_id = begin(desk, notebook)
    notebook.manager.restart_kernel()
    assert until(lambda: newest(desk).state.is_final and newest(desk)).state is JobState.CANCELLED

    again = desk.open()
    assert f"{job_id}" in again.ok("%flash jobs").displays[0]
    assert again.ok("%%remote\n1 + 1").result == "2"


def test_need_05_a_load_says_what_is_ready(desk: Any) -> None:
    first = desk.open(load=False)
    name = "import os; os.environ['JPY_SESSION_NAME'] = 'work/study.ipynb'"
    first.ok(f"{name}\n%load_ext flash_jupyter")
    handle = first.ok("%%remote detach\nfound = 42").result
    job_id = next(iter(re.findall(r"fj-\w+", handle)))
    until(lambda: newest(desk).has_result)

    second = desk.open(load=False)
    message = second.start(f"{name}\n%load_ext flash_jupyter\nimport time; time.sleep(2)")
    assert second.wait(message).status_lines == [f"a result is ready: %flash attach {job_id}"]
    second.ok(f"%flash attach {job_id}")
    assert second.value("found") == 42


def test_need_05_where_nothing_of_ours_could_run_it_is_said(desk: Any) -> None:
    first = desk.open()
    job_id = begin(desk, first)
    kill(first)
    for process in collectors(desk):
        process.kill()
    (desk.folder / "gate").touch()
    time.sleep(2)
    LocalAdmin(desk.settings).advance_clock(40 * 60)

    cell = desk.open().run(f"%flash attach {job_id}")
    assert "begun\n" in cell.stdout
    told = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", cell.traceback)
    assert told == (
        f"ResultLost: the result of job {job_id} is lost: the platform keeps one for 30 minutes after the end, and "
        "nothing of ours ran then to take it (made TIME, last seen IN_PROGRESS TIME)\n"
        "  → run its cell again; what it printed while it was followed is above"
    )


@pytest.mark.slow
def test_need_05_the_key_is_on_no_disk_and_in_no_command_line(desk: Any) -> None:
    notebook = desk.open()
    secret = "rpa_SECRETKEYOFATEST0123456789"
    notebook.ok(f"import os; os.environ['RUNPOD_API_KEY'] = {secret!r}")
    begin(desk, notebook)
    assert all(secret not in " ".join(process.cmdline()) for process in collectors(desk))
    kill(notebook)
    (desk.folder / "gate").touch()
    until(lambda: newest(desk).has_result)
    for path in desk.home.rglob("*"):
        if path.is_file() and "ipython" not in path.parts:
            assert secret.encode() not in path.read_bytes(), path


@pytest.mark.slow
def test_need_05_a_listing_brings_home_what_nobody_follows(desk: Any) -> None:
    first = desk.open()
    begin(desk, first)
    kill(first)
    for process in collectors(desk):
        process.kill()
    (desk.folder / "gate").touch()
    second = desk.open()

    def listed() -> bool:
        second.ok("%flash jobs")
        return newest(desk).has_result

    until(listed)
    assert newest(desk).state.value == "COMPLETED"
