"""`flash build --preview`: the bundle on the embedded Runpod, and whether it gives what the notebook gives."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from flash_jupyter.cli.output import print_json

if TYPE_CHECKING:
    from flash_jupyter.build.bundle import Bundle


def show_preview(bundle: Bundle, *, in_docker: bool, try_defaults: bool, as_json: bool) -> bool:
    """Run every resource, show where, and try every function; until Ctrl-C where somebody sits at a terminal.

    Returns whether nothing gives another value than the notebook.
    """
    from flash_jupyter.build.preview import Preview, describe
    from flash_jupyter.build.smoke import smoke
    from flash_jupyter.settings import read_settings

    def tell(text: str) -> None:
        if not as_json:
            typer.echo(f"{text}...", err=True)

    settings = read_settings()
    with Preview(bundle.archive, bundle.manifest, settings, in_docker=in_docker) as running:
        served = running.start(tell)
        if not as_json:
            typer.echo(describe(served, bundle.manifest.python_version, in_docker=in_docker))
        verdicts = smoke(bundle.project, served, settings, tell, with_defaults=try_defaults)
        if as_json:
            resources = {each.name: {"url": each.url, "endpoint_id": each.endpoint_id} for each in served}
            found: dict[str, Any] = {"build": bundle.to_json(), "preview": resources}
            print_json({**found, "verdicts": [asdict(each) for each in verdicts]})
        else:
            typer.echo("\n".join(map(str, verdicts)))
            _wait()
    return all(each.state != "differs" for each in verdicts)


def _wait() -> None:
    """Wait for Ctrl-C at a terminal; a program that started this one wants its end."""
    if sys.stdin.isatty():
        typer.echo("it runs until Ctrl-C", err=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
