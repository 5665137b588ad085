from __future__ import annotations

import pytest

from flash_jupyter.emulator.scheduler import Action, QueuedJob, Scaling, Start, Stop, WorkerView, schedule
from flash_jupyter.states import WorkerState

NOW = 100.0
DELAY = Scaling(0, 3, idle_timeout_s=5)
COUNT = Scaling(0, 3, queue_delay_s=None, request_count=2)


def waiting(seconds: float, *, low: bool = False) -> QueuedJob:
    return QueuedJob(NOW - seconds, low)


def idle(name: str, seconds: float = 0, *, version: int = 1) -> WorkerView:
    return WorkerView(name, WorkerState.IDLE, NOW - seconds, version)


def busy(name: str, *, version: int = 1, running: int = 1) -> WorkerView:
    return WorkerView(name, WorkerState.RUNNING, None, version, running)


def starting(name: str) -> WorkerView:
    return WorkerView(name, WorkerState.INITIALIZING)


def sick(name: str, *, running: int = 0) -> WorkerView:
    return WorkerView(name, WorkerState.RUNNING if running else WorkerState.IDLE, None, running=running, able=False)


CASES: list[tuple[str, Scaling, list[QueuedJob], list[WorkerView], list[Action]]] = [
    ("nothing to do, nothing happens", DELAY, [], [], []),
    ("a first job starts a worker at once", DELAY, [waiting(0)], [], [Start(1)]),
    ("many first jobs start one worker", DELAY, [waiting(0)] * 9, [], [Start(1)]),
    ("a job of low priority starts none", DELAY, [waiting(60, low=True)], [], []),
    ("no worker is allowed", Scaling(0, 0), [waiting(60)], [], []),
    ("a short wait adds none", DELAY, [waiting(3.9)], [busy("a")], []),
    ("a long wait adds one", DELAY, [waiting(4.1)], [busy("a")], [Start(1)]),
    ("a long wait of low priority adds none", DELAY, [waiting(9, low=True)], [busy("a")], []),
    ("one at a time: the last one is not ready yet", DELAY, [waiting(9)], [busy("a"), starting("b")], []),
    ("not above max", DELAY, [waiting(9)], [busy("a"), busy("b"), busy("c")], []),
    ("a minimum is kept without jobs", Scaling(2, 3), [], [], [Start(2)]),
    ("a minimum is filled up", Scaling(2, 3), [], [busy("a")], [Start(1)]),
    ("idle, but not for long", DELAY, [], [idle("a", 4)], []),
    ("idle for too long", DELAY, [], [idle("a", 6)], [Stop("a", "idle for 6 s")]),
    ("an idle worker of the minimum stays", Scaling(1, 3, idle_timeout_s=5), [], [idle("a", 60)], []),
    (
        "the longest idle one goes first",
        Scaling(1, 3, idle_timeout_s=5),
        [],
        [idle("a", 6), idle("b", 9)],
        [Stop("b", "idle for 9 s")],
    ),
    ("a busy worker is never ended", DELAY, [], [busy("a")], []),
    ("max was lowered: idle ones go", Scaling(0, 1), [], [idle("a", 1), busy("b")], [Stop("a", "more than 1 workers")]),
    ("max was lowered: busy ones finish", Scaling(0, 1), [], [busy("a"), busy("b")], []),
    (
        "an idle worker of an old release is replaced for the minimum",
        Scaling(1, 3, version=2),
        [],
        [idle("a", 0)],
        [Stop("a", "its endpoint has a new release"), Start(1)],
    ),
    ("a busy worker of an old release finishes", Scaling(0, 3, version=2), [], [busy("a")], []),
    (
        "an unhealthy worker goes",
        DELAY,
        [],
        [WorkerView("a", WorkerState.UNHEALTHY)],
        [Stop("a", "unhealthy")],
    ),
    ("requests decide: ceil(5/2) workers", COUNT, [waiting(0)] * 5, [], [Start(3)]),
    ("requests decide: running ones count", COUNT, [waiting(0)], [busy("a", running=2)], [Start(1)]),
    ("requests decide: enough workers", COUNT, [waiting(0)], [busy("a"), starting("b")], []),
    ("requests decide: not above max", COUNT, [waiting(0)] * 50, [], [Start(3)]),
    ("requests decide: low priority does not", COUNT, [waiting(9, low=True)] * 5, [], []),
    ("one that can't be given work does none of it: another starts", COUNT, [waiting(0)], [sick("a")], [Start(1)]),
    ("what it still has counts for nobody", COUNT, [waiting(0)] * 2, [sick("a", running=2)], [Start(1)]),
    ("but it takes a place", Scaling(0, 1, request_count=1), [waiting(0)], [sick("a")], []),
    ("a minimum is of those that can be given work", Scaling(1, 2), [], [sick("a", running=1)], [Start(1)]),
]


@pytest.mark.parametrize(
    ("scaling", "queue", "workers", "actions"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_schedule(scaling: Scaling, queue: list[QueuedJob], workers: list[WorkerView], actions: list[Action]) -> None:
    assert schedule(scaling, queue, workers, NOW) == actions
