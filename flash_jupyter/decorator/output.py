"""What a call comes back with, and how it is passed on."""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic

from typing_extensions import ParamSpec, TypeVar

from flash_jupyter.errors import FlashError, OptionError
from flash_jupyter.session.results import Finished
from flash_jupyter.session.started import CallOutcome

#: what type checkers know of a function: its parameters, and what it returns; with defaults, so that our own code need
#: not say them where it does not matter
P = ParamSpec("P", default=...)
R = TypeVar("R", default=Any)


@dataclass(frozen=True, repr=False)
class JobOutput(Generic[R]):
    """How a call ended.

    `status` is `COMPLETED` or `FAILED`; `output` the value, `error` one line about what the code raised; times are UTC,
    milliseconds the platform's, None where it did not say. `endpoint` is a name; `cost_usd` is None where nothing is
    billed.
    """

    id: str
    status: str
    output: R = None  # type: ignore[assignment]  # of a call that failed
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    worker_id: str | None = None
    delay_time_ms: int | None = None
    execution_time_ms: int | None = None
    failure: FlashError | None = field(default=None, compare=False)
    endpoint: str | None = None
    cost_usd: float | None = None

    def __repr__(self) -> str:
        what = f"error={self.error!r}" if self.failure else f"output={self.output!r}"
        took = "" if self.execution_time_ms is None else f", {self.execution_time_ms} ms"
        return f"JobOutput({self.id or 'here'}, {self.status}, {what}{took})"

    def _repr_mimebundle_(self, **_options: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Show it as a card in a notebook; `repr` stays one line."""
        from flash_jupyter.decorator.drawing import bundle_of

        return bundle_of(self)

    def result(self) -> R:
        """Return the value, or raise what the code raised: a `RemoteExecutionError`, which is of its own type too.

        A type that does not exist here is only the first.
        """
        if self.failure is not None:
            from flash_jupyter.decorator.drawing import draw_in_notebook

            draw_in_notebook(self.failure)
            raise self.failure.with_traceback(None)  # where it was read is nothing to the user
        return self.output


def output_of(job_id: str, outcome: CallOutcome, finished: Finished, *, endpoint: str | None = None) -> JobOutput:
    """Make the output of a job that ran."""
    started_at = finished.ended_at
    if started_at is not None and finished.execution_ms is not None:
        started_at -= timedelta(milliseconds=finished.execution_ms)
    return JobOutput(
        id=job_id,
        status="FAILED" if outcome.failure else "COMPLETED",
        output=outcome.value,
        error=outcome.failure.message if outcome.failure else None,
        started_at=started_at,
        ended_at=finished.ended_at,
        worker_id=finished.worker_id,
        delay_time_ms=finished.delay_ms,
        execution_time_ms=finished.execution_ms,
        failure=outcome.failure,
        endpoint=endpoint,
        cost_usd=finished.cost_usd,
    )


def unwrapped(value: Any) -> Any:
    """Put results in the place of `JobOutput`s: an argument itself, or what a list, tuple or dict holds.

    Raises what `JobOutput.result` raises, and `OptionError` for a call that was not awaited.

    >>> unwrapped([JobOutput("a", "COMPLETED", 1), 2]), unwrapped({"k": JobOutput("b", "COMPLETED", 3)})
    ([1, 2], {'k': 3})
    """
    # by types first, which is quick for a long list of numbers
    if type(value) in (list, tuple) and not OPEN.isdisjoint(map(type, value)):
        return type(value)(_result(element) for element in value)
    if type(value) is dict and not OPEN.isdisjoint(map(type, value.values())):
        return {key: _result(element) for key, element in value.items()}
    return _result(value)


def _result(value: Any) -> Any:
    if _is_call(value):
        value.close()
        raise OptionError(
            "an argument is a call of a remote function that was not awaited",
            fix="write `await` in front of it: await score(await clean(rows))",
        )
    if isinstance(value, JobOutput):
        return value.result()
    if type(value) in OPEN - {types.CoroutineType}:  # a coroutine of the user's own is an argument like others
        raise OptionError(
            f"an argument is {value!r}, which is no value yet", fix="pass its value: job.result(), or `await job`"
        )
    return value


def _is_call(value: Any) -> bool:
    code = getattr(value, "cr_code", None)
    return code is not None and code in CALLS


#: the types of what stands for a value; the type of a started job joins them
OPEN: set[type] = {JobOutput, types.CoroutineType}
#: the code of our own coroutine functions, so that a call which was forgotten to await is known
CALLS: set[Any] = set()
