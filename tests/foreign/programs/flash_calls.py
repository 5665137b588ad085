"""`python flash_calls.py CALLS`, for any `runpod-flash`: for each line of its input it prints the seconds of so many calls."""

from __future__ import annotations

import asyncio
import sys
import time

from runpod_flash import CpuLiveServerless, remote


@remote(resource_config=CpuLiveServerless(name="calls-theirs", workersMax=1))
async def add(i):
    return i + 1


async def main(calls: int) -> None:
    """Call until everything is warm, then a round of calls for each line that comes in."""
    await asyncio.gather(*(add(i) for i in range(10)))
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        sums = await asyncio.gather(*(add(i) for i in range(calls)))
        seconds = time.perf_counter() - started
        assert sums == list(range(1, calls + 1))
        print(f"seconds {seconds}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
