"""The way of a call: prepared on the calling thread, written down, sent, and again where its worker was lost.

The calls of one instance stand in a line: the next is sent when the one before has ended, so they run in order, and a
constructor that has run to its end is never run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from flash_jupyter.errors import InstanceLostError, WorkerLost
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.calls import CallRequest, new_run, prepare_call
from flash_jupyter.session.events import Event
from flash_jupyter.session.follow import instance_lost
from flash_jupyter.session.handlers import HANDLER
from flash_jupyter.session.prepare import Prepared, may_say_answer, prepare_payload
from flash_jupyter.session.records import JobRecord
from flash_jupyter.session.running import Runner
from flash_jupyter.session.session import Session
from flash_jupyter.session.started import Ran, StartedCall, read_handler_answer, read_result

Tell = Callable[[Event], None]


def start_call(
    session: Session, spec: EndpointSpec, request: CallRequest, *, retries: int = 0, tell: Tell | None = None
) -> StartedCall:
    """Start a call of a function; raises what `prepare_call` raises. `retries` are for lost workers only."""
    prepared = prepare_call(
        request, spec, run=new_run(), says_answer=may_say_answer(session.settings.backend, spec.env)
    )
    record = _record(session, spec, request.label, prepared.run, prepared.names)
    return send_off(
        session, record, tell, lambda runner: _run(runner, spec, prepared, retries), warnings=prepared.warnings
    )


def start_payload(
    session: Session,
    spec: EndpointSpec,
    label: str,
    arguments: Mapping[str, Any],
    *,
    timeout_s: int | None = None,
    retries: int = 0,
    tell: Tell | None = None,
) -> StartedCall:
    """Start a call of an image's own handler; raises what `prepare_payload` raises."""
    payload = prepare_payload(arguments, run=new_run(), timeout_s=timeout_s)
    record = _record(session, spec, label, payload.run, tuple(arguments), HANDLER)

    async def run(runner: Runner) -> Ran:
        return await runner.run(spec, payload, retries=retries), read_handler_answer

    return send_off(session, record, tell, run)


class Line:
    """The calls of one instance, which lives in one worker, from its constructor until that worker is gone."""

    def __init__(self, label: str) -> None:
        self.is_made = self.is_lost = False
        self._label = label
        self._has_ended = False
        self._turn = asyncio.Lock()

    def start(
        self, session: Session, spec: EndpointSpec, request: CallRequest, *, tell: Tell | None = None
    ) -> StartedCall:
        """Start a call of a method; raises what `prepare_call` raises, and `InstanceLostError`."""
        if self.is_lost:
            raise instance_lost(self._label, has_ended=self._has_ended)
        assert request.method is not None
        run, says = new_run(), may_say_answer(session.settings.backend, spec.env)
        bare = replace(request, method=replace(request.method, first=None))
        later = prepare_call(bare, spec, run=run, says_answer=says)
        first = None if self.is_made else prepare_call(request, spec, run=run, says_answer=says)
        record = _record(session, spec, request.label, run, (first or later).names)
        return send_off(
            session, record, tell, lambda runner: self._run(runner, spec, first, later), warnings=later.warnings
        )

    async def _run(self, runner: Runner, spec: EndpointSpec, first: Prepared | None, later: Prepared) -> Ran:
        async with self._in_turn(runner):
            if self.is_lost:
                loss = instance_lost(self._label, has_ended=self._has_ended, job_id=runner.record.id)
                raise runner.refuse(loss)
            prepared = later if self.is_made or first is None else first
            try:
                finished = await runner.run(spec, prepared)
            except InstanceLostError:
                self.is_lost = True
                raise
            except WorkerLost as hit:
                if not self.is_made:
                    raise
                self.is_lost = self._has_ended = True
                raise instance_lost(self._label, hit=hit) from None
            self.is_made = self.is_made or bool(finished.order.get("instance"))
        return finished, partial(read_result, prepared.sender)

    @asynccontextmanager
    async def _in_turn(self, runner: Runner) -> AsyncIterator[None]:
        """Wait in the line, where the order is that of the calls: to write one down may take longer than the next."""
        turn = asyncio.ensure_future(self._turn.acquire())
        try:
            await runner.write_down()  # its turn may come late, and others look for it
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._turn.release()
            turn.cancel()  # nothing, where it is done


def send_off(
    session: Session,
    record: JobRecord,
    tell: Tell | None,
    way: Callable[[Runner], Coroutine[Any, Any, Ran]],
    *,
    warnings: tuple[str, ...] = (),
) -> StartedCall:
    """Write a call down and send it on its way; an interrupt meanwhile leaves nothing behind."""
    try:
        runner = session.begin(record, tell=tell)
        return StartedCall(runner, session.loop.submit(way(runner)), session.loop, warnings)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(session.give_up(record.id)) from None


async def _run(runner: Runner, spec: EndpointSpec, prepared: Prepared, retries: int) -> Ran:
    return await runner.run(spec, prepared, retries=retries), partial(read_result, prepared.sender)


def _record(
    session: Session, spec: EndpointSpec, label: str, run: str, names: tuple[str, ...], kind: str = "call"
) -> JobRecord:
    return session.new_record(session.settings.backend, name=spec.name, source=label, names=names, run=run, kind=kind)
