"""The client of load balanced endpoints, against a small ASGI app that answers what the recorded facts say."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from platform_app import BACKEND
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flash_jupyter import limits
from flash_jupyter.errors import ApiError, NotFoundError, PayloadTooLargeError, UnreachableError
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.transport.http import Clock, Http

BASE = "http://api.test/lb/ep1"
WORKER = {"X-Runpod-Worker-Id": "w1"}


class Sleeper:
    """A clock whose sleeps take no time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, sleep=self.sleep, random=lambda: 1.0)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(round(seconds, 3))
        self.now += seconds


class Workers:
    """Answers one after the other, the last one for ever; remembers what it was asked."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, bytes]] = []
        self.sleeper = Sleeper()

    async def _answer(self, request: Request) -> Response:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.asked.append((request.method, target, await request.body()))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def ask(self, method: str = "POST", path: str = "/execute", **options: Any) -> httpx.Response:
        async def run() -> httpx.Response:
            verbs = ["GET", "POST", "PUT", "DELETE", "PATCH"]
            app = Starlette(routes=[Route("/{path:path}", self._answer, methods=verbs)])
            http = Http(BACKEND, transport=httpx.ASGITransport(app), clock=self.sleeper.clock())
            try:
                return await Balancer(http, BASE, "api").request(method, path, **options)
            finally:
                await http.aclose()

        return asyncio.run(run())


def said(status: int, text: str = "", **headers: str) -> Response:
    return Response(text, status_code=status, headers=headers)


OK = said(200, '{"ok": true}')


def test_a_request_goes_to_the_path_below_the_base_with_the_key() -> None:
    workers = Workers(OK)
    answer = workers.ask("GET", "/items/7", query={"full": True, "q": "a b"})
    assert answer.json() == {"ok": True}
    assert workers.asked == [("GET", "/lb/ep1/items/7?full=true&q=a+b", b"")]


COLD = [
    ("204 of a balancer whose workers start", said(204)),
    ("502 of a port that nobody opened yet", said(502)),
    ("503", said(503)),
    ("400 that says so", said(400, '{"error": "no workers available"}')),
]


@pytest.mark.parametrize("cold", [c[1] for c in COLD], ids=[c[0] for c in COLD])
def test_a_cold_start_is_waited_for(cold: Response) -> None:
    workers = Workers(cold, cold, OK)
    assert workers.ask(content=b"{}").status_code == 200
    assert workers.sleeper.pauses == [0.25, 0.375]


@pytest.mark.parametrize("cold", [c[1] for c in COLD], ids=[c[0] for c in COLD])
def test_after_two_minutes_it_is_given_up(cold: Response) -> None:
    workers = Workers(cold)
    with pytest.raises(ApiError, match=r"endpoint api had no worker within 120 s"):
        workers.ask()
    assert 100 < workers.sleeper.now <= 120


SEEN = [
    ("204 of a worker", said(204, **WORKER), 204),
    ("a bad request", said(400, '{"error": "x is missing"}', **WORKER), "POST /execute of endpoint api answered 400: x is missing"),
    ("503 of a worker", said(503, "busy", **WORKER), "POST /execute of endpoint api answered 503: busy"),
    ("a worker that broke off", said(502, '{"error": "worker w1 broke off the request"}', **WORKER), "POST /execute of endpoint api answered 502: worker w1 broke off the request"),
    ("401 of a worker", said(401, '{"detail": "log in"}', **WORKER), "POST /execute of endpoint api answered 401: log in"),
    ("404 of a worker", said(404, '{"detail": "Not Found"}', **WORKER), "POST /execute of endpoint api answered 404: Not Found"),
    ("500", said(500, "Internal Server Error"), "POST /execute of endpoint api answered 500: Internal Server Error"),
    ("too late", said(524, "", **WORKER), "POST /execute of endpoint api answered 524"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "what"), [c[1:] for c in SEEN], ids=[c[0] for c in SEEN])
def test_what_a_worker_may_have_seen_is_never_sent_again(answer: Response, what: int | str) -> None:
    workers = Workers(answer)
    if isinstance(what, int):
        assert workers.ask().status_code == what
    else:
        with pytest.raises(ApiError) as caught:
            workers.ask()
        assert caught.value.message == what
    assert len(workers.asked) == 1


def test_an_endpoint_that_is_gone_is_told_apart_from_a_route_that_is_missing() -> None:
    with pytest.raises(NotFoundError):
        Workers(said(404, '{"error": "endpoint ep1 not found"}')).ask()


def test_a_body_that_is_too_large_is_not_sent() -> None:
    workers = Workers(OK)
    with pytest.raises(PayloadTooLargeError, match=r"a request holds 31\.5 MB"):
        workers.ask(content=bytes(limits.BALANCER_PAYLOAD_BYTES + 1))
    assert workers.asked == []


@pytest.mark.parametrize(
    ("failure", "times"), [(httpx.ConnectError, 30), (httpx.ReadError, 1)], ids=["nothing was sent", "it may have been"]
)
def test_a_lost_connection_is_made_again_only_where_nothing_was_sent(
    failure: type[httpx.TransportError], times: int
) -> None:
    calls: list[str] = []
    sleeper = Sleeper()

    class Broken(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            calls.append(request.method)
            raise failure("no")

    async def run() -> None:
        await Balancer(Http(BACKEND, transport=Broken(), clock=sleeper.clock()), BASE, "api").request(
            "POST", "/execute"
        )

    with pytest.raises(UnreachableError):
        asyncio.run(run())
    assert len(calls) >= times
    assert (len(calls) == 1) is (times == 1)
