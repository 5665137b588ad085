"""`%flash volumes`: list network volumes, and delete one; the same as `flash volumes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flash_jupyter.errors import OptionError
from flash_jupyter.views.format import one_line
from flash_jupyter.views.listing import json_bundle, volumes_bundle

if TYPE_CHECKING:
    from flash_jupyter.session.session import Session


def volumes(session: Session, arguments: list[str]) -> dict[str, Any]:
    """Do what the words behind `%flash volumes` say; returns the mime bundle to show."""
    if arguments[:1] == ["delete"]:
        return _delete(session, arguments[1:])
    if arguments not in ([], ["--json"]):
        raise OptionError(
            f"%flash volumes {' '.join(arguments)} does not exist",
            fix="write %flash volumes, %flash volumes --json, or %flash volumes delete NAME --yes",
        )
    rows = [volume.to_json() for volume in session.volumes()]
    return json_bundle({"volumes": rows}) if arguments else volumes_bundle(rows)


def _delete(session: Session, arguments: list[str]) -> dict[str, Any]:
    names = [word for word in arguments if word != "--yes"]
    if len(names) != 1 or names[0].startswith("-"):
        raise OptionError("%flash volumes delete takes one name or id", fix="write %flash volumes delete NAME --yes")
    if "--yes" not in arguments:
        raise OptionError(
            f"nothing was deleted: all that is on network volume {names[0]} would be lost",
            fix=f"write %flash volumes delete {names[0]} --yes",
        )
    session.delete_volume(names[0])
    return one_line(f"deleted: {names[0]}")
