"""`flash deploy` and `flash env`: environments and the builds that they run. A thin face over `deploy/`."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer

from flash_jupyter.cli import sending
from flash_jupyter.cli.deleting import Volumes, delete_environment
from flash_jupyter.cli.desk import AppName, app_or_default, at_desk
from flash_jupyter.cli.output import Json, Yes
from flash_jupyter.cli.sending import Options, takes_options
from flash_jupyter.views.deploy import environment_sheet, environments_sheet, made_text

app = typer.Typer(help="Put builds into production: environments of an app, and what they run.", no_args_is_help=True)

Environment = Annotated[str, typer.Argument(help="name of the environment, as in production")]
Build = Annotated[str, typer.Argument(help="id of the build; `flash app get APP` lists them")]
TryDefaults = Annotated[
    bool,
    typer.Option(
        "--try-defaults",
        help="verify functions of .py modules without an example, too: call each with its defaults, here and deployed",
    ),
]


@app.command()
def new(context: typer.Context, env: Environment, app_name: AppName = None, as_json: Json = False) -> None:
    """Make an environment, and its app where there is none."""
    from flash_jupyter.deploy.apps import AppDesk

    with at_desk(context, as_json=as_json) as desk:
        name = app_or_default(desk, app_name)
        made = desk.call(lambda link: AppDesk(link).create_environment(name, env)).to_json()
        named = f" --app-name {app_name}" if app_name else ""
        desk.show([f"{made_text(made)}{named}"], {"made": made})


@app.command()
@takes_options
def send(
    context: typer.Context,
    env: Environment,
    path: Annotated[Path | None, typer.Argument(exists=True, help="a notebook, a Python file or a folder")] = None,
    *,
    app_name: AppName = None,
    build: Annotated[bool, typer.Option("--build", help="build the sources first, as `flash build` did last")] = False,
    try_defaults: TryDefaults = False,
    options: Options,
    as_json: Json = False,
) -> None:
    """Make an environment run what `flash build` has built; says what it will change before it does.

    ✓ verified: asked where they are deployed, its functions gave what examples
    in their docstrings, flash:test cells or the notebook itself say.
    ○ listed, not verified: it is there, and beside it stands what is not known.
    """
    with at_desk(context, as_json=as_json) as desk:
        source = path or desk.face.default_source()
        sending.send(desk, source, env, app_name, options, is_built_first=build, try_defaults=try_defaults)


@app.command()
@takes_options
def promote(
    context: typer.Context,
    env: Environment,
    build: Build,
    *,
    app_name: AppName = None,
    options: Options,
    as_json: Json = False,
) -> None:
    """Make an environment run a build that was sent before, to this or another environment of the app."""
    with at_desk(context, as_json=as_json) as desk:
        sending.promote(desk, app_or_default(desk, app_name), env, build, options)


@app.command()
@takes_options
def rollback(
    context: typer.Context,
    env: Environment,
    build: Annotated[str | None, typer.Argument(help="id of the build (default: the one that served before)")] = None,
    *,
    app_name: AppName = None,
    options: Options,
    as_json: Json = False,
) -> None:
    """Make an environment run the build that served before its own; done again, it goes one further back.

    `flash deploy info ENV` says which build that is.
    Builds that were never verified there are passed over; one that is named is asked about, which --yes allows.
    `promote` goes forward again, to any build.
    """
    with at_desk(context, as_json=as_json) as desk:
        sending.rollback(desk, app_or_default(desk, app_name), env, build, options)


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
    volumes: Volumes = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete an environment with its endpoints; says what is left, and what that costs."""
    with at_desk(context, as_json=as_json) as desk:
        delete_environment(desk, app_or_default(desk, app_name), env, volumes=volumes, yes=yes)


app.command("ls", hidden=True)(list_environments)

#: `flash env`: the same functions by other names
environments = typer.Typer(help="Environments of an app: each runs one build.", no_args_is_help=True)
environments.command("list")(list_environments)
environments.command("create")(new)
environments.command("info")(info)
environments.command("delete")(delete)
environments.command("ls", hidden=True)(list_environments)
environments.command("get", hidden=True)(info)
