"""The end of an environment or an app: shown, asked for twice, done, and what is left is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from flash_jupyter.cli.desk import Desk, news_of
from flash_jupyter.cli.work import Work
from flash_jupyter.views.deploy import inventory_sheet, removed_sheet

if TYPE_CHECKING:
    from flash_jupyter.deploy.removal import Inventory, Removed
    from flash_jupyter.deploy.terms import Progress, Report
    from flash_jupyter.session.links import Link

Volumes = Annotated[bool, typer.Option("--volumes", help="network volumes too, with all that is on them")]


def delete_environment(desk: Desk, app: str, environment: str, *, volumes: bool, yes: bool) -> None:
    """Delete an environment; its name is typed by who is asked."""
    from flash_jupyter.deploy.removal import look_at_environment, remove_environment

    inventory = desk.call(lambda link: look_at_environment(link, app, environment, volumes=volumes))
    _confirm(desk, inventory, f"environment {environment} of app {app}", environment, yes=yes)
    _remove(
        desk,
        f"deleting {app}/{environment}",
        lambda link, report: remove_environment(link, app, environment, volumes=volumes, report=report),
        lambda link: look_at_environment(link, app, environment, volumes=volumes),
    )


def delete_app(desk: Desk, app: str, *, volumes: bool, yes: bool) -> None:
    """Delete an app; its name is typed by who is asked."""
    from flash_jupyter.deploy.removal import look_at_app, remove_app

    inventory = desk.call(lambda link: look_at_app(link, app, volumes=volumes))
    _confirm(desk, inventory, f"app {app}", app, yes=yes)
    _remove(
        desk,
        f"deleting app {app}",
        lambda link, report: remove_app(link, app, volumes=volumes, report=report),
        lambda link: look_at_app(link, app, volumes=volumes),
    )


def _confirm(desk: Desk, inventory: Inventory, subject: str, name: str, *, yes: bool) -> None:
    sheet = inventory_sheet(inventory.to_json(), subject)
    desk.confirm(f"delete {subject}?", yes=yes, name=name, sheet=sheet)


def _remove(
    desk: Desk,
    title: str,
    remove: Callable[[Link, Report], Awaitable[Removed]],
    look: Callable[[Link], Awaitable[Inventory]],
) -> None:
    async def work(link: Link, at_work: Work[Progress, None]) -> Removed:
        return await remove(link, at_work.report)

    async def still_there(link: Link) -> str:
        left = (await look(link)).named("endpoint")
        there = f"still there: {', '.join(left)}" if left else "its endpoints are deleted"
        return f"interrupted at {title}; {there}; the same command again does the rest"

    removed = desk.work(title, work, read=news_of, state=still_there).to_json()
    desk.show(removed_sheet(removed), {"removed": removed})
