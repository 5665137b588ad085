"""What a cell reads from outside, binds, deletes, imports, and whose objects it may change: from its text alone.

Exact, and without a namespace: whether a name exists is asked in `namespace`. What no reading of the text can find
(`eval`, `globals()["x"]`) is for `include=`. A function has its compiled code, which is what will run: one that was
defined in a cell which has since been edited, or by `exec`, has no text to read.
"""

from __future__ import annotations

import ast
import dis
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType

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


_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_STORES = frozenset({"STORE_GLOBAL"})
_DELETES = frozenset({"DELETE_GLOBAL"})
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_CACHED = 4096


@dataclass(frozen=True)
class CodeNames:
    """Global names that code loads (built-ins among them), stores and deletes.

    `modules`: what it may import, with dots. `attributes`: what it asks objects for.
    """

    reads: frozenset[str]
    binds: frozenset[str]
    deletes: frozenset[str]
    modules: frozenset[str]
    attributes: frozenset[str]
    #: the line of the file in which each name of a global is first loaded
    lines: Mapping[str, int]


#: by identity, and holding the code so that the identity stays its own: hashing code costs more than reading the entry
_cache: dict[int, tuple[CodeType, CodeNames]] = {}


def code_names(code: CodeType) -> CodeNames:
    """Read a function's code and all code inside it.

    >>> sorted(code_names((lambda x: [y * scale for y in range(x)]).__code__).reads)
    ['range', 'scale']
    """
    entry = _cache.get(id(code))
    if entry is not None:
        return entry[1]
    names = _read(code)
    if len(_cache) >= _CACHED:
        _cache.clear()
    _cache[id(code)] = code, names
    return names


def _read(code: CodeType) -> CodeNames:
    reads, binds, deletes = set[str](), set[str](), set[str]()
    modules, attributes, lines = set[str](), set[str](), dict[str, int]()
    for part in nested(code):
        module, line = "", part.co_firstlineno
        for instruction in dis.get_instructions(part):
            line = _line_of(instruction) or line
            operation, argument = instruction.opname, str(instruction.argval)
            if operation in _LOADS:
                reads.add(argument)
                if operation == "LOAD_GLOBAL":
                    lines.setdefault(argument, line)
            elif operation in _STORES:
                binds.add(argument)
            elif operation in _DELETES:
                deletes.add(argument)
            elif operation in _ATTRIBUTES:
                attributes.add(argument)
            elif operation == "IMPORT_NAME":
                module = argument
                modules.add(module)
            elif operation == "IMPORT_FROM":
                modules.add(f"{module}.{argument}")
    return CodeNames(
        frozenset(reads), frozenset(binds), frozenset(deletes), frozenset(modules), frozenset(attributes), lines
    )


def _line_of(instruction: dis.Instruction) -> int | None:
    """The line that an instruction starts, from Python 3.13 on the line that it belongs to."""
    line = getattr(instruction, "line_number" if sys.version_info >= (3, 13) else "starts_line")
    return line if isinstance(line, int) else None


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yield code and all code inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from nested(constant)
