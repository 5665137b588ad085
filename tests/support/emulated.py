"""Embedded Runpods for tests: one in this process with workers that are made up, and one that is a real server process."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import cloudpickle
import httpx
from starlette.applications import Starlette

from flash_jupyter.emulator.app import create_app
from flash_jupyter.emulator.config import Config, PlatformLimits
from flash_jupyter.emulator.machine import WorkerOrder
from flash_jupyter.emulator.pool import WorkerProcess
from flash_jupyter.emulator.store import Store

KEY = "test-key"
_ABANDONED: list[object] = []
#: every request of a test that was let in, for the table of routes: method, path, body
REQUESTS: list[tuple[str, str, bytes]] = []
T = TypeVar("T")

CPU_ENDPOINT: dict[str, Any] = {
    "name": "one",
    "image": "runpod/flash-cpu:latest",
    "type": "QUEUE",
    "cpu": [{"id": "cpu3c", "vcpuCount": 2}],
    "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
    "workers": {"min": 0, "max": 3, "idleTimeout": 60},
}

BALANCER_ENDPOINT: dict[str, Any] = {
    **CPU_ENDPOINT,
    "name": "api",
    "image": "runpod/flash-lb-cpu:latest",
    "type": "LOAD_BALANCER",
    "scaling": {"type": "REQUEST_COUNT", "requestCount": 4},
}


def _remember(response: httpx.Response) -> None:
    """A request without the key is not one of its route: it never gets there."""
    request = response.request
    body = request.content if request.url.path == "/graphql" else b""  # of others it is not needed, and may be streamed
    if response.status_code != 401:
        REQUESTS.append((request.method, request.url.path, body))


async def _remember_async(response: httpx.Response) -> None:
    _remember(response)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


class MadeUpProcess:
    """A process that lives until the test ends it."""

    def __init__(self, pid: int) -> None:
        self.pid, self.created = pid, 1.0
        self.reason = ""
        self.used = 0
        self.ended: Callable[[], None] = lambda: None

    def is_alive(self) -> bool:
        return not self.reason

    def exit_reason(self) -> str:
        return self.reason

    def end(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            self.ended()

    def kill(self) -> None:
        self.end("killed by signal 9")

    def memory_bytes(self, allowed: int) -> int:  # noqa: ARG002
        return self.used

    def listens_on(self, port: int) -> bool:  # noqa: ARG002
        return True


class MadeUpPool:
    """Remembers what it was asked for; the test plays the worker."""

    def __init__(self) -> None:
        self.orders: list[WorkerOrder] = []
        self.processes: list[MadeUpProcess] = []
        self.failure: OSError | None = None
        self.living: dict[int, MadeUpProcess] = {}
        #: where the test's own servers listen, for the next workers; then ports on which nobody does
        self.ports: list[int] = []

    def free_port(self) -> int:
        return self.ports.pop(0) if self.ports else 1

    def start(self, order: WorkerOrder) -> MadeUpProcess:
        if self.failure is not None:
            raise self.failure
        self.orders.append(order)
        self.processes.append(MadeUpProcess(len(self.processes) + 1))
        return self.processes[-1]

    def adopt(self, pid: int, created: float) -> MadeUpProcess | None:  # noqa: ARG002
        return self.living.get(pid)

    def watch(self, process: WorkerProcess, ended: Callable[[], None]) -> None:
        assert isinstance(process, MadeUpProcess)
        process.ended = ended


class Api:
    """The application in a thread of its own, asked over `httpx.ASGITransport`."""

    def __init__(
        self, folder: Path, *, pool: MadeUpPool | None = None, clock: Clock | None = None, **changes: Any
    ) -> None:
        self.app = Starlette()
        self.pool = pool or MadeUpPool()
        self.clock = clock or Clock()
        limits = replace(PlatformLimits(take_hold_s=0.15, health_check_s=0.1), control_per_minute=10_000, **changes)
        self.config = Config(
            folder=folder, overlays=folder / "overlays", version="1.2.3", environ={"PATH": "/bin"}, limits=limits
        )
        self.store = self._run_once(lambda: Store(folder, inline_bytes=limits.inline_bytes))

    def _run_once(self, make: Callable[[], T]) -> T:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self.call(make)

    def call(self, function: Callable[[], T]) -> T:
        """Run a function in the application's loop."""

        async def run() -> T:
            return function()

        return self.wait(run())

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def __enter__(self) -> Api:
        def make() -> None:
            self.app = create_app(
                self.config, self.store, self.pool, api_key=KEY, base_url="http://local", clock=self.clock
            )

        self.call(make)
        self.emulator = self.app.state.emulator
        self._lifespan = self.app.router.lifespan_context(self.app)
        self.wait(self._lifespan.__aenter__())
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://local",
            timeout=20,
            event_hooks={"response": [_remember_async]},
        )
        return self

    def abandon(self) -> None:
        """End as `kill -9` does: nothing is released, nothing is written any more."""

        async def cancel() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.wait(cancel())
        for process in self.pool.processes:
            process.ended = lambda: None
        _ABANDONED.append(self._lifespan)  # its `finally` blocks must not run
        self._stop_loop()

    def __exit__(self, *_: object) -> None:
        self.wait(self._lifespan.__aexit__(None, None, None))
        self._stop_loop()

    def _stop_loop(self) -> None:
        self.wait(self._client.aclose())
        self.call(self.store.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def begin(self, method: str, path: str, **options: Any) -> Future[httpx.Response]:
        """Send a request and do not wait for its answer."""
        options.setdefault("headers", {"Authorization": f"Bearer {KEY}"})
        return asyncio.run_coroutine_threadsafe(self._client.request(method, path, **options), self._loop)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.begin(method, path, **options).result(20)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def tick(self) -> None:
        """Let the watch look once, now."""
        self.call(self.emulator.watch.tick)

    # --- what tests do all the time ----------------------------------------------------------------------------

    def endpoint(self, **changes: Any) -> str:
        answer = self.post("/v2/serverless", json={**CPU_ENDPOINT, **changes})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def run(self, endpoint: str, **body: Any) -> str:
        answer = self.post(f"/v2/{endpoint}/run", json={"input": {"x": 1}, **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def status(self, endpoint: str, job: str) -> dict[str, Any]:
        document: dict[str, Any] = self.get(f"/v2/{endpoint}/status/{job}").json()
        return document

    def worker(self) -> str:
        """The id of the worker that was started last."""
        self.tick()
        return self.pool.orders[-1].worker_id

    def take(self, endpoint: str, worker: str) -> httpx.Response:
        return self.get(f"/v2/{endpoint}/job-take/{worker}?gpu=CPU&job_in_progress=0")

    def done(self, endpoint: str, worker: str, job: str, body: Any) -> httpx.Response:
        path = f"/v2/{endpoint}/job-done/{worker}/{job}?gpu=CPU&isStream=false"
        return self.post(path, content=json.dumps(body))

    def running_job(self, **changes: Any) -> tuple[str, str, str]:
        """Make an endpoint with a job that a worker has; returns endpoint, worker, job."""
        endpoint = self.endpoint(**changes)
        job = self.run(endpoint)
        worker = self.worker()
        assert self.take(endpoint, worker).json()["id"] == job
        return endpoint, worker, job


class RealServer:
    """A server process in a folder, and a client for it."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self._options = folder, options
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "flash_jupyter.emulator", "--dir", str(self.folder), "--control-rate", "10000"]
        self.process = subprocess.Popen([*command, *self._options], env=os.environ | {"HOME": str(self.folder)})
        info = self.folder / "info.json"
        wait_for(lambda: info.exists() and json.loads(info.read_text())["pid"] == self.process.pid)
        self.info: dict[str, Any] = json.loads(info.read_text())
        self.client = httpx.Client(
            base_url=self.info["url"],
            headers={"Authorization": f"Bearer {self.info['api_key']}"},
            timeout=30,
            event_hooks={"response": [_remember]},
        )

    def kill(self) -> None:
        """End the server as `kill -9` does; its workers live on."""
        self.client.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> float:
        """End it with SIGTERM; returns how long that took, in seconds."""
        began = time.monotonic()
        self.client.close()
        self.process.terminate()
        self.process.wait(10)
        return time.monotonic() - began

    def endpoint(self, **changes: Any) -> str:
        answer = self.client.post("/v2/serverless", json={**CPU_ENDPOINT, **changes})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def run(self, endpoint: str, code: str, *args: Any, **body: Any) -> str:
        """Submit a function `f` with arguments; returns the job's id."""
        answer = self.client.post(f"/v2/{endpoint}/run", json={"input": function_request(code, *args), **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def status(self, endpoint: str, job: str) -> dict[str, Any]:
        document: dict[str, Any] = self.client.get(f"/v2/{endpoint}/status/{job}").json()
        return document

    def finished(self, endpoint: str, job: str, *, within_s: float = 20) -> dict[str, Any]:
        """Wait for the job's end; returns its status document."""
        return wait_for(lambda: final(self.status(endpoint, job)), within_s=within_s)

    def running(self, endpoint: str, job: str) -> dict[str, Any]:
        """Wait until a worker has the job."""
        return wait_for(lambda: only(self.status(endpoint, job), {"IN_PROGRESS"}))

    def workers(self, endpoint: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get(f"/v2/serverless/{endpoint}/workers").json()["workers"]
        return found

    def log(self, endpoint: str, worker: str, **query: Any) -> list[str]:
        """The lines of a worker that has ended."""
        answer = self.client.get(f"/v2/serverless/{endpoint}/workers/{worker}/logs", params={"tail": 5000, **query})
        return [json.loads(line[6:])["line"] for line in answer.text.splitlines() if line.startswith("data: ")]


def function_request(code: str, *args: Any) -> dict[str, Any]:
    return {"function_name": "f", "function_code": code, "args": [pickled(arg) for arg in args], "kwargs": {}}


def pickled(value: Any) -> str:
    return base64.b64encode(cloudpickle.dumps(value)).decode()


def unpickled(output: dict[str, Any]) -> Any:
    assert output["success"], output["error"]
    return cloudpickle.loads(base64.b64decode(output["result"]))


def final(status: dict[str, Any]) -> dict[str, Any] | None:
    return only(status, {"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})


def only(status: dict[str, Any], states: set[str]) -> dict[str, Any] | None:
    return status if status.get("status") in states else None


def wait_for(condition: Callable[[], T | None], *, within_s: float = 20) -> T:
    """Ask until the answer is true; fails after so many seconds."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
