"""Which notebook and which cell a job comes from, as far as the frontend tells the kernel."""

from __future__ import annotations

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
