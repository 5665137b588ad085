"""Cells that block, in JupyterLab over several ipykernels: the Cancel button, which all of them obey; a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from foreign import ROOT, released
from lab import Lab
from lab_server import JupyterServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = "%%remote\nimport time\nprint('begun', flush=True)\nfor _ in range(1200): time.sleep(0.1)"


@pytest.fixture
def open_kernel(open_lab: Callable[..., Lab], server: JupyterServer) -> Callable[[str], Lab]:
    """Open a notebook over this version of ipykernel, with the extension loaded."""

    def open_version(version: str) -> Lab:
        python = released(f"ipykernel=={version}", "-e", str(ROOT))
        kernel = server.add_kernel(f"ipykernel-{version}", python)
        lab = open_lab(name=server.write_notebook(f"{kernel}.ipynb", "", kernel=kernel))
        assert lab.ok("import ipykernel\nipykernel.__version__").outputs == [f"'{version}'"]
        lab.ok("%load_ext flash_jupyter")
        return lab

    return open_version


@pytest.mark.parametrize("version", ["6.31.0", "7.2.0", "7.4.0"])
def test_a_click_on_cancel_ends_the_cell(version: str, open_kernel: Callable[[str], Lab], pictures: Path) -> None:
    lab = open_kernel(version)
    cell = lab.run(LONG)
    cell.wait_for("begun")
    cell.output.get_by_role("button", name="Cancel").wait_for()
    cell.screenshot(pictures / f"cancel-{version}.png")
    cell.click("Cancel")
    cell.wait()
    assert "cancelled" in cell.outputs[0]
    assert cell.output.get_by_role("button").count() == 0


def test_a_job_outlives_a_restart_and_is_attached(open_lab: Callable[..., Lab], tmp_path: Path, pictures: Path) -> None:
    flag = tmp_path / "flag"
    lab = open_lab()
    lab.ok(f"%load_ext flash_jupyter\nimport os, time\nflag = {str(flag)!r}")
    job = "print('before', flush=True)\nwhile not os.path.exists(flag): time.sleep(0.02)\nprint('after')\nresult = 'bound'"
    lab.ok("%%remote detach\n" + job).wait_for("before")
    lab.restart()
    flag.touch()
    lab.ok("%load_ext flash_jupyter")
    listed = lab.ok("%flash jobs").text
    identity = next(word for word in listed.split() if word.startswith("fj-"))
    cell = lab.ok(f"%flash attach {identity}")
    cell.screenshot(pictures / "attached.png")
    assert {"before", "after"} <= set("\n".join(cell.outputs).split())
    assert lab.ok("result").outputs == ["'bound'"]
