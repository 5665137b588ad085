"""What a `JobOutput` looks like in a notebook: its value in the notebook's own types, its error with its frames."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from flash_jupyter.errors import FlashError, RemoteExecutionError
from flash_jupyter.session.show import current_shell
from flash_jupyter.views.joboutput import job_output_bundle
from flash_jupyter.views.traceback import short_path, traceback_lines

if TYPE_CHECKING:
    from flash_jupyter.decorator.output import JobOutput

FACTS = ("id", "status", "endpoint", "worker_id", "delay_time_ms", "execution_time_ms", "cost_usd")


def bundle_of(output: JobOutput) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the mime bundle of an output, and the metadata of its value."""
    facts = {name: getattr(output, name) for name in FACTS}
    if output.failure is not None:
        return job_output_bundle(facts, None, error_lines(output.failure)), {}
    if output.output is None:
        return job_output_bundle(facts, None), {}
    data, metadata = formatted(output.output)
    return job_output_bundle(facts, data), dict(metadata)


def formatted(value: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a value's mime bundle as the running shell makes it; of a figure its picture too."""
    shell = current_shell()
    if shell is None:
        return {"text/plain": repr(value)}, {}
    data, metadata = shell.display_formatter.format(value)
    if type(value).__module__ == "matplotlib.figure" and "image/png" not in data:
        # a shell draws figures only once pyplot was used in it
        from IPython.core.pylabtools import print_figure

        data = {**data, "image/png": print_figure(value, fmt="png", base64=True)}
    return data, metadata


def error_lines(failure: FlashError) -> list[str]:
    """Return what is shown of a failure: of the user's code the frames on the worker, else our own text."""
    return traceback_lines(failure, _source_of) if isinstance(failure, RemoteExecutionError) else [str(failure)]


def draw_in_notebook(failure: FlashError) -> None:
    """Let IPython show the user's frames on the worker when this is raised; elsewhere its notes name them."""
    shell = current_shell()
    if shell is not None and isinstance(failure, RemoteExecutionError):
        colours = shell.colors.lower() != "nocolor"
        failure._render_traceback_ = partial(traceback_lines, failure, _source_of, colours=colours)  # type: ignore[method-assign]


def _source_of(filename: str) -> tuple[str, list[str]]:
    """Name a frame's file as IPython does, with its lines where it is a cell; others have their line in the frame."""
    shell = current_shell()
    named = shell.compile.format_code_name(filename) if shell is not None else None
    if named is None:
        return short_path(filename), []
    return " ".join(named), [line.rstrip("\n") for line in linecache.getlines(filename)]
