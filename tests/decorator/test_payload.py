"""Endpoints whose image has a handler of its own, as a real worker process that knows nothing of ours."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.errors import RemoteExecutionError, SerializationError

Script = Callable[..., dict[str, Any]]
WORKER = Path(__file__).parents[1] / "support" / "handler_worker.py"


@pytest.fixture
def decorate(script: Script) -> Any:
    """`@decorate` sends calls to the handler."""
    names = script(
        f"""
        program = PodTemplate(imageName="me/mine:1", dockerArgs={f"{sys.executable} {WORKER}"!r})
        decorate = remote(CpuServerlessEndpoint(name="handler", imageName="me/mine:1", template=program))
        """
    )
    return names["decorate"]


def test_the_arguments_are_posted_by_name_and_the_body_is_not_run(decorate: Any) -> None:
    @decorate
    def f(a: int, b: int = 2, *, c: int = 3, **more: Any) -> None:
        raise AssertionError("it ran")

    job = f.remote(1, c=[4], d="x")
    assert (job.status, job.output) == ("COMPLETED", {"got": {"a": 1, "c": [4], "d": "x"}})
    assert job.worker_id


def test_no_arguments_are_posted_as_the_released_clients_do(decorate: Any) -> None:
    assert decorate(lambda: None).remote().output == {"got": {"__empty": True}}


def test_an_output_that_is_an_argument_is_unwrapped(decorate: Any) -> None:
    f = decorate(lambda x: None)
    assert f.remote(f.remote(1)).output == {"got": {"x": {"got": {"x": 1}}}}


FAILURES = [
    ("a text", {"fail": "out of paper"}, "the handler failed: out of paper"),
    ("the JSON of the released SDK", {"raise": "k"}, "KeyError: k"),
]


@pytest.mark.parametrize(("arguments", "text"), [c[1:] for c in FAILURES], ids=[c[0] for c in FAILURES])
def test_a_failure_of_the_handler_is_an_output(decorate: Any, arguments: dict[str, Any], text: str) -> None:
    job = decorate(lambda **kwargs: None).remote(**arguments)
    assert (job.status, job.error) == ("FAILED", text)
    with pytest.raises(RemoteExecutionError, match=text.removeprefix("KeyError: ")):
        job.result()


def test_what_json_cannot_hold_is_named(decorate: Any) -> None:
    with pytest.raises(SerializationError) as caught:
        decorate(lambda x, y: None).remote(1, {"k": [{1, 2}]})
    assert str(caught.value) == (
        "can't be pickled: argument y → ['k'] → [0]: set (the endpoint's own handler takes JSON)\n"
        "  → pass numbers, text, lists and dicts"
    )


def test_arguments_that_do_not_fit_are_refused_here(decorate: Any) -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        decorate(lambda x: None).remote()
