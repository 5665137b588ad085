"""A client made with the released `runpod` SDK; run in its environment as `python sdk_client.py STORY ENDPOINT...`.

Prints one JSON line for each thing that it saw. Keys and addresses come from the environment, as `flash local env` says.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

import aiohttp
import runpod


def tell(what: str, seen: Any) -> None:
    print(json.dumps([what, seen]), flush=True)


def wait_until(job: Any, *states: str) -> str:
    deadline = time.monotonic() + 60
    while (state := job.status()) not in states:
        assert time.monotonic() < deadline, state
        time.sleep(0.05)
    return state


def wait_until_asleep(job: Any) -> None:
    """Wait for the handler's progress: 1.12 can't stop a job that it has taken and not yet begun."""
    deadline = time.monotonic() + 60
    while job.output() != {"step": "asleep"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def run(worker: str) -> None:
    endpoint = runpod.Endpoint(worker)
    job = endpoint.run({"do": "return", "value": {"sum": 3}})
    tell("output", job.output(timeout=60))
    tell("status", job.status())
    tell("wrapped already", endpoint.run({"input": {"do": "return", "value": 1}}).output(timeout=60))
    failed = endpoint.run({"do": "raise"})
    tell("status of a failure", wait_until(failed, "FAILED"))
    tell("output of a failure", failed.output())
    tell("keys of the job", endpoint.run({"do": "keys"}).output(timeout=60))


def run_sync(worker: str) -> None:
    endpoint = runpod.Endpoint(worker)
    tell("output", endpoint.run_sync({"do": "return", "value": [1, None]}, timeout=60))
    tell("output of a failure", endpoint.run_sync({"do": "raise"}, timeout=60))


def cancel(worker: str) -> None:
    endpoint = runpod.Endpoint(worker)
    job = endpoint.run({"do": "sleep", "seconds": 60, "name": "first"})
    wait_until_asleep(job)
    waiting = endpoint.run({"do": "sleep", "seconds": 60, "name": "second"})
    tell("status of the second", waiting.status())
    for name, each in (("second", waiting), ("first", job)):
        answer = each.cancel()
        tell(f"cancel the {name}", {**answer, "id": answer["id"] == each.job_id})
        tell(f"status of the {name}", each.status())
    tell("stopped in the worker", endpoint.run({"do": "stopped"}).output(timeout=60))


def stream(worker: str) -> None:
    endpoint = runpod.Endpoint(worker)
    job = endpoint.run({"count": 4, "pause": 0.7})
    started, seen, times = time.monotonic(), [], []
    for item in job.stream():
        seen.append(item)
        times.append(time.monotonic() - started)
    tell("items", seen)
    tell("came one after the other", times[-1] - times[0] > 1)
    tell("status", job.status())
    tell("output", job.output())


def health(worker: str) -> None:
    tell("health", runpod.Endpoint(worker).health())


def purge(worker: str) -> None:
    endpoint = runpod.Endpoint(worker)
    running = endpoint.run({"do": "sleep", "seconds": 60, "name": "running"})
    wait_until_asleep(running)
    queued = [endpoint.run({"do": "return", "value": number}) for number in range(3)]
    tell("purge", endpoint.purge_queue())
    tell("queued", [job.status() for job in queued])
    tell("running", running.status())
    running.cancel()


def refused(worker: str) -> None:
    for what, endpoint in (
        ("another key", runpod.Endpoint(worker, api_key="another")),
        ("no such endpoint", runpod.Endpoint("nosuchendpoint")),
    ):
        try:
            endpoint.run({"do": "keys"})
        except Exception as error:  # the SDK raises what it likes
            tell(what, f"{type(error).__name__}: {error}".replace(runpod.endpoint_url_base, "{base}"))


async def asynchronous(worker: str) -> None:
    async with aiohttp.ClientSession() as session:
        endpoint = runpod.AsyncioEndpoint(worker, session)
        jobs = await asyncio.gather(*(endpoint.run({"do": "return", "value": number}) for number in range(3)))
        tell("outputs", [await job.output(timeout=60) for job in jobs])
        tell("status", await jobs[0].status())
        tell("health", sorted(await endpoint.health()))
        job = await endpoint.run({"do": "sleep", "seconds": 60, "name": "async"})
        while await job.status() != "IN_PROGRESS":
            await asyncio.sleep(0.05)
        tell("cancel", (await job.cancel())["status"])


if __name__ == "__main__":
    runpod.api_key = os.environ["RUNPOD_API_KEY"]  # the documented way: the SDK does not read it by itself
    story = globals()[sys.argv[1]]
    asyncio.run(story(*sys.argv[2:])) if asyncio.iscoroutinefunction(story) else story(*sys.argv[2:])
