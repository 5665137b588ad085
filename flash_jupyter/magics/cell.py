"""One cell, from its options to its value: what kind of run they ask for, and the request that the session gets.

Imported at the first remote cell, because it brings `session`, httpx and pydantic along.
"""

from __future__ import annotations

import linecache
import secrets
import traceback
from functools import partial
from typing import TYPE_CHECKING

from flash_jupyter.errors import FlashError, OptionError
from flash_jupyter.magics.aftermath import Aftermath
from flash_jupyter.magics.detached import submit
from flash_jupyter.magics.frontend import cell_id, notebook_name
from flash_jupyter.magics.here import frames_of, run_here
from flash_jupyter.magics.show import HOW_TO_CANCEL, show
from flash_jupyter.resources.line import Values
from flash_jupyter.resources.options import RemoteOptions, make_options
from flash_jupyter.session.explain import Explanation
from flash_jupyter.session.prepare import CellRequest
from flash_jupyter.session.routes import run_balanced_cell
from flash_jupyter.session.session import Interrupt, JobHandle, Session
from flash_jupyter.settings import read_settings
from flash_jupyter.views.explain import explain_sheet
from flash_jupyter.views.format import one_line
from flash_jupyter.views.sheet import json_bundle, sheet_bundle

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

HOW_TO_LEAVE = "an interrupt leaves the job running"


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


def _syntax_error_text(error: SyntaxError) -> str:
    """Write a syntax error as Python does, without the frames that led to the parser."""
    return "".join(traceback.format_exception_only(type(error), error)).rstrip()


def show_explanation(
    shell: InteractiveShell, session: Session, request: CellRequest, *, as_json: bool = False
) -> Explanation:
    """Show and return what is to be said about a cell; raises `SyntaxError` and `OptionError`."""
    explanation = session.explain(request)
    document = explanation.to_json()
    shell.display_pub.publish(json_bundle({"cell": document}) if as_json else sheet_bundle(explain_sheet(document)))
    return explanation
