"""`deps=` on a worker: what is installed, when, and which version a cell sees. Asks the package index for tiny packages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


@contextmanager
def new_worker(environment: dict[str, str]) -> Iterator[Notebook]:
    """A worker whose container has these variables."""
    process = WorkerProcess(environment=environment)
    try:
        yield Notebook(process)
    finally:
        process.close()


def said_in(order: dict[str, Any]) -> list[str]:
    return [event["text"] for _, event in order["events"] if event["t"] == "notice"]


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


SAYS: list[tuple[str, str, str, str]] = [
    (
        "a volume",
        "RUNPOD_VOLUME_PATH",
        "1 package installed, kept on the volume for other workers",
        "1 package from the volume's cache, nothing installed",
    ),
    (
        "the machine's cache",
        "FLASH_JUPYTER_OVERLAYS",
        "1 package installed, kept on this machine for other workers",
        "1 package from the machine's cache, nothing installed",
    ),
    (
        "neither",
        "TMPDIR",
        "1 package installed, on this worker only; with volume=NAME the next one has them",
        "1 package from the worker's cache, nothing installed",
    ),
]


@pytest.mark.parametrize(("variable", "first", "second"), [c[1:] for c in SAYS], ids=[c[0] for c in SAYS])
def test_another_worker_finds_it_installed_and_says_so(tmp_path: Path, variable: str, first: str, second: str) -> None:
    for expected, said in ((["cowsay"], first), ([], second)):
        with new_worker({variable: str(tmp_path)}) as notebook:
            order = notebook.there("import cowsay", deps=["cowsay"]).order
            assert (order["installed"], said_in(order)) == (expected, [said])
            order = notebook.there("import cowsay", deps=["cowsay"]).order
            assert (order["installed"], said_in(order)) == ([], []), "said once a worker"


def test_two_workers_that_install_the_same_at_once_end_with_one_overlay(tmp_path: Path) -> None:
    def run() -> str:
        with new_worker({"RUNPOD_VOLUME_PATH": str(tmp_path)}) as notebook:
            notebook.there("import cowsay\nwhere = cowsay.__file__", deps=["cowsay"])
            return str(notebook.names["where"])

    with ThreadPoolExecutor() as pool:
        places = {future.result() for future in [pool.submit(run) for _ in range(2)]}
    assert len(places) == 1
    assert len(list((tmp_path / ".flash_jupyter" / "overlays").iterdir())) == 1


def test_a_volume_that_takes_nothing_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "volume").write_text("this is no folder")
    with new_worker({"RUNPOD_VOLUME_PATH": str(tmp_path / "volume"), "TMPDIR": str(tmp_path)}) as notebook:
        order = notebook.there("import cowsay", deps=["cowsay"]).order
    assert (order["status"], said_in(order)) == (
        "ok",
        ["the volume can't be written (Not a directory); 1 package installed, on this worker only"],
    )


def test_an_overlay_that_was_deleted_under_a_worker_is_made_again(tmp_path: Path) -> None:
    with new_worker({"FLASH_JUPYTER_OVERLAYS": str(tmp_path)}) as notebook:
        for _ in range(2):
            assert notebook.there("1", deps=["cowsay"]).order["installed"] == ["cowsay"]
            for overlay in tmp_path.iterdir():
                shutil.rmtree(overlay)


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
