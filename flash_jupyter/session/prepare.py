"""From a cell to the body of a request, on the main thread: transform, capture, check, pack. Nothing is sent here.

Beside it the call of an image's own handler, which gets the arguments by name as JSON, and no code.
"""

from __future__ import annotations

import ast
import functools
import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flash_jupyter import limits
from flash_jupyter.capsule import Sender, Unpicklable
from flash_jupyter.capsule.blame import blame
from flash_jupyter.capture.measure import least_bytes
from flash_jupyter.capture.namespace import Capture, capture
from flash_jupyter.capture.preflight import look, name_warnings, passed
from flash_jupyter.capture.versions import libraries_of, version_of
from flash_jupyter.errors import PayloadTooLargeError, SerializationError
from flash_jupyter.resources.options import RemoteOptions
from flash_jupyter.session.shipping import function_request, request_bytes
from flash_jupyter.settings import BackendName

#: a worker runs the caller's Python minor version (D3)
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
#: what released clients send where there are no arguments, because handlers refuse an empty input (flash-wire 3.4)
NOTHING: Mapping[str, Any] = {"__empty": True}


@dataclass(frozen=True)
class CellRequest:
    """A cell as a face hands it over: its raw text, the notebook's namespace, and what the user said."""

    cell: str
    namespace: dict[str, Any] = field(repr=False)
    options: RemoteOptions
    filename: str = "<cell>"
    notebook: str = ""
    cell_id: str = ""


