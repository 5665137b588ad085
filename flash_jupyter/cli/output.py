"""What all command groups have in common: one JSON object with `--json`, errors on stderr, exit codes 0, 1, 2.

0: done; 1: it failed, and `error.message` and `error.fix` say why and what to do; 2: the command was not understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer

from flash_jupyter.errors import FlashError, OptionError

Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask before something is deleted")]

FAILED, USAGE = 1, 2


def print_json(document: Mapping[str, object]) -> None:
    """Print one object."""
    typer.echo(json.dumps(document))


def error_text(error: FlashError, *, as_json: bool) -> str:
    """Return an error as it is written on stderr.

    >>> error_text(OptionError("there is no endpoint a", fix="choose b"), as_json=True)
    '{"error": {"type": "OptionError", "message": "there is no endpoint a", "fix": "choose b"}}'
    """
    if as_json:
        return json.dumps({"error": {"type": type(error).__name__, "message": error.message, "fix": error.fix}})
    return f"error: {error}"


@contextmanager
def errors(as_json: bool) -> Iterator[None]:
    """Turn an error into exit code 1 and its text on stderr; as JSON where JSON was asked for."""
    try:
        yield
    except FlashError as error:
        typer.echo(error_text(error, as_json=as_json), err=True)
        raise typer.Exit(FAILED) from error


def usage(message: str, *, as_json: bool, fix: str = "") -> typer.Exit:
    """Write what is wrong with the command, and return the exit that says so."""
    error = OptionError(message, fix=fix or "see --help")
    typer.echo(error_text(error, as_json=as_json), err=True)
    return typer.Exit(USAGE)
