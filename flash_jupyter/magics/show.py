"""What a job says, shown in the cell that waits for it: which event goes to which view, and how an error is drawn."""

from __future__ import annotations

import contextlib
import linecache
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flash_jupyter.errors import JobTimedOut, JobWasCancelled, RemoteExecutionError
from flash_jupyter.session.events import Clear, Display, Event, Logged, Measured, Notice, Phase, Sent, Stream, Waiting
from flash_jupyter.session.results import CellOutcome
from flash_jupyter.views.card import Place
from flash_jupyter.views.format import one_line
from flash_jupyter.views.job import JobCard
from flash_jupyter.views.output import OutputView
from flash_jupyter.views.publisher import Publisher, page_of, prompt
from flash_jupyter.views.traceback import SourceOf, short_path, traceback_lines

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

HOW_TO_CANCEL = "to cancel, interrupt the kernel (■)"
#: the backend of matplotlib that draws figures below their cells
INLINE = "matplotlib_inline.backend_inline"


def show(
    shell: InteractiveShell,
    work: Callable[[Callable[[Event], None]], CellOutcome],
    *,
    cells: Mapping[str, str],
    hint: str = HOW_TO_CANCEL,
    has_job: bool = False,
) -> object:
    """Show what a job says while `work` waits for it, and return its value; `cells` has sources by file name.

    `hint` tells what an interrupt does, while the job runs; what it did is the text of the `KeyboardInterrupt`.
    `has_job` says whether it is one that the Jupyter server can cancel.
    """
    output = OutputView(shell.display_pub, stdout=sys.stdout, stderr=sys.stderr)
    publisher = shell.display_pub
    with JobCard(prompt(publisher), page=page_of(publisher), hint=hint, has_button=has_job) as card:
        try:
            outcome = work(emitter(publisher, output, card))
        except BaseException as error:
            output.close()
            card.fail(_how_it_ended(error))
            _draw(error, shell, partial(_source_of, shell=shell, cells=cells))
            raise
        output.close()
        if outcome.state is not None:
            card.finish(outcome.backend, outcome.endpoint, outcome.seconds)
    draw_figures_here()
    return outcome.value if outcome.has_value else None


def emitter(publisher: Publisher, output: OutputView, card: JobCard) -> Callable[[Event], None]:
    """Say which event goes to which view."""

    def clear(event: Clear) -> None:
        output.clear(event.wait)
        card.cleared()
        if not event.wait:
            card.before_output()

    def stream(event: Stream) -> None:
        card.before_output()
        output.stream(event.name, event.text)

    def display(event: Display) -> None:
        card.before_output()
        output.display(event.data, event.metadata, event.display_id, event.update)

    show: dict[type, Callable[[Any], None]] = {
        Stream: stream,
        Display: display,
        Clear: clear,
        Sent: lambda event: card.sent(Place(**vars(event))),
        Phase: lambda event: card.phase(event.name, event.detail, event.worker_id),
        Measured: lambda event: card.measured(**vars(event)),
        Waiting: lambda event: card.waiting(event.text, event.action),
        Logged: lambda event: output.logged(event.path),
        Notice: lambda event: publisher.publish(one_line(event.text)),
    }
    return lambda event: show[type(event)](event)


def _how_it_ended(error: BaseException) -> str:
    if isinstance(error, JobTimedOut):
        return "timed out"
    if isinstance(error, JobWasCancelled):
        return f"cancelled from {error.by}" if error.by else "cancelled"
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "interrupted"  # it says what became of the job
    return "failed"


def _draw(error: BaseException, shell: InteractiveShell, source_of: SourceOf) -> None:
    """Make IPython show the user's frames, or none, in place of ours."""
    if isinstance(error, RemoteExecutionError):
        colours = shell.colors.lower() != "nocolor"
        error._render_traceback_ = partial(traceback_lines, error, source_of, colours=colours)  # type: ignore[method-assign]
    elif isinstance(error, KeyboardInterrupt):
        text = ": ".join(filter(None, ["KeyboardInterrupt", str(error)]))
        error._render_traceback_ = lambda: [text]  # type: ignore[attr-defined]


def _source_of(filename: str, *, shell: InteractiveShell, cells: Mapping[str, str]) -> tuple[str, Sequence[str]]:
    """Find what a remote frame's file is called here, and its lines."""
    if filename in cells:
        return filename, cells[filename].splitlines()
    named = shell.compile.format_code_name(filename)
    if named is None and not Path(filename).is_absolute():  # a local module, which travelled from here
        return filename, _local_lines(filename)
    if named is None:  # a file of the worker: ours of the same name may be another version
        return short_path(filename), []
    return " ".join(named), [line.rstrip("\n") for line in linecache.getlines(filename)]


def _local_lines(relative: str) -> list[str]:
    """Read a module's file where the import path has it."""
    found = (Path(folder or ".") / relative for folder in sys.path)
    file = next((file for file in found if file.is_file()), None)
    return [] if file is None else [line.rstrip("\n") for line in linecache.getlines(str(file))]


def draw_figures_here() -> None:
    """Let IPython draw figures, where a cell brought matplotlib along that nobody here has set up yet.

    A kernel does that when its first figure is made, and ours was made elsewhere. Another backend than inline is left
    as it is.
    """
    if "matplotlib.figure" in sys.modules and INLINE not in sys.modules:
        with contextlib.suppress(ImportError):
            __import__(INLINE)  # sets itself up when it is imported
