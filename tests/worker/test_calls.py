"""Calls in a worker as the stock image has it: a new executor and an empty namespace for every request."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

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


class Counting(asyncio.DefaultEventLoopPolicy):
    """Makes the loops that Python makes, and counts them."""

    made = 0

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        self.made += 1
        return super().new_event_loop()


@pytest.fixture
def policy() -> Iterator[Counting]:
    policy = Counting()
    asyncio.set_event_loop_policy(policy)
    yield policy
    asyncio.set_event_loop_policy(None)


def test_a_loop_that_nobody_can_tell_from_a_new_one_is_used_again(policy: Counting) -> None:
    async def use() -> bool:
        assert asyncio.get_running_loop() is asyncio.get_event_loop()
        await asyncio.gather(asyncio.sleep(0.001), asyncio.wait_for(asyncio.sleep(0), 60))
        return asyncio.get_running_loop().get_debug()

    assert [run_on_new_loop(use()) for _ in range(5)] == [False] * 5
    assert policy.made == 1


async def done() -> None:
    """Nothing is to be done."""


def again(loop: asyncio.AbstractEventLoop) -> None:
    """Never come to an end."""
    loop.call_soon(again, loop)


def watch(loop: asyncio.AbstractEventLoop, kept: list[Any]) -> None:
    """Wait for something to be read."""
    kept.extend(socket.socketpair())
    loop.add_reader(kept[0], int)


async def count(kept: list[Any]) -> AsyncIterator[int]:
    """Say when it is closed."""
    try:
        yield 1
    finally:
        kept.append("closed")


async def begin(kept: list[Any]) -> None:
    """Ask a generator for its first piece only."""
    kept.append(count(kept))
    await anext(kept[0])


Leave = Callable[[asyncio.AbstractEventLoop, list[Any]], object]
#: what a run does with its loop, and what it keeps
LEFT: list[tuple[str, Leave]] = [
    ("the loop itself", lambda loop, kept: kept.append(loop)),
    ("a task that is done", lambda loop, kept: kept.append(loop.create_task(done()))),
    ("a weak reference to the loop", lambda loop, kept: kept.append(weakref.ref(loop))),
    ("a task that waits", lambda loop, kept: loop.create_task(asyncio.sleep(60))),
    ("a timer", lambda loop, kept: loop.call_later(60, kept.append, "late")),
    ("a callback", lambda loop, kept: again(loop)),
    ("a generator that is not at its end", lambda loop, kept: loop.create_task(begin(kept))),
    ("another exception handler", lambda loop, kept: loop.set_exception_handler(lambda *_: None)),
    ("debug mode", lambda loop, kept: loop.set_debug(True)),
    ("an attribute", lambda loop, kept: setattr(loop, "mine", 1)),
    ("an executor with threads", lambda loop, kept: loop.run_in_executor(None, int)),
    ("a descriptor that is watched", lambda loop, kept: watch(loop, kept)),
    ("a handler of a signal", lambda loop, kept: loop.add_signal_handler(signal.SIGUSR2, int)),
    ("a variable that another loop has to see", lambda loop, kept: os.environ.update(PYTHONASYNCIODEBUG="1")),
    ("a child process that has its selector too", lambda loop, kept: os.waitpid(os.fork() or os._exit(0), 0)),
]


@pytest.mark.parametrize("leave", [c[1] for c in LEFT], ids=[c[0] for c in LEFT])
def test_of_a_run_that_leaves_something_the_next_one_sees_nothing(
    leave: Leave, policy: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "")  # as it was, afterwards
    kept: list[Any] = []

    async def use() -> None:
        leave(asyncio.get_running_loop(), kept)
        await asyncio.sleep(0.01)

    run_on_new_loop(use())
    run_on_new_loop(done())
    assert policy.made == 2
    assert all(loop.is_closed() for loop in kept if isinstance(loop, asyncio.AbstractEventLoop))
    assert "late" not in kept
    assert not hasattr(kept[0] if kept else None, "asend") or kept[1:] == ["closed"]
    for end in kept:
        if isinstance(end, socket.socket):
            end.close()


def test_another_kind_of_loop_is_made_once_it_is_asked_for(policy: Counting) -> None:
    run_on_new_loop(done())
    other = Counting()
    asyncio.set_event_loop_policy(other)
    run_on_new_loop(done())
    assert (policy.made, other.made) == (1, 1)
