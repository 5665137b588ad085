"""The log service of released clients (flash-wire.md 2)."""

from __future__ import annotations

import re

from emulated import Api

from flash_jupyter.emulator.logs import parse_time

STAMP = re.compile(r"(\S+) (.*)")


def texts(lines: list[str]) -> list[str]:
    """The lines without their times, which must be RFC 3339 and in order."""
    matches = [match for match in map(STAMP.fullmatch, lines) if match]
    assert len(matches) == len(lines)
    times = [parse_time(match[1]) for match in matches]
    assert times == sorted(times)
    return [match[2] for match in matches]


def test_the_lines_of_a_worker_by_source(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.pool.orders[-1].log_path.write_text("step 1\nstep 2\n")
    api.done(endpoint, worker, job, {"output": 1})
    answer = api.get(f"/v1/pod/{worker}/logs")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert set(answer.json()) == {"system", "container"}
    assert texts(answer.json()["container"]) == ["step 1", "step 2"]
    assert texts(answer.json()["system"]) == [f"worker {worker} starts", f"worker {worker} is ready"]


def test_the_log_of_a_worker_that_has_ended(api: Api) -> None:
    _, worker, _ = api.running_job()
    api.call(lambda: api.pool.processes[-1].end("exit code 3"))
    lines = api.get(f"/v1/pod/{worker}/logs").json()["system"]
    assert texts(lines)[-1] == f"worker {worker} ended: exit code 3"


def test_a_worker_that_there_is_not(api: Api) -> None:
    answer = api.get("/v1/pod/nope/logs")
    assert (answer.status_code, answer.json()) == (404, {"error": "pod nope not found"})


def test_the_log_service_wants_the_key(api: Api) -> None:
    _, worker, _ = api.running_job()
    assert api.get(f"/v1/pod/{worker}/logs", headers={}).status_code == 401
