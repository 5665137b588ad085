"""The routes of a deployed load balancer: where each argument is taken from, and what is no route."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pydantic
import pytest

from flash_jupyter.worker.api import HEADER, create_app
from flash_jupyter.worker.current import current

if TYPE_CHECKING:
    from nowhere import Missing  # type: ignore[import-not-found]


class Item(pydantic.BaseModel):
    name: str
    price: float = 1.0


async def price(amount: float, currency: str = "EUR") -> str:
    return f"{amount:.2f} {currency}"


def item(number: int, full: bool = False) -> dict[str, Any]:
    return {"number": number, "full": full}


def total(numbers: list[int], schema: dict[str, int] | None = None) -> int:
    return sum(numbers) + sum((schema or {}).values())


def several(numbers: list[int]) -> int:
    return sum(numbers)


def untyped(a, b=2):  # type: ignore[no-untyped-def]
    return [a, b]


def only_defaults(a: int = 1) -> int:
    return a


def model(item: Item) -> str:
    return f"{item.name}: {item.price}"


def upload(data: bytes, label: str = "file") -> str:
    return f"{label}: {len(data)}"


def more(a: int, **rest: Any) -> dict[str, Any]:
    return {"a": a, **rest}


def unknown_type(a: Missing) -> Any:
    return a


def fail() -> None:
    raise KeyError("nothing")


def no_json() -> Any:
    return object()


def ask(route: str, function: Callable[..., Any], *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
    """Send requests to one app, all at once."""

    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(create_app({route: function}), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
            sent = (client.request(method, path, **more) for method, path, more in requests)
            return list(await asyncio.gather(*sent))

    return asyncio.run(send())


GOOD: dict[str, tuple[str, Callable[..., Any], tuple[str, str, dict[str, Any]], Any]] = {
    "a JSON object has the arguments by name": (
        "POST /price",
        price,
        ("POST", "/price", {"json": {"amount": "3"}}),
        "3.00 EUR",
    ),
    "one argument alone is in an object too": ("POST /n", total, ("POST", "/n", {"json": {"numbers": [1, 2]}}), 3),
    "names that pydantic has itself": (
        "POST /n",
        total,
        ("POST", "/n", {"json": {"numbers": [1], "schema": {"a": 4}}}),
        5,
    ),
    "an argument in the path and one in the query": (
        "GET /items/{number}",
        item,
        ("GET", "/items/7", {"params": {"full": "true"}}),
        {"number": 7, "full": True},
    ),
    "an argument in the path and one in the body": (
        "PUT /items/{number}",
        item,
        ("PUT", "/items/7", {"json": {"full": True}}),
        {"number": 7, "full": True},
    ),
    "a list in the query": ("GET /n", several, ("GET", "/n", {"params": {"numbers": [1, 2]}}), 3),
    "no types": ("POST /u", untyped, ("POST", "/u", {"json": {"a": [1]}}), [[1], 2]),
    "no types, in the query": ("GET /u", untyped, ("GET", "/u", {"params": {"a": "1"}}), ["1", 2]),
    "no body where all have defaults": ("POST /d", only_defaults, ("POST", "/d", {}), 1),
    "an empty object": ("POST /d", only_defaults, ("POST", "/d", {"json": {}}), 1),
    "a body of a DELETE": ("DELETE /d", only_defaults, ("DELETE", "/d", {"json": {"a": 3}}), 3),
    "a pydantic model as it is": ("POST /m", model, ("POST", "/m", {"json": {"name": "x"}}), "x: 1.0"),
    "bytes as a file of a form": (
        "POST /up",
        upload,
        ("POST", "/up", {"files": {"data": b"12345"}, "data": {"label": "five"}}),
        "five: 5",
    ),
    "more than it names": ("POST /r", more, ("POST", "/r", {"json": {"a": 1, "b": 2}}), {"a": 1, "b": 2}),
    "a type that is for type checkers only": ("POST /x", unknown_type, ("POST", "/x", {"json": {"a": "y"}}), "y"),
}


@pytest.mark.parametrize(("route", "function", "request_", "answer"), GOOD.values(), ids=GOOD.keys())
def test_a_request_reaches_its_function(
    route: str, function: Callable[..., Any], request_: tuple[str, str, dict[str, Any]], answer: Any
) -> None:
    (found,) = ask(route, function, request_)
    assert (found.status_code, found.json()) == (200, answer)


BAD: dict[str, tuple[str, Callable[..., Any], dict[str, Any], int, list[Any] | str]] = {
    "an argument that is missing": ("POST /f", price, {"json": {}}, 422, ["body", "amount"]),
    "an argument of another type": ("POST /f", price, {"json": {"amount": "x"}}, 422, ["body", "amount"]),
    "an argument too many": ("POST /f", price, {"json": {"amount": 1, "b": 2}}, 422, ["body", "b"]),
    "no body": ("POST /f", price, {}, 422, ["body"]),
    "an exception": ("POST /f", fail, {}, 500, "KeyError: 'nothing'"),
}


@pytest.mark.parametrize(("route", "function", "more", "status", "detail"), BAD.values(), ids=BAD.keys())
def test_what_does_not_fit_is_told(
    route: str, function: Callable[..., Any], more: dict[str, Any], status: int, detail: list[Any] | str
) -> None:
    (found,) = ask(route, function, ("POST", "/f", more))
    told = found.json()["detail"]
    assert (found.status_code, told if isinstance(told, str) else told[0]["loc"]) == (status, detail)


def test_a_value_that_json_can_t_hold_says_so() -> None:
    (found,) = ask("POST /f", no_json, ("POST", "/f", {}))
    assert found.status_code == 500
    assert "object" in found.json()["detail"]


def test_it_is_healthy_and_runs_no_code_that_is_sent() -> None:
    order = {"input": {"function_name": "f", "function_code": "def f(): return 1", "execution_type": "function"}}
    health, code = ask("POST /price", price, ("GET", "/ping", {}), ("POST", "/execute", {"json": order}))
    assert (health.status_code, health.json()) == (200, {"status": "healthy"})
    assert code.status_code == 404


def test_functions_that_are_not_async_do_not_hold_each_other_up() -> None:
    both = threading.Barrier(2, timeout=60)

    def meet() -> int:
        return both.wait()

    answers = ask("POST /meet", meet, *[("POST", "/meet", {})] * 2)
    assert sorted(answer.json() for answer in answers) == [0, 1]


async def refuse() -> None:
    raise ValueError("no tea")


async def waits() -> Any:
    job = current()
    return None if job is None else job.timeout_s


def ask_as(method: str, path: str, **more: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create_app({"POST /refuse": refuse, "GET /waits": waits}))
        async with httpx.AsyncClient(transport=transport, base_url="http://worker.test") as client:
            return await client.request(method, path, **more)

    return asyncio.run(send())


def test_anybody_gets_one_line() -> None:
    answer = ask_as("POST", "/refuse", json={})
    assert (answer.status_code, answer.json()) == (500, {"detail": "ValueError: no tea"})


def test_a_python_caller_gets_all_of_it() -> None:
    answer = ask_as("POST", "/refuse", json={}, headers={HEADER: ""})
    said = answer.json()
    assert (answer.status_code, said["detail"], said["report"]["type"]) == (500, "ValueError: no tea", "ValueError")
    assert {"traceback", "exception"} <= said.keys()


@pytest.mark.parametrize(("sent", "expected"), [({}, None), ({HEADER: "2.5"}, 2.5), ({HEADER: "soon"}, None)])
def test_how_long_a_caller_waits_is_known(sent: dict[str, str], expected: float | None) -> None:
    assert ask_as("GET", "/waits", headers=sent).json() == expected
