"""What makes the server start again: code that says something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.develop.watching import changed, fingerprint


def notebook(path: Path, source: str, *, outputs: list[Any] | None = None, tags: list[str] | None = None) -> None:
    cell = {"cell_type": "code", "source": source, "metadata": {"tags": tags or []}, "outputs": outputs or []}
    path.write_text(json.dumps({"cells": [cell, {"cell_type": "markdown", "source": "# text"}], "metadata": {}}))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "gpu.py").write_text("x = 1")
    (tmp_path / "main.py").write_text("y = 1")
    notebook(tmp_path / "nb.ipynb", "z = 1")
    return tmp_path


def changes(project: Path, **texts: str) -> list[str]:
    """Names of the files that are seen as changed when these were written."""
    before = fingerprint(project)
    for name, text in texts.items():
        path = project / name.replace("__", "/").replace("_py", ".py").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [path.relative_to(project).as_posix() for path in changed(before, fingerprint(project))]


def test_source_that_says_something_else_is_seen(project: Path) -> None:
    assert changes(project, workers__gpu_py="x = 2", main_py="y = 1") == ["workers/gpu.py"]


def test_a_new_file_and_one_that_went_are_seen(project: Path) -> None:
    assert changes(project, workers__deep__cpu_py="x = 1") == ["workers/deep/cpu.py"]
    before = fingerprint(project)
    (project / "main.py").unlink()
    assert changed(before, fingerprint(project)) == [project / "main.py"]


@pytest.mark.parametrize("name", ["data_txt", "__flash__server_py", "__venv__lib_py", "ignored__x_py"])
def test_data_and_what_is_ignored_change_nothing(project: Path, name: str) -> None:
    (project / ".gitignore").write_text("ignored/\n")
    hidden = name.replace("__flash", ".flash").replace("__venv", ".venv")
    assert changes(project, **{hidden: "x"}) == []


def test_of_a_notebook_code_and_tags_count_but_no_outputs(project: Path) -> None:
    before = fingerprint(project)
    notebook(project / "nb.ipynb", "z = 1", outputs=[{"output_type": "stream", "text": "1"}])
    assert changed(before, fingerprint(project)) == []
    notebook(project / "nb.ipynb", "z = 1", tags=["flash:setup"])
    assert changed(before, fingerprint(project)) == [project / "nb.ipynb"]


def test_a_notebook_depends_on_itself_and_on_the_modules_beside_it(project: Path) -> None:
    (project / "other.ipynb").write_text("{}")
    assert set(fingerprint(project / "nb.ipynb")) == {project / "nb.ipynb", project / "main.py"}


def test_a_notebook_that_is_half_written_is_another_one(project: Path) -> None:
    before = fingerprint(project)
    (project / "nb.ipynb").write_text('{"cells": [')
    assert changed(before, fingerprint(project)) == [project / "nb.ipynb"]
