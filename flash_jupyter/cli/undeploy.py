"""`flash undeploy` and `flash sweep`: the end of endpoints that are named or chosen, and of those that have expired."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from flash_jupyter.cli.desk import Desk, at_desk, face_of, in_notebook
from flash_jupyter.cli.output import Json, Yes
from flash_jupyter.session.sweep import Swept
from flash_jupyter.views.deploy import choices_sheet

if TYPE_CHECKING:
    from flash_jupyter.deploy.choosing import Choice

#: instead of a name: show what there is
LIST = "list"
TAKES = "undeploy takes a name, `list`, or --all for all of yours"


def undeploy(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="name, id or APP/ENV/NAME; `list` shows them; without it, choose in a terminal"),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="all endpoints of yours")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete an endpoint, or all of yours; says so once the server no longer lists them."""
    is_chosen_here = name is None and not everything
    if (name is not None and everything) or (is_chosen_here and (as_json or yes or not _can_choose(context))):
        raise face_of(context).misused(TAKES, fix="flash undeploy list shows them", as_json=as_json)
    with at_desk(context, as_json=as_json) as desk:
        choices = _choices(desk)
        if name == LIST:
            rows = [each.to_json() for each in choices]
            desk.show(choices_sheet(rows, datetime.now(timezone.utc)), {"endpoints": rows})
            return
        chosen = _chosen(desk, choices, name, everything=everything)
        # a cell that names one endpoint has said it; what others may be calling is asked about all the same
        is_said = in_notebook(context) and not everything and not any(each.place for each in chosen)
        _delete(desk, chosen, yes=yes or is_said, is_all=everything)


def _can_choose(context: typer.Context) -> bool:
    """Whether somebody sits at a terminal."""
    return not in_notebook(context) and sys.stdin.isatty()


def _choices(desk: Desk) -> list[Choice]:
    """List what there is; the embedded Runpod is not started to be asked."""
    from flash_jupyter.deploy.choosing import list_choices
    from flash_jupyter.session.local import local_info

    settings = desk.session.settings
    if settings.backend == "local" and local_info(settings) is None:
        return []
    return desk.call(list_choices)


def _chosen(desk: Desk, choices: Sequence[Choice], name: str | None, *, everything: bool) -> list[Choice]:
    from flash_jupyter.deploy.choosing import choose, choose_numbers

    if everything:
        return [each for each in choices if each.owner == desk.session.settings.owner]
    if name is not None:
        return [choose(choices, name)]
    if not choices:
        return []
    desk.face.show(choices_sheet([each.to_json() for each in choices], datetime.now(timezone.utc)))
    text = typer.prompt("delete which? numbers as in 1,3-4, or nothing", err=True, default="", show_default=False)
    return choose_numbers(choices, text)


def _delete(desk: Desk, chosen: Sequence[Choice], *, yes: bool, is_all: bool) -> None:
    if not chosen:
        desk.show(["nothing to delete"], {"deleted": []})
        return
    ids = {each.id for each in chosen}
    note = _said_of_return(desk, ids) if any(each.place for each in chosen) else ""
    desk.confirm(_question(desk, chosen, is_all=is_all), yes=yes, sheet=[note] if note else [])
    deleted = desk.session.undeploy_ids(ids)
    said = filter(None, [f"deleted: {', '.join(deleted)}", note])
    desk.show(list(said), {"deleted": deleted, **({"note": note} if note else {})})


def _said_of_return(desk: Desk, ids: Collection[str]) -> str:
    from flash_jupyter.deploy.returning import said_of_return

    return desk.call(lambda link: said_of_return(link, lambda each: each.id in ids))


def _question(desk: Desk, chosen: Sequence[Choice], *, is_all: bool) -> str:
    """Say what would go; a deployed endpoint is one that somebody may be calling."""
    deployed = sorted({each.place for each in chosen if each.place})
    beware = f" (deployed: {', '.join(deployed)})" if deployed else ""
    if is_all:
        return f"delete all endpoints of {desk.session.settings.owner}, {len(chosen)} in number{beware}?"
    many = "s" if len(chosen) > 1 else ""
    return f"delete endpoint{many} {', '.join(each.path for each in chosen)}{beware}?"


def sweep(context: typer.Context, yes: Yes = False, as_json: Json = False) -> None:
    """List expired endpoints of yours without a job, and delete them; --json without --yes only lists.

    Exit code 1 where nobody said yes.
    """
    with at_desk(context, as_json=as_json) as desk:
        orphans = desk.session.orphans()
        listed = [orphan.describe() for orphan in orphans]
        if orphans and not yes and not as_json and in_notebook(context):
            said = f"nothing was deleted; to delete {'it' if len(orphans) == 1 else 'them'}: %flash sweep --yes"
            desk.face.show([*listed, said])
            return
        desk.show_beside(listed)
        if orphans and not as_json:
            desk.confirm("delete?", yes=yes)
        is_wanted = bool(orphans) and (yes or not as_json)
        swept = desk.session.sweep(orphan.id for orphan in orphans) if is_wanted else Swept([], [])
        rows = [orphan.to_json() for orphan in orphans]
        desk.show([swept.describe()], {"orphans": rows, "deleted": swept.deleted, "kept": swept.kept})
