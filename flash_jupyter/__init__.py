"""Run notebook cells on Runpod serverless GPUs; what a cell reads travels with it.

`%load_ext flash_jupyter` adds `%%remote`, `%remote` and `%flash`. Importing this module must stay quick: everything is
imported where it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flash_jupyter._version import __version__

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics to a shell: `%load_ext flash_jupyter`."""
    from flash_jupyter.magics.extension import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take away everything that loading added: `%unload_ext flash_jupyter`."""
    from flash_jupyter.magics.extension import unload

    unload(shell)
