"""What has to be done so that the platform has what a manifest wants: pure, and the same from every machine.

Both sides are tables of flat fields (`fields.py`). What an endpoint is called and which environment it is in
says its labels; a file of this machine says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

#: fields with which an endpoint is made, and which can't be changed afterwards: the platform refuses another `type` and
#: another family; a volume, or another data centre, would leave workers where their files are not
FIXED = ("type", "family", "volumes", "locations")
#: begins the fields of environment variables, whose values may be secret
ENV = "env."


class Action(str, Enum):
    """What is done to one endpoint."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True)
class Change:
    """One field, and what it is before and after; of an environment variable only whether it is set."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Step:
    """What is done to the endpoint of one resource; `endpoint_id` is the one that there is, None for a new one."""

    action: Action
    name: str
    endpoint_id: str | None = None
    changes: tuple[Change, ...] = ()

    def __str__(self) -> str:
        """One line for a terminal.

        >>> str(Step(Action.UPDATE, "scorer", "ep1", (Change("workers.max", 1, 3),)))
        'update scorer: workers.max 1 → 3'
        """
        changed = ", ".join(f"{each.field} {_text(each.before)} → {_text(each.after)}" for each in self.changes)
        return f"{self.action.value} {self.name}" + (f": {changed}" if changed else "")


@dataclass(frozen=True)
class Plan:
    """The steps, by the names of the resources."""

    steps: tuple[Step, ...] = ()

    def of(self, *actions: Action) -> tuple[Step, ...]:
        """Return the steps with one of these actions."""
        return tuple(step for step in self.steps if step.action in actions)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the steps as JSON has them."""
        return [
            {
                "action": step.action.value,
                "name": step.name,
                "endpoint_id": step.endpoint_id,
                "changes": [asdict(change) for change in step.changes],
            }
            for step in self.steps
        ]


@dataclass(frozen=True)
class Existing:
    """An endpoint of the environment that the platform lists; `name` is its resource."""

    name: str
    endpoint_id: str
    fields: Mapping[str, Any] = field(repr=False)
    created_at: str = ""


def make_plan(wanted: Mapping[str, Mapping[str, Any]], actual: Iterable[Existing]) -> Plan:
    """Return the steps from what there is to what is wanted: the fields of each resource.

    Of two endpoints of one resource, the one that fits stays, and of two such the older; the other goes.
    """
    steps: list[Step] = []
    standing: dict[str, list[Existing]] = {}
    for each in actual:
        standing.setdefault(each.name, []).append(each)
    for name, fields in wanted.items():
        found = sorted(standing.pop(name, []), key=lambda each: _rank(fields, each))
        steps.append(_step(name, fields, found[0]) if found else Step(Action.CREATE, name))
        steps += [Step(Action.DELETE, name, each.endpoint_id) for each in found[1:]]
    for name, left in standing.items():
        steps += [Step(Action.DELETE, name, each.endpoint_id) for each in left]
    return Plan(tuple(sorted(steps, key=lambda step: step.name)))


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the fields in which two configurations differ, sorted by name.

    >>> changes_between({"workers.max": 1, "env.MODE": "a"}, {"workers.max": 3, "env.MODE": "b"})[1]
    Change(field='workers.max', before=1, after=3)
    """
    names = sorted({*before, *after})
    return tuple(
        _change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )


def _rank(wanted: Mapping[str, Any], found: Existing) -> tuple[bool, str, str]:
    return is_other_endpoint(changes_between(found.fields, wanted)), found.created_at, found.endpoint_id


def _step(name: str, wanted: Mapping[str, Any], found: Existing) -> Step:
    changes = changes_between(found.fields, wanted)
    if not changes:
        return Step(Action.KEEP, name, found.endpoint_id)
    return Step(Action.REPLACE if is_other_endpoint(changes) else Action.UPDATE, name, found.endpoint_id, changes)


def is_other_endpoint(changes: tuple[Change, ...]) -> bool:
    """Whether these changes ask for an endpoint that has yet to be made."""
    return any(change.field in FIXED for change in changes)


def _change(name: str, before: Any, after: Any) -> Change:
    if not name.startswith(ENV):
        return Change(name, before, after)
    if before is None or after is None:
        return Change(name, *("not set" if value is None else "set" for value in (before, after)))
    return Change(name, "set", "set to another value")


def _text(value: Any) -> str:
    if value is None or value in ("", [], ()):
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
