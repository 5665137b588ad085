"""What the faces call: run or submit a cell, see and end jobs and endpoints. Cheap to make, starts nothing before use.

The main thread prepares (capture, pack), waits, shows, and binds; everything that waits for a network is on the loop
thread (D7).
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from flash_jupyter.capsule import Sender
from flash_jupyter.resources.endpoint import EndpointSpec, endpoint_spec
from flash_jupyter.resources.images import Images
from flash_jupyter.resources.options import RemoteOptions
from flash_jupyter.session.account import Account
from flash_jupyter.session.attaching import (
    Detached,
    JobHandle,
    let_go,
    outcome_of,
    replay,
    stored_answer,
    stored_outcome,
)
from flash_jupyter.session.budget import Budget, Caps
from flash_jupyter.session.collect import Follower
from flash_jupyter.session.events import Event, Logged, Notice, Phase
from flash_jupyter.session.explain import Explanation, explain
from flash_jupyter.session.handlers import KINDS
from flash_jupyter.session.interpreter import interpreter_of
from flash_jupyter.session.links import Links
from flash_jupyter.session.prepare import CellRequest, Prepared, may_say_answer, prepare
from flash_jupyter.session.prune import is_due, prune
from flash_jupyter.session.records import JobRecord, new_job_id, utc_now
from flash_jupyter.session.results import CellOutcome, Finished, read_answer, take, take_handlers
from flash_jupyter.session.running import Runner
from flash_jupyter.session.wait import CONFIRM_S, Inbox, wait_for
from flash_jupyter.settings import BackendName, Settings
from flash_jupyter.states import JobState

#: what an interrupt does to the job of a cell
Interrupt = Literal["cancel", "detach"]

__all__ = ["CellOutcome", "CellRequest", "JobHandle", "Session"]


class Session(Account):
    """The jobs of one kernel, and everything that they share. `links` is a seam for tests.

    `budget` is what the kernel may spend; sessions that come after each other in a kernel share it.
    """

    def __init__(self, settings: Settings, *, links: Links | None = None, budget: Budget | None = None) -> None:
        caps = Caps(settings.max_cost_per_hour, settings.max_cost)
        super().__init__(settings, links or Links(settings), budget or Budget(caps))
        self._detached: dict[str, Detached] = {}
        #: endpoint -> the versions of libraries that its worker has told last
        self._told: dict[str, dict[str, str]] = {}
        #: the options of the last cell, and the endpoint that they mean: those of the next one most often
        self._asked: tuple[RemoteOptions, EndpointSpec] | None = None
        self._closes_at_exit = False

    # --- cells ------------------------------------------------------------------------------------------------

    def run_cell(
        self, request: CellRequest, emit: Callable[[Event], None], *, interrupt: Interrupt = "cancel"
    ) -> CellOutcome:
        """Run a cell to its end; blocks, and calls `emit` on this thread, in order.

        Raises what `prepare` raises, `JobError`s, `ApiError`s, and `RemoteExecutionError` for the user's exception,
        after all output was emitted and what was bound came home. A `KeyboardInterrupt` cancels the job first, or
        leaves it running (`interrupt`), and its text says what came of it.
        """
        started = time.perf_counter()
        emit(Phase("preflight"))
        try:
            spec, prepared = self.prepare(request, emit)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("nothing was sent") from None
        inbox: Inbox[Finished] = Inbox()
        record = self._record(request, spec, prepared)
        job_id = record.id
        try:
            runner, future = self._start(record, request, spec, prepared, tell=inbox.put)
            emit(Logged(runner.log.place))
            inbox.end_with(future)
            detached = Detached(runner, future, prepared.sender)
            runner.is_awaited = True
        except KeyboardInterrupt:
            raise KeyboardInterrupt(self.give_up(job_id)) from None
        try:
            finished = wait_for(
                inbox,
                emit,
                cancel=None if interrupt == "detach" else lambda: self.loop.submit(runner.cancel()),
                job_id=job_id,
                leave=lambda: self._detach(detached),
            )
        finally:
            emit(runner.measured)
        emit(Phase("returning"))
        outcome = outcome_of(runner, finished, prepared.warnings, started)
        self._told[spec.name] = finished.order.get("versions", {})
        try:
            take(read_answer(prepared.sender, finished.answer), outcome, out=request.options.out, emit=emit)
        except KeyboardInterrupt:
            self._desk.note(job_id, is_taken=False)
            said = f"the job was done, its result is not all here; take it with %flash attach {job_id}"
            raise KeyboardInterrupt(said) from None
        outcome.seconds = time.perf_counter() - started
        return outcome

    def explain(self, request: CellRequest) -> Explanation:
        """Say what a cell would send where; no I/O. Raises `SyntaxError` and `OptionError`."""
        spec = self._spec(request.options)
        return explain(request, spec, self.backend_of(request.options), image_family=_family(spec, request.options))

    def submit_cell(
        self,
        request: CellRequest,
        emit: Callable[[Event], None],
        *,
        ended: Callable[[JobRecord, BaseException | None], None] = lambda _record, _failure: None,
    ) -> JobHandle:
        """Start a cell and return when the platform has its job; raises what `prepare` raises, and `ApiError`s.

        `emit` gets warnings on this thread, then what the job says on the loop thread; at the end `ended` gets it, and
        why it has no answer. The collector is there from now on. A `KeyboardInterrupt` gives the job up.
        """
        spec, prepared = self.prepare(request, emit)
        record = self._record(request, spec, prepared)
        runner, future = self._start(record, request, spec, prepared, tell=emit)
        emit(Logged(runner.log.place))
        detached = Detached(runner, future, prepared.sender)
        self._detach(detached)
        future.add_done_callback(lambda done: None if done.cancelled() else ended(record, done.exception()))
        try:
            let_go(detached, self.loop, emit)
            self._writer.flush()  # another process finds it by what is written
        except KeyboardInterrupt:
            raise KeyboardInterrupt(self.give_up(record.id)) from None
        return JobHandle(record.id, spec.name, record.backend)

    def _detach(self, detached: Detached) -> None:
        detached.runner.is_awaited = False
        self._detached[detached.runner.record.id] = detached
        self._desk.keep()

    def attach(self, job: str, namespace: dict[str, Any], emit: Callable[[Event], None]) -> CellOutcome:
        """Wait for a job, show its output, and bind its names in `namespace`; `job` is an id or its beginning.

        An interrupt leaves the job running. A job of a dead kernel binds new objects; one of this kernel changes the
        objects that it was given, as the cell would have.
        """
        started = time.perf_counter()
        record = self.job(job)
        detached = self._detached.get(record.id)
        if detached is None and (record.state.is_final or record.has_result):
            if record.events_log:
                emit(Logged(Path(record.events_log)))
            answer = stored_answer(record, self._store.answer(record.id), self._journal(record), emit)
            finished = Finished(answer, record.endpoint_id, record.worker_id, record.cost_usd)
            return self._take(finished, Sender(namespace), stored_outcome(record), record, emit)
        inbox: Inbox[Finished] = Inbox()
        if detached is None:
            follower = Follower(self._desk, record, tell=inbox.put)
            emit(Logged(follower.log.place))
            detached = Detached(follower, self.loop.submit(follower.resume()), Sender(namespace))
        else:
            emit(Logged(detached.runner.log.place))
            lines = self.loop.call(detached.runner.join(inbox.put))
            self._writer.flush()
            replay(self._journal(record), lines, emit)
        inbox.end_with(detached.future)
        try:
            finished = wait_for(inbox, emit, cancel=None, job_id=record.id)
        finally:
            emit(detached.runner.measured)
        self._detached.pop(record.id, None)
        outcome = outcome_of(detached.runner, finished, (), started)
        return self._take(finished, detached.sender, outcome, record, emit)

    def _take(
        self,
        finished: Finished,
        sender: Sender,
        outcome: CellOutcome,
        record: JobRecord,
        emit: Callable[[Event], None],
    ) -> CellOutcome:
        """Bring home what a job left, which counts as taken then, also where its code raised."""
        self._desk.note(record.id, is_taken=True)
        if record.kind in KINDS:
            take_handlers(finished.answer, outcome)
            return outcome
        take(read_answer(sender, finished.answer), outcome, out=record.out, emit=emit)
        return outcome

    def _journal(self, record: JobRecord) -> Path:
        return self._desk.logs / f"{record.id}.jsonl"

    def close(self) -> None:
        """Write what is left, end threads and connections; open jobs go on where they are. May be repeated."""
        atexit.unregister(self.close)
        if any(runner.final is None for runner in list(self._runners.values())):
            self._keeper.start()
        self.loop.close(self.links.aclose)
        self._writer.close()
        self._store.close()
        self._keeper.close()  # from here on the collector has the open jobs

    # --- the way of a cell ------------------------------------------------------------------------------------

    def prepare(self, request: CellRequest, warn: Callable[[Notice], None]) -> tuple[EndpointSpec, Prepared]:
        """Return where a cell goes and what is sent there; nothing is sent yet. `warn` gets warnings."""
        spec = self._spec(request.options)
        told, says = self._told.get(spec.name), self._may_say_answer(request.options)
        prepared = prepare(request, image_family=_family(spec, request.options), told=told, says_answer=says)
        for warning in prepared.warnings:
            warn(Notice(warning))
        return spec, prepared

    def _may_say_answer(self, options: RemoteOptions) -> bool:
        """A job for `job=`, or that runs by itself, is asked for: with the platform's times."""
        needs_times = bool(options.job) or options.detach
        return options.via == "queue" and may_say_answer(
            self.backend_of(options), options.env or {}, needs_times=needs_times
        )

    def _spec(self, options: RemoteOptions) -> EndpointSpec:
        if self._asked and self._asked[0] == options:
            return self._asked[1]
        interpreter = interpreter_of(self.backend_of(options), options.python)
        images = Images(**self.settings.images)
        spec = endpoint_spec(
            options, owner=self.settings.owner, interpreter=interpreter, images=images, ttl_s=self.settings.ttl_s
        )
        self._asked = options, spec
        return spec

    def _start(
        self,
        record: JobRecord,
        request: CellRequest,
        spec: EndpointSpec,
        prepared: Prepared,
        *,
        tell: Callable[[Event], None] | None,
    ) -> tuple[Runner, Future[Finished]]:
        """Write the job down, then send it on its way on the loop thread."""
        runner = self.begin(record, tell=tell)
        return runner, self.loop.submit(runner.run(spec, prepared, retries=request.options.retries))

    def new_record(self, backend: BackendName, **what: Any) -> JobRecord:
        """Describe a job of this session that is about to be sent; `what` are the other fields of its record."""
        return JobRecord(
            id=new_job_id(),
            state=JobState.IN_QUEUE,
            backend=backend,
            created_at=utc_now(),
            key_origin=self.key_origin(backend),
            session=self.id,
            **what,
        )

    def begin(self, record: JobRecord, *, tell: Callable[[Event], None] | None) -> Runner:
        """Write a new job down; what is returned takes it on its way, on the loop thread."""
        self._store.insert(record, soon=True)
        self._close_at_exit()
        runner = self._runners[record.id] = Runner(self._desk, record, tell=tell)
        return runner

    def give_up(self, job_id: str) -> str:
        """Stop a job whose start was interrupted, and say what became of it."""
        runner = self._runners.get(job_id)
        return "nothing was sent" if runner is None else self.loop.call(runner.stop(CONFIRM_S)).text

    def _close_at_exit(self) -> None:
        if not self._closes_at_exit:
            self._closes_at_exit = True
            atexit.register(self.close)
            self._writer.put(self._prune)

    def _prune(self) -> None:
        self._store.flush()  # there is one then
        settings, now = self.settings, datetime.now(timezone.utc)
        if is_due(settings.home / "pruned", now):
            kept = {"keep_s": settings.keep_s, "keep_bytes": settings.keep_bytes}
            prune(settings.job_store, self._desk.logs, **kept, now=now)

    def _record(self, request: CellRequest, spec: EndpointSpec, prepared: Prepared) -> JobRecord:
        return self.new_record(
            self.backend_of(request.options),
            name=spec.name,
            notebook=request.notebook,
            cell_id=request.cell_id,
            filename=request.filename,
            source=request.cell,
            names=prepared.names,
            out=request.options.out,
            run=prepared.run,
        )


def _family(spec: EndpointSpec, options: RemoteOptions) -> str:
    """Whose packages a cell finds: of an image of the user's own nothing is known."""
    return options.image or ("cpu" if spec.cpus else "gpu")
