"""Whether a bundle is older than its sources."""

from __future__ import annotations

from pathlib import Path

from flash_jupyter.build.manifest import Manifest, make_manifest
from flash_jupyter.build.sources import read_project
from flash_jupyter.build.stale import built_of, sources_fingerprint

SOURCE = """
from flash_jupyter import CpuLiveServerless, remote

@remote(CpuLiveServerless(name="scorer"{more}))
def score(text: str = "tea") -> int:
    return len(text)
"""


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
