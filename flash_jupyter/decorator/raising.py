"""What a call raises, as its caller is to see it: without the frames of this package.

Python adds a frame wherever an exception leaves a function. IPython asks the exception itself what to show; without it,
and where nobody else has a say in that, `sys.excepthook` is ours.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from flash_jupyter.session.calls import Arguments
from flash_jupyter.session.show import current_shell
from flash_jupyter.transport.routes import named_arguments

E = TypeVar("E", bound=BaseException)

#: marks an exception whose traceback shows no frames of this package
_MARK = "_flash_jupyter_is_for_the_caller"
#: what `.options` takes, and is easily given to the call
OPTIONS = ("timeout", "retries")
_OURS = __name__.partition(".")[0]


def bound(label: str, signature: inspect.Signature, arguments: Arguments) -> dict[str, Any]:
    """Name the arguments of a call as the parameters; raises `TypeError` as a call of the function itself would."""
    try:
        return named_arguments(label, signature, arguments)
    except TypeError as error:
        raise at_the_call(error) from None


def check_arguments(label: str, function: object, arguments: Arguments, *, is_method: bool = False) -> None:
    """Raise `TypeError` for arguments that a function on a worker would refuse, before anything is made for the call.

    Only a plain function is judged: what something else takes, or one that has a `__signature__`, is known when it
    runs. The first parameter of a method is its instance.
    """
    if not inspect.isfunction(function) or hasattr(function, "__signature__"):
        return
    signature = inspect.signature(function, follow_wrapped=False)
    parameters = list(signature.parameters.values())
    if is_method and parameters and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        signature = signature.replace(parameters=parameters[1:])
    try:
        bound(label, signature, arguments)
    except TypeError as error:
        unknown = arguments[1].keys() - signature.parameters.keys()
        options = ", ".join(f"{name}={arguments[1][name]!r}" for name in OPTIONS if name in unknown)
        if options:
            error.args = (f"{error}; options stand before the call: .options({options})",)
        raise


def at_the_call(error: E) -> E:
    """Return an error as it is to be raised: it is shown at the line that made the call. It can be pickled."""
    return _marked(error, partial(_draw, error))


def no_attribute(name: str, text: str) -> AttributeError:
    """Return the error for an attribute that is not there, or not here, as `at_the_call` does.

    It has the name, but not the object: with both Python would add a guess of its own behind `text`.
    """
    return at_the_call(AttributeError(text, name=name))


def for_the_caller(interrupt: E) -> E:
    """Return an interrupt as it is to be raised: its text in one line."""
    line = f"{type(interrupt).__name__}: {interrupt}".removesuffix(": ")
    return _marked(interrupt, partial(list, [line]))


def _draw(error: BaseException) -> list[str]:
    trace = of_the_caller(error.__traceback__)
    lines: list[str] = current_shell().InteractiveTB.structured_traceback(type(error), error, trace, tb_offset=1)
    return lines


def _marked(error: E, draw: Callable[[], list[str]]) -> E:
    error.__dict__.update({"_render_traceback_": draw, _MARK: True})
    if current_shell() is None and sys.excepthook is sys.__excepthook__:
        sys.excepthook = _print_for_the_caller
    return error.with_traceback(None)


def _print_for_the_caller(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    each: BaseException | None = error
    while each is not None:
        if hasattr(each, _MARK):
            each.__traceback__ = of_the_caller(each.__traceback__)
        each = each.__cause__ or each.__context__
    sys.__excepthook__(kind, error, error.__traceback__)


def of_the_caller(trace: TracebackType | None) -> TracebackType | None:
    """Take the frames of this package out of a traceback."""
    kept: list[TracebackType] = []
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] != _OURS:
            kept.append(trace)
        trace = trace.tb_next
    for entry, following in zip(kept, [*kept[1:], None], strict=True):
        entry.tb_next = following
    return kept[0] if kept else None
