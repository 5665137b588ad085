"""What cells of a scratch copy make on the embedded Runpod: endpoints with an owner of their own, removed at its end.

So those that the user has already stay, also where the notebook says `%flash undeploy --all`.
"""

from __future__ import annotations

import secrets

from flash_jupyter.resources.endpoint import OWNER
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local import local_info
from flash_jupyter.session.loop import LoopThread
from flash_jupyter.session.sweep import has_expired
from flash_jupyter.settings import Settings

_WORD = "-scratch-"


def scratch_owner(settings: Settings) -> str:
    """Return whose endpoints those of one scratch copy are."""
    return f"{settings.owner}{_WORD}{secrets.token_hex(3)}"


def remove_left(owner: str, settings: Settings) -> list[str]:
    """Remove the endpoints of a scratch copy, whose kernel has ended, and return their names. Blocking.

    Those that killed ones left go with them when their time is over. Raises `ApiError` where one is still listed.
    """
    if local_info(settings) is None:
        return []
    links, loop = Links(settings), LoopThread("flash_jupyter scratch")
    try:
        return loop.call(_remove(links.open("local"), owner))
    finally:
        loop.close(links.aclose)


async def _remove(link: Link, owner: str) -> list[str]:
    any_of_user, now = owner[: owner.rindex(_WORD) + len(_WORD)], link.http.server_now()
    left = [
        each
        for each in await link.control.endpoints()
        if (label := each.env.get(OWNER, "")) == owner or (label.startswith(any_of_user) and has_expired(each, now))
    ]
    return await link.provisioner.undeploy(left)
