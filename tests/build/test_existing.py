"""The build that is there, and what of its sources is not as it was when it was made."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from projects import MODEL, WEB

from flash_jupyter.build.bundle import BuildOptions, build
from flash_jupyter.build.existing import built_of, find_existing, find_manifest, options_before, project_name, source_of
from flash_jupyter.build.manifest import Manifest, make_manifest
from flash_jupyter.build.project import sources_fingerprint
from flash_jupyter.build.sources import read_project
from flash_jupyter.errors import BuildError
from flash_jupyter.settings import read_settings

SOURCE = """
from flash_jupyter import CpuLiveServerless, remote

@remote(CpuLiveServerless(name="scorer"{more}))
def score(text: str = "tea") -> int:
    return len(text)
"""


@pytest.fixture
def project(tmp_path: Path, flash_home: Path) -> Path:
    """A project that was built a while ago."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "model.py").write_text(MODEL)
    (folder / "web.py").write_text(WEB)
    (folder / "requirements.txt").write_text("")
    settings = read_settings({"FLASH_JUPYTER_HOME": str(flash_home)}, project=folder)
    made = build(folder, BuildOptions(), settings=settings)
    long_ago = time.time() - 600
    for path in (*folder.iterdir(), made.archive):
        if path.is_file():
            os.utime(path, (long_ago, long_ago))
    return folder


def test_a_build_of_today_s_sources_is_as_it_was(project: Path) -> None:
    found = find_existing(project)
    assert (found.source, found.manifest.project_name, found.changed) == (project, "shop", ())
    assert found.archive == project / ".flash" / "artifact.tar.gz"


def test_a_manifest_is_found_where_a_build_has_left_it(project: Path) -> None:
    assert find_manifest(project) == project / ".flash" / "flash_manifest.json"
    assert find_manifest(project.parent) is None


def test_a_file_that_was_written_again_without_a_change_counts_for_nothing(project: Path) -> None:
    (project / "web.py").touch()
    assert find_existing(project).changed == ()


@pytest.mark.parametrize(
    ("name", "text", "changed"),
    [
        pytest.param("web.py", WEB.replace(":.2f", ":.3f"), ("web.py",), id="a function's body"),
        pytest.param("new.py", "A = 1\n", ("new.py",), id="a new module"),
        pytest.param("requirements.txt", "humanize\n", ("requirements.txt",), id="a package"),
        pytest.param("prices.csv", "x", ("prices.csv",), id="a file that is shipped along"),
        pytest.param(
            "web.py", WEB.replace("def item(", "def thing("), ("function item", "function thing", "web.py"), id="a name"
        ),
    ],
)
def test_what_was_changed_since_is_named(project: Path, name: str, text: str, changed: tuple[str, ...]) -> None:
    (project / name).write_text(text)
    assert find_existing(project).changed == changed


def test_a_link_out_of_the_project_is_named_as_it_stands_there(project: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_text("new")
    (project / "notes.txt").symlink_to(tmp_path / "elsewhere.txt")
    assert "notes.txt" in find_existing(project).changed


def test_without_a_build_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BuildError) as refused:
        find_existing(tmp_path)
    assert str(refused.value) == (
        f"there is no build in {tmp_path / '.flash'}\n  → build it: flash build {tmp_path}, or add --build"
    )


def test_a_build_of_a_notebook_is_found_from_its_folder_and_by_its_name(tmp_path: Path, flash_home: Path) -> None:
    folder = tmp_path / "desk"
    folder.mkdir()
    source = "#| flash: handler name=double\nx = 1\ny = 2 * x\n"
    cell: dict[str, object] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }
    notebook = folder / "twice.ipynb"
    notebook.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    assert project_name(folder) == "desk"
    build(notebook, settings=read_settings({"FLASH_JUPYTER_HOME": str(flash_home)}, project=folder))
    assert (project_name(folder), source_of(folder)) == ("twice", notebook)
    assert find_existing(folder).source == find_existing(notebook).source == notebook
    notebook.write_text(notebook.read_text().replace("2 * x", "3 * x"))
    assert find_existing(folder).changed == ("twice.ipynb",)


