from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.build.cells import read_notebook
from flash_jupyter.build.scratch import Failure, Scratch, in_order
from flash_jupyter.errors import BuildError


def notebook(folder: Path, *cells: tuple[str, int | None]) -> Path:
    path = folder / "n.ipynb"
    made: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "outputs": [], "execution_count": count, "source": source}
        for n, (source, count) in enumerate(cells)
    ]
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), "utf-8")
    return path


ORDERS = [
    ("as they were run", [("a = 1", 3), ("b = 1", 1), ("c = 1", 2)], "bca"),
    ("as they stand where one was not run", [("a = 1", 3), ("b = 1", None), ("c = 1", 2)], "abc"),
    ("as they stand where two kernels counted", [("a = 1", 2), ("b = 1", 2), ("c = 1", 1)], "abc"),
    ("tests apart", [("a = 1", 2), ("#| flash: test\nt = 1", None), ("c = 1", 1)], "ca"),
]


@pytest.mark.parametrize(("cells", "order"), [case[1:] for case in ORDERS], ids=[case[0] for case in ORDERS])
def test_the_order_of_cells(cells: list[tuple[str, int | None]], order: str, tmp_path: Path) -> None:
    assert "".join(cell.source[0] for cell in in_order(read_notebook(notebook(tmp_path, *cells)))) == order


@pytest.mark.journey
def test_a_cell_runs_in_a_copy_and_its_failure_names_its_line(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "data.txt").write_text("seven")
    with Scratch(project, "n.ipynb", {"COLOUR": "green"}) as scratch:
        assert scratch.run("import os, pathlib\nx = pathlib.Path('data.txt').read_text()") is None
        assert scratch.value("x, os.environ['COLOUR'], os.environ.get('RUNPOD_API_KEY')") == ("seven", "green", "")
        assert scratch.run("pathlib.Path('data.txt').write_text('eight')") is None
        failed = scratch.run("y = 1\nassert x == 'six', x\n")
        copied = Path(scratch.value("os.getcwd()"))
        assert copied.is_dir()
    assert failed == Failure("AssertionError: seven, in `assert x == 'six', x`", 2)
    assert (project / "data.txt").read_text() == "seven"
    assert not copied.exists()


@pytest.mark.journey
def test_a_cell_that_does_not_end_is_interrupted_and_a_kernel_that_ended_is_told(tmp_path: Path) -> None:
    with Scratch(tmp_path, "n.ipynb", {}, cell_s=5.0) as scratch:
        for number in range(50):  # at once after a failure, the kernel still answers
            assert scratch.run("1 / 0") is not None
            assert scratch.value(str(number)) == number
        assert scratch.run("while True: pass") == Failure("TimeoutError: it ran longer than 5 s")
    with (
        Scratch(tmp_path, "n.ipynb", {}) as scratch,
        pytest.raises(BuildError, match=r"^the kernel of the scratch copy of n.ipynb ended$"),
    ):
        scratch.run("import os; os._exit(1)")
