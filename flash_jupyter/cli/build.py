"""`flash build`: from a notebook or a project to its artifact, and with `--preview` what that gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from flash_jupyter.cli.output import FAILED, Json, errors, print_json, usage
from flash_jupyter.cli.preview import show_preview
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.images import read_python
from flash_jupyter.views.build import bundle_text

if TYPE_CHECKING:
    from flash_jupyter.build import bundle as bundles


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
            typer.echo(bundle_text(built.to_json(), here=Path.cwd()))
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
