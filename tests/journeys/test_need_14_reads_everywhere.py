"""Need 14: the card reads well in everything that shows a notebook, and the final state is what is saved."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter, MarkdownExporter
from nbformat.v4 import new_code_cell, new_notebook

from flash_jupyter.views.card import JOB_VIEW, Moment, Place, running_bundle

pytestmark = pytest.mark.journey

LOAD = "%load_ext flash_jupyter"
LONG = "%%remote\nimport time\nprint('begun')\ntime.sleep(2.5)\n'done'"
FINAL = r"ran on the local Runpod · flash-any-py3\S+ · worker \w+ · \d\S* s"
JUNK = ("Loading widget", "Could not render", "Error displaying", "widget-view")
#: in front of the import path of a kernel: as if it were not installed
NO_WIDGETS = "import sys; sys.modules['ipywidgets'] = None"


def executed(desk: Any, *cells: str) -> Any:
    """Run a notebook with `jupyter execute`, in place, and read it."""
    path = desk.folder / "notebook.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), path)
    done = desk.python("-m", "jupyter", "execute", "--inplace", str(path))
    assert done.returncode == 0, done.stderr
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def texts(cell: Any) -> list[str]:
    """What the outputs of a cell say, in order, as text."""
    return [output.get("text") or output["data"].get("text/plain", "") for output in cell.outputs]


def without_markup(text: str) -> str:
    """What is left where a page takes scripts and styles away."""
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


@pytest.fixture(scope="module")
def saved(shared_desk: Any) -> Any:
    """A notebook that `jupyter execute` has run."""
    return executed(shared_desk, LOAD, LONG, "%%remote\n6 * 7", "%%remote\n'hidden';", f"%%capture kept\n{LONG}")


def test_need_14_jupyter_execute_saves_the_final_state_only(saved: Any) -> None:
    line, printed, result = texts(saved.cells[1])
    assert re.fullmatch(FINAL, line)
    assert (printed, result) == ("begun\n", "'done'")
    assert "widgets" not in saved.metadata
    assert not any(junk in nbformat.writes(saved) for junk in JUNK)


def test_need_14_a_short_cell_saves_one_line(saved: Any) -> None:
    where, result = texts(saved.cells[2])
    assert re.fullmatch(r"(ran )?on the local Runpod · flash-any-py3.*", where)
    assert result == "42"


def test_need_14_a_semicolon_hides_the_value_and_capture_all(saved: Any) -> None:
    assert len(saved.cells[3].outputs) == 1
    assert saved.cells[4].outputs == []


def test_need_14_html_has_no_scripts_and_reads_without_style(saved: Any) -> None:
    (card,) = (output for output in saved.cells[1].outputs if "text/html" in output.get("data", {}))
    source = card["data"]["text/html"]
    assert not re.search(r"<script|<style|onclick|javascript:|#[0-9a-f]{3,6}\b", source)
    words = without_markup(source).split()
    assert re.search(FINAL, " ".join(words))
    assert "running" in words


@pytest.mark.parametrize("exporter", [HTMLExporter, MarkdownExporter], ids=["HTML", "Markdown"])
def test_need_14_nbconvert(exporter: type[Any], saved: Any) -> None:
    body, _ = exporter().from_notebook_node(saved)
    page = without_markup(body)
    assert re.search(FINAL, " ".join(page.split()))
    assert "begun" in page
    assert not any(junk in page for junk in JUNK)


def test_need_14_a_card_that_was_saved_with_its_button_reads_without_it(saved: Any) -> None:
    cut = nbformat.from_dict(saved)
    place = Place("local", "flash-any", job_id="fj-1")
    running = running_bundle(Moment("running", 5.0, {"running": 4.0}, place, hint="how else", has_button=True))
    assert running[JOB_VIEW] == {"job_id": "fj-1"}
    cut.cells[1].outputs[0] = nbformat.v4.new_output("display_data", data=running)
    nbformat.validate(cut)
    for exporter in (HTMLExporter(), MarkdownExporter()):  # type: ignore[no-untyped-call]
        page = " ".join(without_markup(exporter.from_notebook_node(cut)[0]).split())
        assert "running 4 s" in page
        assert "how else" in page
        assert not any(junk in page for junk in (*JUNK, "vnd.flash"))


def test_need_14_what_was_captured_can_be_shown(notebook: Any) -> None:
    notebook.ok(f"%%capture kept\n{LONG}")
    shown = notebook.ok("kept.show()")
    assert shown.stdout == "begun\n"
    (line,) = shown.status_lines
    assert re.fullmatch(FINAL, line)


def test_need_14_a_terminal_gets_a_few_lines(shared_desk: Any) -> None:
    program = "\n".join([LOAD, f"get_ipython().run_cell({LONG!r})", "get_ipython().run_cell('%%remote\\n6 * 7')"])
    path = Path(shared_desk.folder) / "cells.ipy"
    path.write_text(program)
    done = shared_desk.python("-m", "IPython", "--colors=NoColor", "--no-banner", str(path))
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line]
    assert len(lines) <= 9, done.stdout
    assert "begun" in lines
    assert sum(bool(re.fullmatch(FINAL, line)) for line in lines) == 2
    assert "<div" not in done.stdout
    assert "\x1b" not in done.stdout


def test_need_14_without_ipywidgets(shared_desk: Any) -> None:
    from frontend import Frontend

    notebook = shared_desk.open(load=False)
    notebook.ok(NO_WIDGETS)
    notebook.ok(LOAD)
    page = Frontend(notebook.client)
    page.execute(LONG.replace("2.5", "5"))
    page.until(lambda: page.is_idle)
    assert re.fullmatch(FINAL, page.shown[-1])
    assert page.comms == {}
    assert page.error == ""


def test_need_14_ipywidgets_is_not_imported_for_short_cells(notebook: Any) -> None:
    notebook.ok("%%remote\n1")
    assert notebook.value("'ipywidgets' in __import__('sys').modules") is False


def test_need_14_after_clear_output_the_card_comes_first_again(notebook: Any) -> None:
    cell = notebook.ok(
        "%%remote\nimport time\nfrom IPython.display import clear_output\ntime.sleep(1)\nprint('before')\n"
        "clear_output(wait=True)\nprint('after')\ntime.sleep(1)"
    )
    assert cell.outputs == [("stdout", "before\n"), ("clear", "True"), ("stdout", "after\n")]
    assert re.fullmatch(FINAL, cell.status)


def test_need_14_a_running_card_names_its_job_for_when_the_kernel_dies(notebook: Any) -> None:
    cell = notebook.wait(notebook.start(LONG), until=lambda cell: cell.status.startswith("running"))
    assert re.fullmatch(
        r"running · \d+ s · on the local Runpod · flash-any-\S+ · free · worker \w+ · job fj-\w+", cell.status
    )
    notebook.ok("1")
