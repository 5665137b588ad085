"""A call of an endpoint whose image has a handler of its own: it gets the arguments by name as JSON, and no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flash_jupyter import limits
from flash_jupyter.capsule import Unpicklable
from flash_jupyter.capsule.blame import blame
from flash_jupyter.errors import PayloadTooLargeError, SerializationError
from flash_jupyter.session.prepare import encode
from flash_jupyter.session.started import CallOutcome
from flash_jupyter.wire.jobs import read_failure

#: what released clients send where there are no arguments, because handlers refuse an empty input (flash-wire 3.4)
NOTHING: Mapping[str, Any] = {"__empty": True}


@dataclass(frozen=True)
class Payload:
    """The `input` of a job; `run` marks events, of which a foreign handler sends none."""

    run: str
    input: Mapping[str, Any] = field(repr=False)
    timeout_s: int | None = None

    def body(self, *, with_driver: bool = True) -> bytes:  # noqa: ARG002 - a foreign image has no driver
        """Return the body of the request."""
        return encode(self.input, self.timeout_s)


def prepare_payload(arguments: Mapping[str, Any], *, run: str, timeout_s: int | None) -> Payload:
    """Make the input of a job; raises `SerializationError` for what JSON can't hold, and `PayloadTooLargeError`."""
    sizes = {name: len(_dump(name, value)) for name, value in arguments.items()}
    if sum(sizes.values()) > limits.RUN_PAYLOAD_BYTES:
        raise PayloadTooLargeError(
            sizes,
            size_bytes=sum(sizes.values()),
            limit_bytes=limits.RUN_PAYLOAD_BYTES,
            what="the payload",
            fix="pass where it can be loaded from",
        )
    return Payload(run, dict(arguments) or NOTHING, timeout_s)


def _dump(name: str, value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        found: Unpicklable = blame(f"argument {name}", value, json.dumps, error)
        raise SerializationError(
            found.name,
            found.path,
            found.culprit,
            reason="the endpoint's own handler takes JSON",
            fix="pass numbers, text, lists and dicts",
        ) from None


def read_handler_answer(blob: bytes) -> CallOutcome:
    """Read what `handlers_answer` wrote down; the handler's failure becomes data."""
    answer = json.loads(blob)
    return CallOutcome(failure=read_failure(answer["error"])) if "error" in answer else CallOutcome(answer["output"])
