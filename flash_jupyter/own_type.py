"""A remote exception as one of this side: `except ValueError` catches it, and so does `except RemoteExecutionError`.

It has the arguments and the attributes of the original where that could travel, else its text alone.
"""

from __future__ import annotations

import builtins
import contextlib
import operator
import sys
import types
from collections.abc import Mapping
from typing import Any

from flash_jupyter.errors import RemoteExecutionError

#: types that Python's `for`, or IPython, treats in a way of its own, whoever raises them
NOT_RAISED_HERE = (SyntaxError, StopIteration, StopAsyncIteration)
#: `Py_TPFLAGS_HEAPTYPE`: a class that Python code made
_HEAP_TYPE = 1 << 9
_GROUP = getattr(builtins, "BaseExceptionGroup", ())


class RemoteInOwnType(RemoteExecutionError):
    """Base of the classes that are made here; each is named after the remote type."""

    #: the type itself, where it exists here
    remote_type: type[Exception] | None = None

    def __init_subclass__(cls, **_kwargs: Any) -> None:
        """Tell nobody: a class of the notebook that counts its subclasses would have one too many."""

    def __str__(self) -> str:
        said = str(self.report.get("said", self.remote_message))
        return f"{said}\n  → {self.fix}" if self.fix else said

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.report, self.fix)


def in_own_type(
    error: RemoteExecutionError, original: object = None, namespace: Mapping[str, Any] | None = None
) -> RemoteExecutionError:
    """Return the error as an instance of its own type too, where that exists here.

    `original` is the exception itself, where it could travel; without it the type is looked up among the modules that
    are loaded, and in the notebook's `namespace`.
    """
    if isinstance(original, Exception):
        kind: type[Exception] | None = type(original)
        # an OSError keeps the name of the file beside its `args`
        args: Any = original.__reduce__()[1] if isinstance(original, OSError) else original.args
    else:
        kind = _find(error.type_name, namespace or {})
        args = (error.report.get("said", error.remote_message),)
    made = _made(_class_for(error.type_name, kind), args)
    if made is None:
        made = RemoteInOwnType.__new__(_class_for(error.type_name, None), *args)
    made.__dict__.update({"message": error.message, "fix": error.fix})
    made.__dict__.update(getattr(original, "__dict__", {}))
    _copy_fields(original, made)
    for name in ("type_name", "remote_message", "frames", "chain", "report"):
        made.__dict__[name] = getattr(error, name)
    return made


def _find(name: str, namespace: Mapping[str, Any]) -> type[Exception] | None:
    """Find an exception's type by its name; nothing is imported, for who catches a type has it already."""
    module, _, member = name.rpartition(".")
    found: Any = namespace.get(member) or getattr(builtins, member, None)
    if module:
        try:
            found = operator.attrgetter(member)(sys.modules[module])
        except (KeyError, AttributeError):
            return None
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _class_for(name: str, kind: type[Exception] | None) -> type[RemoteInOwnType]:
    """Make the class that is both; only ours, with the name of the remote type, where there is no other."""
    short = name.rpartition(".")[2] or name
    body = {"__module__": kind.__module__ if kind else "builtins", "__qualname__": short, "remote_type": kind}
    if kind is not None and not issubclass(kind, (*NOT_RAISED_HERE, RemoteExecutionError, *_as_tuple(_GROUP))):
        with contextlib.suppress(TypeError):  # it refuses subclasses, or has a layout or metaclass of its own
            return type(short, (RemoteInOwnType, kind), body)
    return type(short, (RemoteInOwnType,), body)


def _as_tuple(kind: Any) -> tuple[type, ...]:
    return kind if isinstance(kind, tuple) else (kind,)


def _made(cls: type[RemoteInOwnType], args: tuple[Any, ...]) -> RemoteInOwnType | None:
    """Make an instance without the `__init__` of the user's class, whose signature nobody knows."""
    builtin: Any = next(base for base in cls.__mro__ if not base.__flags__ & _HEAP_TYPE)
    try:
        made = cls.__new__(cls, *args)
        builtin.__init__(made, *args)  # it keeps fields of its own: `OSError.errno`
    except Exception:  # a `__new__` of the user's, or arguments that the built-in class refuses
        return None
    return made


def _copy_fields(original: object, made: RemoteInOwnType) -> None:
    """Copy what a built-in exception keeps in C and not in its arguments, as `ImportError.name`."""
    for base in type(original).__mro__:
        for name, field in vars(base).items():
            if isinstance(field, types.MemberDescriptorType):
                with contextlib.suppress(AttributeError, TypeError):  # read-only, or of a class that `made` is not of
                    setattr(made, name, getattr(original, name))


def _rebuild(report: dict[str, Any], fix: str) -> RemoteExecutionError:
    return in_own_type(RemoteExecutionError(report["type"], report["message"], report=report, fix=fix))
