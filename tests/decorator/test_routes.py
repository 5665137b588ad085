"""Routes of load balanced endpoints: what is checked when they are decorated, and how arguments travel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flash_jupyter.errors import OptionError, SerializationError
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
