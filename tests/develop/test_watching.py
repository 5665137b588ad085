"""What makes the server start again: code that says something else."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.develop.watching import SETTLED_S, Digests, changed


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
    before = Digests(project).look()
    for name, text in texts.items():
        path = project / name.replace("__", "/").replace("_py", ".py").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [path.relative_to(project).as_posix() for path in changed(before, Digests(project).look())]


def test_source_that_says_something_else_is_seen(project: Path) -> None:
    assert changes(project, workers__gpu_py="x = 2", main_py="y = 1") == ["workers/gpu.py"]


def test_a_new_file_and_one_that_went_are_seen(project: Path) -> None:
    assert changes(project, workers__deep__cpu_py="x = 1") == ["workers/deep/cpu.py"]
    before = Digests(project).look()
    (project / "main.py").unlink()
    assert changed(before, Digests(project).look()) == [project / "main.py"]


@pytest.mark.parametrize("name", ["data_txt", "__flash__server_py", "__venv__lib_py", "ignored__x_py"])
def test_data_and_what_is_ignored_change_nothing(project: Path, name: str) -> None:
    (project / ".gitignore").write_text("ignored/\n")
    hidden = name.replace("__flash", ".flash").replace("__venv", ".venv")
    assert changes(project, **{hidden: "x"}) == []


def test_of_a_notebook_code_and_tags_count_but_no_outputs(project: Path) -> None:
    before = Digests(project).look()
    notebook(project / "nb.ipynb", "z = 1", outputs=[{"output_type": "stream", "text": "1"}])
    assert changed(before, Digests(project).look()) == []
    notebook(project / "nb.ipynb", "z = 1", tags=["flash:setup"])
    assert changed(before, Digests(project).look()) == [project / "nb.ipynb"]


def test_a_notebook_depends_on_itself_and_on_the_modules_beside_it(project: Path) -> None:
    (project / "other.ipynb").write_text("{}")
    assert set(Digests(project / "nb.ipynb").look()) == {project / "nb.ipynb", project / "main.py"}


def test_a_notebook_that_is_half_written_is_another_one(project: Path) -> None:
    before = Digests(project).look()
    (project / "nb.ipynb").write_text('{"cells": [')
    assert changed(before, Digests(project).look()) == [project / "nb.ipynb"]


def test_a_change_that_keeps_the_time_of_a_settled_file_is_seen(project: Path) -> None:
    module = project / "main.py"
    digests = Digests(project, clock=lambda: module.stat().st_mtime + SETTLED_S + 1)
    before, times = digests.look(), module.stat()
    module.write_text("y = 2")
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert digests.look()[module] != before[module]  # the time of its inode is another


def test_a_file_that_was_just_written_is_read_again(project: Path) -> None:
    module = project / "main.py"
    digests = Digests(project, clock=lambda: module.stat().st_mtime)
    before = digests.look()
    module.write_text("y = 2")
    assert changed(before, digests.look()) == [module]
