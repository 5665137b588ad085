"""A class of the released `runpod-flash`; run in its environment as `python flash_classes.py`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from runpod_flash import CpuLiveServerless, remote


def tell(what: str, seen: Any) -> None:
    print(json.dumps([what, seen]), flush=True)


@remote(resource_config=CpuLiveServerless(name="classes", workersMax=1))
class Counter:
    def __init__(self, start, step=1):
        self.value, self.step = start, step

    def add(self, times=1):
        self.value += self.step * times
        return self.value

    async def later(self, seconds):
        import asyncio

        await asyncio.sleep(seconds)
        return self.value

    def fail(self):
        raise LookupError("not in here")


async def failure(call: Any) -> list[str]:
    try:
        await call
    except Exception as error:
        return [type(error).__name__, str(error).splitlines()[0]]
    return []


async def main() -> None:
    counter, other = Counter(10, step=2), Counter(100)
    tell("methods", [await counter.add(), await counter.add(times=3)])
    tell("an async method", await counter.later(0.01))
    tell("another instance", await other.add())
    tell("the first again", await counter.add(0))
    tell("a method that raises", await failure(counter.fail()))
    tell("a method that is not there", await failure(counter.nothing()))
    tell("and the instance lives on", await counter.add(0))


if __name__ == "__main__":
    asyncio.run(main())
