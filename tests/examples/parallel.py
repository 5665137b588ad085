"""Fan-out with asyncio.gather, and an error that does not take the others with it."""

import asyncio

from flash_jupyter import CpuLiveServerless, RemoteExecutionError, remote

workers = CpuLiveServerless(name="squares", workersMax=5)


@remote(resource_config=workers)
def square(n):
    if n < 0:
        raise ValueError(f"negative: {n}")
    return n * n


async def main():
    jobs = await asyncio.gather(*(square(n) for n in [1, 2, -3, 4]))
    for job in jobs:
        print(job.status, job.output, job.error)
    try:
        jobs[2].result()
    except RemoteExecutionError as error:
        print("raised:", error)


if __name__ == "__main__":
    asyncio.run(main())
