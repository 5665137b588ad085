"""A CPU endpoint feeds a GPU endpoint; the JobOutput of the first is passed to the second as it is."""

import asyncio

from flash_jupyter import CpuInstanceType, GpuGroup, LiveServerless, remote

cpu = LiveServerless(name="preprocessor", instanceIds=[CpuInstanceType.CPU5C_4_8])
gpu = LiveServerless(name="inference", gpus=[GpuGroup.AMPERE_80], workersMax=2, idleTimeout=300)
SCALE = 10


@remote(resource_config=cpu)
async def clean(rows):
    return [row * SCALE for row in rows if row is not None]


@remote(resource_config=gpu)
async def score(rows):
    return {"total": sum(rows)}


async def pipeline(rows):
    return await score(await clean(rows))


async def main():
    job = await pipeline([1, None, 2])
    print(job.output)


if __name__ == "__main__":
    asyncio.run(main())
