"""`flash volumes`: network volumes cost money until they are deleted, so they are listed, and deleted here."""

from __future__ import annotations

from typing import Annotated

import typer

from flash_jupyter.cli.output import Json, Yes, confirm, opened, print_json
from flash_jupyter.views.listing import volumes_bundle

app = typer.Typer(help="Network volumes: what there is, what each costs, and its removal.", invoke_without_command=True)


@app.callback()
def list_volumes(context: typer.Context, as_json: Json = False) -> None:
    """List network volumes with size, data centre, monthly price, and the endpoints that use them."""
    if context.invoked_subcommand is not None:
        return
    with opened(as_json) as session:
        volumes = [volume.to_json() for volume in session.volumes()]
    if as_json:
        print_json({"volumes": volumes})
    else:
        typer.echo(volumes_bundle(volumes)["text/plain"])


@app.command()
def delete(
    name: Annotated[str, typer.Argument(help="name or id of a volume")], yes: Yes = False, as_json: Json = False
) -> None:
    """Delete a volume with all that is on it; says so once the server no longer lists it."""
    with opened(as_json) as session:
        if not yes:
            confirm(f"delete network volume {name} with all that is on it?", as_json=as_json)
        deleted = session.delete_volume(name)
    if as_json:
        print_json({"deleted": deleted})
    else:
        typer.echo(f"deleted: {name}")
