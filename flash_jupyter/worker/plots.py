"""Figures of matplotlib, shown as in a notebook without any setting: a backend of our own, which draws with Agg.

matplotlib imports its backend by name when pyplot is first used. The module of that name is put in place beforehand
and fills itself then, so a worker without matplotlib needs none.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import types
from typing import Any

from flash_jupyter.worker.display import Displayer, drawers

BACKEND = "_flash_jupyter_plots"


class PlotBackend(types.ModuleType):
    """A backend module: figures are shown by `plt.show()`, and those still open when the cell ends."""

    def __init__(self) -> None:
        super().__init__(BACKEND)
        self.displayer: Displayer | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in {"FigureCanvas", "show"}:
            raise AttributeError(name)
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        self.FigureCanvas, self.show = FigureCanvasAgg, self.show_all
        return self.__dict__[name]

    def show_all(self, *_args: Any, **_kwargs: Any) -> None:
        """Show every open figure, and close it."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None or self.displayer is None:
            return
        for number in pyplot.get_fignums():
            figure = pyplot.figure(number)
            if figure.get_axes() or figure.lines or figure.texts:
                self.displayer.publish({"image/png": _png(figure), "text/plain": repr(figure)})
        pyplot.close("all")


def plot_backend() -> PlotBackend:
    """Put the backend in place, once for a process."""
    backend = sys.modules.get(BACKEND)
    if not isinstance(backend, PlotBackend):
        backend = PlotBackend()
        sys.modules[BACKEND] = backend
        os.environ["MPLBACKEND"] = f"module://{BACKEND}"  # a kernel's own setting may have come along
    return backend


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


drawers["matplotlib.figure.Figure"] = "image/png", lambda figure: base64.b64encode(_png(figure)).decode()
