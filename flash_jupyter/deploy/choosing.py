"""Which endpoint is meant: by its id, as APP/ENV/NAME, or by a name that only one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flash_jupyter.deploy.labels import APP, ENV
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.endpoint import CREATED, OWNER
from flash_jupyter.session.endpoints import describe_hardware
from flash_jupyter.session.links import Link
from flash_jupyter.wire.control import Endpoint


@dataclass(frozen=True)
class Choice:
    """An endpoint that may be chosen; `place` is APP/ENV of a deployed one, else empty."""

    name: str
    id: str
    place: str
    hardware: str
    owner: str
    created_at: str

    @property
    def path(self) -> str:
        """APP/ENV/NAME of a deployed one, else its name."""
        return f"{self.place}/{self.name}" if self.place else self.name

    def __str__(self) -> str:
        """How a message names it."""
        return f"{self.path} ({self.id})"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


async def list_choices(link: Link) -> list[Choice]:
    """Return all endpoints of the account, by app and environment, then by name; one call."""
    choices = [_choice(each) for each in await link.control.endpoints()]
    return sorted(choices, key=lambda each: (each.place, each.name, each.created_at, each.id))


def choose(choices: Sequence[Choice], word: str) -> Choice:
    """Return the endpoint that a word means; raises `OptionError` where it means none, or several.

    >>> live, test = (Choice("ocr", f"id-{env}", f"shop/{env}", "", "", "") for env in ("live", "test"))
    >>> choose([live, test], "shop/test/ocr").id
    'id-test'
    """
    found = [each for each in choices if word in (each.name, each.path, each.id)]
    if not found:
        known = ", ".join(dict.fromkeys(each.path for each in choices)) or "there are none"
        raise OptionError(f"there is no endpoint {word}", fix=f"choose one of: {known}")
    if len(found) > 1:
        listed = ", ".join(map(str, found))
        raise OptionError(f"{len(found)} endpoints are called {word}", fix=f"give APP/ENV/NAME, or the id: {listed}")
    return found[0]


def choose_numbers(choices: Sequence[Choice], text: str) -> list[Choice]:
    """Return the endpoints of numbers from 1, as in `1,3` and `2-4`, or of a name; none for an empty text.

    >>> three = [Choice(name, name * 2, "", "", "", "") for name in "abc"]
    >>> [each.name for each in choose_numbers(three, "1, 2-3")], choose_numbers(three, " ")
    (['a', 'b', 'c'], [])
    """
    chosen: list[Choice] = []
    for word in text.replace(",", " ").split():
        first, dash, last = word.partition("-")
        if first.isdigit() and (last.isdigit() or not dash):
            chosen += _numbered(choices, int(first), int(last or first))
        else:
            chosen.append(choose(choices, word))
    return list(dict.fromkeys(chosen))


def _numbered(choices: Sequence[Choice], first: int, last: int) -> Sequence[Choice]:
    if not 1 <= first <= last <= len(choices):
        shown = str(first) if first == last else f"{first}-{last}"
        raise OptionError(f"there is no number {shown}", fix=f"choose from 1 to {len(choices)}")
    return choices[first - 1 : last]


def _choice(endpoint: Endpoint) -> Choice:
    env = endpoint.env
    return Choice(
        name=endpoint.name,
        id=endpoint.id,
        place=f"{env[APP]}/{env[ENV]}" if env.get(APP) and env.get(ENV) else "",
        hardware=describe_hardware(endpoint),
        owner=env.get(OWNER, ""),
        created_at=env.get(CREATED, endpoint.created_at),
    )
