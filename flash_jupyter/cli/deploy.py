"""`flash deploy`: environments and the builds that they run. A thin face over `deploy/`, for `%flash` too."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

import typer

from flash_jupyter.cli.deleting import delete_environment
from flash_jupyter.cli.desk import AppName, app_or_default, at_desk
from flash_jupyter.cli.output import Json, Yes
from flash_jupyter.views.deploy import environment_sheet, environments_sheet, made_text

app = typer.Typer(help="Put builds into production: environments of an app, and what they run.", no_args_is_help=True)

Environment = Annotated[str, typer.Argument(help="name of the environment, as in production")]


@app.command()
def new(context: typer.Context, env: Environment, app_name: AppName = None, as_json: Json = False) -> None:
    """Make an environment, and its app where there is none."""
    from flash_jupyter.deploy.apps import AppDesk

    with at_desk(context, as_json=as_json) as desk:
        name = app_or_default(desk, app_name)
        made = desk.call(lambda link: AppDesk(link).create_environment(name, env)).to_json()
        named = f" --app-name {app_name}" if app_name else ""
        desk.show([f"{made_text(made)}{named}"], {"made": made})


@app.command("list")
def list_environments(context: typer.Context, app_name: AppName = None, as_json: Json = False) -> None:
    """List the environments of an app, with what each runs."""
    from flash_jupyter.deploy.apps import AppDesk

    with at_desk(context, as_json=as_json) as desk:
        name = app_or_default(desk, app_name)
        rows = [each.to_json() for each in desk.call(lambda link: AppDesk(link).app(name)).environments]
        desk.show(environments_sheet(name, rows, datetime.now(timezone.utc)), {"environments": rows})


@app.command()
def info(context: typer.Context, env: Environment, app_name: AppName = None, as_json: Json = False) -> None:
    """Show an environment with its endpoints, their URLs, and what each is doing."""
    from flash_jupyter.deploy.apps import AppDesk

    with at_desk(context, as_json=as_json) as desk:
        name = app_or_default(desk, app_name)
        view = desk.call(lambda link: AppDesk(link).environment(name, env)).to_json()
        desk.show(environment_sheet(view, datetime.now(timezone.utc)), {"environment": view})


@app.command()
def delete(
    context: typer.Context,
    env: Environment,
    app_name: AppName = None,
    volumes: Annotated[bool, typer.Option("--volumes", help="network volumes too, with all that is on them")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete an environment with its endpoints; says what is left, and what that costs."""
    with at_desk(context, as_json=as_json) as desk:
        delete_environment(desk, app_or_default(desk, app_name), env, volumes=volumes, yes=yes)


app.command("ls", hidden=True)(list_environments)
