"""`Endpoint` of `runpod-flash` 1.21; run as `python flash_endpoint.py STORY [ID]`.

As client of an endpoint that is there, and as decorator of a function.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from runpod_flash import Endpoint


def tell(what: str, seen: Any) -> None:
    print(json.dumps([what, seen]), flush=True)


@Endpoint(name="decorated", cpu="cpu3g-2-8", workers=(0, 2), env={"COLOUR": "red"})
async def look(x):
    import os

    return [x, os.environ["COLOUR"]]


async def client(endpoint_id: str) -> None:
    endpoint = Endpoint(id=endpoint_id)
    job = await endpoint.run({"do": "return", "value": {"sum": 3}})
    await job.wait(timeout=60)
    tell("run", [job.done, job.output, job.error])
    tell("status", await job.status())
    job = await endpoint.runsync({"do": "return", "value": [1]})
    tell("runsync", [job.done, job.output])
    job = await (await endpoint.run({"do": "raise"})).wait(timeout=60)
    tell("failure", [await job.status(), json.loads(job.error)["error_message"]])
    job = await endpoint.run({"do": "sleep", "seconds": 60, "name": "mine"})
    await job.cancel()
    tell("cancel", [job.done, await job.status()])


async def decorator() -> None:
    tell("decorated", await look(1))


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
