"""Rich display without IPython: `display`, `clear_output` and mimebundles, as events.

An object is asked as IPython asks it: `_repr_mimebundle_` first, then the single `_repr_*_` methods. Where the cell
imports IPython's own `display`, that one is led here too; where there is no IPython, a stand-in is.

Figures of matplotlib need no setting, as in a notebook: a backend of our own draws them with Agg. matplotlib imports
its backend by name when pyplot is first used. The module of that name is put in place beforehand and fills itself then,
so a worker without matplotlib needs none.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import types
import uuid
from collections.abc import Callable
from typing import Any

from flash_jupyter.capsule.kinds import make_handle
from flash_jupyter.worker.ipython import stand_in_for_ipython
from flash_jupyter.worker.process import refuse_debuggers, refuse_passwords, show_bars_as_text, when_imported

Bundle = dict[str, Any]
Emit = Callable[[dict[str, Any]], None]

#: how a widget is shown, by a kernel that has its model: none is here
WIDGET = "application/vnd.jupyter.widget-view+json"
#: representation method -> MIME type, in IPython's order (IPython.core.formatters, 9.18)
METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_pdf_": "application/pdf",
    "_repr_json_": "application/json",
    "_repr_javascript_": "application/javascript",
}


#: class, as `module.Class` -> MIME type and what draws it, for objects that say nothing themselves
drawers: dict[str, tuple[str, Callable[[Any], Any]]] = {}


def mimebundle(obj: Any) -> tuple[Bundle, Bundle]:
    """All that an object says about how to show it: data and metadata by MIME type."""
    data: Bundle = {}
    metadata: Bundle = {}
    for base in type(obj).__mro__:
        if drawer := drawers.get(f"{base.__module__}.{base.__qualname__}"):
            data[drawer[0]] = drawer[1](obj)
            break
    for name, mime in METHODS.items():
        _add(data, metadata, mime, _call(obj, name))
    whole = _call(obj, "_repr_mimebundle_", include=None, exclude=None)
    if isinstance(whole, tuple):
        data.update(whole[0])
        metadata.update(whole[1])
    elif isinstance(whole, dict):
        data.update(whole)
    data.pop(WIDGET, None)
    if "text/plain" not in data:
        data["text/plain"] = _plain(obj)
    return data, metadata


def _call(obj: Any, name: str, **kwargs: Any) -> Any:
    if isinstance(obj, type):  # a class has the methods, but not for itself
        return None
    method = getattr(obj, name, None)
    if not callable(method):
        return None
    try:
        return method(**kwargs)
    except Exception:  # as in IPython: a broken representation falls back to the next one
        return None


def _add(data: Bundle, metadata: Bundle, mime: str, value: Any) -> None:
    if isinstance(value, tuple) and len(value) == 2:
        value, metadata[mime] = value
    if isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    if value is not None:
        data[mime] = value


def _plain(obj: Any) -> str:
    try:
        return repr(obj)
    except Exception as error:  # a repr is the user's code
        return f"<repr raised {type(error).__name__}: {error}>"


#: what IPython's functions, and those of its stand-in, do now
targets: dict[str, Callable[..., Any]] = {}


class DisplayHandle:
    """What `display(..., display_id=True)` returns; as IPython's class of this name."""

    def __init__(self, display_id: str | None = None) -> None:
        self.display_id = display_id or uuid.uuid4().hex

    def display(self, obj: Any, **kwargs: Any) -> None:
        """Show once more under the same id."""
        targets["display"](obj, display_id=self.display_id, **kwargs)

    def update(self, obj: Any, **kwargs: Any) -> None:
        """Replace what is shown."""
        targets["update_display"](obj, display_id=self.display_id, **kwargs)

    def __repr__(self) -> str:
        return f"<DisplayHandle display_id={self.display_id}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return make_handle, (self.display_id,)


class Displayer:
    """`display` and its relatives for one run; `show` takes the events of displays, `emit` the others."""

    def __init__(self, emit: Emit, show: Emit) -> None:
        self._emit, self._show = emit, show

    def display(
        self,
        *objs: Any,
        raw: bool = False,
        metadata: Bundle | None = None,
        display_id: str | bool | None = None,
        update: bool = False,
        clear: bool = False,
        **_ignored: Any,
    ) -> DisplayHandle | None:
        """Show objects as the notebook would; as IPython's `display`."""
        if display_id is True:
            display_id = uuid.uuid4().hex
        if clear:
            self.clear_output(wait=True)
        for obj in objs:
            if not raw and _shows_itself(obj):
                continue
            data, own = (dict(obj), {}) if raw else mimebundle(obj)
            self.publish(data, {**own, **(metadata or {})}, {"display_id": display_id}, update=update)
        return DisplayHandle(display_id) if isinstance(display_id, str) else None

    def publish(
        self,
        data: Bundle,
        metadata: Bundle | None = None,
        transient: Bundle | None = None,
        update: bool = False,
        **_ignored: Any,
    ) -> None:
        """Show a mimebundle; as IPython's `publish_display_data`."""
        kind = "update" if update else "display"
        display_id = (transient or {}).get("display_id")
        data = {mime: _jsonable(value) for mime, value in data.items()}
        self._show({"t": kind, "data": data, "metadata": metadata or {}, "id": display_id})

    def update_display(self, obj: Any, *, display_id: str, **kwargs: Any) -> None:
        """Replace what is shown under an id."""
        self.display(obj, display_id=display_id, update=True, **kwargs)

    def clear_output(self, wait: bool = False) -> None:
        """Clear the output of the cell."""
        self._emit({"t": "clear", "wait": wait})

    def lead_here(self) -> None:
        """Let IPython's functions show things here, and other libraries do what a worker can: now, or once imported."""
        targets.update(
            display=self.display,
            publish_display_data=self.publish,
            update_display=self.update_display,
            clear_output=self.clear_output,
        )
        stand_in_for_ipython(targets, DisplayHandle)
        when_imported(ADAPTATIONS)


def _shows_itself(obj: Any) -> bool:
    """Let an object show itself that wants to (`_ipython_display_`); False where it does not, or can't."""
    if isinstance(obj, type) or not callable(getattr(obj, "_ipython_display_", None)):
        return False
    try:
        obj._ipython_display_()
    except Exception:  # as in IPython: it falls back to the other representations
        return False
    return True


def _jsonable(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, (bytes, bytearray)) else value


def _redirect_ipython(module: Any) -> None:
    """Give IPython's functions another body, so that everyone who imported them by name gets it too."""
    for name in targets:
        original = getattr(module, name, None)
        if isinstance(original, types.FunctionType) and getattr(module, "__file__", None):
            _redirect(original)


def _redirect(original: types.FunctionType) -> None:
    original.__globals__["__flash_jupyter_targets__"] = targets
    template = (
        f"def {original.__name__}(*args, **kwargs):\n"
        f"    return __flash_jupyter_targets__[{original.__name__!r}](*args, **kwargs)\n"
    )
    made: dict[str, Any] = {}
    exec(template, original.__globals__, made)
    new = made[original.__name__]
    original.__code__, original.__defaults__, original.__kwdefaults__ = new.__code__, None, None


ADAPTATIONS: dict[str, Callable[[Any], None]] = {
    "IPython.core.display_functions": _redirect_ipython,
    "tqdm.notebook": show_bars_as_text,
    "getpass": refuse_passwords,
    "pdb": refuse_debuggers,
}


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
