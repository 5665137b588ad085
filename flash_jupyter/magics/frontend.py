"""What looks at this kernel: whether a person could press a button."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

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
