"""Faults of the platform on demand: which are set, and whether one hits. Pure, no I/O, no clock.

A fault is set over `/_flash/faults`, and is gone when the server ends; or it is in the name of an endpoint, and goes
with it: `--fault-KIND`, with `-3s` and `-x2` behind it for its seconds and its times. `fault_rules` has the rules. What
happens to a worker is in `faulty_workers`, what happens to a request in `faulty_answers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

from flash_jupyter.emulator.fault_rules import Kind, check, name_error, parse_name, target_of
from flash_jupyter.emulator.problems import ARTIFACTS

#: what a create answers, the status and the text; the platform's own texts are not documented
REFUSALS = {
    "quota": (400, "workers.max of all endpoints together would exceed the account's worker quota"),
    "out-of-money": (402, "the account balance is too low to create an endpoint"),
}


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

        >>> fault = Fault(1, check({"kind": "500"}), times=2, every=2)
        >>> [fault.count() for _ in range(6)]
        [False, True, False, True, False, False]
        """
        self.seen += 1
        hit = self.seen % self.every == 0 and (self.times is None or self.hits < self.times)
        self.hits += hit
        return hit

    def show(self) -> dict[str, Any]:
        """Return it as JSON."""
        shown = {name: value for name, value in vars(self).items() if name != "cleared"}
        return {**shown, "kind": self.kind.name, "hardware": list(self.hardware)}


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
        if not target.is_public:
            return []
        return [
            fault
            for fault in self._of(target.endpoint_id, "requests")
            if fault.route in ("", target.operation) and fault.count()
        ]

    def cuts_upload(self, method: str, path: str) -> bool:
        """Whether a request is an upload that a fault cuts; counted."""
        if method != "PUT" or not path.startswith(ARTIFACTS):
            return False
        return any(fault.count() for fault in self._set if fault.kind.at == "uploads")

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
