"""What all command groups print alike: one JSON object with `--json`, errors on stderr with exit code 1."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer

from flash_jupyter.errors import FlashError

Json = Annotated[bool, typer.Option("--json", help="print one JSON object")]


def print_json(document: Mapping[str, object]) -> None:
    """Print one object."""
    typer.echo(json.dumps(document))


@contextmanager
def errors(as_json: bool) -> Iterator[None]:
    """Turn an error into exit code 1 and its text on stderr; as JSON where JSON was asked for."""
    try:
        yield
    except FlashError as error:
        text = json.dumps({"error": type(error).__name__, "message": error.message, "fix": error.fix})
        typer.echo(text if as_json else f"error: {error}", err=True)
        raise typer.Exit(1) from error
