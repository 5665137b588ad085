"""`%flash`: what runs, what ran, and the defaults of `%%remote`. Thin: the session knows, the views draw."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class

from flash_jupyter.errors import OptionError
from flash_jupyter.magics.remote import LIMITS, STICKY, RemoteMagics
from flash_jupyter.magics.usage import option_errors_as_usage
from flash_jupyter.quantities import read_usd
from flash_jupyter.resources.line import parse_value, split_pair, split_words, unknown_option
from flash_jupyter.views.format import PLACES, one_line
from flash_jupyter.views.listing import status_sheet
from flash_jupyter.views.sheet import columns, json_bundle, listing, sheet_bundle

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from flash_jupyter.magics.panel import Panel
    from flash_jupyter.magics.running import Running

#: what may stand behind `%flash`, as it is listed
WORDS = (
    *("panel", "status", "config", "use", "endpoints", "undeploy", "deploy", "env", "app", "sweep", "cost", "volumes"),
    *("jobs", "attach", "cancel", "logs", "explain", "local", "doctor", "init", "build", "run"),
)


@magics_class
class FlashMagics(Magics):
    """Line magic `%flash`, one method a word."""

    def __init__(self, shell: InteractiveShell, remote: RemoteMagics) -> None:
        super().__init__(shell)
        self._remote = remote
        self._open_panel: Panel | None = None
        self._running: Running | None = None
        #: these need what only a notebook has; all other words are commands of `flash`
        own: dict[str, Callable[[list[str]], object]] = {
            "panel": self._panel,
            "status": self._status,
            "config": self._config,
            "use": self._use,
            "attach": self._attach,
            "explain": self._explain,
            "local": lambda words: self._command("local", words or ["status"]),
            "build": self._build,
            "run": self._run,
        }
        self._words = {word: own.get(word) or partial(self._command, word) for word in WORDS}

    @line_magic
    def flash(self, line: str) -> object:
        """Look at endpoints and jobs, and set defaults.

            %flash                   the panel: endpoints and jobs, with buttons to undeploy, attach, cancel, see logs
            %flash status            which Runpod, which endpoints, what runs
            %flash config            the defaults of %%remote
            %flash config gpu=AMPERE_80 deps=torch     set some; `gpu=` takes one away
            %flash use local|runpod  where cells run
            %flash endpoints         the endpoints: what each does, costs, and whose it is
            %flash undeploy NAME --yes     delete an endpoint; --all: all of yours; `list` shows them
            %flash sweep             endpoints of yours that have expired and have no job; --yes deletes them
            %flash cost              what this kernel has spent, and what was billed; --days=30
            %flash config max_cost=5 max_cost_per_hour=3   US dollars: what could cost more is refused
            %flash volumes           network volumes, with their monthly price
            %flash volumes delete NAME --yes           delete one with all that is on it
            %flash jobs              jobs, newest first
            %flash attach ID         wait for a detached job, show its output, bind its names
            %flash cancel ID         stop a job
            %flash logs NAME|ID      the last lines of an endpoint's workers, or all that a job printed
            %flash explain           what the last remote cell sends, why, how large, what comes back, what it costs
            %flash init NAME         a new project: workers, a notebook, a web API
            %flash build [PATH]      this notebook, or what is at PATH, becomes what is deployed; --preview tries it
            %flash run [PATH]        serve it on this machine, each call remote; `%flash run stop` ends that
            %flash deploy new|send|list|info|promote|rollback|delete ENV    what was built, in production
            %flash env list|create|info|delete, %flash app list|get|create|delete    what is deployed
            %flash local start|stop|status|logs|env    the embedded Runpod
            %flash doctor            what stands in the way: key, versions, folders; --cloud tries the real Runpod

        An ID is ours, the platform's, or a unique beginning. `status`, `endpoints`, `volumes`, `jobs`, `explain` and
        all of `deploy`, `env`, `app` and `undeploy` take --json.
        """
        with option_errors_as_usage():
            word, *arguments = [word.text for word in split_words(line)] or ["panel"]
            if word not in self._words:
                near = difflib.get_close_matches(word, self._words, n=1)
                fix = f"did you mean `%flash {near[0]}`?" if near else f"one of {', '.join(self._words)}"
                raise OptionError(f"`%flash {word}` does not exist", fix=fix)
            return self._words[word](arguments)

    # --- defaults -------------------------------------------------------------------------------------------------

    def _config(self, arguments: list[str]) -> None:
        for argument in arguments:
            key, text = split_pair(argument) or (argument, None)
            if key not in (*STICKY, *LIMITS):
                raise unknown_option(key)
            if text is None:
                raise OptionError(f"`{key}` has no value", fix=f"write {key}=VALUE, or {key}= to take the default away")
            self._set(key, text)
        defaults = {key: getattr(self._remote, key) for key in (*STICKY, *LIMITS)}
        rows = [{"option": key, "default": str(value)} for key, value in defaults.items() if value not in ("", None)]
        self._show(
            sheet_bundle(listing(rows, columns("option", "default", whole=("default",)), empty="no defaults are set"))
        )

    def _use(self, arguments: list[str]) -> None:
        if len(arguments) != 1:
            raise OptionError("%flash use takes one word", fix="write %flash use local, or %flash use runpod")
        self._set("backend", arguments[0])
        self._show(one_line(f"cells run on {PLACES[arguments[0]]}"))

    def _set(self, key: str, text: str) -> None:
        if key in LIMITS:
            setattr(self._remote, key, read_usd(text) if text else None)
            return
        if text:
            from flash_jupyter.resources.options import make_options

            make_options(**{key: parse_value(key, text)})
        setattr(self._remote, key, text)

    def close(self) -> None:
        """Take the buttons of the panel away, and end the server of `%flash run`."""
        if self._open_panel is not None:
            self._open_panel.close()
        if self._running is not None:
            self._running.close()

    # --- what runs ------------------------------------------------------------------------------------------------

    def _panel(self, arguments: list[str]) -> None:
        from flash_jupyter.magics.panel import Panel

        if arguments:
            raise OptionError("%flash panel takes no words", fix="write %flash")
        if self._open_panel is not None:
            self._open_panel.close()  # one at a time: each looks again by itself
        self._open_panel = Panel(self.shell, self._remote.session)
        self._open_panel.open()

    def _status(self, arguments: list[str]) -> None:
        as_json, session = _wants_json(arguments, "status"), self._remote.session()
        status, endpoints = session.status(), [endpoint.to_json() for endpoint in session.endpoints()]
        document = {**status, "endpoints": endpoints}
        self._show(json_bundle(document) if as_json else sheet_bundle(status_sheet(status, endpoints)))

    def _attach(self, arguments: list[str]) -> object:
        from flash_jupyter.magics.show import show

        job, session = _one(arguments, "attach"), self._remote.session()
        return show(
            self.shell,
            lambda emit: session.attach(job, self.shell.user_ns, emit),
            cells={},
            hint="an interrupt ends the wait, not the job",
        )

    def _explain(self, arguments: list[str]) -> None:
        from flash_jupyter.magics.cell import explain_again

        as_json = _wants_json(arguments, "explain")
        if self._remote.last is None:
            raise OptionError("no remote cell has run in this kernel", fix="write %%remote dry on top of the cell")
        explain_again(self.shell, self._remote.session(), *self._remote.last, as_json=as_json)

    # --- from a notebook to an API --------------------------------------------------------------------------------

    def _build(self, arguments: list[str]) -> None:
        from flash_jupyter.magics.build import build

        build(self.shell, self._remote.session().settings, arguments)

    def _run(self, arguments: list[str]) -> None:
        from flash_jupyter.magics.running import Running

        self._running = self._running or Running()
        self._running.run(self.shell, self._remote.session().settings, arguments)

    def _command(self, word: str, arguments: list[str]) -> None:
        """Do what `flash WORD` does."""
        from flash_jupyter.magics.commands import run_command

        run_command(self.shell, self._remote.session(), word, arguments)

    def _show(self, bundle: dict[str, Any]) -> None:
        self.shell.display_pub.publish(bundle)


def _wants_json(arguments: list[str], word: str) -> bool:
    if arguments not in ([], ["--json"]):
        raise OptionError(f"%flash {word} takes --json or nothing", fix=f"write %flash {word}, or %flash {word} --json")
    return bool(arguments)


def _one(arguments: list[str], word: str) -> str:
    if len(arguments) != 1:
        raise OptionError(f"%flash {word} takes the id of one job", fix="see %flash jobs")
    return arguments[0]
