"""What a deployed function answers: its value, or the error that it means."""

from __future__ import annotations

import base64
import json
from typing import Any

import cloudpickle
import httpx
import pytest

from flash_jupyter.deploy.answers import has_failure, read_job, read_refusal, read_route
from flash_jupyter.errors import ApiError, RemoteExecutionError, SerializationError
from flash_jupyter.wire.jobs import Job
from flash_jupyter.worker.handler import describe


def job(status: str = "COMPLETED", **fields: Any) -> Job:
    return Job.model_validate({"id": "j1", "status": status, **fields})


def answered(value: Any) -> dict[str, Any]:
    return {"success": True, "result": base64.b64encode(cloudpickle.dumps(value)).decode()}


def fail() -> None:
    try:
        {"cake": 4}["tea"]
    except KeyError as error:
        raise ValueError("no tea:\nnone at all") from error


def failed() -> dict[str, Any]:
    """What a worker says of an error with a cause."""
    try:
        fail()
    except ValueError as error:
        return {"error": str(error), **describe(error)}
    raise AssertionError


def job_error(ended: Job) -> RemoteExecutionError:
    with pytest.raises(RemoteExecutionError) as caught:
        read_job(ended, "f", is_pickled=True)
    return caught.value


def test_the_pickled_form_gives_any_value_and_the_plain_one_its_json() -> None:
    assert read_job(job(output=answered({1, 2})), "f", is_pickled=True) == {1, 2}
    assert read_job(job(output={"a": [1]}), "f", is_pickled=False) == {"a": [1]}


def test_an_error_has_its_own_type_its_text_its_frames_and_its_cause() -> None:
    error = job_error(job(output={"success": False, "failure": failed()}))
    assert isinstance(error, ValueError)
    assert (error.type_name, str(error)) == ("ValueError", "no tea:\nnone at all")
    assert [(frame["name"], frame["text"]) for frame in error.frames] == [
        ("failed", "fail()"),
        ("fail", 'raise ValueError("no tea:\\nnone at all") from error'),
    ]
    assert [(cause["text"], cause["how"]) for cause in error.chain] == [("KeyError: 'tea'", "cause")]
    assert error.chain[0]["frames"][-1]["text"] == '{"cake": 4}["tea"]'
    assert "on the worker:\n  " in "".join(error.__notes__)


def test_a_handler_of_a_released_client_says_its_traceback_as_text() -> None:
    said = {"error_type": "<class 'ValueError'>", "error_message": "no tea", "error_traceback": "Traceback: in brew"}
    error = job_error(job("FAILED", error=json.dumps(said)))
    assert str(error.__cause__) == "\nTraceback: in brew"


FAILURES = [
    ("the answer of our handler", job(output={"success": False, "failure": failed()})),
    ("that of one who does not know our form", job(output={"success": False, "error": "no tea", "traceback": "ValueError: no tea"})),
    ("the JSON of the SDK's worker", job("FAILED", error='{"error_type": "<class \'ValueError\'>", "error_message": "no tea"}')),
]  # fmt: skip


@pytest.mark.parametrize("ended", [c[1] for c in FAILURES], ids=[c[0] for c in FAILURES])
@pytest.mark.parametrize("is_pickled", [True, False], ids=["pickled", "plain"])
def test_what_the_function_raised_is_raised_here(ended: Job, is_pickled: bool) -> None:
    with pytest.raises(ValueError, match="no tea") as caught:
        read_job(ended, "f", is_pickled=is_pickled)
    assert isinstance(caught.value, RemoteExecutionError)


def test_a_result_that_cannot_be_read_here_says_why() -> None:
    with pytest.raises(SerializationError) as caught:
        read_job(job(output={"success": True, "result": base64.b64encode(b"cnowhere\nnothing\n.").decode()}), "f", is_pickled=True)  # fmt: skip
    assert str(caught.value) == (
        "can't be pickled: the result of f: it can't be unpickled here (ModuleNotFoundError: No module named 'nowhere')"
        "\n  → install here what it is made of, or return plain values"
    )


ROUTES = [
    ("JSON", {"json": {"a": 1}}, {"a": 1}),
    ("a text", {"text": "hello"}, "hello"),
    ("bytes", {"content": b"\x00", "headers": {"content-type": "image/png"}}, b"\x00"),
    ("nothing", {"content": b""}, None),
]


@pytest.mark.parametrize(("answer", "value"), [c[1:] for c in ROUTES], ids=[c[0] for c in ROUTES])
def test_a_route_gives_its_value(answer: dict[str, Any], value: Any) -> None:
    assert read_route(httpx.Response(200, **answer)) == value


def test_what_a_route_raised_is_raised_here_with_its_frames() -> None:
    answer = httpx.Response(500, json={"detail": "ValueError: no tea", **failed()})
    with pytest.raises(ValueError, match="no tea") as caught:
        read_route(answer)
    assert isinstance(caught.value, RemoteExecutionError)
    assert [frame["name"] for frame in caught.value.frames] == ["failed", "fail"]
    assert not has_failure(httpx.Response(500, json={"detail": "ValueError: no tea"}))


def test_a_refusal_is_the_platforms_own_unless_a_function_raised() -> None:
    refused = ApiError("...", status=422, detail="field: required")
    assert read_refusal(refused, "price") is refused
    error = read_refusal(ApiError("...", status=500, detail="KeyError: 'tea'"), "price")
    assert isinstance(error, KeyError)
    assert str(error) == "'tea'\n  → its traceback is in the log of the worker of price"
