"""Faults of the platform on demand: which there are, which are set, and whether one hits. Pure, no I/O, no clock.

`faults.json` is the list. A fault is set over `/_flash/faults`, and is gone when the server ends; or it is in the name
of an endpoint, and goes with it: `--fault-KIND`, with `-3s` and `-x2` behind it for its seconds and its times.
What happens to a worker is in `faulty_workers`, what happens to a request in `faulty_answers`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

_MARK = "--fault-"
_IN_NAME = re.compile(r"(?P<kind>.+?)(?:-(?P<seconds>\d+(?:\.\d+)?)s)?(?:-x(?P<times>\d+))?")
#: what a create answers, the status and the text; the platform's own texts are not documented
REFUSALS = {
    "quota": (400, "workers.max of all endpoints together would exceed the account's worker quota"),
    "out-of-money": (402, "the account balance is too low to create an endpoint"),
}


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


@dataclass(eq=False)
class Fault:
    """A fault that is set. `endpoint` is a name, an id or a pattern; it hits every `every`-th time, `times` at most."""

    id: int
    kind: Kind
    endpoint: str = "*"
    route: str = ""
    hardware: tuple[str, ...] = ()
    seconds: float | None = None
    times: int | None = None
    every: int = 1
    seen: int = 0
    hits: int = 0
    by_name: bool = False
    cleared: bool = False

    def count(self) -> bool:
        """Count an occasion; True when the fault hits it.

        >>> fault = Fault(1, kinds()["500"], times=2, every=2)
        >>> [fault.count() for _ in range(6)]
        [False, True, False, True, False, False]
        """
        self.seen += 1
        hit = self.seen % self.every == 0 and (self.times is None or self.hits < self.times)
        self.hits += hit
        return hit

    def show(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "id": self.id,
            "kind": self.kind.name,
            "endpoint": self.endpoint,
            "route": self.route,
            "hardware": list(self.hardware),
            "seconds": self.seconds,
            "times": self.times,
            "every": self.every,
            "seen": self.seen,
            "hits": self.hits,
            "by_name": self.by_name,
        }


@dataclass(frozen=True)
class Target:
    """What a request is about: its operation (`run`, `status`, `create` ...) and its endpoint, if it has one."""

    operation: str
    endpoint_id: str | None = None


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


class Faults:
    """The faults that are set; `active` is False as long as there is none, and then nobody asks."""

    def __init__(self) -> None:
        self.active = False
        self._numbers = count(1)
        self._set: list[Fault] = []
        self._named: dict[str, list[Fault]] = {}
        self._names: dict[str, str] = {}

    def set(self, wanted: Mapping[str, Any]) -> Fault:
        """Set a fault; raises `BadFault`."""
        kind = check(wanted)
        fault = self._make(kind, {**wanted, "endpoint": wanted.get("endpoint") or "*"})
        self._set.append(fault)
        self.active = True
        return fault

    def _make(self, kind: Kind, wanted: Mapping[str, Any], *, by_name: bool = False) -> Fault:
        seconds = wanted.get("seconds")
        return Fault(
            id=next(self._numbers),
            kind=kind,
            endpoint=wanted["endpoint"],
            route=wanted.get("route") or "",
            hardware=tuple(wanted.get("hardware") or ()),
            seconds=kind.seconds if seconds is None else float(seconds),
            times=wanted.get("times"),
            every=wanted.get("every") or 1,
            by_name=by_name,
        )

    def clear(self, kind: str | None = None) -> int:
        """Take back what was set, all or of one kind; those in a name stay. Returns how many."""
        gone = [fault for fault in self._set if kind in (None, fault.kind.name)]
        self._set = [fault for fault in self._set if fault not in gone]
        _clear(gone)
        self._update()
        return len(gone)

    def all(self) -> list[Fault]:
        """Return all faults, those in names last."""
        return [*self._set, *(fault for named in self._named.values() for fault in named)]

    # --- endpoints -----------------------------------------------------------------------------------------------

    def know(self, endpoint_id: str, name: str) -> None:
        """Remember an endpoint's name, and the faults in it."""
        if self._names.get(endpoint_id) == name:
            return
        self.forget(endpoint_id)
        self._names[endpoint_id] = name
        named = self._in_name(name, endpoint_id) if name_error(name) is None else []
        if named:
            self._named[endpoint_id] = named
        self._update()

    def _in_name(self, name: str, endpoint: str) -> list[Fault]:
        return [self._make(check(each), {**each, "endpoint": endpoint}, by_name=True) for each in parse_name(name)]

    def forget(self, endpoint_id: str) -> None:
        """The endpoint is gone, and what was in its name with it."""
        self._names.pop(endpoint_id, None)
        _clear(self._named.pop(endpoint_id, []))
        self._update()

    def _update(self) -> None:
        self.active = bool(self._set or self._named)

    # --- whether one hits ----------------------------------------------------------------------------------------

    def refusal(self, name: str) -> tuple[int, str] | None:
        """Return status and text when an endpoint of this name must not be created."""
        bad = name_error(name)
        if bad is not None:
            return 400, bad
        for fault in (*self._set, *self._in_name(name, "*")):
            if fault.kind.name in REFUSALS and fnmatchcase(name, fault.endpoint) and fault.count():
                return REFUSALS[fault.kind.name]
        return None

    def of_new_worker(self, endpoint_id: str, hardware: Sequence[str]) -> Fault | None:
        """Return the fault that a new worker of the endpoint gets; `hardware` are its pools or CPU flavours."""
        faults = list(self._of(endpoint_id, "workers"))
        for fault in faults:
            if fault.kind.name == "idle-worker":
                continue
            if fault.kind.name == "no-stock" and not all(_is_sold_out(each, faults) for each in hardware):
                continue
            if fault.kind.name == "no-workers" or fault.count():
                return fault
        return None

    def is_sold_out(self, hardware: str) -> bool:
        """Whether there is none of a GPU pool or a CPU flavour, for any endpoint."""
        return _is_sold_out(hardware, [fault for fault in self._set if fault.endpoint == "*"])

    def withholds_jobs(self, endpoint_id: str) -> bool:
        """Whether workers of the endpoint ask in vain."""
        return any(fault.kind.name == "idle-worker" for fault in self._of(endpoint_id, "workers"))

    def of_job(self, kind: str, endpoint_id: str) -> Fault | None:
        """Return the fault of this kind that hits a job of the endpoint; counted."""
        return next((f for f in self._of(endpoint_id, "jobs") if f.kind.name == kind and f.count()), None)

    def of_request(self, method: str, path: str) -> list[Fault]:
        """Return the faults that hit a request; counted. Workers' own requests are never hit."""
        target = target_of(method, path)
        if target.operation in _NOT_PUBLIC:
            return []
        return [
            fault
            for fault in self._of(target.endpoint_id, "requests")
            if fault.route in ("", target.operation) and fault.count()
        ]

    def _of(self, endpoint_id: str | None, at: str) -> Iterator[Fault]:
        names = [endpoint_id or "", self._names.get(endpoint_id or "", "")]
        for fault in self.all():
            if fault.kind.at == at and any(fnmatchcase(name, fault.endpoint) for name in names):
                yield fault


def _is_sold_out(hardware: str, faults: Iterable[Fault]) -> bool:
    lists = [fault.hardware for fault in faults if fault.kind.name == "no-stock"]
    return any(not listed or hardware in listed for listed in lists)


def _clear(faults: Iterable[Fault]) -> None:
    for fault in faults:
        fault.cleared = True
