"""A deployed handler: plain JSON callers and Python callers, functions and classes."""

from __future__ import annotations

import asyncio
import base64
import threading
from typing import Any

import cloudpickle
import pytest

from flash_jupyter.worker.handler import BadInput, create_handler


def add(a: int, b: int = 2) -> int:
    return a + b


async def later(text: str) -> str:
    await asyncio.sleep(0)
    return text.upper()


class Counter:
    """One instance a worker; made without arguments for plain callers."""

    def __init__(self, start: int = 0) -> None:
        self.value = start

    def count(self, step: int = 1) -> int:
        self.value += step
        return self.value

    def reset(self) -> None:
        self.value = 0


def ask(registry: dict[str, Any], *inputs: Any) -> list[Any]:
    """Send jobs to one handler."""

    async def send() -> list[Any]:
        handler = create_handler(registry)
        return [await handler({"id": "j", "input": given}) for given in inputs]

    return asyncio.run(send())


def pickled(value: Any) -> str:
    return base64.b64encode(cloudpickle.dumps(value)).decode()


def request(name: str, *args: Any, **named: Any) -> dict[str, Any]:
    """A FunctionRequest as released clients send it, without code."""
    return {
        "function_name": name,
        "execution_type": "function",
        "args": [pickled(value) for value in args],
        "kwargs": {key: pickled(value) for key, value in named.items()},
    }


PLAIN: dict[str, tuple[dict[str, Any], dict[str, Any], Any]] = {
    "arguments by name": ({"add": add}, {"a": 1, "b": 3}, 4),
    "defaults": ({"add": add}, {"a": 1}, 3),
    "an async function": ({"later": later}, {"text": "x"}, "X"),
    "one of several": ({"add": add, "later": later}, {"function": "later", "text": "y"}, "Y"),
    "a method of a class": ({"Counter": Counter}, {"method": "count", "step": 5}, 5),
    "no arguments, as released clients write it": ({"f": lambda: 7}, {"__empty": True}, 7),
}


@pytest.mark.parametrize(("registry", "given", "answer"), PLAIN.values(), ids=PLAIN.keys())
def test_a_plain_caller_gets_the_value(registry: dict[str, Any], given: dict[str, Any], answer: Any) -> None:
    assert ask(registry, given) == [answer]


def test_an_instance_lives_on_between_plain_calls() -> None:
    assert ask({"Counter": Counter}, *[{"method": "count"}] * 3) == [1, 2, 3]


def test_an_instance_that_many_jobs_ask_for_at_once_is_made_once() -> None:
    made = []

    class Slow:
        def __init__(self) -> None:
            made.append(self)

        def me(self) -> int:
            return id(self)

    async def send() -> list[Any]:
        handler = create_handler({"Slow": Slow})
        return list(await asyncio.gather(*(handler({"input": {}}) for _ in range(8))))

    assert len(set(asyncio.run(send()))) == len(made) == 1


WRONG: dict[str, tuple[dict[str, Any], Any, str]] = {
    "no object": ({"add": add}, [1], "the input must be an object with the arguments, not list"),
    "nothing": ({"add": add}, None, "the input must be an object with the arguments, not NoneType"),
    "an argument that is missing": ({"add": add}, {}, "add: missing a required argument: 'a'"),
    "an argument too many": ({"add": add}, {"a": 1, "c": 2}, "add: got an unexpected keyword argument 'c'"),
    "which of several": ({"add": add, "later": later}, {"a": 1}, "the input needs 'function': one of add, later"),
    "another function": (
        {"add": add, "later": later},
        {"function": "sub"},
        "there is no function 'sub' here; there are add, later",
    ),
    "another method": ({"C": Counter}, {"method": "up"}, "C has no method 'up'; it has count, reset"),
    "a result that JSON can't hold": (
        {"f": lambda: {1, 2}},
        {},
        (
            "the result is a set, which JSON can't hold (Object of type set is not JSON serializable); "
            "return numbers, texts, lists and dicts, or call it from Python"
        ),
    ),
}


