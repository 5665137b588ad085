"""`flash run`: the functions of a project behind a server of this machine. A thin face over `develop/supervisor.py`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flash_jupyter.cli.output import errors
from flash_jupyter.settings import read_settings
from flash_jupyter.views.run import event_text

if TYPE_CHECKING:
    from flash_jupyter.develop.supervisor import Supervisor


def serve(
    path: Annotated[Path, typer.Argument(exists=True, help="a folder, a notebook or a Python file")] = Path(),
    auto_provision: Annotated[bool, typer.Option("--auto-provision", help="make all endpoints at the start")] = False,
    host: Annotated[str | None, typer.Option(help="default: FLASH_HOST, else localhost", show_default=False)] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", "-p", min=0, max=65535, help="default: FLASH_PORT, else 8888; the next one if it is taken"
        ),
    ] = None,
    reload: Annotated[bool, typer.Option(help="start again when a file is saved")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object for each event, a line each")] = False,
    attached: Annotated[bool, typer.Option("--attached", hidden=True, help="end when standard input does")] = False,
) -> None:
    """Serve the functions of a project on this machine, with an explorer at /docs; each call runs on Runpod.

    Endpoints that this run makes are removed when it ends, on Ctrl-C too.
    """
    # half a second that other commands need not wait for
    from flash_jupyter.develop.supervisor import RunOptions, Supervisor

    with errors(as_json):
        settings = read_settings(project=_folder(path))
        options = RunOptions(path.resolve(), host, port, reload, auto_provision)
        # what the user's code prints stays out of the JSON
        supervisor = Supervisor(settings, options, *((_print_json, 2) if as_json else (_print, None)))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # Ctrl-C, `kill`, a terminal that is closed
            signal.signal(number, _stop_once(supervisor))
        if attached:
            threading.Thread(target=_stop_with_input, args=(supervisor,), daemon=True).start()
        code = supervisor.run()
    raise typer.Exit(code)


def _folder(path: Path) -> Path:
    resolved = path.resolve()
    return resolved if resolved.is_dir() else resolved.parent


def _stop_once(supervisor: Supervisor) -> Any:
    """Return a handler which ends the run; the second time it does not wait for that."""

    def stop(_number: int, _frame: object) -> None:
        if supervisor.stop.is_set():
            raise KeyboardInterrupt
        supervisor.stop.set()

    return stop


def _stop_with_input(supervisor: Supervisor) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    supervisor.stop.set()


def _print_json(event: dict[str, Any]) -> None:
    _echo(json.dumps(event))


def _print(event: dict[str, Any]) -> None:
    if text := event_text(event):
        _echo(text, err=event["event"] == "broken")


def _echo(text: str, *, err: bool = False) -> None:
    """Print, where somebody reads it: a closed terminal or pipe must not keep endpoints from being removed."""
    with contextlib.suppress(OSError):
        typer.echo(text, err=err)
