"""Interrupt means stop: the job is over within seconds, nothing of it runs on, and the cell says so and what it cost."""

from __future__ import annotations

import re
from typing import Any

import psutil
import pytest

from flash_jupyter.session.jobs import JobStore

pytestmark = pytest.mark.journey

STOPPED = r"KeyboardInterrupt: cancelled, worker stopped \(ran \d+ s\)"

STUBBORN = [
    ("a loop of matrix products", "import numpy as np\nx = np.eye(300)\ntell()\nwhile True:\n    x @ x"),
    ("C code that never looks for signals", "tell()\nsum(range(10**13))"),
    (
        "code that swallows the interrupt",
        "tell()\nwhile True:\n    try:\n        while True: pass\n    except BaseException: pass",
    ),
    (
        "threads that nobody can interrupt",
        (
            "import threading\ndef work():\n    while True: pass\nfor _ in range(2): threading.Thread(target=work).start()\n"
            "tell()\nthreading.Event().wait()"
        ),
    ),
    (
        "children, one of them in a session of its own",
        (
            "import subprocess, sys\nbusy = [sys.executable, '-c', 'while True: pass']\n"
            "a = subprocess.Popen(busy)\nb = subprocess.Popen(busy, start_new_session=True)\ntell(a.pid, b.pid)\na.wait()"
        ),
    ),
]
TELL = "import os\ndef tell(*more): print(os.getpid(), *more, flush=True)\n"


@pytest.mark.parametrize("code", [code for _, code in STUBBORN], ids=[what for what, _ in STUBBORN])
def test_need_06_nothing_of_an_interrupted_cell_runs_on(notebook: Any, code: str) -> None:
    message = notebook.start(f"%%remote\n{TELL}{code}")
    said = notebook.wait(message, until=lambda cell: cell.stdout.endswith("\n")).stdout
    processes = [psutil.Process(int(pid)) for pid in said.split()]
    notebook.interrupt()
    cell = notebook.wait(message, timeout_s=50)
    assert cell.ename == "KeyboardInterrupt"
    assert re.fullmatch(STOPPED, cell.traceback)
    how = re.escape(cell.traceback.removeprefix("KeyboardInterrupt: cancelled"))
    assert re.match(rf"cancelled after [\d.]+ s{how} · ", cell.status), cell.status
    assert [process for process in processes if process.is_running() and process.status() != "zombie"] == []
    assert newest(notebook).state.value == "CANCELLED"


def newest(notebook: Any) -> Any:
    notebook.ok("%flash jobs")  # what the kernel has not written yet is written then
    home = notebook.ok("import os; os.environ['FLASH_JUPYTER_HOME']").result
    store = JobStore(__import__("pathlib").Path(home.strip("'")) / "jobs.sqlite")
    job = store.newest(limit=1)[0]
    store.close()
    return job
