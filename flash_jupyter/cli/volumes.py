"""`flash volumes`: network volumes cost money until they are deleted, so they are listed, and deleted here."""

from __future__ import annotations

from typing import Annotated

import typer

from flash_jupyter.cli.desk import at_desk, face_of
from flash_jupyter.cli.output import Json, Yes
from flash_jupyter.views.listing import volumes_sheet

app = typer.Typer(help="Network volumes: what there is, what each costs, and its removal.", invoke_without_command=True)


@app.callback()
def list_volumes(context: typer.Context, as_json: Json = False) -> None:
    """List network volumes with size, data centre, monthly price, and the endpoints that use them."""
    if context.invoked_subcommand is not None:
        return
    with at_desk(context, as_json=as_json) as desk:
        volumes = [volume.to_json() for volume in desk.session.volumes()]
        desk.show(volumes_sheet(volumes), {"volumes": volumes})


@app.command(hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def create(context: typer.Context) -> None:
    """Say how a volume is made: what uses it makes it, in the data centre where its worker is."""
    raise face_of(context).misused(
        "a network volume is made by what uses it first",
        fix="write volume=NAME:GB behind %%remote, or networkVolume=NetworkVolume(name=NAME, size=GB) in an endpoint",
        as_json="--json" in context.args,
    )


@app.command()
def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="name or id of a volume")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete a volume with all that is on it; says so once the server no longer lists it."""
    with at_desk(context, as_json=as_json) as desk:
        desk.confirm(f"delete network volume {name} with all that is on it?", yes=yes)
        deleted = desk.session.delete_volume(name)
        desk.show([f"deleted: {name}"], {"deleted": deleted})
