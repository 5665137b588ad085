"""What a job came back with, and its way into the notebook: what is bound, what could not come, what is raised."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flash_jupyter.capsule import ERROR, RESULT, Answer, Sender, container
from flash_jupyter.capsule.container import FormatError
from flash_jupyter.capture.preflight import stale_classes, stale_warning
from flash_jupyter.capture.versions import differences
from flash_jupyter.errors import FlashError, ProtocolError, RemoteExecutionError, ResultLost
from flash_jupyter.own_type import in_own_type
from flash_jupyter.session.events import Display, Event, Measured, Notice
from flash_jupyter.session.handlers import read_handlers, value_of
from flash_jupyter.states import JobState
from flash_jupyter.wire.jobs import Job


@dataclass
class CellOutcome:
    """How a cell ended. `value` is that of the last expression, None where `has_value` is false.

    `endpoint` is a name, `seconds` are wall clock, `cost_usd` is None where nothing is billed. `failed` lists what
    could not come home: dicts with `name`, `path`, `culprit`, `reason`, `repr`.
    """

    job_id: str
    state: JobState | None
    backend: str
    endpoint: str
    endpoint_id: str | None = None
    worker_id: str | None = None
    value: Any = None
    has_value: bool = False
    bound: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    cost_usd: float | None = None
    warnings: list[str] = field(default_factory=list)
    events_log: Path | None = None


@dataclass(frozen=True)
class Finished:
    """A job that ran: the worker's answer, not unpickled, and what it took; milliseconds are the platform's."""

    answer: bytes
    endpoint_id: str | None
    worker_id: str | None
    cost_usd: float | None
    delay_ms: int | None = None
    execution_ms: int | None = None
    ended_at: datetime | None = None
    #: the platform's last word of one that a handler answered
    job: Job | None = field(default=None, repr=False)
    #: the JSON part of the answer, where that was read already
    known_order: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def order(self) -> Mapping[str, Any]:
        """The JSON part of the answer; empty for one that is no capsule."""
        return read_order(self.answer) if self.known_order is None else self.known_order

    @property
    def why_nothing_ran(self) -> str | None:
        """Why the worker ran nothing and wants the job again: `restart` or `missing`; None where it ran."""
        return why_nothing_ran(self.order)

    @property
    def state(self) -> JobState:
        """How it ended: the platform says so, and of a handler that failed there is an answer, too."""
        return self.job.status if self.job else JobState.COMPLETED


def read_answer(sender: Sender, blob: bytes) -> Answer:
    """Unpickle an answer, or raise `ResultLost`; nothing in the notebook changes."""
    try:
        return sender.unpack(blob)
    except FormatError as error:
        raise ProtocolError(
            str(error), fix="restart the worker with %flash undeploy, then run the cell again"
        ) from error
    except Exception as error:  # unpickling runs the classes' own code
        skew = "; ".join(differences(read_order(blob).get("versions", {})))
        raise ResultLost(
            f"the result can't be rebuilt here: {type(error).__name__}: {error}{f' ({skew})' if skew else ''}",
            fix="run the cell again with out=NAME,... that leaves out what can't be read here",
        ) from error


def why_nothing_ran(order: Mapping[str, Any]) -> str | None:
    """Say why the worker ran nothing and wants the job again; None where it ran. `order` is the answer's JSON part.

    `restart`: another version of a dependency is loaded there, a fresh worker is needed. `missing`: it has not got the
    driver, which was left out of the request.
    """
    status = order.get("status")
    return status if status in {"restart", "missing"} else None


def raised_in(order: Mapping[str, Any]) -> str | None:
    """Name what the user's code raised, without its message: that may hold a value of `env=`. None where it did not."""
    if order.get("status") == "error":
        return str((order.get("error") or {}).get("type", "Exception"))
    return f"SystemExit: {order['exit_code']}" if order.get("status") == "exit" and order.get("exit_code") else None


def kept_events(blob: bytes) -> tuple[list[tuple[int, dict[str, Any]]], int]:
    """Return the events that an answer carries, with their numbers, and how many there were."""
    order = read_order(blob)
    return [(seq, event) for seq, event in order.get("events", ())], int(order.get("events_total", 0))


def take_handlers(blob: bytes, outcome: CellOutcome) -> None:
    """Bring what a handler answered into the outcome; raises what its function raised."""
    order, output = read_handlers(blob)
    raise_failure(order)
    outcome.value, outcome.has_value = value_of(order, output), True


