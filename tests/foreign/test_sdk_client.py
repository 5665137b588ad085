"""The released `runpod` SDK as client of the embedded Runpod, with workers of the same SDK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foreign import Platform

PROGRAMS = Path(__file__).with_name("programs")
pytestmark = pytest.mark.foreign

NO_WORKERS = {"idle": 0, "initializing": 0, "ready": 0, "running": 0, "throttled": 0, "unhealthy": 0}
NO_JOBS = {"completed": 0, "failed": 0, "inProgress": 0, "inQueue": 0, "retried": 0}

#: (what the script does, kind of the worker, what it sees)
STORIES: list[tuple[str, str, list[Any]]] = [
    (
        "run",
        "async",
        [
            ["output", {"sum": 3}],
            ["status", "COMPLETED"],
            ["wrapped already", 1],
            ["status of a failure", "FAILED"],
            ["output of a failure", None],
            ["keys of the job", ["id", "input"]],
        ],
    ),
    ("run_sync", "async", [["output", [1, None]], ["output of a failure", None]]),
    (
        "cancel",
        "async",
        [
            ["status of the second", "IN_QUEUE"],
            ["cancel the second", {"id": True, "status": "CANCELLED"}],
            ["status of the second", "CANCELLED"],
            ["cancel the first", {"id": True, "status": "CANCELLED"}],
            ["status of the first", "CANCELLED"],
            ["stopped in the worker", ["first"]],
        ],
    ),
    (
        "stream",
        "generator",
        [
            ["items", [{"token": number} for number in range(4)]],
            ["came one after the other", True],
            ["status", "COMPLETED"],
            ["output", [{"token": number} for number in range(4)]],
        ],
    ),
    (
        "purge",
        "async",
        [
            ["purge", {"removed": 3, "status": "completed"}],
            ["queued", ["CANCELLED", "CANCELLED", "CANCELLED"]],
            ["running", "IN_PROGRESS"],
        ],
    ),
    (
        "refused",
        "async",
        [
            ["another key", "RuntimeError: 401 Unauthorized | Make sure Runpod API key is set and valid."],
            [
                "no such endpoint",
                "HTTPError: 404 Client Error: Not Found for url: {base}/nosuchendpoint/run",
            ],
        ],
    ),
    (
        "asynchronous",
        "async",
        [["outputs", [0, 1, 2]], ["status", "COMPLETED"], ["health", ["jobs", "workers"]], ["cancel", "CANCELLED"]],
    ),
]
SMOKE = {"run", "stream"}


@pytest.fixture(scope="module")
def python(released: Callable[..., Path]) -> Path:
    return released("runpod==1.12.0", "cloudpickle")


@pytest.fixture(scope="module")
def endpoints(python: Path, platform: Platform) -> dict[str, str]:
    worker = PROGRAMS / "sdk_worker.py"
    return {kind: platform.deploy(kind, f"{python} {worker} {kind}") for kind in ("async", "generator")}


@pytest.mark.parametrize(
    ("story", "kind", "seen"),
    [pytest.param(*case, id=case[0], marks=[] if case[0] in SMOKE else pytest.mark.slow) for case in STORIES],
)
def test_a_client_sees_what_the_platform_promises(
    story: str, kind: str, seen: list[Any], python: Path, endpoints: dict[str, str], platform: Platform
) -> None:
    assert platform.tell([python, PROGRAMS / "sdk_client.py", story, endpoints[kind]]) == seen


@pytest.mark.slow
def test_health_counts_jobs_and_workers(python: Path, platform: Platform) -> None:
    endpoint = platform.deploy("health", f"{python} {PROGRAMS / 'sdk_worker.py'} sync")
    ask = [python, PROGRAMS / "sdk_client.py", "health", endpoint]
    assert platform.tell(ask) == [["health", {"jobs": NO_JOBS, "workers": NO_WORKERS}]]
    for order in ({"do": "return", "value": 1}, {"do": "raise"}):
        platform.reached(endpoint, platform.submit(endpoint, order))
    jobs = {**NO_JOBS, "completed": 1, "failed": 1}
    assert platform.tell(ask) == [["health", {"jobs": jobs, "workers": {**NO_WORKERS, "idle": 1, "ready": 1}}]]
