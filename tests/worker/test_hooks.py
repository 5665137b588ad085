"""Libraries that are adapted when a cell imports them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cells import Notebook, WorkerProcess, text

BARS = [
    ("tqdm", "from tqdm import tqdm"),
    ("tqdm.auto", "from tqdm.auto import tqdm"),
    ("tqdm.notebook", "from tqdm.notebook import tqdm"),
    ("tqdm.notebook, by its long name", "from tqdm.notebook import tqdm_notebook as tqdm"),
    ("trange of tqdm.notebook", "from tqdm.notebook import trange\ntqdm = lambda numbers: trange(len(numbers))"),
]


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess()
    yield process
    process.close()


@pytest.fixture
def notebook(worker: WorkerProcess) -> Notebook:
    return Notebook(worker)


@pytest.mark.parametrize("cell", [case[1] for case in BARS], ids=[case[0] for case in BARS])
def test_a_progress_bar_is_text(notebook: Notebook, cell: str) -> None:
    answer = notebook.there(f"{cell}\nfor _ in tqdm(range(3)): pass")
    assert answer.order["error"] is None
    assert "\r100%|██████████| 3/3 [" in text(answer, "stderr")
    assert {event["t"] for _, event in answer.order["events"]} == {"stderr"}


def test_a_widget_shows_its_text_and_promises_no_model(notebook: Notebook) -> None:
    answer = notebook.there("import ipywidgets\ndisplay(ipywidgets.IntSlider(3))")
    ((_, event),) = answer.order["events"]
    assert event["data"] == {"text/plain": "IntSlider(value=3)"}


def test_an_object_that_displays_itself_does(notebook: Notebook) -> None:
    answer = notebook.there(
        "class Own:\n    def _ipython_display_(self): print('itself')\n"
        "class Broken:\n    def _ipython_display_(self): 1 / 0\n    def __repr__(self): return 'fallback'\n"
        "display(Own(), Broken())"
    )
    events = [(event["t"], event.get("text") or event["data"]["text/plain"]) for _, event in answer.order["events"]]
    assert events == [("stdout", "itself\n"), ("display", "fallback")]


def test_a_figure_is_displayed_as_its_picture(notebook: Notebook) -> None:
    answer = notebook.there("from matplotlib.figure import Figure\nfig = Figure(); fig.add_subplot(); display(fig)")
    ((_, event),) = answer.order["events"]
    assert sorted(event["data"]) == ["image/png", "text/plain"]
