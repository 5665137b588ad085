"""Need 8: rich output is as here, while the cell runs and in the saved notebook."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from environment import plain_environment
from nbclient import NotebookClient

pytestmark = pytest.mark.journey

LOOP = """%%remote
from IPython.display import clear_output
import matplotlib.pyplot as plt, time
for i in range(5):
    clear_output(wait=True)
    plt.plot([0, i])
    plt.show()
    time.sleep(0.6)
print('end')"""


def test_need_08_a_plot_in_a_loop_is_updated_in_place(notebook: Any) -> None:
    message = notebook.start(LOOP)
    early = notebook.wait(message, until=lambda cell: bool(cell.bundles))
    assert "end" not in early.stdout, "the first plot is there before the loop is over"
    cell = notebook.wait(message)
    kinds = [kind for kind, _ in early.outputs + cell.outputs]
    assert kinds == ["clear", "display"] * 5 + ["stdout"]
    pictures = [bundle["image/png"] for bundle in early.bundles + cell.bundles]
    assert len(set(pictures)) == 5


PLOTLY = """class Chart:
    def _repr_mimebundle_(self, **_):
        return {'application/vnd.plotly.v1+json': {'data': []}, 'text/html': '<div/>'}
"""
RESULTS = [
    ("a figure", "from matplotlib.figure import Figure\nfig = Figure(); fig.add_subplot().plot([1, 2])\nfig", "image/png"),
    ("a data frame", "import pandas as pd\npd.DataFrame({'a': [1]})", "text/html"),
    ("a styled data frame", "import pandas as pd\npd.DataFrame({'a': [1]}).style.highlight_max()", "text/html"),
    ("HTML", "from IPython.display import HTML\nHTML('<b>x</b>')", "text/html"),
    ("SVG", "from IPython.display import SVG\nSVG('<svg/>')", "image/svg+xml"),
    ("Markdown", "from IPython.display import Markdown\nMarkdown('*x*')", "text/markdown"),
    ("LaTeX", "from IPython.display import Math\nMath('x')", "text/latex"),
    ("a picture", "from IPython.display import Image\nImage(b'\\x89PNG\\r\\n\\x1a\\n', format='png')", "image/png"),
    ("plotly's own kind", PLOTLY + "Chart()", "application/vnd.plotly.v1+json"),
    ("a table of rich", "from rich.table import Table\nTable('a')", "text/html"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "mime"), [case[1:] for case in RESULTS], ids=[case[0] for case in RESULTS])
def test_need_08_the_last_expression_and_a_display_have_the_richest_type(notebook: Any, code: str, mime: str) -> None:
    body, _, last = code.rpartition("\n")
    assert mime in notebook.ok(f"%%remote\n{code}").result_bundle
    shown = notebook.ok(f"%%remote\n{body}\ndisplay({last})").bundles
    assert any(mime in bundle for bundle in shown)


def test_need_08_a_display_is_updated_there_and_later_from_here(notebook: Any) -> None:
    cell = notebook.ok(
        "%%remote\nhandle = display('one', display_id=True)\nhandle.update('two')\n"
        "from IPython.display import update_display\nupdate_display('three', display_id=handle.display_id)"
    )
    assert cell.outputs == [("display", "'one'"), ("update", "'two'"), ("update", "'three'")]
    assert notebook.ok("handle.update('four')").outputs == [("update", "'four'")]


def test_need_08_a_large_picture_comes_with_the_answer(notebook: Any) -> None:
    cell = notebook.ok(
        "%%remote\nimport os\nclass Picture:\n    def _repr_png_(self): return os.urandom(400_000)\n"
        "    def __repr__(self): return 'picture'\ndisplay(Picture())\nprint('after')"
    )
    assert cell.outputs == [
        ("display", "image/png of 0.5 MB: too large to be shown live, it comes when the cell ends"),
        ("stdout", "after\n"),
        ("update", "picture"),
    ]
    assert len(cell.bundles[-1]["image/png"]) > 500_000


def test_need_08_progress_bars_are_drawn_while_the_cell_runs(notebook: Any) -> None:
    for bar in ("tqdm.auto import tqdm", "tqdm.notebook import tqdm", "rich.progress import track as tqdm"):
        message = notebook.start(
            f"%%remote\nimport time\nfrom {bar}\nfor _ in tqdm(range(4)):\n    time.sleep(0.5)\nprint('end')"
        )
        early = notebook.wait(message, until=lambda cell: "25%" in cell.stdout + cell.stderr)
        assert "100%" not in early.stdout + early.stderr
        cell = notebook.wait(message)
        assert "100%" in cell.stdout + cell.stderr
        assert cell.bundles == []


def test_need_08_the_saved_notebook_has_it_all(shared_desk: Any) -> None:
    sources = [
        "%load_ext flash_jupyter",
        "%%remote\nimport matplotlib.pyplot as plt\nprint('x')\nplt.plot([1, 2]);",
        "%%remote\nh = display('first', display_id=True)\nh.update('last')\nimport pandas\npandas.DataFrame({'a': [1]})",
    ]
    saved = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    client = NotebookClient(saved, timeout=120, kernel_name="python3")
    client.execute(env=plain_environment(shared_desk.home), cwd=str(shared_desk.folder))
    nbformat.validate(saved)
    text = nbformat.writes(saved)
    assert "widget-view" not in text
    plot, frame = saved.cells[1].outputs, saved.cells[2].outputs
    assert "x\n" in [output.text for output in plot if output.output_type == "stream"]
    assert any("image/png" in output.data for output in plot if "data" in output)
    assert "'last'" in [output.data["text/plain"] for output in frame if "data" in output]
    assert any("<table" in output.data.get("text/html", "") for output in frame if "data" in output)
