"""The phases of a job: when each began, and how long each took by the best clock there is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flash_jupyter.states import PHASES

#: what the worker does with a job, so what is billed of it
BILLED = frozenset({"dependencies", "running"})


@dataclass(frozen=True)
class Lap:
    """Some time in one phase; `seconds` is None for the one that lasts."""

    name: str
    began: float
    seconds: float | None = None


@dataclass
class Timeline:
    """The phases so far, in the order in which they came; one may come again, as the queue after a lost worker."""

    laps: list[Lap] = field(default_factory=list)

    @property
    def current(self) -> str:
        """The phase that lasts; empty before the first and after the last."""
        return self.laps[-1].name if self.laps and self.laps[-1].seconds is None else ""

    def enter(self, name: str, now: float) -> None:
        """Come to a phase; the one before ends."""
        if name != self.current:
            self.end(now)
            self.laps.append(Lap(name, now))

    def end(self, now: float) -> None:
        """End the phase that lasts."""
        if self.current:
            last = self.laps[-1]
            self.laps[-1] = Lap(last.name, last.began, now - last.began)

    def seconds(self, now: float) -> dict[str, float]:
        """Return how long each phase took so far, those that were met, in the order of `PHASES`.

        >>> line = Timeline()
        >>> line.enter("running", 2.0); line.enter("queue", 5.0); line.enter("running", 6.0)
        >>> line.seconds(now=10.0)
        {'queue': 1.0, 'running': 7.0}
        """
        spent = dict.fromkeys(PHASES, 0.0)
        for lap in self.laps:
            spent[lap.name] += now - lap.began if lap.seconds is None else lap.seconds
        met = {lap.name for lap in self.laps}
        return {name: seconds for name, seconds in spent.items() if name in met}


def settle(
    seen_s: Mapping[str, float],
    *,
    delay_s: float | None = None,
    execution_s: float | None = None,
    worker_s: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return how long each phase took, in seconds: by the platform's and the worker's clocks, else as seen from here.

    The platform's delay is queue and cold start together, its execution all that the worker did with the job. What was
    seen of them from here says only how they divide.

    >>> settle({"queue": 3.0, "starting": 1.0, "running": 9.0}, delay_s=5.0, execution_s=8.0)
    {'queue': 4.0, 'starting': 1.0, 'running': 8.0}
    """
    taken, worker = dict(seen_s), worker_s or {}
    if delay_s is not None:
        starting = min(taken.get("starting", 0.0), delay_s)
        taken["queue"] = delay_s - starting
        if starting:
            taken["starting"] = starting
    installing = worker.get("dependencies", taken.get("dependencies", 0.0))
    if "dependencies" in seen_s:
        taken["dependencies"] = installing
    if execution_s is not None:
        taken["running"] = max(0.0, execution_s - taken.get("dependencies", 0.0))
    elif "running" in worker:
        taken["running"] = worker["running"]
    return {name: taken[name] for name in PHASES if name in taken}
