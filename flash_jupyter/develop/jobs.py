"""The queue resources of the development server: the platform's `run`, `runsync`, `status` and `cancel`.

The body is that of a deployed endpoint, `{"input": {"x": 1}}`: the keys are the function's arguments; where a resource
has several functions `function` names one, and `method` a method of a class. The job itself runs remotely.
"""

from __future__ import annotations

import inspect
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse

from flash_jupyter.decorator.calling import Job, RemoteCallable
from flash_jupyter.decorator.classes import RemoteClass, RemoteInstance
from flash_jupyter.decorator.drawing import error_lines
from flash_jupyter.decorator.functions import RemoteFunction
from flash_jupyter.decorator.output import JobOutput
from flash_jupyter.develop.discover import Served
from flash_jupyter.errors import (
    ApiError,
    AuthenticationError,
    CostLimitError,
    FlashError,
    InstanceLostError,
    JobTimedOut,
    NotFoundError,
    OptionError,
    OutOfMoneyError,
    RateLimitedError,
    RemoteExecutionError,
    UnreachableError,
)
from flash_jupyter.states import JobState

#: jobs that `status` knows; the platform keeps a result for half an hour
KEPT_JOBS = 1000
SHAPE = 'send {"input": {...}}, with the arguments by name'
#: which status a failure has, the first that fits; the code's own exception is 500 (flash-wire.md 8.2)
STATUS: tuple[tuple[type[FlashError], int], ...] = (
    (JobTimedOut, 504),
    (UnreachableError, 502),
    (OutOfMoneyError, 402),
    (CostLimitError, 402),
    (AuthenticationError, 401),
    (RateLimitedError, 429),
    (NotFoundError, 404),
    (ApiError, 503),
    (OptionError, 422),
)


@dataclass
class QueueResource:
    """The functions and classes of one resource by name, the instances that were made, and the jobs that were sent."""

    name: str
    served: Mapping[str, Served]
    _instances: dict[str, RemoteInstance] = field(default_factory=dict)
    _jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict)

    async def run(self, body: Any, function: str = "") -> JobOutput:
        """Send a job and wait for it; cancelling the wait cancels the job. `function` is said where the route says it.

        Raises `OptionError` for an input that does not fit, and what hinders the job.
        """
        started = self.start(body, function)
        try:
            return await started
        except InstanceLostError as lost:  # nothing that it knew is to be had, so a new one is made
            self._instances.clear()
            if lost.is_hit:
                raise
            return await self.start(body, function)

    def start(self, body: Any, function: str = "") -> Job:
        """Send a job and return at once; raises as `run`."""
        given = body.get("input") if isinstance(body, Mapping) else None
        if not isinstance(given, Mapping):
            raise OptionError("the body has no input", fix=SHAPE)
        arguments = dict(given)
        name = function or self._choose(arguments, "function", self.served)
        each = self.served[name]
        if isinstance(each.remote, RemoteClass):
            target = self._method(name, each.bare, arguments)
        else:
            assert isinstance(each.remote, RemoteFunction)
            target = each.remote
            _check(name, inspect.signature(each.bare), arguments)
        job: Job = target.spawn(**arguments)
        self._jobs[job.id] = job
        while len(self._jobs) > KEPT_JOBS:
            self._jobs.popitem(last=False)
        return job

    def job(self, job_id: str) -> Job:
        """Return a job that was sent here; raises `NotFoundError`."""
        if job_id not in self._jobs:
            raise NotFoundError(f"{self.name} has no job {job_id}", status=404)
        return self._jobs[job_id]

    def _method(self, name: str, cls: type, arguments: dict[str, Any]) -> RemoteCallable:
        method = self._choose(arguments, "method", public_methods(cls))
        found, signature = inspect.getattr_static(cls, method), inspect.signature(getattr(cls, method))
        if not isinstance(found, staticmethod | classmethod):
            signature = signature.replace(parameters=list(signature.parameters.values())[1:])
        _check(f"{name}.{method}", signature, arguments)
        if name not in self._instances:
            try:
                remote: Any = self.served[name].remote
                self._instances[name] = remote()
            except TypeError as error:
                raise OptionError(
                    f"{name} can't be made without arguments: {error}", fix="give its constructor defaults"
                ) from None
        called: RemoteCallable = getattr(self._instances[name], method)
        return called

    def _choose(self, arguments: dict[str, Any], key: str, names: Iterable[str]) -> str:
        """Return the only name there is, or the one that the input says, which is taken out of it."""
        known = list(names)
        if len(known) == 1:
            return known[0]
        if key not in arguments:
            raise OptionError(f"the input does not say which {key}", fix=f'add "{key}": one of {", ".join(known)}')
        name = str(arguments.pop(key))
        if name not in known:
            raise OptionError(f"{self.name} has no {key} {name}", fix=f"choose one of {', '.join(known)}")
        return name


def public_methods(cls: type) -> list[str]:
    """Return the methods that callers may name.

    >>> public_methods(type("Reader", (), {"read": lambda self: 1, "_scan": lambda self: 2}))
    ['read']
    """
    return [name for name in dir(cls) if not name.startswith("_") and callable(getattr(cls, name))]


def state_document(job: Job) -> dict[str, Any]:
    """Return what is known of a job that is not over."""
    return {"id": job.id, "status": job.status()}


def is_over(job: Job) -> bool:
    """Whether a job has ended, however."""
    return JobState(job.status()).is_final


def _check(label: str, signature: inspect.Signature, arguments: Mapping[str, Any]) -> None:
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise OptionError(f"the input does not fit {label}{signature}: {error}", fix=SHAPE) from None


def job_document(output: JobOutput) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the document of a job that is over, as `/status` of the platform has it."""
    times = {"delayTime": output.delay_time_ms, "executionTime": output.execution_time_ms, "workerId": output.worker_id}
    document = {"id": output.id, "status": output.status, **{k: v for k, v in times.items() if v is not None}}
    if output.failure is not None:
        status, error = error_document(output.failure)
        return status, {**document, **error}
    try:
        json.dumps(output.output)
    except (TypeError, ValueError) as error:
        kind = type(output.output).__name__
        return 500, {
            **document,
            "status": "FAILED",
            "error": f"the result is a {kind}, which JSON can't hold ({error})",
            "fix": "return numbers, texts, lists and dicts",
        }
    return 200, {**document, "output": output.output}


def error_document(error: FlashError) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the document of a failure; of the user's code with the frames on the worker."""
    status = next((number for kind, number in STATUS if isinstance(error, kind)), 500)
    document: dict[str, Any] = {"error": error.message, "type": type(error).__name__}
    if error.fix:
        document["fix"] = error.fix
    if isinstance(error, RemoteExecutionError):
        document |= {"type": error.type_name, "traceback": error_lines(error)}
        return 500, document
    return status, document


def failure(error: FlashError) -> JSONResponse:
    """Make the response of a failure."""
    status, document = error_document(error)
    return JSONResponse(document, status)
