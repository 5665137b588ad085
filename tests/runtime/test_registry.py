"""Which endpoint serves a resource: what the manager said is kept, and longer where it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from flash_jupyter.errors import ManifestError, ManifestServiceUnavailableError
from flash_jupyter.runtime.registry import AGAIN_S, TTL_S, ServiceRegistry
from flash_jupyter.runtime.state import Deployed, changed
from flash_jupyter.transport.http import Clock

OLD, NEW = Deployed("ep1", "https://host/v2/ep1"), Deployed("ep2", "https://host/v2/ep2")
AWAY = ManifestServiceUnavailableError("the platform did not give the manifest")


class Manager:
    """A State Manager: what it will say, one answer after the other, the last one for ever; and a clock."""

    def __init__(self, *answers: Mapping[str, Deployed] | Exception) -> None:
        self._answers = list(answers)
        self.asked = 0
        self.now = 1000.0

    async def __call__(self) -> Mapping[str, Deployed]:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def registry(self, manifest: Mapping[str, Any] | None = None) -> ServiceRegistry:
        return ServiceRegistry(manifest or {}, "env", self, clock=Clock(monotonic=lambda: self.now))


def ask(manager: Manager, work: Callable[[ServiceRegistry], Awaitable[Any]], manifest: Any = None) -> Any:
    async def main() -> Any:
        return await work(manager.registry(manifest))

    return asyncio.run(main())


def test_what_it_said_is_kept_until_its_time_is_over() -> None:
    manager = Manager({"ocr": OLD}, {"ocr": NEW})

    async def work(registry: ServiceRegistry) -> list[Deployed]:
        found = [await registry.endpoint_of("ocr"), await registry.endpoint_of("ocr")]
        manager.now += TTL_S - 1
        found.append(await registry.endpoint_of("ocr"))
        manager.now += 1
        return [*found, await registry.endpoint_of("ocr")]

    assert ask(manager, work) == [OLD, OLD, OLD, NEW]
    assert manager.asked == 2


def test_calls_go_on_with_the_last_known_map_while_it_is_away() -> None:
    manager = Manager({"ocr": OLD}, AWAY, AWAY, {"ocr": NEW})

    async def work(registry: ServiceRegistry) -> list[Deployed]:
        found = [await registry.endpoint_of("ocr")]
        for pause_s in (TTL_S, 1.0, AGAIN_S, AGAIN_S):
            manager.now += pause_s
            found.append(await registry.endpoint_of("ocr"))
        return found

    assert ask(manager, work) == [OLD, OLD, OLD, OLD, NEW]
    assert manager.asked == 4


def test_a_manager_that_does_not_answer_is_not_waited_for_where_something_is_known() -> None:
    """It answers only after the call has its endpoint: waiting for it would hang this test."""
    has_endpoint = asyncio.Event()

    async def slow() -> Mapping[str, Deployed]:
        await has_endpoint.wait()
        return {"ocr": NEW}

    async def work() -> list[Deployed]:
        registry = ServiceRegistry(changed({}, "env", "ocr", OLD), "env", slow)
        first = await registry.endpoint_of("ocr")
        has_endpoint.set()
        while (second := await registry.endpoint_of("ocr")) == OLD:
            await asyncio.sleep(0.01)
        return [first, second]

    assert asyncio.run(asyncio.wait_for(work(), 60)) == [OLD, NEW]


def test_without_a_map_its_absence_is_the_error() -> None:
    with pytest.raises(ManifestServiceUnavailableError) as caught:
        ask(Manager(AWAY), lambda registry: registry.endpoint_of("ocr"))
    assert caught.value is AWAY


def test_a_resource_that_nobody_serves_is_said() -> None:
    with pytest.raises(ManifestError) as caught:
        ask(Manager({}), lambda registry: registry.endpoint_of("ocr"))
    assert str(caught.value) == (
        "no endpoint of this environment serves the resource ocr\n  → deploy again: flash deploy send"
    )


def test_the_map_of_the_bundle_itself_counts_while_the_manager_is_away() -> None:
    found = ask(Manager(AWAY), lambda registry: registry.endpoint_of("ocr"), changed({}, "env", "ocr", OLD))
    assert found == OLD


def test_many_calls_at_once_ask_once() -> None:
    manager = Manager({"ocr": OLD})

    async def work(registry: ServiceRegistry) -> list[Deployed]:
        return await asyncio.gather(*(registry.endpoint_of("ocr") for _ in range(5)))

    assert ask(manager, work) == [OLD] * 5
    assert manager.asked == 1


def test_a_successor_is_found_and_the_same_again_is_none() -> None:
    async def work(registry: ServiceRegistry) -> list[Deployed | None]:
        await registry.endpoint_of("ocr")
        return [await registry.moved("ocr", OLD), await registry.moved("ocr", NEW)]

    assert ask(Manager({"ocr": OLD}, {"ocr": NEW}), work) == [NEW, None]
