"""`python our_calls.py CALLS`: for each line of its input it prints the seconds of so many parallel calls."""

from __future__ import annotations

import asyncio
import sys
import time

from flash_jupyter import CpuLiveServerless, remote


@remote(resource_config=CpuLiveServerless(name="calls-ours", workersMax=1))
async def add(i: int) -> int:
    return i + 1


async def main(calls: int) -> None:
    """Call until everything is warm, then a round of calls for each line that comes in."""
    await asyncio.gather(*(add(i) for i in range(10)))
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        jobs = await asyncio.gather(*(add(i) for i in range(calls)))
        seconds = time.perf_counter() - started
        assert [job.output for job in jobs] == list(range(1, calls + 1))
        print(f"seconds {seconds}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
