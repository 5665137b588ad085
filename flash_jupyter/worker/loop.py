"""A worker of the embedded Runpod: takes one job after another and runs each on the main thread.

    python -m flash_jupyter.worker.loop

It speaks the worker protocol of the `runpod` SDK (reference/runpod-platform.md, section 1) and takes wire
FunctionRequests, nothing else. Where the SDK gives up, it does not: an answer that can't be delivered is kept and sent
again until the server is back, so that a server which was killed and started anew gets it. After a stopped job the
process ends in any case.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flash_jupyter.worker.channel import Channel, ServerGone
from flash_jupyter.worker.deployed import serve_deployed
from flash_jupyter.worker.function import execute


class Refused(Exception):
    """The server answered, and will not answer otherwise: the endpoint or this worker is gone."""


@dataclass(frozen=True)
class WorkerSettings:
    """What the pool says in the environment; the URL templates are those that the SDK reads."""

    worker_id: str
    key: str
    take_url: str
    done_url: str
    ping_url: str
    ping_interval_s: float
    cancel_grace_s: float
    server_wait_s: float

    @property
    def stop_url(self) -> str:
        """The SDK derives the stop channel from the take URL."""
        return self.take_url.replace("/job-take/", "/job-stop/")


def read_worker_settings(environ: Mapping[str, str]) -> WorkerSettings:
    """Read the worker's variables and fill the worker's id into the URL templates."""
    worker_id = environ["RUNPOD_POD_ID"]
    return WorkerSettings(
        worker_id=worker_id,
        key=environ["RUNPOD_AI_API_KEY"],
        take_url=environ["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", worker_id),
        done_url=environ["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$RUNPOD_POD_ID", worker_id),
        ping_url=environ["RUNPOD_WEBHOOK_PING"].replace("$RUNPOD_POD_ID", worker_id),
        ping_interval_s=int(environ.get("RUNPOD_PING_INTERVAL", "10000")) / 1000,
        cancel_grace_s=float(environ.get("FLASH_JUPYTER_CANCEL_GRACE_S", "2.0")),
        server_wait_s=float(environ.get("FLASH_JUPYTER_SERVER_WAIT_S", "600")),
    )


class Worker:
    """The main thread's loop; `current` is the job that runs, guarded by `lock`."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.lock = threading.Lock()
        self.current: str | None = None
        self.stopped = False
        self._channel = Channel(settings.take_url, settings.key)

    def run(self) -> None:
        """Take and run jobs until the server is gone, refuses us, or a job was stopped."""
        threading.Thread(target=self._listen_for_stops, daemon=True).start()
        threading.Thread(target=self._ping, daemon=True).start()
        job: dict[str, Any] | None = None
        while not self.stopped:
            job = job or self._take()
            if job is not None:
                job = self._run_job(job)

    def _take(self) -> dict[str, Any] | None:
        url = f"{self.settings.take_url}&job_in_progress=0"
        status, body = self._channel.persist("GET", url, wait_s=self.settings.server_wait_s)
        if status == 200:
            job: dict[str, Any] = json.loads(body)
            return job
        if status == 429:
            time.sleep(1)
        elif status not in (204, 400):
            raise Refused(f"job-take answered {status}")
        return None

    def _run_job(self, job: dict[str, Any]) -> dict[str, Any] | None:
        """Run a job and report it; returns the next one, where the server has one waiting."""
        with self.lock:
            self.current = job["id"]
        response = execute(job["input"])
        with self.lock:
            self.current = None
        if self.stopped:
            return None
        result: dict[str, Any] = {"output": response}
        if response.pop("refresh_worker", False):  # as the SDK: the server gives us no more jobs
            result["stopPod"] = True
            self.stopped = True
        return self._post_result(job["id"], json.dumps(result).encode())

    def _post_result(self, job_id: str, body: bytes) -> dict[str, Any] | None:
        url = self.settings.done_url.replace("$ID", job_id) + "&isStream=false"
        if not self.stopped:
            url += "&take=1"  # the embedded Runpod's own: half of the requests where jobs stand in line
        status, answer = self._channel.persist("POST", url, body, wait_s=self.settings.server_wait_s)
        if status >= 400:
            text = f"job-done for {job_id} answered {status}: {answer[:200].decode(errors='replace')}\n"
            sys.stderr.write(text)
            return None
        following: dict[str, Any] = json.loads(answer) if answer else {}
        return following if "id" in following else None

    def _listen_for_stops(self) -> None:
        channel = Channel(self.settings.stop_url, self.settings.key)
        while True:
            try:
                status, body = channel.persist("GET", self.settings.stop_url, wait_s=self.settings.server_wait_s)
            except ServerGone:
                return
            if status == 200 and body:
                self._stop(json.loads(body).get("jobsToStop", []))
            elif status >= 400:
                time.sleep(1)

    def _stop(self, job_ids: list[str]) -> None:
        """Interrupt the main thread as Ctrl-C would, sleeps included; after the grace time end the process."""
        with self.lock:
            if self.current not in job_ids:
                return
            self.stopped = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        time.sleep(self.settings.cancel_grace_s)
        _end_children()
        _end(0)

    def _ping(self) -> None:
        channel = Channel(self.settings.ping_url, self.settings.key)
        while True:
            current = self.current
            url = f"{self.settings.ping_url}&job_id={current}" if current else self.settings.ping_url
            with contextlib.suppress(OSError):  # the main thread waits for the server
                channel.request("GET", url)
            time.sleep(max(self.settings.ping_interval_s, 0.1))


def _end_children() -> None:
    """End what the job started, as a container ends with all of its processes; also what has a session of its own."""
    import psutil  # a few milliseconds, which no other job needs

    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()


def _end(code: int) -> None:
    """End at once: threads and `atexit` functions of the user's code must not keep a worker alive."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def main() -> None:
    """Run a worker from the environment: a deployed app's handler, else our own loop."""
    if serve_deployed(os.environ, Path("app")):
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = Worker(read_worker_settings(os.environ))
    try:
        worker.run()
    except KeyboardInterrupt:
        pass  # a stopped job
    except (ServerGone, Refused) as gone:
        sys.stderr.write(f"worker {worker.settings.worker_id} ends: {gone}\n")
    if worker.stopped:
        _end_children()
    _end(0)


if __name__ == "__main__":
    main()
