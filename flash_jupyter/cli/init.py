"""`flash init`: a new project. A thin face over `develop/init.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flash_jupyter.cli.desk import at_desk
from flash_jupyter.cli.output import Json
from flash_jupyter.develop.init import create_project
from flash_jupyter.views.project import project_text


def init(
    context: typer.Context,
    name: Annotated[Path, typer.Argument(help="folder of the project; without it, and with `.`, the current one")] = (
        Path()
    ),
    force: Annotated[bool, typer.Option("--force", "-f", help="overwrite files that are there")] = False,
    as_json: Json = False,
) -> None:
    """Make a project that works as it stands: workers, a notebook, a web API; nothing is overwritten."""
    with at_desk(context, as_json=as_json) as desk:
        created = create_project(name, force=force).to_json()
        desk.show(project_text(created, here=Path.cwd()), {"project": created})
