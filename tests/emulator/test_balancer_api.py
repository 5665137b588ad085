"""The data plane of load balancing endpoints, with a worker that is a real HTTP server in a thread of the test."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulated import BALANCER_ENDPOINT, Api, Clock, MadeUpPool, wait_for
from user_server import ThreadedServer

Serve = Callable[..., ThreadedServer]


@pytest.fixture
def worker() -> Iterator[ThreadedServer]:
    worker = ThreadedServer()
    yield worker
    worker.stop()


def balanced(api: Api, worker: ThreadedServer | None = None, **changes: Any) -> str:
    """Make a load balancing endpoint, whose next worker is the given one; returns its base path."""
    if worker is not None:
        api.pool.ports.append(worker.port)
    return f"/lb/{api.endpoint(**{**BALANCER_ENDPOINT, **changes})}"


def requests_of(api: Api) -> list[int]:
    """How many requests each living worker has."""
    return api.call(lambda: [worker.requests for worker in api.emulator.world.workers])


def pending(api: Api, request: Future[httpx.Response]) -> bool:
    time.sleep(0.1)
    return not request.done()


# --- the way of a request ----------------------------------------------------------------------------------------


def test_a_request_starts_a_worker_and_waits_for_it(api: Api, worker: ThreadedServer) -> None:
    worker.app.state.ping = 204
    base = balanced(api, worker)
    assert api.pool.orders == []
    answer = api.begin("POST", f"{base}/add", json={"x": 2, "y": 3})
    wait_for(lambda: api.pool.orders)
    assert pending(api, answer)
    worker.app.state.ping = 200
    assert answer.result(60).status_code == 201
    assert answer.result(60).json() == {"result": 5}
    assert answer.result(60).headers["X-Runpod-Worker-Id"] == api.pool.orders[0].worker_id
    assert len(api.pool.orders) == 1


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"])
def test_any_method_is_passed_on_with_its_body(api: Api, worker: ThreadedServer, method: str) -> None:
    base = balanced(api, worker)
    body = bytes(range(256))
    answer = api.request(method, f"{base}/echo", content=body)
    assert answer.status_code == 200
    assert answer.headers["x-method"] == method
    assert answer.content == body


def test_path_and_query_arrive_as_they_were_sent(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    answer = api.get(f"{base}/items/a%2Fb%20c?q=1&q=%C3%A4&empty=")
    assert answer.json() == {"item": "a/b c", "query": {"q": ["1", "ä"], "empty": [""]}, "raw": "/items/a%2Fb%20c"}


@pytest.mark.parametrize("end", ["", "/"], ids=["as it is shown", "with a slash"])
def test_the_base_itself_is_the_workers_root(api: Api, worker: ThreadedServer, end: str) -> None:
    answer = api.get(balanced(api, worker) + end)
    assert (answer.status_code, answer.text) == (404, "Not Found")  # this worker has no root: that is its own answer
    assert answer.headers["X-Runpod-Worker-Id"] == api.pool.orders[0].worker_id


def test_what_the_worker_answers_comes_back_with_its_status(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    assert (api.get(f"{base}/nothing").status_code, api.get(f"{base}/nothing").text) == (404, "Not Found")
    assert api.get(f"{base}/add").status_code == 405
    assert api.request("HEAD", f"{base}/items/1").headers["content-length"] == "40"


def test_the_key_and_what_concerns_one_hop_do_not_reach_the_worker(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    sent = {"Authorization": "Bearer test-key", "Connection": "x-hop", "X-Hop": "1", "TE": "trailers", "X-Mine": "ä"}
    answer = api.get(f"{base}/echo", headers={name: value.encode() for name, value in sent.items()})
    seen = dict(ast.literal_eval(answer.headers["x-headers"]))
    assert seen["x-mine"] == "ä"
    assert not {"authorization", "connection", "x-hop", "te"} & set(seen)
    assert seen["host"] == "local"


def test_a_redirect_of_the_worker_leads_through_the_endpoints_path(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    assert api.get(f"{base}/redirect").headers["location"] == f"{base}/items/1"


def test_the_key_is_asked_for_as_everywhere(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    answer = api.get(f"{base}/echo", headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()) == (401, {"error": "the API key is missing or wrong"})
    assert api.pool.orders == []


# --- health ------------------------------------------------------------------------------------------------------


def test_ping_answers_204_until_a_worker_is_healthy_and_starts_one(api: Api, worker: ThreadedServer) -> None:
    worker.app.state.ping = 204
    base = balanced(api, worker)
    answer = api.get(f"{base}/ping")
    assert (answer.status_code, answer.content) == (204, b"")
    wait_for(lambda: api.pool.orders)
    api.get(f"{base}/ping")
    worker.app.state.ping = 200
    wait_for(lambda: api.get(f"{base}/ping").status_code == 200)
    assert api.get(f"{base}/ping").headers["X-Runpod-Worker-Id"] == api.pool.orders[0].worker_id
    assert len(api.pool.orders) == 1


def test_health_has_its_own_port_and_path_where_the_endpoint_says_so(api: Api, worker: ThreadedServer) -> None:
    health = ThreadedServer()
    try:
        base = balanced(api, worker, env={"PORT": "80", "PORT_HEALTH": "81", "HEALTH_CHECK_PATH": "/items/ok"})
        api.pool.ports.append(health.port)
        worker.app.state.ping = 500
        assert api.post(f"{base}/add", json={"x": 1, "y": 1}).json() == {"result": 2}
        assert api.get(f"{base}/ping").status_code == 500  # a path like others
        assert api.get(f"{base}/items/ok").json()["item"] == "ok"
        urls = api.get(f"/v2/serverless/{base[4:]}").json()["requestUrls"]
        assert urls == {"base": f"http://local{base}", "health": f"http://local{base}/items/ok"}
    finally:
        health.stop()


def test_a_worker_that_turns_unhealthy_gets_no_requests_until_it_recovers(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker, workers={"max": 1})
    api.get(f"{base}/echo")
    worker.app.state.ping = 500
    wait_for(lambda: api.get(f"{base}/ping").status_code == 204)
    answer = api.begin("GET", f"{base}/echo")
    assert pending(api, answer)
    worker.app.state.ping = 200
    assert answer.result(60).status_code == 200
    lines = [line.text for line in api.call(lambda: _log_of(api))]
    name = api.pool.orders[0].worker_id
    assert f"worker {name} is unhealthy: /ping answered 500: unhealthy" in lines
    assert f"worker {name} is healthy again" in lines


def _log_of(api: Api) -> Any:
    ((_, log),) = api.emulator.world.logs.values()
    return log.lines(0, len(log))


def test_an_unhealthy_worker_is_ended_after_a_time(api: Api, worker: ThreadedServer) -> None:
    worker.app.state.ping = 503
    base = balanced(api, worker)
    api.get(f"{base}/ping")
    wait_for(lambda: api.pool.processes)
    wait_for(lambda: api.call(lambda: api.emulator.world.workers[0].unhealthy_since) is not None, within_s=60)
    api.clock.now += 481
    wait_for(lambda: not api.pool.processes[0].is_alive())
    last = api.call(lambda: _log_of(api))[-1].text
    name = api.pool.orders[0].worker_id
    assert last == (
        f"worker {name} ended: unhealthy for 480 s; health check on port {worker.port}: /ping answered 503: unhealthy"
    )


# --- limits ------------------------------------------------------------------------------------------------------


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Callable[..., Api]]:
    opened: list[Api] = []

    def limited(**limits: Any) -> Api:
        opened.append(Api(tmp_path, pool=MadeUpPool(), clock=Clock(), **limits))
        return opened[-1].__enter__()

    yield limited
    for api in opened:
        api.__exit__()


def test_no_healthy_worker_in_time_is_the_platforms_400(limited: Callable[..., Api], worker: ThreadedServer) -> None:
    api = limited(balancer_wait_s=0.4)
    worker.app.state.ping = 204
    answer = api.get(f"{balanced(api, worker)}/echo")
    assert answer.status_code == 400
    name = api.pool.orders[0].worker_id
    assert answer.json() == {
        "error": "no workers available",
        "detail": f"worker {name}: /ping answered 204: initialising",
    }


def test_a_worker_that_does_not_open_its_port_is_a_502(limited: Callable[..., Api]) -> None:
    api = limited(balancer_wait_s=0.4)
    answer = api.get(f"{balanced(api)}/echo")
    assert answer.status_code == 502
    name = api.pool.orders[0].worker_id
    assert answer.json() == {
        "error": "no workers available",
        "detail": f"worker {name}: nothing listens on port 1 (PORT_HEALTH)",
    }


def test_no_worker_is_allowed(limited: Callable[..., Api]) -> None:
    api = limited(balancer_wait_s=0.2)
    answer = api.get(f"{balanced(api, workers={'max': 0})}/echo")
    assert (answer.status_code, answer.json()) == (400, {"error": "no workers available"})


def test_health_that_answers_while_the_port_does_not_is_a_502(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, env={"PORT_HEALTH": "81"})
    api.pool.ports += [1, worker.port]
    answer = api.get(f"{base}/echo")
    name = api.pool.orders[0].worker_id
    assert answer.status_code == 502
    assert answer.json() == {"error": f"worker {name} does not listen on its port (PORT)"}
    assert answer.headers["X-Runpod-Worker-Id"] == name
    wait_for(lambda: requests_of(api) == [0])


def test_an_answer_that_takes_too_long_is_a_524(limited: Callable[..., Api], worker: ThreadedServer) -> None:
    api = limited(balancer_processing_s=0.3)
    answer = api.get(f"{balanced(api, worker)}/sleep?seconds=30")
    assert (answer.status_code, answer.json()) == (524, {"error": "the request took longer than 0.3 s"})
    wait_for(lambda: worker.app.state.sleeping == 0)
    wait_for(lambda: requests_of(api) == [0])


def test_a_body_that_says_it_is_too_large_reaches_no_worker(limited: Callable[..., Api]) -> None:
    api = limited(balancer_bytes=1000)
    answer = api.post(f"{balanced(api)}/echo", content=b"x" * 1001)
    assert (answer.status_code, answer.json()) == (413, {"error": "the body is larger than 1000 bytes"})
    assert api.pool.orders == []


def test_a_body_of_unknown_length_is_cut_at_the_limit(limited: Callable[..., Api], worker: ThreadedServer) -> None:
    api = limited(balancer_bytes=100_000)

    async def body() -> Any:
        for _ in range(200):
            yield b"x" * 1000

    base = balanced(api, worker)
    assert api.post(f"{base}/upload", content=body()).status_code == 413
    assert api.post(f"{base}/upload", content=b"x" * 100_000).json() == {"size": 100_000}
    wait_for(lambda: requests_of(api) == [0])


def test_an_answer_that_is_too_large_is_a_502(limited: Callable[..., Api], worker: ThreadedServer) -> None:
    api = limited(balancer_bytes=1000)
    base = balanced(api, worker)
    assert len(api.get(f"{base}/announced?bytes=1000").content) == 1000
    answer = api.get(f"{base}/announced?bytes=1001")
    name = api.pool.orders[0].worker_id
    assert answer.status_code == 502
    assert answer.json() == {
        "error": f"worker {name} broke off the request",
        "detail": "its answer is larger than 1000 bytes",
    }


def test_websockets_are_refused_in_words(api: Api) -> None:
    headers = {"Authorization": "test-key", "Connection": "Upgrade", "Upgrade": "websocket"}
    answer = api.get(f"{balanced(api)}/ws", headers=headers)
    assert answer.status_code == 501
    assert answer.json() == {"error": "WebSockets are not supported by the embedded Runpod"}


# --- room, scaling and affinity ------------------------------------------------------------------------------------


def test_a_full_worker_makes_others_wait_and_a_second_worker_start(api: Api, worker: ThreadedServer) -> None:
    second = ThreadedServer()
    try:
        base = balanced(api, worker, scaling={"type": "REQUEST_COUNT", "requestCount": 1})
        api.get(f"{base}/echo")
        long = api.begin("GET", f"{base}/sleep?seconds=30")
        wait_for(lambda: worker.app.state.sleeping == 1)
        api.pool.ports.append(second.port)
        assert api.get(f"{base}/echo").headers["X-Runpod-Worker-Id"] == api.pool.orders[1].worker_id
        assert second.app.state.handled == 1
        assert not long.done()
        assert len(api.pool.orders) == 2
    finally:
        second.stop()


def test_requests_that_find_room_start_no_second_worker(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)  # room for four
    requests = [api.begin("GET", f"{base}/sleep?seconds=0.4") for _ in range(4)]
    assert [request.result(60).status_code for request in requests] == [200] * 4
    assert len(api.pool.orders) == 1


def test_an_idle_worker_is_ended(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    api.get(f"{base}/echo")
    api.clock.now += 61
    wait_for(lambda: not api.pool.processes[0].is_alive())
    assert api.call(lambda: _log_of(api))[-1].text.endswith("ended: idle for 61 s")


def test_a_worker_with_a_request_is_not_idle(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    answer = api.begin("GET", f"{base}/sleep?seconds=0.5")
    wait_for(lambda: worker.app.state.sleeping == 1)
    api.clock.now += 61
    assert api.emulator.world.open_jobs == 1
    assert answer.result(60).status_code == 200
    shown = api.get(f"/v2/serverless/{base[4:]}/workers").json()["workers"]
    assert [each["status"] for each in shown] == ["IDLE"]


def test_a_client_that_goes_away_frees_its_place(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    running = api.begin("GET", f"{base}/sleep?seconds=30")
    wait_for(lambda: worker.app.state.sleeping == 1)
    running.cancel()
    wait_for(lambda: worker.app.state.sleeping == 0)
    wait_for(lambda: requests_of(api) == [0])


def test_a_wanted_worker_is_preferred(api: Api, worker: ThreadedServer) -> None:
    second = ThreadedServer()
    try:
        api.pool.ports += [worker.port, second.port]
        base = balanced(api, workers={"min": 2, "max": 2})
        wait_for(lambda: len(api.pool.orders) == 2)
        names = [order.worker_id for order in api.pool.orders]
        wait_for(lambda: api.call(lambda: all(each.is_ready for each in api.emulator.world.workers)))
        for wanted in [*names, *names]:
            for mode in ("", "strict ", "strict-resume "):
                answer = _asking_for(api, base, mode + wanted)
                assert answer.headers["X-Runpod-Worker-Id"] == wanted
        assert _asking_for(api, base, "gone").status_code == 200
    finally:
        second.stop()


@pytest.mark.parametrize("mode", ["strict", "strict-resume"])
def test_a_worker_that_is_gone_is_a_404_for_those_who_insist(api: Api, worker: ThreadedServer, mode: str) -> None:
    base = balanced(api, worker)
    api.get(f"{base}/echo")
    answer = _asking_for(api, base, f"{mode} gone")
    assert answer.status_code == 404
    assert answer.json() == {
        "error": "affinity_worker_gone",
        "detail": "worker gone is none of the endpoint's workers",
    }


def test_one_who_insists_waits_and_is_told_when_the_worker_goes(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker, scaling={"type": "REQUEST_COUNT", "requestCount": 1}, workers={"max": 1})
    running = api.begin("GET", f"{base}/sleep?seconds=30")
    wait_for(lambda: worker.app.state.sleeping == 1)
    waiting = api.begin("GET", f"{base}/echo", headers=_wanting(f"strict {api.pool.orders[0].worker_id}"))
    assert pending(api, waiting)
    api.call(lambda: api.pool.processes[0].end("exit code 1"))
    assert waiting.result(60).json()["error"] == "affinity_worker_gone"
    running.cancel()


def test_one_who_insists_does_not_wait_for_ever(limited: Callable[..., Api], worker: ThreadedServer) -> None:
    api = limited(balancer_strict_wait_s=0.3)
    base = balanced(api, worker, scaling={"type": "REQUEST_COUNT", "requestCount": 1})
    running = api.begin("GET", f"{base}/sleep?seconds=30")
    wait_for(lambda: worker.app.state.sleeping == 1)
    name = api.pool.orders[0].worker_id
    answer = _asking_for(api, base, f"strict {name}")
    assert answer.status_code == 400
    assert answer.json() == {"error": "worker_timeout", "detail": f"worker {name} had no room for the request"}
    running.cancel()


def _wanting(affinity: str) -> dict[str, str]:
    return {"Authorization": "test-key", "X-Runpod-Worker-Id": affinity}


def _asking_for(api: Api, base: str, affinity: str) -> httpx.Response:
    return api.get(f"{base}/echo", headers=_wanting(affinity))


# --- what goes wrong -----------------------------------------------------------------------------------------------


def test_workers_that_end_before_they_are_ready_fail_the_request_with_their_last_words(api: Api) -> None:
    answer = api.begin("GET", f"{balanced(api)}/echo")
    for number in range(3):
        wait_for(lambda number=number: len(api.pool.processes) > number)  # type: ignore[misc]
        api.pool.orders[number].log_path.write_text("no such model\n")
        api.call(lambda number=number: api.pool.processes[number].end("exit code 1"))  # type: ignore[misc]
    assert answer.result(60).status_code == 502
    assert answer.result(60).headers["X-Runpod-Worker-Id"] == api.pool.orders[2].worker_id
    error = answer.result(60).json()["error"]
    assert error.startswith("worker lost: 3 workers in a row did not start; worker ")
    assert error.endswith("ended before it was ready: exit code 1\n  no such model")


def test_an_unknown_endpoint_is_a_404(api: Api) -> None:
    answer = api.get("/lb/gone0000/echo")
    assert (answer.status_code, answer.json()) == (404, {"error": "endpoint gone0000 not found"})


def test_a_queue_is_no_load_balancer(api: Api) -> None:
    endpoint = api.endpoint()
    answer = api.post(f"/lb/{endpoint}/execute", json={})
    assert answer.status_code == 404
    assert answer.json() == {
        "error": f"endpoint {endpoint} is no load balancer but a queue: send jobs to http://local/v2/{endpoint}/run"
    }


@pytest.mark.parametrize("operation", ["run", "runsync", "purge-queue", "cancel/j"])
def test_a_load_balancer_is_no_queue(api: Api, operation: str) -> None:
    base = balanced(api)
    answer = api.post(f"/v2/{base[4:]}/{operation}", json={"input": {}})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": f"endpoint {base[4:]} is a load balancer without a queue: send to http://local{base}"
    }


def test_health_counts_requests_as_jobs(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    running = api.begin("GET", f"{base}/sleep?seconds=30")
    wait_for(lambda: worker.app.state.sleeping == 1)
    health = api.get(f"/v2/{base[4:]}/health").json()
    assert health["jobs"]["inProgress"] == 1
    assert health["workers"]["running"] == 1
    running.cancel()


def test_a_deleted_endpoint_lets_nobody_wait(api: Api, worker: ThreadedServer) -> None:
    worker.app.state.ping = 204
    base = balanced(api, worker)
    waiting = api.begin("GET", f"{base}/echo")
    wait_for(lambda: api.pool.orders)
    assert api.request("DELETE", f"/v2/serverless/{base[4:]}").status_code == 204
    assert waiting.result(60).status_code == 404
    assert waiting.result(60).json() == {"error": f"endpoint {base[4:]} was deleted"}


def test_a_new_release_gets_the_next_request(api: Api, worker: ThreadedServer) -> None:
    second = ThreadedServer()
    try:
        base = balanced(api, worker)
        running = api.begin("GET", f"{base}/sleep?seconds=0.5")
        wait_for(lambda: worker.app.state.sleeping == 1)
        api.pool.ports.append(second.port)
        api.request("PATCH", f"/v2/serverless/{base[4:]}", json={"env": {"A": "1"}})
        assert api.get(f"{base}/echo").headers["X-Runpod-Worker-Id"] == api.pool.orders[1].worker_id
        assert running.result(60).status_code == 200
        wait_for(lambda: not api.pool.processes[0].is_alive())
    finally:
        second.stop()


# --- the bill --------------------------------------------------------------------------------------------------------


def test_a_balancers_worker_is_billed_from_its_start_to_its_end(api: Api, worker: ThreadedServer) -> None:
    base = balanced(api, worker)
    assert api.post(f"{base}/add", json={"x": 1, "y": 2}).status_code == 201
    api.clock.now += 9.5
    assert api.post(f"{base}/add", json={"x": 1, "y": 2}).status_code == 201
    billed = api.get("/v2/billing/serverless").json()["records"]
    assert [(record["serverlessId"], record["cpuAmount"]) for record in billed] == [
        (base.rpartition("/")[2], pytest.approx(10 * 2 * 0.03 / 3600, abs=1e-9))
    ], "whole seconds of two vCPUs, requests or not"
    api.clock.now += 3
    api.call(lambda: api.pool.processes[-1].end("exit code 0"))
    api.clock.now += 100
    (record,) = api.get("/v2/billing/serverless").json()["records"]
    assert record["totalAmount"] == pytest.approx(13 * 2 * 0.03 / 3600, abs=1e-9)
