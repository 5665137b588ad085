"""What looks at this kernel: whether a person could press a button, and whether the kernel would hear of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def can_show_controls(shell: InteractiveShell) -> bool:
    """Whether widgets make sense: a kernel, ipywidgets, and a frontend with a person.

    Who only executes notebooks (nbclient, `jupyter execute`, papermill) says that nobody can be asked (`allow_stdin`).
    """
    if getattr(shell, "kernel", None) is None or importlib.util.find_spec("ipywidgets") is None:
        return False
    request = (shell.get_parent() or {}).get("content", {})
    return bool(request.get("allow_stdin", True))


def may_hear_clicks(shell: Any) -> bool:
    """Whether a button is worth a try while a cell blocks: the frontend knows subshells, and the kernel has them."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None or not getattr(kernel, "_supports_kernel_subshells", False):
        return False
    return knows_subshells(kernel.get_parent("shell"))


def knows_subshells(request: Mapping[str, Any]) -> bool:
    """Whether the frontend that sent this request lets widgets talk over subshells.

    JupyterLab and Notebook since 4.4 and 7.4 name a subshell in every header, null for the main one; nbclient, consoles
    and older frontends do not. VS Code's frontend draws widgets and lets their messages wait.

    >>> knows_subshells({"header": {"subshell_id": None}, "metadata": {"cellId": "9f2c"}})
    True
    >>> knows_subshells({"header": {"subshell_id": None}, "metadata": {"cellId": "vscode-notebook-cell:/a"}})
    False
    >>> knows_subshells({"header": {}, "metadata": {}})
    False
    """
    cell = str((request.get("metadata") or {}).get("cellId", ""))
    return "subshell_id" in (request.get("header") or {}) and bool(cell) and not cell.startswith("vscode")
