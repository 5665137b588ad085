"""Calls in a worker as the stock image has it: a new executor and an empty namespace for every request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from calls import Caller, local_module, method, request
from cells import WorkerProcess

from flash_jupyter.worker.calls import run_alone
from flash_jupyter.worker.modules import Silent, StandIn

Leave = Callable[[list[str]], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess()
    yield process
    process.close()


@pytest.fixture
def call(worker: WorkerProcess) -> Caller:
    return Caller(worker)


def test_a_function_runs_with_its_closure(call: Caller) -> None:
    source = "K = 3\ndef helper(x): return x * K\nasync def f(x, *, y): return helper(x) + y"
    assert call(request(source, "f", 2, y=1)).value == 7
    assert call.order["status"] == "ok"


def test_an_exception_comes_home_with_its_frames(call: Caller) -> None:
    outcome = call(request("def g(): return {}['k']\ndef f(): return g()", "f"))
    assert outcome.failure is not None
    assert outcome.failure.message == "KeyError: 'k'"
    assert isinstance(outcome.failure, KeyError)
    assert [frame["name"] for frame in call.order["error"]["frames"]] == ["f", "g"]


def test_an_instance_outlives_its_request(call: Caller) -> None:
    base = request(
        "class C:\n    def __init__(self, n): self.n = n\n    def add(self, x): self.n += x; return self.n", "C"
    )
    assert call(method(base, "add", "c-1", ((10,), {}), 1)).value == 11
    assert call.order["instance"] is True
    assert call(method(base, "add", "c-1", None, 5)).value == 16
    assert call(method(base, "add", "c-2", ((0,), {}), 5)).value == 5


def test_an_instance_that_is_not_there_is_not_made(call: Caller) -> None:
    base = request("class C:\n    def f(self): return 1", "C")
    call(method(base, "f", "c-9", None))
    assert call.order["status"] == "lost"


def test_coroutines_of_an_instance_keep_their_loop(call: Caller) -> None:
    source = """
        import asyncio
        class C:
            async def start(self):
                self.future = asyncio.get_running_loop().create_future()
                asyncio.get_running_loop().call_soon(self.future.set_result, 7)
            async def end(self): return await self.future
    """
    base = request(source, "C")
    call(method(base, "start", "c-loop", ((), {})))
    assert call(method(base, "end", "c-loop", None)).value == 7


async def _loop() -> asyncio.AbstractEventLoop:
    task = asyncio.current_task()
    assert task is not None
    assert asyncio.all_tasks() == {task}
    await asyncio.sleep(0.001)
    return asyncio.get_running_loop()


def test_coroutines_that_leave_nothing_follow_each_other_on_one_loop() -> None:
    assert run_alone(_loop()) is run_alone(_loop())


async def _leave_a_task(seen: list[str]) -> None:
    async def endless() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            seen.append("task cancelled")

    asyncio.get_running_loop().keep = asyncio.ensure_future(endless())  # type: ignore[attr-defined]
    await asyncio.sleep(0)


async def _leave_a_timer(seen: list[str]) -> None:
    asyncio.get_running_loop().call_later(3600, seen.append, "a timer of the call before")


async def _leave_a_generator(seen: list[str]) -> None:
    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            seen.append("generator closed")

    asyncio.get_running_loop().keep = generator = numbers()  # type: ignore[attr-defined]
    assert await generator.__anext__() == 1


async def _leave_a_thread(seen: list[str]) -> None:
    asyncio.get_running_loop().run_in_executor(None, seen.append, "thread joined")


async def _leave_a_setting(seen: list[str]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)


async def _fail_with_a_task(seen: list[str]) -> None:
    await _leave_a_task(seen)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("leave", "ends_with"),
    [
        pytest.param(_leave_a_task, ["task cancelled"], id="a task is cancelled"),
        pytest.param(_fail_with_a_task, ["task cancelled"], id="a task is cancelled after an interrupt"),
        pytest.param(_leave_a_timer, [], id="a timer never comes"),
        pytest.param(_leave_a_generator, ["generator closed"], id="a generator is closed"),
        pytest.param(_leave_a_thread, ["thread joined"], id="the threads are joined"),
        pytest.param(_leave_a_setting, [], id="a setting of the loop goes with it"),
    ],
)
def test_what_a_coroutine_leaves_in_its_loop_ends_with_it(leave: Leave, ends_with: list[str]) -> None:
    seen: list[str] = []
    loop = run_alone(_loop())
    with contextlib.suppress(KeyboardInterrupt):
        run_alone(leave(seen))
    assert (seen, loop.is_closed()) == (ends_with, True)
    assert run_alone(_loop()) is not loop
    assert seen == ends_with


def test_a_member_of_a_local_module_is_imported_there(call: Caller, tmp_path: Path) -> None:
    with local_module(tmp_path) as base:
        outcomes = [call(base), call(base)]
    assert [(outcome.value, outcome.failure) for outcome in outcomes] == [(1, None), (2, None)]


def test_what_stands_in_for_our_package_runs_functions_where_they_are() -> None:
    package = StandIn("flash_jupyter")
    config = package.LiveServerless(name="x", gpus=[package.GpuGroup.AMPERE_80])
    assert isinstance(config, Silent)
    plain = package.remote(lambda x: x + 1)
    decorated = package.remote(resource_config=config, dependencies=["numpy"])(lambda x: x + 1)
    assert [plain.remote(1).output, decorated.remote(2).result(), decorated.local(3)] == [2, 3, 4]
    assert package.remote(config)(Path) is Path
    api = package.Endpoint("api", cpu="cpu3c-1-2")
    price, whole = api.post("/price")(lambda x: x + 1), package.Endpoint()(lambda x: x + 1)
    assert [price.local(1), whole.remote(2).output, api(Path) is Path] == [2, 3, True]
