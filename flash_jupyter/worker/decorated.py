"""`@remote` on a worker of a deployed bundle: what belongs to its own resource runs there, directly.

The manifest says which function is whose; what another resource serves is for `runtime` to call, where a bundle has it.
The outermost call is the worker's own and gets the bare value; a call that is made inside of another is the user's, who
finds what he finds at home: `await f(x)` and `f.remote(x)` give an output, a route gives its value.

`find_functions` is what the handler file of a bundle does first.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from flash_jupyter.capsule.kinds import Nested
from flash_jupyter.errors import BuildError, FlashError
from flash_jupyter.worker.current import ROOT, current, read_manifest, serving

#: what `remote` made of a function -> the function
_bare: dict[Any, Callable[..., Any]] = {}


def make_remote(elsewhere: Callable[[Any, str], Any]) -> Callable[..., Any]:
    """Return the decorator; `elsewhere` is given what another resource serves, and that resource."""

    def remote(resource_config: Any = None, *_args: Any, local: bool = False, **options: Any) -> Any:
        """Decorate a function or class, with and without parentheses, as at home."""
        if inspect.isroutine(resource_config) or isinstance(resource_config, type):
            return decorate(resource_config, elsewhere=elsewhere)
        return functools.partial(decorate, is_local=local, is_route=bool(options.get("path")), elsewhere=elsewhere)

    return remote


def decorate(
    decorated: Any,
    *,
    is_local: bool = False,
    is_route: bool = False,
    other: str | None = None,
    elsewhere: Callable[[Any, str], Any] | None = None,
) -> Any:
    """Return what a decorated thing is here; `other` is the resource that serves it, where it is not this one."""
    other = other or (None if is_local else served_elsewhere(decorated.__name__))
    if other is not None:
        return (elsewhere or Elsewhere)(decorated, other)
    return decorated if isinstance(decorated, type) else _own(decorated, is_route)


def served_elsewhere(name: str) -> str | None:
    """Return the other resource that serves a function of this name; None for our own, and for what nobody serves."""
    own, place = os.environ.get("FLASH_RESOURCE_NAME"), read_manifest().get("function_registry", {}).get(name)
    return place if own and place != own else None


def _own(function: Callable[..., Any], is_route: bool) -> Any:
    nested = Nested(function)

    async def called_by_user(*args: Any, **kwargs: Any) -> Any:
        output = await nested(*args, **kwargs)
        return output.result() if is_route else output

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            if current() is not None:
                return await called_by_user(*args, **kwargs)
            with serving():
                return await function(*args, **kwargs)
    else:

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if current() is not None:
                return called_by_user(*args, **kwargs)
            with serving():
                return function(*args, **kwargs)

    def remotely(*args: Any, **kwargs: Any) -> Any:
        output = nested.remote(*args, **kwargs)
        return output.result() if is_route else output

    call.__dict__.update(local=function, remote=remotely, map=nested.map)
    _bare[call] = function
    return call


def bare(found: Any) -> Any:
    """Return the function behind what `remote` made of it; anything else as it is."""
    return _bare.get(found, found) if callable(found) and not isinstance(found, type) else found


class Elsewhere:
    """A function or class that another resource of the project serves."""

    def __init__(self, decorated: Any, resource: str) -> None:
        functools.update_wrapper(self, decorated, updated=())
        self.local, self._resource = decorated, resource

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.local,)

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse a call; an instance of a class is described only, and its methods refuse."""
        return _Absent(self) if isinstance(self.local, type) else self.refuse()

    def remote(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse a call."""
        self.refuse()

    spawn = map = remote

    def refuse(self, method: str = "") -> NoReturn:
        """Say why it can't be called here."""
        name = f"{self.local.__name__}{method}"
        raise FlashError(
            f"{name} is served by the resource {self._resource}, and a deployed function can't call another resource",
            fix="send its endpoint a request, or give both the same resource",
        )


class _Absent:
    """An instance of a class that another resource serves."""

    def __init__(self, made_by: Elsewhere) -> None:
        self._made_by = made_by

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_args, **_kwargs: self._made_by.refuse(f".{name}")


#: without `runtime`: what another resource serves says so when it is called
remote = make_remote(Elsewhere)


#: projects that were written for the released client import it by this name
RELEASED = "runpod_flash"


def find_functions(places: Mapping[str, str], packages: str = "") -> dict[str, Any]:
    """Return name -> function or class, for name -> `module:attribute`.

    `packages` is the folder of packages that only this resource has, below the bundle's root. Relative paths hold from
    that root, as they do from a notebook's folder. Raises `BuildError` for a module that can't be imported on this
    worker, and for one that lacks the name.
    """
    os.chdir(ROOT)
    if packages:
        sys.path.insert(0, str(ROOT / packages))
    sys.modules.setdefault(RELEASED, importlib.import_module("flash_jupyter"))
    return {name: _find(name, *place.split(":")) for name, place in places.items()}


def _find(name: str, module: str, attribute: str) -> Any:
    try:
        return bare(getattr(importlib.import_module(module), attribute))
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise BuildError(
            f"{module}, which has {name}, can't be imported on this worker: there is no module {missing}",
            fix=f"add the package that has {missing} to the dependencies, or its file to the project, and build again",
        ) from error
    except AttributeError as error:
        if hasattr(sys.modules.get(module), "__file__"):
            raise BuildError(f"{module} has no {attribute} on this worker", fix="define it at module level") from error
        raise _failed(name, module, error) from error
    except Exception as error:  # the module's own code
        raise _failed(name, module, error) from error


def _failed(name: str, module: str, error: Exception) -> BuildError:
    return BuildError(
        f"{module}, which has {name}, can't be imported on this worker: {type(error).__name__}: {error}",
        fix="let the module's top level run anywhere; put what needs the worker into a function",
    )
