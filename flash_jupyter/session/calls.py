"""From a call of a remote function or method to the body of a request, on the calling thread; nothing is sent here."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flash_jupyter import limits
from flash_jupyter.capsule import Sender, Unpicklable
from flash_jupyter.capture.calls import Member, capture_call, means_itself
from flash_jupyter.capture.preflight import look, passed
from flash_jupyter.errors import PayloadTooLargeError, SerializationError
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.resources.images import Images
from flash_jupyter.session.prepare import PYTHON, Prepared
from flash_jupyter.session.shipping import request_bytes

#: as in `worker/calls.py`
CALL = "\0call"
#: the way from a call to its culprit, as `blame` writes it, and how it is told
_PARTS = re.compile(r"\0call → \['(\w+)'\](?: → \[(0|1)\])?(?: → \[([^\]]+)\])?")

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Method:
    """A method of an instance that lives in a worker; `first` are the constructor's arguments, until it was made."""

    instance_id: str
    name: str
    first: Arguments | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CallRequest:
    """A call as the decorator hands it over.

    `function` is the bare function or class, `wrapper` what stands for it in `namespace`; `member` is said where it is
    imported over there. `parameters` names positional arguments in errors.
    """

    function: Any
    wrapper: object
    arguments: Arguments = field(repr=False)
    namespace: dict[str, Any] = field(repr=False)
    label: str
    member: Member | None = None
    parameters: tuple[str, ...] = ()
    deps: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    accelerate: bool = True
    timeout_s: int | None = None
    method: Method | None = None


def new_run() -> str:
    """Return the mark of a job's events; random, so that nothing which it prints can pass for one."""
    return secrets.token_hex(8)


def prepare_call(request: CallRequest, spec: EndpointSpec, *, run: str, says_answer: bool = False) -> Prepared:
    """Make the body of the request; `run` marks the events of the job.

    With `says_answer` a small answer is in the worker's log too.

    Raises: `UndefinedNameError`, `SecretFoundError`, `SerializationError`, `PayloadTooLargeError`.
    """
    method = request.method
    first = method.first if method else None
    needs_target = method is None or first is not None
    captured = capture_call(request.function, [request.arguments, first], request.namespace, member=request.member)
    found = look(captured, namespace=request.namespace, deps=request.deps, image_family=_family(spec), python=PYTHON)
    warnings = passed(found)
    order: dict[str, Any] = {
        "kind": "method" if method else "call",
        "run": run,
        "deps": list(request.deps),
        "apt": list(request.apt),
        "modules": dict(captured.modules),
        "submodules": sorted(captured.submodules),
    }
    if says_answer:
        order |= {"says_answer": True}
    if method:
        order |= {"instance": method.instance_id, "method": method.name, "make": first is not None}
    travels = captured if needs_target else capture_call(None, [request.arguments], request.namespace)
    values = {name: _bare(name, value, request) for name, value in travels.values.items()}
    call = {"arguments": request.arguments, "first": first, "target": _target(request) if needs_target else None}
    sender = Sender(request.namespace, by_value=True)
    capsule = _pack(sender, {**values, CALL: call}, order, request.parameters)
    if request_bytes(capsule) > limits.RUN_PAYLOAD_BYTES:
        sizes = {("the arguments" if name == CALL else name): size for name, size in sender.sizes.items()}
        raise PayloadTooLargeError(
            sizes,
            size_bytes=request_bytes(capsule),
            limit_bytes=limits.RUN_PAYLOAD_BYTES,
            what="what the call needs",
            fix="make or load it inside of the function",
        )
    return Prepared(
        run,
        capsule,
        request.timeout_s,
        sender,
        tuple(captured.values),
        tuple(warnings),
        apt=request.apt,
        accelerate=request.accelerate,
    )


def _bare(name: str, value: object, request: CallRequest) -> object:
    """A function that calls itself by its name means itself over there; to others it is a remote function there too."""
    return request.function if value is request.wrapper and means_itself(request.function, name) else value


def _target(request: CallRequest) -> object:
    return request.member if request.member is not None else request.function


def _family(spec: EndpointSpec) -> str:
    """Which image's packages a call finds; of an image of the user's own nothing is known."""
    name, images = (spec.image or "").partition(":")[0], Images()
    return {images.cpu: "cpu", images.lb_cpu: "cpu", images.gpu: "gpu", images.lb: "gpu"}.get(name, name)


def _pack(sender: Sender, values: Mapping[str, Any], order: Mapping[str, Any], parameters: tuple[str, ...]) -> bytes:
    try:
        return sender.pack(values, (), order)
    except Unpicklable as failure:
        path = _PARTS.sub(lambda match: _say_part(match, parameters), failure.path)
        raise SerializationError(
            path.partition(" → ")[0],
            path,
            failure.culprit,
            reason=failure.reason,
            fix="make it inside of the function, or pass what it is made from",
        ) from None


def _say_part(match: re.Match[str], parameters: tuple[str, ...]) -> str:
    """Name the argument that a path begins with."""
    part, kind, which = match.groups()
    if part == "target":
        return "the function"
    where = "the constructor's " if part == "first" else ""
    if which is None:
        return f"{where}arguments"
    if kind == "1":
        return f"{where}argument {which.strip(chr(39))}"
    number = int(which)
    if not where and number < len(parameters):
        return f"argument {parameters[number]}"
    return f"{where}argument {number + 1}"