def take(answer: Answer, outcome: CellOutcome, *, out: Collection[str] | None, emit: Callable[[Event], None]) -> None:
    """Bring an answer into the notebook and the outcome; emits what could not come home.

    Raises what the user's code raised, as a `RemoteExecutionError` too; what it bound before is bound then.
    """
    if phases_s := answer.order.get("phases"):
        emit(Measured(phases_s=phases_s))
    outcome.bound = answer.apply(lambda name: out is None or name in out)
    outcome.failed = answer.failed
    outcome.value, outcome.has_value = answer.result, answer.has_result
    _show_result_without_value(answer, emit)
    for failure in answer.failed:
        if failure["name"] not in {RESULT, ERROR}:
            emit(Notice(_did_not_return(failure)))
    for name, size_bytes in (answer.order.get("left") or {}).items():
        emit(Notice(f"`{name}` did not come back: it takes {size_bytes / 1e6:,.1f} MB, which no answer holds (20 MB)"))
    stale = stale_classes({name: answer.values[name] for name in outcome.bound}, answer.namespace)
    for warning in (stale_warning(name, cls) for name, cls in stale.items()):
        if warning not in outcome.warnings:  # said before it was sent
            emit(Notice(warning))
    if answer.absent:
        packages = ", ".join(sorted(answer.absent))
        emit(Notice(f"{packages}: not installed here, so what came back of it is a stand-in"))
    try:
        raise_failure(answer.order)
    except RemoteExecutionError as error:
        raise in_own_type(error, answer.error, answer.namespace) from None


#: what to do about failures that are the driver's, not the user's code's
FIXES = {
    "DependencyError": "check the name and the version in deps=",
    "DeserializationError": "build it in the cell itself, or leave it out with drop=NAME",
}


def raise_failure(order: dict[str, Any]) -> None:
    """Raise what an answer says went wrong with the user's code; nothing for `ok`."""
    status, error = order.get("status"), order.get("error") or {}
    if status == "error":
        raise RemoteExecutionError(
            error.get("type", "Exception"),
            error.get("message", ""),
            frames=error.get("frames", ()),
            fix=FIXES.get(error.get("type", ""), ""),
            chain=error.get("chain", ()),
            report=error,
        )
    if status == "exit" and order.get("exit_code"):
        raise RemoteExecutionError("SystemExit", str(order["exit_code"]))
    if status == "too_large":
        raise _too_large(order.get("sizes") or {})
    if status == "restart":
        raise FlashError(
            f"the worker kept asking for a fresh one: {error.get('message', '')}",
            fix="choose another name= for this cell, so that it gets an endpoint of its own",
        )


def _show_result_without_value(answer: Answer, emit: Callable[[Event], None]) -> None:
    """Show the last expression as the worker drew it, where its value could not come home."""
    bundle = answer.order.get("result_bundle")
    if answer.has_result or not bundle or not any(failure["name"] == RESULT for failure in answer.failed):
        return
    data, metadata = bundle if isinstance(bundle, (list, tuple)) else (bundle, {})
    emit(Display(dict(data), dict(metadata)))


def _did_not_return(failure: dict[str, str]) -> str:
    r"""Say what did not come home, where in it the culprit is, and what to do.

    >>> _did_not_return({"name": "cfg", "path": "cfg → .lock", "culprit": "_thread.lock", "reason": ""})
    "`cfg` did not come back: cfg → .lock: _thread.lock can't be pickled; bind what you need of it to another name"
    >>> _did_not_return({"name": "r", "path": "r", "culprit": "R", "reason": "", "repr": "R()"})
    "`r` did not come back: r: R can't be pickled; there it is R(); bind what you need of it to another name"
    """
    shown = f" there it is {failure['repr']};" if failure.get("repr") else ""
    reason = f" ({failure['reason']})" if failure.get("reason") else ""
    return (
        f"`{failure['name']}` did not come back: {failure['path']}: {failure['culprit']} can't be pickled{reason};"
        f"{shown} bind what you need of it to another name"
    )


def _too_large(sizes: dict[str, int]) -> ResultLost:
    rows = sorted(sizes.items(), key=lambda item: -item[1])[:10]
    table = "\n".join(f"    {name:<24} {size / 1e6:>10,.1f} MB" for name, size in rows)
    largest = rows[0][0] if rows else "NAME"
    return ResultLost(
        f"what the cell bound does not fit into an answer (20 MB); nothing came back\n{table}",
        fix=f"del {largest} at the end of the cell, or say with out=NAME,... what you need",
    )


def read_order(blob: bytes) -> dict[str, Any]:
    """Return the JSON part of an answer, also of a handler's; empty for bytes that are none."""
    try:
        if not blob.startswith(container.MAGIC):
            return dict(json.loads(blob.partition(b"\n")[0]))
        return container.read_order(blob)
    except Exception:  # `read_answer` says what is wrong with it
        return {}