@dataclass(frozen=True)
class Prepared:
    """A cell that may be sent: the request's body, and the sender that can read its answer."""

    run: str
    capsule: bytes = field(repr=False)
    timeout_s: int | None
    sender: Sender = field(repr=False)
    names: tuple[str, ...]
    warnings: tuple[str, ...]
    apt: tuple[str, ...] = ()
    accelerate: bool = True

    def request(self, *, with_driver: bool = True) -> dict[str, Any]:
        """Return the `FunctionRequest`; without the driver it is for a worker that is likely to have it."""
        request = function_request(self.capsule, with_driver=with_driver)
        if self.apt:  # the published images install them before they run anything (flash-wire reference, 4.5)
            request |= {"system_dependencies": list(self.apt), "accelerate_downloads": self.accelerate}
        return request

    def body(self, *, with_driver: bool = True) -> bytes:
        """Return the body of `/run`."""
        return encode(self.request(with_driver=with_driver), self.timeout_s)

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes that each name takes."""
        return self.sender.sizes


def prepare(
    request: CellRequest, *, image_family: str, told: Mapping[str, str] | None = None, says_answer: bool = False
) -> Prepared:
    """Make the body of the request; `told` are the versions that a worker of the endpoint has told.

    With `says_answer` a small answer is in the worker's log too.

    Raises: `SyntaxError` with the cell's lines, `UndefinedNameError`, `SecretFoundError`, `SerializationError`,
    `PayloadTooLargeError`. Nothing was sent then, and nothing changed.
    """
    options = request.options
    captured, python = read_cell(request), options.python or PYTHON
    found = look(
        captured, namespace=request.namespace, deps=options.deps, image_family=image_family, python=python, told=told
    )
    warnings = passed(found)
    warnings += name_warnings(captured, namespace=request.namespace, out=options.out or (), drop=options.drop)
    return pack(request, captured, warnings, says_answer=says_answer)


def may_say_answer(backend: BackendName, env: Mapping[str, str], *, needs_times: bool = False) -> bool:
    """Whether the worker's log may have a small answer, so that nobody need ask for it.

    Not where the platform's times matter, as for a price; nor in a log that leaves this machine, or with values of
    variables, which no log may have.
    """
    return backend == "local" and not needs_times and not env


def read_cell(request: CellRequest) -> Capture:
    """Capture a cell with what it needs; raises `SyntaxError` with the cell's lines, and `OptionError`."""
    # brings IPython along, which a script that only calls functions does without
    from flash_jupyter.capture.source import transform

    source = transform(request.cell)
    compile(source, request.filename, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return capture(source, request.namespace, drop=request.options.drop, include=request.options.include)


def pack(
    request: CellRequest, captured: Capture, warnings: Sequence[str] = (), *, says_answer: bool = False
) -> Prepared:
    """Make the body; raises `SerializationError`, and `PayloadTooLargeError`."""
    least = {name: least_bytes(value) for name, value in captured.values.items()}
    if sum(least.values()) > limits.PACK_BYTES:
        raise _too_large(least, sum(least.values()))
    run, sender = secrets.token_hex(8), Sender(request.namespace, python=request.options.python or PYTHON)
    order = order_of(request, captured, run) | ({"says_answer": True} if says_answer else {})
    capsule = _pack(sender, captured, order)
    if request_bytes(capsule) > limits.RUN_PAYLOAD_BYTES:
        raise _too_large(sender.sizes, request_bytes(capsule))
    return Prepared(
        run,
        capsule,
        request.options.timeout,
        sender,
        tuple(captured.values),
        tuple(warnings),
        apt=request.options.apt,
    )


def order_of(request: CellRequest, captured: Capture, run: str) -> dict[str, Any]:
    """Return the JSON part of the capsule: what to run, and how."""
    options = request.options
    return {
        "kind": "cell",
        "run": run,
        "source": captured.source,
        "filename": request.filename,
        "deps": list(options.deps),
        "apt": list(options.apt),
        "env": options.env,
        "modules": dict(captured.modules),
        "submodules": sorted(captured.submodules),
        "out": None if options.out is None else list(options.out),
        "drop": list(options.drop),
        "expression": options.expression,
        "versions": {library: version_of(library) for library in libraries_of(captured.values)},
    }


def encode(request: Mapping[str, Any], timeout_s: int | None) -> bytes:
    """Return the body of `/run`; `timeout_s` is the job's execution timeout (send-requests, `policy`).

    >>> encode({"a": 1}, 5)
    b'{"input":{"a":1},"policy":{"executionTimeout":5000}}'
    """
    fields = b",".join(b'"%s":%s' % (key.encode(), _encode_value(value)) for key, value in request.items())
    policy = b',"policy":{"executionTimeout":%d}' % (timeout_s * 1000) if timeout_s else b""
    return b'{"input":{%s}%s}' % (fields, policy)


def _encode_value(value: Any) -> bytes:
    return _encode_once(value) if isinstance(value, str) else json.dumps(value).encode()


@functools.lru_cache(maxsize=8)
def _encode_once(text: str) -> bytes:
    """Encode a text that comes again with every cell: 30 kB of driver, 0.1 ms."""
    return json.dumps(text).encode()


def _too_large(sizes: Mapping[str, int], size_bytes: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(sizes, size_bytes=size_bytes, limit_bytes=limits.RUN_PAYLOAD_BYTES)


def _pack(sender: Sender, captured: Capture, order: Mapping[str, Any]) -> bytes:
    try:
        return sender.pack(captured.values, captured.mutable, order)
    except Unpicklable as failure:
        raise SerializationError(
            failure.name,
            failure.path,
            failure.culprit,
            reason=failure.reason,
            fix=f"build it in the cell itself, or leave it out with drop={failure.name}",
        ) from None


@dataclass(frozen=True)
class Payload:
    """The `input` of a job; `run` marks events, of which a foreign handler sends none."""

    run: str
    input: Mapping[str, Any] = field(repr=False)
    timeout_s: int | None = None

    def body(self, *, with_driver: bool = True) -> bytes:  # noqa: ARG002 - a foreign image has no driver
        """Return the body of `/run`."""
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
        found = blame(f"argument {name}", value, json.dumps, error)
        raise SerializationError(
            found.name,
            found.path,
            found.culprit,
            reason="the endpoint's own handler takes JSON",
            fix="pass numbers, text, lists and dicts",
        ) from None
