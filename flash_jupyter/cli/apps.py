"""`flash app`: apps, each with its environments and builds."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

import typer

from flash_jupyter.cli.deleting import Volumes, delete_app
from flash_jupyter.cli.desk import app_or_default, at_desk
from flash_jupyter.cli.output import Json, Yes
from flash_jupyter.views.deploy import app_sheet, apps_sheet

app = typer.Typer(help="Apps: what is deployed together, in as many environments as wanted.", no_args_is_help=True)

Name = Annotated[
    str | None, typer.Argument(help="name of the app (default: what the build here is called, or the folder)")
]


@app.command("list")
def list_apps(context: typer.Context, as_json: Json = False) -> None:
    """List all apps with their environments."""
    from flash_jupyter.deploy.apps import AppDesk

    with at_desk(context, as_json=as_json) as desk:
        rows = [each.to_json() for each in desk.call(lambda link: AppDesk(link).all())]
        desk.show(apps_sheet(rows), {"apps": rows})


@app.command()
def get(context: typer.Context, name: Name = None, as_json: Json = False) -> None:
    """Show an app with its environments and its builds, newest first."""
    from flash_jupyter.deploy.apps import AppDesk

    with at_desk(context, as_json=as_json) as desk:
        wanted = app_or_default(desk, name)
        view = desk.call(lambda link: AppDesk(link).app(wanted)).to_json()
        desk.show(app_sheet(view, datetime.now(timezone.utc)), {"app": view})


@app.command()
def create(
    context: typer.Context, name: Annotated[str, typer.Argument(help="its name")], as_json: Json = False
) -> None:
    """Make an app without environments."""
    from flash_jupyter.deploy.apps import AppDesk

    with at_desk(context, as_json=as_json) as desk:
        made = desk.call(lambda link: AppDesk(link).create_app(name))
        document = {"app": name, "id": made.id}
        desk.show([f"made app {name}; next: flash deploy new ENV --app-name {name}"], {"made": document})


@app.command()
def delete(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="name of the app")],
    volumes: Volumes = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete an app with all its environments, endpoints and builds; says what is left, and what that costs."""
    with at_desk(context, as_json=as_json) as desk:
        delete_app(desk, name, volumes=volumes, yes=yes)


app.command("ls", hidden=True)(list_apps)
