"""`deps=` on a worker: what is installed, when, and which version a cell sees. Asks the package index for tiny packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cells import Notebook, WorkerProcess

TINY = "iniconfig"  # pure Python, 20 kB; pytest has it, so two versions can meet


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess()
    yield process
    process.close()


@pytest.fixture
def notebook(worker: WorkerProcess) -> Notebook:
    return Notebook(worker)


def _run(notebook: Notebook, source: str, overlays: Path, *deps: str) -> dict[str, object]:
    order: dict[str, object] = notebook.there(
        source, deps=list(deps), env={"FLASH_JUPYTER_OVERLAYS": str(overlays)}
    ).order
    return order


def test_what_is_missing_is_installed_once(notebook: Notebook, tmp_path: Path) -> None:
    cell = "import cowsay\nwhere = cowsay.__file__"
    assert _run(notebook, cell, tmp_path, "cowsay")["installed"] == ["cowsay"]
    assert notebook.names["where"].startswith(str(tmp_path))
    assert _run(notebook, cell, tmp_path, "cowsay")["installed"] == []


def test_another_worker_finds_it_installed(tmp_path: Path) -> None:
    for expected in (["cowsay"], []):
        process = WorkerProcess()
        assert _run(Notebook(process), "import cowsay", tmp_path, "cowsay")["installed"] == expected
        process.close()


def test_another_version_than_the_interpreters_is_used_for_that_job_only(notebook: Notebook, tmp_path: Path) -> None:
    version = f"import importlib.metadata\nv = importlib.metadata.version('{TINY}')"
    _run(notebook, version, tmp_path, f"{TINY}==2.0.0")
    assert notebook.names["v"] == "2.0.0"
    _run(notebook, version, tmp_path)
    assert notebook.names["v"] != "2.0.0"


def test_a_version_that_is_already_imported_asks_for_a_fresh_worker(notebook: Notebook, tmp_path: Path) -> None:
    assert _run(notebook, f"import {TINY}", tmp_path)["status"] == "ok"
    order = _run(notebook, "ran = True", tmp_path, f"{TINY}==2.0.0")
    assert order["status"] == "restart"
    assert "ran" not in notebook.names


def test_a_replaced_module_is_not_shown_to_the_next_job(notebook: Notebook, tmp_path: Path) -> None:
    assert _run(notebook, f"import {TINY}", tmp_path, f"{TINY}==2.0.0")["status"] == "ok"
    assert _run(notebook, "ran = True", tmp_path)["status"] == "restart"
    assert "ran" not in notebook.names


def test_a_requirement_that_nobody_understands(notebook: Notebook, tmp_path: Path) -> None:
    order = _run(notebook, "1", tmp_path, "numpy>>2")
    assert order["error"]["type"] == "DependencyError"  # type: ignore[index]
    assert "`numpy>>2` is not a requirement" in order["error"]["message"]  # type: ignore[index]
