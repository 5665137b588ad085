"""Coming back to a job: what it said so far from its journal and its answer, then its result."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path

from flash_jupyter.capsule import Sender
from flash_jupyter.errors import ResultLost
from flash_jupyter.session.events import Event, EventAssembler, Notice
from flash_jupyter.session.records import JobRecord
from flash_jupyter.session.results import CellOutcome, Finished, kept_events
from flash_jupyter.session.running import Runner
from flash_jupyter.session.writer import read_journal
from flash_jupyter.settings import BackendName
from flash_jupyter.states import JobState
from flash_jupyter.transport.loop import LoopThread

#: how long a cell that lets go of its job waits until the platform has accepted it, in seconds
ACCEPT_S = 10.0


@dataclass(frozen=True)
class JobHandle:
    """A job that runs by itself: its id is what `attach` and `cancel` take."""

    id: str
    endpoint: str
    backend: BackendName

    def __str__(self) -> str:
        return f"job {self.id} on {self.endpoint} ({self.backend}); see it with %flash attach {self.id}"


@dataclass(frozen=True)
class Detached:
    """A job of this kernel that nobody waits for; its sender still knows the objects that travelled."""

    runner: Runner
    future: Future[Finished]
    sender: Sender


def let_go(detached: Detached, loop: LoopThread, emit: Callable[[Event], None]) -> None:
    """Return when the platform has a job, which outlives this process from then on; says so where that takes long.

    Raises what the job raises that ends before.
    """
    accepted = loop.submit(detached.runner.accepted())
    try:
        if not accepted.result(ACCEPT_S):
            detached.future.result()
    except FutureTimeout:
        accepted.cancel()
        emit(Notice("not accepted by the platform yet; until then the job ends with this kernel"))


def replay(journal: Path, lines: int, emit: Callable[[Event], None]) -> None:
    """Emit what the first lines of a journal say."""
    for event in EventAssembler().fill(islice(read_journal(journal), lines), None):
        emit(event)


def stored_answer(record: JobRecord, answer: bytes | None, journal: Path, emit: Callable[[Event], None]) -> bytes:
    """Emit all that a job which is over has said, and return its answer; `ResultLost` where there is none."""
    carried, total = kept_events(answer) if answer is not None else ([], None)
    told = sorted([*read_journal(journal), *carried], key=itemgetter(0))  # what comes twice is told once
    for event in EventAssembler().fill(told, total):
        emit(event)
    if answer is None:
        because = f": {record.error}" if record.error else ""
        raise ResultLost(
            f"job {record.id} is {record.state.value} and has no result{because}",
            job_id=record.id,
            fix="run its cell again",
        )
    return answer


def outcome_of(runner: Runner, finished: Finished, warnings: tuple[str, ...], started: float) -> CellOutcome:
    """Return how a job ended that was followed here."""
    record = runner.record
    return CellOutcome(
        job_id=record.id,
        state=JobState.COMPLETED,
        backend=record.backend,
        endpoint=record.name or "",
        endpoint_id=finished.endpoint_id,
        worker_id=finished.worker_id,
        seconds=time.perf_counter() - started,
        cost_usd=finished.cost_usd,
        warnings=list(warnings),
        events_log=runner.log.path,
    )


def stored_outcome(record: JobRecord) -> CellOutcome:
    """Return what the store knows about how a job ended."""
    return CellOutcome(
        record.id,
        record.state,
        record.backend,
        record.name or "",
        record.endpoint_id,
        record.worker_id,
        cost_usd=record.cost_usd,
        events_log=Path(record.events_log) if record.events_log else None,
    )
