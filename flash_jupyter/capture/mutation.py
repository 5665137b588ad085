"""How far the object behind a name may change, judged by what the code does with the name.

A superset on purpose: what is judged "may change" costs a comparison on the worker, what is missed would be a change
that silently stays there. The value has the last word (`values.may_change`): an int never changes.
"""

from __future__ import annotations

from enum import IntEnum


class Use(IntEnum):
    """What the code does with an object, ordered by how much can happen to it."""

    LOOK = 0
    """It is compared, tested, printed, formatted: nothing can happen."""
    COPY = 1
    """An operator makes something new of it; a new list shares its elements, a new array shares nothing."""
    ELEMENT = 2
    """An element, an item or a view of it goes elsewhere and may be changed there; the container keeps its length."""
    OBJECT = 3
    """It is stored into, called, or handed to code that may do anything with it."""


#: these only look at their arguments (and at the elements of them)
LOOKING = frozenset(
    {"abs", "all", "any", "ascii", "bin", "bool", "bytes", "callable", "chr", "complex", "display", "divmod"}
    | {"float", "format", "hasattr", "hash", "hex", "id", "int", "isinstance", "issubclass", "len", "oct", "ord"}
    | {"pow", "print", "range", "repr", "round", "slice", "str", "type"}
)
#: these hand out the elements of their arguments, and change nothing themselves
ELEMENTWISE = frozenset(
    {"dict", "enumerate", "frozenset", "list", "max", "min", "reversed", "set", "sorted", "tuple", "zip"}
)
#: with these in a cell any name may be reached by its spelling
REFLECTING = frozenset({"eval", "exec", "globals", "locals", "vars"})


def of_part(use: Use) -> Use:
    """The use of a container, when `use` is made of an element of it.

    >>> of_part(Use.OBJECT).name, of_part(Use.COPY).name
    ('ELEMENT', 'COPY')
    """
    return min(use, Use.ELEMENT)


def of_whole(use: Use) -> Use:
    """The use of what stands in a display or behind a dot, when `use` is made of the whole.

    >>> of_whole(Use.ELEMENT).name, of_whole(Use.LOOK).name
    ('OBJECT', 'LOOK')
    """
    return use if use <= Use.COPY else Use.OBJECT
