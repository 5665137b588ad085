"""What a development server leaves behind: nothing that it made. What could not be removed is said, with its price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flash_jupyter.errors import ApiError, FlashError
from flash_jupyter.resources.endpoint import OWNER
from flash_jupyter.session.links import Link
from flash_jupyter.session.session import Session


@dataclass
class Ledger:
    """The endpoints that a run has made: name -> id, None while it is not known whether it was made."""

    made: dict[str, str | None] = field(default_factory=dict)

    def note(self, name: str, endpoint_id: str | None) -> None:
        """An endpoint is about to be made, or was made."""
        self.made[name] = endpoint_id


@dataclass(frozen=True)
class Removed:
    """Names that a listing no longer shows, names that it does or may, and why."""

    deleted: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    problem: FlashError | None = None


def remove(made: Mapping[str, str | None], session: Session) -> Removed:
    """Delete what a run has made; blocking, and true: what is reported as deleted is not listed any more."""
    if not made:
        return Removed()
    try:
        return session.loop.call(_remove(made, session.links.open(session.settings.backend), session.settings.owner))
    except FlashError as error:
        return Removed(left=tuple(made), problem=error)


async def _remove(made: Mapping[str, str | None], link: Link, owner: str) -> Removed:
    ids = {endpoint_id for endpoint_id in made.values() if endpoint_id}
    # its process ended between the request and the answer: there was none of this name before
    unsure = {name for name, endpoint_id in made.items() if endpoint_id is None}
    listed = await link.control.endpoints()
    mine = [e for e in listed if e.id in ids or (e.name in unsure and e.env.get(OWNER) == owner)]
    names = {endpoint.id: endpoint.name for endpoint in mine}
    try:
        await link.provisioner.undeploy(mine)
    except ApiError as error:
        still = {endpoint.id for endpoint in await link.control.endpoints()}
        left = tuple(name for key, name in names.items() if key in still)
        return Removed(tuple(name for key, name in names.items() if key not in still), left, error if left else None)
    return Removed(tuple(names.values()))
