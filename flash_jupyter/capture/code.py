"""What a function's compiled code reads from its globals: exact, and without its source text.

A function that was defined in a cell which has since been edited, or by `exec`, has no text to read; its code is
what will run.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType

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
    for part in _nested(code):
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


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
