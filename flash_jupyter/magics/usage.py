"""What needs no traceback: an option that does not exist, an interrupt before a job was sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from IPython.core.error import UsageError

from flash_jupyter.errors import OptionError


@contextmanager
def option_errors_as_usage() -> Iterator[None]:
    """Turn an `OptionError` into the `UsageError` that IPython prints without a traceback."""
    try:
        yield
    except OptionError as error:
        raise UsageError(str(error)) from None


@contextmanager
def interrupts_without_our_frames() -> Iterator[None]:
    """Let an interrupt that met our own code, the first imports for example, show one line and none of that code."""
    try:
        yield
    except KeyboardInterrupt as error:
        if not hasattr(error, "_render_traceback_"):
            error._render_traceback_ = lambda: ["KeyboardInterrupt"]  # type: ignore[attr-defined]
        raise
