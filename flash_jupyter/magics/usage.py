"""An option that does not exist, said the way IPython says it: one line, no traceback."""

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
