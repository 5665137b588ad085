"""Calls of functions and methods as the client sends them, run by whatever worker a test has."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flash_jupyter.capsule.container import read_capsule
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.calls import CallRequest, Method, new_run, prepare_call
from flash_jupyter.session.shipping import read_response
from flash_jupyter.session.started import CallOutcome, read_result

Worker = Callable[[dict[str, Any]], dict[str, Any]]
SPEC = EndpointSpec("stock", "runpod/flash-cpu:py3.11-latest", "me", cpus=("cpu3c-2-4",))


class Caller:
    """Prepares calls, has them run by the worker, and reads the answers."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self.order: dict[str, Any] = {}

    def __call__(self, request: CallRequest) -> CallOutcome:
        prepared = prepare_call(request, SPEC, run=new_run())
        blob = read_response(self._worker(prepared.request()))
        self.order = read_capsule(blob)[0]
        return read_result(prepared.sender, blob)


def request(source: str, name: str, *args: Any, **kwargs: Any) -> CallRequest:
    namespace: dict[str, Any] = {"__name__": "script"}
    exec(textwrap.dedent(source), namespace)
    return CallRequest(namespace[name], None, (args, kwargs), namespace, name)


def method(base: CallRequest, name: str, instance: str, first: Any, *args: Any) -> CallRequest:
    return replace(base, arguments=(args, {}), method=Method(instance, name, first))


MODULE = """
from flash_jupyter import LiveServerless, remote
SEEN = []

@remote(LiveServerless(name="t"))
def f(x):
    SEEN.append(x)
    return len(SEEN)
"""


@contextmanager
def local_module(folder: Path) -> Iterator[CallRequest]:
    """A call of a remote function that lies in a module of the user's own."""
    (folder / "jobs_over_there.py").write_text(MODULE)
    sys.path.insert(0, str(folder))
    try:
        import jobs_over_there  # type: ignore[import-not-found]

        f = jobs_over_there.f
        yield CallRequest(f.__wrapped__, f, ((1,), {}), vars(jobs_over_there), "f", member=("jobs_over_there", "f"))
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("jobs_over_there", None)
