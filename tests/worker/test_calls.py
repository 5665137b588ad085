"""Calls in a worker as the stock image has it: a new executor and an empty namespace for every request."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from calls import Caller, local_module, method, request
from cells import WorkerProcess

from flash_jupyter.worker.calls import run_on_new_loop
from flash_jupyter.worker.modules import Silent, StandIn


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


def test_a_task_that_is_left_is_cancelled_and_what_the_loop_holds_is_closed() -> None:
    closed: list[str] = []

    async def pieces() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append("generator")

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            closed.append("task")

    generator = pieces()

    async def start() -> int:
        closed.append("")
        left.append(asyncio.create_task(wait()))
        await asyncio.to_thread(closed.clear)
        return await anext(generator)

    left: list[asyncio.Task[None]] = []
    assert run_on_new_loop(start()) == 1
    assert closed == ["task", "generator"]
    assert left[0].get_loop().is_closed()


def test_an_interrupt_while_a_coroutine_waits_ends_it_in_its_own_time() -> None:
    ended: list[str] = []

    async def wait() -> None:
        asyncio.get_running_loop().call_later(0.05, signal.raise_signal, signal.SIGINT)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append("here")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            run_on_new_loop(wait())
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended == ["here"]
