"""`flash env`: the environments of an app; the same functions as `flash deploy` has for them."""

from __future__ import annotations

import typer

from flash_jupyter.cli import deploy

app = typer.Typer(help="Environments of an app: each runs one build.", no_args_is_help=True)
app.command("list")(deploy.list_environments)
app.command("create")(deploy.new)
app.command("info")(deploy.info)
app.command("delete")(deploy.delete)
app.command("ls", hidden=True)(deploy.list_environments)
app.command("get", hidden=True)(deploy.info)
