"""What is kept of a handler's answer: its order, its output, what it raised."""

from __future__ import annotations

import base64
from typing import Any

import cloudpickle
import pytest

from flash_jupyter.errors import SerializationError
from flash_jupyter.session.handlers import DEPLOYED, DEPLOYED_PLAIN, HANDLER, handlers_answer, read_handlers, value_of
from flash_jupyter.session.results import kept_events, raised_in, read_order
from flash_jupyter.wire.jobs import Job

EVENTS = [[0, {"t": "stdout", "text": "tea\n"}], [1, {"t": "done"}]]


def job(status: str = "COMPLETED", **fields: Any) -> Job:
    return Job.model_validate({"id": "j1", "status": status, **fields})


def kept(ended: Job, kind: str = DEPLOYED) -> bytes:
    answer = handlers_answer(ended, kind)
    assert answer is not None
    return answer


def test_a_deployed_functions_answer_has_its_events_once_and_its_value() -> None:
    result = base64.b64encode(cloudpickle.dumps({1, 2})).decode()
    blob = kept(job(output={"success": True, "result": result, "events": EVENTS, "events_total": 2}))
    assert kept_events(blob) == ([(0, EVENTS[0][1]), (1, EVENTS[1][1])], 2)
    assert blob.count(b"tea") == 1
    assert raised_in(read_order(blob)) is None
    assert value_of(*read_handlers(blob)) == {1, 2}


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        (DEPLOYED, {"success": True, "result": "soup", "events": EVENTS}),
        (DEPLOYED, {"result": "soup", "events": EVENTS, "events_total": 2}),
        (HANDLER, {"events": [{"at": 1}, {"at": 2}], "events_total": 2}),
        (HANDLER, {"result": "ok", "events_total": 2}),
        (DEPLOYED_PLAIN, {"success": True, "result": "soup", "events": EVENTS, "events_total": 2}),
    ],
    ids=["without a number", "without a success", "an image's events", "an image's result", "of another's handler"],
)
def test_json_of_the_users_is_its_own_value_whatever_its_keys(kind: str, output: dict[str, Any]) -> None:
    blob = kept(job(output=output), kind)
    assert value_of(*read_handlers(blob)) == output
    assert kept_events(blob) == ([], 0)


def test_what_another_version_wrote_down_says_so() -> None:
    with pytest.raises(SerializationError, match="another version of this package wrote it"):
        read_handlers(b'{"output": 3}')


RAISED = [
    ("a deployed function's own", job(output={"success": False, "events_total": 0, "failure": {"report": {"type": "shop.Empty", "message": "no tea"}}}), "shop.Empty"),
    ("the JSON of the SDK's worker", job("FAILED", error='{"error_type": "<class \'ValueError\'>", "error_message": "no tea"}'), "ValueError"),
    ("a text", job("FAILED", error="out of paper"), "the handler failed"),
]  # fmt: skip


@pytest.mark.parametrize(("ended", "name"), [c[1:] for c in RAISED], ids=[c[0] for c in RAISED])
def test_what_was_raised_is_named(ended: Job, name: str) -> None:
    assert raised_in(read_order(kept(ended))) == name


def test_of_a_lost_worker_there_is_no_answer() -> None:
    assert handlers_answer(job("FAILED", error="worker lost: w1: signal 9"), HANDLER) is None
    assert handlers_answer(job("TIMED_OUT"), HANDLER) is None


def test_a_value_that_cannot_be_read_here_says_why() -> None:
    with pytest.raises(SerializationError, match="No module named 'nowhere'"):
        value_of({"events_total": 0}, {"result": base64.b64encode(b"cnowhere\nnothing\n.").decode()})
