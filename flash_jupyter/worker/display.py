"""Rich display without IPython: `display`, `clear_output` and mimebundles, as events.

An object is asked as IPython asks it: `_repr_mimebundle_` first, then the single `_repr_*_` methods. Where the cell
imports IPython's own `display`, that one is led here too.
"""

from __future__ import annotations

import base64
import importlib.abc
import importlib.machinery
import sys
import uuid
from collections.abc import Callable
from typing import Any

Bundle = dict[str, Any]
Emit = Callable[[dict[str, Any]], None]

IPYTHONS_OWN = "IPython.core.display_functions"
#: representation method -> MIME type, in IPython's order (IPython.core.formatters, 9.18)
METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
    "_repr_javascript_": "application/javascript",
}


def mimebundle(obj: Any) -> tuple[Bundle, Bundle]:
    """All that an object says about how to show it: data and metadata by MIME type."""
    data: Bundle = {}
    metadata: Bundle = {}
    for name, mime in METHODS.items():
        _add(data, metadata, mime, _call(obj, name))
    whole = _call(obj, "_repr_mimebundle_", include=None, exclude=None)
    if isinstance(whole, tuple):
        data.update(whole[0])
        metadata.update(whole[1])
    elif isinstance(whole, dict):
        data.update(whole)
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


class DisplayHandle:
    """What `display(..., display_id=True)` returns."""

    def __init__(self, displayer: Displayer, display_id: str) -> None:
        self.display_id = display_id
        self._displayer = displayer

    def display(self, obj: Any, **kwargs: Any) -> None:
        """Show once more under the same id."""
        self._displayer.display(obj, display_id=self.display_id, **kwargs)

    def update(self, obj: Any, **kwargs: Any) -> None:
        """Replace what is shown."""
        self._displayer.display(obj, display_id=self.display_id, update=True, **kwargs)

    def __repr__(self) -> str:
        return f"<DisplayHandle display_id={self.display_id}>"


class Displayer:
    """`display` and its relatives for one run."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

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
            data, own = (dict(obj), {}) if raw else mimebundle(obj)
            self.publish(data, {**own, **(metadata or {})}, {"display_id": display_id}, update=update)
        return DisplayHandle(self, display_id) if isinstance(display_id, str) else None

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
        self._emit({"t": kind, "data": data, "metadata": metadata or {}, "id": display_id})

    def update_display(self, obj: Any, *, display_id: str, **kwargs: Any) -> None:
        """Replace what is shown under an id."""
        self.display(obj, display_id=display_id, update=True, **kwargs)

    def clear_output(self, wait: bool = False) -> None:
        """Clear the output of the cell."""
        self._emit({"t": "clear", "wait": wait})

    def lead_here(self) -> None:
        """Let IPython's own functions show things here: now, or once the cell has imported them."""
        if IPYTHONS_OWN in sys.modules:
            self._redirect_ipython()
            return
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _ImportWatch)]
        sys.meta_path.insert(0, _ImportWatch(IPYTHONS_OWN, self._redirect_ipython))

    def _redirect_ipython(self) -> None:
        module = sys.modules[IPYTHONS_OWN]
        targets: dict[str, Callable[..., Any]] = {
            "display": self.display,
            "publish_display_data": self.publish,
            "update_display": self.update_display,
            "clear_output": self.clear_output,
        }
        for name, function in targets.items():
            original = getattr(module, name, None)
            if original is not None and hasattr(original, "__code__"):
                _redirect(original, function)


class _ImportWatch(importlib.abc.MetaPathFinder):
    """Calls back once a module has been imported."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name, self._then = name, then

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_call(module: Any) -> None:
                execute(module)
                self._then()

            spec.loader.exec_module = execute_and_call  # type: ignore[method-assign]
        return spec


def _jsonable(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, (bytes, bytearray)) else value


_targets: dict[str, Callable[..., Any]] = {}


def _redirect(original: Any, function: Callable[..., Any]) -> None:
    """Give a function another body, so that everyone who imported it by name gets it too."""
    _targets[original.__name__] = function
    if getattr(original, "__flash_jupyter__", False):
        return
    original.__globals__["__flash_jupyter_targets__"] = _targets
    template = (
        f"def {original.__name__}(*args, **kwargs):\n"
        f"    return __flash_jupyter_targets__[{original.__name__!r}](*args, **kwargs)\n"
    )
    made: dict[str, Any] = {}
    exec(template, original.__globals__, made)
    new = made[original.__name__]
    original.__code__, original.__defaults__, original.__kwdefaults__ = new.__code__, None, None
    original.__flash_jupyter__ = True
