"""Notebook 7: the same cell, card, cancel, interrupt and reopening as in JupyterLab, for who likes one document a page."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from lab import JUNK, Lab
from lab_server import JupyterServer
from looks import assert_readable

from flash_jupyter.views.panel import AGAIN

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TICKS = "%%remote\nimport time\nprint('begun', flush=True)\nfor _ in range(1200): time.sleep(0.1)"


def test_a_cell_runs_is_cancelled_interrupted_and_read_again(
    open_notebook7: Callable[..., Lab], notebook_server: JupyterServer, pictures: Path
) -> None:
    lab = open_notebook7()
    lab.ok("%load_ext flash_jupyter")
    lab.ok("import os\nkernel = os.getpid()")
    pid = int(lab.ok("kernel").outputs[0])
    cancelled = lab.run(TICKS)
    cancelled.wait_for("begun")
    cancelled.output.get_by_role("button", name="Cancel").wait_for()
    for theme in ("light", "dark"):
        lab.theme(theme)
        lab.page.screenshot(path=pictures / f"notebook7-running-{theme}.png")
        assert_readable(cancelled.card)
    cancelled.click("Cancel")
    cancelled.wait()
    assert cancelled.outputs[0].startswith("cancelled from a Jupyter page after ")
    assert "JobWasCancelled: the job was cancelled from a Jupyter page, worker" in cancelled.text
    interrupted = lab.run(TICKS)
    interrupted.wait_for("begun")
    lab.interrupt()
    interrupted.wait()
    assert "KeyboardInterrupt: cancelled" in interrupted.text
    lab.ok("%flash").output.get_by_role("button", name="Refresh").wait_for()
    left = lab.run(TICKS)
    left.output.get_by_role("button", name="Cancel").wait_for()
    lab.save()
    os.kill(pid, signal.SIGKILL)
    notebook_server.shut_down_kernels()
    lab.page.reload()
    lab.wait_for_kernel()
    lab.cells[-2].wait_for("this card stands still, the job goes on; %flash attach fj-")
    lab.cells[-3].wait_for(AGAIN)
    assert lab.junk(JUNK) == []
    assert "KeyboardInterrupt: cancelled" in lab.cells[-4].text
    lab.cells[-2].click("Cancel")
    lab.cells[-2].wait_for("cancelled from a Jupyter page, worker")
    assert lab.cells[-2].output.get_by_role("button").count() == 0
    lab.page.screenshot(path=pictures / "notebook7-reopened.png")
