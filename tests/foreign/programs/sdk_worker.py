"""A worker made with the released `runpod` SDK; run in its environment as `python sdk_worker.py KIND`.

The handlers of every kind do what the job's `do` says, so that one table of inputs covers them.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import runpod

#: names of the jobs whose handler was told to stop
stopped: list[str] = []
#: handlers that run now, and the most there ever were
together = {"now": 0, "most": 0}


def at_once(job: dict[str, Any]) -> Any:
    """What needs no waiting."""
    order = job["input"]
    if order["do"] == "return":
        return order["value"]
    if order["do"] == "raise":
        return {}["missing"]
    if order["do"] == "unencodable":
        return {1, 2}
    if order["do"] == "keys":
        return sorted(job)
    if order["do"] == "stopped":
        return stopped
    raise ValueError(f"{order['do']} is not known")


def in_turn(job: dict[str, Any]) -> Any:
    """A sync handler, on the worker's own loop."""
    order = job["input"]
    if order["do"] == "sleep":
        runpod.serverless.progress_update(job, {"step": "asleep"})
        time.sleep(order["seconds"])
        return "slept"
    return at_once(job)


async def side_by_side(job: dict[str, Any]) -> Any:
    """An async handler; one that is stopped remembers it."""
    order = job["input"]
    together["now"] += 1
    together["most"] = max(together.values())
    try:
        if order["do"] == "sleep":
            runpod.serverless.progress_update(job, {"step": "asleep"})
            await asyncio.sleep(order["seconds"])
            return "slept"
        if order["do"] == "gather":
            deadline = time.monotonic() + order["seconds"]
            while together["most"] < order["count"] and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
            return together["most"]
        return at_once(job)
    except asyncio.CancelledError:
        stopped.append(order["name"])
        raise
    finally:
        together["now"] -= 1


def items(job: dict[str, Any]) -> Iterator[Any]:
    """A generator."""
    order = job["input"]
    for number in range(order["count"]):
        yield {"token": number}
        time.sleep(order.get("pause", 0))
    if order.get("then") == "raise":
        raise ValueError("no more tokens")
    if order.get("then") == "error":
        yield {"error": "no more tokens"}


async def items_async(job: dict[str, Any]) -> AsyncIterator[Any]:
    """An async generator."""
    for item in items(job):
        yield item


def no_camera() -> None:
    """A fitness check that fails."""
    raise RuntimeError("the camera is not plugged in")


async def late_no_camera() -> None:
    """A preparation that fails when the worker has taken a job; one that fails at once drops the take in flight."""
    await asyncio.sleep(2)
    no_camera()


KINDS: dict[str, dict[str, Any]] = {
    "sync": {"handler": in_turn},
    "async": {"handler": side_by_side},
    "generator": {"handler": items, "return_aggregate_stream": True},
    "generator-alone": {"handler": items},
    "async-generator": {"handler": items_async, "return_aggregate_stream": True},
    "concurrent": {"handler": side_by_side, "concurrency_modifier": lambda _current: 4},
    "refreshing": {"handler": in_turn, "refresh_worker": True},
    "unfit": {"handler": in_turn},
    "unprepared": {"handler": in_turn},
}

if __name__ == "__main__":
    kind = sys.argv.pop()
    if kind == "unfit":
        runpod.serverless.register_fitness_check(no_camera)
    if kind == "unprepared":  # 2.0 only
        runpod.serverless.register_prestart_hook(late_no_camera)
    runpod.serverless.start(KINDS[kind])
