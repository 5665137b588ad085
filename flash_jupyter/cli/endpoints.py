"""`flash endpoints` and `flash undeploy`: what the server lists, and its removal. A thin face over the session."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

import typer

from flash_jupyter.cli.output import Json, Yes, confirm, opened, print_json, usage
from flash_jupyter.session.session import Session
from flash_jupyter.views.listing import endpoints_bundle


def list_endpoints(as_json: Json = False) -> None:
    """List endpoints, oldest first, with what each does, costs, and whose it is; times are UTC."""
    with opened(as_json) as session:
        rows = [entry.to_json() for entry in session.overview().endpoints]
    if as_json:
        print_json({"endpoints": rows})
    else:
        typer.echo(endpoints_bundle(rows, datetime.now(timezone.utc))["text/plain"])


def undeploy(
    name: Annotated[str | None, typer.Argument(help="name or id of an endpoint")] = None,
    everything: Annotated[bool, typer.Option("--all", help="all endpoints of yours")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete an endpoint, or all of yours; says so once the server no longer lists them."""
    if (name is None) is not everything:
        raise usage("undeploy takes a name, or --all for all of yours", as_json=as_json)
    with opened(as_json) as session:
        if not yes and (question := _question(session, name)):
            confirm(question, as_json=as_json)
        deleted = session.undeploy_all() if name is None else session.undeploy(name)
    if as_json:
        print_json({"deleted": deleted})
    else:
        typer.echo(f"deleted: {', '.join(deleted)}" if deleted else "nothing to delete")


def _question(session: Session, name: str | None) -> str:
    """Say what would be deleted; empty where there is nothing."""
    if name is not None:
        return f"delete endpoint {name}?"
    owner = session.settings.owner
    count = sum(view.owner == owner for view in session.endpoints())
    return f"delete all endpoints of {owner}, {count} in number?" if count else ""
