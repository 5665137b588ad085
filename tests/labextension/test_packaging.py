"""The JupyterLab extension's package: one version, no address of a registry, built again when a source is newer."""

from __future__ import annotations

import json
import os
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter import __version__, _jupyter_labextension_paths

FOLDER = Path(__file__).parents[2] / "labextension"
PACKAGE = json.loads((FOLDER / "package.json").read_text())
LOCK = json.loads((FOLDER / "package-lock.json").read_text())


def test_there_is_one_version_number() -> None:
    assert (PACKAGE["version"], LOCK["version"], LOCK["packages"][""]["version"]) == (__version__,) * 3


def test_the_lock_file_has_all_that_the_package_asks_for() -> None:
    root = LOCK["packages"][""]
    assert (root["dependencies"], root["devDependencies"]) == (PACKAGE["dependencies"], PACKAGE["devDependencies"])


def test_the_lock_file_has_no_address_of_a_download() -> None:
    assert [name for name, package in LOCK["packages"].items() if "resolved" in package] == []


def test_jupyterlab_finds_what_is_built() -> None:
    """In the folder where the build puts it, under the name that the package has."""
    (path,) = _jupyter_labextension_paths()
    assert path["dest"] == PACKAGE["name"]
    built = (FOLDER / PACKAGE["jupyterlab"]["outputDir"]).resolve()
    assert built == FOLDER.parent / "flash_jupyter" / path["src"]


def test_the_looks_take_their_colours_from_jupyterlab() -> None:
    own = [
        f"{file.name}: {line.strip()}"
        for file in (FOLDER / "style").rglob("*.css")
        for line in file.read_text().splitlines()
        if re.search(r"#[0-9a-fA-F]{3,8}\b|\b(rgb|rgba|hsl|hsla|oklch)\(", line)
    ]
    assert own == []


@pytest.fixture
def hook(tmp_path: Path) -> Any:
    """The build hook of a checkout of its own, with one source and what was built of it."""
    for file in (
        ".git",
        "labextension/package.json",
        "labextension/src/index.ts",
        "flash_jupyter/labextension/package.json",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("{}")
        os.utime(tmp_path / file, (1000, 1000))
    (tmp_path / "labextension/build_hook.py").write_text((FOLDER / "build_hook.py").read_text())
    spec = spec_from_file_location("build_hook", tmp_path / "labextension/build_hook.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_was_built_of_these_sources_is_taken(hook: Any) -> None:
    assert not hook.is_stale()


def test_a_newer_source_asks_for_a_build(hook: Any) -> None:
    os.utime(hook.HERE / "src/index.ts", (2000, 2000))
    assert hook.is_stale()


def test_an_unpacked_sdist_is_never_built_whatever_the_times_of_its_files(hook: Any) -> None:
    os.utime(hook.HERE / "src/index.ts", (2000, 2000))
    (hook.HERE.parent / ".git").unlink()
    assert not hook.is_stale()


def test_an_editable_installation_builds_nothing(hook: Any) -> None:
    (hook.BUILT / "package.json").unlink()
    hook.BUILT.rmdir()
    hook.build("wheel", "editable")
    assert list(hook.BUILT.iterdir()) == []
