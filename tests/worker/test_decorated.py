"""`@remote` on a worker of a bundle: our own functions run here, directly; another resource's say where they are."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from flash_jupyter.errors import FlashError
from flash_jupyter.worker.current import serving
from flash_jupyter.worker.decorated import bare, decorate, remote
from flash_jupyter.worker.described import CpuLiveServerless, LiveServerless

config = LiveServerless(name="gpu", gpus=["AMPERE_80"])


@remote(config, dependencies=["numpy"])
def double(x: int) -> int:
    return 2 * x


@remote(config)
async def pipeline(x: int) -> Any:
    output = await double(x)
    return [output.status, output.output, double.remote(x).output, double.local(x)]


@remote
class Counter:
    def add(self) -> int:
        return 1


@remote(config, method="POST", path="/half")
def half(x: float) -> float:
    return x / 2


@remote(config, method="POST", path="/quarter")
async def quarter(x: float) -> float:
    first: float = await half(x)
    return float(half.remote(first))


def test_the_worker_s_own_call_gives_the_value() -> None:
    assert double(3) == 6
    assert not inspect.iscoroutinefunction(double)
    assert inspect.iscoroutinefunction(pipeline)
    assert list(inspect.signature(double).parameters) == ["x"]


def test_a_call_inside_of_another_gives_what_it_gives_at_home() -> None:
    assert asyncio.run(pipeline(3)) == ["COMPLETED", 6, 6, 6]


def test_a_route_that_is_called_gives_its_value() -> None:
    assert asyncio.run(quarter(8.0)) == 2.0


def test_a_job_of_a_method_is_the_outermost_call() -> None:
    async def method() -> Any:
        with serving():
            return await double(4)

    assert asyncio.run(method()).output == 8


def test_a_class_stays_what_it_is() -> None:
    assert Counter().add() == 1


def test_what_the_handler_serves_is_the_function_itself() -> None:
    assert bare(double).__code__.co_name == "double"
    assert bare(double) is not double
    assert bare(Counter) is Counter


class Reader:
    def read(self) -> str:
        return "read"


OTHERS = {
    "a function": (lambda: decorate(bare(double), other="big")(1), "double"),
    "a function, synchronously": (lambda: decorate(bare(double), other="big").remote(1), "double"),
    "a method": (lambda: decorate(Reader, other="big")().read(), "Reader.read"),
}


@pytest.mark.parametrize(("call", "name"), OTHERS.values(), ids=OTHERS.keys())
def test_what_another_resource_serves_says_so_when_it_is_called(call: Any, name: str) -> None:
    with pytest.raises(FlashError) as raised:
        call()
    assert str(raised.value) == (
        f"{name} is served by the resource big, and a deployed function can't call another resource\n"
        "  → send its endpoint a request, or give both the same resource"
    )


def test_what_another_resource_serves_can_be_used_here_where_that_is_said() -> None:
    other = decorate(Reader, other="big")
    assert other.local().read() == "read"

    class Better(other):  # type: ignore[misc, valid-type]
        pass

    assert Better().read() == "read"


def test_a_description_holds_what_was_said_and_nothing_else() -> None:
    made = CpuLiveServerless(name="a", env={"X": "1"})
    assert (made.name, repr(made)) == ("a", "CpuLiveServerless(name='a', env={'X': '1'})")
    with pytest.raises(AttributeError, match="gpus of this CpuLiveServerless was not given"):
        _ = made.gpus
