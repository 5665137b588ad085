"""The tools of cells: a cell is marked with the mouse, saved, and built; badges say what is what, in both themes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lab import Lab
from lab_server import JupyterServer
from looks import assert_readable

pytestmark = pytest.mark.browser

CELLS = ("factor = 3", "text = 'good day'", "%%remote\nscore = factor * len(text)")


def open_tools(lab: Lab) -> Any:
    """Click the toolbar's button; gives the form."""
    lab.page.locator('.jp-NotebookPanel-toolbar [data-command="flash-jupyter:cell-tools"]').click()
    form = lab.page.locator(".jp-flash-CellForm")
    form.wait_for()
    return form


def badges(lab: Lab) -> list[list[str]]:
    """What stands above each cell."""
    return [cell.locator.locator(".jp-flash-Badge").all_inner_texts() for cell in lab.cells]


def wait_for_badges(lab: Lab, expected: list[list[str]]) -> None:
    lab.cells[0].until(lambda: badges(lab) == expected, f"the badges are not {expected}")


def test_a_cell_that_is_marked_and_saved_is_what_the_build_makes(
    open_lab: Callable[..., Lab], server: JupyterServer, pictures: Path
) -> None:
    name = server.write_notebook("tagged.ipynb", *CELLS)
    lab = open_lab(name=name)
    lab.cells[0].editor.click()
    form = open_tools(lab)
    form.get_by_label("In the build").select_option("setup")
    lab.cells[2].editor.click()
    form.get_by_label("In the build").select_option("handler")
    form.get_by_label("Function").fill("rate")
    form.get_by_label("CPU", exact=True).fill("cpu3c-2-4")
    form.get_by_label("Workers").fill("1-2")
    wait_for_badges(lab, [["setup"], [], ["remote", "handler · rate"]])
    for theme in ("light", "dark"):
        lab.theme(theme)
        lab.page.screenshot(path=pictures / f"cell-tools-{theme}.png")
        assert_readable(form)
        assert_readable(lab.cells[2].locator.locator(".jp-flash-Badges"))

    lab.save()
    saved = server.read_notebook(name).cells
    assert [cell.metadata.get("tags", []) for cell in saved] == [["flash:setup"], [], ["flash:handler:rate"]]
    assert saved[2].metadata["flash"] == {"cpu": "cpu3c-2-4", "workers": "1-2"}
    server.flash("build", name)
    manifest = (server.folder / ".flash" / "flash_manifest.json").read_text()
    assert '"rate"' in manifest


@pytest.mark.slow
def test_what_does_not_fit_is_told_and_can_be_taken_away(
    open_lab: Callable[..., Lab], server: JupyterServer, pictures: Path
) -> None:
    name = server.write_notebook("wrong.ipynb", "score = 1", "#| flash: init\nfactor = 3")
    notebook = server.read_notebook(name)
    notebook.cells[0].metadata.update(tags=["flash:handler"], flash={"gpus": "any"})
    nbformat.write(notebook, server.folder / name)
    lab = open_lab(name=name)
    lab.cells[0].editor.click()
    form = open_tools(lab)
    problems = form.get_by_role("status")
    problems.get_by_text("there is no option gpus=").wait_for()
    form.get_by_label("gpus", exact=True).fill("")
    form.get_by_label("GPU", exact=True).fill("AMPERE_80")
    problems.get_by_text("there is no option gpus=").wait_for(state="detached")
    form.get_by_label("CPU", exact=True).fill("cpu3c-2-4")
    problems.get_by_text("gpu= and cpu= exclude each other").wait_for()
    for theme in ("light", "dark"):
        lab.theme(theme)
        lab.page.screenshot(path=pictures / f"cell-tools-problem-{theme}.png")
        assert_readable(form)
    lab.cells[1].editor.click()
    form.get_by_text("This cell is marked by its comment").wait_for()
    assert form.get_by_label("In the build").count() == 0
    assert badges(lab)[1] == ["flash: init"]


@pytest.mark.slow
def test_two_handlers_of_one_name_are_told(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab("#| flash: handler name=rate\nscore = 1", "score = 2")
    lab.cells[1].editor.click()
    form = open_tools(lab)
    form.get_by_label("In the build").select_option("handler")
    form.get_by_label("Function").fill("rate")
    problem = form.get_by_role("status").get_by_text("Another cell is the handler rate too")
    problem.wait_for()
    form.get_by_label("Function").fill("rank")
    problem.wait_for(state="detached")


@pytest.mark.slow
def test_a_cell_is_marked_with_the_keyboard_alone(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab("x = 1")
    lab.cells[0].editor.click()
    lab.page.keyboard.press("Control+Shift+C")
    lab.page.keyboard.type("Mark Cell as Handler")
    lab.page.locator('.lm-CommandPalette-item[data-command="flash-jupyter:mark-cell"]').first.wait_for()
    lab.page.keyboard.press("Enter")
    wait_for_badges(lab, [["handler"]])
    lab.cells[0].editor.click()
    lab.page.keyboard.press("Control+Alt+f")
    lab.page.wait_for_function("() => document.activeElement.id === 'jp-flash-cell-role'")
    lab.page.keyboard.press("Tab")
    lab.page.keyboard.type("rate")
    wait_for_badges(lab, [["handler · rate"]])
