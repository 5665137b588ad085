"""`flash build`: from a notebook or a project to its artifact."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flash_jupyter.cli.output import Json, errors, print_json, usage
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.images import read_python
from flash_jupyter.views.bundle import bundle_text

if TYPE_CHECKING:
    from flash_jupyter.build import bundle as bundles


def build(
    path: Annotated[Path, typer.Argument(exists=True, help="a notebook, a Python file or a folder")] = Path(),
    exclude: Annotated[str, typer.Option(help="packages to leave out: a,b")] = "",
    keep_build: Annotated[
        bool, typer.Option("--keep-build", help="keep .flash/.build, what the artifact is of")
    ] = False,
    python_version: Annotated[str | None, typer.Option(help="Python of the workers, as in 3.12")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="folder or .tar.gz for the artifact")] = None,
    from_magics: Annotated[bool, typer.Option("--from-magics", help="%%remote cells are handlers too")] = False,
    as_json: Json = False,
) -> None:
    """Build what is deployed: .flash/artifact.tar.gz with its manifest. Nothing of the project is run."""
    from flash_jupyter.build import bundle
    from flash_jupyter.build.baseimage import read_exclude

    try:
        if python_version is not None:
            read_python(python_version)
    except OptionError as error:
        raise usage(error.message, as_json=as_json, fix=f"--python-version 3.12 ({error.fix})") from None
    options = bundle.BuildOptions(tuple(sorted(read_exclude(exclude))), keep_build, python_version, output, from_magics)
    with errors(as_json), _progress(quiet=as_json) as report:
        built = bundle.build(path, options, report)
    if as_json:
        print_json({"build": built.to_json()})
    else:
        typer.echo(bundle_text(built.to_json(), here=Path.cwd()))


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
