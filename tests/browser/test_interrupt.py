"""A cell that blocks is ended from the page: by the toolbar's button, and by the Cancel button of its card."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest
from lab import Lab

pytestmark = pytest.mark.browser

#: what the user may wait for an end, in seconds (user-needs 6, 13)
END_S = 5.0
#: what its worker may take to rest, on a machine that is busy itself, in seconds
IDLE_S = 60.0


@pytest.fixture
def pid_file(lab: Lab, tmp_path: Path) -> Path:
    """Where the worker writes its process id; the notebook knows it as `pid_file`."""
    file = tmp_path / "pid"
    lab.ok(f"pid_file = {str(file)!r}")
    return file


#: busy without a pause, so nothing but a signal or an exception in its thread ends it
BUSY = """%%remote
import os, pathlib
pathlib.Path(pid_file).write_text(str(os.getpid()))
print("busy", flush=True)
while True:
    pass
"""


def test_the_interrupt_button_ends_a_remote_cell(lab: Lab, pid_file: Path) -> None:
    cell = lab.run(BUSY)
    cell.wait_for("busy")
    worker = psutil.Process(int(pid_file.read_text()))
    lab.interrupt()
    seconds = cell.wait()
    assert seconds < END_S
    assert "KeyboardInterrupt" in cell.text
    assert "busy" in cell.outputs
    assert_idle(worker)
    assert lab.ok("1 + 1").outputs == ["2"]


def test_the_cancel_button_of_the_card_ends_a_remote_cell(lab: Lab, pid_file: Path) -> None:
    cell = lab.run(BUSY)
    cell.wait_for("busy")
    worker = psutil.Process(int(pid_file.read_text()))
    cell.click("Cancel")
    seconds = cell.wait()
    assert seconds < END_S
    assert cell.outputs[0].startswith("cancelled from a Jupyter page after ")
    assert cell.output.get_by_role("button").count() == 0
    assert_idle(worker)
    assert lab.ok("1 + 1").outputs == ["2"]


def assert_idle(worker: psutil.Process) -> None:
    """The process that was busy ends, or does nothing any more."""
    deadline = time.monotonic() + IDLE_S
    try:
        worker.cpu_percent()
        while worker.cpu_percent(interval=1) >= 20:
            assert time.monotonic() < deadline, f"the worker is still busy after {IDLE_S} s"
    except psutil.NoSuchProcess:
        return
