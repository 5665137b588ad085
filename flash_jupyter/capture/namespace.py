"""From a cell's names to the values that travel with it: what it reads, and all that this needs in turn.

What the cell does not use, however indirectly, is never touched.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from flash_jupyter.capture.modules import LocalModules
from flash_jupyter.capture.names import CellNames, analyse
from flash_jupyter.capture.reach import Reach
from flash_jupyter.capture.values import Use, may_change
from flash_jupyter.errors import OptionError

#: shared by all captures of a process: it only remembers files, and reads them again when they change
LOCAL = LocalModules()


@dataclass(frozen=True)
class Capture:
    """A cell with everything that it needs.

    - `values`: name -> value to send; `mutable`: those of them that may be changed over there; `readers`: those that
      the cell does not read itself, with the function that does
    - `undefined`: names that the cell reads for certain and that exist nowhere, with the line
    - `modules`: local modules, relative posix path -> source text
    - `imports`: top-level names of the third-party modules that the cell, its functions, values and local modules need
    - `submodules`: modules which the code reaches through a captured package (`scipy.stats` of `scipy`): to be
      imported before it runs
    """

    source: str
    names: CellNames
    values: Mapping[str, Any] = field(default_factory=dict)
    mutable: frozenset[str] = frozenset()
    readers: Mapping[str, str] = field(default_factory=dict)
    undefined: Mapping[str, int] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    imports: frozenset[str] = frozenset()
    submodules: frozenset[str] = frozenset()


def capture(
    source: str,
    namespace: Mapping[str, Any],
    *,
    drop: Collection[str] = (),
    include: Collection[str] = (),
    local: LocalModules = LOCAL,
) -> Capture:
    """Capture a cell's text (magics already transformed) with what it needs from the notebook's namespace.

    `namespace`: the notebook's own dict and not a copy, because its functions are known by their `__globals__`.
    `drop`: never sent, and no error when read. `include`: sent too, for names that only `eval` or `globals()` reach.
    Raises: `SyntaxError` with the cell's own lines; `OptionError` where an included name does not exist.
    """
    names = analyse(source)
    reach = Reach(namespace, drop)
    missing = [name for name in names.reads if not reach.need(name, names.uses[name])]
    for name in names.builtins:
        reach.need(name, Use.OBJECT)
    for name in include:
        if not reach.need(name, Use.OBJECT):
            raise _no_such_name(name, namespace)
    reach.finish()
    shipment = local.collect([*names.imports, *reach.modules], optional=names.modules)
    return Capture(
        source=source,
        names=names,
        values=reach.values,
        mutable=_mutable(names, reach),
        readers=reach.readers,
        undefined={name: names.required[name] for name in missing if name in names.required and name not in drop},
        modules=shipment.sources,
        imports=frozenset(shipment.packages),
        submodules=loaded_submodules(reach.values.values(), names.attributes | reach.attributes),
    )


def _mutable(names: CellNames, reach: Reach) -> frozenset[str]:
    """Judge each value by what is done with it; where the code looks into its own namespace, anything may be done."""
    shadowed = names.builtins.keys() & reach.values.keys()
    anything = names.reflects or bool(shadowed)
    return frozenset(
        name for name, value in reach.values.items() if may_change(value, Use.OBJECT if anything else reach.uses[name])
    )


def loaded_submodules(values: Iterable[Any], asked: Collection[str]) -> frozenset[str]:
    """Find the loaded submodules of captured packages that the code can mean by the attributes it asks for."""
    packages = [value.__name__ for value in values if _is_package(value)]
    found: set[str] = set()
    while packages:
        package = packages.pop()
        below = {f"{package}.{name}" for name in asked} & sys.modules.keys()
        packages += below - found
        found |= below
    return frozenset(found)


def _is_package(value: object) -> bool:
    return issubclass(type(value), ModuleType) and hasattr(value, "__path__")


def _no_such_name(name: str, namespace: Mapping[str, Any]) -> OptionError:
    near = difflib.get_close_matches(name, list(namespace), n=1)
    fix = f"did you mean include={near[0]}?" if near else "define it in a cell above, or leave it out of include="
    return OptionError(f"include={name}: the notebook has no such name", fix=fix, suggestion=near[0] if near else None)
