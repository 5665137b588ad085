"""`python flash_calls.py CALLS ROUNDS`, for any `runpod-flash`: prints the seconds of each round, as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from runpod_flash import CpuLiveServerless, remote


@remote(resource_config=CpuLiveServerless(name="calls-theirs", workersMax=1))
async def add(i):
    return i + 1


async def main(calls: int, rounds: int) -> list[float]:
    """Call until everything is warm, then so many rounds."""
    await asyncio.gather(*(add(i) for i in range(10)))
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        sums = await asyncio.gather(*(add(i) for i in range(calls)))
        seconds.append(time.perf_counter() - started)
        assert sums == list(range(1, calls + 1))
    return seconds


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))))