@pytest.mark.parametrize(("registry", "given", "text"), WRONG.values(), ids=WRONG.keys())
def test_a_plain_job_that_does_not_fit_fails_with_what_would(registry: dict[str, Any], given: Any, text: str) -> None:
    with pytest.raises(BadInput) as raised:
        ask(registry, given)
    assert str(raised.value) == text


def test_an_exception_fails_a_plain_job() -> None:
    with pytest.raises(ZeroDivisionError):
        ask({"f": lambda: 1 / 0}, {})


def test_a_python_caller_gets_a_function_response() -> None:
    (answer,) = ask({"add": add, "later": later}, request("add", 1, b=4))
    assert answer["success"] is True
    assert cloudpickle.loads(base64.b64decode(answer["result"])) == 5


def test_a_python_caller_may_ask_for_json() -> None:
    asked = {"function_name": "add", "execution_type": "function", "args": [1, 2], "serialization_format": "json"}
    assert ask({"add": add}, asked) == [{"success": True, "json_result": 3}]


def test_the_instance_of_a_python_caller_lives_on() -> None:
    asked = {
        "execution_type": "class",
        "class_name": "Counter",
        "instance_id": "Counter_1",
        "create_new_instance": False,
        "constructor_args": [pickled(10)],
        "method_name": "count",
    }
    first, second = ask({"Counter": Counter}, asked, asked)
    assert [cloudpickle.loads(base64.b64decode(answer["result"])) for answer in (first, second)] == [11, 12]
    assert first["instance_id"] == "Counter_1"


FAILURES = {
    "an exception of the function": (request("add", "x"), 'can only concatenate str (not "int") to str'),
    "another function": (request("sub"), "there is no function 'sub' here; there are add"),
    "what is no pickle": (
        {"function_name": "add", "execution_type": "function", "args": ["!"]},
        "an argument can't be unpickled here: EOFError: Ran out of input",
    ),
}


@pytest.mark.parametrize(("asked", "text"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_of_a_python_caller_is_in_the_response(asked: dict[str, Any], text: str) -> None:
    (answer,) = ask({"add": add}, asked)
    assert answer["success"] is False
    assert answer["error"] == text
    assert answer["traceback"].startswith("Traceback (most recent call last):")


def test_functions_that_are_not_async_do_not_hold_each_other_up() -> None:
    async def send() -> list[Any]:
        meeting = asyncio.Barrier(2) if hasattr(asyncio, "Barrier") else None
        loop = asyncio.get_running_loop()

        def meet() -> bool:
            if meeting is None:
                return True
            asyncio.run_coroutine_threadsafe(meeting.wait(), loop).result(60)
            return True

        handler = create_handler({"meet": meet})
        return list(await asyncio.gather(*(handler({"input": {}}) for _ in range(2))))

    assert asyncio.run(send()) == [True, True]


def test_who_takes_a_whole_failure_gets_one_that_does_not_fail_the_job() -> None:
    """The SDK's worker lets a job fail whose answer has an `error`, and keeps nothing else of it."""

    def refuse() -> None:
        raise KeyError("tea")

    plain, whole = ask({"refuse": refuse}, request("refuse"), {**request("refuse"), "failure_format": "report"})
    assert plain["error"] == "'tea'"
    assert "error" not in whole
    assert (whole["success"], whole["failure"]["report"]["type"]) == (False, "KeyError")
    kind, args, _ = cloudpickle.loads(base64.b64decode(whole["failure"]["exception"]))
    assert (kind, args) == (KeyError, ("tea",))


def test_a_cancelled_call_waits_for_its_thread_which_nobody_can_stop() -> None:
    ended, begun = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        ended.wait(60)

    async def cancel() -> bool:
        job = asyncio.ensure_future(create_handler({"work": work})({"id": "j", "input": {}}))
        await asyncio.to_thread(begun.wait, 60)
        job.cancel()
        await asyncio.wait({job}, timeout=0.2)
        was_running = not job.done()
        ended.set()
        with pytest.raises(asyncio.CancelledError):
            await job
        return was_running

    assert asyncio.run(cancel())
