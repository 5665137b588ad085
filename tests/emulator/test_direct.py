"""What is answered without ASGI is what ASGI would answer, and all else goes that way untouched."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from emulated import BALANCER_ENDPOINT, KEY, Api, RealServer, wait_for

from flash_jupyter.emulator.auth import endpoint_key
from flash_jupyter.emulator.direct import LONGEST_BYTES, Answer

BODY = b'{"input": {"x": 1}}'
PLAIN = ("Host: here", f"Authorization: Bearer {KEY}")


def message(path: str, body: bytes = BODY, *more: str, headers: tuple[str, ...] = PLAIN, version: str = "1.1") -> bytes:
    lines = [f"POST {path} HTTP/{version}", *headers, f"Content-Length: {len(body)}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ask(api: Api, data: bytes) -> Answer | None:
    answer: Answer | None = api.call(lambda: api.app.state.direct.answer(data))
    return answer


def body_of(answer: Answer | None) -> Any:
    assert answer is not None
    head, _, body = answer.message.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[1] == b"content-length: %d" % len(body)
    return json.loads(body)


def test_a_job_is_accepted_as_by_its_route(api: Api) -> None:
    endpoint = api.endpoint()
    answer = ask(api, message(f"/v2/{endpoint}/run"))
    said, theirs = body_of(answer), api.post(f"/v2/{endpoint}/run", content=BODY)
    assert answer is not None
    assert answer.message.startswith(b"HTTP/1.1 200 OK\r\n")
    assert theirs.headers["content-type"] == "application/json"
    assert b"content-type: application/json" in answer.message
    assert (said["status"], list(said)) == (theirs.json()["status"], list(theirs.json()))
    worker = api.worker()
    assert api.take(endpoint, worker).json() == {"input": {"x": 1}, "id": said["id"]}


def test_who_waits_for_the_job_goes_before_its_client(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1})
    poll = api.begin("GET", f"/v2/{endpoint}/job-take/{worker}?job_in_progress=0")
    wait_for(lambda: api.emulator.world.endpoints[endpoint].polls)
    answer = ask(api, message(f"/v2/{endpoint}/run"))
    assert answer is not None
    assert answer.waits
    assert poll.result(20).json()["id"] == body_of(answer)["id"]


def test_an_answer_is_taken_as_by_its_route_with_the_next_job(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    following = api.run(endpoint)
    done = f"/v2/{endpoint}/job-done/{worker}/{{}}?gpu=CPU&isStream=false&take=1"
    first = ask(api, message(done.format(job), b'{"output": 1}'))
    assert body_of(first) == {"input": {"x": 1}, "id": following}
    assert first is not None
    assert not first.waits
    last = ask(api, message(done.format(following), b'{"error": "no"}'))
    assert last == Answer(
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}", waits=True
    )
    assert [api.status(endpoint, each)["status"] for each in (job, following)] == ["COMPLETED", "FAILED"]


def test_an_endpoints_own_key_opens_it(api: Api) -> None:
    endpoint = api.endpoint()
    api.run(endpoint)
    worker = api.worker()
    key = endpoint_key(api.emulator.world.api_key, endpoint)
    job = api.take(endpoint, worker).json()["id"]
    path = f"/v2/{endpoint}/job-done/{worker}/{job}?isStream=false"
    assert body_of(ask(api, message(path, b'{"output": 1}', headers=("Host: here", f"Authorization: {key}")))) == {}


LONG_WAY: dict[str, Callable[[str, str], bytes]] = {
    "no key": lambda run, _: message(run, headers=("Host: here",)),
    "a wrong key": lambda run, _: message(run, headers=("Host: here", "Authorization: Bearer no")),
    "no such endpoint": lambda _, __: message("/v2/none/run"),
    "a load balancer": lambda _, other: message(f"/v2/{other}/run"),
    "no JSON": lambda run, _: message(run, b"{"),
    "no input": lambda run, _: message(run, b"{}"),
    "another route": lambda run, _: message(run.replace("/run", "/runsync")),
    "more words": lambda run, _: message(f"{run}/more"),
    "an escape": lambda run, _: message(run.replace("/run", "/%72un")),
    "another method": lambda run, _: message(run).replace(b"POST", b"GET", 1),
    "half a request": lambda run, _: message(run)[:-3],
    "two requests": lambda run, _: message(run) * 2,
    "a request and a half": lambda run, _: message(run) + b"POST /v2/",
    "two keys": lambda run, _: message(run, BODY, f"Authorization: Bearer {KEY}"),
    "the last of its connection": lambda run, _: message(run, BODY, "Connection: close"),
    "HTTP/1.0": lambda run, _: message(run, version="1.0"),
    "one that asks first": lambda run, _: message(run, BODY, "Expect: 100-continue"),
    "another protocol": lambda run, _: message(run, BODY, "Connection: upgrade", "Upgrade: websocket"),
    "no HTTP": lambda run, _: message(run).replace(b"HTTP/1.1", b"nothing"),
    "a large one": lambda run, _: message(run, b'{"input": {"x": "%b"}}' % (b"x" * LONGEST_BYTES)),
    "no such worker": lambda run, _: message(run.replace("/run", "/job-done/none/j"), b'{"output": 1}'),
}


@pytest.mark.parametrize("name", LONG_WAY)
def test_what_goes_the_long_way_has_done_nothing(api: Api, name: str) -> None:
    endpoint, balancer = api.endpoint(), api.endpoint(**BALANCER_ENDPOINT)
    assert ask(api, LONG_WAY[name](f"/v2/{endpoint}/run", balancer)) is None
    assert api.emulator.world.open_jobs == 0
    assert len(api.emulator.world.jobs) == 0


def test_a_request_is_never_taken_for_another_wherever_the_next_one_is_cut(api: Api) -> None:
    first, second = api.endpoint(), api.endpoint()
    following = message(f"/v2/{second}/run")
    for cut in range(1, len(following)):
        assert ask(api, message(f"/v2/{first}/run") + following[:cut]) is None
        assert ask(api, following[:cut]) is None
    assert api.emulator.world.open_jobs == 0


def test_a_body_above_the_platforms_limit_goes_the_long_way(tmp_path: Any) -> None:
    large = b'{"input": {"x": "%b"}}' % (b"x" * 100)
    with Api(tmp_path, run_bytes=100, result_bytes=100) as api:
        endpoint, worker, job = api.running_job()
        for path in ("run", f"job-done/{worker}/{job}?isStream=false"):
            assert ask(api, message(f"/v2/{endpoint}/{path}", large)) is None
            assert api.post(f"/v2/{endpoint}/{path}", content=large).status_code == 400


def test_a_result_is_kept_though_the_job_after_it_can_not_be_handed_over(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    following = api.run(endpoint)
    trigger = "BEFORE UPDATE ON jobs WHEN new.state = 'IN_PROGRESS' BEGIN SELECT raise(FAIL, 'no take'); END"
    api.call(lambda: api.store._db.execute(f"CREATE TEMP TRIGGER no_take {trigger}"))
    done = f"/v2/{endpoint}/job-done/{worker}/{job}?isStream=false&take=1"
    assert body_of(ask(api, message(done, b'{"output": 1}'))) == {}
    api.call(lambda: api.store._db.execute("DROP TRIGGER no_take"))
    states = {each.id: each.state.value for each in api.call(api.store.jobs)}
    assert states == {job: "COMPLETED", following: "IN_QUEUE"}
    assert api.take(endpoint, worker).json()["id"] == following


def test_an_answer_that_is_refused_goes_the_long_way(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    assert ask(api, message(f"/v2/{endpoint}/job-done/{worker}/{job}?isStream=false", b"[]")) is None
    assert api.status(endpoint, job)["status"] == "IN_PROGRESS"


def test_one_request_too_many_goes_the_long_way(tmp_path: Any) -> None:
    with Api(tmp_path, rate_per_10_s={"run": 1}) as api:
        endpoint = api.endpoint()
        assert ask(api, message(f"/v2/{endpoint}/run")) is not None
        assert ask(api, message(f"/v2/{endpoint}/run")) is None
        assert api.post(f"/v2/{endpoint}/run", content=BODY).status_code == 429


def test_while_faults_are_set_all_go_the_long_way(api: Api) -> None:
    endpoint = api.endpoint()
    api.post("/_flash/faults", json={"kind": "500", "endpoint": "another"})
    assert ask(api, message(f"/v2/{endpoint}/run")) is None


def test_it_counts_as_use_of_the_server(api: Api) -> None:
    endpoint = api.endpoint()
    api.clock.now += 100
    ask(api, message(f"/v2/{endpoint}/run"))
    assert api.emulator.world.last_request_at == api.clock.now


def test_a_store_that_fails_is_an_error_of_the_server(api: Api) -> None:
    endpoint = api.endpoint()

    def close_and_ask() -> Answer | None:
        api.store.close()
        answer: Answer | None = api.app.state.direct.answer(message(f"/v2/{endpoint}/run"))
        return answer

    answer = api.call(close_and_ask)
    assert answer is not None
    assert answer.message.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert "closed database" in body_of(answer)["error"]


class Line:
    """One connection, on which a test says byte for byte what it sends."""

    def __init__(self, server: RealServer) -> None:
        host, port = server.info["url"].removeprefix("http://").split(":")
        self._socket = socket.create_connection((host, int(port)), timeout=20)
        self._file = self._socket.makefile("rb")
        self._headers = ("Host: here", f"Authorization: Bearer {server.info['api_key']}")

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._socket.sendall(piece)
            time.sleep(0.05)  # so that the server sees each of them by itself

    def request(self, method: str, path: str, body: bytes = BODY) -> bytes:
        return message(path, body, headers=self._headers).replace(b"POST", method.encode(), 1)

    def read(self) -> tuple[int, Any]:
        status = int(self._file.readline().split()[1])
        size = 0
        while (line := self._file.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        return status, json.loads(self._file.read(size))

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def test_both_ways_share_a_connection(server: RealServer) -> None:
    endpoint = server.endpoint(workers={"min": 0, "max": 1, "idleTimeout": 60})
    line = Line(server)
    run = line.request("POST", f"/v2/{endpoint}/run")
    said: list[tuple[int, Any]] = []
    for pieces in (
        [run],
        [run[:20], run[20:]],
        [run[:-4], run[-4:]],
        [line.request("GET", f"/v2/{endpoint}/health")],
        [run],
    ):
        line.send(*pieces)
        said.append(line.read())
    line.send(run + run, run)
    said += [line.read() for _ in range(3)]
    line.send(line.request("POST", f"/v2/{endpoint}/run", b"no JSON"))
    said.append(line.read())
    line.close()
    assert [status for status, _ in said] == [200] * 8 + [400]
    jobs = [document["id"] for status, document in said if "id" in document]
    assert len(set(jobs)) == 7
    assert {job["id"] for job in server.client.get(f"/v2/{endpoint}/requests").json()["requests"]} == set(jobs)
