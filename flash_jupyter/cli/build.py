"""`flash build`: from a notebook or a project to its artifact, and with `--preview` what that gives."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from flash_jupyter.cli.output import FAILED, Json, errors, print_json, usage
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.images import read_python
from flash_jupyter.views.build import built_sheet
from flash_jupyter.views.sheet import sheet_text

if TYPE_CHECKING:
    from flash_jupyter.build import bundle as bundles
    from flash_jupyter.build.bundle import Bundle


class BuildCommand(TyperCommand):
    """Takes `--preview` with and without a value, which typer has no options for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of the command line."""
        return super().parse_args(ctx, ["--preview-docker" if word == "--preview=docker" else word for word in args])


def build(
    path: Annotated[Path, typer.Argument(exists=True, help="a notebook, a Python file or a folder")] = Path(),
    exclude: Annotated[str, typer.Option(help="packages to leave out: a,b")] = "",
    keep_build: Annotated[
        bool, typer.Option("--keep-build", help="keep .flash/.build, what the artifact is of")
    ] = False,
    python_version: Annotated[str | None, typer.Option(help="Python of the workers, as in 3.12")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="folder or .tar.gz for the artifact")] = None,
    from_magics: Annotated[bool, typer.Option("--from-magics", help="%%remote cells are handlers too")] = False,
    mothership: Annotated[
        bool, typer.Option("--mothership", help="one endpoint more: the app's routes, and the state of all others")
    ] = False,
    preview: Annotated[bool, typer.Option("--preview", help="run it on the embedded Runpod, and compare")] = False,
    preview_docker: Annotated[
        bool, typer.Option("--preview-docker", help="the same in containers of the images; also --preview=docker")
    ] = False,
    try_defaults: Annotated[
        bool,
        typer.Option("--try-defaults", help="with --preview: call functions of .py modules too, with their defaults"),
    ] = False,
    as_json: Json = False,
) -> None:
    """Build what is deployed: .flash/artifact.tar.gz with its manifest. Nothing of the project is run."""
    from flash_jupyter.build import bundle
    from flash_jupyter.build.target import read_exclude

    try:
        if python_version is not None:
            read_python(python_version)
    except OptionError as error:
        raise usage(error.message, as_json=as_json, fix=f"--python-version 3.12 ({error.fix})") from None
    is_previewed = preview or preview_docker
    if try_defaults and not is_previewed:
        raise usage("--try-defaults is for a preview", as_json=as_json, fix="--preview --try-defaults")
    excluded = tuple(sorted(read_exclude(exclude)))
    options = bundle.BuildOptions(excluded, keep_build, python_version, output, from_magics, mothership)
    with errors(as_json):
        with _progress(quiet=as_json) as report:
            built = bundle.build(path, options, report)
        if not as_json:
            typer.echo(sheet_text(built_sheet(built.to_json(), here=Path.cwd())))
        elif not is_previewed:
            print_json({"build": built.to_json()})
        if is_previewed:
            is_alike = show_preview(built, in_docker=preview_docker, try_defaults=try_defaults, as_json=as_json)
            if not is_alike:
                raise typer.Exit(FAILED)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[bundles.Report]:
    """Show the steps on stderr while they run, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as shown:
        task = shown.add_task("")

        def report(step: bundles.Progress) -> None:
            shown.update(task, description=step.text, completed=step.done, total=step.total)

        yield report


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
