"""Routes of load balanced endpoints: what is checked when they are decorated, and how arguments travel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flash_jupyter.errors import OptionError, RemoteExecutionError, SerializationError
from flash_jupyter.transport.routes import request_of

Script = Callable[..., dict[str, Any]]

API = 'CpuLiveLoadBalancer(name="api")'
WRONG = [
    ("neither", f"remote({API})(f)", 'f is a route of CpuLiveLoadBalancer api and lacks method= and path=\n  → write @remote(..., method="POST", path="/f")'),
    ("no path", f"remote({API}, method='GET')(f)", 'f is a route of CpuLiveLoadBalancer api and lacks path=\n  → write @remote(..., method="POST", path="/f")'),
    ("no method", f"remote({API}, path='/f')(f)", 'f is a route of CpuLiveLoadBalancer api and lacks method=\n  → write @remote(..., method="POST", path="/f")'),
    ("another method", f"remote({API}, method='HEAD', path='/f')(f)", "method='HEAD' of f can't be used\n  → use one of GET, POST, PUT, DELETE, PATCH"),
    ("no slash", f"remote({API}, method='GET', path='f')(f)", "path='f' of f does not begin with a slash\n  → write path=\"/f\""),
    ("the worker's own path", f"remote({API}, method='GET', path='/ping')(f)", "path='/ping' of f belongs to the worker itself\n  → choose another, as in \"/f\""),
    ("a parameter that is none", f"remote({API}, method='GET', path='/f/{{y}}')(f)", "path='/f/{y}' of f names y, which is no parameter of it\n  → give f a parameter y, or leave it out of the path"),
    ("a class", f"remote({API}, method='GET', path='/f')(C)", "CpuLiveLoadBalancer api has routes, and no place for 'C'\n  → decorate a function, or use a queue endpoint, e.g. LiveServerless"),
    ("a route of a queue", "remote(CpuLiveServerless(name='q'), method='GET', path='/f')(f)", "method= and path= make a route, which CpuLiveServerless q has not\n  → use a load balanced endpoint, e.g. LiveLoadBalancer, or leave them away"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "text"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_what_cannot_be_a_route_is_said_when_it_is_decorated(script: Script, expression: str, text: str) -> None:
    names = script("def f(x): return x\nclass C: pass")
    with pytest.raises(OptionError) as caught:
        eval(expression, names)
    assert str(caught.value) == text


ADD = """
    import time
    K = 10
    @remote(CpuLiveLoadBalancer(name="mapped"), method="POST", path="/add")
    def add(x, y=0):
        print("adding", x)
        time.sleep(0.1 if x == 1 else 0)
        return K / x + y
"""


def test_map_returns_the_values_in_order(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    add = script(ADD)["add"]
    assert add.map([1, 2, 5], iter([1, 2, 3, 4]), concurrency=2) == [11, 7, 5]
    assert sorted(capsys.readouterr().out.splitlines()) == ["adding 1", "adding 2", "adding 5"]
    assert add.map([]) == []


def test_map_raises_the_first_failure_when_all_have_ended(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    add = script(ADD)["add"]
    with pytest.raises(ZeroDivisionError) as caught:
        add.map([2, 0, "x", 5], concurrency=1)
    assert isinstance(caught.value, RemoteExecutionError)
    assert capsys.readouterr().out.splitlines() == ["adding 2", "adding 0", "adding x", "adding 5"]


def test_map_says_a_warning_once(script: Script, capsys: pytest.CaptureFixture[str]) -> None:
    add = script(ADD.replace("time.sleep(", "if x > 99: import polars\n        time.sleep("))["add"]
    assert add.map([1, 2, 5]) == [10, 5, 2]
    assert capsys.readouterr().err.count("`polars` is neither in deps= nor in the worker's image") == 1


def test_map_runs_here_where_that_is_said(script: Script) -> None:
    source = f"@remote({API}, method='GET', path='/f', local=True)\n"
    assert script(f"{source}async def f(x): return x + 1")["f"].map([1, 2]) == [2, 3]


def test_map_checks_how_many_may_be_on_their_way(script: Script) -> None:
    with pytest.raises(OptionError, match="concurrency=0 is no number of calls"):
        script(ADD)["add"].map([1], concurrency=0)


def test_a_route_has_no_jobs_to_spawn(script: Script) -> None:
    add = script(ADD)["add"]
    with pytest.raises(AttributeError) as caught:
        add.spawn(1)
    assert str(caught.value) == (
        "add is a route and has no jobs, so nothing can be spawned\n"
        "  → await add(...) in an asyncio task, use add.map(...), or a queue endpoint, e.g. LiveServerless"
    )
    with pytest.raises(AttributeError, match="'RemoteRoute' object has no attribute 'mapp'"):
        add.mapp([1])
    assert "spawn" not in dir(add)


def test_a_route_says_what_it_is(script: Script) -> None:
    route = script(f"@remote({API}, method='post', path='/add')\ndef add(x): return x")["add"]
    assert repr(route) == "<remote route POST /add of CpuLiveLoadBalancer api>"
    assert route.local(3) == 3
    assert (route.__name__, route.method, route.path) == ("add", "POST", "/add")


REQUESTS = [
    ("GET takes a query", "GET", "/items", {"a": 1, "b": "x"}, ("/items", {"a": 1, "b": "x"}, None)),
    ("a path parameter leaves the rest", "PUT", "/i/{a}", {"a": "x/y", "b": 2}, ("/i/x%2Fy", {}, b'{"b": 2}')),
    ("a converter of Starlette's", "GET", "/i/{a:int}", {"a": 3}, ("/i/3", {}, None)),
    ("DELETE has a body too", "DELETE", "/i", {"a": [1]}, ("/i", {}, b'{"a": [1]}')),
    ("no arguments", "POST", "/i", {}, ("/i", {}, b"{}")),
]


@pytest.mark.parametrize(
    ("method", "path", "arguments", "request_"), [c[1:] for c in REQUESTS], ids=[c[0] for c in REQUESTS]
)
def test_arguments_travel_in_path_query_and_body(
    method: str, path: str, arguments: dict[str, Any], request_: tuple[Any, ...]
) -> None:
    assert request_of(method, path, arguments) == request_


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(SerializationError, match="routes take JSON"):
        request_of("POST", "/i", {"a": {1, 2}})
