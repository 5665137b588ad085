"""From a call to what travels with it: the names that the function reads, and all that it and its arguments need.

The function's compiled code is read, not its text: what `exec` or `%%time` made has none.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import itertools
import operator
import sys
from collections.abc import Iterable, Mapping
from types import CodeType, FunctionType
from typing import Any

from flash_jupyter.capture.modules import LocalModules
from flash_jupyter.capture.names import CellNames, code_names, nested
from flash_jupyter.capture.namespace import LOCAL, Capture, loaded_submodules
from flash_jupyter.capture.reach import SHELL_NAMES, Reach

#: a member of a module that travels as source: the module's dotted name, the member's `__qualname__`
Member = tuple[str, str]
#: how a remote function is called, beside `await f(x)`
_FACE = frozenset({"remote", "map", "local"})


def capture_call(
    function: object,
    arguments: Iterable[object],
    namespace: Mapping[str, Any],
    *,
    member: Member | None = None,
    local: LocalModules = LOCAL,
) -> Capture:
    """Capture what a function or class needs from `namespace`, which is its `__globals__`, and what `arguments` need.

    A `member` is imported over there; then only its module travels.
    """
    reach = Reach(namespace)
    reach.follow(arguments)
    if member is None:
        reach.follow([function])
    else:
        reach.modules.add(member[0])
    reach.finish()
    shipment = local.collect(reach.modules)
    code = function.__code__ if isinstance(function, FunctionType) and member is None else None
    return Capture(
        source="",
        names=CellNames(),
        values=reach.values,
        undefined=_undefined(code, namespace) if code is not None else {},
        modules=shipment.sources,
        imports=frozenset(shipment.packages),
        submodules=loaded_submodules(reach.values.values(), reach.attributes),
    )


def find_member(obj: Any, wrapper: object, local: LocalModules = LOCAL) -> Member | None:
    """Return where a function or class, which is known there as itself or as `wrapper`, can be imported from.

    None for what belongs to a notebook or a script, was made in a function, or whose module is no local file.
    """
    module, qualname = getattr(obj, "__module__", None), getattr(obj, "__qualname__", None)  # a partial has none
    if (
        not isinstance(module, str)
        or not isinstance(qualname, str)
        or module not in sys.modules
        or not local.is_local(module)
    ):
        return None
    try:
        found = operator.attrgetter(qualname)(sys.modules[module])
    except AttributeError:  # `<locals>`, or bound to another name
        return None
    return (module, qualname) if found is obj or found is wrapper else None


def means_itself(function: object, name: str) -> bool:
    """Whether `name`, under which a remote function is known, is the bare function to its own code.

    Not where that says `name.remote(...)` or the like, or never reads it: then another function calls it, and expects
    what it is at home. What wraps a function, in a closure, hides whether that calls itself.

    >>> means_itself(lambda n: f(n - 1), "f"), means_itself(lambda n: f.remote(n - 1), "f")
    (True, False)
    """
    if not isinstance(function, FunctionType) or function.__code__.co_freevars:
        return True
    for part in nested(function.__code__):
        for one, following in itertools.pairwise(dis.get_instructions(part)):
            if one.opname == "LOAD_GLOBAL" and one.argval == name and following.argval not in _FACE:
                return True
    return False


def namespace_of(obj: Any) -> dict[str, Any]:
    """Return the globals that a function or a class's methods read from; those of `__main__` where it has none.

    >>> namespace_of(namespace_of)["__name__"]
    'flash_jupyter.capture.calls'
    """
    candidates = [obj, *vars(obj).values()] if isinstance(obj, type) else [inspect.unwrap(obj)]
    for candidate in candidates:
        function = getattr(candidate, "__func__", candidate)
        if isinstance(function, FunctionType) and (not isinstance(obj, type) or function.__module__ == obj.__module__):
            return function.__globals__
    return vars(sys.modules["__main__"])


def _undefined(code: CodeType, namespace: Mapping[str, Any]) -> dict[str, int]:
    """Find global names that the code reads, and nobody binds: name -> line of the file."""
    names = code_names(code)
    known = (namespace, vars(builtins), SHELL_NAMES, names.binds, ("__builtins__",))
    return {name: line for name, line in names.lines.items() if not any(name in names_of for names_of in known)}
