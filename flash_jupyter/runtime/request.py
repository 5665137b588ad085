"""A call as the handler of another resource reads it: a FunctionRequest without code (flash-wire.md 4.1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import cloudpickle

from flash_jupyter import limits
from flash_jupyter.capsule.blame import blame
from flash_jupyter.errors import PayloadTooLargeError, SerializationError

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Instance:
    """An instance of a class on the other side: made by the first call that reaches a worker, from `arguments`."""

    id: str
    method: str
    arguments: Arguments = field(repr=False)


@dataclass(frozen=True)
class Call:
    """A call of what `resource` serves under `name`; `function` is what the caller has of it, for its signature:
    None for a notebook, which has the manifest.

    `timeout_s` is how long the caller waits; None: as long as the platform lets the job run. `run` marks what it
    prints, for a caller who shows that.
    """

    resource: str
    name: str
    function: Any = field(repr=False)
    arguments: Arguments = field(repr=False)
    timeout_s: float | None = None
    instance: Instance | None = None
    run: str = ""

    @property
    def label(self) -> str:
        """What is called, in messages."""
        return f"{self.name}.{self.instance.method}" if self.instance else self.name


@dataclass(frozen=True)
class Ended:
    """How a call went; `job` is the platform's document, None for a route."""

    value: Any
    job: Any = None


def job_body(call: Call) -> bytes:
    """Return the body of `/run`.

    Raises `SerializationError` with the way to what can't be pickled, and `PayloadTooLargeError` before anything is
    sent. The caller's time is the job's: nobody waits for it longer.
    """
    sizes: dict[str, int] = {}
    pack = partial(_pack, call.label, sizes)
    args, kwargs = call.arguments
    sent: dict[str, Any] = {
        "execution_type": "class" if call.instance else "function",
        "class_name" if call.instance else "function_name": call.name,
        "args": [pack(f"argument {number}", value) for number, value in enumerate(args, 1)],
        "kwargs": {name: pack(f"argument {name}", value) for name, value in kwargs.items()},
        "serialization_format": "cloudpickle",
        "failure_format": "report",
    }
    if call.instance is not None:
        sent |= _instance(call.instance, pack)
    if call.run:
        sent["run"] = call.run
    body: dict[str, Any] = {"input": sent}
    if call.timeout_s is not None:
        sent["timeout_s"] = call.timeout_s
        body["policy"] = policy(call.timeout_s)
    content = json.dumps(body).encode()
    if len(content) > limits.RUN_PAYLOAD_BYTES:
        raise PayloadTooLargeError(
            sizes,
            size_bytes=len(content),
            limit_bytes=limits.RUN_PAYLOAD_BYTES,
            what=f"what the call of {call.label} needs",
            fix="put it on a volume that both have, or pass where it can be loaded from",
        )
    return content


def policy(timeout_s: float) -> Mapping[str, int]:
    """Return the job's policy in milliseconds, within what the platform takes.

    >>> policy(30.5), policy(0.2)
    ({'executionTimeout': 30500, 'ttl': 30500}, {'executionTimeout': 5000, 'ttl': 10000})
    """
    running_s = min(max(timeout_s, limits.EXECUTION_TIMEOUT_MIN_S), limits.EXECUTION_TIMEOUT_MAX_S)
    living_s = min(max(timeout_s, limits.JOB_TTL_MIN_S), limits.JOB_TTL_MAX_S)
    return {"executionTimeout": int(running_s * 1000), "ttl": int(living_s * 1000)}


def _instance(instance: Instance, pack: Callable[[str, Any], str]) -> dict[str, Any]:
    args, kwargs = instance.arguments
    return {
        "instance_id": instance.id,
        "create_new_instance": False,
        "method_name": instance.method,
        "constructor_args": [pack(f"constructor's argument {n}", value) for n, value in enumerate(args, 1)],
        "constructor_kwargs": {name: pack(f"constructor's argument {name}", each) for name, each in kwargs.items()},
    }


def _pack(label: str, sizes: dict[str, int], name: str, value: Any) -> str:
    try:
        text = base64.b64encode(cloudpickle.dumps(value)).decode()
    except Exception as error:  # pickling runs the value's own code
        found = blame(name, value, cloudpickle.dumps, error)
        raise SerializationError(
            found.name,
            found.path,
            found.culprit,
            reason=found.reason,
            fix=f"pass {label} what it is made from",
        ) from None
    sizes[name] = len(text)
    return text
