"""Recorded examples sent to an embedded Runpod: same status, same headers, same shape; fixed words are equal."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
from contract import example
from emulated import KEY, Api

#: words whose value is part of the contract; of other values the type is
FIXED = {"status", "title", "type", "detail", "error", "errors", "source", "removed", "jobsToStop"}


def send(api: Api, request: dict[str, Any], **ids: str) -> httpx.Response:
    """Send an example's request, with the ids of this test in place of the recorded ones."""
    path = request["path"]
    for recorded, actual in ids.items():
        path = path.replace(recorded.replace("_", "-"), actual)
    path = re.sub(r"/(4m7x2k9q|7c3v1n8p)", f"/{ids.get('endpoint', '4m7x2k9q')}", path)
    headers = {name: value.replace("$KEY", KEY) for name, value in request["headers"].items()}
    content = None if request["body"] is None else json.dumps(request["body"])
    return api.request(request["method"], path, headers=headers, content=content)


def same_shape(expected: Any, actual: Any, path: str = "$") -> None:
    name = path.rpartition(".")[2]
    if name in FIXED and not isinstance(expected, dict | list):
        assert type(actual) is type(expected), path
    elif isinstance(expected, dict):
        assert isinstance(actual, dict), path
        if name not in ("env", "output", "input"):
            assert set(actual) == set(expected), path
        for key in set(expected) & set(actual):
            same_shape(expected[key], actual[key], f"{path}.{key}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), path
        if expected and isinstance(expected[0], dict):
            for index, item in enumerate(actual):
                same_shape(expected[0], item, f"{path}[{index}]")
    elif isinstance(expected, float | int) and not isinstance(expected, bool):
        assert isinstance(actual, float | int), path
    else:
        assert isinstance(actual, type(expected)), path


def check(name: str, answer: httpx.Response) -> None:
    expected = example(name)["response"]
    assert answer.status_code == expected["status"], answer.text
    for header in expected["headers"]:
        assert header.lower() in answer.headers, header
        if header in ("Content-Type", "Cache-Control", "RateLimit-Policy", "X-Accel-Buffering"):
            wanted = expected["headers"][header].replace("q=60", "q=10000")
            assert answer.headers[header] == wanted
    if expected["body"] is None:
        assert answer.content == b""
    else:
        same_shape(expected["body"], answer.json())
        for word in FIXED & set(expected["body"]):
            if isinstance(expected["body"][word], str | int):
                assert answer.json()[word] == expected["body"][word], word