def test_the_build_of_something_else_is_not_sent(project: Path) -> None:
    with pytest.raises(BuildError, match=r"is of shop, not of web\n"):
        find_existing(project / "web.py")


def test_built_again_it_has_what_it_had(project: Path, flash_home: Path) -> None:
    assert options_before(project) == BuildOptions()
    settings = read_settings({"FLASH_JUPYTER_HOME": str(flash_home)}, project=project)
    asked = BuildOptions(exclude=("torch",), python="3.12", mothership=True)
    build(project, replace(asked, keep_build=True), settings=settings)
    assert options_before(project) == asked
    assert find_existing(project).changed == ()


@pytest.mark.parametrize("text", [None, "{}", "not JSON"], ids=["none", "an empty one", "a broken one"])
def test_a_build_without_a_record_of_its_options_is_built_anew_without_any(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / ".flash").mkdir()
        (tmp_path / ".flash" / "options.json").write_text(text)
    assert options_before(tmp_path) == BuildOptions()


def test_a_build_of_remote_cells_is_one_again(tmp_path: Path, flash_home: Path) -> None:
    cell: dict[str, object] = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    document = {"cells": [{**cell, "source": "%%remote cpu=cpu3c-4-8\nx = 1\n2 * x"}], "metadata": {}, "nbformat": 4}
    notebook = tmp_path / "cells.ipynb"
    notebook.write_text(json.dumps({**document, "nbformat_minor": 5}))
    settings = read_settings({"FLASH_JUPYTER_HOME": str(flash_home)}, project=tmp_path)
    build(notebook, BuildOptions(from_magics=True), settings=settings)
    assert options_before(notebook) == BuildOptions(from_magics=True)
    assert find_existing(notebook).changed == ()


def manifest_of(folder: Path) -> Manifest:
    return make_manifest("p", "3.11", {}, "0" * 64, sources=sources_fingerprint(read_project(folder)))


def write(folder: Path, more: str = "") -> None:
    (folder / "app.py").write_text(SOURCE.format(more=more), "utf-8")


def test_a_build_is_fresh_until_something_that_it_read_changes(tmp_path: Path) -> None:
    write(tmp_path)
    manifest = manifest_of(tmp_path)
    assert built_of(tmp_path, manifest)
    write(tmp_path, ", workersMax=5")
    assert built_of(tmp_path, manifest) is None
    write(tmp_path)
    assert built_of(tmp_path, manifest)
    (tmp_path / "requirements.txt").write_text("six\n")
    assert built_of(tmp_path, manifest) is None


def test_a_manifest_that_does_not_say_its_sources_is_taken_as_theirs(tmp_path: Path) -> None:
    write(tmp_path)
    assert built_of(tmp_path, make_manifest("p", "3.11", {}, "0" * 64))


def test_a_build_with_remote_cells_is_fresh(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "n.py").write_text("# %%\n# %%%%remote name=cell cpu=cpu3g-2-8\ny = 1\n".replace("%%%%", "%%"), "utf-8")
    project = read_project(tmp_path, from_magics=True)
    assert sources_fingerprint(project) != sources_fingerprint(read_project(tmp_path))
    assert built_of(tmp_path, make_manifest("p", "3.11", {}, "0" * 64, sources=sources_fingerprint(project))) == project


def test_a_notebook_with_nothing_but_remote_cells_is_read_as_it_was_built(tmp_path: Path) -> None:
    notebook = tmp_path / "n.py"
    notebook.write_text("# %%\n# %%remote name=cell cpu=cpu3g-2-8\ny = 1\n", "utf-8")
    project = read_project(notebook, from_magics=True)
    assert built_of(notebook, make_manifest("n", "3.11", {}, "0" * 64, sources=sources_fingerprint(project))) == project
