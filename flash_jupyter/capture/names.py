"""What a cell reads from outside, binds, deletes, imports, and whose objects it may change: from its text alone.

Exact, and without a namespace: whether a name exists is asked in `namespace`. What no reading of the text can find
(`eval`, `globals()["x"]`) is for `include=`.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from flash_jupyter.capture.statements import Statements
from flash_jupyter.capture.values import REFLECTING, Use


@dataclass(frozen=True)
class CellNames:
    """What a cell does with names; the numbers are the cell's own lines, from 1.

    - `reads`: read from outside on some way through the cell; `required`: those of them which must exist, because
      they are read at once, and bound on no way before
    - `builtins`: built-in names that it reads; the notebook may have shadowed them
    - `uses`: how far the objects of `reads` and `builtins` may change
    - `binds`, `deletes`: on some way
    - `imports`: top-level module names, those it can do without (`except ImportError`) left out; `modules`: all that
      may be a module, with dots; `stars`: modules of `from x import *`, whose names nobody knows
    - `attributes`: what it asks objects for
    """

    reads: Mapping[str, int] = field(default_factory=dict)
    required: Mapping[str, int] = field(default_factory=dict)
    builtins: Mapping[str, int] = field(default_factory=dict)
    uses: Mapping[str, Use] = field(default_factory=dict)
    binds: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()
    imports: Mapping[str, int] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()
    stars: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()

    @property
    def mutates(self) -> frozenset[str]:
        """Names from outside whose object, or something in it, may be changed."""
        return frozenset(name for name in self.reads if self.uses[name] >= Use.ELEMENT)

    @property
    def reflects(self) -> bool:
        """Whether it looks into its own namespace (`globals()`, `exec`...), so that any name may be meant."""
        return not REFLECTING.isdisjoint(self.builtins)


@lru_cache(maxsize=512)
def analyse(source: str) -> CellNames:
    r"""Read a cell's text, magics already transformed.

    Raises `SyntaxError` with the cell's own line numbers, for whatever Python would refuse, top-level `await` excepted.

    >>> sorted(analyse("df = df.dropna()").reads)
    ['df']
    >>> names = analyse("def f(n):\n    return n * scale\nf(2)")
    >>> sorted(names.reads), sorted(names.required), sorted(names.binds)
    (['scale'], [], ['f'])
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the worker compiles it too, and its warnings are the ones to show
        tree = ast.parse(source, "<cell>")
        compile(tree, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    walk = Statements()
    walk.run(tree.body)
    walk.count_all_later()
    found = walk.found
    required = {} if {"dir", *REFLECTING} & found.builtins.keys() else found.required
    return CellNames(
        reads=found.reads,
        required=required,
        builtins=found.builtins,
        uses=found.uses,
        binds=frozenset(found.binds),
        deletes=frozenset(found.deletes),
        imports=found.imports,
        modules=frozenset(found.modules),
        stars=frozenset(found.stars),
        attributes=frozenset(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)),
    )
