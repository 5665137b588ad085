"""`IPython.display` on a worker that has no IPython: the functions, and the classes that only wrap something to show.

It is made when a cell imports it, behind everything that is installed, so that the real one is taken where it exists.
An object of these classes comes home as one of IPython's own.
"""

from __future__ import annotations

import base64
import importlib.abc
import importlib.machinery
import sys
import types
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from flash_jupyter.capsule.kinds import make_displayed

#: module -> whether it is a package; what they have is the same everywhere, as users import it from all of them
STAND_INS = {
    "IPython": True,
    "IPython.core": True,
    "IPython.core.display": False,
    "IPython.core.display_functions": False,
    "IPython.display": False,
}
#: so that libraries that ask take it for one that needs no workaround of theirs
STAND_IN_VERSION = (9, 0, 0)
#: first bytes of an image -> its MIME type
SIGNATURES = {b"\x89PNG": "image/png", b"\xff\xd8": "image/jpeg", b"GIF8": "image/gif", b"RIFF": "image/webp"}


def stand_in_for_ipython(functions: dict[str, Callable[..., Any]], handle: type) -> None:
    """Offer the stand-in from now on; `functions` are `display` and its relatives, looked up when they are called."""
    if _StandInFinder not in map(type, sys.meta_path):
        sys.meta_path.append(_StandInFinder(functions, handle))


class DisplayObject:
    """Something to show, from memory, a file or an address; as IPython's class of this name."""

    mime = "text/plain"

    def __init__(self, data: Any = None, url: Any = None, filename: Any = None, metadata: Any = None, **more: Any):
        if isinstance(data, PurePath):
            data, filename = None, data
        elif isinstance(data, str) and data.startswith(("http://", "https://")) and url is None:
            data, url = None, data
        self.data, self.url, self.filename, self.metadata = data, url, filename, metadata or {}
        self.__dict__.update(more)
        self.reload()

    def reload(self) -> None:
        """Read the file, or what is at the address."""
        if self.filename is not None:
            content = Path(self.filename).read_bytes()
        elif self.url is not None and self.data is None:
            with urllib.request.urlopen(self.url) as answer:
                content = answer.read()
        else:
            return
        self.data = content.decode() if self._is_text() else content

    def _is_text(self) -> bool:
        return True

    def _content(self) -> Any:
        # a JSON or SVG that came from a notebook has it in a private field
        return self.__dict__["_data"] if hasattr(self, "_data") else self.data

    def _repr_mimebundle_(self, **_: Any) -> Any:
        return {self.mime: self._content()}, ({self.mime: self.metadata} if self.metadata else {})

    def __repr__(self) -> str:
        return f"<IPython.core.display.{type(self).__name__} object>"

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in self.__dict__.items() if value and name not in {"data", "filename"}}
        if self.data is not None:
            state = {**state, "data": self.data}
            state.pop("url", None)
        return make_displayed, (type(self).__name__, state)


class Image(DisplayObject):
    """A picture, embedded; one of another server only where `embed` is false."""

    def __init__(self, data: Any = None, url: Any = None, filename: Any = None, format: Any = None, **more: Any):  # noqa: A002
        super().__init__(data, url, filename, format=format, **more)

    def reload(self) -> None:
        """Read it, unless only its address is to be shown."""
        if self.url is None or self.__dict__.get("embed"):
            super().reload()

    def _is_text(self) -> bool:
        return False

    def _repr_mimebundle_(self, **_: Any) -> Any:
        size = {name: self.__dict__[name] for name in ("width", "height") if self.__dict__.get(name)}
        if self.data is None:
            attributes = "".join(f' {name}="{value}"' for name, value in size.items())
            return {"text/html": f'<img src="{self.url}"{attributes}/>'}, {}
        mime = next((mime for start, mime in SIGNATURES.items() if self.data.startswith(start)), "image/png")
        return {mime: base64.b64encode(self.data).decode()}, ({mime: size} if size else {})


class Latex(DisplayObject):
    """LaTeX."""

    mime = "text/latex"


class Math(Latex):
    """A formula, with or without dollar signs."""

    def _content(self) -> str:
        return "$\\displaystyle {}$".format(str(self.data).strip("$"))


class IFrame:
    """Another page in a frame; as IPython's class of this name."""

    def __init__(self, src: str, width: Any, height: Any, **params: Any) -> None:
        self.src, self.width, self.height, self.params = src, width, height, params

    def _repr_html_(self) -> str:
        query = "?" + urllib.parse.urlencode(self.params) if self.params else ""
        return (
            f'<iframe width="{self.width}" height="{self.height}" src="{self.src}{query}" frameborder="0"'
            " allowfullscreen></iframe>"
        )


def _simple(name: str, mime: str) -> type:
    """Make a class that shows its data as one MIME type."""
    return type(name, (DisplayObject,), {"mime": mime, "__doc__": f"Shown as {mime}."})


class _StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes the modules of `STAND_INS`; what else is asked of IPython names the package."""

    def __init__(self, functions: dict[str, Callable[..., Any]], handle: type) -> None:
        self._functions = functions
        self._names = {**self._contents(), "DisplayHandle": handle}

    def find_spec(self, name: str, _path: Any, _target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name in STAND_INS:
            return importlib.machinery.ModuleSpec(name, self, is_package=STAND_INS[name])
        if name.startswith("IPython."):
            raise ModuleNotFoundError(f"{name}: this worker has no IPython; add deps=ipython", name=name)
        return None

    def create_module(self, _spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        module.__dict__.update(self._names)
        module.__dict__["__getattr__"] = _missing(module.__name__)

    def _contents(self) -> dict[str, Any]:
        def led(name: str) -> Callable[..., Any]:
            def function(*args: Any, **kwargs: Any) -> Any:
                return self._functions[name](*args, **kwargs)

            function.__name__ = name
            return function

        functions = {name: led(name) for name in ("display", "publish_display_data", "update_display", "clear_output")}
        classes = {cls.__name__: cls for cls in (DisplayObject, Image, Latex, Math, IFrame)} | {
            name: _simple(name, mime)
            for name, mime in {
                "Pretty": "text/plain",
                "HTML": "text/html",
                "Markdown": "text/markdown",
                "SVG": "image/svg+xml",
                "JSON": "application/json",
                "Javascript": "application/javascript",
            }.items()
        }
        for cls in classes.values():
            cls.__module__, cls.__qualname__ = "IPython.core.display", cls.__name__
        return {**functions, **classes, "get_ipython": lambda: None, "version_info": STAND_IN_VERSION}


def _missing(module: str) -> Callable[[str], Any]:
    def missing(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"{module}.{name}: this worker has no IPython; add deps=ipython")

    return missing
