"""An embedded Runpod as foreign software sees it: variables for clients, endpoints whose workers are foreign, job documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from filelock import FileLock

from flash_jupyter.session.local import local_info
from flash_jupyter.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"}
#: variables that would point a foreign client elsewhere, or change what it does
_NOT_INHERITED = ("RUNPOD_", "FLASH_", "PYTHON", "VIRTUAL_ENV")


def released(*packages: str) -> Path:
    """Return the interpreter of an environment that has these packages and nothing of ours; it is made once."""
    folder = ROOT / ".venvs" / packages[0].replace("==", "-")
    folder.parent.mkdir(exist_ok=True)
    python, done = folder / "bin" / "python", folder / ".installed"
    with FileLock(f"{folder}.lock"):
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python)]
            subprocess.run([*install, *packages], check=True)
            done.touch()
    return python


class Platform:
    """A running embedded Runpod and the home folder of a user who has never used anything."""

    def __init__(self, settings: Settings, home: Path) -> None:
        info = local_info(settings)
        assert info is not None
        self.home, self.url, self.variables = home, info.url, info.env()
        headers = {"Authorization": f"Bearer {info.api_key}"}
        self.client = httpx.Client(base_url=info.url, headers=headers, timeout=30)

    def __enter__(self) -> Platform:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of a foreign client: the machine's, what `flash local env` prints, and `more`."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        return {**inherited, "HOME": str(self.home), **self.variables, **more}

    def run(
        self, command: list[str | Path], *, cwd: Path | None = None, timeout_s: float = 120, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a foreign program to its end; fails the test with all that it wrote unless it exits with 0."""
        words = [str(word) for word in command]
        done = subprocess.run(
            words,
            cwd=cwd or self.home,
            env=self.environ(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == 0, f"{words} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def tell(self, command: list[str | Path], **options: Any) -> list[Any]:
        """Run a program that prints JSON lines and return what they say; other lines are not ours to judge."""
        lines = self.run(command, **options).stdout.splitlines()
        return [json.loads(line) for line in lines if line.startswith('["')]

    # --- endpoints and jobs ------------------------------------------------------------------------------------

    def deploy(self, name: str, args: str, *, workers: int = 1) -> str:
        """Make a queue endpoint whose workers run `args`; returns its id."""
        body = {
            "name": name,
            "type": "QUEUE",
            "image": "somebody/handler:1",
            "args": args,
            "cpu": [{"id": "cpu3g", "vcpuCount": 2}],
            "workers": {"min": 0, "max": workers, "idleTimeout": 60},
            "scaling": {"type": "QUEUE_DELAY", "queueDelay": 1},
        }
        made = self.client.post("/v2/serverless", json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def endpoints(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get("/v2/serverless").json()["endpoints"]
        return found

    def submit(self, endpoint: str, order: dict[str, Any], **body: Any) -> str:
        answer = self.client.post(f"/v2/{endpoint}/run", json={"input": order, **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def status(self, endpoint: str, job: str) -> dict[str, Any]:
        document: dict[str, Any] = self.client.get(f"/v2/{endpoint}/status/{job}").json()
        return document

    def reached(self, endpoint: str, job: str, *states: str, within_s: float = 60) -> dict[str, Any]:
        """Wait until the job is in one of the states, a final one if none is given; returns its document."""
        deadline = time.monotonic() + within_s
        while (document := self.status(endpoint, job))["status"] not in (states or FINAL):
            assert time.monotonic() < deadline, document
            time.sleep(0.05)
        return document


def told(document: dict[str, Any]) -> dict[str, Any]:
    """What a job's document says, without what differs from run to run; checks that this has the right form."""
    said = dict(document)
    assert isinstance(said.pop("id"), str)
    assert isinstance(said.pop("workerId"), str)
    assert all(isinstance(said.pop(name), int) for name in ("delayTime", "executionTime"))
    return said
