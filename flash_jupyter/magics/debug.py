"""`%debug` after a remote exception: its frames are on the worker, so it says that in place of opening ours."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand

from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.views.format import one_line

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

NOT_HERE = (
    "no post-mortem: the frames of this exception were on the worker, and are gone; "
    "print what you need there, or run the cell here with `%%remote local`"
)


@magics_class
class DebugMagics(Magics):
    """Stands before IPython's `%debug`, as long as the extension is loaded."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._before = shell.magics_manager.magics["line"]["debug"]

    @needs_local_scope
    @no_var_expand
    @line_cell_magic
    def debug(self, line: str = "", cell: str | None = None, local_ns: Any = None) -> Any:
        """Debug as IPython's own `%debug`; after an exception on a worker there is nothing here to look at."""
        error = getattr(sys, "last_value", None)
        if cell is None and not line.strip() and isinstance(error, RemoteExecutionError):
            self.shell.display_pub.publish(one_line(NOT_HERE))
            return None
        return self._before(line, cell, local_ns)
