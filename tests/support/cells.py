"""A notebook without a kernel: a namespace, and cells that go through capsule, request, worker and answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import types
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from flash_jupyter.capsule import Answer, Sender
from flash_jupyter.session.shipping import function_request, read_response

RUN = "0123456789abcdef"
BOOT = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.executable, [sys.executable, *sys.argv[4:], sys.argv[3], '--serve'])"
Worker = Callable[[dict[str, Any]], dict[str, Any]]


class WorkerProcess:
    """The stock worker as a process of its own: what it has loaded is not what the test has loaded."""

    def __init__(
        self, *flags: str, python_path: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it; `flags` are Python's, `python_path` is where else it finds modules; `environment` is added."""
        requests, self._requests = os.pipe()
        self._responses, responses = os.pipe()
        program = Path(__file__).parents[1] / "foreign" / "stock_worker.py"
        self._process = subprocess.Popen(
            [sys.executable, *flags, "-c", BOOT, str(requests), str(responses), str(program), *flags],
            pass_fds=(requests, responses),
            stdout=subprocess.DEVNULL,
            env=os.environ | ({"PYTHONPATH": str(python_path)} if python_path else {}) | dict(environment or {}),
        )
        os.close(requests)
        os.close(responses)
        self._out = os.fdopen(self._requests, "w")
        self._in = os.fdopen(self._responses)

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        self._out.write(json.dumps(request) + "\n")
        self._out.flush()
        response: dict[str, Any] = json.loads(self._in.readline())
        return response

    def close(self) -> None:
        self._out.close()
        self._in.close()
        self._process.wait(timeout=10)


class Notebook:
    """The user's side; `work` takes a FunctionRequest and returns a FunctionResponse."""

    def __init__(self, work: Worker) -> None:
        self.module = types.ModuleType("__main__")
        self.names: dict[str, Any] = self.module.__dict__
        self._work = work

    def here(self, source: str) -> None:
        """Run a cell locally."""
        before, sys.modules["__main__"] = sys.modules["__main__"], self.module
        try:
            exec(textwrap.dedent(source), self.names)
        finally:
            sys.modules["__main__"] = before

    def there(
        self, source: str, reads: Collection[str] = (), *, mutable: Collection[str] | None = None, **order: Any
    ) -> Answer:
        """Run a cell on the worker, and apply its answer."""
        before, sys.modules["__main__"] = sys.modules["__main__"], self.module
        try:
            sender = Sender(self.names)
            full = {"kind": "cell", "run": RUN, "source": textwrap.dedent(source), "filename": "Cell In[3]", **order}
            values = {name: self.names[name] for name in reads}
            capsule = sender.pack(values, reads if mutable is None else mutable, full)
            answer = sender.unpack(read_response(self._work(function_request(capsule))))
            answer.apply()
        finally:
            sys.modules["__main__"] = before
        return answer


def text(answer: Answer, name: str = "stdout") -> str:
    """What a cell printed."""
    return "".join(event["text"] for _, event in answer.order["events"] if event["t"] == name)
