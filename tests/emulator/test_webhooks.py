"""A client is told when its job has ended; nothing that goes wrong there disturbs the job."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulated import Api, wait_for

from flash_jupyter.emulator.webhooks import Webhooks

DOCUMENT = b'{"id":"j1","status":"COMPLETED"}'


class Receiver:
    """A web server of a client; it remembers what it was sent."""

    def __init__(self) -> None:
        received: list[tuple[str, str | None, dict[str, Any]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.append((self.path, self.headers["Content-Type"], body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.received = received
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/told?me=1"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


def deliver(*answers: int | Exception) -> tuple[list[httpx.Request], list[float]]:
    """Deliver a document to a server that answers so; returns the requests and the pauses between them."""
    requests: list[httpx.Request] = []
    pauses: list[float] = []
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return httpx.Response(given)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> None:
        webhooks = Webhooks(transport=httpx.MockTransport(answer), sleep=sleep)
        webhooks.send("https://client.test/hook", DOCUMENT)
        while left and len(requests) < 3:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        await webhooks.close()

    asyncio.run(run())
    return requests, pauses


def test_it_is_told_once_when_it_answers_200() -> None:
    requests, pauses = deliver(200)
    assert [(r.method, str(r.url), r.content, r.headers["content-type"]) for r in requests] == [
        ("POST", "https://client.test/hook", DOCUMENT, "application/json")
    ]
    assert pauses == []


@pytest.mark.parametrize("first", [500, 404, 201, httpx.ConnectError("no route"), httpx.ReadTimeout("slow")])
def test_what_is_not_200_is_tried_again_after_ten_seconds(first: int | Exception) -> None:
    requests, pauses = deliver(first, 200)
    assert (len(requests), pauses) == (2, [10.0])


def test_after_three_tries_it_is_given_up() -> None:
    requests, pauses = deliver(500, 500, 500, 200)
    assert (len(requests), pauses) == (3, [10.0, 10.0])


def test_close_gives_up_what_waits() -> None:
    async def run() -> float:
        webhooks = Webhooks(transport=httpx.MockTransport(lambda _: httpx.Response(500)))
        webhooks.send("http://client.test", DOCUMENT)
        await asyncio.sleep(0.05)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await webhooks.close()
        return loop.time() - began

    assert asyncio.run(run()) < 1


def test_the_end_of_a_job_is_told_as_status_says_it(api: Api, receiver: Receiver) -> None:
    endpoint = api.endpoint()
    job = api.run(endpoint, webhook=receiver.url)
    worker = api.worker()
    assert api.take(endpoint, worker).json() == {"input": {"x": 1}, "webhook": receiver.url, "id": job}
    api.done(endpoint, worker, job, {"output": {"y": 2}})
    told = wait_for(lambda: receiver.received)
    assert told == [("/told?me=1", "application/json", api.status(endpoint, job))]
    assert told[0][2]["output"] == {"y": 2}


@pytest.mark.parametrize("how", ["fail", "cancel", "time to live"])
def test_every_end_is_told(api: Api, receiver: Receiver, how: str) -> None:
    endpoint = api.endpoint()
    job = api.run(endpoint, webhook=receiver.url, policy={"ttl": 20_000})
    if how == "fail":
        worker = api.worker()
        api.take(endpoint, worker)
        api.done(endpoint, worker, job, {"error": "e"})
    elif how == "cancel":
        api.post(f"/v2/{endpoint}/cancel/{job}")
    else:
        api.clock.now += 21
        api.tick()
    ((_, _, document),) = wait_for(lambda: receiver.received)
    assert document["id"] == job
    assert document["status"] == {"fail": "FAILED", "cancel": "CANCELLED", "time to live": "TIMED_OUT"}[how]


def test_a_webhook_that_fails_disturbs_nothing(api: Api) -> None:
    endpoint = api.endpoint()
    job = api.run(endpoint, webhook="http://127.0.0.1:1/")
    worker = api.worker()
    api.take(endpoint, worker)
    assert api.done(endpoint, worker, job, {"output": 1}).status_code == 200
    assert api.status(endpoint, job)["status"] == "COMPLETED"


@pytest.mark.parametrize("webhook", ["ftp://h/x", "client.test", 7, {"url": "http://h"}])
def test_only_http_is_taken(api: Api, webhook: object) -> None:
    answer = api.post(f"/v2/{api.endpoint()}/run", json={"input": {}, "webhook": webhook})
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "`webhook` must be a URL that begins with http:// or https://"},
    )


def test_a_webhook_survives_a_server_that_was_killed(tmp_path: Path, receiver: Receiver) -> None:
    with Api(tmp_path) as api:
        endpoint = api.endpoint()
        job = api.run(endpoint, webhook=receiver.url)
    with Api(tmp_path) as api:
        api.post(f"/v2/{endpoint}/cancel/{job}")
        assert wait_for(lambda: receiver.received)[0][2]["status"] == "CANCELLED"
