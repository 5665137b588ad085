"""Workers that die, cells that hang, an embedded Runpod that is killed: said clearly, and the next cell works."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import psutil
import pytest

from flash_jupyter.session.jobs import JobStore

pytestmark = pytest.mark.journey


def test_a_worker_that_ends_itself(desk: Any) -> None:
    notebook = desk.open()  # a worker whose log has nothing of other cells
    notebook.ok("kept = 1")
    cell = notebook.run("%%remote\nimport os\nprint('last words', flush=True)\nos._exit(3)")
    worker = re.search(r"^    (\w{14}): ", cell.traceback, re.MULTILINE)
    assert worker
    assert cell.traceback == (
        "WorkerLost: the worker died while it ran the job; it was not run again\n"
        f"    {worker[1]}: exit code 3\n"
        "  → look at its last lines, then run it again"
    )
    assert cell.stdout == "last words\n"
    assert notebook.ok("%%remote\nkept + 1").result == "2"


def test_the_children_of_a_worker_end_with_it(notebook: Any) -> None:
    cell = (
        "%%remote\nimport subprocess, time\nprint(subprocess.Popen(['sleep', '300']).pid, flush=True)\ntime.sleep(60)"
    )
    message = notebook.start(cell)
    child = int(notebook.wait(message, until=lambda cell: cell.stdout.endswith("\n")).stdout)
    notebook.interrupt()
    assert notebook.wait(message, timeout_s=50).ename == "KeyboardInterrupt"
    assert wait_until_gone(child)


def test_a_worker_that_is_killed(desk: Any) -> None:
    notebook = desk.open()
    message = notebook.start("%%remote\nimport os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)")
    started = notebook.wait(message, until=lambda cell: cell.stdout.endswith("\n"))
    psutil.Process(int(started.stdout)).kill()
    cell = notebook.wait(message, timeout_s=30)
    assert re.sub(r"\b\w{14}:", "WORKER:", cell.traceback) == (
        "WorkerLost: the worker died while it ran the job; it was not run again\n"
        "    WORKER: killed by signal 9\n"
        "  → give it more memory with other hardware (gpu= or cpu=), or let it do less at once"
    )
    assert notebook.ok("%%remote\n1").result == "1"


def test_a_timeout_ends_the_cell_and_its_worker(notebook: Any) -> None:
    started = time.monotonic()
    message = notebook.start("%%remote timeout=5\nimport os\nprint(os.getpid(), flush=True)\nwhile True: pass")
    pid = int(notebook.wait(message, until=lambda cell: cell.stdout.endswith("\n")).stdout)
    cell = notebook.wait(message, timeout_s=40)
    assert cell.traceback == (
        "JobTimedOut: the job was stopped: its execution timeout (5 s) passed\n  → give it more with timeout=SECONDS"
    )
    assert time.monotonic() - started < 30
    assert wait_until_gone(pid)
    assert notebook.ok("%%remote\n1").result == "1"


def test_interrupt_stops_a_busy_worker(notebook: Any) -> None:
    message = notebook.start("%%remote\nimport os\na = 1\nprint(os.getpid(), flush=True)\nwhile True: pass")
    pid = int(notebook.wait(message, until=lambda cell: cell.stdout.endswith("\n")).stdout)
    interrupted = time.monotonic()
    notebook.interrupt()
    cell = notebook.wait(message, timeout_s=50)
    assert cell.ename == "KeyboardInterrupt"
    assert re.fullmatch(r"KeyboardInterrupt: cancelled, worker stopped \(ran \d+ s\)", cell.traceback)
    assert time.monotonic() - interrupted < 30
    assert wait_until_gone(pid)
    assert notebook.ok("%%remote\n1").result == "1"


def test_interrupt_ends_a_sleep_at_once_and_lets_finally_run(notebook: Any, tmp_path: Any) -> None:
    mark = tmp_path / "cleaned"
    message = notebook.start(
        f"%%remote\nimport time, pathlib\ntry:\n    print('in', flush=True)\n    time.sleep(60)\n"
        f"finally:\n    pathlib.Path({str(mark)!r}).write_text('yes')\n    print('cleaned up')"
    )
    notebook.wait(message, until=lambda cell: "in" in cell.stdout)
    notebook.interrupt()
    cell = notebook.wait(message, timeout_s=50)
    assert (cell.ename, cell.stdout) == ("KeyboardInterrupt", "cleaned up\n")
    deadline = time.monotonic() + 5
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert mark.read_text() == "yes"


def wait_until_sent(desk: Any, count: int, timeout_s: float = 60.0) -> None:
    """Wait until so many open jobs are accepted: what is cut while it is being sent is another story."""
    store, deadline = JobStore(desk.settings.job_store), time.monotonic() + timeout_s
    try:
        while sum(job.platform_id is not None for job in store.open_jobs()) < count:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        store.close()


def wait_until_gone(pid: int, timeout_s: float = 10.0) -> bool:
    """Whether a process ends in time; one that is dead and not yet waited for by its parent has ended."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_out_of_memory_says_so(desk: Any) -> None:
    notebook = desk.open()
    cell = notebook.run(
        "%%remote cpu=cpu3c-2-4\nblocks = []\nprint('and then too much')\nwhile True:\n    blocks.append(bytearray(100_000_000))"
    )
    told = re.sub(r"used \d+ MB", "used N MB", re.sub(r"\b\w{14}:", "WORKER:", cell.traceback))
    assert told == (
        "WorkerLost: the worker died while it ran the job; it was not run again\n"
        "    WORKER: out of memory: used N MB of 4096 MB\n"
        "  → give it more memory with other hardware (gpu= or cpu=), or let it do less at once"
    )
    assert notebook.ok("%%remote\n1").result == "1"


