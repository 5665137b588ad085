"""An interrupt as the caller of a remote function sees it: what became of the job, and none of our frames."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TypeVar

from flash_jupyter.session.show import current_shell

E = TypeVar("E", bound=BaseException)

#: marks an exception whose traceback shows no frames of this package
_MARK = "_flash_jupyter_is_interrupt"
_OURS = __name__.partition(".")[0]


def for_the_caller(interrupt: E) -> E:
    """Return an interrupt as it is to be raised: its text in one line, without the frames that led to it.

    IPython asks the exception itself what to show. Python prints the frames through which it leaves, ours among them;
    where nobody else has a say in that (`sys.excepthook`), they are left out.
    """
    line = f"{type(interrupt).__name__}: {interrupt}".removesuffix(": ")
    interrupt.__dict__.update({"_render_traceback_": lambda: [line], _MARK: True})
    if current_shell() is None and sys.excepthook is sys.__excepthook__:
        sys.excepthook = _print_for_the_caller
    return interrupt.with_traceback(None)


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
