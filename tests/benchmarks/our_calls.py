"""`python our_calls.py CALLS ROUNDS`: prints the seconds of each round of so many parallel calls, as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from flash_jupyter import CpuLiveServerless, remote


@remote(resource_config=CpuLiveServerless(name="calls-ours", workersMax=1))
async def add(i: int) -> int:
    return i + 1


async def main(calls: int, rounds: int) -> list[float]:
    """Call until everything is warm, then so many rounds."""
    await asyncio.gather(*(add(i) for i in range(10)))
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        jobs = await asyncio.gather(*(add(i) for i in range(calls)))
        seconds.append(time.perf_counter() - started)
        assert [job.output for job in jobs] == list(range(1, calls + 1))
    return seconds


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))))
