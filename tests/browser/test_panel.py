"""The panel of `%flash` as it stands on the page: pressed with the mouse, in both themes, and in a notebook opened again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lab import Lab, LabCell
from lab_server import JupyterServer
from looks import assert_readable

from flash_jupyter.views.panel import AGAIN

pytestmark = pytest.mark.browser

CELL = "%%remote cpu=cpu3c-2-4 name=tariffs\nprint('a line of its log')"
WIDGET = "application/vnd.jupyter.widget-view+json"


def press(cell: LabCell, name: str, nth: int = 0) -> None:
    cell.output.get_by_role("button", name=name, exact=True).nth(nth).click()


def choose(cell: LabCell, name: str) -> None:
    cell.output.locator("select").first.select_option(label=name)


def test_an_endpoint_is_looked_at_and_deleted_with_the_mouse(lab: Lab, pictures: Path) -> None:
    lab.ok(CELL)
    panel = lab.ok("%flash")
    panel.wait_for("tariffs")
    choose(panel, "tariffs")
    press(panel, "Logs")
    panel.wait_for("a line of its log")
    assert "cpu3c 2 vCPU" in panel.outputs[0]
    for theme in ("light", "dark"):
        lab.theme(theme)
        assert_readable(panel.card)
        panel.screenshot(pictures / f"panel-{theme}.png")
    press(panel, "Undeploy")
    panel.wait_for("Really delete tariffs (yours)?")
    press(panel, "Keep")
    press(panel, "Undeploy")
    press(panel, "Really delete tariffs (yours)?")
    panel.wait_for("deleted: tariffs")
    assert "tariffs" not in panel.outputs[0].partition("job")[0]


@pytest.mark.slow
def test_a_notebook_opened_again_shows_what_was_saved(
    open_lab: Callable[..., Lab], server: JupyterServer, pictures: Path
) -> None:
    name = server.write_notebook("opened-again.ipynb", "%load_ext flash_jupyter", CELL, "%flash")
    lab = open_lab(name=name)
    lab.run_all()
    lab.cells[2].wait()
    lab.cells[2].wait_for("Refresh")
    lab.save()
    table, buttons = (output["data"] for output in server.read_notebook(name).cells[2].outputs)
    assert WIDGET not in table
    assert "tariffs" in table["text/plain"]
    assert (buttons["text/plain"], WIDGET in buttons) == (AGAIN, True)

    lab.open(name)  # the kernel lives: so do the buttons
    panel = lab.cells[2]
    panel.wait_for("Refresh")
    press(panel, "Refresh")
    server.shut_down_kernels()
    lab.open(name)
    panel = lab.cells[2]
    panel.wait_for("tariffs")
    panel.wait_for(AGAIN)
    assert "widget" not in panel.text
    panel.screenshot(pictures / "panel-again.png")
