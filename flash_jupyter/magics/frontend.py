"""What the frontend tells the kernel: which notebook and cell it is, and whether a person could press a button."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def notebook_name(shell: InteractiveShell, environ: Mapping[str, str]) -> str:
    """Return the notebook's path, empty where nobody says it: Jupyter Server sets a variable, VS Code a name."""
    return str(shell.user_ns.get("__vsc_ipynb_file__") or environ.get("JPY_SESSION_NAME") or "")


def cell_id(shell: InteractiveShell) -> str:
    """Return the id that JupyterLab sends with an execute request, empty in a terminal."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    return str((parent or {}).get("metadata", {}).get("cellId") or "")


def can_show_controls(shell: InteractiveShell) -> bool:
    """Whether widgets make sense: a kernel, ipywidgets, and a frontend with a person.

    Who only executes notebooks (nbclient, `jupyter execute`, papermill) says that nobody can be asked (`allow_stdin`).
    """
    if getattr(shell, "kernel", None) is None or importlib.util.find_spec("ipywidgets") is None:
        return False
    request = (shell.get_parent() or {}).get("content", {})
    return bool(request.get("allow_stdin", True))
