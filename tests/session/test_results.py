from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.capsule import RESULT, Receiver, Sender
from flash_jupyter.errors import FlashError, ProtocolError, RemoteExecutionError, ResultLost
from flash_jupyter.session.events import Display, Event, Notice
from flash_jupyter.session.results import CellOutcome, kept_events, read_answer, read_order, take, why_nothing_ran

OK: dict[str, Any] = {"status": "ok", "events": [], "events_total": 0}


def answered(
    namespace: dict[str, Any], cell: str, order: dict[str, Any], *, result: object = None
) -> tuple[Sender, bytes]:
    """What a worker answers that got the whole namespace, and executed `cell`."""
    sender = Sender(namespace)
    names = {name: value for name, value in namespace.items() if not name.startswith("__")}
    receiver = Receiver(sender.pack(names, names, {"run": "0" * 16}))
    there: dict[str, Any] = {}
    receiver.load(there)
    exec(cell, there)
    extra = {} if result is None else {RESULT: result}
    return sender, receiver.pack(order, extra, lambda name: name != "__builtins__")


def bring_home(
    namespace: dict[str, Any],
    cell: str,
    order: dict[str, Any] = OK,
    *,
    out: tuple[str, ...] | None = None,
    result: object = None,
) -> tuple[CellOutcome, list[Event]]:
    sender, blob = answered(namespace, cell, order, result=result)
    outcome, events = CellOutcome("fj-1", None, "local", "ep"), list[Event]()
    take(read_answer(sender, blob), outcome, out=out, emit=events.append)
    return outcome, events


def test_names_are_bound_changed_and_deleted() -> None:
    shared: list[int] = [1]
    namespace: dict[str, Any] = {"x": 1, "shared": shared, "gone": 2}
    outcome, events = bring_home(namespace, "y = x + 1; shared.append(2); del gone", result=7)
    assert namespace == {"x": 1, "shared": [1, 2], "y": 2}
    assert namespace["shared"] is shared
    assert (outcome.value, outcome.has_value, outcome.bound) == (7, True, ["y"])
    assert events == []


def test_out_keeps_the_rest_away() -> None:
    namespace: dict[str, Any] = {"x": 1}
    bring_home(namespace, "y = 1; z = 2", out=("z",))
    assert namespace == {"x": 1, "z": 2}


def test_what_can_not_be_pickled_is_named_and_the_others_arrive() -> None:
    namespace: dict[str, Any] = {}
    outcome, events = bring_home(namespace, "import threading; bad = {'k': [threading.Lock()]}; good = 1")
    assert namespace["good"] == 1
    assert "bad" not in namespace
    assert [failure["name"] for failure in outcome.failed] == ["bad"]
    (notice,) = events
    assert isinstance(notice, Notice)
    assert notice.text.startswith("`bad` did not come back: bad → ['k'] → [0]: ")
    assert notice.text.endswith("bind what you need of it to another name")


def test_a_last_expression_that_can_not_be_pickled_is_shown_as_the_worker_drew_it() -> None:
    import threading

    order = {**OK, "result_bundle": [{"text/plain": "<lock>"}, {}]}
    outcome, events = bring_home({}, "", order, result=threading.Lock())
    assert not outcome.has_value
    assert events == [Display({"text/plain": "<lock>"}, {})]


def test_the_users_exception_comes_after_what_was_bound() -> None:
    namespace: dict[str, Any] = {}
    frames = [{"filename": "<cell 3>", "line": 2, "name": "<module>", "text": "1 / 0"}]
    chain = [{"text": "KeyError: 'k'", "frames": []}]
    error = {"type": "ZeroDivisionError", "message": "division by zero", "frames": frames, "chain": chain}
    with pytest.raises(RemoteExecutionError) as caught:
        bring_home(namespace, "y = 1", {**OK, "status": "error", "error": error})
    assert namespace == {"y": 1}
    assert isinstance(caught.value, ZeroDivisionError)
    assert str(caught.value) == "division by zero"
    assert (caught.value.frames, caught.value.chain) == (tuple(frames), tuple(chain))


def test_sys_exit_with_a_code_is_an_error_and_without_is_none() -> None:
    with pytest.raises(RemoteExecutionError, match=r"^3$"):
        bring_home({}, "", {**OK, "status": "exit", "exit_code": 3})
    bring_home({}, "", {**OK, "status": "exit", "exit_code": 0})


def test_an_answer_that_was_too_large_says_what_was() -> None:
    order = {**OK, "status": "too_large", "sizes": {"small": 10, "big": 30_000_000}}
    with pytest.raises(ResultLost) as caught:
        bring_home({}, "", order)
    assert str(caught.value) == (
        "what the cell bound does not fit into an answer (20 MB); nothing came back\n"
        "    big                            30.0 MB\n"
        "    small                           0.0 MB\n"
        "  → del big at the end of the cell, or say with out=NAME,... what you need"
    )


def test_a_worker_that_asks_for_a_fresh_one() -> None:
    order = {**OK, "status": "restart", "error": {"message": "numpy is already imported in another version"}}
    _, blob = answered({}, "", order)
    assert why_nothing_ran(read_order(blob)) == "restart"
    assert why_nothing_ran(OK) is None
    assert why_nothing_ran(read_order(b"no capsule")) is None
    with pytest.raises(FlashError, match="kept asking for a fresh one: numpy is already imported"):
        bring_home({}, "", order)


def test_the_events_that_an_answer_carries() -> None:
    event = [0, {"t": "stdout", "text": "a"}]
    carried = kept_events(answered({}, "", {**OK, "events": [event], "events_total": 9})[1])
    assert carried == ([(0, {"t": "stdout", "text": "a"})], 9)
    assert kept_events(b"not a capsule") == ([], 0)


def test_bytes_that_are_no_answer() -> None:
    with pytest.raises(ProtocolError):
        read_answer(Sender({}), b"nonsense")
