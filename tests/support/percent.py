"""Notebooks of tests, written in jupytext's percent format."""

from __future__ import annotations

from pathlib import Path

from flash_jupyter.build.cells import Cell, Notebook, Role, read_notebook


def notebook_of(folder: Path, text: str, name: str = "nb.py") -> Notebook:
    """Write a notebook and read it."""
    path = folder / name
    path.write_text(text, "utf-8")
    return read_notebook(path)


def handler_of(notebook: Notebook, name: str = "") -> Cell:
    """Return the handler cell of this name, or the only one."""
    (found,) = [cell for cell in notebook.of_role(Role.HANDLER) if name in ("", cell.mark.name)]
    return found
