"""One cell, from its options to its value: the session runs it, the views show what it says.

Imported at the first remote cell, because it brings `session`, httpx and pydantic along.
"""

from __future__ import annotations

import contextlib
import linecache
import secrets
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flash_jupyter.errors import FlashError, JobTimedOut, JobWasCancelled, OptionError, RemoteExecutionError
from flash_jupyter.magics.after import Aftermath
from flash_jupyter.magics.frontend import cell_id, notebook_name
from flash_jupyter.magics.here import frames_of, run_here
from flash_jupyter.resources.line import Values
from flash_jupyter.resources.options import RemoteOptions, make_options
from flash_jupyter.session.events import Clear, Display, Event, Logged, Measured, Notice, Phase, Sent, Stream, Waiting
from flash_jupyter.session.explain import Explanation
from flash_jupyter.session.prepare import CellRequest
from flash_jupyter.session.results import CellOutcome
from flash_jupyter.session.routes import run_balanced_cell
from flash_jupyter.session.session import Interrupt, JobHandle, Session
from flash_jupyter.settings import read_settings
from flash_jupyter.views.card import Place
from flash_jupyter.views.explain import explain_sheet
from flash_jupyter.views.format import one_line
from flash_jupyter.views.job import JobCard
from flash_jupyter.views.output import OutputView
from flash_jupyter.views.publisher import Publisher, page_of, prompt
from flash_jupyter.views.sheet import json_bundle, sheet_bundle
from flash_jupyter.views.traceback import SourceOf, short_path, traceback_lines

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

HOW_TO_CANCEL = "to cancel, interrupt the kernel (■)"
HOW_TO_LEAVE = "an interrupt leaves the job running"
#: the backend of matplotlib that draws figures below their cells
INLINE = "matplotlib_inline.backend_inline"


class CellSyntaxError(FlashError):
    """The cell is not Python; nothing was sent.

    Not a `SyntaxError`: for one that a magic raises, IPython draws the frames between the cell and the magic.
    """

    def __init__(self, error: SyntaxError) -> None:
        self.lineno, self.offset = error.lineno, error.offset
        super().__init__(_syntax_error_text(error))

    def _render_traceback_(self) -> list[str]:
        return self.message.splitlines()


CellSyntaxError.__name__ = "SyntaxError"  # what Jupyter gives as the error's name


def run(
    shell: InteractiveShell, session: Session, values: Values, cell: str, *, interrupt: Interrupt = "cancel"
) -> object:
    """Run a cell (or, with `expression` in `values`, one expression) and return its value.

    Raises: `OptionError`, what `Session.run_cell` raises, and `CellSyntaxError`.
    """
    request = make_request(shell, session, values, cell)
    filename, options = request.filename, request.options
    try:
        if options.local:
            return _run_here(shell, cell)
        # a function that comes back has its source here, for `inspect`, `??` and tracebacks
        linecache.cache[filename] = (len(cell), None, cell.splitlines(keepends=True), filename)
        if options.dry:
            _stop_at(show_explanation(shell, session, request))
            return None
        if options.detach:
            from flash_jupyter.magics.detached import submit

            return _bound(shell, options.job, submit(shell, session, request))
        after = Aftermath(options, shell.user_ns.__setitem__, leaves_when_interrupted=interrupt == "detach")
        run_cell = partial(run_balanced_cell, session, request)
        if options.via == "queue":
            run_cell = partial(session.run_cell, request, interrupt=interrupt)
        try:
            return show(
                shell,
                after.watch(run_cell),
                cells={filename: cell.removeprefix("# ")},
                hint=HOW_TO_CANCEL if interrupt == "cancel" else HOW_TO_LEAVE,
                has_job=options.via == "queue",
            )
        finally:
            after.undeploy(session, lambda text: shell.display_pub.publish(one_line(text)))
    except SyntaxError as error:
        raise CellSyntaxError(error) from None


def make_request(shell: InteractiveShell, session: Session, values: Values, cell: str) -> CellRequest:
    """Join a cell with the notebook that it stands in; raises `OptionError`."""
    return CellRequest(
        cell=cell,
        namespace=shell.user_ns,
        options=_with_own_endpoint(make_options(**_fill_environment(values))),
        # not `execution_count`: newer IPythons count on before the cell runs
        filename=f"Cell In[{shell.displayhook.prompt_count}]",
        notebook=notebook_name(shell, session.settings.environ),
        cell_id=cell_id(shell),
    )


def _bound(shell: InteractiveShell, name: str | None, job: JobHandle) -> JobHandle:
    if name:
        shell.user_ns[name] = job
    return job


def explain_again(shell: InteractiveShell, session: Session, values: Values, cell: str, *, as_json: bool) -> None:
    """Show what a cell that has run would send now."""
    try:
        show_explanation(shell, session, make_request(shell, session, values, cell), as_json=as_json)
    except SyntaxError as error:
        raise CellSyntaxError(error) from None


def _with_own_endpoint(options: RemoteOptions) -> RemoteOptions:
    """Give a cell with `once` an endpoint that no other cell uses, as it will be deleted."""
    if not options.once or options.name:
        return options
    return options.model_copy(update={"name": f"once-{secrets.token_hex(4)}"})


def _stop_at(explanation: Explanation) -> None:
    """Raise the first of the problems, as the run of the cell would."""
    if explanation.problems:
        raise explanation.problems[0]


def _run_here(shell: InteractiveShell, cell: str) -> object:
    source = shell.transform_cell(cell)
    filename = shell.compile.cache(source, shell.displayhook.prompt_count, raw_code=cell)
    try:
        return run_here(source, shell.user_ns, filename)
    except SyntaxError:
        raise
    except BaseException as error:
        frames = frames_of(error, filename)
        draw = partial(shell.InteractiveTB.structured_traceback, type(error), error, frames, tb_offset=0)
        error._render_traceback_ = draw  # type: ignore[attr-defined]
        raise


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


def _fill_environment(values: Values) -> Values:
    """Take the bare names of `env=` from the kernel's environment as it is now, or raise `OptionError`."""
    wanted: dict[str, str | None] = values.get("env", {})
    if None not in wanted.values():
        return values
    environ = read_settings().environ
    missing = [name for name, value in wanted.items() if value is None and name not in environ]
    if missing:
        raise OptionError(
            f"env={missing[0]}: the kernel's environment has no {missing[0]}", fix=f"write env={missing[0]}=VALUE"
        )
    return {**values, "env": {name: environ[name] if value is None else value for name, value in wanted.items()}}


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


def _syntax_error_text(error: SyntaxError) -> str:
    """Write a syntax error as Python does, without the frames that led to the parser."""
    return "".join(traceback.format_exception_only(type(error), error)).rstrip()


def draw_figures_here() -> None:
    """Let IPython draw figures, where a cell brought matplotlib along that nobody here has set up yet.

    A kernel does that when its first figure is made, and ours was made elsewhere. Another backend than inline is left
    as it is.
    """
    if "matplotlib.figure" in sys.modules and INLINE not in sys.modules:
        with contextlib.suppress(ImportError):
            __import__(INLINE)  # sets itself up when it is imported


def show_explanation(
    shell: InteractiveShell, session: Session, request: CellRequest, *, as_json: bool = False
) -> Explanation:
    """Show and return what is to be said about a cell; raises `SyntaxError` and `OptionError`."""
    explanation = session.explain(request)
    document = explanation.to_json()
    shell.display_pub.publish(json_bundle({"cell": document}) if as_json else sheet_bundle(explain_sheet(document)))
    return explanation
