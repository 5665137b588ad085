"""A notebook that is closed and opened again: nothing is lost, and nothing is junk."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from lab import JUNK, Lab
from lab_server import JupyterServer

from flash_jupyter.views.panel import AGAIN

pytestmark = pytest.mark.browser

WORDS = "to cancel, interrupt the kernel (■)"


@pytest.mark.slow
def test_a_reopened_notebook_shows_what_it_showed(open_lab: Callable[..., Lab], server: JupyterServer) -> None:
    lab = open_lab()
    lab.ok("%load_ext flash_jupyter")
    lab.ok("%%remote\nimport time\nfor step in range(3):\n    print('step', step)\n    time.sleep(1)\nstep")
    lab.ok("%%remote\nimport pandas as pd\npd.DataFrame({'city': ['Oslo', 'Rome']})")
    interrupted = lab.run("%%remote\nprint('busy', flush=True)\nwhile True: pass")
    interrupted.wait_for("busy")
    lab.interrupt()
    interrupted.wait()
    lab.ok("%flash")
    lab.save()
    before = [cell.outputs for cell in lab.cells]
    server.shut_down_kernels()
    lab.page.reload()
    lab.wait_for_kernel()
    assert lab.junk(JUNK) == []
    shown = [cell.outputs for cell in lab.cells]
    assert shown[1:4] == before[1:4]
    assert shown[4][-1] == AGAIN  # the panel's buttons went with their kernel: the line says how to get them back


def test_a_card_that_was_saved_with_its_button_is_whole_when_its_kernel_is_gone(
    open_lab: Callable[..., Lab], server: JupyterServer, tmp_path: Path, pictures: Path
) -> None:
    flag = tmp_path / "flag"
    lab = open_lab()
    lab.ok(f"%load_ext flash_jupyter\nimport os, time\nflag = {str(flag)!r}\nkernel = os.getpid()")
    pid = int(lab.ok("kernel").outputs[0])
    cell = lab.run("%%remote\nprint('begun', flush=True)\nwhile not os.path.exists(flag): time.sleep(0.02)\n'done'")
    cell.wait_for("begun")
    cancel = cell.output.get_by_role("button", name="Cancel")
    cancel.wait_for()
    assert WORDS not in cell.text  # who has the button needs no other way
    lab.save()
    os.kill(pid, signal.SIGKILL)
    server.shut_down_kernels()
    lab.page.reload()
    lab.wait_for_kernel()
    shown = lab.cells[2]
    shown.wait_for("this card stands still, the job goes on; %flash attach fj-")
    assert lab.junk(JUNK) == []
    assert "running" in shown.outputs[0]
    shown.screenshot(pictures / "reopened-open.png")
    flag.touch()
    shown.wait_for("the job is over by now (COMPLETED); %flash attach fj-")
    assert shown.output.get_by_role("button").count() == 0
    shown.screenshot(pictures / "reopened-over.png")


def test_a_panel_whose_kernel_starts_anew_says_how_to_get_its_buttons_back(lab: Lab) -> None:
    cell = lab.ok("%flash")
    cell.output.get_by_role("button", name="Refresh").wait_for()
    lab.restart()
    cell.wait_for(AGAIN)
    assert cell.output.get_by_role("button").count() == 0
    assert lab.junk(JUNK) == []


@pytest.mark.slow
def test_a_tab_that_is_closed_during_a_cell_loses_nothing(
    open_lab: Callable[..., Lab], server: JupyterServer, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    first = open_lab()
    first.ok(f"%load_ext flash_jupyter\nimport os, time\nflag = {str(flag)!r}")
    cell = first.run(
        "%%remote\n"
        "print('before')\n"
        "while not os.path.exists(flag): time.sleep(0.02)\n"
        "print('after')\n"
        "result = 'bound'\n"
    )
    cell.wait_for("before")
    first.save()
    name = first.notebook
    first.page.close()
    flag.touch()
    second = open_lab(name=name)
    assert second.ok("result").outputs == ["'bound'"]
    again = second.ok("%flash attach " + job_id(second))
    assert {"before", "after"} <= set("\n".join(again.outputs).split())


def job_id(lab: Lab) -> str:
    """The newest job's id, as the user reads it."""
    listed = lab.ok("%flash jobs").text
    return next(word for word in listed.split() if word.startswith("fj-"))
