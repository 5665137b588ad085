"""What a cell asked for beside its value: `job=NAME` binds how it ended, `once` deletes its endpoint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from flash_jupyter.decorator.output import JobOutput
from flash_jupyter.errors import FlashError, JobTimedOut, OptionError
from flash_jupyter.resources.options import RemoteOptions
from flash_jupyter.session.events import Event, Measured, Phase, Sent
from flash_jupyter.session.results import CellOutcome
from flash_jupyter.session.session import Session

Emit = Callable[[Event], None]
Work = Callable[[Emit], CellOutcome]


class Aftermath:
    """Watches one cell, and does what its options want when it has ended; `bind` puts a name into the notebook."""

    def __init__(
        self, options: RemoteOptions, bind: Callable[[str, Any], None], *, leaves_when_interrupted: bool = False
    ) -> None:
        self._options, self._bind, self._leaves = options, bind, leaves_when_interrupted
        self._sent: Sent | None = None
        self._measured = Measured()
        self._has_begun = False

    def watch(self, work: Work) -> Work:
        """Return `work` with its events seen, and its end bound where `job=` asks for that."""

        def watched(emit: Emit) -> CellOutcome:
            def see(event: Event) -> None:
                self._see(event)
                emit(event)

            try:
                outcome = work(see)
            except BaseException as failure:
                if self._leaves and isinstance(failure, KeyboardInterrupt):
                    self._has_begun = False  # the job goes on, and needs its endpoint
                    raise
                self._bind_job(_status(failure), failure=failure)
                raise
            self._bind_job("COMPLETED", value=outcome.value)
            return outcome

        return watched

    def undeploy(self, session: Session, say: Callable[[str], None]) -> None:
        """Delete the endpoint of a cell with `once`, and say whether the server still lists it."""
        name = self._options.name
        if not (self._options.once and name and self._has_begun):
            return
        try:
            gone = session.undeploy(name, backend=self._options.backend)
        except OptionError:  # it was never made
            return
        except FlashError as failure:
            say(f"endpoint {name} may still be there: {failure.message}; delete it with %flash undeploy {name}")
            return
        if name in gone:
            say(f"endpoint {name} is deleted")
        else:
            say(f"endpoint {name} is still listed; delete it with %flash undeploy {name}")

    def _see(self, event: Event) -> None:
        if isinstance(event, Sent):
            self._sent = event
        elif isinstance(event, Measured) and event.execution_ms is not None:
            self._measured = event
        if isinstance(event, Sent) or (isinstance(event, Phase) and event.name == "provisioning"):
            self._has_begun = True

    def _bind_job(self, status: str, *, value: Any = None, failure: BaseException | None = None) -> None:
        """Bind the `JobOutput`; what never became a job binds nothing."""
        if not self._options.job or self._sent is None:
            return
        ended_at, took_ms = datetime.now(timezone.utc), self._measured.execution_ms
        output = JobOutput(
            id=self._sent.job_id,
            status=status,
            output=value,
            error=_one_line(failure) if failure else None,
            started_at=ended_at - timedelta(milliseconds=took_ms) if took_ms is not None else None,
            ended_at=ended_at,
            worker_id=self._measured.worker_id,
            delay_time_ms=self._measured.delay_ms,
            execution_time_ms=took_ms,
            failure=failure if isinstance(failure, FlashError) else None,
        )
        self._bind(self._options.job, output)


def _one_line(failure: BaseException) -> str:
    text = failure.message if isinstance(failure, FlashError) else str(failure)
    return (text or type(failure).__name__).splitlines()[0]


def _status(failure: BaseException) -> str:
    if isinstance(failure, KeyboardInterrupt):
        return "CANCELLED"
    return "TIMED_OUT" if isinstance(failure, JobTimedOut) else "FAILED"
