"""The root of the command line, and the only place where an error becomes an exit code: 0 fine, 1 failed, 2 usage."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from flash_jupyter._version import __version__
from flash_jupyter.cli import apps, build, deploy, doctor, endpoints, init, jobs, local, serve, undeploy, volumes
from flash_jupyter.cli.output import FAILED, error_text
from flash_jupyter.errors import FlashError


class _Root(TyperGroup):
    """All commands. Their help shows a flag without a value: typer 0.29 writes `<bool>` behind it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of the command line."""
        _show_flags_without_a_value(self, ctx)
        return super().parse_args(ctx, args)


def _show_flags_without_a_value(command: Any, ctx: Any) -> None:
    for each in command.get_params(ctx):
        if getattr(each, "is_flag", False) and each.metavar is None:
            each.metavar = ""
    for below in getattr(command, "commands", {}).values():
        _show_flags_without_a_value(below, ctx)


app = typer.Typer(name="flash", cls=_Root, help="Notebook cells on Runpod serverless GPUs.", no_args_is_help=True)
app.add_typer(local.app, name="local")
app.add_typer(volumes.app, name="volumes")
app.add_typer(deploy.app, name="deploy")
app.add_typer(deploy.environments, name="env")
app.add_typer(apps.app, name="app")
app.command("init")(init.init)
app.command("build", cls=build.BuildCommand)(build.build)
app.command("run")(serve.serve)
app.command("endpoints")(endpoints.list_endpoints)
app.command("undeploy")(undeploy.undeploy)
app.command("logs")(endpoints.show_logs)
app.command("jobs")(jobs.list_jobs)
app.command("cancel")(jobs.cancel)
app.command("doctor")(doctor.doctor)
app.command("sweep")(undeploy.sweep)
app.command("cost")(endpoints.cost)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="show the version and end")
    ] = False,
) -> None:
    """Notebook cells on Runpod serverless GPUs."""


def run() -> None:
    """Run the command in `sys.argv`; never returns."""
    try:
        app()
    except FlashError as error:
        typer.echo(error_text(error, as_json="--json" in sys.argv), err=True)
        sys.exit(FAILED)
