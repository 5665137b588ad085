"""A new project: all its files, its name in them, and nothing of the user's lost."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from flash_jupyter.build.cells import read_notebook
from flash_jupyter.build.folder import Ignore
from flash_jupyter.develop.init import PLACEHOLDER, create_project
from flash_jupyter.errors import SettingsError

FILES = {
    *("README.md", ".env", ".flashignore", ".gitignore", "main.py", "notebook.ipynb", "requirements.txt"),
    *("workers/__init__.py", "workers/cpu/__init__.py", "workers/cpu/endpoint.py"),
    *("workers/gpu/__init__.py", "workers/gpu/endpoint.py"),
}


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_project_has_its_files_and_its_name_in_them(tmp_path: Path) -> None:
    created = create_project(tmp_path / "in" / "My Shop")
    assert set(created.files) == FILES == files_of(tmp_path / "in" / "My Shop")
    assert created.name == "my-shop"
    texts = "".join((created.folder / file).read_text() for file in created.files)
    assert 'name="my-shop-gpu"' in texts
    assert PLACEHOLDER not in texts


def test_it_holds_no_key_and_its_ignore_files_keep_one_away(tmp_path: Path) -> None:
    folder = create_project(tmp_path / "shop").folder
    assert [line for line in (folder / ".env").read_text().splitlines() if line and not line.startswith("#")] == []
    assert ".env" in (folder / ".gitignore").read_text().splitlines()
    assert {path.relative_to(folder).as_posix() for path in Ignore(folder).files()} == FILES - {
        *(".env", "main.py", "README.md")
    }


def test_its_notebook_is_valid_and_marked(tmp_path: Path) -> None:
    path = create_project(tmp_path / "shop").folder / "notebook.ipynb"
    nbformat.validate(nbformat.read(path, as_version=4))
    marks = [str(cell.mark) for cell in read_notebook(path).cells if cell.role.value]
    assert marks == ["flash:setup", "flash:init", "flash:handler:classify", "flash:test"]


def test_nothing_is_written_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine")
    (tmp_path / "workers").write_text("mine too")
    with pytest.raises(SettingsError) as caught:
        create_project(tmp_path)
    assert str(caught.value) == (
        f"nothing was written: {tmp_path} has main.py, workers/__init__.py, workers/cpu/__init__.py, "
        "workers/cpu/endpoint.py, workers/gpu/__init__.py, workers/gpu/endpoint.py already\n"
        "  → choose another folder, or overwrite them with --force"
    )
    assert files_of(tmp_path) == {"main.py", "workers"}


def test_force_overwrites_but_never_a_key(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine")
    (tmp_path / ".env").write_text("RUNPOD_API_KEY=secret")
    created = create_project(tmp_path, force=True)
    assert (created.overwritten, created.kept) == (("main.py",), (".env",))
    assert (tmp_path / ".env").read_text() == "RUNPOD_API_KEY=secret"
    assert "FastAPI" in (tmp_path / "main.py").read_text()
    assert set(created.files) == FILES - {".env"}


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"the project can't be written: .*Not a directory"):
        create_project(tmp_path / "file" / "shop")
