"""One call of another resource: what is sent, what is sent again and what never is, and how it ends."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import cloudpickle
import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.errors import (
    ApiError,
    AuthenticationError,
    FlashError,
    JobError,
    JobTimedOut,
    PayloadTooLargeError,
    ProtocolError,
    RemoteExecutionError,
    ResultLost,
    SerializationError,
    UnreachableError,
    WorkerLost,
)
from flash_jupyter.runtime.registry import ServiceRegistry
from flash_jupyter.runtime.request import Call, Instance
from flash_jupyter.runtime.state import Deployed
from flash_jupyter.runtime.wrapper import ProductionWrapper
from flash_jupyter.transport.http import Clock, Http
from flash_jupyter.worker.handler import describe

OLD, NEW = Deployed("ep1", "https://host/v2/ep1"), Deployed("ep2", "https://host/v2/ep2")
SHOP = Deployed("lb1", "https://host/lb/lb1")
Answer = tuple[int, Any] | type[httpx.TransportError]
GONE: Answer = (404, {"error": "endpoint not found"})


def clean(rows: list[int], scale: int = 1) -> list[int]:
    return [row * scale for row in rows]


def pickled(value: Any) -> str:
    return base64.b64encode(cloudpickle.dumps(value)).decode()


def job(status: str, output: Any = None, **more: Any) -> Answer:
    return 200, {"id": "j1", "status": status, "output": output, "workerId": "w1", **more}


def gave(value: Any) -> Answer:
    return job("COMPLETED", {"success": True, "result": pickled(value)})


class Platform:
    """Answers by method and path, one after the other; `sent` are the bodies of what arrived."""

    def __init__(self, *answers: Answer, maps: list[dict[str, Deployed]] | None = None) -> None:
        self._answers = list(answers)
        self._maps = maps or [{"cleaner": OLD, "shop": SHOP}]
        self.asked: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.headers: list[httpx.Headers] = []
        self.now = 0.0

    async def _map(self) -> dict[str, Deployed]:
        return self._maps.pop(0) if len(self._maps) > 1 else self._maps[0]

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        self.headers.append(request.headers)
        if request.content:
            self.sent.append(json.loads(request.content))
        answer = self._answers.pop(0)
        if isinstance(answer, type):
            raise answer("broken", request=request)
        status, body = answer
        return httpx.Response(status, json=body, headers={"X-Runpod-Worker-Id": "w1"} if status == 500 else {})

    def run(self, call: Call, *, retries: int = 0, route: tuple[str, str] | None = None) -> Any:
        async def main() -> Any:
            clock = Clock(monotonic=lambda: self.now, sleep=self._sleep, random=lambda: 0.0)
            http = Http(BACKEND, transport=httpx.MockTransport(self._answer), clock=clock)
            try:
                wrapper = ProductionWrapper(ServiceRegistry({}, "env", self._map, clock=clock), http)
                ended = await (wrapper.route(call, *route) if route else wrapper.run(call, retries=retries))
                return ended.value
            finally:
                await http.aclose()

        value = asyncio.run(main())
        assert self._answers == []
        return value


def call(*args: Any, timeout_s: float | None = None, instance: Instance | None = None, **named: Any) -> Call:
    return Call("cleaner", "clean", clean, (args, named), timeout_s, instance)


def test_a_function_is_asked_for_with_a_request_without_code() -> None:
    platform = Platform(job("IN_QUEUE"), job("IN_PROGRESS"), gave([20]))
    assert platform.run(call([2], scale=10, timeout_s=30.0)) == [20]
    assert platform.asked == ["POST /v2/ep1/run", "GET /v2/ep1/status/j1", "GET /v2/ep1/status/j1"]
    assert platform.sent == [
        {
            "input": {
                "execution_type": "function",
                "function_name": "clean",
                "args": [pickled([2])],
                "kwargs": {"scale": pickled(10)},
                "serialization_format": "cloudpickle",
                "failure_format": "report",
                "timeout_s": 30.0,
            },
            "policy": {"executionTimeout": 30000, "ttl": 30000},
        }
    ]


def test_a_method_says_how_its_instance_is_made() -> None:
    platform = Platform(gave(3))
    instance = Instance("Basket-1", "add", (("tea",), {"size": 2}))
    assert platform.run(Call("cleaner", "Basket", clean, (("cake",), {}), None, instance)) == 3
    sent = platform.sent[0]["input"]
    assert {name: sent[name] for name in ("class_name", "method_name", "instance_id", "create_new_instance")} == {
        "class_name": "Basket",
        "method_name": "add",
        "instance_id": "Basket-1",
        "create_new_instance": False,
    }
    assert (sent["constructor_args"], sent["constructor_kwargs"]) == ([pickled("tea")], {"size": pickled(2)})


SENT_AGAIN: dict[str, tuple[Answer, ...]] = {
    "no connection": (httpx.ConnectError, httpx.ConnectError, gave([1])),
    "too many requests": ((429, {"error": "slow down"}), gave([1])),
    "an answer to a look that was lost": (job("IN_QUEUE"), httpx.ReadError, gave([1])),
}


@pytest.mark.parametrize("answers", SENT_AGAIN.values(), ids=SENT_AGAIN.keys())
def test_what_had_no_effect_is_sent_again(answers: tuple[Answer, ...]) -> None:
    assert Platform(*answers).run(call([1])) == [1]


def test_where_the_endpoint_has_a_successor_it_is_asked() -> None:
    platform = Platform(GONE, gave([1]), maps=[{"cleaner": OLD}, {"cleaner": NEW}])
    assert platform.run(call([1])) == [1]
    assert platform.asked == ["POST /v2/ep1/run", "POST /v2/ep2/run"]


LOST = job("FAILED", error="worker lost: w1: signal 9")
#: how it ends -> the answers, the error, its text
ENDS: dict[str, tuple[tuple[Answer, ...], type[FlashError], str]] = {
    "an answer that was lost": (
        (httpx.ReadError,),
        UnreachableError,
        (
            "the call of clean on cleaner was cut: no answer from host: broken; it was not sent again\n"
            "  → call it again, if it may run twice"
        ),
    ),
    "no successor": (
        (GONE,),
        ApiError,
        "the endpoint ep1 of cleaner is gone, and has no successor\n  → deploy again: flash deploy send",
    ),
    "a key that may not": (
        ((403, {"error": "no"}),),
        AuthenticationError,
        (
            "the key of this worker may not call cleaner: 403: the key from environment variable RUNPOD_API_KEY may not do "
            "this (no)\n  → store a key that may as a secret of Runpod: flash deploy send --runtime-secret NAME"
        ),
    ),
    "a lost worker": (
        (job("IN_QUEUE"), LOST),
        WorkerLost,
        (
            "the worker of clean on cleaner died while it ran the job; it was not run again\n    w1: signal 9\n"
            "  → look at its last lines: flash logs cleaner; clean.options(retries=1) sends it again"
        ),
    ),
    "a job that is over by its time": (
        (job("TIMED_OUT"),),
        JobTimedOut,
        (
            "clean on cleaner was stopped: its time is over\n"
            "  → give the endpoint of the caller a longer executionTimeoutMs="
        ),
    ),
    "a job that somebody cancelled": (
        (job("CANCELLED"),),
        JobError,
        "the job of clean on cleaner was cancelled\n  → call it again",
    ),
    "a job that is forgotten": (
        (job("IN_QUEUE"), GONE, job("CANCELLED")),
        ResultLost,
        (
            "the job of clean on cleaner is not known any more; whether it ran is not known\n"
            "  → call it again, if it may run twice"
        ),
    ),
    "an answer of another kind": (
        (job("COMPLETED", [1]),),
        ProtocolError,
        (
            "cleaner answered list, which is no FunctionResponse\n"
            "  → build and deploy both resources with the same flash_jupyter"
        ),
    ),
}


@pytest.mark.parametrize(("answers", "error", "text"), ENDS.values(), ids=ENDS.keys())
def test_what_hinders_a_call_is_said(answers: tuple[Answer, ...], error: type[FlashError], text: str) -> None:
    with pytest.raises(error) as caught:
        Platform(*answers).run(call([1]))
    assert str(caught.value) == text


def test_a_lost_worker_is_tried_again_where_that_was_asked_for() -> None:
    assert Platform(LOST, gave([1])).run(call([1]), retries=1) == [1]


class Refused(ValueError):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def raised(error: Exception) -> dict[str, Any]:
    try:
        raise error
    except Exception as caught:
        return {"error": str(caught), **describe(caught)}


def test_an_exception_comes_in_its_own_type_with_the_other_traceback() -> None:
    answer = job("COMPLETED", {"success": False, "failure": raised(Refused(7, "no tea"))})
    with pytest.raises(Refused) as caught:
        Platform(answer).run(call([1]))
    assert isinstance(caught.value, RemoteExecutionError)
    assert (caught.value.code, str(caught.value)) == (7, "no tea")
    assert str(caught.value.__cause__).startswith(
        "\nclean, on a worker of cleaner:\n\nTraceback (most recent call last)"
    )
    assert [frame["name"] for frame in caught.value.frames] == ["raised"]


def test_an_exception_of_a_third_resource_is_passed_on_in_its_type() -> None:
    answer = job("COMPLETED", {"success": False, "failure": raised(Refused(7, "no tea"))})
    with pytest.raises(Refused) as first:
        Platform(answer).run(call([1]))
    again = job("COMPLETED", {"success": False, "failure": raised(first.value)})
    with pytest.raises(Refused) as second:
        Platform(again).run(call([1]))
    assert (second.value.code, str(second.value)) == (7, "no tea")


def test_a_worker_of_the_released_package_says_less() -> None:
    said = {"success": False, "error": "no tea", "traceback": "Traceback\n  File\nValueError: no tea\n"}
    with pytest.raises(ValueError, match="no tea"):
        Platform(job("COMPLETED", said)).run(call([1]))


def test_what_can_not_be_pickled_is_named_by_its_path() -> None:
    with pytest.raises(SerializationError) as caught:
        Platform().run(call([1], scale={"lock": threading.Lock()}))
    assert caught.value.path == "argument scale → ['lock']"


def test_what_does_not_fit_is_said_with_its_sizes_before_anything_is_sent() -> None:
    platform = Platform()
    with pytest.raises(PayloadTooLargeError) as caught:
        platform.run(call("x" * 11_000_000, scale=1))
    assert list(caught.value.sizes) == ["argument 1", "argument scale"]
    assert platform.asked == []


def test_time_that_is_over_before_it_begins_sends_nothing() -> None:
    platform = Platform()
    with pytest.raises(JobTimedOut) as caught:
        platform.run(call([1], timeout_s=-1.0))
    assert str(caught.value) == (
        "clean on cleaner gave no answer in the 0.0 s that its caller had left\n"
        "  → give the endpoint of the caller a longer executionTimeoutMs="
    )
    assert platform.asked == []


def item(number: int, full: bool = False) -> None: ...


def ask_route(platform: Platform, function: Callable[..., Any], *args: Any, route: str, **named: Any) -> Any:
    method, path = route.split()
    return platform.run(Call("shop", "item", function, (args, named), 20.0), route=(method, path))


def test_a_route_gets_its_arguments_where_they_belong() -> None:
    platform = Platform((200, {"number": 7}))
    assert ask_route(platform, item, 7, full=True, route="GET /items/{number}") == {"number": 7}
    assert platform.asked == ["GET /lb/lb1/items/7"]
    assert platform.headers[0]["X-Flash-Timeout-S"] == "20.000"


def test_what_a_route_raised_comes_in_its_own_type() -> None:
    with pytest.raises(Refused) as caught:
        ask_route(Platform((500, {"detail": "x", **raised(Refused(9, "no"))})), item, 7, route="POST /items")
    assert caught.value.code == 9


def test_what_a_route_refuses_is_said_in_its_words() -> None:
    with pytest.raises(ApiError) as caught:
        ask_route(Platform((422, {"detail": "number: not a number"})), item, 7, route="POST /items")
    assert "POST /items of endpoint shop answered 422" in str(caught.value)
