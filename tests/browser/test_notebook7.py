"""Notebook 7 loads the same extension: a remote cell, its badge, the sidebar and the cell tools are there as in Lab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lab import Lab
from lab_server import JupyterServer
from looks import assert_readable
from sidebar import Sidebar

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REMOTE = "%%remote name=seven\nprint('hello')\n6 * 7"


def test_what_lab_has_is_there_in_notebook_7(
    open_notebook7: Callable[..., Lab], notebook_server: JupyterServer, pictures: Path
) -> None:
    name = notebook_server.write_notebook("seven.ipynb", "%load_ext flash_jupyter", REMOTE)
    lab = open_notebook7(name=name)
    assert not lab.page.locator("#flash-jupyter-sidebar").is_visible()
    lab.run_all()
    cell = lab.cells[1]
    cell.wait()
    assert cell.outputs[1:] == ["hello", "42"]
    assert cell.locator.locator(".jp-flash-Badge").all_inner_texts() == ["remote · name=seven"]

    lab.menu("View", "Left Sidebar", "Show Runpod: endpoints, jobs, cost")
    sidebar = Sidebar(lab)
    sidebar.job("seven").get_by_text("completed").wait_for()
    lab.page.locator('.jp-NotebookPanel-toolbar [data-command="flash-jupyter:cell-tools"]').click()
    form = lab.page.locator(".jp-flash-CellForm")
    form.get_by_label("In the build").select_option("handler")
    cell.locator.locator(".jp-flash-Badge", has_text="handler").wait_for()
    for theme in ("light", "dark"):
        lab.theme(theme)
        lab.page.screenshot(path=pictures / f"notebook7-{theme}.png")
        assert_readable(sidebar.panel)
        assert_readable(form)
    lab.save()
    assert notebook_server.read_notebook(name).cells[1].metadata["tags"] == ["flash:handler"]
    sidebar.undeploy("seven")
