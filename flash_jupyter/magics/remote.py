"""`%%remote` and `%remote`: read the line, hand over, return the value. No other logic belongs here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from IPython.core.displayhook import DisplayHook
from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
    output_can_be_silenced,
)
from traitlets import Enum, Float, TraitError, Unicode, observe, validate

from flash_jupyter.decorator.nesting import before_cell
from flash_jupyter.errors import OptionError
from flash_jupyter.magics.usage import interrupts_without_our_frames, option_errors_as_usage
from flash_jupyter.resources.comment import refuse_twice
from flash_jupyter.resources.line import Values, merge, parse_line, parse_value, split_expression

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from flash_jupyter.session.budget import Budget
    from flash_jupyter.session.session import Session
    from flash_jupyter.settings import BackendName

#: options that may be set for all cells, with `c.RemoteMagics.KEY` or `%flash config KEY=...`
STICKY = (
    *("gpu", "cpu", "count", "deps", "apt", "image", "name", "volume", "datacenter", "env", "workers", "idle"),
    *("timeout", "retries", "ttl", "out", "drop", "include", "backend"),
)


#: limits in US dollars, which are set in the same ways
LIMITS = ("max_cost_per_hour", "max_cost")


@magics_class
class RemoteMagics(Magics):
    """The magics that run code on a worker; every trait is the default of the option of the same name."""

    gpu = Unicode(help="GPU pools or types, tried in this order: AMPERE_80,ADA_80_PRO").tag(config=True)
    cpu = Unicode(help="CPU instances: cpu3c-2-4").tag(config=True)
    count = Unicode(help="GPUs a worker: 1").tag(config=True)
    deps = Unicode(help="pip requirements: torch,numpy>=2,<3").tag(config=True)
    apt = Unicode(help="system packages: ffmpeg,libgl1").tag(config=True)
    image = Unicode(help="another container image").tag(config=True)
    name = Unicode(help="the endpoint's name").tag(config=True)
    volume = Unicode(help="network volume at /runpod-volume: NAME, NAME:GB or id:ID").tag(config=True)
    datacenter = Unicode(help="where workers run: EU-RO-1").tag(config=True)
    env = Unicode(help="environment variables of the cell: A=1,B").tag(config=True)
    workers = Unicode(help="most workers, or least-most: 0-3").tag(config=True)
    idle = Unicode(help="seconds until an idle worker ends").tag(config=True)
    timeout = Unicode(help="seconds that a cell may run").tag(config=True)
    ttl = Unicode(help="time after which a new endpoint without a job is an orphan: 24h").tag(config=True)
    out = Unicode(help="return only these names").tag(config=True)
    drop = Unicode(help="never send these names").tag(config=True)
    include = Unicode(help="send these names too").tag(config=True)
    backend = Unicode(help="local or runpod").tag(config=True)
    interrupt = Enum(
        ["cancel", "detach"],
        "cancel",
        help="what an interrupt does to the job of a cell: cancel stops it, detach leaves it running for %flash attach",
    ).tag(config=True)
    max_cost_per_hour = Float(
        None, min=0, allow_none=True, help="US dollars that all workers of the endpoints in use may cost an hour"
    ).tag(config=True)
    max_cost = Float(None, min=0, allow_none=True, help="US dollars that this kernel may spend").tag(config=True)
    retries = Unicode(help="how often a cell is sent again when its worker is lost").tag(config=True)
    nest_asyncio = Enum(
        ["auto", "never"], "auto", help="whether a cell may call asyncio.run, which makes the kernel's loop re-entrant"
    ).tag(config=True)

    #: the sticky options, typed; None after one was set
    _sticky: Values | None = None

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        #: the kernel's session, where a cell has needed it already, and the backend that was the default then
        self.open_session: Session | None = None
        self._open_backend = ""
        self._budget: Budget | None = None
        #: options and text of the cell that was run last, for `%flash explain`
        self.last: tuple[Values, str] | None = None

    @validate(*STICKY)
    def _check_sticky(self, proposal: Any) -> str:
        text, key = str(proposal["value"]), proposal["trait"].name
        try:
            if text:
                parse_value(key, text)
        except OptionError as error:
            raise TraitError(str(error)) from None
        return text

    def before_cell(self, info: Any) -> None:
        """Let a cell that calls `asyncio.run` do so; IPython's event `pre_run_cell`."""
        if self.nest_asyncio == "auto":
            before_cell(info)

    def sticky(self) -> Values:
        """Read the defaults that are set, typed."""
        if self._sticky is None:
            self._sticky = {key: parse_value(key, getattr(self, key)) for key in STICKY if getattr(self, key)}
        return self._sticky

    @observe(*STICKY)
    def _read_again(self, _change: Any) -> None:
        self._sticky = None

    @cell_magic("remote")
    def remote_cell(self, line: str, cell: str) -> object:
        """Run this cell on a Runpod worker, as if it ran here.

        Names that the cell reads travel with it; names that it binds or changes come back; prints and displays appear
        while it runs; the value of the last expression is the value of the cell. Without a Runpod key it runs on the
        embedded Runpod of this machine. Interrupt the kernel to cancel.

            %%remote gpu=AMPERE_80 deps=torch,numpy>=2,<3 timeout=600

        where it runs
            gpu=POOL[,POOL]      GPU pools or types, tried in this order; none means any
            cpu=TYPE[,TYPE]      CPU instances, e.g. cpu3c-2-4
            count=N              GPUs a worker (default 1)
            name=NAME            the endpoint (default: made from hardware, Python and owner, shared by all cells)
            workers=N or 0-N     least and most workers of the endpoint (default 0-3)
            idle=SECONDS         until an idle worker ends (default 60)
            ttl=24h              until a new endpoint without a job counts as an orphan: see %flash sweep
            python=3.N           another Python: no function of the notebook can travel then; on the local Runpod one of
                                 this machine that has flash_jupyter
            image=REFERENCE      another image, which must take what runpod/flash takes; the local Runpod runs none
            volume=NAME[:GB]     network volume at /runpod-volume, made where it is missing; or id:ID
            datacenter=ID        where workers run, and where the volume is, e.g. EU-RO-1
            backend=local|runpod

        what travels
            deps=PKG[,PKG]       pip requirements, installed once a worker: torch,numpy>=2,<3
            apt=PKG[,PKG]        system packages; the local Runpod installs none, and names those that are missing
            env=A=1,B            environment variables; a bare name is taken from the kernel's environment
            include=NAME,...     send these names too (needed for names that only eval or getattr reads)
            drop=NAME,...        never send these
            out=NAME,...         return only these

        how it runs
            timeout=SECONDS      that the cell may run (default 600)
            retries=N            how often it is sent again when its worker is lost (default 0); what it raises is final
            job=NAME             bind how it ended to this name: status, output, error, worker, times; or, with detach,
                                 the job
            via=queue|lb         lb: as a request to a load balanced endpoint; output comes with the answer, and an
                                 interrupt drops the request (default queue)
            once                 delete the endpoint when the cell ends; without name= it has one of its own
            detach               return a job handle once the platform has the job; see %flash attach
            dry                  only show what would be sent, why, how large, and what it costs; see %flash explain
            local                run here, without any worker

        A flag may be written `detach` or `--detach`; quotes hold spaces together; `#` begins a comment; `$name` is
        replaced by a variable of the notebook. Tab completes options, GPUs, CPUs, data centres and names. Defaults for
        all cells: `%flash config gpu=AMPERE_80`, or `c.RemoteMagics.gpu` in a configuration file.

        The same cell as plain Python, which linters and Pylance read; the comment stands before any code:

            #| remote: gpu=AMPERE_80 deps=torch,numpy>=2,<3 timeout=600
        """
        with option_errors_as_usage():
            refuse_twice(cell)
            # the comment stands for the line of the magic, so that line numbers are those of the editor
            value = self._run(parse_line(line), f"# %%remote\n{cell}")
        # IPython's `output_can_be_silenced` reads the tokens of every cell, also of those that have no value
        return None if value is None or DisplayHook.semicolon_at_end_of_expression(cell) else value

    @output_can_be_silenced
    @no_var_expand
    @line_magic("remote")
    def remote_line(self, line: str) -> object:
        """Run one expression on a Runpod worker and return its value: `y = %remote gpu=AMPERE_80 f(x)`.

        Takes the options of `%%remote`; they end at the first word that is not one, or at `--`.
        """
        with option_errors_as_usage():
            options, expression = split_expression(line)
            if not expression:
                raise UsageError("%remote needs an expression: y = %remote gpu=AMPERE_80 f(x)")
            # the expression is code, in which $ and {} mean something else; only options are expanded
            values = parse_line(self.shell.var_expand(options, depth=1))
            return self._run({**values, "expression": True}, expression)

    def _run(self, values: Values, cell: str) -> object:
        with interrupts_without_our_frames():
            from flash_jupyter.magics.cell import run

            self.last = (merge(self.sticky(), values), cell)
            return run(self.shell, self.session(), *self.last, interrupt=self.interrupt)

    def session(self) -> Session:
        """Return the kernel's session, on the backend that is the default now; made when it is needed first.

        The environment is read then. The import alone costs more than `%load_ext` may take.
        """
        if self.open_session is None or self.backend != self._open_backend:
            self.close()
            from flash_jupyter.session.session import Session
            from flash_jupyter.settings import read_settings

            settings = read_settings()
            if self.backend:
                settings = replace(settings, backend=cast("BackendName", self.backend))
            self.open_session, self._open_backend = Session(settings, budget=self._budget), self.backend
            self._budget = self.open_session.budget  # the kernel's, whichever backend it uses
        self.open_session.limit_cost(self.max_cost_per_hour, self.max_cost)
        return self.open_session

    def close(self) -> None:
        """End the session's thread and connections; the next use makes a new session."""
        if self.open_session is not None:
            self.open_session.close()
            self.open_session = None
