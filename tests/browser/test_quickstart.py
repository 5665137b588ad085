"""The notebook that a newcomer meets first, run from the menu."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from lab import Lab
from lab_server import JupyterServer

pytestmark = pytest.mark.browser

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.slow
def test_the_quickstart_runs_whole_and_its_plot_is_seen(open_lab: Callable[..., Lab], server: JupyterServer) -> None:
    shutil.copy(NOTEBOOKS / "quickstart.ipynb", server.folder)
    shutil.copytree(NOTEBOOKS / "images", server.folder / "images")
    lab = open_lab(name="quickstart.ipynb")
    sources = [cell.source for cell in server.read_notebook("quickstart.ipynb").cells if cell.cell_type == "code"]
    expected = [
        "raises-exception" in cell.metadata.get("tags", ())
        for cell in server.read_notebook("quickstart.ipynb").cells
        if cell.cell_type == "code"
    ]
    lab.clear_outputs()
    lab.run_all()
    for cell in lab.cells:
        cell.wait()
    assert [cell.failed for cell in lab.cells] == expected
    plot = lab.cells[next(i for i, source in enumerate(sources) if "plt.show()" in source)]
    image = plot.output.locator("img")
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    assert image.evaluate("image => image.complete && image.naturalWidth") > 300
    assert box["width"] > 300
    assert box["height"] > 100
