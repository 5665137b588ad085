"""What another resource serves, as the user's code has it in its hands; the connection is an argument."""

from __future__ import annotations

import asyncio
import pickle
from concurrent.futures import Future
from typing import Any

import pytest

from flash_jupyter.capsule.kinds import NestedOutput
from flash_jupyter.errors import RemoteExecutionError, WorkerLost
from flash_jupyter.runtime.remote import RemoteClass, RemoteFunction, taken_out
from flash_jupyter.runtime.request import Call, Ended
from flash_jupyter.wire.jobs import Job

JOB = Job.model_validate({"id": "j1", "status": "COMPLETED", "workerId": "w1", "executionTime": 3})


class Line:
    """A connection: it keeps the calls, and answers with what `answer` makes of each."""

    def __init__(self, answer: Any = None, *, is_route: bool = False) -> None:
        self.calls: list[tuple[Call, int]] = []
        self._answer, self._is_route = answer, is_route

    def left_s(self, asked_s: float | None) -> float | None:
        return asked_s

    def is_route(self, _name: str) -> bool:
        return self._is_route

    def start(self, call: Call, *, retries: int = 0) -> Future[Ended]:
        self.calls.append((call, retries))
        future: Future[Ended] = Future()
        if isinstance(self._answer, Exception):
            future.set_exception(self._answer)
        else:
            future.set_result(Ended(self._answer(call) if callable(self._answer) else self._answer, JOB))
        return future


def add(a: int, b: int = 2) -> int:
    return a + b


def summed(call: Call) -> int:
    args, kwargs = call.arguments
    return add(*args, **kwargs)


def function(line: Line) -> RemoteFunction:
    return RemoteFunction(add, "math", connect=lambda: line)  # type: ignore[arg-type, return-value]


def test_awaited_and_not_awaited_it_gives_an_output() -> None:
    remote = function(Line(summed))
    first = asyncio.run(remote(1))
    second = remote.remote(1, b=4)
    assert (first.output, first.status, first.id, first.worker_id, first.execution_time_ms) == (
        *(3, "COMPLETED", "j1", "w1", 3),
    )
    assert (second.result(), repr(second)) == (5, "JobOutput(j1, COMPLETED, output=5)")
    assert isinstance(first, NestedOutput)


def test_an_output_is_an_argument_as_it_is() -> None:
    line = Line(summed)
    assert function(line).remote(NestedOutput(5), b=NestedOutput(1)).output == 6
    assert line.calls[0][0].arguments == ((5,), {"b": 1})
    assert taken_out([NestedOutput(1), 2]) == [1, 2]
    assert taken_out({"a": NestedOutput(1)}) == {"a": 1}
    with pytest.raises(ValueError, match="no"):
        function(line).remote(NestedOutput(failure=ValueError("no")))


def test_what_it_raised_is_in_the_output_and_what_hindered_it_is_raised() -> None:
    failed = function(Line(RemoteExecutionError("ValueError", "no"))).remote(1)
    assert (failed.status, failed.error) == ("FAILED", "ValueError: no")
    with pytest.raises(RemoteExecutionError):
        failed.result()
    with pytest.raises(WorkerLost):
        function(Line(WorkerLost("it died"))).remote(1)


def test_a_route_gives_its_value_or_raises() -> None:
    assert function(Line(summed, is_route=True)).remote(1) == 3
    with pytest.raises(RemoteExecutionError):
        asyncio.run(function(Line(RemoteExecutionError("ValueError", "no"), is_route=True))(1))


def test_arguments_that_do_not_fit_are_refused_before_anything_is_sent() -> None:
    line = Line(summed)
    with pytest.raises(TypeError, match="missing a required argument: 'a'"):
        function(line).remote()
    assert line.calls == []


def test_map_keeps_the_order() -> None:
    assert [each.output for each in function(Line(summed)).map(range(20), concurrency=3)] == list(range(2, 22))


def test_options_are_of_that_call_alone() -> None:
    line = Line(summed)
    remote = function(line)
    remote.options(timeout=5, retries=1).remote(1)
    remote.remote(1)
    assert [(call.timeout_s, retries) for call, retries in line.calls] == [(5, 1), (None, 0)]


def test_a_call_that_runs_by_itself() -> None:
    started = function(Line(summed)).spawn(1)
    assert (started.result(), started.output().output) == (3, 3)


class Basket:
    def __init__(self, start: int = 0) -> None:
        self.start = start

    def add(self, item: str) -> None: ...


def test_calls_of_one_instance_say_the_same_instance() -> None:
    line = Line(1)
    remote = RemoteClass(Basket, "shelf", connect=lambda: line)  # type: ignore[arg-type, return-value]
    basket, other = remote(NestedOutput(4)), remote()
    basket.add.remote("tea")
    asyncio.run(basket.add("cake"))
    other.add.remote("tea")
    first, second, third = (call.instance for call, _ in line.calls)
    assert first is not None
    assert (first, first.arguments, first.method) == (second, ((4,), {}), "add")
    assert third is not None
    assert third.id != first.id
    with pytest.raises(AttributeError, match="Basket has no public method `_items`"):
        _ = basket._items
    with pytest.raises(TypeError):
        remote(1, 2)


def travels(x: int) -> int:
    return x


travels = RemoteFunction(travels, "math")  # type: ignore[assignment]


def test_it_travels_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(travels)) is travels


def test_a_class_of_its_own_may_derive_from_it() -> None:
    remote: Any = RemoteClass(Basket, "shelf", connect=lambda: Line())  # type: ignore[arg-type, return-value]

    class Larger(remote):  # type: ignore[misc]
        pass

    assert Larger(3).start == 3
