"""Figures that came from a worker, drawn here as inline figures are."""

from __future__ import annotations

import contextlib
import sys

INLINE = "matplotlib_inline.backend_inline"


def draw_figures_here() -> None:
    """Let IPython draw figures, where a cell brought matplotlib along that nobody here has set up yet.

    A kernel does that when its first figure is made, and ours was made elsewhere. Another backend than inline is left
    as it is.
    """
    if "matplotlib.figure" in sys.modules and INLINE not in sys.modules:
        with contextlib.suppress(ImportError):
            __import__(INLINE)  # sets itself up when it is imported
