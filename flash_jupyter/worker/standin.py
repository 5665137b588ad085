"""What `import flash_jupyter` finds on a worker that has not got it: local modules with remote functions need it.

Nothing is remote on a worker: a decorated function runs there, and the description of an endpoint says nothing.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import Any

from flash_jupyter.capsule.kinds import Nested

PACKAGE = "flash_jupyter"
#: as which modules import it that were written for the released client
RELEASED = "runpod_flash"


def stand_in_for_package() -> None:
    """Put a module in the place of the package, under both of its names, where that is not installed."""
    for name in (PACKAGE, RELEASED):
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            sys.modules[name] = StandIn(name)


class StandIn(types.ModuleType):
    """Has `remote` and `Endpoint`, and says nothing to everything else."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return {"remote": _decorate, "Endpoint": Decorator}.get(name) or Silent()


class Silent:
    """Takes every call and has every attribute: the endpoint of `@remote(LiveServerless(...))`."""

    def __call__(self, *_args: Any, **_kwargs: Any) -> Silent:
        """Say nothing."""
        return self

    def __getattr__(self, name: str) -> Silent:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


class Decorator(Silent):
    """What `Endpoint(...)` is above a function or a class, and its `get`, `post`, ... above a route."""

    def __init__(self, *_args: Any, **_said: Any) -> None:
        pass

    def __call__(self, *args: Any, **_kwargs: Any) -> Any:
        """Decorate what may be decorated, and take every other call."""
        return _nested(args[0]) if args and isinstance(args[0], (type, types.FunctionType)) else self


def _decorate(resource_config: Any = None, *_args: Any, **_kwargs: Any) -> Any:
    """Do as `remote` does: with and without parentheses; a class stays what it is."""
    if isinstance(resource_config, (type, types.FunctionType)):
        return _nested(resource_config)
    return _nested


def _nested(decorated: Any) -> Any:
    return decorated if isinstance(decorated, type) else Nested(decorated)
