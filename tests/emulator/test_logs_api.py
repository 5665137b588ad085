"""Workers' logs over HTTP: the stream of REST v2, and the log service of released clients (flash-wire.md 2)."""

from __future__ import annotations

import re
from concurrent.futures import Future
from pathlib import Path

import httpx
import pytest
from emulated import Api

from flash_jupyter.emulator.logs import parse_time

STAMP = re.compile(r"(\S+) (.*)")


def log_url(api: Api) -> tuple[str, Path]:
    endpoint, worker, _ = api.running_job()
    return f"/v2/serverless/{endpoint}/workers/{worker}/logs", api.pool.orders[-1].log_path


def lines_of(answer: httpx.Response) -> list[str]:
    return [line.partition('"line":"')[2].partition('"')[0] for line in answer.text.splitlines() if line[:5] == "data:"]


def ended(api: Api) -> None:
    api.call(lambda: api.pool.processes[-1].end("exit code 0"))


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("source=container", ["a", "b", "c"]),
        ("source=container&tail=2", ["b", "c"]),
        ("source=container&tail=0", []),
        ("source=system&tail=1", ["worker W ended: exit code 0"]),
        ("tail=2", ["c", "worker W ended: exit code 0"]),
    ],
)
def test_which_lines_of_a_log_are_sent(api: Api, query: str, lines: list[str]) -> None:
    url, path = log_url(api)
    path.write_text("a\nb\nc\n")
    ended(api)
    worker = url.split("/")[5]
    assert lines_of(api.get(f"{url}?{query}")) == [line.replace("W", worker) for line in lines]


def test_a_log_is_resumed_after_the_last_id_and_from_a_time(api: Api) -> None:
    url, path = log_url(api)
    path.write_text("a\nb\nc\n")
    ended(api)
    ids = [line[4:] for line in api.get(f"{url}?source=container").text.splitlines() if line[:3] == "id:"]
    headers = {"Authorization": "test-key", "Last-Event-ID": ids[0]}
    assert lines_of(api.get(f"{url}?source=container&tail=1", headers=headers)) == ["b", "c"]
    assert lines_of(api.get(url, params={"source": "container", "since": ids[1], "tail": 0})) == ["b", "c"]


def test_a_follower_gets_lines_until_the_worker_ends(api: Api) -> None:
    url, path = log_url(api)
    following: Future[httpx.Response] = api.begin("GET", f"{url}?source=container&tail=0")
    with path.open("a") as file:
        file.write("while it runs\n")
    api.tick()
    with path.open("a") as file:
        file.write("the last word")
    ended(api)
    assert lines_of(following.result(60)) == ["while it runs", "the last word"]


@pytest.mark.parametrize("query", ["tail=-1", "tail=5001", "tail=x", "since=yesterday", "source=both"])
def test_a_log_query_that_is_wrong_is_a_problem(api: Api, query: str) -> None:
    url, _ = log_url(api)
    answer = api.get(f"{url}?{query}")
    assert (answer.status_code, answer.json()["title"]) == (422, "Unprocessable Entity")


def test_the_log_of_an_unknown_worker_is_404(api: Api) -> None:
    endpoint, other = api.endpoint(), log_url(api)[0].split("/")[5]
    assert api.get(f"/v2/serverless/{endpoint}/workers/none/logs").json()["detail"] == "worker not found"
    assert api.get(f"/v2/serverless/{endpoint}/workers/{other}/logs").status_code == 404


# --- the log service --------------------------------------------------------------------------------------------


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
