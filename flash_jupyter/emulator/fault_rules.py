"""The rules of faults: which there are, what may be given with each, how a name has one, what a request is about. Pure.

`faults.json` is the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

_MARK = "--fault-"
_IN_NAME = re.compile(r"(?P<kind>.+?)(?:-(?P<seconds>\d+(?:\.\d+)?)s)?(?:-x(?P<times>\d+))?")


class BadFault(Exception):
    """A fault that can't be set; the text says why, and what there is."""


@dataclass(frozen=True)
class Kind:
    """A row of `faults.json`: where it hits (`at`), what may be given with it, its default of seconds."""

    name: str
    at: str
    takes: tuple[str, ...]
    seconds: float | None
    what: str


@lru_cache(maxsize=1)
def kinds() -> dict[str, Kind]:
    """Return all kinds of faults, by name."""
    rows = json.loads(Path(__file__).with_name("faults.json").read_text())["kinds"]
    return {name: Kind(name, row["at"], tuple(row["takes"]), row["seconds"], row["what"]) for name, row in rows.items()}


@dataclass(frozen=True)
class Target:
    """What a request is about: its operation (`run`, `status`, `create` ...) and its endpoint, if it has one."""

    operation: str
    endpoint_id: str | None = None

    @property
    def is_public(self) -> bool:
        """Whether a fault may hit it: not the workers' own requests, and not ours."""
        return self.operation not in _NOT_PUBLIC


_CONTROL = {"GET": "get", "PATCH": "update", "DELETE": "delete"}
_NOT_PUBLIC = frozenset({"_flash", "job-take", "job-take-batch", "job-done", "job-stream", "job-stop", "ping"})


def target_of(method: str, path: str) -> Target:
    """Return what a request is about.

    >>> target_of("POST", "/v2/serverless"), target_of("GET", "/v2/serverless/ep1/workers/w1/logs")
    (Target(operation='create', endpoint_id=None), Target(operation='logs', endpoint_id='ep1'))
    >>> target_of("GET", "/v2/ep1/status/j1"), target_of("GET", "/v2/templates")
    (Target(operation='status', endpoint_id='ep1'), Target(operation='templates', endpoint_id=None))
    """
    words = path.strip("/").split("/")
    if words[:2] == ["v2", "serverless"]:
        if len(words) == 2:
            return Target("create" if method == "POST" else "list")
        return Target(words[-1] if len(words) > 3 else _CONTROL.get(method, method.lower()), words[2])
    if words[0] == "lb" and len(words) > 1:
        return Target("lb", words[1])
    if words[0] == "v2" and len(words) > 2:
        return Target(words[2], words[1])
    return Target(words[1] if words[0] == "v2" and len(words) > 1 else words[0])


def parse_name(name: str) -> list[dict[str, Any]]:
    """Return the faults in an endpoint's name; raises `BadFault`.

    >>> parse_name("demo--fault-slow-pull-30s--fault-500-x2")
    [{'kind': 'slow-pull', 'seconds': 30.0}, {'kind': '500', 'times': 2}]
    """
    wanted = []
    for part in name.split(_MARK)[1:]:
        match = _IN_NAME.fullmatch(part)
        kind, seconds, times = match.groups() if match else (part, None, None)
        wanted.append(
            {
                "kind": kind,
                **({"seconds": float(seconds)} if seconds else {}),
                **({"times": int(times)} if times else {}),
            }
        )
    for each in wanted:
        check(each)
    return wanted


def name_error(name: str) -> str | None:
    """Return what is wrong with the faults in an endpoint's name.

    >>> name_error("demo--fault-throtled")
    "no fault 'throtled'; did you mean 'throttled'?"
    """
    try:
        parse_name(name)
    except BadFault as bad:
        return str(bad)
    return None


def check(wanted: Mapping[str, Any]) -> Kind:
    """Return the kind of a wanted fault; raises `BadFault` where it, or what is given with it, does not exist."""
    name = wanted.get("kind")
    kind = kinds().get(name) if isinstance(name, str) else None
    if kind is None:
        near = get_close_matches(str(name), kinds(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(kinds())}"
        raise BadFault(f"no fault {name!r}; {hint}")
    for parameter, value in wanted.items():
        if parameter == "kind" or value is None:
            continue
        if parameter not in kind.takes:
            raise BadFault(f"{kind.name} takes {', '.join(kind.takes)}, not {parameter}")
        if not _VALID[parameter](value):
            raise BadFault(f"{parameter}: {value!r} is not {_MEANS[parameter]}")
    return kind


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


_VALID = {
    "endpoint": _is_text,
    "route": _is_text,
    "hardware": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "seconds": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0,
    "times": _is_count,
    "every": _is_count,
}
_MEANS = {
    "endpoint": "a name, an id or a pattern",
    "route": "an operation such as run, status, create",
    "hardware": "a list of pool or flavour ids",
    "seconds": "a number of seconds",
    "times": "a whole number from 1 on",
    "every": "a whole number from 1 on",
}