def test_a_running_job_is_delivered_to_the_restarted_server_or_lost_but_never_run_twice(desk: Any) -> None:
    notebook = desk.open()
    notebook.ok("%%remote\n1")
    count = desk.folder / "count"
    message = notebook.start(
        f"%%remote\nimport time\nwith open({str(count)!r}, 'a') as f: f.write('x')\n"
        "print('started', flush=True)\ntime.sleep(3)\nvalue = 42\nvalue"
    )
    notebook.wait(message, until=lambda cell: "started" in cell.stdout)
    psutil.Process(desk.server_pid()).kill()
    cell = notebook.wait(message, timeout_s=60)
    assert count.read_text() == "x"
    if cell.ename:
        assert cell.ename == "WorkerLost"
    else:
        assert cell.result == "42"
    assert notebook.ok("%%remote\n1").result == "1"


def test_a_queued_job_returns_its_value_after_a_restart(desk: Any) -> None:
    first, second = desk.open(), desk.open()
    first.ok("%%remote workers=1\n1")
    gate = desk.folder / "gate"
    busy = first.start(
        "%%remote workers=1\nimport pathlib, time\nprint('busy', flush=True)\n"
        f"while not pathlib.Path({str(gate)!r}).exists():\n    time.sleep(0.05)\n'first'"
    )
    first.wait(busy, until=lambda cell: "busy" in cell.stdout)
    queued = second.start("%%remote workers=1\n'second'")
    wait_until_sent(desk, 2)
    psutil.Process(desk.server_pid()).kill()
    gate.touch()
    assert second.wait(queued, timeout_s=90).result == "'second'"
    first.wait(busy, timeout_s=90)


def test_two_kernels_that_start_the_embedded_runpod_at_once_share_one(desk: Any) -> None:
    kernels = [desk.open(), desk.open()]
    messages = [kernel.start("%%remote\n'ran'") for kernel in kernels]
    assert [kernel.wait(message).result for kernel, message in zip(kernels, messages, strict=True)] == ["'ran'"] * 2
    servers = [
        process.pid
        for process in psutil.process_iter(["environ", "cmdline"])
        if "flash_jupyter.emulator" in " ".join(process.info["cmdline"] or [])
        and str(desk.home) in str(process.info["cmdline"]) + str(process.info["environ"])
    ]
    assert servers == [desk.server_pid()]
    shown = "".join(kernels[0].ok("%flash endpoints").displays)
    assert shown.count("flash-any-py3") == 1


def test_a_stale_info_file_is_seen_through(desk: Any) -> None:
    notebook = desk.open()
    info = desk.home / "local" / "info.json"
    notebook.ok("%%remote\n1")
    dead = json.loads(info.read_text())
    psutil.Process(dead["pid"]).kill()
    assert info.exists()
    assert desk.open().ok("%%remote\n'again'").result == "'again'"


def test_a_data_directory_that_cannot_be_made(desk: Any) -> None:
    desk.home.parent.mkdir(exist_ok=True)
    notebook = desk.open(load=False)
    blocked = desk.folder / "blocked"
    blocked.write_text("a file stands here")
    notebook.ok(f"import os; os.environ['FLASH_JUPYTER_HOME'] = {str(blocked)!r}; x = 1\n%load_ext flash_jupyter")
    cell = notebook.run("%%remote\nx")
    assert cell.traceback == (
        f"SettingsError: the job store {blocked / 'jobs.sqlite'} can't be used: File exists\n"
        "  → make that folder writable, or point FLASH_JUPYTER_HOME to one that is"
    )
    assert notebook.value("x") == 1
